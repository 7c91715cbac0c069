"""Checks of what can be set only when a server starts: two MariaDB servers, each started in an unusual way."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.checks import activity, binlog, parameters
from migration.model import Limits
from providers.mysql.gtid import GtidSet
from providers.mysql.server import Server
from tests.migration.checks.lab import SHOP, Lab, made, make_lab, session
from tests.support.pairs import Two, running

ENGINE = "mariadb-10.11"


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A source that filters its log and lives far from UTC; a target that logs nothing and lowers names."""
    directory = tmp_path_factory.mktemp("odd")
    with contextlib.ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TZ", "Asia/Kolkata")
            options = {"binlog_ignore_db": "scratch", "log_slave_updates": "0"}
            first = stack.enter_context(running(ENGINE, directory / "source", options=options))
        options = {"skip_log_bin": "1", "lower_case_table_names": "1"}
        second = stack.enter_context(running(ENGINE, directory / "target", name="target", options=options))
        source, target = (stack.enter_context(contextlib.closing(Server(one.endpoint()))) for one in (first, second))
        for statement in SHOP:
            source.change(statement)
        yield make_lab(Two(source, target, GtidSet, (first, second)))


@pytest.fixture
def swapped(odd: Lab) -> Lab:
    return replace(odd, pair=replace(odd.pair, source=odd.target, target=odd.source))


def test_a_binary_log_that_is_off_blocks_on_either_side(odd: Lab, swapped: Lab) -> None:
    finding = odd.find(binlog.binary_log)
    assert finding.blocks
    assert ("target", "log_bin", "OFF") in finding.result.evidence
    assert ("source", "log_bin", "ON") in finding.result.evidence
    finding = swapped.find(binlog.binary_log)
    assert finding.blocks
    assert ("source", "log_bin", "OFF") in finding.result.evidence
    assert ("target", "log_slave_updates", "OFF") in finding.result.evidence


def test_a_target_that_does_not_log_what_it_replicates_blocks(odd: Lab) -> None:
    both_logged = replace(odd, pair=replace(odd.pair, target=odd.source))
    finding = both_logged.find(binlog.binary_log)
    assert (finding.blocks, finding.result.found) == (True, "off: log_slave_updates on the target")


def test_a_log_that_leaves_databases_out_blocks(odd: Lab) -> None:
    finding = odd.find(binlog.filters)
    assert finding.blocks
    assert finding.result.evidence[1] == ("source", "binlog_ignore_db", "scratch")


def test_names_with_capitals_block_where_the_target_lowers_them(odd: Lab) -> None:
    assert odd.word(parameters.lower_case_setting) == "WARN"
    assert odd.word(parameters.lower_case_names) == "OK"
    with made(
        odd.source,
        "CREATE DATABASE Crm",
        "CREATE VIEW Crm.`[Red]` AS SELECT 1 AS a",
        undo="DROP DATABASE Crm",
    ):
        finding = odd.find(parameters.lower_case_names)
    assert finding.blocks
    assert finding.result.evidence[1:] == (("Crm", ""), ("Crm", "[Red]"))


def test_a_transactions_age_is_right_far_from_utc(odd: Lab) -> None:
    with session(odd.source) as client:
        client.run("BEGIN")
        client.run("UPDATE shop.orders SET note = 'x' WHERE id = 1")
        assert odd.word(activity.long_transactions) == "OK"
        finding = odd.find_until("WARN", activity.long_transactions, Limits(fence_s=0.5))
        client.run("ROLLBACK")
    assert 1 <= int(finding.result.evidence[1][3]) < 60
