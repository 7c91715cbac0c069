"""What can be made to go wrong with the simulated RDS: with calls to it, and with what it does."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.sandbox.api.faults import Fault, Faults, Kind


def throttled(action: str = "*", times: int | None = 1) -> Fault:
    """Too many calls."""
    return Fault(Kind.REFUSE, action, times, status=400, code="Throttling", message="Rate exceeded")


def unavailable(action: str = "*", times: int | None = 1) -> Fault:
    """AWS is not well."""
    return Fault(
        Kind.REFUSE, action, times, status=503, code="ServiceUnavailable",
        message="The request has failed due to a temporary failure of the server.",
    )  # fmt: skip


def expired(action: str = "*", times: int | None = None) -> Fault:
    """The credentials have expired."""
    return Fault(
        Kind.REFUSE, action, times, status=403, code="ExpiredToken",
        message="The security token included in the request is expired",
    )  # fmt: skip


def forbidden(action: str) -> Fault:
    """The account may not do this."""
    return Fault(
        Kind.REFUSE, action, None, status=403, code="AccessDenied",
        message="User is not authorized to perform this action because no identity-based policy allows it",
    )  # fmt: skip


def dropped_answer(action: str, times: int | None = 1) -> Fault:
    """It is done, and the answer does not arrive."""
    return Fault(Kind.LOSE, action, times)


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with an account from its beginning: with calls, and so many times with what RDS does.

    `begins`: the call with which `calls` begin to go wrong, such as `rds:PromoteReadReplica`; the first one where it is
    empty. `promotions` fail, `replicas` stop applying as soon as they are there, `failovers` that are asked for do not
    come about, `switches` of Blue/Green deployments run into their timeout.
    """

    calls: tuple[Fault, ...] = ()
    begins: str = ""
    promotions: int = 0
    replicas: int = 0
    failovers: int = 0
    switches: int = 0

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Trouble:
        """The reverse of `dataclasses.asdict`."""
        return Trouble(**{**content, "calls": tuple(Fault.from_json(one) for one in content["calls"])})


NO_TROUBLE = Trouble()


class AwsFaults(Faults):
    """The faults of calls, and these of what RDS does; safe to use from any thread."""

    def __init__(self, trouble: Trouble = NO_TROUBLE) -> None:
        super().__init__()
        self._counting = threading.Lock()
        self._promotions = trouble.promotions
        self._switches = trouble.switches
        self._replicas = trouble.replicas
        self._failovers = trouble.failovers
        self._waiting = trouble.calls
        self._begins = trouble.begins

    def fail_promotions(self, times: int = 1) -> None:
        """Let promotions end with the replica as it was."""
        with self._counting:
            self._promotions += times

    def delay_switches(self, times: int = 1) -> None:
        """Let switches of Blue/Green deployments run into their timeout."""
        with self._counting:
            self._switches += times

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        super().clear()
        with self._counting:
            self._promotions = self._switches = self._replicas = self._failovers = 0
            self._waiting = ()

    def take(self, action: str) -> Fault | None:
        """See `Faults`."""
        with self._counting:
            begun = self._waiting if action == self._begins or not self._begins else ()
            self._waiting = () if begun else self._waiting
        for fault in begun:
            self.add(fault)
        return super().take(action)

    def takes_promotion(self) -> bool:
        """Whether the promotion that begins now fails."""
        with self._counting:
            self._promotions, fails = max(0, self._promotions - 1), self._promotions > 0
            return fails

    def takes_switch(self) -> bool:
        """Whether the switch that begins now is late."""
        with self._counting:
            self._switches, late = max(0, self._switches - 1), self._switches > 0
            return late

    def takes_replica(self) -> bool:
        """Whether the replica that is there now stops applying."""
        with self._counting:
            self._replicas, stops = max(0, self._replicas - 1), self._replicas > 0
            return stops

    def takes_failover(self) -> bool:
        """Whether the failover that is asked for now is abandoned."""
        with self._counting:
            self._failovers, abandoned = max(0, self._failovers - 1), self._failovers > 0
            return abandoned
