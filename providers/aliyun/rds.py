"""RDS for MySQL: what the source is, who may connect to it, and releasing it at the end.

Functions that read take a client; those that change something return a `Write`, which the client sends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from providers.aliyun.actions import RDS
from providers.aliyun.calls import Call, Value, Write, call, nothing
from providers.aliyun.client import Client, Paging
from providers.aliyun.errors import Failure, NotFound, Refused, no_answer
from providers.aliyun.records import IpGroup, entries
from providers.calling.answer import Answer

_INSTANCES = Paging(100)
_ACCOUNTS = Paging(200)
# The answer has the total in each database, not beside the list.
_DATABASES = Paging(100, total_name="")
# With these a region or a kind of instance says that it has no such feature at all; the first is spelled so.
_NO_SUCH_FEATURE = (
    "InvaildEngineInRegion.ValueNotSupported",
    "InstanceEngineType.NotSupport",
    "OperationDenied.DBInstanceType",
)


@dataclass(frozen=True)
class InstanceSummary:
    """An instance in a list."""

    instance_id: str | None
    description: str | None
    status: str | None
    version: str | None
    category: str | None
    storage_type: str | None
    zone_id: str | None
    vpc_id: str | None


@dataclass(frozen=True)
class Instance:
    """One instance. Words of the provider are verbatim; a value that the answer lacks is None: unknown, never no.

    Attributes:
        kind: Primary, Readonly, Guard or Temp.
        category: the edition: Basic, HighAvailability, cluster and others.
        storage_type: local_ssd, cloud_ssd, cloud_essd and others.
        storage_gb: what was bought.
        disk_used: as the answer has it; see `usage` for bytes.
        kernel: the minor version, such as rds_20230630.
        read_only_ids: the read-only instances that follow it.
    """

    instance_id: str | None
    description: str | None
    kind: str | None
    status: str | None
    engine: str | None
    version: str | None
    kernel: str | None
    category: str | None
    node_class: str | None
    cpus: int | None
    memory_mb: int | None
    storage_type: str | None
    storage_gb: int | None
    disk_used: str | None
    pay_type: str | None
    lock_mode: str | None
    deletion_protected: bool | None
    region_id: str | None
    zone_id: str | None
    vpc_id: str | None
    vswitch_id: str | None
    connection_mode: str | None
    proxy_type: int | None
    super_permissions: str | None
    primary_id: str | None
    time_zone: str | None
    created: datetime | None
    expires: datetime | None
    read_only_ids: tuple[str, ...] | None


@dataclass(frozen=True)
class NetAddress:
    """An address of an instance. `kind` is Normal or ReadWriteSplitting, `network` is Inner, Private or Public."""

    host: str | None
    port: int | None
    ip: str | None
    kind: str | None
    network: str | None
    vpc_id: str | None
    vswitch_id: str | None


@dataclass(frozen=True)
class Network:
    """Where an instance is reached. `whitelist_mode` is normal or safety."""

    network: str | None
    whitelist_mode: str | None
    addresses: tuple[NetAddress, ...]


@dataclass(frozen=True)
class Tde:
    """Encryption of the data files.

    `unsupported` is the provider's code where there is no such feature at all, which is as good as off.
    """

    enabled: bool | None
    databases: tuple[tuple[str | None, bool | None], ...] | None = None
    unsupported: str | None = None


@dataclass(frozen=True)
class Ssl:
    """TLS of an instance. `unsupported` is as in `Tde`."""

    enabled: bool | None
    host: str | None = None
    expires: datetime | None = None
    forced: bool | None = None
    unsupported: str | None = None


@dataclass(frozen=True)
class Account:
    """An account that the console knows; others may exist. `kind` is Normal, Super or another word, verbatim."""

    name: str | None
    kind: str | None
    status: str | None
    description: str | None


@dataclass(frozen=True)
class Database:
    """A database that the console knows."""

    name: str | None
    status: str | None
    character_set: str | None


@dataclass(frozen=True)
class BackupPolicy:
    """How long an instance keeps its own binary logs.

    Attributes:
        local_hours: for how many hours at least.
        local_space: the share of the storage, in percent, above which the oldest are deleted earlier.
        local_files: how many files at most.
        space_protection: Enable or Disable, verbatim: whether they are deleted where the disk is nearly full.
    """

    local_hours: int | None
    local_space: int | None
    local_files: int | None
    space_protection: str | None


@dataclass(frozen=True)
class Usage:
    """Bytes on the disk; None where the provider has no figure."""

    disk: int | None
    data: int | None
    log: int | None


def instances(client: Client) -> tuple[InstanceSummary, ...]:
    """The region's primary MySQL instances."""
    request = call(
        RDS, "DescribeDBInstances", f"region {client.region}", {"Engine": "MySQL", "DBInstanceType": "Primary"}
    )
    return tuple(
        InstanceSummary(
            instance_id=item.text("DBInstanceId"),
            description=item.text("DBInstanceDescription"),
            status=item.text("DBInstanceStatus"),
            version=item.text("EngineVersion"),
            category=item.text("Category"),
            storage_type=item.text("DBInstanceStorageType"),
            zone_id=item.text("ZoneId"),
            vpc_id=item.text("VpcId"),
        )
        for item in client.pages(request, _INSTANCES, "Items", "DBInstance")
    )


