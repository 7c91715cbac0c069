"""Waiting for a condition, never for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")


def until(condition: Callable[[], _T | None], what: str, seconds: float = 30.0, every: float = 0.01) -> _T:
    """Ask until the answer is true and return it; fail after `seconds`, saying what did not happen."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"within {seconds} s: {what} (last answer {answer!r})"
        time.sleep(every)
