"""The operator's seat in lines: who has it, and how to take it."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from migration.seat import Ask
from migration.terminals import BEAT_S
from migration.view import MigrationView
from tui.plain.voice import Voice
from tui.seating import Seating


class PlainSeat:
    """Our side of the seat of one migration; nobody is there before it is entered, and after it is left."""

    def __init__(self, journal: Path, voice: Voice, *, observer: bool) -> None:
        self._seating = Seating(journal, observer=observer)
        self._voice = voice
        self._observer = observer
        self._beaten = 0.0
        self._state = ""

    @property
    def terminal(self) -> str:
        """The id of this terminal."""
        return self._seating.terminal.id

    def __enter__(self) -> Self:
        if not self._observer:
            self._seating.arrive()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._seating.leave()

    def mine(self, view: MigrationView) -> bool:
        """Whether what is decided here is followed."""
        return not view.seat.who or self._seating.holds(view.seat)

    def look(self, view: MigrationView) -> bool:
        """Ask for a seat that nobody would miss, and say who has it; whether it came or went since the last look."""
        now = time.monotonic()
        if now - self._beaten > BEAT_S:
            self._beaten = now
            self._seating.beat()
        if self._seating.wants(view) and (error := self._seating.ask(Ask.OPEN)):
            self._voice.say(f"FAIL {error}")
        state = self._of(view)
        if state == self._state:
            return False
        came = bool(self._state) or not self.mine(view)
        self._state = state
        if not self.mine(view):
            self._voice.say(state)
        elif came:
            self._voice.say("You have the operator's seat.")
        return came

    def _of(self, view: MigrationView) -> str:
        seat = view.seat
        if self.mine(view):
            return "mine"
        if self._seating.is_offered(seat):
            return f"{seat.who} offers you the operator's seat. Type t and Enter to take it."
        return f"{seat.who} decides here, at process {seat.pid}, and has the operator's seat. t and Enter asks for it."

    def offer(self, answer: str) -> None:
        """Say who else looks on, or offer the seat to one of them: `o` and `o 1`."""
        others = self._seating.others()
        number = answer[1:].strip()
        if number.isdecimal() and 0 < int(number) <= len(others):
            error = self._seating.ask(Ask.OFFER, others[int(number) - 1].id)
            self._voice.say(f"FAIL {error}" if error else f"Offered to {others[int(number) - 1].who}.")
            return
        for one, other in enumerate(others, 1):
            self._voice.say(f"o {one}. Offer the operator's seat to {other.who} at process {other.pid}.")
        if not others:
            self._voice.say("Nobody else looks on who could be offered the operator's seat.")

    def answered(self, view: MigrationView, letter: str) -> None:
        """Ask the runner for the seat, or say that nothing else is taken here."""
        if letter != "t":
            self._voice.say(f"{view.seat.who} decides here. Nothing was changed. t asks for the seat, q leaves.")
        elif error := self._seating.ask(Ask.TAKE):
            self._voice.say(f"FAIL {error}")
        else:
            self._voice.say("The runner was asked; it says above or below what came of it.")
