"""The steps of an RDS migration over a real replica: never open to clients, promoted, and following again."""

from __future__ import annotations

from contextlib import closing

import pymysql
import pytest

from migration.aws import create, group, promote, reattach, release, retention
from migration.fences.choose import fence_for, shut, write_switch
from migration.fences.provider import ProviderFence
from migration.model import Positioning
from migration.runbook import CloudSilent, StepFailed
from migration.steps import closed_accounts, way_back
from providers.aws import instances, parameters
from providers.aws.procedures import kept_hours
from providers.mysql.errors import ServerError
from providers.sandbox.aws_api.faults import dropped_answer
from providers.sandbox.aws_api.scenario import Scenario
from tests.migration.aws.conftest import FAST, Rent, Tenant
from tests.support.waiting import until

WAYS = [
    pytest.param("mysql-9.7", Positioning.GTID, id="mysql-9.7-gtid"),
    pytest.param("mysql-5.7", Positioning.FILE, id="mysql-5.7-file"),
    pytest.param("mariadb-10.11", Positioning.FILE, id="mariadb-10.11-file", marks=pytest.mark.long),
]
WRITE = "INSERT INTO shop.notes VALUES (77, 'client')"


def kept_out(one: Tenant) -> str:
    """How the application is kept from writing on the new instance."""
    with pytest.raises((pymysql.err.Error, ServerError)) as refused:
        one.ask_target(one.as_application(), WRITE)
    return str(refused.value)


def replicated(one: Tenant) -> None:
    """Carry the steps out that make the replica."""
    for how in (retention.ON_SOURCE, group.OWN, create.ORDER, create.FILLED):
        one.carry(how)


@pytest.mark.parametrize(("engine", "positioning"), WAYS)
def test_a_replica_is_promoted_behind_locked_accounts_and_follows_again(
    engine: str, positioning: Positioning, rent: Rent
) -> None:
    one = rent(engine, None, positioning)
    replicated(one)
    m = one.m
    assert kept_hours(m.source) == retention.HOURS
    kept_out(one)

    one.carry(group.BEHIND_GUARD)
    # The server takes writes now, of nobody but this program.
    assert not m.target.read_only().clients
    kept_out(one)
    one.carry(closed_accounts)
    kept_out(one)
    one.carry(group.WITHOUT_GUARD)
    one.carry(promote)
    assert kept_out(one)
    assert shut(m, m.target)
    assert one.account.read(lambda client: instances.instance(client, one.account.replica_id)).source_id is None

    m.source.change("INSERT INTO shop.notes VALUES (2, 'meanwhile')")
    one.carry(reattach)
    until(lambda: m.target.rows("SELECT id FROM shop.notes WHERE id = 2"), "what was written meanwhile")
    # It came with the data.
    assert retention.ON_TARGET.probe(m).outcome == "done"
    one.carry(way_back)
    # What was locked there has not come back to the source.
    assert m.source.rows("SELECT 1 FROM mysql.user WHERE user = 'app'")
    fence = fence_for(m, m.source)
    with closing(fence):
        assert isinstance(fence, ProviderFence)
        fence.raise_((), 1.0)
        assert shut(m, m.source)
        fence.prove(())
        fence.release()
    assert not shut(m, m.source)
    reattach.undo(m)
    assert m.target.replica_status() is None
    m.target.close()


def test_without_the_guard_in_force_the_replica_stays_closed(rent: Rent) -> None:
    one = rent()
    replicated(one)
    m = one.m
    one.simulator.cloud.servers.set_variables(
        one.simulator.cloud.instance(one.account.replica_id).key, {group.GUARD: "SET @other = 1"}
    )
    with pytest.raises(StepFailed, match="guard"):
        group.BEHIND_GUARD.apply(m)
    assert m.target.read_only().clients
    m.target.close()


def test_a_promotion_that_fails_is_told_and_can_be_tried_again(rent: Rent) -> None:
    one = rent("mysql-5.7", None, Positioning.FILE)
    replicated(one)
    one.carry(group.WITHOUT_GUARD)
    one.simulator.access.control.fail_promotions()
    with pytest.raises(StepFailed, match="promotion failed"):
        promote.apply(one.m)
    assert promote.probe(one.m).outcome == "not_done"
    one.carry(promote)
    one.m.target.close()


def test_calls_whose_answers_are_lost_are_found_to_have_been_made_and_not_made_again(rent: Rent) -> None:
    one = rent()
    one.carry(group.OWN)
    one.simulator.access.control.add(dropped_answer("rds:CreateDBInstanceReadReplica"))
    with pytest.raises(CloudSilent):
        create.ORDER.apply(one.m)
    assert create.ORDER.probe(one.m).outcome == "done"
    for how in (create.FILLED, group.WITHOUT_GUARD):
        one.carry(how)
    one.simulator.access.control.add(dropped_answer("rds:PromoteReadReplica"))
    with pytest.raises(CloudSilent):
        promote.apply(one.m)
    one.carry(promote)
    made = [call.action for call in one.simulator.calls]
    assert made.count("rds:CreateDBInstanceReadReplica") == 1
    assert made.count("rds:PromoteReadReplica") == 1
    one.m.target.close()


def test_the_groups_settings_are_the_sources(rent: Rent) -> None:
    one = rent()
    listed = [parameters.Setting("max_connections", "77", parameters.Apply.NOW)]
    one.account.send(parameters.modify("m1-own", listed))
    one.carry(group.OWN)
    expected = {"max_connections": "77", group.GUARD: group.guard(one.m), group.SCHEDULER: "OFF"}
    assert group.changed(one.m, group.name_of(one.m)) == expected


def test_the_hours_of_the_binary_logs_are_given_back(rent: Rent) -> None:
    one = rent()
    one.carry(retention.ON_SOURCE)
    retention.ON_SOURCE.undo(one.m)
    assert kept_hours(one.m.source) is None


def test_a_source_without_a_group_of_its_own_has_no_switch(rent: Rent) -> None:
    one = rent("mysql-5.7", Scenario(durations=FAST))
    assert write_switch(one.m, one.m.source) is None


def test_the_source_is_not_deleted_before_the_writes_have_moved(rent: Rent) -> None:
    one = rent()
    assert release.probe(one.m).outcome == "done"
    with pytest.raises(StepFailed, match="has the writes"):
        release.apply(one.m)
