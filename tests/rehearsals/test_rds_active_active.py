"""Two primaries on a simulated RDS, application servers moved one at a time, from the command line to each end."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from migration.aws.active_active import settings
from migration.decisions import Choice, Decision, decide
from migration.model import End
from migration.rehearsal import Rehearsal
from migration.sessions import read_spec
from migration.view import MigrationView
from providers.aws import instances, snapshots
from providers.aws.client import Client
from providers.aws.instances import When
from providers.aws.records import Instance
from providers.mysql.server import Server
from tests.campaigns.kill_runner import Case, on_rds, run
from tests.rehearsals.command import rehearsed_aloud
from tests.rehearsals.driving import until
from tests.rehearsals.on_rds import Asked, Place, Somebody, back, carried, old
from tests.support.waiting import until as waited_for

ROOT = Path(__file__).parents[2]
RUNBOOK = "rds_active_active"
OLD = ("--source-engine", "mysql-5.7", "--target-engine", "mysql-5.7")
MARIADB = ("--positioning", "file", "--source-engine", "mariadb-10.11", "--target-engine", "mariadb-10.11")
SHAPE = ("--choose", "node_class=db.m5.xlarge", "--choose", "storage_type=io1", "--choose", "iops=6000")
DELETED = ("--choose", "release=delete it after a last snapshot")
CASES = [
    pytest.param((*OLD, *SHAPE, "--rollback"), "rolled_back", id="gtid, other shape, back"),
    pytest.param(("--rate", "1000"), "completed", id="newest, a write a ms", marks=pytest.mark.long),
    pytest.param(("--rollback",), "rolled_back", id="newest, back", marks=pytest.mark.long),
    pytest.param((*OLD, "--positioning", "file"), "completed", id="file", marks=pytest.mark.long),
    pytest.param((*MARIADB, "--rollback"), "rolled_back", id="mariadb, file, back", marks=pytest.mark.long),
    pytest.param((*OLD, *DELETED), "completed", id="deleted", marks=pytest.mark.long),
    pytest.param((*OLD, "--cancel"), "cancelled", id="cancelled", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("words", "outcome"), CASES)
def test_nobodys_writes_stand_still_and_both_sides_are_equal_in_the_end(
    engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], outcome: str
) -> None:
    # Its verdict is that of this runbook: nothing acknowledged is lost, and all rows are equal before the two part.
    told, said = rehearsed_aloud(tmp_path, RUNBOOK, *words)

    assert told["outcome"] == outcome
    found = [one["result"]["verdict"] for one in told["checks"] if one["check"] == "content"]
    if outcome != "cancelled":
        assert found == ["passed"]
    for switch in filter(None, (told["cutover"], told["rollback"])):
        assert switch["lost_writes"] == 0
        assert switch["write_gap_ms"] == 0
        # Both sides took writes, as this runbook means it.
        assert switch["both_writable_ms"] > 0
    # Each application server is told as the host that the server saw it come from.
    moved = {line.rpartition("the application server ")[2] for line in said.splitlines() if " is on " in line}
    if outcome != "cancelled":
        second = told["target"]["name"]
        assert {f"127.0.9.{number} is on {second}" for number in range(2, 6)} <= moved
    assert "has stopped applying" not in said


@pytest.fixture
def killer_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


# Each number is a record of a runner's journal, counted from its own start, at which it dies; the next one goes on.
KILLS = [
    (14, 6, 6, 6, 6),
    (28, 12, 5, 5, 5),
    (40, 8, 8, 8, 8),
    (62, 8, 8, 8, 8),
    (78, 7, 7, 7, 7),
    (96, 5, 5, 5, 5),
    (108, 4, 4, 4, 4),
]


@pytest.mark.long
@pytest.mark.parametrize("records", KILLS, ids=str)
def test_a_killed_runner_is_resumed(
    engine_names: tuple[str, ...], killer_can_be_imported: None, records: tuple[int, ...]
) -> None:
    spec = replace(on_rds(RUNBOOK), source_engine="mysql-5.7", target_engine="mysql-5.7")
    ended = run([Case("before" if at % 2 else "after", at) for at in records], RUNBOOK, spec)
    assert not ended.problem
    assert ended.killed
    assert ended.runners == len(records) + 1


# The parts of the move; what was begun in one runner is gone on with by the next, in the same attempt.
TO_SECOND: dict[str, tuple[Place, ...]] = {
    "opening": (
        ("ready", "begun"),
        ("ready", "done"),
        ("open", "begun"),
        ("move_applications", "sent"),
        ("open", "done"),
    ),
    "moving": (
        ("application_servers", "begun"),
        ("application_servers", "done"),
        ("close", "begun"),
        ("close", "done"),
    ),
    "ending": (("drain", "begun"), ("drain", "done"), ("events", "begun"), ("events", "done")),
}
BACK = {f"{name}, back": back(places) for name, places in TO_SECOND.items()}


@pytest.mark.long
@pytest.mark.parametrize("places", (TO_SECOND | BACK).values(), ids=TO_SECOND | BACK)
def test_a_runner_that_dies_in_a_part_of_the_move_stops_nobody_and_is_gone_on_from(
    engine_names: tuple[str, ...], places: tuple[Place, ...]
) -> None:
    ended = carried(Asked(RUNBOOK, old(RUNBOOK), places, end=End.ROLLED_BACK))
    assert ended.runners == len(places) + 1
    for attempt in ended.view.attempts:
        if attempt.figures is not None:
            assert attempt.figures.write_gap_ms == 0


def replica_of(client: Client) -> Instance:
    """R1."""
    return next(one for one in instances.instances(client) if (one.instance_id or "").endswith("-r1"))


def gone_replica(client: Client, made: Rehearsal) -> None:
    """Somebody tidies up in the console."""
    name = replica_of(client).instance_id
    assert name is not None
    client.send(instances.delete(name, None))
    waited_for(lambda: instances.find(client, name) is None, f"{name} to be gone", seconds=60)


def gone_snapshot(client: Client, made: Rehearsal) -> None:
    """The same of SNAP1."""
    name = replica_of(client).instance_id
    assert name is not None
    (found,) = snapshots.snapshots(client, name)
    assert found.snapshot_id is not None
    client.send(snapshots.delete(found.snapshot_id))


def both_gone(client: Client, made: Rehearsal) -> None:
    """The same of both."""
    gone_snapshot(client, made)
    gone_replica(client, made)


def gone_on(client: Client, made: Rehearsal) -> None:
    """Somebody lets R1 replicate again, so that its place is another one."""
    replica = replica_of(client)
    assert replica.instance_id is not None
    assert replica.host is not None
    spec = read_spec(made.journal).source
    there = replace(spec, name=replica.instance_id, host=replica.host, port=replica.port or 3306)
    with closing(Server(there.endpoint(made.secrets().source))) as server:
        server.change(server.dialect.start_replica)


# Before which step the runner is away, who does what meanwhile, and how often RDS makes each again.
OUTSIDE = [
    pytest.param("file", "snapshot", gone_replica, 2, 1, id="R1 before its snapshot"),
    pytest.param("file", "snapshot", gone_on, 1, 1, id="R1 goes on before its snapshot"),
    pytest.param("gtid", "second", gone_snapshot, 1, 2, id="SNAP1 before M2"),
    pytest.param("file", "second", both_gone, 2, 2, id="both before M2"),
    pytest.param("gtid", "tidy", both_gone, 1, 1, id="both before they are tidied"),
]


@pytest.mark.long
@pytest.mark.parametrize(("positioning", "step", "somebody", "replicas", "taken"), OUTSIDE)
def test_what_somebody_deletes_is_made_again_where_it_is_needed(
    engine_names: tuple[str, ...], positioning: str, step: str, somebody: Somebody, replicas: int, taken: int
) -> None:
    topology = replace(old(RUNBOOK), positioning=positioning)  # type: ignore[arg-type]
    ended = carried(Asked(RUNBOOK, topology, ((step, "begun"),), between=((1, somebody),)))
    assert ended.taken()["CreateDBInstanceReadReplica"] == replicas
    assert ended.taken()["CreateDBSnapshot"] == taken
    assert ended.taken()["RestoreDBInstanceFromDBSnapshot"] == 1


def at_the_gate(made: Rehearsal) -> MigrationView:
    """The gate before the move; everything up to there takes a while."""
    return until(made, lambda view: view.gate is not None and view.gate.id == "cutover", 180)


@pytest.mark.long
def test_who_stops_half_way_and_cancels_gets_every_application_server_back_and_all_is_as_before(
    engine_names: tuple[str, ...],
) -> None:
    before: dict[str, object] = {}

    def look(client: Client, made: Rehearsal) -> None:
        before.update(state_of_first(made))

    def operator(client: Client, made: Rehearsal) -> None:
        until(made, lambda view: any("the application server " in line.text for line in view.log), 240)
        decide(made.journal, Decision(Choice.ABORT, "abort"))
        until(made, lambda view: view.attempt is not None and view.attempt.result == "aborted", 120)
        at_the_gate(made)
        decide(made.journal, Decision(Choice.CANCEL, "cutover"))
        until(made, lambda view: view.end is not None, 120)
        # RDS takes a moment for parameters.
        waited_for(lambda: state_of_first(made) == before, "everything on M1 to be as before", seconds=30)

    ended = carried(
        Asked(RUNBOOK, old(RUNBOOK), between=((0, look),), beside=operator, end=End.CANCELLED, seconds=5.0, moves=True)
    )
    assert ended.said("stopped: point every application server to m1 again")


def state_of_first(made: Rehearsal) -> dict[str, object]:
    """What a cancelled migration has to give back on M1."""
    with closing(Server(read_spec(made.journal).source.endpoint(made.secrets().source))) as server:
        variables = {name: server.variable(name) for name in (settings.INCREMENT, settings.OFFSET, settings.SCHEDULER)}
        return {"follows": server.replica_status() is not None, "closed": server.read_only().clients, **variables}


@pytest.mark.long
def test_the_engine_of_the_second_is_upgraded_at_the_gate_by_its_operator(engine_names: tuple[str, ...]) -> None:
    newer = "5.7.99"

    def operator(client: Client, made: Rehearsal) -> None:
        second = at_the_gate(made).target.name
        client.send(instances.upgrade(second, newer, When.NOW))
        # While it is restarted the gate is shut, whatever the operator wants.
        until(made, lambda view: view.gate is not None and any(not one.ok for one in view.gate.conditions), 60)
        waited_for(lambda: instances.instance(client, second).version == newer, "the new version", seconds=60)

    ended = carried(Asked(RUNBOOK, old(RUNBOOK), beside=operator, seconds=20.0))
    assert ended.view.end is End.COMPLETED
    assert ended.taken()["ModifyDBInstance"] >= 1
