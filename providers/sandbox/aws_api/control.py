"""The way in for tests and rehearsals that is no part of AWS: faults, the calls so far, the clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from providers.sandbox.api import control
from providers.sandbox.api.calls import Call
from providers.sandbox.api.clock import Clock
from providers.sandbox.aws_api.faults import AwsFaults


class AwsControl(control.Control):
    """The other end, over HTTP on loopback. Methods raise ControlRefused, or OSError where nobody answers."""

    def fail_promotions(self, times: int = 1) -> None:
        """Let promotions end with the replica as it was."""
        self._ask({"do": "fail promotions", "times": times})

    def delay_switches(self, times: int = 1) -> None:
        """Let switches of Blue/Green deployments run into their timeout."""
        self._ask({"do": "delay switches", "times": times})

    def break_replication(self, instance_id: str) -> None:
        """Let a replica stop applying."""
        self._ask({"do": "break replication", "instance_id": instance_id})

    def calls(self) -> tuple[Call, ...]:
        """Every signed call so far; moments among its parameters are text, as ISO 8601 has it."""
        return tuple(Call(**one) for one in self._ask({"do": "calls"}))


def carry_out(
    order: Mapping[str, Any],
    faults: AwsFaults,
    clock: Clock,
    calls: Callable[[], Sequence[Call]],
    break_replication: Callable[[str], None],
) -> Any:
    """Carry one order out.

    Raises:
        ValueError, KeyError, TypeError: there is no such order, or it lacks something.
    """
    own: control.Orders = {
        "fail promotions": lambda order: faults.fail_promotions(int(order["times"])),
        "delay switches": lambda order: faults.delay_switches(int(order["times"])),
        "break replication": lambda order: break_replication(str(order["instance_id"])),
        "calls": lambda order: json.loads(json.dumps([asdict(one) for one in calls()], default=_moment)),
    }
    return control.carry_out(order, {**control.common(faults, clock, calls), **own})


def _moment(value: datetime) -> str:
    return value.isoformat()
