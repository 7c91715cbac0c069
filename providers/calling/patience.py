"""How long an answer is waited for, and how often a call is tried."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from providers.calling.errors import Failure

T = TypeVar("T")
_LONGEST_PAUSE_S = 10.0


@dataclass(frozen=True)
class Timeouts:
    """Bounds of one attempt, in seconds: for making the connection, and for waiting for bytes of the answer."""

    connect_s: float = 5.0
    read_s: float = 15.0


@dataclass(frozen=True)
class Retry:
    """How often what may be repeated is tried, at least once, and how long is waited in between, doubling each time."""

    attempts: int = 5
    first_s: float = 0.3
    most_s: float = 5.0

    def rounds(self) -> Iterator[int]:
        """Count the attempts from 1, having waited before all but the first."""
        pause = self.first_s
        for attempt in range(1, self.attempts + 1):
            if attempt > 1:
                # Several callers that were throttled together must not come back together.
                time.sleep(random.uniform(pause / 2, pause))  # noqa: S311
                pause = min(pause * 2, self.most_s)
            yield attempt

    def until(self, attempt: Callable[[], T], again: Callable[[Failure], bool]) -> T:
        """Attempt something, and again while it ends in a failure that is worth it: how the last attempt ended."""
        for number in self.rounds():
            outcome = attempt()
            if not isinstance(outcome, Failure) or not again(outcome):
                break
            if outcome.again_s and number < self.attempts:
                time.sleep(min(outcome.again_s, _LONGEST_PAUSE_S))
        return outcome
