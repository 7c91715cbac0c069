"""PolarDB: the evaluation, the cluster that is created, and the migration that fills it.

Functions that read take a client; those that change something return a `Write`, which the client sends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from providers.aliyun.actions import POLARDB
from providers.aliyun.calls import Call, Value, Write, call, nothing
from providers.aliyun.client import Client, Paging
from providers.aliyun.polardb_records import (
    CLONE,
    MIGRATE,
    ClassSize,
    Cluster,
    ClusterEndpoint,
    ClusterSummary,
    Created,
    DtsMove,
    EndpointSsl,
    Evaluation,
    Migration,
    MigrationEndpoint,
    NewCluster,
    Node,
    NodeClass,
    Report,
    ReportItem,
    Swap,
    Vpc,
    VSwitch,
)
from providers.aliyun.records import IpGroup, addresses, entries
from providers.calling.answer import Answer

_PAGE = Paging(100)
_REPORTS = Paging(100, total_name="")


def has_service_linked_role(client: Client) -> bool | None:
    """Whether AliyunServiceRoleForPolarDB exists; None: the answer does not say."""
    return client.read(call(POLARDB, "CheckServiceLinkedRole", "this account", {})).flag("HasServiceLinkedRole")


def create_service_linked_role() -> Write[None]:
    """Create AliyunServiceRoleForPolarDB."""
    return Write(call(POLARDB, "CreateServiceLinkedRole", "this account", {}), nothing)


def start_evaluation(source_id: str, version: str, category: str = "Normal") -> Write[str | None]:
    """Start an evaluation for a target of this version (5.6, 5.7, 8.0); its task's id comes back."""
    parameters: dict[str, Value] = {
        "SourceDBClusterId": source_id,
        "CreationOption": MIGRATE,
        "CreationCategory": category,
        "DBVersion": version,
    }
    request = call(POLARDB, "GenerateUpgradeReportForSyncClone", source_id, parameters)
    return Write(request, lambda answer: answer.text("TaskId"))


def evaluations(client: Client, source_id: str) -> tuple[Report, ...]:
    """The runs of the evaluation for an instance; they are kept for seven days."""
    request = call(POLARDB, "DescribeUpgradeReport", source_id, {"SourceDBClusterId": source_id})
    return tuple(_report(item) for item in client.pages(request, _REPORTS, "UpgradeReportList"))


def evaluation(client: Client, source_id: str, task_id: str) -> Evaluation:
    """What one run of the evaluation found."""
    request = call(POLARDB, "DescribeUpgradeReport", source_id, {"SourceDBClusterId": source_id, "TaskId": task_id})
    answer = client.read(request)
    listed = answer.parts("Items")
    reports = answer.parts("UpgradeReportList")
    return Evaluation(
        _report(reports[0]) if reports and len(reports) == 1 else None,
        answer.text("Details"),
        None if listed is None else tuple(_report_item(item) for item in client.pages(request, _REPORTS, "Items")),
    )


def node_classes(client: Client, pay_type: str, version: str) -> tuple[NodeClass, ...]:
    """What can be bought in the client's region."""
    parameters: dict[str, Value] = {"PayType": pay_type, "DBType": "MySQL", "DBVersion": version}
    request = call(POLARDB, "DescribeDBClusterAvailableResources", f"region {client.region}", parameters)
    return tuple(
        NodeClass(zone.text("ZoneId"), engine.text("Engine"), found.text("DBNodeClass"), found.text("Category"))
        for zone in client.items(request, "AvailableZones")
        for engine in zone.parts("SupportedEngines") or ()
        for found in engine.parts("AvailableResources") or ()
    )


def class_sizes(client: Client, commodity: str) -> tuple[ClassSize, ...]:
    """How large the nodes of each class are, of a commodity such as `polardb_payg`."""
    parameters: dict[str, Value] = {"CommodityCode": commodity, "OrderType": "BUY"}
    request = call(POLARDB, "DescribeClassList", f"region {client.region}", parameters)
    return tuple(
        ClassSize(item.text("ClassCode"), item.number("Cpu"), item.number("MemoryClass"))
        for item in client.items(request, "Items")
    )


