"""What can be made to go wrong with calls to a simulated cloud."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Kind(StrEnum):
    """How a call goes wrong.

    REFUSE: an error in place of the answer, and nothing is done. PAGE: a page that is no JSON, with `status`, and
    nothing is done. DROP: the connection is reset before anything is done. LOSE: it is done, and the connection is
    reset in place of the answer. INSIDE: as Alibaba's DTS fails, HTTP 200 with Success false; no other cloud does.
    ALTER: fields of the answer are replaced (`fields`, by name at the top level) or left out (`without`). SLOW: the
    answer comes `seconds` later.
    """

    REFUSE = "refuse"
    PAGE = "page"
    DROP = "drop"
    LOSE = "lose"
    INSIDE = "inside"
    ALTER = "alter"
    SLOW = "slow"


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    `action` is a pattern such as `polardb:CreateDBCluster`, `dts:*` or `*`; `skip` matching calls go well first,
    then `times` of them go wrong, all of them where it is None.
    """

    kind: Kind
    action: str = "*"
    times: int | None = 1
    skip: int = 0
    status: int = 400
    code: str = ""
    message: str = ""
    seconds: float = 0.0
    fields: Mapping[str, Any] = field(default_factory=dict)
    without: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Fault:
        """The reverse of `as_json`; fields may be left out."""
        given = {**content, "kind": Kind(content["kind"]), "without": tuple(content.get("without", ()))}
        return Fault(**given)


@dataclass
class _Armed(Generic[T]):
    fault: T
    action: str
    times: int | None
    skip: int


class Waiting(Generic[T]):
    """Faults that wait for what they fit, and are used up by it; safe to use from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed[T]] = []

    def add(self, fault: T, action: str, times: int | None, skip: int = 0) -> None:
        """Let what fits the pattern `action` go wrong from now on, in the way in which `Fault` counts."""
        with self._lock:
            self._armed.append(_Armed(fault, action, times, skip))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._armed.clear()

    def take(self, action: str) -> T | None:
        """The first fault that fits."""
        with self._lock:
            for armed in self._armed:
                if not fnmatchcase(action, armed.action):
                    continue
                if armed.skip:
                    armed.skip -= 1
                    continue
                if armed.times is not None:
                    armed.times -= 1
                    if not armed.times:
                        self._armed.remove(armed)
                return armed.fault
        return None


class Faults:
    """The faults that wait for their call; safe to use from any thread."""

    def __init__(self) -> None:
        self._calls: Waiting[Fault] = Waiting()

    def add(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        self._calls.add(fault, fault.action, fault.times, fault.skip)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._calls.clear()

    def take(self, action: str) -> Fault | None:
        """What goes wrong with this call: the first fault that fits; it is used up by it."""
        return self._calls.take(action)
