"""PolarDB 2017-08-01: clusters, roles, the migration evaluation, whitelists."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from providers.sandbox.aliyun_api import beginnings, machine, polardb_endpoints, polardb_migration, polardb_sale
from providers.sandbox.aliyun_api.cloud import Cloud
from providers.sandbox.aliyun_api.gateway import Action, Product
from providers.sandbox.aliyun_api.inspection import Item
from providers.sandbox.aliyun_api.paging import page
from providers.sandbox.aliyun_api.refusals import bad_parameter, cluster_busy, no_instance, out_of_stock
from providers.sandbox.aliyun_api.stamps import stamp
from providers.sandbox.aliyun_api.state import (
    ENDED,
    POLARDB_ROLE,
    Body,
    Cluster,
    Instance,
    Parameters,
    changed_groups,
    new_id,
    route_of,
)
from providers.sandbox.api.refusals import Refused

_STORAGE_MAX = 50 << 40
_STORAGE_SQL = "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables"
_NEWER = {"5.6": ("5.6", "5.7", "8.0"), "5.7": ("5.7", "8.0"), "8.0": ("8.0",)}


def product(cloud: Cloud) -> Product:
    """All actions."""
    actions = _Clusters(cloud).actions()
    more = {
        **polardb_migration.actions(cloud),
        **polardb_endpoints.actions(cloud),
        **polardb_sale.actions(cloud),
    }
    return Product("polardb", "2017-08-01", "polardb.aliyuncs.com", {**actions, **more})


class _Clusters:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def actions(self) -> dict[str, Action]:
        report = ("CreationCategory", "CreationOption", "DBVersion", "SourceDBClusterId")
        return {
            "CheckServiceLinkedRole": Action((), self.has_role),
            "CreateServiceLinkedRole": Action((), self.create_role),
            "GenerateUpgradeReportForSyncClone": Action(report, self.evaluate),
            "DescribeUpgradeReport": Action((), self.evaluation),
            "CreateDBCluster": Action(("DBType", "DBVersion", "PayType", "RegionId"), self.create),
            "DescribeDBClusters": Action(("RegionId",), self.clusters),
            "DescribeDBClusterAttribute": Action(("DBClusterId",), self.attribute),
            "DescribeDBClusterAccessWhitelist": Action(("DBClusterId",), self.whitelist),
            "ModifyDBClusterAccessWhitelist": Action(("DBClusterId",), self.change_whitelist),
            "DeleteDBCluster": Action(("DBClusterId",), self.delete),
        }

    def has_role(self, given: Parameters) -> Body:
        return {"HasServiceLinkedRole": POLARDB_ROLE in self._cloud.roles}

    def create_role(self, given: Parameters) -> Body:
        self._cloud.roles.setdefault(POLARDB_ROLE, beginnings.service_role(self._cloud.clock.now()))
        return {}

    def evaluate(self, given: Parameters) -> Body:
        source = self._source(given["SourceDBClusterId"])
        number = 1000 + len(self._cloud.reports)
        self._cloud.reports[number] = (dict(given), self._cloud.clock.now(), self._cloud.inspected())
        return {"SourceDBClusterId": source.id, "TaskId": number}

    def evaluation(self, given: Parameters) -> Body:
        listed = [
            self._report(number, *kept)
            for number, kept in self._cloud.reports.items()
            if given.get("TaskId", str(number)) == str(number)
            and given.get("SourceDBClusterId", kept[0]["SourceDBClusterId"]) == kept[0]["SourceDBClusterId"]
        ]
        details = [detail for one in listed for detail in one.pop("details")]
        objects = [
            {"Schema": name.partition(".")[0], "Name": name.partition(".")[2], "Type": one["Item"], "Status": "failed"}
            for one in details
            for name in one["Objects"]
        ]
        return {
            "UpgradeReportList": page(listed, given)[0],
            "Details": json.dumps(details),
            "Items": page(objects, given)[0],
            "ItemsSize": len(objects),
            "TotalSize": len(listed),
        }

    def create(self, given: Parameters) -> Body:
        return self._created(self._cloud.once(given, lambda: self._make(given)))

    def clusters(self, given: Parameters) -> Body:
        wanted = [one for one in given.get("DBClusterIds", "").split(",") if one]
        description = given.get("DBClusterDescription")
        found = [
            self._summary(one)
            for one in self._cloud.clusters.values()
            if one.status != ENDED
            and given["RegionId"] == self._cloud.scenario.region
            and (not wanted or one.id in wanted)
            and (description is None or one.order.get("DBClusterDescription") == description)
        ]
        listed, where = page(found, given)
        return {"Items": {"DBCluster": listed}, **where}

    def attribute(self, given: Parameters) -> Body:
        cluster = self._cloud.cluster(given["DBClusterId"])
        nodes = [
            {
                "DBNodeId": f"pi-{cluster.id[3:]}-{number}",
                "DBNodeClass": cluster.order.get("DBNodeClass", polardb_sale.USUAL_CLASS),
                "DBNodeRole": role,
                "DBNodeStatus": "Running" if self._status(cluster) != "Creating" else "Creating",
                "ZoneId": self._zone(cluster),
                "CreationTime": stamp(cluster.created_at),
                "MaxConnections": 8000,
                **polardb_sale.size_of(cluster),
            }
            for number, role in enumerate(("Writer", "Reader"), 1)
        ]
        return {
            **self._common(cluster),
            "CreationTime": stamp(cluster.created_at),
            "DBNodes": nodes,
            "DBVersionStatus": "Stable",
            "StorageMax": _STORAGE_MAX,
            "StorageUsed": self._used(cluster),
            "VPCId": cluster.network[0],
            "VSwitchId": cluster.network[1],
            "ZoneIds": self._zone(cluster),
            "Tags": [],
        }

    def whitelist(self, given: Parameters) -> Body:
        cluster = self._cloud.cluster(given["DBClusterId"])
        groups = [
            {"DBClusterIPArrayName": name, "DBClusterIPArrayAttribute": "", "SecurityIps": ",".join(listed)}
            for name, listed in cluster.whitelist.items()
        ]
        return {"Items": {"DBClusterIPArray": groups}, "DBClusterSecurityGroups": {"DBClusterSecurityGroup": []}}

    def change_whitelist(self, given: Parameters) -> Body:
        with self._cloud.lock:
            cluster = self._cloud.running_cluster(given["DBClusterId"])
            name, mode = given.get("DBClusterIPArrayName", "default"), given.get("ModifyMode", "Cover")
            groups = changed_groups(cluster.whitelist, name, given.get("SecurityIps", ""), mode)
            self._cloud.put(replace(cluster, whitelist=groups))
        return {}

    def delete(self, given: Parameters) -> Body:
        cluster = self._cloud.running_cluster(given["DBClusterId"])
        migration = self._cloud.migration(cluster.id)
        if migration is not None and migration.active:
            raise cluster_busy()
        self._cloud.release_cluster(cluster.id)
        return {}

    def _make(self, given: Parameters) -> str:
        """Order the cluster; returns its id."""
        scenario, cloud = self._cloud.scenario, self._cloud
        if given["DBType"] != "MySQL":
            raise bad_parameter("DBType")
        option = given.get("CreationOption", "Normal")
        if option not in ("MigrationFromRDS", "CloneFromRDS"):
            # A cluster without a source has nothing to do in a rehearsal.
            raise bad_parameter("CreationOption")
        polardb_sale.check(given, scenario.region)
        if given["RegionId"] != scenario.region:
            raise no_instance()
        source = self._source(given.get("SourceResourceId", ""))
        if given["DBVersion"] not in _NEWER[source.version]:
            raise bad_parameter("DBVersion")
        if cloud.migration_of_source() is not None:
            raise out_of_stock()
        if scenario.rules == "2019" and (scenario.tde or scenario.ssl or source.version != "5.6"):
            raise Refused(403, "OperationDenied", "The source RDS instance does not meet the prerequisites.")
        cluster_id = new_id("pc-bp1")
        cloud.databases.assign(cluster_id, given["DBVersion"])
        now = cloud.clock.now()
        cluster = Cluster(cluster_id, given["DBVersion"], dict(given), now, "Creating", dict(source.whitelist), ())
        endpoints = beginnings.cluster_endpoints(cluster_id, cloud.addresses.open, cluster.network)
        cluster = replace(cluster, endpoints=endpoints)
        if option == "CloneFromRDS":
            cloud.begin(cluster, None)
            return cluster_id
        route = route_of(scenario.category, scenario.storage_type, scenario.kernel, source.version, given["DBVersion"])
        cloud.begin(cluster, machine.begin(cluster_id, source.id, route, scenario.days, now, scenario.durations))
        return cluster_id

    def _created(self, cluster_id: str) -> Body:
        return {
            "DBClusterId": cluster_id,
            "OrderId": f"{int(self._cloud.clusters[cluster_id].created_at)}0001",
            "ResourceGroupId": "rg-sandbox",
        }

    def _source(self, instance_id: str) -> Instance:
        source = self._cloud.instance(instance_id)
        if source.primary_id:
            raise no_instance()
        return source

    def _status(self, cluster: Cluster) -> str:
        return cluster.status_at(self._cloud.clock.now())

    def _zone(self, cluster: Cluster) -> str:
        return cluster.order.get("ZoneId", f"{self._cloud.scenario.region}-h")

    def _used(self, cluster: Cluster) -> int:
        if cluster.status == "Creating":
            return 0
        return int(self._cloud.databases.ask(cluster.id, _STORAGE_SQL)[0][0])

    def _common(self, cluster: Cluster) -> Body:
        return {
            "DBClusterId": cluster.id,
            "DBClusterDescription": cluster.order.get("DBClusterDescription", cluster.id),
            "DBClusterStatus": self._status(cluster),
            "DBClusterNetworkType": "VPC",
            "Category": cluster.order.get("CreationCategory", "Normal"),
            "DBType": "MySQL",
            "DBVersion": cluster.version,
            "Engine": "POLARDB",
            "PayType": cluster.order["PayType"],
            "RegionId": self._cloud.scenario.region,
            "ResourceGroupId": "rg-sandbox",
            "LockMode": "Unlock",
            "StorageType": cluster.order.get("StorageType", "PSL5"),
            "DeletionLock": 0,
            "ExpireTime": "",
            "Expired": "false",
        }

    def _summary(self, cluster: Cluster) -> Body:
        node_class, zone = cluster.order.get("DBNodeClass", polardb_sale.USUAL_CLASS), self._zone(cluster)
        nodes = [
            {
                "DBNodeId": f"pi-{cluster.id[3:]}-{number}", "DBNodeClass": node_class, "DBNodeRole": role,
                "RegionId": self._cloud.scenario.region, "ZoneId": zone,
            }
            for number, role in enumerate(("Writer", "Reader"), 1)
        ]  # fmt: skip
        return {
            **self._common(cluster),
            "CreateTime": stamp(cluster.created_at),
            "DBNodeClass": node_class,
            "DBNodeNumber": len(nodes),
            "DBNodes": {"DBNode": nodes},
            "StorageUsed": self._used(cluster),
            "Tags": {"Tag": []},
            "VpcId": cluster.network[0],
            "VswitchId": cluster.network[1],
            "ZoneId": zone,
        }

    def _report(self, number: int, order: Mapping[str, str], at: float, items: tuple[Item, ...]) -> dict[str, Any]:
        """One evaluation. Only `running` is a documented Result, and the form of Details is not published."""
        end = at + self._cloud.scenario.durations.report
        finished = self._cloud.clock.now() >= end
        passed = all(item.passed for item in items)
        details = [
            {
                "Item": item.name,
                "Result": "success" if item.passed else "failed",
                "Reason": "" if item.passed else item.reason,
                "Objects": list(item.found),
            }
            for item in items
        ]
        return {
            "TaskId": str(number),
            "Result": ("success" if passed else "failed") if finished else "running",
            "UpgradeMode": "rds2polar_pengine_with_dts",
            "CheckTime": stamp(at),
            "StartTime": stamp(at),
            "EndTime": stamp(end) if finished else "",
            "EffectiveTime": stamp(end + 7 * 86_400) if finished else "",
            "SrcInsName": order["SourceDBClusterId"],
            "SrcVersion": self._cloud.version,
            "DstVersion": order["DBVersion"],
            "details": details if finished else [],
        }
