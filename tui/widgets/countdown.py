"""A countdown that starts something unless a key stops it."""

from __future__ import annotations

from collections.abc import Callable

from textual.timer import Timer
from textual.widget import Widget

SECONDS = 5
TICK_S = 1.0


class Countdown:
    """Counts `SECONDS` down on a widget's timer and then calls `done` once."""

    def __init__(self, owner: Widget, changed: Callable[[], None], done: Callable[[], None]) -> None:
        self._owner = owner
        self._changed = changed
        self._done = done
        self._timer: Timer | None = None
        self.left = 0

    @property
    def running(self) -> bool:
        """Whether it is counting."""
        return self._timer is not None

    def start(self) -> None:
        """Begin from the top."""
        self.stop()
        self.left = SECONDS
        self._timer = self._owner.set_interval(TICK_S, self._tick)
        self._changed()

    def stop(self) -> None:
        """Stop counting; nothing is started."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
            self._changed()

    def bar(self, cells: int) -> str:
        """How much of the time has gone."""
        filled = cells * (SECONDS - self.left) // SECONDS
        return "▓" * filled + "░" * (cells - filled)

    def _tick(self) -> None:
        self.left -= 1
        if self.left > 0:
            self._changed()
            return
        self.stop()
        self._done()
