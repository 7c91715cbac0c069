"""The switch that the provider makes, seen at once, seen late, taken back, and never told of."""

from __future__ import annotations

from typing import Any

import pytest

from migration.aliyun import fill, mover
from migration.aliyun.account import of
from migration.aliyun.follow import ProvidersWord
from migration.carrier import take_up
from migration.cutover.attempt import Aborted
from migration.decisions import Choice
from migration.journal import Kind
from migration.model import Direction
from migration.runbook import CameAbout, CloudFailed
from migration.runbooks.rds_to_polardb import CUT_OVER, OBSERVE
from migration.view import Condition
from providers.aliyun import polardb
from providers.aliyun.polardb_records import MigrationStatus as Status
from providers.sandbox.api.faults import Kind as Trouble
from tests.migration.aliyun.tenant import BEFORE, LOOK, MEANWHILE, SWITCH, Rent, Tenant
from tests.support.waiting import until

BACK: dict[str, Any] = {
    "MigrationStatus": "POLARDB2RDS_SYNCING",
    "RdsReadWriteMode": "ro",
    "DBClusterReadWriteMode": "rw",
}
GATES = {Direction.CUTOVER: CUT_OVER, Direction.ROLLBACK: OBSERVE}
ROLLING: dict[str, Any] = {**MEANWHILE, "MigrationStatus": "ROLLBACK"}


def given_up(one: Tenant, direction: Direction, before: dict[str, Any], meanwhile: dict[str, Any]) -> str:
    """An attempt in which the provider seems to take the move back, and carries it out unseen; why it was given up."""
    one.shows(times=1, skip=1, **meanwhile)
    one.shows(**before)
    number = len(one.m.story().attempts) + 1
    with pytest.raises(Aborted) as aborted:
        mover.switch(one.m, one.attempt(number, direction))
    assert mover.ready(one.m, direction)
    one.simulator.faults.clear()
    return str(aborted.value)


def taken_up(one: Tenant, direction: Direction) -> None:
    """Ask what must hold, as the gate does, until the move is taken up; then settle it as a new runner does."""

    def changed() -> bool:
        try:
            red = [condition.text for condition in mover.ready(one.m, direction) if not condition.ok]
        except CameAbout as late:
            take_up(one.m, GATES[direction], late)
            return True
        # The provider is at it, or this is the moment in which it is taken up.
        assert red
        return False

    until(changed, "a move that is taken up", 30)
    last = one.m.story().attempts[-1]
    assert (last.result, last.past_no_return, last.actor) == ("running", True, "an operator")
    assert mover.settle(one.m, one.attempt(last.number, direction))


def test_a_switch_and_a_rollback_that_are_seen_late_are_taken_up(tenant: Rent) -> None:
    one = tenant()
    cluster = one.following()
    began = one.called(LOOK)
    why = given_up(one, Direction.CUTOVER, BEFORE, MEANWHILE)
    assert "took the switch back: RDS2POLARDB_SYNCING (RDS rw, PolarDB ro" in why
    # One look before the call, one that saw it begin, one that saw it taken back; and one at the gate.
    assert (one.called(LOOK) - began, one.called(SWITCH)) == (4, 1)
    assert one.m.story().attempts[-1].result == "aborted"
    taken_up(one, Direction.CUTOVER)
    view = one.view()
    assert [(attempt.number, attempt.result) for attempt in view.attempts] == [(1, "aborted"), (2, "switched")]
    assert (view.primary, one.called(SWITCH)) == (cluster, 1)
    passed = one.records(Kind.GATE_PASSED)[-1]
    assert (passed.subject, passed.body["choice"]) == ("cutover", Choice.CONFIRM.value)
    assert any("has carried out cutover 1, which was given up: POLARDB2RDS_SYNCING" in note for note in one.notes())
    assert [step.id for step in view.attempts[-1].steps if step.started_at] == ["promote", "addresses"]

    given_up(one, Direction.ROLLBACK, BACK, ROLLING)
    taken_up(one, Direction.ROLLBACK)
    assert (one.view().primary, one.called(SWITCH)) == (one.m.spec.source.name, 2)
    assert one.records(Kind.GATE_PASSED)[-1].subject == "observe"


def texts(conditions: tuple[Condition, ...]) -> list[str]:
    return [condition.text for condition in conditions if not condition.ok]


def test_what_nobody_asked_for_is_not_taken_up_and_never_ended_by_a_cancel(tenant: Rent) -> None:
    one = tenant()
    cluster = one.following()
    instance = one.m.spec.source.name
    one.simulator.faults.delayed_seconds = 100
    with pytest.raises(Aborted, match="the provider's delay is 100 s"):
        mover.switch(one.m, one.attempt(1))
    assert one.called(SWITCH) == 0
    one.simulator.faults.clear()
    # Somebody switches in the console.
    of(one.m).send(polardb.switch_over(cluster, instance))
    until(lambda: one.looked().status == Status.SWITCHED, "the switch", 30)
    assert f"the migration into {cluster} is POLARDB2RDS_SYNCING" in texts(mover.ready(one.m, Direction.CUTOVER))
    assert len(one.m.story().attempts) == 1
    with pytest.raises(CloudFailed, match=f"{instance} does not have the writes any more"):
        fill.undo(one.m)
    assert one.looked().status == Status.SWITCHED


def test_where_both_take_writes_the_attempt_is_a_persons(tenant: Rent) -> None:
    one = tenant()
    cluster = one.following()
    one.shows(times=1, **BEFORE)
    one.shows(**{**BEFORE, "DBClusterReadWriteMode": "rw"})
    with pytest.raises(CloudFailed, match=f"Both {one.m.spec.source.name} and {cluster} take writes"):
        mover.switch(one.m, one.attempt(1))
    # It is not told as one that left the writes where they were: who has them is to be looked for.
    assert one.m.story().attempts[-1].result == "running"
    with pytest.raises(Aborted, match="stop the applications, compare"):
        mover.settle(one.m, one.attempt(1))
    assert any("BOTH TAKE WRITES" in text for text in texts(mover.ready(one.m, Direction.CUTOVER)))


def test_a_provider_that_does_not_answer_in_the_middle_is_waited_for_and_said_once(tenant: Rent) -> None:
    one = tenant()
    cluster = one.following()
    # What may not be asked is refused at once, and can be allowed while one waits.
    one.goes_wrong(Trouble.REFUSE, LOOK, times=3, skip=1, status=403, code="Forbidden.RAM", message="Not authorized.")
    mover.switch(one.m, one.attempt(1))
    assert one.m.story().attempts[-1].result == "switched"
    said = [note for note in one.notes() if "cannot be asked" in note]
    assert len(said) == 1
    assert f"waiting until {cluster} takes the writes of {one.m.spec.source.name}, 0:00:" in said[0]
    assert "DescribeDBClusterMigration" in said[0]
    assert any("the provider answers again" in note for note in one.notes())


def test_a_delay_that_is_not_told_names_the_migration(tenant: Rent) -> None:
    one = tenant()
    cluster = one.following()
    one.shows(DelayedSeconds=-1)
    (red,) = texts(mover.ready(one.m, Direction.CUTOVER))
    assert red.startswith(f"PolarDB tells no delay of the migration into {cluster}")
    assert "in the console" in red
    word = ProvidersWord(one.m)
    forward, back = word.lag(True), word.lag(False)
    assert forward is not None
    assert back is not None
    assert (forward.lag_s, forward.reason, back.lag_s) == (None, red, None)
    assert back.reason.startswith(f"the migration into {cluster} is RDS2POLARDB_SYNCING, ")
