"""Replicas, promotion, restarts and renames over HTTP, and what the servers behind them do."""

from __future__ import annotations

import pytest

from providers.aws import instances, watching
from providers.aws.client import Landed
from providers.aws.errors import AlreadyExists, NotFound, Refused, WrongState
from providers.aws.instances import When
from providers.aws.records import Shape
from providers.aws.watching import INSTANCE
from providers.mysql.errors import StatementFailed
from providers.sandbox import passwords
from providers.sandbox.aws_api.faults import dropped_answer
from providers.sandbox.aws_api.scenario import Durations, Scenario
from providers.sandbox.options import Positioning
from tests.providers.sandbox.aws_api.conftest import FAST, Rented, Simulate, until

WAYS = [
    ("mysql-9.7", Positioning.GTID),
    ("mysql-5.7", Positioning.FILE),
    ("mariadb-10.11", Positioning.GTID),
    pytest.param("mariadb-10.11", Positioning.FILE, marks=pytest.mark.long),
]


def replica(one: Rented, name: str = "m1-r1") -> None:
    one.client.send(instances.create_replica(name, one.id, Shape(node_class="db.m5.xlarge")))
    one.wait(name)


@pytest.mark.parametrize(("engine", "positioning"), WAYS)
def test_a_replica_follows_and_is_detached_by_its_promotion(
    engine: str, positioning: Positioning, simulate: Simulate
) -> None:
    one = simulate(engine, None, positioning)
    replica(one)
    one.ask(one.id, "INSERT INTO shop.notes VALUES (2, 'after')")
    one.wait_row("m1-r1", 2)
    found = instances.instance(one.client, "m1-r1")
    assert (found.source_id, found.node_class, found.backup_days) == ("m1", "db.m5.xlarge", 0)
    assert instances.instance(one.client, one.id).replica_ids == ("m1-r1",)
    with pytest.raises(StatementFailed, match="1290"):
        one.ask("m1-r1", "INSERT INTO shop.notes VALUES (3, 'no')")
    assert not [row for row in one.ask("m1-r1", "SHOW VARIABLES LIKE 'log_bin'") if row[1] == "ON"]

    one.client.send(instances.promote("m1-r1", 7))
    after = one.wait("m1-r1")
    assert (after.source_id, after.backup_days, after.infos) == (None, 7, ())
    assert instances.instance(one.client, one.id).replica_ids == ()
    one.ask("m1-r1", "INSERT INTO shop.notes VALUES (4, 'mine')")
    assert (4,) not in one.ask(one.id, "SELECT id FROM shop.notes")
    # With backups there is a binary log.
    assert one.ask("m1-r1", "SHOW VARIABLES LIKE 'log_bin'") == (("log_bin", "ON"),)
    with pytest.raises(WrongState):
        one.client.send(instances.promote("m1-r1", 7))


def test_a_promotion_takes_its_time_and_shows_its_stages(simulate: Simulate) -> None:
    durations = Durations(**{**vars(FAST), "promote": 600.0, "backup": 600.0})
    one = simulate("mariadb-10.11", Scenario(durations=durations))
    replica(one)
    began = one.simulator.clock.now()
    answered = one.client.send(instances.promote("m1-r1", 7))
    assert (answered.status, answered.source_id) == ("modifying", "m1")
    with pytest.raises(WrongState):
        one.client.send(instances.reboot("m1-r1"))
    one.simulator.clock.advance(600)
    one.wait("m1-r1", "backing-up")
    one.ask("m1-r1", "INSERT INTO shop.notes VALUES (5, 'open')")
    with pytest.raises(Refused):
        one.client.send(instances.promote("m1-r1", 7))
    one.simulator.clock.advance(600)
    one.wait("m1-r1")
    assert one.simulator.clock.now() - began >= 1200


