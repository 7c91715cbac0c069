"""What a simulated account is like when the simulation begins, and how long RDS takes for things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Durations:
    """How long RDS takes, in seconds of its own clock; the defaults are what its documents say, or usual.

    `outage` is how much of a restart nobody can connect; `failover` is that of a Multi-AZ instance.
    """

    replica: float = 600.0
    modify: float = 300.0
    optimize: float = 600.0
    convert: float = 300.0
    promote: float = 60.0
    reboot: float = 60.0
    outage: float = 30.0
    failover: float = 60.0
    rename: float = 60.0
    snapshot: float = 120.0
    restore: float = 300.0
    delete: float = 60.0
    backup: float = 60.0
    parameter: float = 5.0
    green: float = 900.0
    switch: float = 30.0

    def at_pace(self, pace: float) -> Durations:
        """The same, `pace` times as fast."""
        return Durations(**{one.name: getattr(self, one.name) / pace for one in fields(self)})


@dataclass(frozen=True)
class Scenario:
    """The account: one instance, with the data of the server that it is given.

    `backup_days` 0: it has no binary log, as on RDS. `parameter_group`: the name of one of its own, empty where it has
    the default one.
    """

    instance_id: str = "m1"
    region: str = "eu-central-1"
    account: str = "123456789012"
    node_class: str = "db.m5.large"
    storage_type: str = "gp2"
    allocated_gb: int = 100
    multi_az: bool = False
    backup_days: int = 7
    deletion_protected: bool = False
    master_user: str = "admin"
    parameter_group: str = ""
    durations: Durations = Durations()

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Scenario:
        """The reverse of `as_json`."""
        return Scenario(**{**content, "durations": Durations(**content["durations"])})
