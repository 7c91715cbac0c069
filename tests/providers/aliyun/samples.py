"""One use of every function of the products, and answers made of the published shapes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from providers.aliyun import dts, polardb, ram, rds, resourcemanager
from providers.aliyun.calls import Write
from providers.aliyun.client import Client
from providers.aliyun.polardb_records import DtsEnd, DtsMove, NewCluster, Swap
from providers.mysql.endpoint import Account, Secret

PC, RM, JOB = "pc-1", "rm-1", "job1"
WHEN = "2026-01-02T03:04:05Z"
_ORDER = NewCluster(
    token="token-1",
    source_id=RM,
    version="8.0",
    node_class="polar.mysql.x4.large",
    minor_version="8.0.2",
    category="Normal",
    zone_id="cn-hangzhou-h",
    vpc_id="vpc-1",
    vswitch_id="vsw-1",
    description="shop",
    lower_case_table_names="1",
    time_zone="+8:00",
    options={"StorageType": "PSL5"},
)
_MOVE = dts.Move(JOB, dts.End.DESTINATION, "polardb", PC, Account("app", Secret("p&ss=word")))
_SINCE, _UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)

Sample = Callable[[Client], Any] | Write[Any]

# The nested tasks of a task are not published further down.
_DETAIL = {"reverse", "precheck", "schema", "full", "parts.reverse", "parts.parts"}
# What the published answer of a function has no place for.
LACKING = {
    "polardb.endpoints": {"addresses.ssl"},
    "polardb.whitelist": {"kind"},
    "polardb.migration": {"source_endpoints.mode", "cluster_endpoints.owner"},
    "rds.tde": {"unsupported"},
    "rds.ssl": {"unsupported"},
    "dts.jobs": {"parts", "reverse.kind", "reverse.parts", "reverse.reverse"},
    "dts.job": _DETAIL,
    "dts.job_of_instance": _DETAIL,
    "ram.create_role": {"service_linked"},
}

SAMPLES: dict[str, Sample] = {
    "polardb.has_service_linked_role": polardb.has_service_linked_role,
    "polardb.evaluations": lambda client: polardb.evaluations(client, RM),
    "polardb.evaluation": lambda client: polardb.evaluation(client, RM, "77"),
    "polardb.node_classes": lambda client: polardb.node_classes(client, "Postpaid", "8.0"),
    "polardb.class_sizes": lambda client: polardb.class_sizes(client, "polardb_payg"),
    "polardb.vpcs": polardb.vpcs,
    "polardb.clusters": lambda client: polardb.clusters(client, "shop"),
    "polardb.cluster": lambda client: polardb.cluster(client, PC),
    "polardb.migration": lambda client: polardb.migration(client, PC),
    "polardb.endpoints": lambda client: polardb.endpoints(client, PC),
    "polardb.whitelist": lambda client: polardb.whitelist(client, PC),
    "polardb.ssl": lambda client: polardb.ssl(client, PC),
    "polardb.create_service_linked_role": polardb.create_service_linked_role(),
    "polardb.start_evaluation": polardb.start_evaluation(RM, "8.0"),
    "polardb.create_cluster": polardb.create_cluster(_ORDER),
    "polardb.switch_over": polardb.switch_over(PC, RM, Swap((("rm.example", "pc.example"),))),
    "polardb.roll_back": polardb.roll_back(PC, RM),
    "polardb.close_migration": polardb.close_migration(PC),
    "polardb.close_migration_without_binlog": polardb.close_migration_without_binlog(PC),
    "polardb.continue_migration": polardb.continue_migration(PC),
    "polardb.force_migration": polardb.force_migration(PC),
    "polardb.abort_migration": polardb.abort_migration(PC),
    "polardb.move_dts_jobs": polardb.move_dts_jobs(PC, (DtsMove(JOB, DtsEnd.SOURCE, PC),)),
    "polardb.create_endpoint": polardb.create_endpoint(PC, "ReadOnly", "reports", "token-2"),
    "polardb.create_public_address": polardb.create_public_address(PC, "pe-1", "shop-public"),
    "polardb.append_to_whitelist": polardb.append_to_whitelist(PC, "app", ("10.0.0.1", "10.1.0.0/16")),
    "polardb.delete_cluster": polardb.delete_cluster(PC),
    "rds.instances": rds.instances,
    "rds.instance": lambda client: rds.instance(client, RM),
    "rds.network": lambda client: rds.network(client, RM),
    "rds.whitelist": lambda client: rds.whitelist(client, RM),
    "rds.tde": lambda client: rds.tde(client, RM),
    "rds.ssl": lambda client: rds.ssl(client, RM),
    "rds.accounts": lambda client: rds.accounts(client, RM),
    "rds.databases": lambda client: rds.databases(client, RM),
    "rds.parameters": lambda client: rds.parameters(client, RM),
    "rds.usage": lambda client: rds.usage(client, RM),
    "rds.backup_policy": lambda client: rds.backup_policy(client, RM),
    "rds.append_to_whitelist": rds.append_to_whitelist(RM, "app", ("10.0.0.1",), "VPC"),
    "rds.remove_from_whitelist": rds.remove_from_whitelist(RM, "app", ("10.0.0.1",), "VPC"),
    "rds.delete_account": rds.delete_account(RM, "root"),
    "rds.lift_deletion_protection": rds.lift_deletion_protection(RM),
    "rds.delete_instance": rds.delete_instance(RM),
    "dts.jobs": lambda client: dts.jobs(client, RM),
    "dts.job": lambda client: dts.job(client, JOB),
    "dts.job_of_instance": lambda client: dts.job_of_instance(client, "dts1"),
    "dts.progress": lambda client: dts.progress(client, JOB, dts.Phase.SCHEMA),
    "dts.service_log": lambda client: dts.service_log(client, JOB, _SINCE, _UNTIL),
    "dts.limit_rate": dts.limit_rate(JOB, dts.Phase.FULL, dts.Rate(rows=500)),
    "dts.replace_objects": dts.replace_objects("dts1", JOB, {"shop": {"name": "shop", "all": True}}, "Forward"),
    "dts.move_endpoint": dts.move_endpoint(_MOVE),
    "dts.try_moving_endpoint": dts.try_moving_endpoint(_MOVE),
    "ram.find_role": lambda client: ram.find_role(client, ram.POLARDB_ROLE),
    "ram.policies_of_role": lambda client: ram.policies_of_role(client, ram.DTS_ROLE),
    "ram.create_role": ram.create_role(),
    "ram.repair_trust": ram.repair_trust(),
    "ram.delete_role": ram.delete_role(),
    "ram.attach_policy": ram.attach_policy(),
    "ram.detach_policy": ram.detach_policy(ram.DTS_ROLE, "Other", "Custom"),
    "resourcemanager.create_service_linked_role": resourcemanager.create_service_linked_role(),
}
READS = {name: sample for name, sample in SAMPLES.items() if not isinstance(sample, Write)}
WRITES = {name: sample for name, sample in SAMPLES.items() if isinstance(sample, Write)}


def use(client: Client, sample: Sample) -> Any:
    return client.send(sample) if isinstance(sample, Write) else sample(client)


@dataclass(frozen=True)
class Published:
    """What is published of an action."""

    version: str
    required: frozenset[str]
    optional: frozenset[str]
    answer: Mapping[str, Any]


def published() -> dict[tuple[str, str], Published]:
    """Every action by version and name: versions differ between all products."""
    rows = json.loads(Path(__file__).with_name("published.json").read_text(encoding="utf-8"))
    return {
        (row["version"], row["action"]): Published(
            row["version"], frozenset(row["required"]), frozenset(row["optional"]), row["answer"]
        )
        for row in rows
    }


_WORDS = {
    "Port": "3306",
    "SSLEnabled": "Enabled",
    "TDEStatus": "Enabled",
    "DBInstanceCPU": "4",
    "Cpu": "4",
    "CpuCores": "4",
    "MemoryClass": "16",
    "MemorySize": "16384",
    "ForceEncryption": "1",
    "LocalLogRetentionSpace": "30",
    "DbObject": '{"shop":{"name":"shop","all":true}}',
    "HttpStatusCode": "200",
}
_TIMES = {"ExpiredTime", "StartTime", "EndTime", "EffectiveTime", "CreateTime", "CreationTime", "ExpireTime"}


def filled(shape: Any, name: str = "") -> Any:
    """An answer of a published shape with a value in every place; texts are the names of their places."""
    if isinstance(shape, dict):
        return {key: filled(value, key) for key, value in shape.items()}
    if isinstance(shape, list):
        return [filled(shape[0])]
    if shape == "int":
        return 200 if name == "HttpStatusCode" else 1
    if shape in ("bool", "float"):
        return True if shape == "bool" else 1.5
    if name in _TIMES or name in ("SSLExpireTime", "CreateDate"):
        return WHEN
    return _WORDS.get(name, name) if shape == "str" else []
