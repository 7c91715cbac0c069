"""RDS in a sandbox: the simulator over the sandbox's servers."""

from __future__ import annotations

from typing import Any

from providers.sandbox.api.rehearsed import Rehearsed
from providers.sandbox.aws_api.simulator import Simulator
from providers.sandbox.aws_api.spec import AwsCloud
from providers.sandbox.cloud import Ground


class RehearsedAws(Rehearsed[Simulator]):
    """A running simulation over a sandbox's servers. It begins in the constructor."""

    def __init__(self, spec: AwsCloud, ground: Ground) -> None:
        super().__init__(
            Simulator(spec.scenario, ground.source, ground.run_dir / "rds", ground.positioning, spares=ground.spares)
        )

    @property
    def application(self) -> tuple[str, int]:
        """Host and port by which the application knows its database."""
        return self._simulator.access.application

    def access(self) -> dict[str, Any]:
        """What a client needs, secrets included, as `Access.from_json` takes it."""
        return self._simulator.access.as_json()
