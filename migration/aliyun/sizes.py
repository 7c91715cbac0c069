"""How large nodes are: what the source has, and whether the nodes that are ordered have as much.

Sources: RDS API reference, DescribeDBInstanceAttribute (DBInstanceCPU in cores, DBInstanceMemory in MB); PolarDB API
reference, DescribeClassList (Cpu in cores, MemoryClass in GB), CreateDBCluster (ScaleMax in units of about a core and
2 GB). "Upgrade steps": the nodes have to be equal to the source or higher.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from migration.aliyun.account import Account, of
from migration.aliyun.agreed import agreed_to
from migration.runbook import CloudFailed, Migration, StepFailed
from providers.aliyun import polardb, rds
from providers.aliyun.rds import Instance

# How the cluster is paid for where its nodes grow and shrink; in the order it is a kind of pay as you go.
SERVERLESS = "Serverless"
_PREPAID = "Prepaid"
_GB_MB = 1024
_UNIT_GB = 2
_MAINLAND, _ABROAD = "cn-", ("cn-hongkong",)


@dataclass(frozen=True)
class Size:
    """Cores and memory of a node; None where the provider does not tell."""

    cpus: int | None = None
    memory_mb: int | None = None

    @property
    def order(self) -> tuple[int, int]:
        """Smaller nodes come first, and what is not told before all."""
        return self.cpus or 0, self.memory_mb or 0

    def holds(self, needed: Size) -> bool | None:
        """Whether this is at least the other in both; None where that is not known.

        What is known to be too little in one is too little, whatever the other may be.
        """
        pairs = ((self.cpus, needed.cpus), (self.memory_mb, needed.memory_mb))
        known = [has >= wants for has, wants in pairs if has is not None and wants is not None]
        if not all(known):
            return False
        return True if len(known) == len(pairs) else None

    def __str__(self) -> str:
        cores = "unknown cores" if self.cpus is None else f"{self.cpus} {'core' if self.cpus == 1 else 'cores'}"
        memory = "unknown memory" if self.memory_mb is None else f"{self.memory_mb / _GB_MB:g} GB"
        return f"{cores}, {memory}"


UNKNOWN = Size()


@dataclass(frozen=True)
class Nodes:
    """What is ordered, and what the source has."""

    name: str
    size: Size
    needed: Size

    @property
    def enough(self) -> bool | None:
        """Whether each node is at least as large as the source; None where that is not known."""
        return self.size.holds(self.needed)

    def __str__(self) -> str:
        return f"{self.name} has {self.size}, the source {self.needed}"


def of_instance(instance: Instance) -> Size:
    """What the source has."""
    return Size(instance.cpus, instance.memory_mb)


def of_units(units: int) -> Size:
    """What a node has that has grown to so many units."""
    return Size(units, units * _UNIT_GB * _GB_MB)


def of_classes(account: Account, billing: str) -> Mapping[str, Size]:
    """How large the nodes of each class are that is sold by this kind of billing.

    The mainland and the rest of the world are two lists, and an account sees one of them, by the site that it was
    opened at: the region's own is asked first, the other where that one has nothing.

    Raises:
        CloudFailed: neither can be read.
    """
    plain = "polardb_sub" if billing == _PREPAID else "polardb_payg"
    region = account.client.region
    names = [plain, f"{plain}_intl"]
    if not region.startswith(_MAINLAND) or region in _ABROAD:
        names.reverse()
    trouble: CloudFailed | None = None
    for name in names:
        try:
            listed = account.read(partial(polardb.class_sizes, commodity=name))
        except CloudFailed as error:
            trouble = trouble or error
            continue
        if listed:
            return {
                one.name: Size(one.cpus, None if one.memory_gb is None else one.memory_gb * _GB_MB)
                for one in listed
                if one.name
            }
    if trouble is not None:
        raise trouble
    return {}


def ordered(m: Migration) -> Nodes:
    """The nodes that were chosen, and the source as it is now.

    Raises:
        CloudFailed: the provider cannot be asked.
    """
    account, chosen = of(m), m.story().chosen
    needed = of_instance(account.read(lambda client: rds.instance(client, account.instance_id)))
    billing, name = chosen.get("billing", ""), chosen.get("node_class", "")
    if billing == SERVERLESS:
        units = chosen.get("scale_max", "")
        size = of_units(int(units)) if units.isdecimal() else UNKNOWN
        return Nodes(f"a node that has grown to {units or 'no known size'}", size, needed)
    return Nodes(name or "no class", of_classes(account, billing).get(name, UNKNOWN), needed)


def require(m: Migration, step: str) -> None:
    """See that the nodes that are about to be ordered are at least as large as the source.

    Raises:
        StepFailed: they are not; or it is not known, and no operator was shown that and went on all the same.
        CloudFailed: the provider cannot be asked.
    """
    found = ordered(m)
    if found.enough:
        return
    if found.enough is False:
        raise StepFailed(
            f"{found}: PolarDB has to have nodes that are at least as large as {of(m).instance_id}. Nothing was "
            "ordered; cancel, and begin again with a larger class, or in a zone where there is one."
        )
    words = (
        f"Whether the nodes are as large as {of(m).instance_id} is not known ({found}): look at the classes on the "
        "provider's page for purchases. Nothing was ordered; try again to order them all the same."
    )
    if not agreed_to(m, words, step):
        raise StepFailed(words)
