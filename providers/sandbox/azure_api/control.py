"""The way in for tests and rehearsals that is no part of the cloud: faults, the calls so far, the clock, the portal."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from providers.mysql.endpoint import Secret
from providers.sandbox.aliyun_api.clock import Clock
from providers.sandbox.aliyun_api.control import ControlRefused
from providers.sandbox.aliyun_api.faults import Fault
from providers.sandbox.aliyun_api.http import CONTROL, TICKET_HEADER
from providers.sandbox.azure_api.classic import Classic
from providers.sandbox.azure_api.faults import Faults, OperationFault
from providers.sandbox.azure_api.gateway import Call, Gateway
from providers.sandbox.azure_api.migration_service import MigrationService

_ANSWER_S = 10.0


@dataclass(frozen=True)
class Controlled:
    """What orders are about."""

    gateway: Gateway
    faults: Faults
    clock: Clock
    classic: Classic
    migrations: MigrationService

    def carry_out(self, order: Mapping[str, Any]) -> Any:
        """Carry one order out.

        Raises:
            ValueError, KeyError, TypeError: there is no such order, or it lacks something.
        """
        name = order["do"]
        if name == "fault":
            return self.faults.add(Fault.from_json(order["fault"]))
        if name == "operation":
            return self.faults.add_operation(OperationFault.from_json(order["fault"]))
        if name == "clear":
            return self.faults.clear()
        if name == "advance":
            return self.clock.advance(float(order["seconds"]))
        if name == "calls":
            return [asdict(call) for call in self.gateway.calls]
        if name == "promote":
            return self.classic.promote(str(order["server"]))
        if name == "pause":
            return self.migrations.pause(str(order["service"]))
        raise ValueError(f"there is no order {name!r}")


@dataclass(frozen=True)
class Control:
    """The other end, over HTTP on loopback. Methods raise ControlRefused, or OSError where nobody answers."""

    host: str
    port: int
    token: Secret

    def add(self, fault: Fault) -> None:
        """Let a call go wrong from now on."""
        self._ask({"do": "fault", "fault": fault.as_json()})

    def add_operation(self, fault: OperationFault) -> None:
        """Let a long-running operation go wrong from now on."""
        self._ask({"do": "operation", "fault": fault.as_json()})

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        self._ask({"do": "clear"})

    def advance(self, seconds: float) -> None:
        """Let the cloud's time pass at once."""
        self._ask({"do": "advance", "seconds": seconds})

    def calls(self) -> tuple[Call, ...]:
        """Every authorised call so far."""
        return tuple(Call(**one) for one in self._ask({"do": "calls"}))

    def promote(self, server: str) -> None:
        """What the operator does in the classic portal: make a subordinate a master."""
        self._ask({"do": "promote", "server": server})

    def pause(self, service: str) -> None:
        """What a migration service does to itself after 24 idle hours."""
        self._ask({"do": "pause", "service": service})

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
