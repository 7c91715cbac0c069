"""The steps around the switch: what an operator agreed to, what can be added, whose DTS tasks are moved."""

from __future__ import annotations

from typing import Any

import pytest

from migration.aliyun import choices, close, create, endpoints, fill, sync, tasks
from migration.aliyun.account import of
from migration.aliyun.follow import ProvidersWord
from migration.aliyun.state import cluster_id, look, look_for
from migration.decisions import Choice
from migration.journal import Kind
from migration.model import Outcome
from migration.runbook import CloudAbsent, Halted, StepFailed
from providers.aliyun import polardb
from providers.aliyun.actions import POLARDB
from providers.aliyun.calls import call
from providers.aliyun.polardb_records import MigrationStatus as Status
from providers.sandbox.aliyun_api.scenario import BusinessTask, Durations, Scenario
from tests.migration.aliyun.tenant import LOOK, Rent, Tenant
from tests.support.waiting import until

FAST = Durations().at_pace(2000)
# A storage type with which the rows travel by DTS.
LOGICAL = Scenario(storage_type="cloud_essd", public_address=False, durations=FAST)
CONTINUE, MOVE_TASKS = "polardb:ContinueDBClusterMigration", "polardb:ModifyDBClusterMigrationEndpoint"
TRIGGER = "CREATE TRIGGER shop.t BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = UPPER(NEW.note)"


def failed(one: Tenant) -> str:
    """Wait in vain for the cluster to be filled; why."""
    with pytest.raises(StepFailed) as error:
        fill.apply(one.m)
    return str(error.value)


def test_a_precheck_is_repeated_on_the_operators_word_alone_and_once_a_word(tenant: Rent) -> None:
    one = tenant(LOGICAL)
    source = one.m.source
    source.change(TRIGGER)
    try:
        cluster = one.ordered()
        why = failed(one)
        assert why.startswith(f"The precheck of the migration into {cluster} failed (PRE_CHECK_FAIL): ")
        assert any(shown.startswith(f"waiting until {cluster} follows ") for shown in one.shown())
        # A runner that begins anew, or an operator who went on with something else, is no word about this.
        one.m.scribe.outcome(fill.STEP, Outcome.NOT_DONE, why)
        assert failed(one) == why
        one.decided("retry", Choice.CONFIRM, "PolarDB gave no usable answer.")
        assert failed(one) == why
        assert one.called(CONTINUE) == 0
        one.decided("retry", Choice.CONFIRM, why)
        # The trigger is still there: it is tried once, and told again.
        assert failed(one) == why
        assert one.called(CONTINUE) == 1
        assert failed(one) == why
        assert one.called(CONTINUE) == 1
    finally:
        source.change("DROP TRIGGER shop.t")
    one.decided("retry", Choice.CONFIRM, why)
    fill.apply(one.m)
    assert one.called(CONTINUE) == 2
    assert (fill.probe(one.m).outcome, cluster_id(one.m)) == (Outcome.DONE, cluster)


def with_another(one: Tenant, owner: str, *networks: str) -> list[Any]:
    """The instance's endpoints and one more of this kind, with an address in each of these networks."""
    name = one.m.spec.target.name
    request = call(POLARDB, "DescribeDBClusterMigration", name, {"DBClusterId": name})
    (item,) = of(one.m).client.items(request, "RdsEndpointList")
    own: Any = item.content
    first = own["AddressItems"][0]
    more = [{**first, "ConnectionString": f"{owner}-{network}.example", "NetType": network} for network in networks]
    return [own, {**own, "CustinsType": owner, "DBEndpointId": f"{owner}-normal", "AddressItems": more}]


def test_what_has_no_partner_gets_one_of_its_kind_or_is_told_at_once(tenant: Rent) -> None:
    one = tenant(LOGICAL)
    cluster = one.following()
    one.chose(choices.ADD_ENDPOINTS, endpoints.ADD)
    one.shows(RdsEndpointList=with_another(one, "Maxscale", "Private", "Public", "Inner"))
    assert endpoints.probe(one.m).outcome is Outcome.NOT_DONE
    (shown,) = endpoints.statements(one.m)
    # The private one goes with the cluster endpoint; the public one wants that endpoint to be public as well.
    (kind,) = [end.kind for end in look(one.m).cluster_endpoints or () if str(end.endpoint_id) in shown]
    assert kind == "Cluster"
    endpoints.apply(one.m)
    assert endpoints.probe(one.m).outcome is Outcome.DONE
    (told,) = [note for note in one.notes() if "no call adds one" in note]
    assert told.startswith("Maxscale-Inner.example (Inner) is NOT exchanged")
    assert f"to {cluster}: add it in the console" in told
    assert one.called("polardb:CreateDBEndpointAddress") == 1
    assert one.called("polardb:CreateDBClusterEndpoint") == 0


