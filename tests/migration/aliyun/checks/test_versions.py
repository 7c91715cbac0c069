"""What rests on the cluster's version: judged by the one that was chosen, then by the cluster that came."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from migration.aliyun import mover, purchase
from migration.check import Route
from migration.checks.run import run_check
from migration.decisions import Choice, Decision, decide
from migration.model import Direction
from migration.runbooks.rds_to_polardb import COMPARED, RUNBOOK
from providers.sandbox.aliyun_api.scenario import Scenario
from tests.migration.aliyun.checks.bench import FAST, Bench
from tests.migration.aliyun.checks.conftest import Rent
from tests.migration.aliyun.checks.test_inherited import unlogged

CHECKS = {check.id: check for check in RUNBOOK.checks}
BY_DTS = Scenario(storage_type="cloud_essd", public_address=False, durations=FAST)
# What is planted below, with what is found of it where the cluster is to be 8.0, and the object that is named.
FOUND = {
    "removed-functions": ("FAIL", "shop.secrets"),
    "group-by-order": ("FAIL", "sorted"),
    "removed-variables": ("WARN", "tx_isolation"),
    "reserved-words": ("WARN", "rank"),
    "utf8mb3": ("NOTE", "shop"),
}


@pytest.fixture
def planted(rent: Rent) -> Iterator[Bench]:
    """A source with what 8.0 no longer has, unlogged: a cluster of 8.0 could not take it."""
    one = rent(BY_DTS, Route.LOGICAL, target="mysql-9.7")
    with planted_in(one):
        yield one


@contextlib.contextmanager
def planted_in(one: Bench) -> Iterator[None]:
    unlogged(
        one,
        "CREATE TABLE shop.`rank` (id INT PRIMARY KEY, word VARCHAR(8) CHARACTER SET utf8)",
        "CREATE VIEW shop.secrets AS SELECT DECODE(note, 'key') AS plain FROM shop.orders",
        "CREATE PROCEDURE shop.sorted() SELECT note FROM shop.orders GROUP BY note DESC",
        "SET GLOBAL tx_isolation = 'READ-COMMITTED'",
    )
    try:
        yield
    finally:
        unlogged(
            one,
            "SET GLOBAL tx_isolation = 'REPEATABLE-READ'",
            "DROP PROCEDURE shop.sorted",
            "DROP VIEW shop.secrets",
            "DROP TABLE shop.`rank`",
        )


def found(one: Bench) -> dict[str, str]:
    return {check: run_check(one.pair, CHECKS[check]).word for check in FOUND}


def test_before_the_order_the_chosen_version_is_what_is_judged_by(planted: Bench) -> None:
    assert set(found(planted).values()) == {"-"}
    planted.chose(purchase.VERSION, "8.0")
    for check, (word, named) in FOUND.items():
        finding = run_check(planted.pair, CHECKS[check])
        assert (finding.word, named in str(finding.result.evidence)) == (word, True), finding
    # A switch that is set is not known of a server that is not there.
    (row,) = run_check(planted.pair, CHECKS["removed-variables"]).result.evidence[1:]
    assert row == (
        "tx_isolation", "READ-COMMITTED", "MySQL 8.0.11", "transaction_isolation, which is to be set",
        "transactions see and lock other rows than they did",
    )  # fmt: skip
    planted.chose(purchase.VERSION, "5.6")
    assert set(found(planted).values()) <= {"OK", "-"}


def test_the_clusters_own_version_is_judged_by_once_it_is_there_and_holds_the_gate_until_accepted(rent: Rent) -> None:
    one = rent(BY_DTS, Route.LOGICAL, target="mysql-9.7")
    one.chose(purchase.VERSION, "8.0")
    there = one.ordered().with_server()
    with contextlib.closing(there.m.target), planted_in(there):
        COMPARED.how.apply(there.m)
        told = {finding.check: finding for finding in there.m.story().findings()}
        assert {check: told[check].word for check in FOUND} == {check: word for check, (word, _) in FOUND.items()}
        # MySQL 9.7 warns of a dollar sign; the 8.0 that was foreseen does not, and has nothing to say of its settings.
        assert told["dollar-names"].word == "OK"
        assert told["changed-defaults"].word == "NOTE"
        assert "transaction_isolation = " in str(told["removed-variables"].result.evidence)
        shut = {"target has every function used", "no GROUP BY gives an order"}
        assert shut <= red(there)
        for check in ("removed-functions", "group-by-order"):
            decide(there.m.scribe.journal.path, Decision(Choice.WAIVE, check, reason="nobody uses it any more"))
        assert not shut & red(there)


def red(one: Bench) -> set[str]:
    """The titles of what keeps the writes where they are."""
    conditions = mover.ready(one.m, Direction.CUTOVER)
    return {condition.text.partition(":")[0] for condition in conditions if not condition.ok}
