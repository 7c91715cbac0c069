"""The words that every part of a migration shares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

from providers.mysql.endpoint import Account, Endpoint, Secret, TlsMode


class Stage(StrEnum):
    """The six parts of every runbook, in order."""

    PREPARE = "prepare"
    CREATE = "create"
    SYNC = "sync"
    CUTOVER = "cutover"
    OBSERVE = "observe"
    COMPLETE = "complete"


class End(StrEnum):
    """How a migration ended."""

    COMPLETED = "completed"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """What is known of an action: there are three results, and unknown is resolved by looking."""

    DONE = "done"
    NOT_DONE = "not_done"
    UNKNOWN = "unknown"


class Side(StrEnum):
    """Which server a step or check is about."""

    SOURCE = "source"
    TARGET = "target"
    BOTH = "both"
    CLOUD = "cloud"
    """The provider's own interface, not a server."""


class Writes(StrEnum):
    """Whether clients can write while a step runs."""

    ON = "on"
    OFF = "OFF"
    SWITCH = "OFF→on"


class Direction(StrEnum):
    """Which way the writes move."""

    CUTOVER = "cutover"
    ROLLBACK = "rollback"


class Positioning(StrEnum):
    """How positions in the source's binary log are named, and how the target is known to have reached its end.

    `signal`: by file and offset, and the end by a row written behind the fence, for a target that cannot be asked
    how far it has come.
    """

    GTID = "gtid"
    FILE = "file"
    SIGNAL = "signal"
    AUTO = "auto"


class Proof(StrEnum):
    """Whether the two servers' rows have to be proved equal before the writes move."""

    REQUIRED = "required"
    """What is not proved in time, or differs, keeps the writes where they are."""
    ADVISED = "advised"
    """What differs keeps the writes; where the time does not suffice, they move, and the last proof's age is told."""
    OFF = "off"
    """Rows are not compared."""


@dataclass(frozen=True)
class ServerSpec:
    """A server of a migration, without its password.

    `replication_user` is the account with which the *other* server logs in here to replicate. `host` is empty for a
    server that the migration has yet to create.
    """

    name: str
    host: str
    port: int
    user: str
    replication_user: str
    tls: str = TlsMode.PREFERRED.value
    ca_file: str | None = None

    @property
    def address(self) -> str:
        """`host:port`; empty for a server that is not there yet."""
        return f"{self.host}:{self.port}" if self.host else ""

    def endpoint(self, password: Secret) -> Endpoint:
        """The address together with the administrator's account."""
        account = Account(self.user, password)
        return Endpoint(self.name, self.host, self.port, account, TlsMode(self.tls), self.ca_file)


def from_to(old: str, new: str) -> str:
    """Both servers of a move by their names, or the one of them that is changed where it is."""
    return old if old == new else f"{old} → {new}"


@dataclass(frozen=True)
class Limits:
    """The operator's limits. All times in seconds.

    `lag_s`: the target must be at most this far behind before the cutover may start.
    `fence_s`: how long client writes may be stopped before the cutover lifts the fence by itself.
    `lock_wait_s`: how long a statement may wait for a lock (whole seconds, the servers' unit).
    `proof_s`: how long client writes may wait for the proof that both servers hold the same rows.
    """

    lag_s: float = 5.0
    fence_s: float = 10.0
    lock_wait_s: int = 2
    proof_s: float = 1.0


@dataclass(frozen=True)
class BridgeSpec:
    """Where the bridge of the way back listens: on this machine, port 0 for a free one.

    `seen_as`: the name by which the source reaches this machine; empty where that is `host`.
    """

    host: str = "127.0.0.1"
    port: int = 0
    seen_as: str = ""


