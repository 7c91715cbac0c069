"""What AWS offers: instance classes with their storage, and engine versions with where they can be upgraded to."""

from __future__ import annotations

from dataclasses import dataclass

from providers.aws.actions import RDS
from providers.aws.answer import Answer
from providers.aws.calls import call
from providers.aws.client import Client


@dataclass(frozen=True)
class NodeClass:
    """A class with one storage type, for one engine version. Sizes are in GiB; None: no bound is given."""

    name: str | None
    version: str | None
    storage_type: str | None
    zones: tuple[str | None, ...] | None
    multi_az: bool | None
    replicas: bool | None
    least_gb: int | None
    most_gb: int | None
    least_iops: int | None
    most_iops: int | None


@dataclass(frozen=True)
class Upgrade:
    """A version that another can be upgraded to. `major`: it is of another series."""

    version: str | None
    major: bool | None


@dataclass(frozen=True)
class EngineVersion:
    """A version of an engine. `family` is that of its parameter groups; `status` is available or deprecated."""

    version: str | None
    family: str | None
    status: str | None
    upgrades: tuple[Upgrade, ...] | None


def classes(client: Client, engine: str, version: str) -> tuple[NodeClass, ...]:
    """The classes that can be had in this region."""
    given = {"Engine": engine, "EngineVersion": version}
    request = call(RDS, "DescribeOrderableDBInstanceOptions", f"{engine} {version}", given)
    return tuple(_class(item) for item in client.pages(request, "OrderableDBInstanceOptions"))


def versions(client: Client, engine: str, version: str | None = None) -> tuple[EngineVersion, ...]:
    """The versions of an engine that can be had, or the one that is named."""
    given = {"Engine": engine, "EngineVersion": version}
    request = call(RDS, "DescribeDBEngineVersions", f"{engine} {version or 'versions'}", given)
    return tuple(_version(item) for item in client.pages(request, "DBEngineVersions"))


def _class(answer: Answer) -> NodeClass:
    zones = answer.parts("AvailabilityZones")
    return NodeClass(
        name=answer.text("DBInstanceClass"),
        version=answer.text("EngineVersion"),
        storage_type=answer.text("StorageType"),
        zones=None if zones is None else tuple(zone.text("Name") for zone in zones),
        multi_az=answer.flag("MultiAZCapable"),
        replicas=answer.flag("ReadReplicaCapable"),
        least_gb=answer.number("MinStorageSize"),
        most_gb=answer.number("MaxStorageSize"),
        least_iops=answer.number("MinIopsPerDbInstance"),
        most_iops=answer.number("MaxIopsPerDbInstance"),
    )


def _version(answer: Answer) -> EngineVersion:
    upgrades = answer.parts("ValidUpgradeTarget")
    return EngineVersion(
        version=answer.text("EngineVersion"),
        family=answer.text("DBParameterGroupFamily"),
        status=answer.text("Status"),
        upgrades=None
        if upgrades is None
        else tuple(Upgrade(item.text("EngineVersion"), item.flag("IsMajorVersionUpgrade")) for item in upgrades),
    )
