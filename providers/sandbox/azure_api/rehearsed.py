"""Azure in a sandbox: the simulator over the sandbox's servers."""

from __future__ import annotations

from typing import Any

from providers.sandbox.api.rehearsed import Rehearsed
from providers.sandbox.azure_api.simulator import Simulator
from providers.sandbox.azure_api.spec import AzureCloud
from providers.sandbox.cloud import Ground
from providers.sandbox.options import Positioning

_BACKUPS = "backups"


class RehearsedAzure(Rehearsed[Simulator]):
    """A running simulation over a sandbox's servers. It begins in the constructor."""

    def __init__(self, spec: AzureCloud, ground: Ground) -> None:
        super().__init__(
            Simulator(
                spec.simulated(),
                ground.source,
                ground.spares,
                ground.forward,
                ground.run_dir / _BACKUPS,
                by_file=ground.positioning is Positioning.FILE,
            )
        )

    @property
    def application(self) -> tuple[str, int]:
        """Host and port by which the application knows its database."""
        return self._simulator.access.host, self._simulator.access.port

    def access(self) -> dict[str, Any]:
        """What a client needs, secrets included, as `Access.from_json` takes it."""
        return self._simulator.access.as_json()
