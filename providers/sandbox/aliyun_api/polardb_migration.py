"""PolarDB 2017-08-01: the calls that follow a migration from RDS and carry it on."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from providers.sandbox.aliyun_api import dts, machine
from providers.sandbox.aliyun_api.cloud import Cloud
from providers.sandbox.aliyun_api.gateway import Action
from providers.sandbox.aliyun_api.machine import Migration, Status, SwitchOrder
from providers.sandbox.aliyun_api.refusals import bad_connection_string, bad_parameter, no_cluster, no_migration
from providers.sandbox.aliyun_api.stamps import stamp
from providers.sandbox.aliyun_api.state import Body, CloudEndpoint, Parameters, checked_pairs, new_id, usual_pairs
from providers.sandbox.api.refusals import Refused


def actions(cloud: Cloud) -> dict[str, Action]:
    """The actions by name."""
    steps = _Steps(cloud)
    modify = ("DBClusterId", "NewMasterInstanceId", "SourceRDSDBInstanceId")
    return {
        "DescribeDBClusterMigration": Action(("DBClusterId",), steps.describe),
        "ModifyDBClusterMigration": Action(modify, steps.modify),
        "CloseDBClusterMigration": Action(("DBClusterId",), steps.close),
        "ContinueDBClusterMigration": Action(("DBClusterId",), steps.resume),
        "AbortDBClusterMigration": Action(("DBClusterId",), steps.abort),
        "ModifyDBClusterMigrationEndpoint": Action(("DBClusterId", "MigrationConfig"), steps.move_tasks),
    }


class _Steps:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def describe(self, given: Parameters) -> Body:
        cluster = self._cloud.cluster(given["DBClusterId"])
        migration = self._cloud.migration(cluster.id)
        if migration is not None and not migration.active:
            self._refuse_ended()
        rds, polardb = self._cloud.modes(cluster.id)
        body: Body = {
            "DBClusterId": cluster.id,
            "MigrationStatus": str(migration.status if migration else Status.NONE),
            "RdsReadWriteMode": rds,
            "DBClusterReadWriteMode": polardb,
            "DBClusterEndpointList": [_cluster_endpoint(one) for one in cluster.endpoints],
            "RdsEndpointList": [_rds_endpoint(one) for one in self._cloud.rds_endpoints],
            "SrcDbType": "RDS",
        }
        return body | (self._progress(migration) if migration else {})

    def modify(self, given: Parameters) -> Body:
        cluster = self._cloud.cluster(given["DBClusterId"])
        before = self._required(cluster.id)
        pairs: dict[str, str] = {}
        if given.get("SwapConnectionString", "false").lower() == "true":
            named = given.get("ConnectionStrings")
            if named is None:
                pairs = usual_pairs(self._cloud.rds_endpoints, cluster.endpoints)
            else:
                pairs = checked_pairs(self._cloud.rds_endpoints, cluster.endpoints, _object(named))
        order = SwitchOrder(given["SourceRDSDBInstanceId"], given["NewMasterInstanceId"], pairs)
        lag, durations = self._cloud.lag_s(before), self._cloud.scenario.durations
        self._cloud.change(
            cluster.id, lambda found: machine.modify(found, order, lag, self._cloud.clock.now(), durations)
        )
        return {}

    def close(self, given: Parameters) -> Body:
        keep_log = given.get("ContinueEnableBinlog", "true").lower() == "true"
        self._turn(given, lambda found, now: machine.close(found, keep_log, now, self._cloud.scenario.durations))
        return {}

    def resume(self, given: Parameters) -> Body:
        force = given.get("ForceSwitch", "false").lower() == "true"
        self._turn(given, lambda found, now: machine.resume(found, force, now, self._cloud.scenario.durations))
        return {}

    def abort(self, given: Parameters) -> Body:
        self._turn(given, lambda found, now: machine.abort(found, now, self._cloud.scenario.durations))
        return {}

    def move_tasks(self, given: Parameters) -> Body:
        cluster = self._cloud.cluster(given["DBClusterId"])
        self._required(cluster.id)
        try:
            wanted = json.loads(given["MigrationConfig"])
            moves = [(str(one["dtsJobId"]), str(one["endpoint"]), str(one["endpointInstanceId"])) for one in wanted]
        except (ValueError, KeyError, TypeError) as error:
            raise bad_parameter("MigrationConfig") from error
        tasks = [self._cloud.tasks.get(task_id) for task_id, _, _ in moves]
        for (_, endpoint, instance_id), task in zip(moves, tasks, strict=True):
            known = instance_id == cluster.id or instance_id in self._cloud.instances
            if task is None or endpoint not in ("src", "dst") or not known:
                raise bad_parameter("MigrationConfig")
            trouble = dts.trouble(task, self._cloud.clock.now())
            if trouble:
                raise Refused(400, trouble, "The status of the DTS task does not allow this.")
        for (_, endpoint, instance_id), task in zip(moves, tasks, strict=True):
            assert task is not None
            dts.lead_end(self._cloud, task, "src" if endpoint == "src" else "dest", instance_id)
        return {"DBClusterId": cluster.id, "TaskId": new_id("")}

    def _required(self, cluster_id: str) -> Migration:
        found = self._cloud.migration(cluster_id)
        if found is None or not found.active:
            raise no_migration()
        return found

    def _turn(self, given: Parameters, turn: Callable[[Migration, float], Migration]) -> None:
        cluster = self._cloud.cluster(given["DBClusterId"])
        now = self._cloud.clock.now()
        self._cloud.change(cluster.id, lambda found: turn(found, now))

    def _refuse_ended(self) -> None:
        ended = self._cloud.scenario.ended
        if ended == "InvalidDBClusterId.NotFound":
            raise no_cluster()
        if ended == "EngineMigration.NotExist":
            raise no_migration()

    def _progress(self, migration: Migration) -> Body:
        active = migration.active
        return {
            "SourceRDSDBInstanceId": migration.instance_id,
            "Topologies": machine.topology(migration.status),
            "DelayedSeconds": self._cloud.lag_s(migration) if active else -1,
            "Comment": migration.comment,
            "ExpiredTime": stamp(migration.expires_at) if active else "",
            "DtsInstanceId": self._cloud.own_task(migration),
        }


def _object(text: str) -> Mapping[str, str]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise bad_connection_string() from error
    if not isinstance(found, dict) or not found or not all(isinstance(one, str) for one in found.values()):
        raise bad_connection_string()
    return found


def _cluster_endpoint(endpoint: CloudEndpoint) -> Body:
    return {
        "DBEndpointId": endpoint.id,
        "EndpointType": endpoint.kind,
        "ReadWriteMode": endpoint.mode,
        "AddressItems": [address.with_ssl() for address in endpoint.addresses],
    }


def _rds_endpoint(endpoint: CloudEndpoint) -> Body:
    return {
        "DBEndpointId": endpoint.id,
        "EndpointType": "Normal",
        "CustinsType": endpoint.kind,
        "AddressItems": [address.with_ssl() for address in endpoint.addresses],
    }
