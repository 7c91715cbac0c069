"""RDS in a sandbox: the simulator over the sandbox's servers."""

from __future__ import annotations

from typing import Any

from providers.sandbox.aws_api.simulator import Simulator
from providers.sandbox.aws_api.spec import AwsCloud
from providers.sandbox.cloud import Ground


class RehearsedAws:
    """A running simulation over a sandbox's servers. It begins in the constructor."""

    def __init__(self, spec: AwsCloud, ground: Ground) -> None:
        self._simulator = Simulator(
            spec.scenario, ground.source, ground.run_dir / "rds", ground.positioning, spares=ground.spares
        )

    @property
    def application(self) -> tuple[str, int]:
        """Host and port by which the application knows its database."""
        return self._simulator.access.application

    @property
    def answered(self) -> int:
        """How many calls it has answered so far."""
        return self._simulator.answered

    def access(self) -> dict[str, Any]:
        """What a client needs, secrets included, as `Access.from_json` takes it."""
        return self._simulator.access.as_json()

    def halt(self) -> None:
        """Begin nothing more: afterwards the servers can be taken down under it."""
        self._simulator.halt()

    def close(self) -> None:
        """End, when the servers are down."""
        self._simulator.close()