def vpcs(client: Client) -> tuple[Vpc, ...]:
    """The account's private networks in the client's region."""
    request = call(POLARDB, "DescribeRdsVpcs", f"region {client.region}", {})
    return tuple(_vpc(item) for item in client.items(request, "Vpcs", "Vpc"))


def create_cluster(order: NewCluster) -> Write[Created]:
    """Buy a cluster and have it filled. It can be sent again: the order's token makes it one purchase."""
    parameters: dict[str, Value] = {
        "DBType": "MySQL",
        "DBVersion": order.version,
        "DBMinorVersion": order.minor_version,
        "CreationOption": order.creation,
        "SourceResourceId": order.source_id,
        "CloneDataPoint": "LATEST" if order.creation == CLONE else None,
        "CreationCategory": order.category,
        "PayType": order.pay_type,
        "DBNodeClass": order.node_class,
        "ZoneId": order.zone_id,
        "ClusterNetworkType": "VPC" if order.vpc_id else None,
        "VPCId": order.vpc_id,
        "VSwitchId": order.vswitch_id,
        "DBClusterDescription": order.description,
        "LowerCaseTableNames": order.lower_case_table_names,
        "DefaultTimeZone": order.time_zone,
        **order.options,
        "ClientToken": order.token,
    }
    request = call(POLARDB, "CreateDBCluster", f"a cluster from {order.source_id}", parameters)
    return Write(request, lambda answer: Created(answer.text("DBClusterId"), answer.text("OrderId")))


def clusters(client: Client, description: str | None = None) -> tuple[ClusterSummary, ...]:
    """The region's clusters, or those of this description."""
    request = call(
        POLARDB,
        "DescribeDBClusters",
        f"region {client.region}",
        {"DBClusterDescription": description, "DBType": "MySQL"},
    )
    return tuple(
        ClusterSummary(
            cluster_id=item.text("DBClusterId"),
            description=item.text("DBClusterDescription"),
            status=item.text("DBClusterStatus"),
            engine=item.text("DBType"),
            version=item.text("DBVersion"),
            created=item.time("CreateTime"),
        )
        for item in client.pages(request, _PAGE, "Items", "DBCluster")
    )


def cluster(client: Client, cluster_id: str) -> Cluster:
    """One cluster as it is now."""
    answer = client.read(_about("DescribeDBClusterAttribute", cluster_id))
    nodes = answer.parts("DBNodes")
    locked = answer.number("DeletionLock")
    return Cluster(
        cluster_id=answer.text("DBClusterId"),
        description=answer.text("DBClusterDescription"),
        status=answer.text("DBClusterStatus"),
        category=answer.text("Category"),
        engine=answer.text("DBType"),
        version=answer.text("DBVersion"),
        region_id=answer.text("RegionId"),
        zone_ids=answer.text("ZoneIds"),
        vpc_id=answer.text("VPCId"),
        vswitch_id=answer.text("VSwitchId"),
        pay_type=answer.text("PayType"),
        lock_mode=answer.text("LockMode"),
        storage_type=answer.text("StorageType"),
        storage_used=answer.number("StorageUsed"),
        storage_max=answer.number("StorageMax"),
        storage_space=answer.number("StorageSpace"),
        deletion_locked=None if locked is None else locked != 0,
        created=answer.time("CreationTime"),
        expires=answer.time("ExpireTime"),
        nodes=None if nodes is None else tuple(_node(node) for node in nodes),
    )


def migration(client: Client, cluster_id: str) -> Migration:
    """The migration into a cluster as it is now.

    Raises:
        NotFound: there is no such cluster, or it has no migration.
    """
    answer = client.read(_about("DescribeDBClusterMigration", cluster_id))
    delay = answer.number("DelayedSeconds")
    return Migration(
        cluster_id=answer.text("DBClusterId"),
        source_id=answer.text("SourceRDSDBInstanceId"),
        source_type=answer.text("SrcDbType"),
        status=answer.text("MigrationStatus"),
        topology=answer.text("Topologies"),
        delay_s=None if delay is None or delay < 0 else delay,
        source_mode=answer.text("RdsReadWriteMode"),
        cluster_mode=answer.text("DBClusterReadWriteMode"),
        comment=answer.text("Comment"),
        expires=answer.time("ExpiredTime"),
        dts_instance_id=answer.text("DtsInstanceId"),
        source_endpoints=_migration_endpoints(answer.parts("RdsEndpointList")),
        cluster_endpoints=_migration_endpoints(answer.parts("DBClusterEndpointList")),
    )


