"""The cutover: no command before everything is there, each given once, and looked for where its answer is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from migration.azure.dms import arrived, by_copy, by_following, copy, mover, source_closed
from migration.azure.dms.account import project_of
from migration.azure.dms.moving import QUIET, fence
from migration.azure.dms.tasks import name_of, newest
from migration.cutover.attempt import Aborted, Switchover
from migration.fences.choose import shut
from migration.model import Direction
from migration.runbook import Mover
from migration.view import LagSample
from providers.azure import datamigration
from providers.mysql.endpoint import Endpoint
from providers.mysql.server import Server
from providers.sandbox import passwords
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.azure_api.faults import Ending
from providers.sandbox.azure_api.scenario import Durations
from providers.sandbox.launcher import SandboxServer
from tests.migration.azure.dms import COMMAND, CREATE_TASK, Move, Moving, moving
from tests.migration.azure.rows import busy, has

SLOW = Durations().at_pace(60)


@pytest.fixture
def move(machine: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    """See `moving`."""
    with moving(machine, tmp_path_factory) as start:
        yield start


def result(one: Moving) -> str:
    return one.m.story().attempts[-1].result


def begun(one: Moving) -> Switchover:
    """An attempt whose runner has died in it."""
    attempt = one.attempt()
    one.m.scribe.attempt(
        1, attempt.direction, old=attempt.old.name, new=attempt.new.name, actor="test", budget_s=1.0,
        parts=mover.parts(one.m),
    )  # fmt: skip
    return attempt


def test_it_follows_the_protocol() -> None:
    as_one: Mover = mover
    assert as_one.arms is mover.arms


def test_every_database_is_completed_once_with_everything(move: Move) -> None:
    one = move().following()
    assert shut(one.m, one.m.target)
    one.m.source.change("REPLACE INTO shop.orders VALUES (2, 'the last')")
    mover.switch(one.m, one.attempt())
    assert has(one.m.target, 2)
    assert one.made(COMMAND) == 2
    assert result(one) == "switched"
    # Clients are let in, and no change is carried over any more.
    assert not shut(one.m, one.m.target)
    _, task = newest(one.m, copy.SYNC)
    assert task is not None
    assert (task.state, {database.state for database in task.databases}) == ("Succeeded", {"COMPLETE"})


def test_who_still_writes_keeps_it_from_being_completed(move: Move) -> None:
    one = move().following()
    one.desk.stopped = lambda: bool(one.m.scribe.journal.samples("progress"))
    with busy(one.m.source), pytest.raises(Aborted, match="is not quiet"):
        mover.switch(one.m, one.attempt())
    assert one.made(COMMAND) == 0
    assert shut(one.m, one.m.target)
    assert result(one) == "aborted"


def test_what_is_not_applied_yet_keeps_it_from_being_completed(move: Move) -> None:
    one = move().following()
    with contextlib.closing(Server(_administrator(one))) as platform:
        platform.change("STOP SLAVE SQL_THREAD")
        one.m.source.change("REPLACE INTO shop.orders VALUES (3, 'on its way')")
        one.desk.stopped = lambda: bool(one.m.scribe.journal.samples("progress"))
        with pytest.raises(Aborted, match=r"The operator stopped it; left: (books|shop)"):
            mover.switch(one.m, one.attempt())
        assert one.made(COMMAND) == 0
        platform.change("START SLAVE SQL_THREAD")
    one.desk.stopped = lambda: False
    mover.switch(one.m, one.attempt(2))
    assert has(one.m.target, 3)


def _administrator(one: Moving) -> Endpoint:
    """The target as the platform itself reaches it."""
    found = one.simulator.cloud.at(one.m.spec.target.host, one.m.spec.target.port)
    assert found is not None
    return found.endpoint(passwords.load().administrator)


def test_a_service_that_stops_leaves_the_writes_where_they_are(move: Move) -> None:
    one = move().following()
    one.simulator.access.control.pause("dms")
    assert [c.text for c in mover.ready(one.m, Direction.CUTOVER) if not c.ok] == ["dms is Stopped, Premium_4vCores"]
    with pytest.raises(Aborted, match="keeps the writes: dms is Stopped"):
        mover.switch(one.m, one.attempt())
    assert one.made(COMMAND) == 0


@pytest.mark.parametrize("kind", [Kind.LOSE, Kind.DROP])
def test_a_command_of_which_nothing_is_heard_is_seen_by_the_state(
    move: Move, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = move().following()
    # Where it was not carried out it is given again, once that has been looked for for long enough.
    monkeypatch.setattr(by_following, "_UNSEEN_S", 0.5)
    one.simulator.faults.add(Fault(kind, COMMAND))
    mover.switch(one.m, one.attempt())
    _, task = newest(one.m, copy.SYNC)
    assert task is not None
    assert sorted(str(order.database) for order in task.orders or ()) == ["books", "shop"]
    assert result(one) == "switched"


def test_a_runner_that_died_after_a_command_goes_on_and_does_not_give_it_again(move: Move) -> None:
    one = move().following()
    attempt = begun(one)
    assert one.m.scribe.no_return(1, "the completion")
    number, _ = newest(one.m, copy.SYNC)
    name = name_of(one.m, copy.SYNC, number)
    one.account.begin(datamigration.complete_database(one.account.dms, project_of(one.m), name, "books"))
    assert mover.settle(one.m, attempt)
    assert one.made(COMMAND) == 2
    assert result(one) == "switched"
    assert not shut(one.m, one.m.target)


def test_a_runner_that_died_before_it_changes_nothing(move: Move) -> None:
    one = move().following()
    assert not mover.settle(one.m, begun(one))
    assert one.made(COMMAND) == 0
    assert shut(one.m, one.m.target)
    assert result(one) == "aborted"


def test_a_task_that_ends_meanwhile_leaves_the_writes_where_they_are(move: Move) -> None:
    one = move().following()
    attempt = begun(one)
    assert one.m.scribe.no_return(1, "the completion")
    copy.give_up(one.m)
    assert not mover.settle(one.m, attempt)
    assert result(one) == "aborted"
    assert shut(one.m, one.m.target)


def test_offline_everything_is_copied_while_nobody_writes(move: Move) -> None:
    one = move("offline").ready()
    one.m.source.change("REPLACE INTO shop.orders VALUES (4, 'the last')")
    mover.switch(one.m, one.attempt())
    assert has(one.m.target, 4)
    assert result(one) == "switched"
    assert not shut(one.m, one.m.target)
    assert not one.m.source.read_only().clients


def test_offline_the_service_makes_the_source_read_only_where_that_was_chosen(move: Move) -> None:
    one = move("offline").ready()
    one.chosen(source_closed.CLOSED, source_closed.BY_SERVICE)
    one.fails(Ending.FAIL, "datamigration:Migrate.*", code="Unwell", message="The agent lost its way")
    with pytest.raises(Aborted, match="The agent lost its way"):
        mover.switch(one.m, one.attempt())
    assert not one.m.source.read_only().clients
    mover.switch(one.m, one.attempt(2))
    assert result(one) == "switched"
    assert one.m.source.read_only().clients


def test_offline_given_up_after_the_source_was_closed_it_is_opened_again(move: Move) -> None:
    one = move("offline").ready()
    one.chosen(source_closed.CLOSED, source_closed.BY_SERVICE)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(arrived, "require", _lost)
        with pytest.raises(Aborted, match="something is missing"):
            mover.switch(one.m, one.attempt())
    assert not one.m.source.read_only().clients
    assert shut(one.m, one.m.target)


def _lost(m: object) -> None:
    raise Aborted("something is missing")


def test_offline_a_copy_under_way_is_joined_by_the_next_runner(move: Move) -> None:
    one = move("offline", durations=SLOW).ready()
    attempt, before = begun(one), one.made(CREATE_TASK)
    fence(one.m, attempt)
    number = by_copy._join(one.m, attempt)
    assert mover.settle(one.m, attempt)
    assert one.made(CREATE_TASK) == before + 1
    assert newest(one.m, copy.COPY)[0] == number
    assert result(one) == "switched"


def test_offline_a_copy_beside_which_somebody_wrote_is_given_up(move: Move) -> None:
    one = move("offline", durations=SLOW).ready()
    attempt = begun(one)
    fence(one.m, attempt)
    by_copy._join(one.m, attempt)
    one.m.source.change("REPLACE INTO shop.orders VALUES (5, 'too late')")
    assert not mover.settle(one.m, attempt)
    assert result(one) == "aborted"
    _, task = newest(one.m, copy.COPY)
    assert task is not None
    assert task.state == "Canceled"
    # The next attempt copies anew, with that row.
    mover.switch(one.m, one.attempt(2))
    assert has(one.m.target, 5)
    assert newest(one.m, copy.COPY)[0] == 2


def test_offline_a_runner_that_died_before_it_was_quiet_changes_nothing(move: Move) -> None:
    one = move("offline").ready()
    assert not mover.settle(one.m, begun(one))
    assert one.m.ran(one.m.source, QUIET) == ()
    assert newest(one.m, copy.COPY)[0] == 0


def test_what_must_hold_is_shown(move: Move) -> None:
    one = move().following()
    one.desk.now = LagSample(0, 90.0, False, "", "", 90.0, None, "", None, None)
    red = [condition.text for condition in mover.ready(one.m, Direction.CUTOVER) if not condition.ok]
    assert red == ["mysqltarget is 90.0 s behind, limit 60 s"]
    assert mover.ready(one.m, Direction.ROLLBACK) == ()
