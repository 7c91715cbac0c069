"""What the simulated account owns: instances, clusters, addresses, roles and DTS tasks; nothing here does anything."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from providers.sandbox.aliyun_api.machine import Route
from providers.sandbox.aliyun_api.refusals import bad_connection_string, bad_parameter

Parameters = Mapping[str, str]
Body = dict[str, Any]
Side = Literal["rds", "polardb"]
Network = tuple[str, str]

POLARDB_ROLE = "AliyunServiceRoleForPolarDB"
DTS_ROLE = "AliyunDTSDefaultRole"
DTS_POLICY = "AliyunDTSRolePolicy"
ACCOUNT_ID = "1234567890123456"
VPC, VSWITCH = "vpc-bp1sandbox", "vsw-bp1sandbox"
ENDED = "Deleted"
# The first minor versions that can be moved physically (overview of the one-click upgrade).
_PHYSICAL_FROM = {"5.6": 20190815, "5.7": 20200331}


def system_accounts(version: str) -> tuple[str, str]:
    """The cloud's own account on an instance of this version, and the one that must not be there beside it."""
    return ("root", "aliyun_root") if version == "5.6" else ("aliyun_root", "root")


def new_id(prefix: str) -> str:
    """An identifier as the cloud gives them."""
    return f"{prefix}{secrets.token_hex(7)}"


@dataclass(frozen=True)
class Address:
    """One address of an endpoint: where clients connect, and the virtual IP address behind it, which never moves.

    `network`: the VPC and the vSwitch of a private one.
    """

    connection_string: str
    port: int
    net_type: Literal["Private", "Public"]
    ip: str
    ssl: bool = False
    network: Network = (VPC, VSWITCH)

    def as_json(self) -> Body:
        """As both products list it."""
        vpc, vswitch = self.network if self.net_type == "Private" else ("", "")
        return {
            "NetType": self.net_type,
            "ConnectionString": self.connection_string,
            "Port": str(self.port),
            "IPAddress": self.ip,
            "VPCId": vpc,
            "VSwitchId": vswitch,
        }

    def with_ssl(self) -> Body:
        """The same and whether it offers SSL, as DescribeDBClusterMigration lists it."""
        return {**self.as_json(), "SSLEnabled": "Enabled" if self.ssl else "Disabled"}


@dataclass(frozen=True)
class CloudEndpoint:
    """An endpoint. `kind`: Primary, Cluster, Custom (PolarDB); Primary, Maxscale, ReadOnly (RDS: CustinsType)."""

    id: str
    kind: str
    addresses: tuple[Address, ...]
    mode: str = "ReadWrite"
    description: str = ""


@dataclass(frozen=True)
class Instance:
    """An RDS for MySQL instance; a read-only one names its primary."""

    id: str
    version: str
    whitelist: Mapping[str, tuple[str, ...]]
    primary_id: str = ""
    deletion_protection: bool = False


@dataclass(frozen=True)
class Cluster:
    """A PolarDB cluster. `busy_until` is when a status that is not Running ends by itself, 0 where it does not."""

    id: str
    version: str
    order: Parameters
    created_at: float
    status: str
    whitelist: Mapping[str, tuple[str, ...]]
    endpoints: tuple[CloudEndpoint, ...]
    busy_until: float = 0.0

    @property
    def network(self) -> Network:
        """The VPC and the vSwitch in which it was ordered; the source's where the order names none."""
        return self.order.get("VPCId", VPC), self.order.get("VSwitchId", VSWITCH)

    def status_at(self, now: float) -> str:
        """DBClusterStatus."""
        return "Running" if self.busy_until and now >= self.busy_until else self.status


@dataclass(frozen=True)
class Role:
    """A RAM role; policies by name with their type, System or Custom."""

    name: str
    trust: str
    created_at: float
    description: str = ""
    policies: Mapping[str, str] = field(default_factory=dict)
    service_linked: bool = False


@dataclass(frozen=True)
class Task:
    """A DTS task. `ends` are its source and destination: instance and product (rds or polardb)."""

    id: str
    instance_id: str
    name: str
    kind: str
    ends: Mapping[str, tuple[str, str]]
    objects: str
    status: str
    created_at: float
    two_way: bool = False
    limits: Mapping[str, str] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()
    busy_until: float = 0.0

    def status_at(self, now: float) -> str:
        """Status: an endpoint that is being changed makes it Modifying for a while."""
        return "Modifying" if now < self.busy_until else self.status


