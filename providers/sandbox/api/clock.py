"""A simulated cloud's own time, which a test can move."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_LOOK_S = 0.05


class Clock:
    """Seconds since 1970, ahead of `reading` by what was passed to `advance`."""

    def __init__(self, reading: Callable[[], float] = time.time) -> None:
        self._reading = reading
        self._ahead = 0.0
        self._moved = threading.Condition()

    def now(self) -> float:
        """The time."""
        return self._reading() + self._ahead

    def advance(self, seconds: float) -> None:
        """Let time pass at once."""
        with self._moved:
            self._ahead += seconds
            self._moved.notify_all()

    def wait_until(self, moment: float, stopping: threading.Event) -> None:
        """Wait until it is `moment`, or somebody stops the cloud."""
        with self._moved:
            while (left := moment - self.now()) > 0 and not stopping.is_set():
                self._moved.wait(min(left, _LOOK_S))
