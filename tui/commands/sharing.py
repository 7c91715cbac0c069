"""`cutover share` and `approve`: other logins of this machine that watch, decide, or agree as the second person."""

from __future__ import annotations

import shlex
import time
from pathlib import Path
from typing import Annotated

import typer

from tui import exit_codes
from tui.commands.report import journal_of
from tui.commands.saying import fail, say

_HEARD_S = 15.0
_POLL_S = 0.05


def share(
    migration: Annotated[str, typer.Argument(help="Its name.")],
    group: Annotated[str, typer.Argument(help="A group of this machine, such as dba.")],
    operate: Annotated[
        bool, typer.Option("--operate", help="They may have the operator's seat as well, and decide with it.")
    ] = False,
) -> None:
    """Let the logins of a group watch a migration."""
    from migration.journal import JournalError
    from migration.sessions import state_dir
    from migration.sharing import let_decide, let_watch

    path = journal_of(migration)
    try:
        closed = (let_decide if operate else let_watch)(path, group)
    except JournalError as error:
        fail(str(error), exit_codes.CANNOT_START)
    may = "watch it, ask for the operator's seat and decide with it" if operate else "watch it"
    say(f"The logins of {group} may {may}: CUTOVER_STATE={shlex.quote(str(state_dir()))} cutover watch {migration}")
    for one in closed:
        say(f"They cannot come through {one} yet: setfacl -m g:{shlex.quote(group)}:x {shlex.quote(str(one))}")


def approve(migration: Annotated[str, typer.Argument(help="Its name.")]) -> None:
    """Agree to a cutover as the second person, at a login that may not write the journal."""
    from migration.decisions import Choice, Decision, decide
    from migration.journal import JournalError
    from migration.model import from_to
    from migration.second_person import VALID_S
    from migration.watch import Watch

    path = journal_of(migration)
    try:
        with Watch(path) as watch:
            view = watch.view()
            gate = view.gate
            if view.end is not None or gate is None or gate.id != "cutover" or view.plan is None:
                fail(f"{migration} does not wait for its cutover now: {view.headline}", exit_codes.CANNOT_START)
            say(f"{view.spec.environment}: {from_to(view.source.name, view.target.name)}, plan {view.plan.hash}")
            say(gate.consequence or gate.question)
            for one in gate.conditions:
                say(f"{'OK  ' if one.ok else 'WAIT'} {one.text}")
            typed = typer.prompt(f"Type {gate.word} to agree that {view.seat.who or 'the operator'} cuts over")
            decision = Decision(Choice.APPROVE, gate.id, typed, shown=view.plan.hash)
            answer = _heard(path, decide(path, decision))
    except JournalError as error:
        fail(str(error), exit_codes.CANNOT_START)
    if answer:
        fail(answer, exit_codes.FAILED)
    say(f"You have agreed; it holds for {VALID_S / 60:.0f} minutes and for one cutover.")


def _heard(path: Path, seq: int) -> str:
    """Why the runner did not take an agreement, empty where it did; it waits for that."""
    from migration.decisions import operator
    from migration.journal import JournalReader, Kind
    from migration.second_person import agreed

    end = time.monotonic() + _HEARD_S
    with JournalReader(path) as reader:
        while time.monotonic() < end:
            for record in reader.records(seq):
                if record.kind is Kind.REFUSED and record.body["decision"] == seq:
                    return f"The runner refused it: {record.body['why']}."
                if record.kind is Kind.NOTE and record.body["text"] == agreed(operator()):
                    return ""
            time.sleep(_POLL_S)
    return "The runner has not taken it up: look whether the gate is still open."