@dataclass(frozen=True)
class CloudSpec:
    """Which account and resources of a provider a migration works with. Holds no secret.

    `region` and `resource` (the source's id) are the provider's own words. `access`: where the credentials come from,
    as the provider's client names its places; `given` where they reach the runner with the passwords. `endpoint`: the
    address of a provider's interface on this machine, empty for the real one. `options`: what else a runbook lets the
    operator choose before it begins, by name.
    """

    region: str
    resource: str
    access: str = ""
    endpoint: str = ""
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class HookSpec:
    """A program or web address that is told of what happens.

    `kind`: `command`, with the words of its command line in `where`, or `webhook`, with its URL there or with
    `file:` and the path of a file that holds the URL on its first line. `timeout_s`: when it is ended, in seconds.
    `veto`: whether it can keep a switch from beginning. `stages`: in which it is called; empty for all.
    """

    kind: str
    where: tuple[str, ...]
    timeout_s: float = 5.0
    veto: bool = False
    stages: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """What it is called in logs: the program, or the URL as far as its host. Anything further may be a secret."""
        first = self.where[0]
        if self.kind == "command" or first.startswith("file:"):
            return first
        parts = urlsplit(first)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `MigrationSpec.to_json` wrote of it."""
        return cls(body["kind"], tuple(body["where"]), body["timeout_s"], body["veto"], tuple(body["stages"]))


@dataclass(frozen=True)
class Wishes:
    """What an operator may choose besides the servers; the fields of the same names in `MigrationSpec`."""

    positioning: Positioning = Positioning.AUTO
    fence: str = "auto"
    spared: tuple[str, ...] = ()
    armed: str = "auto"
    bridge: BridgeSpec | None = None
    hooks: tuple[HookSpec, ...] = ()
    proof: Proof = Proof.REQUIRED
    people: int = 1

    def fields(self) -> dict[str, Any]:
        """The fields by name."""
        return dict(self.__dict__)


NO_WISHES = Wishes()


@dataclass(frozen=True)
class MigrationSpec:
    """What the operator asked for: the part of a migration that never changes. Holds no secret.

    `databases`: the databases to move; empty means all that are not the server's own.
    `fence`: how writes are stopped: `read_only`, `accounts`, `operator`, or `auto` for the best the server lets us.
    `spared`: users whose accounts are no clients' and stay open under the accounts fence, such as those of monitoring.
    `armed`: whether the target opens by itself on a marker chosen in advance: `on`, `off`, or `auto` where that
    saves round trips to servers far from here.
    `bridge`: where the source's way back goes over a bridge, None for the straight way.
    `hooks`: who is told of what happens, in this order.
    `cloud`: the provider's side, None where servers are all there is.
    `proof`: whether the rows have to be proved equal. `people`: how many have to agree to the cutover, 1 or 2.
    `sandbox`: the run directory of the sandbox in a rehearsal, else None; `keep_sandbox`: whether it stays
    up when the rehearsal has ended.
    """

    id: str
    runbook: str
    environment: str
    source: ServerSpec
    target: ServerSpec
    positioning: Positioning = Positioning.AUTO
    databases: tuple[str, ...] = ()
    limits: Limits = Limits()
    fence: str = "auto"
    spared: tuple[str, ...] = ()
    armed: str = "auto"
    bridge: BridgeSpec | None = None
    hooks: tuple[HookSpec, ...] = ()
    proof: Proof = Proof.OFF
    cloud: CloudSpec | None = None
    sandbox: str | None = None
    keep_sandbox: bool = False
    people: int = 1

    @property
    def in_place(self) -> bool:
        """Whether nothing is moved: the target is the source itself, once it is changed."""
        return self.target == self.source

    def to_json(self) -> dict[str, Any]:
        """A plain mapping for the journal."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        return cls(
            id=body["id"],
            runbook=body["runbook"],
            environment=body["environment"],
            source=ServerSpec(**body["source"]),
            target=ServerSpec(**body["target"]),
            positioning=Positioning(body["positioning"]),
            databases=tuple(body["databases"]),
            limits=Limits(**body["limits"]),
            fence=body["fence"],
            spared=tuple(body.get("spared", ())),
            armed=body["armed"],
            bridge=BridgeSpec(**body["bridge"]) if body.get("bridge") else None,
            hooks=tuple(HookSpec.from_json(hook) for hook in body.get("hooks", ())),
            proof=Proof(body.get("proof", Proof.OFF)),
            cloud=CloudSpec(**body["cloud"]) if body.get("cloud") else None,
            sandbox=body["sandbox"],
            keep_sandbox=body["keep_sandbox"],
            people=body.get("people", 1),
        )


@dataclass(frozen=True)
class Secrets:
    """The passwords of a migration. Handed to the runner over its standard input, kept in memory.

    `cloud`: a provider's credentials, by the names that its client gives them; empty where it finds them by itself.
    """

    source: Secret
    target: Secret
    source_replication: Secret
    target_replication: Secret
    cloud: Mapping[str, Secret] = field(default_factory=dict)

    def reveal(self) -> dict[str, Any]:
        """The passwords in clear, for the pipe to the runner and for nothing else."""
        return {
            "source": self.source.reveal(),
            "target": self.target.reveal(),
            "source_replication": self.source_replication.reveal(),
            "target_replication": self.target_replication.reveal(),
            "cloud": {name: secret.reveal() for name, secret in self.cloud.items()},
        }

    @classmethod
    def from_clear(cls, body: Mapping[str, Any]) -> Self:
        """The counterpart of `reveal`."""
        return cls(
            Secret(body["source"]),
            Secret(body["target"]),
            Secret(body["source_replication"]),
            Secret(body["target_replication"]),
            {name: Secret(clear) for name, clear in body.get("cloud", {}).items()},
        )
