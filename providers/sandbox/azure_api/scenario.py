"""What a simulated subscription holds when the simulation begins, and how long the cloud takes for things."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from providers.sandbox.api.paces import Paced

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
Kind = Literal["flexible", "single", "classic", "elsewhere"]


@dataclass(frozen=True)
class Durations(Paced):
    """How long the cloud takes, in seconds.

    The defaults are recorded (a replica over six minutes, promotion and parameters a minute and less), from the
    documentation of 2016 (the classic service's promotion), or usual.
    """

    create: float = 600.0
    replica: float = 400.0
    promote: float = 60.0
    classic_promote: float = 5.0
    parameter: float = 15.0
    resize: float = 120.0
    power: float = 60.0
    delete: float = 60.0
    small: float = 10.0
    backup: float = 120.0
    service: float = 300.0
    task: float = 15.0
    complete: float = 30.0


@dataclass(frozen=True)
class Scenario:
    """The subscription: one server, which runs already, and what hangs on it.

    Attributes:
        kind: which service the server is of; `elsewhere`: it is no server of the subscription, which holds none.
        high_availability: it has none of the procedures for data-in replication.
        read_only_parameter: whether `read_only` can be set as a parameter, which no document settles.
        migration_service: of the name `dms`; `stopped` as after 24 idle hours.
        backups: whether the classic server has a complete backup.
        target: the name of a further, empty Flexible Server that is there from the beginning; empty for none.
        target_group: its resource group, and `target_location` its region; empty for those of the first server.
    """

    kind: Kind = "flexible"
    group: str = "sandbox"
    location: str = "Southeast Asia"
    server: str = "source"
    sku: str = "Standard_D4ds_v4"
    tier: str = "GeneralPurpose"
    storage_gb: int = 128
    high_availability: bool = False
    read_only_parameter: bool = True
    migration_service: Literal["none", "running", "stopped"] = "none"
    backups: bool = True
    target: str = ""
    target_group: str = ""
    target_location: str = ""
    durations: Durations = Durations()

    def further(self) -> Scenario:
        """The same of the further server; only Flexible Server's sizes are kept."""
        flexible = self.sku.startswith("Standard_")
        return replace(
            self,
            kind="flexible",
            server=self.target,
            group=self.target_group or self.group,
            location=self.target_location or self.location,
            sku=self.sku if flexible else "Standard_D4ds_v4",
            tier=self.tier if flexible else "GeneralPurpose",
            read_only_parameter=True,
        )

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(content: dict[str, Any]) -> Scenario:
        """The reverse of `as_json`."""
        return Scenario(**{**content, "durations": Durations(**content["durations"])})
