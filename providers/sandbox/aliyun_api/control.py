"""The way in for tests and rehearsals that is no part of the cloud: faults, the calls so far, the clock."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from providers.mysql.endpoint import Secret
from providers.sandbox.aliyun_api.clock import Clock
from providers.sandbox.aliyun_api.faults import Fault, Faults
from providers.sandbox.aliyun_api.gateway import Call, Gateway
from providers.sandbox.aliyun_api.http import CONTROL, TICKET_HEADER

_ANSWER_S = 10.0


class ControlRefused(Exception):
    """The simulator does not take the order; its own words."""


def carry_out(order: Mapping[str, Any], gateway: Gateway, faults: Faults, clock: Clock) -> Any:
    """Carry one order out: fault, clear, lag, advance or calls.

    Raises:
        ValueError, KeyError, TypeError: there is no such order, or it lacks something.
    """
    name = order["do"]
    if name == "fault":
        return faults.add(Fault.from_json(order["fault"]))
    if name == "clear":
        return faults.clear()
    if name == "lag":
        seconds = order["seconds"]
        faults.delayed_seconds = None if seconds is None else int(seconds)
        return None
    if name == "advance":
        return clock.advance(float(order["seconds"]))
    if name == "calls":
        return [asdict(call) for call in gateway.calls]
    raise ValueError(f"there is no order {name!r}")


@dataclass(frozen=True)
class Control:
    """The other end, over HTTP on loopback. Methods raise ControlRefused, or OSError where nobody answers."""

    host: str
    port: int
    token: Secret

    def add(self, fault: Fault) -> None:
        """Let something go wrong from now on."""
        self._ask({"do": "fault", "fault": fault.as_json()})

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._ask({"do": "clear"})

    def lag(self, seconds: int | None) -> None:
        """Put a figure in the place of the replica's real lag; None takes it back."""
        self._ask({"do": "lag", "seconds": seconds})

    def advance(self, seconds: float) -> None:
        """Let the cloud's time pass at once."""
        self._ask({"do": "advance", "seconds": seconds})

    def calls(self) -> tuple[Call, ...]:
        """Every signed call so far."""
        return tuple(Call(**one) for one in self._ask({"do": "calls"}))

    def _ask(self, order: Mapping[str, Any]) -> Any:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=_ANSWER_S)
        try:
            connection.request("POST", CONTROL, json.dumps(order), {TICKET_HEADER: self.token.reveal()})
            answer = json.loads(connection.getresponse().read())
        finally:
            connection.close()
        if not answer.get("ok"):
            raise ControlRefused(str(answer.get("error", "the token is not the simulator's")))
        return answer["result"]