def test_an_operator_can_leave_while_endpoints_are_added(tenant: Rent) -> None:
    one = tenant(LOGICAL)
    cluster = one.following()
    one.shows(RdsEndpointList=with_another(one, "ReadOnly", "Private"), DBClusterEndpointList=[])
    (added,) = endpoints.additions(look(one.m))
    assert (added.row.owner, added.endpoint) == ("ReadOnly", None)
    # The primary endpoint cannot be made a second time.
    (alone,) = endpoints.left_alone(look(one.m))
    assert alone.owner == "Primary"
    one.desk.stopped = True
    with pytest.raises(Halted):
        endpoints.apply(one.m)
    assert one.called("polardb:CreateDBClusterEndpoint") == 1
    assert any(shown.startswith(f"waiting until {cluster} lists the endpoints") for shown in one.shown())


def task_ends(one: Tenant) -> set[tuple[str, str]]:
    return {(task.ends["src"][0], task.ends["dest"][0]) for task in one.simulator.cloud.tasks.values()}


def test_no_task_is_moved_while_it_may_be_the_one_that_carries_the_migration(tenant: Rent) -> None:
    scenario = Scenario(
        storage_type="cloud_essd", public_address=False, tasks=(BusinessTask("to the warehouse"),), durations=FAST
    )
    one = tenant(scenario)
    cluster, instance = one.following(), one.m.spec.source.name
    of(one.m).send(polardb.switch_over(cluster, instance))
    until(lambda: look(one.m).status == Status.SWITCHED, "the switch", 30)
    before = task_ends(one)
    # Its ends tell which is the migration's own; of the other nobody tells what it is.
    one.shows(without=("DtsInstanceId",))
    assert choices.TASKS.options is not None
    (option, _) = choices.TASKS.options(one.m)
    assert "to the warehouse" in option.meaning
    assert "Which DTS task carries the migration" in option.meaning
    with pytest.raises(StepFailed, match=f"into {cluster} is not told, and it may be .* to the warehouse") as why:
        tasks.FORWARD.apply(one.m)
    assert tasks.FORWARD.statements(one.m)[0].startswith("nothing: ")
    assert tasks.FORWARD.probe(one.m).outcome is Outcome.NOT_DONE
    assert (one.called(MOVE_TASKS), task_ends(one)) == (0, before)
    one.decided("retry", Choice.CONFIRM, str(why.value))
    seen = tasks.FORWARD.probe(one.m)
    assert (seen.outcome, seen.note) == (Outcome.DONE, "left to an operator: to the warehouse")
    # Once it is named, the others are moved, and it is not.
    one.simulator.faults.clear()
    (shown,) = tasks.FORWARD.statements(one.m)
    listed = {task.name: f'"dtsJobId":"{task.id}"' in shown for task in one.simulator.cloud.tasks.values()}
    assert listed == {"to the warehouse": True, f"rds2polardb-{cluster}": False}
    tasks.FORWARD.apply(one.m)
    assert task_ends(one) == {(cluster, "rm-bp1elsewhere"), (instance, cluster)}
    assert tasks.FORWARD.probe(one.m).outcome is Outcome.DONE


TRIAL = "dts:ModifyDtsJobEndpoint"
THREE = (BusinessTask("warehouse"), BusinessTask("search", kind="SUBSCRIBE"), BusinessTask("archive", status="Failed"))


def names_at(one: Tenant, instance: str) -> set[str]:
    """The tasks that read from an instance or cluster, the migration's own left out."""
    return {
        task.name
        for task in one.simulator.cloud.tasks.values()
        if task.ends["src"][0] == instance and not task.name.startswith("rds2polardb-")
    }


