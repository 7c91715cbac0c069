"""The checks once the cluster is there: endpoints in pairs, room, whitelist, and whose migration it is."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from migration.aliyun import purchase, sizes
from migration.aliyun.state import ended, look_for
from migration.check import Route
from providers.aliyun import dts, polardb, rds
from providers.aliyun.actions import POLARDB
from providers.aliyun.calls import call
from providers.aliyun.polardb_records import MigrationStatus
from providers.sandbox.aliyun_api.scenario import BusinessTask, Scenario
from providers.sandbox.api.clock import Clock
from tests.migration.aliyun.checks.bench import FAST, MIGRATION, Bench
from tests.migration.aliyun.checks.conftest import Rent
from tests.support.waiting import until


def test_with_a_cluster_both_sides_are_compared(rent: Rent) -> None:
    tasks = (BusinessTask("to the warehouse"),)
    # Logical: a task of the migration's own is there.
    scenario = Scenario(storage_type="cloud_essd", public_address=False, tasks=tasks, durations=FAST)
    before = rent(scenario)
    one = before.ordered()
    name = one.m.spec.target.name
    found = before.find("rds-other-migration")
    assert (found.word, found.result.found) == ("FAIL", f"into {name}")
    for check in (
        "rds-other-migration", "rds-region", "rds-vpc", "polardb-storage", "polardb-whitelist", "polardb-node-class",
    ):  # fmt: skip
        assert one.word(check) == "OK", one.find(check).result
    assert len(before.find("dts-tasks").result.evidence) == 3
    assert [row[1] for row in one.find("dts-tasks").result.evidence[1:]] == ["to the warehouse"]
    assert one.word("dts-two-way") == "OK"
    _endpoints_in_pairs(one)
    _room_and_place(one)
    _own_task(one)
    _whitelist_that_fell_behind(one)


def _endpoints_in_pairs(one: Bench) -> None:
    assert one.word("polardb-endpoints") == "OK"
    name = one.m.spec.target.name
    request = call(POLARDB, "DescribeDBClusterMigration", name, {"DBClusterId": name})
    (listed,) = one.account.client.items(request, "RdsEndpointList")
    endpoint: Any = listed.content
    for field, value, why in (("SSLEnabled", "Enabled", "TLS is on here"), ("NetType", "Public", "no free")):
        item = {**endpoint["AddressItems"][0], field: value}
        one.alter(MIGRATION, RdsEndpointList=[{**endpoint, "AddressItems": [item]}])
        finding = one.find("polardb-endpoints")
        assert (finding.word, why in finding.result.evidence[1][-1]) == ("NOTE", True), finding.result
        one.heal()
    one.alter(MIGRATION, without=("RdsEndpointList",))
    assert one.word("polardb-endpoints") == "UNKNOWN"
    one.heal()


def _room_and_place(one: Bench) -> None:
    action = "polardb:DescribeDBClusterAttribute"
    used = one.account.read(lambda client: rds.usage(client, one.account.instance_id)).disk or 0
    assert used > 0
    for fields, check, word in (
        ({"StorageMax": used}, "polardb-storage", "FAIL"),
        ({"StorageMax": used + 1}, "polardb-storage", "OK"),
        ({"StorageSpace": 20, "StorageMax": used}, "polardb-storage", "FAIL"),
        ({"VPCId": "vpc-other"}, "rds-vpc", "FAIL"),
        ({"VPCId": ""}, "rds-vpc", "UNKNOWN"),
        ({"RegionId": "cn-beijing"}, "rds-region", "FAIL"),
    ):
        one.alter(action, **fields)
        assert one.word(check) == word, fields
        one.heal()
    one.alter(action, without=("StorageMax",))
    assert one.word("polardb-storage") == "UNKNOWN"
    one.heal()


def _own_task(one: Bench) -> None:
    action = "dts:DescribeDtsJobDetail"
    sound = one.find("dts-own-task")
    assert (sound.word, sound.result.found) == ("OK", "synchronizing")
    assert ("databases", "carried", "*", "") in sound.result.evidence
    copied = {"Status": "Migrating", "Percent": "43", "Progress": "7/16", "ErrorMessage": ""}
    copying = [{"DataInitializationStatus": copied}]
    told: tuple[tuple[dict[str, Any], str, str], ...] = (
        ({"Status": "Initializing", "SubSyncJob": copying}, "WARN", "Initializing, full copy 43 %"),
        ({"Status": "Failed", "ErrorMessage": "DTS-30019: no space"}, "WARN", "Failed"),
        ({"Status": ""}, "UNKNOWN", "not told: the state of the task"),
    )
    for fields, word, found in told:
        one.alter(action, **{"SubSyncJob": [], **fields})
        finding = one.find("dts-own-task")
        assert (finding.word, finding.result.found) == (word, found)
        one.heal()
        assert ("DTS-30019" in finding.result.remedy) is (fields["Status"] == "Failed")
    one.alter(MIGRATION, DtsInstanceId="")
    assert one.find("dts-own-task").result.found == "not told: which DTS task carries the rows"
    one.heal()


def _whitelist_that_fell_behind(one: Bench) -> None:
    one.account.send(rds.append_to_whitelist(one.account.instance_id, "late", ("203.0.113.7", "10.9.9.9")))
    finding = one.find("polardb-whitelist")
    assert finding.result.evidence[1:] == (("late", "203.0.113.7"),)
    one.cured_for_good("polardb-whitelist")


def test_a_database_that_the_task_does_not_carry_is_told_and_can_be_added(rent: Rent) -> None:
    before = rent(Scenario(storage_type="cloud_essd", public_address=False, durations=FAST))
    assert before.word("dts-objects") == "-"
    one = before.ordered()
    # What it is made with stands for every database.
    assert one.word("dts-objects") == "OK"
    (task,) = one.simulator.cloud.tasks.values()
    one.account.send(dts.replace_objects(task.instance_id, task.id, {"shop": {"name": "shop", "all": True}}))
    assert one.word("dts-objects") == "OK"
    one.server.change("CREATE DATABASE late")
    try:
        finding = one.find("dts-objects")
        assert (finding.word, finding.blocks, finding.result.found) == ("FAIL", True, "1 is left out")
        assert ("late", "no") in finding.result.evidence
        one.cured_and_undone("dts-objects")
        one.apply("dts-objects")
        carried = json.loads(next(iter(one.simulator.cloud.tasks.values())).objects)
        assert carried == {name: {"name": name, "all": True} for name in ("shop", "late")}
    finally:
        one.server.change("DROP DATABASE late")
    for fields in ({"DbObject": "", "SubSyncJob": []}, {"DtsJobId": "", "SubSyncJob": []}):
        one.alter("dts:DescribeDtsJobDetail", **fields)
        assert one.word("dts-objects") == "UNKNOWN"
        one.heal()


@pytest.mark.parametrize("told", ["NO_MIGRATION", "EngineMigration.NotExist"])
def test_a_migration_that_ended_is_no_other_one(rent: Rent, told: Any) -> None:
    one = rent(Scenario(durations=FAST, ended=told))
    name = one.ordered().m.spec.target.name
    assert one.word("rds-other-migration") == "FAIL"
    one.account.send(polardb.close_migration(name))
    until(lambda: ended(look_for(one.account, name)), "the end", 30)
    assert one.word("rds-other-migration") == "OK"


def test_the_lists_of_clusters_have_to_name_them(rent: Rent) -> None:
    one = rent()
    one.alter("polardb:DescribeDBClusters", Items={"DBCluster": [{"DBClusterStatus": "Running"}]}, TotalRecordCount=1)
    assert one.word("rds-other-migration") == "UNKNOWN"


def test_what_the_precheck_refused_is_told_with_the_providers_remedy(rent: Rent) -> None:
    before = rent(Scenario(storage_type="cloud_essd", durations=FAST))
    assert before.word("dts-own-task") == "-"
    before.server.change("CREATE TRIGGER shop.t BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = 'x'")
    try:
        one = before.ordered(MigrationStatus.PRECHECK_FAILED)
        finding = one.find("dts-own-task")
    finally:
        before.server.change("DROP TRIGGER shop.t")
    assert (finding.word, finding.result.found.startswith("PrecheckFailed")) == ("WARN", True)
    (refused,) = (row for row in finding.result.evidence if row[0].startswith("precheck "))
    assert ("has a trigger" in refused[2], bool(refused[3])) == (True, True)
    assert refused[2] in finding.result.remedy
    assert refused[3] in finding.result.remedy


DAY_S = 86_400.0


@pytest.mark.parametrize(("ago_days", "word", "found"), [(0, "OK", "29 days left"), (28.5, "WARN", "1 day left")])
def test_the_providers_deadline_is_told_before_the_switch(rent: Rent, ago_days: float, word: str, found: str) -> None:
    before = rent(Scenario(durations=FAST), clock=Clock(lambda: time.time() - ago_days * DAY_S))
    assert before.word("polardb-deadline") == "-"
    one = before.ordered()
    finding = one.find("polardb-deadline")
    assert (finding.word, finding.result.found.startswith(found)) == (word, True), finding.result
    one.alter(MIGRATION, ExpiredTime="")
    assert one.word("polardb-deadline") == "UNKNOWN"


def node(cores: str | None, memory: str | None, kind: str = "polar.mysql.x4.large") -> dict[str, str]:
    told = {"DBNodeId": "pi-1", "DBNodeClass": kind, "DBNodeRole": "Writer", "CpuCores": cores, "MemorySize": memory}
    return {name: value for name, value in told.items() if value is not None}


def test_nodes_smaller_than_the_source_are_told_and_unknown_ones_are_not_passed(rent: Rent) -> None:
    before = rent(Scenario(public_address=False, durations=FAST), Route.PHYSICAL)
    found = before.find("polardb-node-class")
    assert (found.word, found.result.found) == ("-", "no cluster yet; its nodes need 4 cores, 16 GB")
    one = before.ordered()
    assert one.word("polardb-node-class") == "OK"
    large, small = node("4", "16384"), node("2", "8192", "polar.mysql.x4.medium")
    for nodes, word, told in (
        ([large, large], "OK", "4 cores, 16 GB, the source 4 cores, 16 GB"),
        ([large, small], "WARN", "polar.mysql.x4.medium has 2 cores, 8 GB, the source 4 cores, 16 GB"),
        ([node("8", "8192")], "WARN", "polar.mysql.x4.large has 8 cores, 8 GB, the source 4 cores, 16 GB"),
        # What the node itself does not tell is known of its class, where that is known.
        ([node(None, None, "polar.mysql.x4.xlarge")], "OK", "8 cores, 32 GB, the source 4 cores, 16 GB"),
        ([node("8", None, "polar.mysql.x9")], "UNKNOWN", "not told: how large the source or each node is"),
        ([], "UNKNOWN", "not told: which nodes the cluster has"),
    ):
        one.alter("polardb:DescribeDBClusterAttribute", DBNodes=nodes)
        found = one.find("polardb-node-class")
        assert (found.word, found.result.found) == (word, told), nodes
        one.heal()
    one.told(DBInstanceMemory=None)
    assert one.word("polardb-node-class") == "UNKNOWN"
    one.heal()
    # Nodes that grow are judged before they are ordered, by how far.
    one.chose(purchase.BILLING, sizes.SERVERLESS)
    one.alter("polardb:DescribeDBClusterAttribute", DBNodes=[small])
    assert one.word("polardb-node-class") == "-"