def switch_over(cluster_id: str, source_id: str, swap: Swap | None = None) -> Write[None]:
    """Give the writes to the cluster, exchanging endpoints where a swap is given."""
    return _move_writes(cluster_id, source_id, cluster_id, swap)


def roll_back(cluster_id: str, source_id: str, swap: Swap | None = None) -> Write[None]:
    """Give the writes back to the RDS instance, exchanging endpoints where a swap is given."""
    return _move_writes(cluster_id, source_id, source_id, swap)


def close_migration(cluster_id: str) -> Write[None]:
    """End the migration for good, keeping the binary log on: completes it after a switch, cancels it before one."""
    return _act("CloseDBClusterMigration", cluster_id, {"ContinueEnableBinlog": True})


def close_migration_without_binlog(cluster_id: str) -> Write[None]:
    """As `close_migration`, and turn the binary log off: the cluster restarts."""
    return _act("CloseDBClusterMigration", cluster_id, {"ContinueEnableBinlog": False})


def continue_migration(cluster_id: str) -> Write[None]:
    """Go on after a failed precheck whose cause was removed."""
    return _act("ContinueDBClusterMigration", cluster_id, {"ForceSwitch": "false"})


def force_migration(cluster_id: str) -> Write[None]:
    """Go on after a failed precheck although its cause is there still."""
    return _act("ContinueDBClusterMigration", cluster_id, {"ForceSwitch": "true"})


def abort_migration(cluster_id: str) -> Write[None]:
    """Give up after a failed precheck. The cluster stays and is billed."""
    return _act("AbortDBClusterMigration", cluster_id, {})


def move_dts_jobs(cluster_id: str, moves: tuple[DtsMove, ...]) -> Write[str | None]:
    """Move ends of the business's DTS tasks; the id of the provider's task comes back, which no call asks about."""
    config = json.dumps(
        [{"dtsJobId": m.job_id, "endpoint": m.end.value, "endpointInstanceId": m.instance_id} for m in moves],
        separators=(",", ":"),
    )
    request = _about("ModifyDBClusterMigrationEndpoint", cluster_id, {"MigrationConfig": config})
    return Write(request, lambda answer: answer.text("TaskId"))


def endpoints(client: Client, cluster_id: str) -> tuple[ClusterEndpoint, ...]:
    """The endpoints of a cluster."""
    return tuple(
        ClusterEndpoint(
            endpoint_id=item.text("DBEndpointId"),
            kind=item.text("EndpointType"),
            mode=item.text("ReadWriteMode"),
            description=item.text("DBEndpointDescription"),
            nodes=item.text("Nodes"),
            addresses=addresses(item),
        )
        for item in client.items(_about("DescribeDBClusterEndpoints", cluster_id), "Items")
    )


def create_endpoint(cluster_id: str, mode: str, description: str, token: str) -> Write[None]:
    """Add a custom endpoint with all nodes; `mode` is ReadWrite or ReadOnly.

    The answer does not name it: compare the lists before and after. It can be sent again, with the same token.
    """
    parameters: dict[str, Value] = {
        "EndpointType": "Custom",
        "ReadWriteMode": mode,
        "AutoAddNewNodes": "Enable",
        "DBEndpointDescription": description,
        "ClientToken": token,
    }
    return _act("CreateDBClusterEndpoint", cluster_id, parameters)


def create_public_address(cluster_id: str, endpoint_id: str, prefix: str | None = None) -> Write[None]:
    """Give an endpoint a public address; no other kind can be added."""
    parameters: dict[str, Value] = {"DBEndpointId": endpoint_id, "NetType": "Public", "ConnectionStringPrefix": prefix}
    return _act("CreateDBEndpointAddress", cluster_id, parameters)


def whitelist(client: Client, cluster_id: str) -> tuple[IpGroup, ...]:
    """Who may connect to a cluster."""
    items = client.items(_about("DescribeDBClusterAccessWhitelist", cluster_id), "Items", "DBClusterIPArray")
    return tuple(
        IpGroup(
            name=item.text("DBClusterIPArrayName"),
            entries=entries(item.text("SecurityIps")),
            attribute=item.text("DBClusterIPArrayAttribute"),
            kind=None,
        )
        for item in items
    )


