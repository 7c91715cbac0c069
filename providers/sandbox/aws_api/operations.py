"""Which calls the simulated services answer, and what carries each out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from providers.mysql.errors import ServerError
from providers.sandbox.aws_api import deployments, groups, instances, shapes, snapshots
from providers.sandbox.aws_api.catalogue import CLASSES, STORAGE, family_of
from providers.sandbox.aws_api.cloud import Cloud
from providers.sandbox.aws_api.instances import Given
from providers.sandbox.aws_api.shapes import Body
from providers.sandbox.aws_api.state import Deployment, Group, Instance, Snapshot

Act = Callable[[Cloud, Given], Body]
_PAGE = 100


def describe_instances(cloud: Cloud, given: Given) -> Body:
    """DescribeDBInstances."""
    wanted = given.get("DBInstanceIdentifier")
    found = [cloud.instance(str(wanted))] if wanted else list(cloud.instances.values())
    return _page("DBInstances", [shapes.instance(cloud, one) for one in found], given)


def describe_snapshots(cloud: Cloud, given: Given) -> Body:
    """DescribeDBSnapshots."""
    wanted, of = given.get("DBSnapshotIdentifier"), given.get("DBInstanceIdentifier")
    found = [snapshots.find(cloud, str(wanted))] if wanted else list(cloud.snapshots.values())
    shown = [shapes.snapshot(cloud, one) for one in found if of is None or one.instance.id == str(of).lower()]
    return _page("DBSnapshots", shown, given)


def describe_groups(cloud: Cloud, given: Given) -> Body:
    """DescribeDBParameterGroups."""
    wanted = given.get("DBParameterGroupName")
    found = [cloud.group(str(wanted))] if wanted else list(cloud.groups.values())
    return _page("DBParameterGroups", [shapes.group(cloud, one) for one in found], given)


def describe_parameters(cloud: Cloud, given: Given) -> Body:
    """DescribeDBParameters."""
    source = given.get("Source")
    listed = shapes.parameters(cloud.group(str(given["DBParameterGroupName"])), str(source) if source else None)
    return _page("Parameters", listed, given)


def describe_events(cloud: Cloud, given: Given) -> Body:
    """DescribeEvents: without a time, those of the last hour."""
    kind, about, since = given.get("SourceType"), given.get("SourceIdentifier"), given.get("StartTime")
    begin = since if isinstance(since, datetime) else shapes.moment(cloud.clock.now() - 3600)
    begin = begin if begin.tzinfo else begin.replace(tzinfo=UTC)
    found = [
        shapes.event(cloud, one)
        for one in cloud.events
        if kind in (None, one.kind)
        and about in (None, one.about)
        and shapes.moment(one.at) >= begin.replace(microsecond=0)
    ]
    return _page("Events", found, given)


def describe_deployments(cloud: Cloud, given: Given) -> Body:
    """DescribeBlueGreenDeployments, with the filters for names and for the source."""
    wanted = given.get("BlueGreenDeploymentIdentifier")
    found = [deployments.find(cloud, str(wanted))] if wanted else list(cloud.deployments.values())
    shown = [shapes.deployment(cloud, one) for one in found]
    fields = {"blue-green-deployment-name": "BlueGreenDeploymentName", "source": "Source"}
    filters = given.get("Filters")
    for one in filters if isinstance(filters, list) else []:
        field = fields.get(one["Name"], "BlueGreenDeploymentIdentifier")
        shown = [body for body in shown if body[field] in one["Values"]]
    return _page("BlueGreenDeployments", shown, given)


def describe_maintenance(_: Cloud, given: Given) -> Body:
    """DescribePendingMaintenanceActions: there is nothing that AWS wants."""
    return _page("PendingMaintenanceActions", [], given)


def describe_classes(cloud: Cloud, given: Given) -> Body:
    """DescribeOrderableDBInstanceOptions."""
    shown: list[Body] = [
        {
            "Engine": given["Engine"],
            "EngineVersion": given.get("EngineVersion") or cloud.version,
            "DBInstanceClass": name,
            "LicenseModel": "general-public-license",
            "AvailabilityZones": [{"Name": cloud.scenario.region + zone} for zone in "abc"],
            "MultiAZCapable": True,
            "ReadReplicaCapable": True,
            "Vpc": True,
            "StorageType": storage,
            "SupportsIops": bounds is not None,
            "MinStorageSize": 20,
            "MaxStorageSize": 65536,
            **({"MinIopsPerDbInstance": bounds[0], "MaxIopsPerDbInstance": bounds[1]} if bounds else {}),
        }
        for name in CLASSES
        for storage, bounds in STORAGE.items()
    ]
    return _page("OrderableDBInstanceOptions", shown, given)


def describe_versions(cloud: Cloud, given: Given) -> Body:
    """DescribeDBEngineVersions: the one that there is a server of."""
    asked = (given.get("Engine"), given.get("EngineVersion"))
    known = asked[0] in (None, cloud.engine) and asked[1] in (None, cloud.version)
    shown: list[Body] = [
        {
            "Engine": cloud.engine,
            "EngineVersion": cloud.version,
            "DBParameterGroupFamily": family_of(cloud.engine, cloud.version),
            "DBEngineDescription": cloud.engine,
            "DBEngineVersionDescription": f"{cloud.engine} {cloud.version}",
            "ValidUpgradeTarget": [],
            "SupportsReadReplica": True,
            "Status": "available",
        }
    ]
    return _page("DBEngineVersions", shown if known else [], given)


def metric_data(cloud: Cloud, given: Given) -> Body:
    """GetMetricData of CloudWatch, for ReplicaLag: one value, of now; -1 where nothing replicates."""
    queries = given.get("MetricDataQueries")
    results = []
    for query in queries if isinstance(queries, list) else []:
        metric = query["MetricStat"]["Metric"]
        about = next(one["Value"] for one in metric["Dimensions"] if one["Name"] == "DBInstanceIdentifier")
        lag = _lag(cloud, about) if metric["MetricName"] == "ReplicaLag" else None
        results.append(
            {
                "Id": query["Id"],
                "Label": metric["MetricName"],
                "Timestamps": [] if lag is None else [shapes.moment(cloud.clock.now() // 60 * 60)],
                "Values": [] if lag is None else [float(lag)],
                "StatusCode": "Complete",
            }
        )
    return {"MetricDataResults": results, "Messages": []}


def _lag(cloud: Cloud, about: str) -> int | None:
    found = next((one for one in cloud.instances.values() if one.id == about), None)
    if found is None or found.source is None:
        return None
    try:
        status = cloud.servers.status(found.key)
    except ServerError:
        return -1
    return -1 if status is None or status.seconds_behind is None else status.seconds_behind


def _page(name: str, entries: list[Body], given: Given) -> Body:
    start, size = int(str(given.get("Marker") or 0)), int(str(given.get("MaxRecords") or _PAGE))
    body: Body = {name: entries[start : start + size]}
    if start + size < len(entries):
        body["Marker"] = str(start + size)
    return body


def _instance(order: Callable[[Cloud, Given], Instance]) -> Act:
    return lambda cloud, given: {"DBInstance": shapes.instance(cloud, order(cloud, given))}


def _delete_instance(cloud: Cloud, given: Given) -> Body:
    made = instances.delete(cloud, given, lambda one, name: snapshots.keep(cloud, one, name))
    return {"DBInstance": shapes.instance(cloud, made)}


def _named_group(order: Callable[[Cloud, Given], Group]) -> Act:
    return lambda cloud, given: {"DBParameterGroupName": order(cloud, given).name}


def _delete_group(cloud: Cloud, given: Given) -> Body:
    groups.delete(cloud, given)
    return {}


def _snapshot(order: Callable[[Cloud, Given], Snapshot]) -> Act:
    return lambda cloud, given: {"DBSnapshot": shapes.snapshot(cloud, order(cloud, given))}


def _deployment(order: Callable[[Cloud, Given], Deployment]) -> Act:
    return lambda cloud, given: {"BlueGreenDeployment": shapes.deployment(cloud, order(cloud, given))}


RDS: Mapping[str, Act] = {
    "DescribeDBInstances": describe_instances,
    "DescribeDBSnapshots": describe_snapshots,
    "DescribeDBParameterGroups": describe_groups,
    "DescribeDBParameters": describe_parameters,
    "DescribeEvents": describe_events,
    "DescribeBlueGreenDeployments": describe_deployments,
    "DescribePendingMaintenanceActions": describe_maintenance,
    "DescribeOrderableDBInstanceOptions": describe_classes,
    "DescribeDBEngineVersions": describe_versions,
    "CreateDBInstanceReadReplica": _instance(instances.create_replica),
    "ModifyDBInstance": _instance(instances.modify),
    "PromoteReadReplica": _instance(instances.promote),
    "RebootDBInstance": _instance(instances.reboot),
    "DeleteDBInstance": _delete_instance,
    "CreateDBSnapshot": _snapshot(snapshots.create),
    "DeleteDBSnapshot": _snapshot(snapshots.delete),
    "RestoreDBInstanceFromDBSnapshot": _instance(snapshots.restore),
    "CreateDBParameterGroup": lambda cloud, given: {
        "DBParameterGroup": shapes.group(cloud, groups.create(cloud, given))
    },
    "ModifyDBParameterGroup": _named_group(groups.modify),
    "ResetDBParameterGroup": _named_group(groups.reset),
    "DeleteDBParameterGroup": _delete_group,
    "CreateBlueGreenDeployment": _deployment(deployments.create),
    "SwitchoverBlueGreenDeployment": _deployment(deployments.switch),
    "DeleteBlueGreenDeployment": _deployment(deployments.delete),
}
CLOUDWATCH: Mapping[str, Act] = {"GetMetricData": metric_data}