def test_some_of_the_tasks_are_moved_and_the_others_are_left_alone_both_ways(tenant: Rent) -> None:
    one = tenant(Scenario(storage_type="cloud_essd", public_address=False, tasks=THREE, durations=FAST))
    cluster, instance = one.following(), one.m.spec.source.name
    assert choices.TASKS.options is not None
    offered = {option.value: option.meaning for option in choices.TASKS.options(one.m)}
    # All, none, and each selection of two and of one.
    assert (len(offered), list(offered)[:2]) == (8, [tasks.MOVE, tasks.LEAVE])
    ids = {task.name: task.id for task in one.simulator.cloud.tasks.values()}
    (wanted,) = [
        value
        for value in offered
        if {word for name, word in ids.items() if word in value} == {ids["warehouse"], ids["search"]}
    ]
    assert "left as they are: archive (Failed)" in offered[wanted]
    assert all(ids[f"rds2polardb-{cluster}"] not in value for value in offered)
    one.chose(choices.TASKS, wanted)
    of(one.m).send(polardb.switch_over(cluster, instance))
    until(lambda: look(one.m).status == Status.SWITCHED, "the switch", 30)
    (shown,) = tasks.FORWARD.statements(one.m)
    assert {name for name, word in ids.items() if f'"dtsJobId":"{word}"' in shown} == {"warehouse", "search"}
    # The one that does not run is none of theirs, and keeps them from nothing.
    tasks.FORWARD.apply(one.m)
    assert (names_at(one, cluster), names_at(one, instance)) == ({"warehouse", "search"}, {"archive"})
    tried = [found.parameters for found in one.simulator.calls if found.action == TRIAL]
    assert {(found["DtsJobId"], found["DryRun"]) for found in tried} == {
        (ids["warehouse"], "true"), (ids["search"], "true")
    }  # fmt: skip
    seen = tasks.FORWARD.probe(one.m)
    assert seen.outcome is Outcome.DONE
    assert seen.note == "the others have moved; left as they are, as was chosen: archive"
    of(one.m).send(polardb.roll_back(cluster, instance))
    until(lambda: look(one.m).status == Status.SYNCING, "the rollback", 30)
    tasks.BACK.apply(one.m)
    assert (names_at(one, cluster), names_at(one, instance)) == (set(), {"warehouse", "search", "archive"})
    assert tasks.BACK.probe(one.m).outcome is Outcome.DONE


def test_of_many_tasks_each_alone_and_all_but_each_can_be_chosen(tenant: Rent) -> None:
    many = tuple(BusinessTask(f"task {number}") for number in range(6))
    one = tenant(Scenario(public_address=False, tasks=many, durations=FAST))
    one.following()
    assert choices.TASKS.options is not None
    values = [option.value for option in choices.TASKS.options(one.m)]
    assert sorted(len(value.split(", ")) for value in values[2:]) == [1] * 6 + [5] * 6


def test_the_migrations_own_task_is_none_of_the_business_by_its_ends_alone(tenant: Rent) -> None:
    one = tenant(LOGICAL)
    one.following()
    one.shows(without=("DtsInstanceId",))
    assert tasks.of_migration(one.m) == tasks.Listed(())
    assert choices.TASKS.options is not None
    assert choices.TASKS.options(one.m) == ()


def test_a_migration_that_has_ended_is_absent_and_its_end_is_waited_for(tenant: Rent) -> None:
    one = tenant(Scenario(durations=FAST, ended="EngineMigration.NotExist"))
    cluster = one.following()
    one.desk.stopped = True
    with pytest.raises(Halted):
        sync.apply(one.m)
    caught_up = f"waiting until {cluster} has caught up with {one.m.spec.source.name}, 0:00:"
    (shown,) = [shown for shown in one.shown() if shown.startswith(caught_up)]
    assert shown.endswith(f"by now: the delay of {cluster} is not known yet")
    one.desk.stopped = False
    close.AFTER_ROLLBACK.apply(one.m)
    assert look_for(of(one.m), cluster) is None
    assert of(one.m).places(one.m.spec) == ()
    with pytest.raises(CloudAbsent, match=cluster):
        look(one.m)
    assert close.AFTER_ROLLBACK.probe(one.m).outcome is Outcome.DONE
    waits = {str(sample.body["step"]) for sample in one.m.scribe.journal.samples("progress")}
    assert waits == {fill.STEP, sync.STEP, "close_after_rollback"}


def test_the_journal_is_read_for_the_cluster_only_until_it_is_known(tenant: Rent) -> None:
    one = tenant()
    create.apply(one.m)
    known = cluster_id(one.m)
    assert known is not None
    assert not one.m.spec.target.name.startswith("pc-")
    looked = one.called(LOOK)
    assert ProvidersWord(one.m).lag(True) is None
    assert one.called(LOOK) == looked
    one.opened_anew()
    assert ProvidersWord(one.m).lag(True) is not None
    # Whatever the journal says of it from now on: the cluster is the one with which the migration was opened.
    one.m.scribe.journal.append(Kind.PLACED, "target", {"name": "pc-other", "host": "", "port": 0})
    assert cluster_id(one.m) == known
