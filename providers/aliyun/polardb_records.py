"""What PolarDB is asked for and answers. A value that an answer lacks is None: unknown, never no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from providers.aliyun.records import Address

MIGRATE = "MigrationFromRDS"
CLONE = "CloneFromRDS"


class MigrationStatus(StrEnum):
    """The statuses that are published; an answer may hold others, which are kept as they are."""

    NONE = "NO_MIGRATION"
    CLONING = "RDS2POLARDB_CLONING"
    PRECHECK_FAILED = "PRE_CHECK_FAIL"
    SYNCING = "RDS2POLARDB_SYNCING"
    SWITCHING = "SWITCHING"
    SWITCHED = "POLARDB2RDS_SYNCING"
    ROLLING_BACK = "ROLLBACK"
    CLOSING = "CLOSING_MIGRATION"


class DtsEnd(StrEnum):
    """Which end of a DTS task is moved, in the words of this product."""

    SOURCE = "src"
    DESTINATION = "dst"


@dataclass(frozen=True)
class Report:
    """One run of the evaluation. `result` is verbatim, such as `running`."""

    task_id: str | None
    result: str | None
    mode: str | None
    source_id: str | None
    source_version: str | None
    target_version: str | None
    started: datetime | None
    ended: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True)
class ReportItem:
    """An object that the evaluation names."""

    schema: str | None
    name: str | None
    kind: str | None
    status: str | None
    ddl: str | None


@dataclass(frozen=True)
class Evaluation:
    """What a run of the evaluation found.

    Attributes:
        details: a text with a JSON list; what is in it is not published.
        items: None where the answer has no list of them.
    """

    report: Report | None
    details: str | None
    items: tuple[ReportItem, ...] | None


@dataclass(frozen=True)
class NodeClass:
    """A class of nodes that can be bought in a zone."""

    zone_id: str | None
    engine: str | None
    name: str | None
    category: str | None


@dataclass(frozen=True)
class ClassSize:
    """How large a node of a class is, in cores and GB."""

    name: str | None
    cpus: int | None
    memory_gb: int | None


@dataclass(frozen=True)
class VSwitch:
    """A part of a VPC in one zone, with its block of addresses. `status` is `Available` where it can be used."""

    vswitch_id: str | None
    name: str | None
    block: str | None
    zone_id: str | None
    status: str | None


@dataclass(frozen=True)
class Vpc:
    """A private network of the account."""

    vpc_id: str | None
    name: str | None
    block: str | None
    vswitches: tuple[VSwitch, ...] | None


@dataclass(frozen=True)
class Node:
    """A node of a cluster. `role` is Writer or Reader, verbatim."""

    node_id: str | None
    role: str | None
    status: str | None
    node_class: str | None
    zone_id: str | None
    cpus: int | None
    memory_mb: int | None


@dataclass(frozen=True)
class ClusterSummary:
    """A cluster in a list."""

    cluster_id: str | None
    description: str | None
    status: str | None
    engine: str | None
    version: str | None
    created: datetime | None


@dataclass(frozen=True)
class Cluster:
    """One cluster.

    Attributes:
        status: verbatim; `Running` when it can be used.
        storage_used: bytes.
        storage_max: bytes.
        storage_space: what was bought, in GB; 0 where it grows by itself.
        deletion_locked: whether it is protected from being deleted.
    """

    cluster_id: str | None
    description: str | None
    status: str | None
    category: str | None
    engine: str | None
    version: str | None
    region_id: str | None
    zone_ids: str | None
    vpc_id: str | None
    vswitch_id: str | None
    pay_type: str | None
    lock_mode: str | None
    storage_type: str | None
    storage_used: int | None
    storage_max: int | None
    storage_space: int | None
    deletion_locked: bool | None
    created: datetime | None
    expires: datetime | None
    nodes: tuple[Node, ...] | None


@dataclass(frozen=True)
class MigrationEndpoint:
    """An endpoint on one side of a migration.

    Attributes:
        kind: `EndpointType`, verbatim.
        mode: `ReadWriteMode` of a cluster's endpoint; None on the RDS side.
        owner: `CustinsType` on the RDS side: Primary, ReadOnly or Maxscale; None on the cluster's.
    """

    endpoint_id: str | None
    kind: str | None
    mode: str | None
    owner: str | None
    addresses: tuple[Address, ...] | None


@dataclass(frozen=True)
class Migration:
    """The state of a migration.

    Attributes:
        status: verbatim, see `MigrationStatus`.
        delay_s: how far the follower is behind, in seconds; None where it is missing or negative, which is unknown.
        source_mode: `rw` or `ro`, verbatim, of the RDS instance.
        cluster_mode: the same of the cluster. The pair says who has the writes.
        comment: why it does not go on; empty when all is well.
        expires: when the provider ends it by itself.
        dts_instance_id: the DTS task that carries it; missing or empty on the physical path.
    """

    cluster_id: str | None
    source_id: str | None
    source_type: str | None
    status: str | None
    topology: str | None
    delay_s: int | None
    source_mode: str | None
    cluster_mode: str | None
    comment: str | None
    expires: datetime | None
    dts_instance_id: str | None
    source_endpoints: tuple[MigrationEndpoint, ...] | None
    cluster_endpoints: tuple[MigrationEndpoint, ...] | None


@dataclass(frozen=True)
class ClusterEndpoint:
    """An endpoint of a cluster. `kind` is Cluster, Primary or Custom, verbatim."""

    endpoint_id: str | None
    kind: str | None
    mode: str | None
    description: str | None
    nodes: str | None
    addresses: tuple[Address, ...] | None


@dataclass(frozen=True)
class EndpointSsl:
    """Whether an endpoint speaks TLS."""

    endpoint_id: str | None
    enabled: bool | None
    host: str | None
    expires: datetime | None


@dataclass(frozen=True)
class NewCluster:
    """A cluster to be bought and filled from an RDS instance.

    Attributes:
        token: makes the order one that is carried out once however often it is sent; at most 64 ASCII characters.
        creation: `MIGRATE` or `CLONE`.
        pay_type: Postpaid or Prepaid.
        options: further parameters of CreateDBCluster by their own names, such as StorageType or Period.
    """

    token: str
    source_id: str
    version: str
    creation: str = MIGRATE
    pay_type: str = "Postpaid"
    node_class: str | None = None
    minor_version: str | None = None
    category: str | None = None
    zone_id: str | None = None
    vpc_id: str | None = None
    vswitch_id: str | None = None
    description: str | None = None
    lower_case_table_names: str | None = None
    time_zone: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Created:
    """What an order gave."""

    cluster_id: str | None
    order_id: str | None


@dataclass(frozen=True)
class Swap:
    """Endpoints are exchanged with the switch: pairs of an RDS and a PolarDB connection string.

    Without pairs the provider chooses them.
    """

    pairs: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class DtsMove:
    """One end of a DTS task, to be moved to another instance."""

    job_id: str
    end: DtsEnd
    instance_id: str