def instance(client: Client, instance_id: str) -> Instance:
    """One instance as it is now.

    Raises:
        NotFound: there is none of this id.
    """
    request = _about("DescribeDBInstanceAttribute", instance_id)
    found = client.items(request, "Items", "DBInstanceAttribute")
    if not found:
        raise NotFound(f"RDS knows no instance {instance_id} in region {client.region}: check the id and the region.")
    if len(found) > 1:
        raise no_answer(request, Failure(f"The answer describes {len(found)} instances"), 1)
    return _instance(found[0])


def network(client: Client, instance_id: str) -> Network:
    """Where an instance is reached."""
    request = _about("DescribeDBInstanceNetInfo", instance_id)
    answer = client.read(request)
    found = answer.parts("DBInstanceNetInfos", "DBInstanceNetInfo")
    if found is None:
        raise no_answer(request, Failure("The answer has no list of addresses"), 1)
    return Network(
        network=answer.text("InstanceNetworkType"),
        whitelist_mode=answer.text("SecurityIPMode"),
        addresses=tuple(
            NetAddress(
                host=item.text("ConnectionString"),
                port=item.number("Port"),
                ip=item.text("IPAddress"),
                kind=item.text("ConnectionStringType"),
                network=item.text("IPType"),
                vpc_id=item.text("VPCId"),
                vswitch_id=item.text("VSwitchId"),
            )
            for item in found
        ),
    )


def whitelist(client: Client, instance_id: str) -> tuple[IpGroup, ...]:
    """Who may connect to an instance, a primary or a read-only one."""
    return tuple(
        IpGroup(
            name=item.text("DBInstanceIPArrayName"),
            entries=entries(item.text("SecurityIPList")),
            attribute=item.text("DBInstanceIPArrayAttribute"),
            kind=item.text("SecurityIPType"),
        )
        for item in client.items(_about("DescribeDBInstanceIPArrayList", instance_id), "Items", "DBInstanceIPArray")
    )


def append_to_whitelist(
    instance_id: str, group: str, new: tuple[str, ...], network_type: str | None = None
) -> Write[None]:
    """Add entries to a group; never replaces what is there.

    `network_type` is Classic, VPC or MIX; it matters for instances whose whitelist mode is safety.
    """
    return _modify_whitelist("Append", instance_id, group, new, network_type)


def remove_from_whitelist(
    instance_id: str, group: str, old: tuple[str, ...], network_type: str | None = None
) -> Write[None]:
    """Delete exactly these entries from a group; `network_type` as in `append_to_whitelist`."""
    return _modify_whitelist("Delete", instance_id, group, old, network_type)


def tde(client: Client, instance_id: str) -> Tde:
    """Whether data files are encrypted."""
    try:
        answer = client.read(_about("DescribeDBInstanceTDE", instance_id))
    except Refused as error:
        if error.code not in _NO_SUCH_FEATURE:
            raise
        return Tde(enabled=False, unsupported=error.code)
    listed = answer.parts("Databases", "Database")
    databases = None if listed is None else tuple((item.text("DBName"), item.flag("TDEStatus")) for item in listed)
    return Tde(answer.flag("TDEStatus"), databases)


def ssl(client: Client, instance_id: str) -> Ssl:
    """Whether an instance speaks TLS."""
    try:
        answer = client.read(_about("DescribeDBInstanceSSL", instance_id))
    except Refused as error:
        if error.code not in _NO_SUCH_FEATURE:
            raise
        return Ssl(enabled=False, unsupported=error.code)
    return Ssl(
        enabled=answer.flag("SSLEnabled"),
        host=answer.text("ConnectionString"),
        expires=answer.time("SSLExpireTime"),
        forced=_forced(answer),
    )


def accounts(client: Client, instance_id: str) -> tuple[Account, ...]:
    """The accounts that the console knows: that one is not among them proves nothing."""
    pages = client.pages(_about("DescribeAccounts", instance_id), _ACCOUNTS, "Accounts", "DBInstanceAccount")
    return tuple(
        Account(
            name=item.text("AccountName"),
            kind=item.text("AccountType"),
            status=item.text("AccountStatus"),
            description=item.text("AccountDescription"),
        )
        for item in pages
    )


def delete_account(instance_id: str, name: str) -> Write[None]:
    """Delete an account that the console knows."""
    return _act("DeleteAccount", instance_id, {"AccountName": name})


