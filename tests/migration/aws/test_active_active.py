"""Two primaries made of a replica's snapshot: keys that never meet, a second side that is closed, nothing twice."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pymysql
import pytest

from migration.aws import group, retention
from migration.aws.active_active import create, names, settings, two_sides, upgrade
from migration.check import Pair
from migration.checks import of_topic
from migration.checks.run import run_check
from migration.model import Positioning
from migration.runbook import CloudSilent, StepFailed
from migration.steps import way_back
from providers.aws import instances, parameters, snapshots
from providers.mysql.errors import ServerError
from providers.mysql.server import Server
from providers.sandbox.aws_api.faults import dropped_answer
from providers.sandbox.launcher import connect
from tests.migration.aws.conftest import Rent, Tenant
from tests.support.waiting import until

RUNBOOK = "rds_active_active"
WAYS = [
    pytest.param("mysql-9.7", Positioning.GTID, id="mysql-9.7-gtid"),
    pytest.param("mysql-5.7", Positioning.FILE, id="mysql-5.7-file", marks=pytest.mark.long),
    pytest.param("mariadb-10.11", Positioning.FILE, id="mariadb-10.11-file", marks=pytest.mark.long),
]
MADE = (settings.SECOND_GROUP, create.REPLICA, create.STOPPED, create.TAKEN, create.RESTORED, create.LOGGED)
NOTE = "INSERT INTO shop.notes (note) VALUES ('{}')"


def made(one: Tenant) -> None:
    """Carry the steps out until both sides follow each other."""
    one.carry(retention.ON_SOURCE)
    for how in (*MADE, create.FOLLOWING, way_back):
        one.carry(how)


def key_of(server: Server, note: str) -> int | None:
    rows = server.rows("SELECT id FROM shop.notes WHERE note = %s", (note,))
    return int(rows[0][0]) if rows else None


@pytest.mark.parametrize(("engine", "positioning"), WAYS)
def test_a_second_primary_is_made_and_its_keys_never_meet_the_firsts(
    engine: str, positioning: Positioning, rent: Rent
) -> None:
    one = rent(engine, None, positioning, RUNBOOK)
    app = one.as_application()
    made(one)
    m = one.m
    with closing(m.target):
        # Nobody but replication writes on the second side.
        with pytest.raises((pymysql.err.Error, ServerError), match="1290"):
            one.ask_target(app, NOTE.format("too early"))
        assert settings.in_force(m.target, settings.SECOND)
        assert m.target.variable("event_scheduler") == "OFF"

        one.carry(create.TIDIED)
        assert one.account.read(lambda client: instances.find(client, names.replica_id(m))) is None
        assert one.account.read(lambda client: snapshots.find(client, names.snapshot_id(m))) is None
        m.source.change(NOTE.format("without R1"))
        until(lambda: key_of(m.target, "without R1"), "what is written on the first side")

        m.scribe.gate_passed("node_class", 0, "confirm", "db.m5.xlarge")
        one.carry(upgrade)
        found = one.account.read(lambda client: instances.instance(client, names.second_id(m)))
        assert found.node_class == "db.m5.xlarge"

        with closing(connect(replace(m.source.endpoint, account=app))) as old:
            one.carry(settings.FIRST_KEYS)
            assert settings.RENEWED.probe(m).outcome == "not_done"
            assert settings.older(m)[0].user == app.user
            with old.cursor() as cursor:
                cursor.execute("SELECT @@auto_increment_increment")
                assert cursor.fetchone() == (1,)
        until(lambda: settings.RENEWED.probe(m).outcome == "done", "the old session to be gone")
        with closing(connect(replace(m.source.endpoint, account=app))) as new, new.cursor() as cursor:
            cursor.execute(NOTE.format("from M1"))
        one.simulator.cloud.servers.lift(one.simulator.cloud.instance(names.second_id(m)).key)
        one.ask_target(app, NOTE.format("from M2"))
        assert (key_of(m.source, "from M1") or 0) % 4 == 1
        assert (key_of(m.target, "from M2") or 0) % 4 == 2
        until(lambda: key_of(m.source, "from M2"), "what is written on the second side")

        settings.FIRST_KEYS.undo(m)
        until(lambda: m.source.variable(settings.INCREMENT) == "1", "the keys of before")
        assert settings.INCREMENT not in group.changed(m, "m1-own")


def test_calls_whose_answers_are_lost_are_not_made_again(rent: Rent) -> None:
    one = rent("mysql-5.7", None, Positioning.GTID, RUNBOOK)
    control = one.simulator.access.control
    for how in (settings.SECOND_GROUP, create.REPLICA, create.STOPPED):
        one.carry(how)
    for how, action in ((create.TAKEN, "CreateDBSnapshot"), (create.RESTORED, "RestoreDBInstanceFromDBSnapshot")):
        control.add(dropped_answer(f"rds:{action}"))
        with pytest.raises(CloudSilent):
            how.apply(one.m)
        # Where somebody looks again it is found, and waited for.
        how.apply(one.m)
        assert how.probe(one.m).outcome == "done"
        assert [call.action for call in one.simulator.calls].count(f"rds:{action}") == 1


def test_what_the_second_is_made_of_is_kept_until_it_follows(rent: Rent) -> None:
    one = rent("mysql-5.7", None, Positioning.GTID, RUNBOOK)
    for how in MADE:
        one.carry(how)
    with closing(one.m.target), pytest.raises(StepFailed, match="does not follow m1"):
        create.TIDIED.apply(one.m)
    assert one.account.read(lambda client: snapshots.find(client, names.snapshot_id(one.m))) is not None


def test_keys_that_somebody_had_set_are_given_back(rent: Rent) -> None:
    one = rent("mysql-5.7", None, Positioning.GTID, RUNBOOK)
    one.account.send(parameters.modify("m1-own", [parameters.Setting(settings.INCREMENT, "2", parameters.Apply.NOW)]))
    until(lambda: one.m.source.variable(settings.INCREMENT) == "2", "what somebody set")
    one.carry(settings.FIRST_KEYS)
    # Whoever comes again does not take the new settings for those of before.
    settings.FIRST_KEYS.apply(one.m)
    settings.FIRST_KEYS.undo(one.m)
    until(lambda: one.m.source.variable(settings.INCREMENT) == "2", "what somebody set, again")
    assert group.changed(one.m, "m1-own") == {settings.INCREMENT: "2"}


def test_a_mariadb_that_keeps_numbers_in_order_is_found(rent: Rent) -> None:
    one = rent("mariadb-10.11", None, Positioning.FILE, RUNBOOK)
    m = one.m

    def word() -> str:
        pair = Pair(m.source, None, m.spec, m.secrets, m.positioning, cloud=m.cloud)
        return next(run_check(pair, check).word for check in of_topic(two_sides) if check.id == "both-numbers")

    assert word() == "OK"
    with one.simulator.cloud.servers.opened(one.simulator.cloud.instance("m1").key) as administrator:
        administrator.change("SET GLOBAL gtid_strict_mode = ON")
    assert word() == "FAIL"


def test_what_two_open_sides_endanger_is_found(rent: Rent) -> None:
    one = rent("mysql-5.7", None, Positioning.GTID, RUNBOOK)
    m = one.m

    def words() -> dict[str, str]:
        pair = Pair(m.source, None, m.spec, m.secrets, m.positioning, cloud=m.cloud)
        return {check.id: run_check(pair, check).word for check in of_topic(two_sides)}

    assert words() == {
        "both-same-rows": "NOTE",
        "both-keys": "OK",
        "both-numbers": "-",
        "both-increments": "OK",
        "both-cascades": "OK",
        "both-programs": "OK",
    }
    for statement in (
        "ALTER TABLE shop.notes ADD UNIQUE KEY by_note (note)",
        "CREATE TABLE shop.lines (id INT AUTO_INCREMENT PRIMARY KEY, note_id INT, "
        "FOREIGN KEY (note_id) REFERENCES shop.notes (id) ON DELETE CASCADE)",
        "CREATE TRIGGER shop.counted AFTER INSERT ON shop.notes FOR EACH ROW SET @counted = 1",
        "SET GLOBAL auto_increment_increment = 2",
    ):
        with one.simulator.cloud.servers.opened(one.simulator.cloud.instance("m1").key) as administrator:
            administrator.change(statement)
    assert words() == {
        "both-same-rows": "NOTE",
        "both-keys": "WARN",
        "both-numbers": "-",
        "both-increments": "WARN",
        "both-cascades": "WARN",
        "both-programs": "NOTE",
    }
