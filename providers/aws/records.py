"""What answers of several calls have in common: an instance, and the shape one is to have.

Words of AWS are verbatim; a value that the answer lacks is None: unknown, never no.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from providers.aws.answer import Answer
from providers.aws.statuses import Health, health

REPLICATION = "read replication"


@dataclass(frozen=True)
class Shape:
    """What an instance is to be: everything that is None stays as it is, or as it is at the source.

    `iops` and `throughput` (MB/s) go with storage types that have them; `allocated_gb` is in GiB.
    """

    node_class: str | None = None
    storage_type: str | None = None
    iops: int | None = None
    throughput: int | None = None
    allocated_gb: int | None = None
    multi_az: bool | None = None
    parameter_group: str | None = None

    def parameters(self, prefix: str = "") -> dict[str, object]:
        """The parameters of a call; with a prefix those of a Blue/Green deployment, which has no MultiAZ."""
        named: dict[str, object] = {
            "DBInstanceClass": self.node_class,
            "StorageType": self.storage_type,
            "Iops": self.iops,
            "StorageThroughput": self.throughput,
            "AllocatedStorage": self.allocated_gb,
            "DBParameterGroupName": self.parameter_group,
        }
        if not prefix:
            named["MultiAZ"] = self.multi_az
        return {prefix + name: value for name, value in named.items()}


@dataclass(frozen=True)
class GroupMembership:
    """A parameter group of an instance; `apply_status` is in-sync, applying, pending-reboot or another word."""

    name: str | None
    apply_status: str | None


@dataclass(frozen=True)
class StatusInfo:
    """What RDS says of one side of an instance; `kind` is `read replication` for a replica's replication."""

    kind: str | None
    normal: bool | None
    status: str | None
    message: str | None


@dataclass(frozen=True)
class Instance:
    """One instance.

    Attributes:
        resource_id: stays the same when it is renamed.
        host: its endpoint; None while it is being created.
        pending: what was ordered and is not in force yet, by AWS's names.
        source_id: of a replica, the instance that it follows: its identifier, or its ARN in another region.
        backup_days: 0: no automated backups, and so no binary log.
    """

    instance_id: str | None
    arn: str | None
    resource_id: str | None
    status: str | None
    engine: str | None
    version: str | None
    node_class: str | None
    storage_type: str | None
    allocated_gb: int | None
    iops: int | None
    throughput: int | None
    encrypted: bool | None
    multi_az: bool | None
    zone: str | None
    host: str | None
    port: int | None
    master_user: str | None
    database: str | None
    parameter_groups: tuple[GroupMembership, ...] | None
    option_groups: tuple[str | None, ...] | None
    security_groups: tuple[str | None, ...] | None
    subnet_group: str | None
    public: bool | None
    backup_days: int | None
    backup_window: str | None
    maintenance_window: str | None
    latest_restorable: datetime | None
    source_id: str | None
    replica_ids: tuple[str, ...] | None
    infos: tuple[StatusInfo, ...]
    pending: tuple[tuple[str, str], ...]
    deletion_protected: bool | None
    iam_login: bool | None
    certificate_authority: str | None
    created: datetime | None

    @property
    def health(self) -> Health:
        """What it can be used for now."""
        return health(self.status)

    @property
    def replication(self) -> StatusInfo | None:
        """What RDS says of its replication; None where it says nothing, which is not no."""
        return next((info for info in self.infos if info.kind == REPLICATION), None)

    def pending_value(self, name: str) -> str | None:
        """What was ordered of one thing and is not in force yet."""
        return dict(self.pending).get(name)

    def is_being(self, shape: Shape) -> bool:
        """Whether it has a shape, or that has been ordered."""
        has: dict[str, object] = {
            "DBInstanceClass": self.node_class,
            "StorageType": self.storage_type,
            "Iops": self.iops,
            "StorageThroughput": self.throughput,
            "AllocatedStorage": self.allocated_gb,
            "MultiAZ": self.multi_az,
        }
        groups = {group.name for group in self.parameter_groups or ()}
        if shape.parameter_group is not None and shape.parameter_group not in groups:
            return False
        return all(
            value is None or has[name] == value or self.pending_value(name) == str(value)
            for name, value in shape.parameters().items()
            if name in has
        )


def instance_of(answer: Answer) -> Instance:
    """A `DBInstance` of an answer."""
    host = answer.text("Endpoint", "Address")
    return Instance(
        instance_id=answer.text("DBInstanceIdentifier"),
        arn=answer.text("DBInstanceArn"),
        resource_id=answer.text("DbiResourceId"),
        status=answer.text("DBInstanceStatus"),
        engine=answer.text("Engine"),
        version=answer.text("EngineVersion"),
        node_class=answer.text("DBInstanceClass"),
        storage_type=answer.text("StorageType"),
        allocated_gb=answer.number("AllocatedStorage"),
        iops=answer.number("Iops"),
        throughput=answer.number("StorageThroughput"),
        encrypted=answer.flag("StorageEncrypted"),
        multi_az=answer.flag("MultiAZ"),
        zone=answer.text("AvailabilityZone"),
        host=host,
        port=answer.number("Endpoint", "Port"),
        master_user=answer.text("MasterUsername"),
        database=answer.text("DBName"),
        parameter_groups=_memberships(answer),
        option_groups=_names(answer, "OptionGroupMemberships", "OptionGroupName"),
        security_groups=_names(answer, "VpcSecurityGroups", "VpcSecurityGroupId"),
        subnet_group=answer.text("DBSubnetGroup", "DBSubnetGroupName"),
        public=answer.flag("PubliclyAccessible"),
        backup_days=answer.number("BackupRetentionPeriod"),
        backup_window=answer.text("PreferredBackupWindow"),
        maintenance_window=answer.text("PreferredMaintenanceWindow"),
        latest_restorable=answer.time("LatestRestorableTime"),
        source_id=answer.text("ReadReplicaSourceDBInstanceIdentifier"),
        replica_ids=answer.texts("ReadReplicaDBInstanceIdentifiers"),
        infos=tuple(
            StatusInfo(item.text("StatusType"), item.flag("Normal"), item.text("Status"), item.text("Message"))
            for item in answer.parts("StatusInfos") or ()
        ),
        pending=_pending(answer.part("PendingModifiedValues")),
        deletion_protected=answer.flag("DeletionProtection"),
        iam_login=answer.flag("IAMDatabaseAuthenticationEnabled"),
        certificate_authority=answer.text("CACertificateIdentifier"),
        created=answer.time("InstanceCreateTime"),
    )


def _memberships(answer: Answer) -> tuple[GroupMembership, ...] | None:
    groups = answer.parts("DBParameterGroups")
    if groups is None:
        return None
    return tuple(GroupMembership(one.text("DBParameterGroupName"), one.text("ParameterApplyStatus")) for one in groups)


def _names(answer: Answer, listed: str, name: str) -> tuple[str | None, ...] | None:
    items = answer.parts(listed)
    return None if items is None else tuple(item.text(name) for item in items)


def _pending(values: Answer | None) -> tuple[tuple[str, str], ...]:
    """Without the password that may be among them: AWS masks it, and nobody needs it."""
    content = values.content if values else {}
    return tuple((name, str(value)) for name, value in sorted(content.items()) if name != "MasterUserPassword")
