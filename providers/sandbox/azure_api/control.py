"""The way in for tests and rehearsals that is no part of the cloud: faults, the calls so far, the clock, the portal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.sandbox.api import control
from providers.sandbox.api.clock import Clock
from providers.sandbox.azure_api.classic import Classic
from providers.sandbox.azure_api.faults import Faults, OperationFault
from providers.sandbox.azure_api.gateway import Call, Gateway
from providers.sandbox.azure_api.migration_service import MigrationService


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
        own: control.Orders = {
            "operation": lambda order: self.faults.add_operation(OperationFault.from_json(order["fault"])),
            "promote": lambda order: self.classic.promote(str(order["server"])),
            "pause": lambda order: self.migrations.pause(str(order["service"])),
        }
        shared = control.common(self.faults, self.clock, lambda: self.gateway.made.so_far)
        return control.carry_out(order, {**shared, **own})


class Control(control.Control):
    """The other end, over HTTP on loopback. Methods raise ControlRefused, or OSError where nobody answers."""

    def add_operation(self, fault: OperationFault) -> None:
        """Let a long-running operation go wrong from now on."""
        self._ask({"do": "operation", "fault": fault.as_json()})

    def calls(self) -> tuple[Call, ...]:
        """Every authorised call so far."""
        return tuple(Call(**one) for one in self._ask({"do": "calls"}))

    def promote(self, server: str) -> None:
        """What the operator does in the classic portal: make a subordinate a master."""
        self._ask({"do": "promote", "server": server})

    def pause(self, service: str) -> None:
        """What a migration service does to itself after 24 idle hours."""
        self._ask({"do": "pause", "service": service})
