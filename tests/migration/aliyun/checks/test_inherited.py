"""What the cluster is said to inherit is compared once it is there, and again at the gate before the switch."""

from __future__ import annotations

import contextlib

import pytest

from migration.aliyun.checks.compared import BY_VERSION
from migration.check import Route
from migration.decisions import Choice, Decision, decide
from migration.gatekeeper import Cancelled, Gatekeeper
from migration.inbox import Inbox
from migration.model import Outcome
from migration.runbooks.rds_to_polardb import COMPARED, CUT_OVER, FILL, ONCE_THERE, RUNBOOK
from migration.view import Condition
from providers.aliyun import rds
from tests.migration.aliyun.checks.bench import Bench

ACCOUNTS = "source's accounts are on the target"
WHITELIST = "cluster lets in whom the source does"
SESSIONS = "sessions begin alike"


def unlogged(one: Bench, *statements: str) -> None:
    """Change the instance behind the back of what follows it."""
    session = one.server.connect()
    with contextlib.closing(session):
        session.run("SET SESSION sql_log_bin = 0")
        for statement in statements:
            session.run(statement)


def words(one: Bench) -> dict[str, str]:
    return {finding.check: finding.word for finding in one.m.story().findings()}


def conditions(one: Bench) -> dict[str, Condition]:
    """What holds at the gate before the switch, by the titles of its checks."""
    with contextlib.closing(Inbox(one.m.scribe.journal.path, 0, lambda: False)) as inbox:
        found = Gatekeeper(RUNBOOK, one.m, inbox).conditions(CUT_OVER)
    return {condition.text.partition(":")[0]: condition for condition in found}


def decided(one: Bench, *decisions: Decision) -> None:
    """Hold at the gate while these are decided, then cancel."""
    for decision in (*decisions, Decision(Choice.CANCEL)):
        decide(one.m.scribe.journal.path, decision)
    with contextlib.closing(Inbox(one.m.scribe.journal.path, 0, lambda: False)) as inbox, pytest.raises(Cancelled):
        Gatekeeper(RUNBOOK, one.m, inbox).hold(CUT_OVER)


def test_a_sound_cluster_has_nothing_that_holds_the_switch_up(both: Bench) -> None:
    m, how = both.m, COMPARED.how
    assert how.probe(m).outcome is Outcome.NOT_DONE
    how.apply(m)
    assert how.probe(m).outcome is Outcome.DONE
    found = words(both)
    asked = (*ONCE_THERE, *(check for check in RUNBOOK.checks if check.id in BY_VERSION))
    assert set(found) == {check.id for check in asked if check.severity_on(Route.PHYSICAL) is not None}
    assert {found[check] for check in ("accounts-present", "accounts-alike", "rds-vpc", "dts-two-way")} == {"OK"}
    assert [one.text for one in conditions(both).values() if not one.ok] == []
    # A cluster that is filled anew is looked at anew.
    m.scribe.outcome(FILL.id, Outcome.DONE, "")
    assert how.probe(m).outcome is Outcome.NOT_DONE


def test_what_was_not_carried_over_is_told_and_keeps_the_gate_shut_until_it_is_accepted(both: Bench) -> None:
    unlogged(both, "CREATE USER late@'%' IDENTIFIED BY 'no-secret-1'", "GRANT SELECT ON shop.* TO late@'%'")
    both.server.change("SET GLOBAL tx_isolation = 'READ-COMMITTED'")
    both.account.send(rds.append_to_whitelist(both.account.instance_id, "late", ("203.0.113.7",)))
    try:
        COMPARED.how.apply(both.m)
        found = {finding.check: finding for finding in both.m.story().findings()}
        assert "'late'@'%'" in str(found["accounts-present"].result.evidence)
        assert [found[check].word for check in ("accounts-present", "session-defaults")] == ["WARN", "WARN"]
        gate = conditions(both)
        assert [gate[title].ok for title in (ACCOUNTS, SESSIONS, WHITELIST)] == [False, False, False]
        decided(
            both,
            Decision(Choice.WAIVE, "accounts-present", reason="made on the cluster by hand"),
            Decision(Choice.FIX, "polardb-whitelist"),
        )
        gate = conditions(both)
        assert [gate[title].ok for title in (ACCOUNTS, SESSIONS, WHITELIST)] == [True, False, True]
        assert gate[ACCOUNTS].text.endswith(", accepted")
        assert both.made("polardb:ModifyDBClusterAccessWhitelist") == 1
    finally:
        both.server.change("SET GLOBAL tx_isolation = 'REPEATABLE-READ'")
        unlogged(both, "DROP USER late@'%'")
