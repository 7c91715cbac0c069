"""What keeps a switch, a cancellation and a release from doing harm, on the simulated account."""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from typing import Any

import pytest

from migration.aliyun import addresses, close, fill, mover, release, tasks
from migration.aliyun.state import ended, look_for
from migration.check import Route
from migration.cutover.attempt import Aborted, Switchover, plan_switch
from migration.model import Direction, Outcome
from migration.runbook import StepFailed
from migration.runbooks.rds_to_polardb import CONFIRM_RELEASE, CUT_OVER, OBSERVE
from providers.aliyun import polardb
from providers.aliyun.polardb_records import MigrationStatus
from providers.mysql.connection import Connection
from providers.sandbox.aliyun_api.scenario import BusinessTask, Scenario
from providers.sandbox.api.faults import Fault, Kind
from tests.migration.aliyun.checks.bench import FAST, MIGRATION, Bench
from tests.migration.aliyun.checks.conftest import Rent
from tests.migration.checks.lab import account
from tests.support.waiting import until

SWITCH = "polardb:ModifyDBClusterMigration"
TRIAL, MOVE_TASKS = "dts:ModifyDtsJobEndpoint", "polardb:ModifyDBClusterMigrationEndpoint"
BOTH_WRITE: dict[str, Any] = {"RdsReadWriteMode": "rw", "DBClusterReadWriteMode": "rw"}


def attempt(one: Bench) -> Switchover:
    return plan_switch(one.m, len(one.m.story().attempts) + 1, Direction.CUTOVER, "test")


def refused(one: Bench, why: str) -> None:
    """A switch is refused before anybody is asked for it."""
    with pytest.raises(Aborted, match=why):
        mover.switch(one.m, attempt(one))
    assert one.made(SWITCH) == 0


def red(one: Bench, direction: Direction = Direction.CUTOVER) -> list[str]:
    """What is in the way of a move."""
    return [condition.text for condition in mover.ready(one.m, direction) if not condition.ok]


def test_a_switch_wants_a_short_known_delay(both: Bench) -> None:
    for delay, said in (
        (0, ""),
        (4, ""),
        (5, "delay is 5 s, limit 5 s"),
        (60, "delay is 60 s, limit 5 s"),
        (-1, "delay"),
        (None, "delay"),
    ):
        both.heal()
        if delay is None:
            both.alter(MIGRATION, without=("DelayedSeconds",))
        else:
            both.alter(MIGRATION, DelayedSeconds=delay)
        assert [said in words for words in red(both)] == ([True] if said else []), delay
        if said:
            refused(both, "keeps the writes")


def test_two_sides_that_take_writes_stop_everything_and_an_unknown_status_too(both: Bench) -> None:
    both.alter(MIGRATION, **BOTH_WRITE)
    for direction in Direction:
        assert any("BOTH TAKE WRITES" in words for words in red(both, direction))
    refused(both, "BOTH TAKE WRITES")
    both.heal()
    both.alter(MIGRATION, MigrationStatus="RDS2POLARDB_PONDERING")
    (words,) = red(both)
    assert words.endswith("is RDS2POLARDB_PONDERING")
    refused(both, "RDS2POLARDB_PONDERING")


def test_a_failed_precheck_is_given_up_by_abort_and_never_by_close(rent: Rent) -> None:
    before = rent(Scenario(storage_type="cloud_essd", durations=FAST))
    before.server.change("CREATE TRIGGER shop.t BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = 'x'")
    try:
        one = before.ordered(MigrationStatus.PRECHECK_FAILED)
        # The item of DTS with its reason and the provider's remedy, beside the comment.
        with pytest.raises(StepFailed, match="has a trigger"):
            fill.apply(one.m)
        said = [str(record.body) for record in one.m.scribe.journal.records() if "CHECK_TRIGGER" in str(record.body)]
        fill.undo(one.m)
    finally:
        before.server.change("DROP TRIGGER shop.t")
    assert len(said) == 1
    assert re.search(r"DTS: CHECK_TRIGGER: .*has a trigger.* \(.+\)\.", said[0])
    assert [one.made(f"polardb:{name}DBClusterMigration") for name in ("Abort", "Close", "Continue")] == [1, 0, 0]
    assert ended(look_for(one.account, one.m.spec.target.name))
    assert any("DeleteDBCluster" in str(record.body) for record in one.m.scribe.journal.records())


