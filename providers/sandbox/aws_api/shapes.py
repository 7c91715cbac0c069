"""What answers are made of: the account's things in the names of RDS's API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from providers.mysql.errors import ServerError
from providers.mysql.status import ReplicaStatus
from providers.sandbox.aws_api.catalogue import KNOWN, Known
from providers.sandbox.aws_api.cloud import Cloud
from providers.sandbox.aws_api.state import Deployment, Event, Group, Instance, Snapshot

Body = dict[str, object]
MIB_S = 125


def moment(seconds: float) -> datetime:
    """A time as answers have it: without fractions, which the API does not keep everywhere."""
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=0)


def instance(cloud: Cloud, one: Instance) -> Body:
    """A `DBInstance`."""
    sources = {key: other.id for key, other in cloud.instances.items()}
    body: Body = {
        "DBInstanceIdentifier": one.id,
        "DBInstanceClass": one.node_class,
        "Engine": one.engine,
        "EngineVersion": one.version,
        "DBInstanceStatus": one.status,
        "MasterUsername": cloud.scenario.master_user,
        "DBName": "shop",
        "AllocatedStorage": one.allocated_gb,
        "InstanceCreateTime": moment(one.created),
        "PreferredBackupWindow": "03:00-03:30",
        "BackupRetentionPeriod": one.backup_days,
        "DBSecurityGroups": [],
        "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-0123456789abcdef0", "Status": "active"}],
        "DBParameterGroups": [{"DBParameterGroupName": one.group, "ParameterApplyStatus": one.group_status}],
        "AvailabilityZone": cloud.scenario.region + one.zone,
        "DBSubnetGroup": {
            "DBSubnetGroupName": "default",
            "DBSubnetGroupDescription": "default",
            "VpcId": "vpc-0123456789abcdef0",
            "SubnetGroupStatus": "Complete",
            "Subnets": [],
        },
        "PreferredMaintenanceWindow": "sun:04:00-sun:04:30",
        "PendingModifiedValues": dict(one.pending),
        "LatestRestorableTime": moment(cloud.clock.now()),
        "MultiAZ": one.multi_az,
        "AutoMinorVersionUpgrade": False,
        "ReadReplicaDBInstanceIdentifiers": [replica.id for replica in cloud.replicas(one)],
        "LicenseModel": "general-public-license",
        "StorageThroughput": one.throughput or (MIB_S if one.storage_type == "gp3" else 0),
        "OptionGroupMemberships": [{"OptionGroupName": f"default:{one.engine}", "Status": "in-sync"}],
        "PubliclyAccessible": False,
        "StorageType": one.storage_type,
        "StorageEncrypted": False,
        "DbiResourceId": one.key,
        "CACertificateIdentifier": "rds-ca-rsa2048-g1",
        "DBInstanceArn": cloud.arn("db", one.id),
        "IAMDatabaseAuthenticationEnabled": False,
        "DeletionProtection": one.deletion_protected,
        "StatusInfos": [],
    }
    if one.multi_az:
        body["SecondaryAvailabilityZone"] = cloud.scenario.region + one.other_zone
    if one.iops:
        body["Iops"] = one.iops
    if one.status != "creating":
        host, port = cloud.door(one)
        body["Endpoint"] = {"Address": host, "Port": port, "HostedZoneId": "Z1RLNUO7B9Q6NB"}
    if one.source is not None:
        body["ReadReplicaSourceDBInstanceIdentifier"] = sources.get(one.source, "")
        if one.status not in ("creating", "rebooting"):
            body["StatusInfos"] = [replication(cloud, one)]
    return body


def replication(cloud: Cloud, one: Instance) -> Body:
    """What RDS says of a replica's replication: what its server says."""
    try:
        status = cloud.servers.status(one.key)
    except ServerError as error:
        return _info("error", str(error))
    if status is None:
        return _info("terminated", "")
    if status.running:
        return _info("replicating", "")
    return _info("error" if _went_wrong(status) else "stopped", status.trouble)


