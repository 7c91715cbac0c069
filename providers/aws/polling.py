"""Waiting for AWS to have done something: looking again and again, within a bound.

The SDK's own waiters give up after thirty minutes, end at states that are none of theirs, and cannot be stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from providers.aws.errors import NoAnswer, Throttled

T = TypeVar("T")
_SLICE_S = 0.2


class Progress(StrEnum):
    """What one look says. UNKNOWN: neither; it is looked on."""

    DONE = "done"
    WAITING = "waiting"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Ended(StrEnum):
    """Why the waiting ended."""

    DONE = "done"
    FAILED = "failed"
    LATE = "late"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Pace:
    """How long is waited in all, and between two looks."""

    seconds: float
    every_s: float = 5.0


@dataclass(frozen=True)
class Waited(Generic[T]):
    """How the waiting ended.

    Attributes:
        last: what was seen last; None where nothing was seen at all.
        seconds: how long it took.
        unseen: why the last look saw nothing; None where it did.
    """

    ended: Ended
    last: T | None
    seconds: float
    unseen: NoAnswer | Throttled | None = None


def wait(
    look: Callable[[], T],
    judge: Callable[[T], Progress],
    pace: Pace,
    stopping: Callable[[], bool] = lambda: False,
    on_look: Callable[[T], None] = lambda _: None,
) -> Waited[T]:
    """Look until `judge` says that it is done or failed, the time is over, or `stopping` says so.

    A look without an answer says nothing and is repeated; whatever else a look raises ends the waiting.
    """
    began = time.monotonic()
    last: T | None = None
    while True:
        unseen: NoAnswer | Throttled | None = None
        try:
            last = look()
        except (NoAnswer, Throttled) as error:
            unseen = error
        else:
            on_look(last)
            progress = judge(last)
            if progress in (Progress.DONE, Progress.FAILED):
                return Waited(Ended(progress.value), last, time.monotonic() - began)
        if not _pause(began, pace, stopping):
            ended = Ended.STOPPED if stopping() else Ended.LATE
            return Waited(ended, last, time.monotonic() - began, unseen)


def _pause(began: float, pace: Pace, stopping: Callable[[], bool]) -> bool:
    """Wait until the next look is due; False where there is to be none."""
    due = min(time.monotonic() + pace.every_s, began + pace.seconds)
    while not stopping():
        left = due - time.monotonic()
        if left <= 0:
            return time.monotonic() < began + pace.seconds
        time.sleep(min(left, _SLICE_S))
    return False
