"""What operators decide, carried out on real servers: cancel, pause, stop, a switch that is given up."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Iterator

import pytest

from migration import rehearsal
from migration.decisions import Choice, Decision, decide
from migration.rehearsal import Rehearsal
from migration.sessions import launch
from migration.view import MigrationView
from providers.mysql.server import Server
from providers.sandbox.spec import TopologySpec
from tests.rehearsals.command import cutover
from tests.rehearsals.driving import applier_blocked, approve, at_gate, until

PAIRS = [("mariadb-10.11", "mariadb-10.11"), ("mysql-5.6", "mysql-9.7")]


@contextlib.contextmanager
def begun(source: str, target: str, rows: int = 2000) -> Iterator[Rehearsal]:
    made = rehearsal.set_up(
        TopologySpec(source, target, rows=rows, rate=50), "mysql_replication", lambda _: None, keep=True
    )
    try:
        launch(made.journal, made.secrets())
        yield made
    finally:
        made.sandbox.stop()


# What is decided on the other pair is done by the same statements.
@pytest.fixture(params=[PAIRS[0], pytest.param(PAIRS[1], marks=pytest.mark.long)], ids="→".join)
def made(request: pytest.FixtureRequest, engine_names: tuple[str, ...]) -> Iterator[Rehearsal]:
    with begun(*request.param) as made:
        yield made


@contextlib.contextmanager
def servers(made: Rehearsal) -> Iterator[tuple[Server, Server]]:
    ends = made.sandbox.endpoints()
    source, target = Server(ends.source), Server(ends.target)
    yield source, target
    source.close()
    target.close()


def ready(made: Rehearsal) -> MigrationView:
    """Wait for the cutover gate with everything green."""
    return until(
        made,
        lambda view: (
            view.gate is not None
            and view.gate.id == "cutover"
            and view.gate.measured_at is not None
            and view.gate.ready
        ),
    )


def test_cancel_takes_everything_back(made: Rehearsal) -> None:
    approve(made)
    ready(made)

    decide(made.journal, Decision(Choice.CANCEL, "cutover"))
    view = until(made, lambda view: view.end is not None)

    assert view.end == "cancelled"
    with servers(made) as (source, target):
        assert source.replica_status() is None
        assert target.replica_status() is None
        assert target.databases() == ()
        assert not target.read_only().clients
        assert not source.read_only().clients
        assert "shop" in source.databases()


def test_a_switch_that_cannot_drain_is_given_up_and_can_be_tried_again(made: Rehearsal) -> None:
    approve(made)
    ready(made)

    with applier_blocked(made):
        decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed="source"))
        view = until(made, lambda view: view.attempt is not None and view.attempt.result == "aborted", 60)
        assert view.attempt is not None
        assert "did not catch up" in view.attempt.reason
        with servers(made) as (source, target):
            assert not source.read_only().clients
            assert target.read_only().clients

    ready(made)
    decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed="source"))
    view = until(made, lambda view: view.attempt is not None and view.attempt.result == "switched")
    assert view.primary == "target"


def test_stop_gives_the_writes_back(made: Rehearsal) -> None:
    approve(made)
    ready(made)

    with applier_blocked(made):
        decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed="source"))
        until(made, lambda view: view.attempt is not None and view.attempt.result == "running")
        decide(made.journal, Decision(Choice.ABORT, "cutover"))
        view = until(made, lambda view: view.attempt is not None and view.attempt.result == "aborted")

    assert view.attempt is not None
    assert "stopped it" in view.attempt.reason
    with servers(made) as (source, _):
        assert not source.read_only().clients


def test_the_way_back_is_told_as_it_is(engine_names: tuple[str, ...]) -> None:
    with begun(*PAIRS[0]) as made:
        approve(made)
        ready(made)
        decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed="source"))
        until(made, lambda view: view.rollback.possible is True)

        made.sandbox.kill_server("source")
        view = until(made, lambda view: view.rollback.possible is not True)
        assert "source" in view.rollback.reason
        until(made, lambda view: view.gate is not None and not view.gate.ready)
        decide(made.journal, Decision(Choice.ROLL_BACK, "observe", typed="target", reason="slow"))
        refused(made, "source")

        # Or a client would write to it before it is closed, and what it wrote would be on no other server.
        made.sandbox.workload("pause")
        made.sandbox.start_server("source")
        # A restart forgets read_only on this engine: the runner closes it again and says so.
        with servers(made) as (source, _):
            assert closed_within(source, 20)
        until(made, lambda view: any("after a restart and was closed at once" in line.text for line in view.log))
        until(made, lambda view: view.rollback.possible is True and view.gate is not None and view.gate.ready)


def closed_within(server: Server, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not server.read_only().clients:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_wrong_word_a_wrong_plan_and_an_unready_gate_are_refused(engine_names: tuple[str, ...]) -> None:
    with begun(*PAIRS[0]) as made:
        at_gate(made, "checks")
        decide(made.journal, Decision(Choice.CONFIRM, "checks"))
        at_gate(made, "plan")
        decide(made.journal, Decision(Choice.CONFIRM, "plan", shown="another"))
        refused(made, "'another' was approved")
        approve(made, checked=True)
        ready(made)
        decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed="target"))
        refused(made, "'target' was typed and 'source' confirms")
        decide(made.journal, Decision(Choice.COMPLETE, "cutover", typed="complete"))
        refused(made, "complete is not offered")

        view = at_gate(made, "cutover")
        assert not view.attempts


def refused(made: Rehearsal, words: str) -> None:
    until(made, lambda view: any(line.text.startswith("refused: ") and words in line.text for line in view.log))


def test_pause_holds_the_copy_and_continue_finishes_it(engine_names: tuple[str, ...]) -> None:
    with begun(*PAIRS[0], rows=100_000) as made:
        approve(made)
        until(made, lambda view: view.progress is not None and view.progress.done > 0)
        decide(made.journal, Decision(Choice.PAUSE))
        until(made, lambda view: view.paused)
        with servers(made) as (_, target):
            before = -1
            # A batch that was under way when the pause came is still written.
            while (now := inserts(target)) != before:
                before = now
                time.sleep(0.3)
            assert 0 < now < 100
            assert target.replica_status() is None

        decide(made.journal, Decision(Choice.CONTINUE))
        ready(made)


def inserts(server: Server) -> int:
    """How many INSERT statements the server has run since it was started."""
    return int(server.rows("SHOW GLOBAL STATUS LIKE 'Com_insert'")[0][1])


def test_the_report_tells_it_all(engine_names: tuple[str, ...]) -> None:
    with begun(*PAIRS[0]) as made:
        approve(made)
        ready(made)
        password = made.sandbox.endpoints().source.account.password.reveal()
        account = made.sandbox.endpoints().forward.user
        name = made.journal.parent.name

        document = cutover("report", name, "--unmasked")
        told = json.loads(cutover("report", name, "--json", "--unmasked").stdout)
        page = cutover("report", name, "--format", "html").stdout

    assert document.returncode == 0
    for part in ("# Migration", "## Checks", "## Statements that changed a server", "SET GLOBAL read_only = ON"):
        assert part in document.stdout
    assert [row["choice"] for row in told["decisions"]] == ["confirm", "confirm"]
    # The real journal of a real pair: what its databases and accounts are called is not in what may be passed on.
    assert "SET GLOBAL read_only …" in page
    assert '<svg role="img"' in page
    assert not [one for one in ("shop", "ledger", account) if re.search(rf"\b{one}\b", page)]
    assert password not in document.stdout + page
    assert password not in json.dumps(told)
    written = (file for file in made.journal.parent.rglob("*") if file.is_file())
    assert password.encode() not in b"".join(file.read_bytes() for file in written)