def _went_wrong(status: ReplicaStatus) -> bool:
    # Who stops a replica by the procedure stops both threads.
    return bool(status.io_error or status.applier_error) or (status.io == "Yes") != (status.applier == "Yes")


def _info(status: str, message: str) -> Body:
    return {
        "StatusType": "read replication",
        "Normal": status == "replicating",
        "Status": status,
        "Message": message,
    }


def snapshot(cloud: Cloud, one: Snapshot) -> Body:
    """A `DBSnapshot`."""
    of = one.instance
    return {
        "DBSnapshotIdentifier": one.id,
        "DBInstanceIdentifier": of.id,
        "SnapshotCreateTime": moment(one.created),
        "Engine": of.engine,
        "AllocatedStorage": of.allocated_gb,
        "Status": one.status,
        "Port": cloud.door(of)[1],
        "AvailabilityZone": cloud.scenario.region + of.zone,
        "VpcId": "vpc-0123456789abcdef0",
        "InstanceCreateTime": moment(of.created),
        "MasterUsername": cloud.scenario.master_user,
        "EngineVersion": of.version,
        "LicenseModel": "general-public-license",
        "SnapshotType": "manual",
        "OptionGroupName": f"default:{of.engine}",
        "PercentProgress": 100 if one.status == "available" else 0,
        "StorageType": of.storage_type,
        "Encrypted": False,
        "DBSnapshotArn": cloud.arn("snapshot", one.id),
        "IAMDatabaseAuthenticationEnabled": False,
        "DbiResourceId": of.key,
    }


def group(cloud: Cloud, one: Group) -> Body:
    """A `DBParameterGroup`."""
    return {
        "DBParameterGroupName": one.name,
        "DBParameterGroupFamily": one.family,
        "Description": one.description,
        "DBParameterGroupArn": cloud.arn("pg", one.name),
    }


def parameter(one: Known, settings: Mapping[str, tuple[str, str]]) -> Body:
    """A `Parameter` of a group."""
    value, how = settings.get(one.name, (one.default, "pending-reboot"))
    body: Body = {
        "ParameterName": one.name,
        "Description": f"{one.variable} of the server",
        "Source": "user" if one.name in settings else "engine-default" if one.default is None else "system",
        "ApplyType": one.apply_type,
        "DataType": one.data_type,
        "IsModifiable": True,
        "ApplyMethod": how,
        "AllowedValues": one.allowed,
    }
    if value is not None:
        body["ParameterValue"] = value
    return body


def parameters(one: Group, source: str | None) -> list[Body]:
    """The `Parameters` of a group, those of one source where it is named."""
    found = [parameter(known, one.settings) for known in KNOWN.values()]
    return [body for body in found if source in (None, body["Source"])]


def event(cloud: Cloud, one: Event) -> Body:
    """An `Event`."""
    return {
        "SourceIdentifier": one.about,
        "SourceType": one.kind,
        "Message": one.message,
        "EventCategories": list(one.categories),
        "Date": moment(one.at),
        "SourceArn": cloud.arn("db" if one.kind == "db-instance" else "deployment", one.about),
    }


def deployment(cloud: Cloud, one: Deployment) -> Body:
    """A `BlueGreenDeployment`."""
    arns = {key: cloud.arn("db", instance.id) for key, instance in cloud.instances.items()}
    blue, green = arns.get(one.blue, ""), arns.get(one.green, "")
    states = {"PROVISIONING": "PROVISIONING", "INVALID_CONFIGURATION": "PROVISIONING", "DELETING": "AVAILABLE"}
    body: Body = {
        "BlueGreenDeploymentIdentifier": one.id,
        "BlueGreenDeploymentName": one.name,
        "Source": blue,
        "Target": green,
        "SwitchoverDetails": [
            {"SourceMember": blue, "TargetMember": green, "Status": states.get(one.status, one.status)}
        ],
        "Tasks": [{"Name": name, "Status": status} for name, status in one.tasks.items()],
        "Status": one.status,
        "CreateTime": moment(one.created),
        "TagList": [],
    }
    if one.details:
        body["StatusDetails"] = one.details
    return body
