"""A screen's side of the operator's seat: saying that it is there, and asking the runner for the seat."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from migration import letters, terminals
from migration.decisions import ask_seat
from migration.journal import JournalError
from migration.seat import Ask
from migration.terminals import Terminal
from migration.view import MigrationView, SeatView


class Seating:
    """One terminal at one migration."""

    def __init__(self, journal: Path, *, observer: bool) -> None:
        self.terminal: Terminal = terminals.here(observer=observer)
        self._journal = journal
        self._asked: int | None = None
        # The number in the journal of what was asked for last.
        self.asked: int | None = None

    def may_decide(self) -> bool:
        """Whether this login may hand anything in at all."""
        return os.access(self._journal, os.W_OK) or letters.may_send(self._journal)

    def arrive(self) -> None:
        """Say that somebody is here; where this login may not, nobody can offer it the seat."""
        with contextlib.suppress(OSError):
            terminals.arrive(self._journal, self.terminal)

    def beat(self) -> None:
        """Say that somebody still is."""
        terminals.beat(self._journal, self.terminal)

    def leave(self) -> None:
        """Say that nobody is any more."""
        terminals.leave(self._journal, self.terminal)

    def holds(self, seat: SeatView) -> bool:
        """Whether the seat is this terminal's."""
        return bool(seat.who) and seat.terminal == self.terminal.id

    def lost(self, seat: SeatView) -> str:
        """Why the terminal that has the seat counts as lost; empty where it is there, or the seat is free."""
        return terminals.lost(self._journal, seat.terminal, time.time()) if seat.who else ""

    def is_offered(self, seat: SeatView) -> bool:
        """Whether this terminal may take it."""
        return bool(seat.offered_to) and seat.offered_to == self.terminal.id

    def wants(self, view: MigrationView) -> bool:
        """Whether the runner is to be asked for a seat that nobody would miss; once of each runner."""
        seat, pid = view.seat, view.runner_pid
        if self.terminal.observer or view.end is not None or not view.runner_alive or self._asked == pid:
            return False
        if seat.who and (self.holds(seat) or not self.lost(seat)):
            return False
        self._asked = pid
        return True

    def ask(self, ask: Ask, to: str = "") -> str:
        """Ask; why that was not possible, empty where it was. It writes to the disk.

        `to`: the terminal that the seat is offered to.
        """
        try:
            self.asked = ask_seat(self._journal, ask, self.terminal, to)
        except JournalError as error:
            return str(error)
        return ""

    def others(self) -> tuple[Terminal, ...]:
        """The other terminals that look at this migration."""
        return tuple(one for one in terminals.present(self._journal) if one.id != self.terminal.id)
