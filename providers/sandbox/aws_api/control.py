"""The way in for tests and rehearsals that is no part of AWS: faults, the calls so far, the clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from providers.sandbox.aliyun_api.clock import Clock
from providers.sandbox.aliyun_api.control import Control
from providers.sandbox.aws_api.faults import AwsFaults, Fault


class AwsControl(Control):
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


def carry_out(
    order: Mapping[str, Any],
    faults: AwsFaults,
    clock: Clock,
    calls: Callable[[], list[dict[str, Any]]],
    break_replication: Callable[[str], None],
) -> Any:
    """Carry one order out.

    Raises:
        ValueError, KeyError, TypeError: there is no such order, or it lacks something.
    """
    orders: dict[str, Callable[[], Any]] = {
        "fault": lambda: faults.add(Fault.from_json(order["fault"])),
        "clear": faults.clear,
        "advance": lambda: clock.advance(float(order["seconds"])),
        "calls": calls,
        "fail promotions": lambda: faults.fail_promotions(int(order["times"])),
        "delay switches": lambda: faults.delay_switches(int(order["times"])),
        "break replication": lambda: break_replication(str(order["instance_id"])),
    }
    if order["do"] not in orders:
        raise ValueError(f"there is no order {order['do']!r}")
    return orders[order["do"]]()
