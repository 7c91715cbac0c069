"""What a simulated account holds when the simulation begins, and how long the cloud takes for things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from providers.sandbox.api.paces import Paced


@dataclass(frozen=True)
class Durations(Paced):
    """How long the cloud takes, in seconds; the defaults are what its documents say, or usual.

    `fenced` is how much of a switch neither side takes writes.
    """

    check: float = 60.0
    clone: float = 600.0
    switch: float = 60.0
    fenced: float = 30.0
    close: float = 120.0
    address: float = 30.0
    report: float = 60.0
    task: float = 60.0


@dataclass(frozen=True)
class ReadOnlyInstance:
    """A read-only instance of the source: its whitelist groups, addresses by name."""

    name: str
    whitelist: Mapping[str, str]


@dataclass(frozen=True)
class BusinessTask:
    """A DTS task of the account's own; `rds` says which end of it the source instance is."""

    name: str
    kind: Literal["MIGRATION", "SYNC", "SUBSCRIBE"] = "SYNC"
    rds: Literal["src", "dest"] = "src"
    other: str = "rm-bp1elsewhere"
    status: str = "synchronizing"
    two_way: bool = False


@dataclass(frozen=True)
class Scenario:
    """The account: one RDS for MySQL instance with what hangs on it, and the roles.

    `rules`: which of the two published procedures the cloud keeps to: 2019 gives 7 days and takes only a 5.6 source
    without TDE and SSL, 2026 gives 30 days. `ended`: what asking for a migration that was closed gives, which no
    document settles. `drain_s`: how long, in real seconds, a switch waits until everything has arrived before it is
    undone. The route follows from `category`, `storage_type` and `kernel`, as in the cloud. `extra_account`: whether
    the cloud's API lists the one of root and aliyun_root that has no place on this version; the account itself is on
    the server, or is not.
    """

    rules: Literal["2019", "2026"] = "2026"
    region: str = "cn-hangzhou"
    category: str = "HighAvailability"
    storage_type: str = "local_ssd"
    kernel: str = "rds_20230630"
    pay_type: Literal["Postpaid", "Prepaid"] = "Postpaid"
    deletion_protection: bool = False
    tde: bool = False
    ssl: bool = False
    whitelist: Mapping[str, str] = field(default_factory=lambda: {"default": "10.0.0.0/8,192.168.1.7"})
    read_only: tuple[ReadOnlyInstance, ...] = ()
    public_address: bool = True
    proxy_address: bool = False
    extra_account: Literal["none", "shown", "hidden"] = "none"
    polardb_role: bool = True
    dts_role: Literal["right", "missing", "no policy", "no trust"] = "right"
    tasks: tuple[BusinessTask, ...] = ()
    ended: Literal["NO_MIGRATION", "InvalidDBClusterId.NotFound", "EngineMigration.NotExist"] = "NO_MIGRATION"
    drain_s: float = 60.0
    durations: Durations = Durations()

    @property
    def days(self) -> int:
        """How long a migration may last."""
        return 7 if self.rules == "2019" else 30

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Scenario:
        """The reverse of `as_json`."""
        return Scenario(
            **{
                **content,
                "read_only": tuple(ReadOnlyInstance(**one) for one in content["read_only"]),
                "tasks": tuple(BusinessTask(**one) for one in content["tasks"]),
                "durations": Durations(**content["durations"]),
            }
        )
