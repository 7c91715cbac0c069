"""The things that a simulated account holds, as they are now."""

from __future__ import annotations

import secrets
import string
from dataclasses import dataclass, field

AVAILABLE = "available"
IN_SYNC = "in-sync"
PENDING_REBOOT = "pending-reboot"

_LETTERS = string.ascii_uppercase + string.digits


def new_key() -> str:
    """A name of an instance that it keeps when it is renamed."""
    return "db-" + "".join(secrets.choice(_LETTERS) for _ in range(26))


@dataclass
class Instance:
    """An instance. `key` stays the same when it is renamed; `source` is the key of what it follows."""

    id: str
    engine: str
    version: str
    node_class: str
    storage_type: str
    allocated_gb: int
    multi_az: bool
    backup_days: int
    group: str
    created: float
    iops: int | None = None
    throughput: int | None = None
    deletion_protected: bool = False
    source: str | None = None
    status: str = AVAILABLE
    zone: str = "a"
    group_status: str = IN_SYNC
    reachable: bool = False
    fenced: bool = False
    deployment: str | None = None
    pending: dict[str, object] = field(default_factory=dict)
    key: str = field(default_factory=new_key)

    @property
    def other_zone(self) -> str:
        """Where its standby is, if it has one."""
        return "b" if self.zone == "a" else "a"


@dataclass
class Snapshot:
    """A snapshot, with the instance as it was."""

    id: str
    instance: Instance
    created: float
    status: str = "creating"


@dataclass
class Group:
    """A parameter group: what was set, by name, each with the way it was to be applied."""

    name: str
    family: str
    description: str
    settings: dict[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Event:
    """Something that happened, as RDS tells it."""

    about: str
    kind: str
    message: str
    categories: tuple[str, ...]
    at: float


@dataclass
class Deployment:
    """A Blue/Green deployment; `blue` and `green` are keys of instances."""

    name: str
    blue: str
    green: str
    created: float
    status: str = "PROVISIONING"
    details: str | None = None
    tasks: dict[str, str] = field(default_factory=dict)
    id: str = field(default_factory=lambda: "bgd-" + "".join(secrets.choice(_LETTERS.lower()) for _ in range(16)))