def own_task_id(cluster_id: str) -> str:
    """The DTS task of a logical migration to this cluster."""
    return cluster_id[6:]


def trust_of(service: str) -> str:
    """A trust policy that lets one service assume a role, as a JSON string."""
    return (
        '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow",'
        f'"Principal":{{"Service":["{service}"]}}}}],"Version":"1"}}'
    )


def route_of(category: str, storage_type: str, kernel: str, version: str, to_version: str) -> Route:
    """How the cloud moves such an instance (overview of the one-click upgrade)."""
    number = kernel.rpartition("_")[2]
    recent = number.isdigit() and int(number) >= _PHYSICAL_FROM.get(version, 99999999)
    local = (category, storage_type) == ("HighAvailability", "local_ssd")
    return Route.PHYSICAL if local and recent and to_version == version else Route.LOGICAL


def changed_groups(
    groups: Mapping[str, tuple[str, ...]], name: str, listed: str, mode: str
) -> dict[str, tuple[str, ...]]:
    """Whitelist groups after a change: Cover, Append or Delete.

    Raises:
        Refused: no such mode.
    """
    given = tuple(part for part in listed.split(",") if part)
    old = groups.get(name, ())
    if mode == "Cover":
        new = given
    elif mode == "Append":
        new = (*old, *(one for one in given if one not in old))
    elif mode == "Delete":
        new = tuple(one for one in old if one not in given)
    else:
        raise bad_parameter("ModifyMode")
    return {**groups, name: new}


def strings(endpoints: Sequence[CloudEndpoint]) -> dict[str, tuple[CloudEndpoint, Address]]:
    """Every address of the endpoints by its connection string."""
    return {address.connection_string: (one, address) for one in endpoints for address in one.addresses}


def usual_pairs(rds: Sequence[CloudEndpoint], polardb: Sequence[CloudEndpoint]) -> dict[str, str]:
    """Which addresses are exchanged where nobody says so: each of the instance's with one of its kind that is left."""
    found: dict[str, str] = {}
    for theirs, (endpoint, address) in strings(rds).items():
        for ours, (other, candidate) in strings(polardb).items():
            if ours not in found.values() and _fit(endpoint, address, other, candidate):
                found[theirs] = ours
                break
    return found


def checked_pairs(
    rds: Sequence[CloudEndpoint], polardb: Sequence[CloudEndpoint], wanted: Mapping[str, str]
) -> dict[str, str]:
    """The wanted pairs, the instance's address first; they may be given the other way round.

    Raises:
        Refused: an address is not there, or the two cannot be exchanged.
    """
    theirs, ours = strings(rds), strings(polardb)
    found: dict[str, str] = {}
    for one, other in wanted.items():
        left, right = (one, other) if one in theirs else (other, one)
        if left not in theirs or right not in ours or not _fit(*theirs[left], *ours[right]):
            raise bad_connection_string()
        found[left] = right
    if len(set(found.values())) != len(wanted):
        raise bad_connection_string()
    return found


def exchanged(endpoints: Sequence[CloudEndpoint], becomes: Mapping[str, Address]) -> tuple[CloudEndpoint, ...]:
    """The endpoints with other addresses in the place of some; the virtual IP address stays."""

    def moved(address: Address) -> Address:
        new = becomes.get(address.connection_string, address)
        return replace(address, connection_string=new.connection_string, port=new.port)

    return tuple(replace(one, addresses=tuple(map(moved, one.addresses))) for one in endpoints)


def _fit(endpoint: CloudEndpoint, address: Address, other: CloudEndpoint, candidate: Address) -> bool:
    """Whether an instance's address can be exchanged with a cluster's ("Notes on switchover with endpoints")."""
    kinds = {"Primary": ("Primary", "Cluster")}.get(endpoint.kind, ("Cluster", "Custom"))
    near = address.net_type == "Public" or address.network[0] == candidate.network[0]
    return near and other.kind in kinds and (address.net_type, address.ssl) == (candidate.net_type, candidate.ssl)
