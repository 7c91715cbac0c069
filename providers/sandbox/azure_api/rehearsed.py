"""Azure in a sandbox: the simulator over the sandbox's servers."""

from __future__ import annotations

from typing import Any

from providers.sandbox.azure_api.simulator import Simulator
from providers.sandbox.azure_api.spec import AzureCloud
from providers.sandbox.cloud import Ground
from providers.sandbox.options import Positioning

_BACKUPS = "backups"


class RehearsedAzure:
    """A running simulation over a sandbox's servers. It begins in the constructor."""

    def __init__(self, spec: AzureCloud, ground: Ground) -> None:
        self._simulator = Simulator(
            spec.simulated(),
            ground.source,
            ground.spares,
            ground.forward,
            ground.run_dir / _BACKUPS,
            by_file=ground.positioning is Positioning.FILE,
        )

    @property
    def application(self) -> tuple[str, int]:
        """Host and port by which the application knows its database."""
        return self._simulator.access.host, self._simulator.access.port

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