def append_to_whitelist(cluster_id: str, group: str, new: tuple[str, ...]) -> Write[None]:
    """Add entries to a group; never replaces what is there."""
    parameters: dict[str, Value] = {
        "DBClusterIPArrayName": group,
        "SecurityIps": ",".join(new),
        "ModifyMode": "Append",
    }
    return _act("ModifyDBClusterAccessWhitelist", cluster_id, parameters)


def ssl(client: Client, cluster_id: str) -> tuple[EndpointSsl, ...]:
    """Which endpoints of a cluster speak TLS."""
    return tuple(
        EndpointSsl(
            endpoint_id=item.text("DBEndpointId"),
            enabled=item.flag("SSLEnabled"),
            host=item.text("SSLConnectionString"),
            expires=item.time("SSLExpireTime"),
        )
        for item in client.items(_about("DescribeDBClusterSSL", cluster_id), "Items")
    )


def delete_cluster(cluster_id: str, keep_backups: str = "ALL") -> Write[None]:
    """Release a cluster with everything in it; `keep_backups` is ALL, LATEST or NONE."""
    return _act("DeleteDBCluster", cluster_id, {"BackupRetentionPolicyOnClusterDeletion": keep_backups})


def _about(action: str, cluster_id: str, parameters: Mapping[str, Value] | None = None) -> Call:
    return call(POLARDB, action, cluster_id, {"DBClusterId": cluster_id, **(parameters or {})})


def _act(action: str, cluster_id: str, parameters: Mapping[str, Value]) -> Write[None]:
    return Write(_about(action, cluster_id, parameters), nothing)


def _move_writes(cluster_id: str, source_id: str, new_master: str, swap: Swap | None) -> Write[None]:
    pairs = json.dumps(dict(swap.pairs), separators=(",", ":")) if swap and swap.pairs else None
    parameters: dict[str, Value] = {
        "SourceRDSDBInstanceId": source_id,
        "NewMasterInstanceId": new_master,
        "SwapConnectionString": "false" if swap is None else "true",
        "ConnectionStrings": pairs,
    }
    return _act("ModifyDBClusterMigration", cluster_id, parameters)


def _report(item: Answer) -> Report:
    return Report(
        task_id=item.text("TaskId"),
        result=item.text("Result"),
        mode=item.text("UpgradeMode"),
        source_id=item.text("SrcInsName"),
        source_version=item.text("SrcVersion"),
        target_version=item.text("DstVersion"),
        started=item.time("StartTime"),
        ended=item.time("EndTime"),
        valid_until=item.time("EffectiveTime"),
    )


def _report_item(item: Answer) -> ReportItem:
    return ReportItem(*(item.text(name) for name in ("Schema", "Name", "Type", "Status", "DDL")))


def _node(item: Answer) -> Node:
    return Node(
        node_id=item.text("DBNodeId"),
        role=item.text("DBNodeRole"),
        status=item.text("DBNodeStatus"),
        node_class=item.text("DBNodeClass"),
        zone_id=item.text("ZoneId"),
        cpus=item.number("CpuCores"),
        memory_mb=item.number("MemorySize"),
    )


def _vpc(item: Answer) -> Vpc:
    switches = item.parts("VSwitchs")
    names = ("VSwitchId", "VSwitchName", "CidrBlock", "IzNo", "Status")
    listed = None if switches is None else tuple(VSwitch(*(one.text(name) for name in names)) for one in switches)
    return Vpc(item.text("VpcId"), item.text("VpcName"), item.text("CidrBlock"), listed)


def _migration_endpoints(items: tuple[Answer, ...] | None) -> tuple[MigrationEndpoint, ...] | None:
    if items is None:
        return None
    return tuple(
        MigrationEndpoint(
            endpoint_id=item.text("DBEndpointId"),
            kind=item.text("EndpointType"),
            mode=item.text("ReadWriteMode"),
            owner=item.text("CustinsType"),
            addresses=addresses(item),
        )
        for item in items
    )