def databases(client: Client, instance_id: str) -> tuple[Database, ...]:
    """The databases that the console knows."""
    pages = client.pages(_about("DescribeDatabases", instance_id), _DATABASES, "Databases", "Database")
    return tuple(Database(*(item.text(name) for name in ("DBName", "DBStatus", "CharacterSetName"))) for item in pages)


def parameters(client: Client, instance_id: str) -> Mapping[str, str]:
    """The running parameters by name; one that the answer lacks is unknown."""
    items = client.items(_about("DescribeParameters", instance_id), "RunningParameters", "DBInstanceParameter")
    pairs = ((item.text("ParameterName"), item.text("ParameterValue")) for item in items)
    return {name: value for name, value in pairs if name is not None and value is not None}


def backup_policy(client: Client, instance_id: str) -> BackupPolicy:
    """For how long an instance keeps its own binary logs, whatever its settings say."""
    answer = client.read(_about("DescribeBackupPolicy", instance_id, {"BackupPolicyMode": "LogBackupPolicy"}))
    return BackupPolicy(
        local_hours=answer.number("LocalLogRetentionHours"),
        local_space=answer.number("LocalLogRetentionSpace"),
        local_files=answer.number("LogBackupLocalRetentionNumber"),
        space_protection=answer.text("HighSpaceUsageProtection"),
    )


def usage(client: Client, instance_id: str) -> Usage:
    """What an instance has on its disk."""
    answer = client.read(_about("DescribeResourceUsage", instance_id))
    figures = (answer.number(name) for name in ("DiskUsed", "DataSize", "LogSize"))
    return Usage(*(None if figure is None or figure < 0 else figure for figure in figures))


def lift_deletion_protection(instance_id: str) -> Write[None]:
    """Allow an instance to be released."""
    return _act("ModifyDBInstanceDeletionProtection", instance_id, {"DeletionProtection": False})


def delete_instance(instance_id: str, keep_backups: str = "All") -> Write[None]:
    """Release a pay-as-you-go instance with everything in it; `keep_backups` is None, Lastest (as spelled) or All."""
    return _act("DeleteDBInstance", instance_id, {"ReleasedKeepPolicy": keep_backups})


def _about(action: str, instance_id: str, parameters: Mapping[str, Value] | None = None) -> Call:
    return call(RDS, action, instance_id, {"DBInstanceId": instance_id, **(parameters or {})})


def _modify_whitelist(
    mode: str, instance_id: str, group: str, entries: tuple[str, ...], network_type: str | None
) -> Write[None]:
    parameters: dict[str, Value] = {
        "DBInstanceIPArrayName": group,
        "SecurityIps": ",".join(entries),
        "ModifyMode": mode,
        "WhitelistNetworkType": network_type,
    }
    return _act("ModifySecurityIps", instance_id, parameters)


def _act(action: str, instance_id: str, parameters: Mapping[str, Value]) -> Write[None]:
    return Write(_about(action, instance_id, parameters), nothing)


def _forced(answer: Answer) -> bool | None:
    """`ForceEncryption` is a number in a text."""
    number = answer.number("ForceEncryption")
    return answer.flag("ForceEncryption") if number is None else number != 0


def _instance(item: Answer) -> Instance:
    followers = item.parts("ReadOnlyDBInstanceIds", "ReadOnlyDBInstanceId")
    ids = None if followers is None else tuple(follower.text("DBInstanceId") for follower in followers)
    return Instance(
        instance_id=item.text("DBInstanceId"),
        description=item.text("DBInstanceDescription"),
        kind=item.text("DBInstanceType"),
        status=item.text("DBInstanceStatus"),
        engine=item.text("Engine"),
        version=item.text("EngineVersion"),
        kernel=item.text("CurrentKernelVersion"),
        category=item.text("Category"),
        node_class=item.text("DBInstanceClass"),
        cpus=item.number("DBInstanceCPU"),
        memory_mb=item.number("DBInstanceMemory"),
        storage_type=item.text("DBInstanceStorageType"),
        storage_gb=item.number("DBInstanceStorage"),
        disk_used=item.text("DBInstanceDiskUsed"),
        pay_type=item.text("PayType"),
        lock_mode=item.text("LockMode"),
        deletion_protected=item.flag("DeletionProtection"),
        region_id=item.text("RegionId"),
        zone_id=item.text("ZoneId"),
        vpc_id=item.text("VpcId"),
        vswitch_id=item.text("VSwitchId"),
        connection_mode=item.text("ConnectionMode"),
        proxy_type=item.number("ProxyType"),
        super_permissions=item.text("SuperPermissionMode"),
        primary_id=item.text("MasterInstanceId"),
        time_zone=item.text("TimeZone"),
        created=item.time("CreationTime"),
        expires=item.time("ExpireTime"),
        # A follower without a name cannot be asked about: then it is not known which there are.
        read_only_ids=None if ids is None or None in ids else tuple(name for name in ids if name is not None),
    )
