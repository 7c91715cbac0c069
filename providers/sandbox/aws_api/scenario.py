"""What a simulated account is like when the simulation begins, and how long RDS takes for things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from providers.sandbox.api.paces import Paced
from providers.sandbox.aws_api.faults import NO_TROUBLE, Trouble


@dataclass(frozen=True)
class Durations(Paced):
    """How long RDS takes, in seconds of its own clock; the defaults are what its documents say, or usual.

    `outage` is how much of a restart nobody can connect; `failover` is that of a Multi-AZ instance. `frozen` is for how
    long a Single-AZ instance stands still while the snapshot is begun of which its standby is made.
    """

    replica: float = 600.0
    modify: float = 300.0
    optimize: float = 600.0
    convert: float = 300.0
    promote: float = 60.0
    reboot: float = 60.0
    outage: float = 30.0
    failover: float = 60.0
    frozen: float = 5.0
    rename: float = 60.0
    snapshot: float = 120.0
    restore: float = 300.0
    delete: float = 60.0
    backup: float = 60.0
    parameter: float = 5.0
    green: float = 900.0
    switch: float = 30.0


@dataclass(frozen=True)
class Scenario:
    """The account: one instance, with the data of the server that it is given.

    `backup_days` 0: it has no binary log, as on RDS. `parameter_group`: the name of one of its own, empty where it has
    the default one; `settings` are what was set in it. `standby_apart`: the standby serves from a server of its own,
    the first of the spares, so that who watches sees which of the two has the writes; else a failover restarts the same
    one. `green_group`: that of green in a Blue/Green deployment which is there from the beginning, empty for none.
    `trouble`: what goes wrong from the beginning.
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
    settings: Mapping[str, str] = field(default_factory=dict)
    standby_apart: bool = False
    green_group: str = ""
    trouble: Trouble = NO_TROUBLE
    durations: Durations = Durations()

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Scenario:
        """The reverse of `as_json`."""
        durations, trouble = Durations(**content["durations"]), Trouble.from_json(content["trouble"])
        return Scenario(**{**content, "durations": durations, "trouble": trouble})
