"""What a simulated cloud remembers of its calls."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

C = TypeVar("C")


@dataclass(frozen=True)
class Call:
    """One call that was signed: the action with its product, its parameters, and the code it was answered with.

    `outcome` is empty where it went well; `lost`: the caller got no answer to it.
    """

    action: str
    parameters: Mapping[str, Any]
    outcome: str
    lost: bool


class Calls(Generic[C]):
    """The calls so far, in the order in which they were answered. May be asked from any thread."""

    def __init__(self) -> None:
        self._calls: list[C] = []
        self._lock = threading.Lock()

    def add(self, call: C) -> None:
        """One more was answered."""
        with self._lock:
            self._calls.append(call)

    @property
    def so_far(self) -> tuple[C, ...]:
        """All of them."""
        with self._lock:
            return tuple(self._calls)

    @property
    def number(self) -> int:
        """How many there were."""
        with self._lock:
            return len(self._calls)


class Answering(Generic[C]):
    """What can be asked of a running simulation: `calls` are those that were authorised."""

    def __init__(self, calls: Calls[C]) -> None:
        self._calls = calls

    @property
    def calls(self) -> tuple[C, ...]:
        """Every call so far, in the order in which they were answered."""
        return self._calls.so_far

    @property
    def answered(self) -> int:
        """How many there were so far."""
        return self._calls.number
