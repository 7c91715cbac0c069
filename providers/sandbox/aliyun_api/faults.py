"""What can be made to go wrong with calls to the simulated Alibaba Cloud, and with what it says of a replica."""

from __future__ import annotations

from providers.sandbox.api import faults
from providers.sandbox.api.faults import Fault, Kind


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


def lost_answers() -> tuple[Fault, ...]:
    """Every write is carried out and never answered; what has a token is answered when it is sent again."""
    never = ("polardb:CreateDBEndpointAddress", "*:Modify*", "*:Close*", "*:Continue*", "*:Abort*", "*:Delete*")
    return (*(Fault(Kind.LOSE, action, None) for action in never), Fault(Kind.LOSE, "*:Create*"))


class Faults(faults.Faults):
    """The faults that wait for their call, and a wrong lag; safe to use from any thread.

    `delayed_seconds` stands for the replica's real lag, in answers and where the cloud decides by it; None leaves
    it as it is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.delayed_seconds: int | None = None

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        super().clear()
        self.delayed_seconds = None
