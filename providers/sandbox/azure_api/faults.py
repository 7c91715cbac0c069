"""What can be made to go wrong: with calls, as in the other simulated clouds, and with long-running operations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from providers.sandbox.api import faults


class Ending(StrEnum):
    """How an operation goes wrong after it was accepted.

    FAIL: nothing is done, and it ends as Failed with `code` and `message`. VANISH: it is done, but its address knows
    nothing of it. SLOW: it takes `seconds` longer. STAND: it is never done, and stays InProgress.
    """

    FAIL = "fail"
    VANISH = "vanish"
    SLOW = "slow"
    STAND = "stand"


@dataclass(frozen=True)
class OperationFault:
    """One operation that goes wrong, by a pattern such as `flexible:Servers_Update`; `times` of them do."""

    ending: Ending
    action: str = "*"
    times: int = 1
    code: str = "InternalServerError"
    message: str = "An unexpected error occured while processing the request."
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> OperationFault:
        """The reverse of `as_json`; fields may be left out."""
        return OperationFault(**{**content, "ending": Ending(content["ending"])})


class Faults(faults.Faults):
    """The faults that wait for their call or operation; safe to use from any thread."""

    def __init__(self) -> None:
        super().__init__()
        self._operations: faults.Waiting[OperationFault] = faults.Waiting()

    def add_operation(self, fault: OperationFault) -> None:
        """Let an operation go wrong."""
        self._operations.add(fault, fault.action, fault.times)

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        super().clear()
        self._operations.clear()

    def take_operation(self, action: str) -> OperationFault | None:
        """What goes wrong with this operation: the first fault that fits; it is used up by it."""
        return self._operations.take(action)
