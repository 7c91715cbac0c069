"""The way in for tests and rehearsals that is no part of the cloud: faults, the calls so far, the clock."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from providers.sandbox.aliyun_api.faults import Faults
from providers.sandbox.aliyun_api.gateway import Gateway
from providers.sandbox.api import control
from providers.sandbox.api.calls import Call
from providers.sandbox.api.clock import Clock


class Control(control.Control):
    """The other end, over HTTP on loopback. Methods raise ControlRefused, or OSError where nobody answers."""

    def lag(self, seconds: int | None) -> None:
        """Put a figure in the place of the replica's real lag; None takes it back."""
        self._ask({"do": "lag", "seconds": seconds})

    def calls(self) -> tuple[Call, ...]:
        """Every signed call so far."""
        return tuple(Call(**one) for one in self._ask({"do": "calls"}))


def carry_out(order: Mapping[str, Any], gateway: Gateway, faults: Faults, clock: Clock) -> Any:
    """Carry one order out.

    Raises:
        ValueError, KeyError, TypeError: there is no such order, or it lacks something.
    """

    def lag(order: Mapping[str, Any]) -> None:
        seconds = order["seconds"]
        faults.delayed_seconds = None if seconds is None else int(seconds)

    return control.carry_out(order, {**control.common(faults, clock, lambda: gateway.made.so_far), "lag": lag})
