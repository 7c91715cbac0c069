"""The steps before the cutover: read back first, picked up where a runner died, started on the operator's word."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.azure.dms import arrived, connections, copy, project, service, size, sync, target, tested
from migration.azure.dms.tasks import newest
from migration.azure.dms.way import CHOOSE_WAY
from migration.model import Outcome
from migration.runbook import CloudFailed, CloudSilent, Halted, StepFailed, not_done
from migration.steps import closed_accounts
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox.api.faults import Fault
from providers.sandbox.api.faults import Kind as Wrong
from providers.sandbox.azure_api.faults import Ending
from providers.sandbox.azure_api.scenario import Durations
from providers.sandbox.launcher import SandboxServer
from tests.migration.azure.dms import CREATE_TASK, TARGET, Move, Moving, moving
from tests.support.waiting import until

SLOW = Durations().at_pace(400)


@pytest.fixture
def move(machine: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Move]:
    """See `moving`."""
    with moving(machine, tmp_path_factory) as start:
        yield start


def halted_in(one: Moving, step: object) -> None:
    """Let a step begin, and the operator stop waiting for it."""
    one.desk.stopped = lambda: True
    with pytest.raises(Halted):
        step.apply(one.m)  # type: ignore[attr-defined]
    one.desk.stopped = lambda: False


def test_a_stopped_service_is_started_on_the_operators_word_and_once(move: Move) -> None:
    one = move(migration_service="stopped", durations=SLOW)
    assert service.START.when(one.m)
    assert service.probe(one.m).outcome is Outcome.NOT_DONE
    with pytest.raises(StepFailed, match="START"):
        service.apply(one.m)
    assert one.made("datamigration:Services_Start") == 0
    one.chosen(service.START.id, "")
    halted_in(one, service)
    # It is on its way: a runner that comes later waits for it.
    service.apply(one.m)
    assert service.probe(one.m).outcome is Outcome.DONE
    assert one.made("datamigration:Services_Start") == 1
    assert not service.START.when(one.m)


def test_one_that_pauses_itself_later_is_not_started_before_the_operator_tries_again(move: Move) -> None:
    one = move().following()
    one.simulator.access.control.pause("dms")
    # Who is asked whether it is done says that it is not, so that the step is begun, which asks for the word.
    for step in (project, connections, copy, sync):
        assert step.probe(one.m) == not_done("dms is Stopped, Premium_4vCores")
    for _ in range(2):
        # A runner that is started again meanwhile asks as well.
        with pytest.raises(StepFailed, match="Try again to START it"):
            sync.apply(one.m)
    assert one.made("datamigration:Services_Start") == 0
    one.tried_again()
    sync.apply(one.m)
    # On a loaded machine the lag may be above the limit again for a moment.
    until(lambda: sync.probe(one.m).outcome is Outcome.DONE, "it follows")
    assert one.made("datamigration:Services_Start") == 1
    one.simulator.access.control.pause("dms")
    # Each time is a question of its own.
    with pytest.raises(StepFailed, match="START"):
        sync.apply(one.m)


def test_a_service_is_made_where_there_is_none(move: Move) -> None:
    one = move(migration_service="none", durations=SLOW)
    assert "virtualSubnetId" in service.statements(one.m)[0]
    halted_in(one, service)
    service.apply(one.m)
    assert one.made("datamigration:Services_CreateOrUpdate") == 1
    project.apply(one.m)
    assert project.probe(one.m).outcome is Outcome.DONE


def test_a_target_is_made_where_there_is_none(move: Move) -> None:
    one = move(target="", durations=SLOW)
    assert target.FOUND.probe(one.m).outcome is Outcome.DONE
    halted_in(one, target)
    # Nothing shows it yet: whoever asks again is told that the provider is at it, and waits.
    target.apply(one.m)
    placed = one.m.story().spec
    assert placed is not None
    assert (placed.target.name, placed.target.user) == (TARGET, "azadmin")
    with contextlib.closing(Server(placed.target.endpoint(one.m.secrets.target))) as server:
        assert server.databases() == ()


def test_both_connections_are_tried_by_the_service_itself(move: Move) -> None:
    one = move()
    project.apply(one.m)
    wrong = replace(one.m, secrets=replace(one.m.secrets, target=Secret("wrong")))
    with pytest.raises(StepFailed, match=f"cannot use {TARGET}.*refused the account.*virtual machine"):
        connections.apply(wrong)
    assert connections.probe(one.m).outcome is Outcome.NOT_DONE
    connections.apply(one.m)
    assert connections.probe(one.m).outcome is Outcome.DONE
    # The source was reached the first time, and is not asked anew.
    assert (newest(one.m, "source")[0], newest(one.m, "target")[0]) == (1, 2)
    assert one.m.secrets.target.reveal() not in one.m.scribe.journal.path.read_bytes().decode("latin-1")


def test_a_copy_under_way_is_joined_and_not_begun_again(move: Move) -> None:
    one = move(durations=SLOW).ready()
    before = one.made(CREATE_TASK)
    halted_in(one, copy)
    copy.apply(one.m)
    assert copy.probe(one.m).outcome is Outcome.DONE
    assert one.made(CREATE_TASK) == before + 1
    sync.apply(one.m)
    assert arrived.probe(one.m).note.startswith("table: 2, index: 2")


def test_a_task_whose_order_was_not_answered_is_looked_for(move: Move) -> None:
    one = move().ready()
    before = one.made(CREATE_TASK)
    one.simulator.faults.add(Fault(Wrong.LOSE, CREATE_TASK))
    with pytest.raises(CloudSilent):
        copy.apply(one.m)
    copy.apply(one.m)
    assert one.made(CREATE_TASK) == before + 1


def test_one_that_failed_is_followed_by_another_on_an_empty_target(move: Move) -> None:
    one = move().ready()
    one.fails(Ending.FAIL, "datamigration:Migrate.*", code="Unwell", message="The agent lost its way")
    with pytest.raises(StepFailed, match=r"ended as Failed: The agent lost its way \(Unwell\)"):
        copy.apply(one.m)
    copy.apply(one.m)
    assert newest(one.m, copy.SYNC)[0] == 2


def test_what_did_not_arrive_is_named(move: Move) -> None:
    one = move().following()
    one.m.target.change("DROP PROCEDURE shop.greet")
    assert arrived.probe(one.m).outcome is Outcome.NOT_DONE
    with pytest.raises(StepFailed, match=r"mysqltarget lacks .* procedure shop\.greet"):
        arrived.apply(one.m)
    one.m.target.change("CREATE PROCEDURE shop.greet() SELECT 1")
    assert arrived.probe(one.m).outcome is Outcome.DONE


def test_cancelled_the_task_ends_and_only_the_copy_is_dropped(move: Move) -> None:
    one = move().ready()
    one.m.target.change("CREATE DATABASE theirs")
    copy.apply(one.m)
    copy.undo(one.m)
    closed_accounts.undo(one.m)
    _, task = newest(one.m, copy.SYNC)
    assert task is not None
    assert task.state == "Canceled"
    assert one.m.target.databases() == ("theirs",)
    assert one.m.source.databases() == ("books", "shop")


def test_cancelling_waits_for_the_word_to_start_a_stopped_service(move: Move) -> None:
    one = move().following()
    one.simulator.access.control.pause("dms")
    with pytest.raises(CloudFailed, match="START"):
        copy.undo(one.m)
    one.tried_again()
    copy.undo(one.m)
    assert one.m.target.databases() == ()


def test_the_target_is_larger_for_the_copy_and_gets_its_own_size_back(move: Move) -> None:
    one = move(durations=SLOW)
    options = [option.value for option in size.CHOOSE_SIZE.options(one.m)] if size.CHOOSE_SIZE.options else []
    assert options == [size.AS_IT_IS, "Standard_D2ds_v4"]
    assert size.SCALED_UP.probe(one.m).outcome is Outcome.DONE
    assert not size.CONFIRM_BACK.when(one.m)
    one.chosen(size.SIZE, "Standard_D2ds_v4")
    halted_in(one, size.SCALED_UP)
    size.SCALED_UP.apply(one.m)
    assert size.SCALED_UP.probe(one.m).outcome is Outcome.DONE
    assert one.made("flexible:Servers_Update") == 1
    assert size.CONFIRM_BACK.when(one.m)
    size.SCALED_BACK.apply(one.m)
    assert size.SCALED_BACK.probe(one.m).note.endswith("Standard_D4ds_v4")


def test_any_number_of_tests_leave_the_source_as_it_is(move: Move) -> None:
    one = move("test").ready()
    for number in (1, 2):
        # Each is a migration of its own.
        spec = replace(one.m.spec, id=f"test-{number}")
        m = replace(one.m, spec=spec)
        project.apply(m)
        copy.apply(m)
        assert m.target.rows("SELECT COUNT(*) FROM shop.orders") == ((1,),)
        # The source is not read-only meanwhile.
        m.source.change("REPLACE INTO shop.orders VALUES (2, 'goes on')")
        m.source.change("DELETE FROM shop.orders WHERE id = 2")
        assert "offline migration keeps writes off for as long" in tested.CHOOSE_COPY.consequence(m)
        one.chosen(tested.COPY, tested.DROP)
        tested.apply(m)
        assert tested.probe(m).outcome is Outcome.DONE
        assert m.target.databases() == ()
    assert one.made("datamigration:Tasks_Command") == 0
    assert tested.END.when(one.m)
    assert "source has the writes" in tested.END.ends(one.m)


def test_the_way_is_said_with_what_there_is_no_way_back_from(move: Move) -> None:
    one = move("offline")
    assert CHOOSE_WAY.options is not None
    assert next(option.value for option in CHOOSE_WAY.options(one.m)) == "offline"
    said = CHOOSE_WAY.consequence(one.m)
    assert "retired on 2024-09-16" in said
    assert "NO WAY BACK" in said


def test_the_plan_shows_no_password(move: Move) -> None:
    one = move(target="")
    shown = " ".join((*target.statements(one.m), *connections.statements(one.m), *copy.statements(one.m)))
    assert one.m.secrets.target.reveal() not in shown
    assert "administratorLoginPassword" in shown


def test_a_slow_service_is_waited_for(move: Move) -> None:
    one = move().ready()
    one.simulator.faults.add(Fault(Wrong.LOSE, "datamigration:Tasks_Get", times=4))
    copy.apply(one.m)
    assert copy.probe(one.m).outcome is Outcome.DONE
