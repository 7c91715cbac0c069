"""Driving a rehearsal by its journal: waiting for what it shows, deciding at its gates."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from migration.decisions import Choice, Decision, decide
from migration.rehearsal import Rehearsal
from migration.view import MigrationView
from migration.watch import Watch
from providers.mysql.server import Server


def until(made: Rehearsal, holds: Callable[[MigrationView], bool], seconds: float = 60) -> MigrationView:
    deadline = time.monotonic() + seconds
    with Watch(made.journal) as watch:
        while True:
            view = watch.view()
            if holds(view):
                return view
            assert time.monotonic() < deadline, view.headline
            # To make a view takes of the machine what the runner needs.
            time.sleep(0.03)


def at_gate(made: Rehearsal, gate: str) -> MigrationView:
    return until(made, lambda view: view.gate is not None and view.gate.id == gate)


def approve(made: Rehearsal, *, checked: bool = False) -> None:
    """Accept the checks, unless that was done, and the plan."""
    if not checked:
        at_gate(made, "checks")
        decide(made.journal, Decision(Choice.CONFIRM, "checks"))
    view = at_gate(made, "plan")
    assert view.plan is not None
    decide(made.journal, Decision(Choice.CONFIRM, "plan", shown=view.plan.hash))


@contextlib.contextmanager
def applier_blocked(made: Rehearsal) -> Iterator[None]:
    """The target's applier waits for a table lock, so that the switch takes long enough to be watched."""
    target = Server(made.sandbox.endpoints().target).connect()
    target.run("LOCK TABLES shop.ledger READ")
    try:
        yield
    finally:
        target.close()
