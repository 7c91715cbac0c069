"""What can be made to go wrong with calls to the simulated cloud."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any


class Kind(StrEnum):
    """How a call goes wrong.

    REFUSE: an error in place of the answer, and nothing is done. PAGE: a page that is no JSON, with `status`, and
    nothing is done. DROP: the connection is reset before anything is done. LOSE: it is done, and the connection is
    reset in place of the answer. INSIDE: DTS's own way of failing, HTTP 200 with Success false. ALTER: fields of
    the answer are replaced (`fields`, by name at the top level) or left out (`without`). SLOW: the answer comes
    `seconds` later.
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


def throttled(action: str = "*", times: int | None = 1) -> Fault:
    """Too many calls."""
    return Fault(
        Kind.REFUSE, action, times, status=400, code="Throttling.User",
        message="Request was denied due to user flow control.",
    )  # fmt: skip


def unavailable(action: str = "*", times: int | None = 1) -> Fault:
    """The cloud is not well."""
    return Fault(
        Kind.REFUSE, action, times, status=503, code="ServiceUnavailable",
        message="The request has failed due to a temporary failure of the server.",
    )  # fmt: skip


def forbidden(action: str) -> Fault:
    """The account may not do this."""
    return Fault(
        Kind.REFUSE, action, None, status=403, code="Forbidden.RAM",
        message="User not authorized to operate on the specified resource, or this API doesn't support RAM.",
    )  # fmt: skip


@dataclass
class _Armed:
    fault: Fault
    skip: int
    times: int | None


class Faults:
    """The faults that wait for their call; safe to use from any thread.

    `delayed_seconds` stands for the replica's real lag, in answers and where the cloud decides by it; None leaves
    it as it is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[_Armed] = []
        self.delayed_seconds: int | None = None

    def add(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        with self._lock:
            self._armed.append(_Armed(fault, fault.skip, fault.times))

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._armed.clear()
            self.delayed_seconds = None

    def take(self, action: str) -> Fault | None:
        """What goes wrong with this call: the first fault that fits; it is used up by it."""
        with self._lock:
            for armed in self._armed:
                if not fnmatchcase(action, armed.fault.action):
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
