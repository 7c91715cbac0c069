"""A terminal that is closed: the migration goes on, or waits, and `cutover resume` shows where it is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration import rehearsal
from migration.decisions import Choice, Decision, decide
from migration.journal import RunnerSeat
from migration.rehearsal import Rehearsal
from migration.sessions import launch
from providers.mysql.server import Server
from providers.sandbox.spec import TopologySpec
from tests.rehearsals.command import CUTOVER, watch_json
from tests.rehearsals.driving import applier_blocked, approve, at_gate, until
from tests.support.terminal import Terminal, terminal

ENGINE = "mariadb-10.11"


@contextlib.contextmanager
def prepared(rows: int = 2000) -> Iterator[Rehearsal]:
    """A rehearsal whose runner works, with nobody at the screen yet."""
    made = rehearsal.set_up(TopologySpec(ENGINE, ENGINE, rows=rows, rate=50), "mysql_replication", lambda _: None)
    try:
        launch(made.journal, made.secrets())
        yield made
    finally:
        decide(made.journal, Decision(Choice.CANCEL))
        made.sandbox.stop()


def lose(screen: Terminal) -> None:
    """The connection is lost: the wizard ends, by itself."""
    screen.hang_up()
    screen.process.wait(10)


def shows_where_it_is(made: Rehearsal, pattern: str) -> None:
    with terminal([CUTOVER, "resume", made.journal.parent.name]) as screen:
        screen.wait_for(pattern)


def test_while_a_gate_waits(engine_names: tuple[str, ...]) -> None:
    with prepared() as made:
        at_gate(made, "checks")
        with terminal([CUTOVER, "resume", made.journal.parent.name]) as screen:
            screen.wait_for("Checks|WELCOME")
            lose(screen)

        assert RunnerSeat(made.journal).taken()
        assert watch_json(made.journal.parent.name)["gate"]["id"] == "checks"
        shows_where_it_is(made, "(?i)checks")


@pytest.mark.long
def test_in_the_middle_of_the_copy(engine_names: tuple[str, ...]) -> None:
    with prepared(rows=60_000) as made:
        with terminal([CUTOVER, "resume", made.journal.parent.name]) as screen:
            screen.wait_for("WELCOME|Checks")
            approve(made)
            until(made, lambda view: view.progress is not None and view.progress.done > 0)
            lose(screen)

        assert RunnerSeat(made.journal).taken()
        assert at_gate(made, "cutover").runner_alive
        shows_where_it_is(made, "(?i)lag|cut ?over")


def test_in_the_middle_of_the_cutover(engine_names: tuple[str, ...], tmp_path: Path) -> None:
    with prepared() as made:
        approve(made)
        until(made, lambda view: view.gate is not None and view.gate.id == "cutover" and view.gate.ready
              and view.gate.measured_at is not None)  # fmt: skip
        with terminal([CUTOVER, "resume", made.journal.parent.name]) as screen:
            screen.wait_for("WELCOME|Replicate")
            with applier_blocked(made):
                decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed="source"))
                until(made, lambda view: view.attempt is not None and view.attempt.result == "running")
                lose(screen)
            view = until(made, lambda view: view.gate is not None and view.gate.id in ("observe", "cutover"))

        assert RunnerSeat(made.journal).taken()
        assert view.attempt is not None
        assert view.attempt.result in ("switched", "aborted")
        shows_where_it_is(made, "CUT OVER|Can I still go back|Cut over")
        closed = [end.read_only().clients for end in servers(made)]
        assert closed == ([True, False] if view.attempt.result == "switched" else [False, True])


def servers(made: Rehearsal) -> tuple[Server, Server]:
    ends = made.sandbox.endpoints()
    return Server(ends.source), Server(ends.target)
