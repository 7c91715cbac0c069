"""The procedure of the two primaries: a replica, its snapshot, a second primary, replication both ways."""

from __future__ import annotations

from typing import Any

import pytest

from providers.aws import instances, parameters, procedures, snapshots
from providers.aws.errors import NotFound, Refused
from providers.aws.instances import When
from providers.aws.parameters import Apply, Setting
from providers.aws.procedures import Procedure
from providers.aws.records import Shape
from providers.aws.snapshots import Place
from providers.mysql.gtid import MariaGtid
from providers.mysql.server import Server
from providers.sandbox.options import Positioning
from tests.providers.sandbox.aws_api.conftest import Rented, Simulate, until

WAYS = [
    ("mysql-5.7", Positioning.FILE),
    ("mysql-9.7", Positioning.GTID),
    pytest.param("mariadb-10.11", Positioning.GTID, marks=pytest.mark.long),
]


def group(one: Rented, name: str, offset: int) -> str:
    family = next(group.family for group in parameters.groups(one.client) if group.family)
    one.client.send(parameters.create(name, family, f"offset {offset}"))
    one.client.send(
        parameters.modify(
            name,
            [
                Setting("auto_increment_increment", "4", Apply.NOW),
                Setting("auto_increment_offset", str(offset), Apply.NOW),
            ],
        )
    )
    return name


def following(server: Server, one: Rented, source: str, place: Any) -> Procedure:
    upstream = one.upstream(source)
    if isinstance(place, MariaGtid):
        return procedures.follow_from_gtid(server.version, upstream, str(place))
    if place is None:
        return procedures.follow_by_gtid(server.version, upstream)
    return procedures.follow_from(server.version, upstream, place.file, place.offset)


def attach(one: Rented, replica: str, source: str, place: Any) -> None:
    server = one.server(replica)
    try:
        # caching_sha2_password wants TLS where the sandbox's accounts have it.
        made = following(server, one, source, place)
        if server.version.mysql_from(8, 0):
            upstream = one.upstream(source)
            encrypted = procedures.Upstream(upstream.host, upstream.port, upstream.account, encrypted=True)
            made = procedures.follow_by_gtid(server.version, encrypted)
        procedures.run(server, made)
        procedures.run(server, procedures.start())

        def runs() -> bool:
            status = server.replica_status()
            return status is not None and status.running

        until(runs, f"{replica} following {source}")
    finally:
        server.close()


@pytest.mark.parametrize(("engine", "positioning"), WAYS)
def test_a_second_primary_of_a_replicas_snapshot(engine: str, positioning: Positioning, simulate: Simulate) -> None:
    one = simulate(engine, None, positioning)
    one.client.send(instances.create_replica("m1-r1", one.id, Shape()))
    one.wait("m1-r1")
    r1 = one.server("m1-r1")
    procedures.run(r1, procedures.stop())
    status = r1.replica_status()
    assert status
    assert not status.running
    place: Any = status.executed if positioning is Positioning.FILE else None
    if r1.version.mariadb and positioning is Positioning.GTID:
        place = r1.gtid_executed()
    r1.close()
    told = instances.instance(one.client, "m1-r1").replication
    assert told
    assert told.status == "stopped"
    one.ask(one.id, "INSERT INTO shop.notes VALUES (2, 'after the stop')")

    one.client.send(snapshots.create("m1-snap", "m1-r1"))
    one.wait_snapshot("m1-snap")
    second = group(one, "m1-two", 2)
    one.client.send(snapshots.restore("m1-m2", "m1-snap", Shape(parameter_group=second), Place()))
    found = one.wait("m1-m2")
    assert (found.source_id, found.backup_days) == (None, 0)
    assert one.ask("m1-m2", "SELECT id FROM shop.notes") == ((1,),)
    one.client.send(instances.keep_backups("m1-m2", 7, When.NOW))
    until(lambda: instances.instance(one.client, "m1-m2").backup_days == 7, "backups")
    one.wait("m1-m2")

    attach(one, "m1-m2", one.id, place)
    one.wait_row("m1-m2", 2)
    m2 = one.server("m1-m2")
    back: Any = m2.end_of_log() if positioning is Positioning.FILE else None
    if m2.version.mariadb and positioning is Positioning.GTID:
        back = m2.gtid_executed()
    m2.close()
    attach(one, one.id, "m1-m2", back)
    one.ask("m1-m2", "INSERT INTO shop.notes (note) VALUES ('from M2')")
    (row,) = one.ask("m1-m2", "SELECT id FROM shop.notes WHERE note = 'from M2'")
    assert int(str(row[0])) % 4 == 2
    one.wait_row(one.id, int(str(row[0])))
    one.ask(one.id, "INSERT INTO shop.notes VALUES (101, 'from M1')")
    one.wait_row("m1-m2", 101)

    one.client.send(snapshots.delete("m1-snap"))
    assert snapshots.find(one.client, "m1-snap") is None
    one.client.send(instances.delete("m1-r1", None))
    one.wait_gone("m1-r1")
    one.ask(one.id, "INSERT INTO shop.notes VALUES (102, 'without R1')")
    one.wait_row("m1-m2", 102)


def test_a_snapshot_has_a_name_of_its_own(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    one.client.send(snapshots.create("m1-snap", one.id))
    one.wait_snapshot("m1-snap")
    one.wait(one.id)
    with pytest.raises(Refused):
        one.client.send(snapshots.create("m1-snap", one.id))
    with pytest.raises(NotFound):
        one.client.send(snapshots.restore("m1-m2", "nothing", Shape(), Place()))
    assert [found.snapshot_id for found in snapshots.snapshots(one.client, one.id)] == ["m1-snap"]


def test_an_instance_can_leave_a_last_snapshot(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    one.client.send(snapshots.create("m1-snap", one.id))
    one.wait_snapshot("m1-snap")
    one.client.send(snapshots.restore("m1-m2", "m1-snap", Shape(), Place()))
    one.wait("m1-m2")
    one.ask("m1-m2", "INSERT INTO shop.notes VALUES (7, 'last words')")
    one.client.send(instances.delete("m1-m2", "m1-last"))
    one.wait_gone("m1-m2")
    one.client.send(snapshots.restore("m1-m3", "m1-last", Shape(), Place()))
    one.wait("m1-m3")
    assert one.ask("m1-m3", "SELECT note FROM shop.notes WHERE id = 7") == (("last words",),)