def test_a_promotion_that_fails_leaves_the_replica(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    replica(one)
    one.simulator.access.control.fail_promotions()
    one.client.send(instances.promote("m1-r1", 7))
    found = one.wait("m1-r1")
    assert found.source_id == "m1"
    one.ask(one.id, "INSERT INTO shop.notes VALUES (2, 'still')")
    one.wait_row("m1-r1", 2)
    assert found.created
    events = watching.events(one.client, INSTANCE, "m1-r1", found.created)
    assert [event for event in events if "promotion failed" in (event.message or "")]
    one.client.send(instances.promote("m1-r1", 7))
    assert one.wait("m1-r1").source_id is None


def test_a_replica_that_stops_replicating_is_told(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    replica(one)
    assert watching.replica_lag(one.client, "m1-r1").seconds == 0
    one.simulator.access.control.break_replication("m1-r1")
    told = instances.instance(one.client, "m1-r1").replication
    assert told
    assert (told.normal, told.status) == (False, "error")
    assert watching.replica_lag(one.client, "m1-r1").seconds is None


def test_a_replica_needs_backups_and_a_free_name(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11", Scenario(durations=FAST, backup_days=0))
    assert one.ask(one.id, "SHOW MASTER STATUS") == ()
    with pytest.raises(WrongState, match="backups are not enabled"):
        one.client.send(instances.create_replica("m1-r1", one.id, Shape()))
    one.client.send(instances.keep_backups(one.id, 7, When.NOW))
    until(lambda: instances.instance(one.client, one.id).backup_days == 7, "backups")
    one.wait(one.id)
    assert len(one.ask(one.id, "SHOW MASTER STATUS")) == 1
    with pytest.raises(AlreadyExists):
        one.client.send(instances.create_replica(one.id, one.id, Shape()))
    with pytest.raises(NotFound):
        one.client.send(instances.create_replica("m1-r1", "nobody", Shape()))


def test_a_lost_answer_is_found_to_have_been_done(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    one.simulator.access.control.add(dropped_answer("rds:CreateDBInstanceReadReplica"))
    outcome = one.client.carry_out(instances.create_replica("m1-r1", one.id, Shape()))
    assert outcome.landed is Landed.DONE
    one.wait("m1-r1")
    assert [call.action for call in one.simulator.calls].count("rds:CreateDBInstanceReadReplica") == 1


def test_another_class_restarts_and_other_storage_does_not(simulate: Simulate) -> None:
    one = simulate("mysql-5.7")
    pid = one.source.pid
    answered = one.client.send(instances.modify(one.id, Shape(storage_type="gp3", iops=12000), When.NOW))
    assert answered.pending_value("Iops") == "12000"
    found = one.wait(one.id)
    assert (found.storage_type, found.iops, found.pending) == ("gp3", 12000, ())
    assert one.source.pid == pid
    one.client.send(instances.modify(one.id, Shape(node_class="db.m5.2xlarge"), When.IN_WINDOW))
    assert instances.instance(one.client, one.id).pending_value("DBInstanceClass") == "db.m5.2xlarge"
    one.client.send(instances.modify(one.id, Shape(node_class="db.m5.2xlarge"), When.NOW))
    until(lambda: instances.instance(one.client, one.id).node_class == "db.m5.2xlarge", "the class")
    one.wait(one.id)
    assert one.source.pid != pid
    with pytest.raises(Refused):
        one.client.send(instances.modify(one.id, Shape(storage_type="io1", iops=1), When.NOW))


def test_a_failover_needs_a_standby_and_keeps_the_data(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    with pytest.raises(Refused):
        one.client.send(instances.fail_over(one.id))
    one.client.send(instances.modify(one.id, Shape(multi_az=True), When.NOW))
    until(lambda: instances.instance(one.client, one.id).multi_az, "a standby")
    before = one.wait(one.id)
    one.client.send(instances.fail_over(one.id))
    until(lambda: instances.instance(one.client, one.id).zone != before.zone, "another zone")
    after = one.wait(one.id)
    assert (after.host, after.port) == (before.host, before.port)
    assert one.ask(one.id, "SELECT note FROM shop.notes") == (("née ✓",),)


def test_a_renamed_instance_has_another_endpoint_and_keeps_its_replicas(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    replica(one)
    old = one.endpoint(one.id)
    one.client.send(instances.rename(one.id, "m1-before"))
    until(lambda: instances.find(one.client, "m1-before") is not None, "the new name")
    one.wait("m1-before")
    assert instances.find(one.client, one.id) is None
    assert one.wait("m1-r1").source_id == "m1-before"
    new = one.endpoint("m1-before")
    assert (new.host, new.port) != (old.host, old.port)
    one.ask("m1-before", "INSERT INTO shop.notes VALUES (2, 'after')")
    one.wait_row("m1-r1", 2)


def test_a_deleted_instance_is_gone_with_its_server(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11", Scenario(durations=FAST, deletion_protected=True))
    replica(one)
    behind = one.simulator.cloud.servers.server(one.simulator.cloud.instance("m1-r1").key)
    with pytest.raises(Refused, match="protect"):
        one.client.send(instances.delete(one.id, None))
    with pytest.raises(Refused):
        one.client.send(instances.delete("m1-r1", "last"))
    one.client.send(instances.delete("m1-r1", None))
    one.wait_gone("m1-r1")
    until(lambda: not behind.running, "the end of its server")
    assert one.source.running
    assert passwords.load().application
