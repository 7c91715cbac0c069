"""What a simulated subscription holds when the simulation begins, and how long the cloud takes for things."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

SUBSCRIPTION = "11111111-2222-3333-4444-555555555555"
Kind = Literal["flexible", "single", "classic", "elsewhere"]


@dataclass(frozen=True)
class Durations:
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

    def at_pace(self, pace: float) -> Durations:
        """The same, `pace` times as fast."""
        return Durations(**{one.name: getattr(self, one.name) / pace for one in fields(self)})


@dataclass(frozen=True)
class Scenario:
    """The subscription: one server, which runs already, and what hangs on it.

    Attributes:
        kind: which service the server is of; `elsewhere`: it is no server of the subscription, which holds none.
        high_availability: it has none of the procedures for data-in replication.
        read_only_parameter: whether `read_only` can be set as a parameter, which no document settles.
        migration_service: of the name `dms`; `stopped` as after 24 idle hours.
        backups: whether the classic server has a complete backup.
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
    durations: Durations = Durations()

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(content: dict[str, Any]) -> Scenario:
        """The reverse of `as_json`."""
        return Scenario(**{**content, "durations": Durations(**content["durations"])})