def test_a_source_is_released_only_once_its_migration_was_ended_from_here(both: Bench) -> None:
    m = both.m
    with pytest.raises(StepFailed, match="still part of"):
        release.apply(m)
    cluster = m.spec.target.name
    both.account.send(polardb.close_migration(cluster))
    until(lambda: ended(look_for(both.account, cluster)), "the end", 30)
    with pytest.raises(StepFailed, match="not completed from here"):
        release.apply(m)
    assert both.made("rds:DeleteDBInstance") == 0


def test_a_source_that_no_call_may_release_is_not_asked_for(both: Bench) -> None:
    close.AFTER_ROLLBACK.apply(both.m)
    guarded: tuple[tuple[dict[str, Any], str], ...] = (
        ({"PayType": "Prepaid"}, "prepaid: unsubscribe"),
        ({"DeletionProtection": True}, "protected from deletion"),
    )
    for told, said in guarded:
        both.heal()
        both.told(**told)
        with pytest.raises(StepFailed, match=said):
            release.apply(both.m)
    assert both.made("rds:DeleteDBInstance") == 0


def test_the_gates_tell_the_deadline_the_way_back_and_who_is_connected(both: Bench) -> None:
    m = both.m
    expires = both.found.expires
    assert expires is not None
    assert f"by itself on {expires:%Y-%m-%d at %H:%M} UTC" in CUT_OVER.consequence(m)
    both.alter(MIGRATION, ExpiredTime="")
    assert "does not tell now when it ends" in CUT_OVER.consequence(m)
    assert f"give applications the address of {m.source.name} again" in OBSERVE.consequence(m)
    m.scribe.gate_passed("endpoints", 0, "confirm", addresses.WITH)
    assert "applications keep their address" in OBSERVE.consequence(m)
    assert "No client is connected to it now" in CONFIRM_RELEASE.consequence(m)
    with account(both.server, "shopkeeper", "SELECT ON shop.*") as name, contextlib.ExitStack() as clients:
        for _ in range(2):
            endpoint = replace(both.server.endpoint, account=name)
            clients.enter_context(contextlib.closing(Connection(endpoint)))
        told = CONFIRM_RELEASE.consequence(m)
    assert re.search(r"STILL CONNECTED to it.*: shopkeeper from \S+ \(2\)\. They break", told), told


def test_a_task_that_does_not_run_is_named_and_none_is_moved(rent: Rent) -> None:
    halted = (BusinessTask("to the warehouse"), BusinessTask("to the archive", status="Suspending"))
    with contextlib.ExitStack() as ending:
        one = rent(Scenario(durations=FAST, tasks=halted), Route.PHYSICAL).ordered().with_server()
        ending.callback(one.m.target.close)
        assert tasks.FORWARD.probe(one.m).outcome is Outcome.NOT_DONE
        with pytest.raises(StepFailed, match=r"to the archive.* is Suspending"):
            tasks.FORWARD.apply(one.m)
    assert one.made("polardb:ModifyDBClusterMigrationEndpoint") == 0


def test_dts_is_asked_whether_it_would_move_a_task_and_is_overruled_by_an_operator_only(rent: Rent) -> None:
    with contextlib.ExitStack() as ending:
        scenario = Scenario(durations=FAST, tasks=(BusinessTask("to the warehouse"),))
        one = rent(scenario, Route.PHYSICAL).ordered().with_server()
        ending.callback(one.m.target.close)
        one.account.send(polardb.switch_over(one.m.spec.target.name, one.account.instance_id))
        until(lambda: one.found.status == MigrationStatus.SWITCHED, "the switch", 30)
        one.simulator.faults.add(
            Fault(Kind.INSIDE, TRIAL, None, code="DTS.Msg.Account", message="The account is not known there.")
        )
        for _ in range(2):
            with pytest.raises(StepFailed, match=r"no task was moved \(DTS.Msg.Account: The account") as why:
                tasks.FORWARD.apply(one.m)
        assert one.made(MOVE_TASKS) == 0
        scribe = one.m.scribe
        scribe.gate_opened("retry", title="", question="?", consequence=str(why.value), word="", choices=["confirm"])
        scribe.gate_passed("retry", 0, "confirm")
        tasks.FORWARD.apply(one.m)
        assert (one.made(TRIAL), one.made(MOVE_TASKS)) == (3, 1)
        assert tasks.FORWARD.probe(one.m).outcome is Outcome.DONE
