"""The way in for tests and rehearsals that is no part of a cloud: faults, the calls so far, the clock."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from providers.mysql.endpoint import Secret
from providers.sandbox.api.clock import Clock
from providers.sandbox.api.faults import Fault, Faults
from providers.sandbox.api.http import CONTROL, TICKET_HEADER

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_ANSWER_S = 10.0

Order = Mapping[str, Any]
Orders = Mapping[str, Callable[[Order], Any]]


class ControlRefused(Exception):
    """The simulator does not take the order; its own words."""


def common(faults: Faults, clock: Clock, calls: Callable[[], Sequence[DataclassInstance]]) -> Orders:
    """The orders that every simulated cloud takes, by name; `calls` gives those so far."""
    return {
        "fault": lambda order: faults.add(Fault.from_json(order["fault"])),
        "clear": lambda _: faults.clear(),
        "advance": lambda order: clock.advance(float(order["seconds"])),
        "calls": lambda _: [asdict(call) for call in calls()],
    }


def carry_out(order: Order, orders: Orders) -> Any:
    """Carry one order out.

    Raises:
        ValueError, KeyError, TypeError: there is no such order, or it lacks something.
    """
    name = order["do"]
    if name not in orders:
        raise ValueError(f"there is no order {name!r}")
    return orders[name](order)


@dataclass(frozen=True)
class Control:
    """The other end, over HTTP on loopback. Methods raise ControlRefused, or OSError where nobody answers."""

    host: str
    port: int
    token: Secret

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values, the token in clear."""
        return {"host": self.host, "port": self.port, "token": self.token.reveal()}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """The reverse of `as_json`."""
        return cls(content["host"], content["port"], Secret(content["token"]))

    def add(self, fault: Fault) -> None:
        """Let a call go wrong from now on."""
        self._ask({"do": "fault", "fault": fault.as_json()})

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._ask({"do": "clear"})

    def advance(self, seconds: float) -> None:
        """Let the cloud's time pass at once."""
        self._ask({"do": "advance", "seconds": seconds})

    def _ask(self, order: Order) -> Any:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_ANSWER_S)
        try:
            connection.request("POST", CONTROL, json.dumps(order), {TICKET_HEADER: self.token.reveal()})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if not answer.get("ok"):
            raise ControlRefused(str(answer.get("error", "the token is not the simulator's")))
        return answer["result"]
