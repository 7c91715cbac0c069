"""The seat and the second person with a real runner: another login of this machine, and a screen in a terminal."""

from __future__ import annotations

import contextlib
import io
import sys
import zoneinfo  # noqa: F401 - what is loaded on the way cannot be, at a login that may not read the interpreter
from dataclasses import replace
from pathlib import Path

import typer

from migration import rehearsal, terminals
from migration.decisions import Choice, Decision, ask_seat, decide, operator
from migration.model import NO_WISHES
from migration.seat import Ask
from migration.sessions import launch
from migration.sharing import let_decide
from migration.terminals import Terminal
from migration.view import MigrationView
from providers.sandbox.spec import TopologySpec
from tests.rehearsals.command import CUTOVER, cutover
from tests.rehearsals.driving import approve, at_gate, until
from tests.rehearsals.test_hangup import ENGINE, prepared
from tests.support.lookout import lookout
from tests.support.other_login import GROUP, NOBODY, OtherLogin, needed, open_state, other
from tests.support.terminal import terminal
from tui.commands.sharing import approve as approve_command

__all__ = ["open_state", "other"]
ENTER = "\r"


def watching(path: Path) -> Terminal:
    """Arrive as an observer."""
    here = terminals.here(observer=True)
    terminals.arrive(path, here)
    return here


@needed
def test_it_goes_from_a_screen_to_another_login_and_back(
    engine_names: tuple[str, ...], open_state: Path, other: OtherLogin
) -> None:
    with prepared() as made:
        let_decide(made.journal, GROUP)
        name = made.journal.parent.name
        at_gate(made, "checks")
        with terminal([CUTOVER, "resume", name]) as screen:
            until(made, lambda view: view.seat.pid == screen.process.pid)
            them = other.call(watching, made.journal)
            confirm = Decision(Choice.CONFIRM, "checks")
            other.call(decide, made.journal, confirm, them.id)
            why = f"refused: {operator()} has the operator's seat, and {them.who} has not"
            until(made, lambda view: any(line.text == why for line in view.log))
            assert at_gate(made, "checks").plan is None

            screen.wait_for("WELCOME")
            screen.press("O")
            screen.wait_for(f"Enter offers the seat to {NOBODY}@")
            screen.press(ENTER)
            until(made, lambda view: view.seat.offered_who == them.who)
            other.call(ask_seat, made.journal, Ask.TAKE, them)
            until(made, lambda view: view.seat.terminal == them.id)
            screen.wait_for(f"NO SEAT: {NOBODY}@")
            other.call(decide, made.journal, confirm, them.id)
            at_gate(made, "plan")

            other.kill()
            screen.wait_for("its screen has ended")
            screen.press(ENTER)
            until(made, lambda view: view.seat.pid == screen.process.pid)
            screen.wait_for("you, at this screen")
        told = cutover("report", name, "--unmasked").stdout
        masked = cutover("report", name, "--format", "html").stdout

    assert why.removeprefix("refused: ") in told.partition("## Decisions")[2].partition("##")[0]
    assert "## Operator's seat" in told
    assert f"handed over by {operator()}" in told
    assert f"taken over from {them.who}, whose terminal has ended" in told
    assert "<h2>Operator's seat</h2>" in masked
    assert f"{NOBODY}@" not in masked


def agree(name: str, typed: str) -> tuple[int, str]:
    """`cutover approve` at another login: its exit code, and what it said."""
    said = io.StringIO()
    sys.stdin = io.StringIO(f"{typed}\n")
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            approve_command(name)
    except typer.Exit as left:
        return left.exit_code, said.getvalue()
    return 0, said.getvalue()


def lacks_the_second(view: MigrationView) -> bool:
    """At the gate of the cutover everything holds but the second person."""
    red = [one.text for one in view.gate.conditions if not one.ok] if view.gate is not None else []
    return len(red) == 1 and red[0].startswith("a second person has to agree")


@needed
def test_a_cutover_for_two_people_needs_both_and_its_rollback_one(
    engine_names: tuple[str, ...], open_state: Path, other: OtherLogin
) -> None:
    topology = TopologySpec(ENGINE, ENGINE, rows=2000, rate=50)
    made = rehearsal.set_up(topology, "mysql_replication", lambda _: None, wishes=replace(NO_WISHES, people=2))
    name, confirm = made.journal.parent.name, Decision(Choice.CONFIRM, "cutover", typed="source")
    try:
        with lookout(open_state) as seen:
            let_decide(made.journal, GROUP)
            launch(made.journal, made.secrets())
            let_decide(made.journal, GROUP)
            assert "does not wait for its cutover" in other.call(agree, name, "source")[1]
            approve(made)
            plan = until(made, lacks_the_second).plan
            assert plan is not None

            decide(made.journal, confirm)
            until(made, lambda view: any("refused: a second person has to agree" in line.text for line in view.log))
            # The login of the operator, whatever it calls itself.
            decide(made.journal, Decision(Choice.APPROVE, "cutover", typed="source", shown=plan.hash))
            until(made, lambda view: any("cannot be the second person as well" in line.text for line in view.log))
            code, said = other.call(agree, name, "target")
            assert (code, "'target' was typed and 'source' confirms" in said) == (1, True)
            assert not at_gate(made, "cutover").attempts

            code, said = other.call(agree, name, "source")
            assert code == 0, said
            assert "WAIT a second person has to agree" in said
            until(made, lambda view: view.gate is not None and view.gate.ready)
            decide(made.journal, confirm)
            view = until(made, lambda view: view.gate is not None and view.gate.id == "observe" and view.gate.ready)
            assert view.primary == "target"
            decide(made.journal, Decision(Choice.ROLL_BACK, "observe", typed="target", reason="slow"))
            until(made, lambda view: view.primary == "source" and lacks_the_second(view))
            told = cutover("report", name, "--unmasked").stdout
        assert seen.found(said + told) == []
    finally:
        decide(made.journal, Decision(Choice.CANCEL))
        made.sandbox.stop()
