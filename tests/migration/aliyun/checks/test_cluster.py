"""The checks once the cluster is there: endpoints in pairs, room, whitelist, and whose migration it is."""

from __future__ import annotations

from typing import Any

import pytest

from migration.aliyun.state import ended, look_for
from providers.aliyun import polardb, rds
from providers.aliyun.actions import POLARDB
from providers.aliyun.calls import call
from providers.aliyun.polardb_records import MigrationStatus, NewCluster
from providers.sandbox.aliyun_api.scenario import BusinessTask, Durations, Scenario
from tests.migration.aliyun.checks.bench import Bench
from tests.migration.aliyun.checks.conftest import Rent
from tests.support.waiting import until

FAST = Durations().at_pace(2000)


def with_a_cluster(one: Bench) -> tuple[Bench, str]:
    order = NewCluster("token", one.account.instance_id, one.simulator.cloud.version)
    name = one.account.send(polardb.create_cluster(order)).cluster_id or ""

    def synced() -> bool:
        return one.account.read(lambda client: polardb.migration(client, name)).status == MigrationStatus.SYNCING

    until(synced, "a cluster that follows", 30)
    return one.with_cluster(name), name


def test_with_a_cluster_both_sides_are_compared(rent: Rent) -> None:
    tasks = (BusinessTask("to the warehouse"),)
    # Logical: a task of the migration's own is there.
    scenario = Scenario(storage_type="cloud_essd", public_address=False, tasks=tasks, durations=FAST)
    before = rent(scenario)
    one, name = with_a_cluster(before)
    found = before.find("rds-other-migration")
    assert (found.word, found.result.found) == ("FAIL", f"into {name}")
    for check in ("rds-other-migration", "rds-region", "rds-vpc", "polardb-storage", "polardb-whitelist"):
        assert one.word(check) == "OK", one.find(check).result
    assert len(before.find("dts-tasks").result.evidence) == 3
    assert [row[1] for row in one.find("dts-tasks").result.evidence[1:]] == ["to the warehouse"]
    assert one.word("dts-two-way") == "OK"
    _endpoints_in_pairs(one)
    _room_and_place(one)
    _whitelist_that_fell_behind(one)


def _endpoints_in_pairs(one: Bench) -> None:
    assert one.word("polardb-endpoints") == "OK"
    name = one.m.spec.target.name
    request = call(POLARDB, "DescribeDBClusterMigration", name, {"DBClusterId": name})
    (listed,) = one.account.client.items(request, "RdsEndpointList")
    endpoint: Any = listed.content
    for field, value, why in (("SSLEnabled", "Enabled", "TLS is on here"), ("NetType", "Public", "no free")):
        item = {**endpoint["AddressItems"][0], field: value}
        one.alter("polardb:DescribeDBClusterMigration", RdsEndpointList=[{**endpoint, "AddressItems": [item]}])
        finding = one.find("polardb-endpoints")
        assert (finding.word, why in finding.result.evidence[1][-1]) == ("WARN", True), finding.result
        one.heal()
    one.alter("polardb:DescribeDBClusterMigration", without=("RdsEndpointList",))
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


def _whitelist_that_fell_behind(one: Bench) -> None:
    one.account.send(rds.append_to_whitelist(one.account.instance_id, "late", ("203.0.113.7", "10.9.9.9")))
    finding = one.find("polardb-whitelist")
    assert finding.result.evidence[1:] == (("late", "203.0.113.7"),)
    one.cured_for_good("polardb-whitelist")


@pytest.mark.parametrize("told", ["NO_MIGRATION", "EngineMigration.NotExist"])
def test_a_migration_that_ended_is_no_other_one(rent: Rent, told: Any) -> None:
    one = rent(Scenario(durations=FAST, ended=told))
    _, name = with_a_cluster(one)
    assert one.word("rds-other-migration") == "FAIL"
    one.account.send(polardb.close_migration(name))
    until(lambda: ended(look_for(one.account, name)), "the end", 30)
    assert one.word("rds-other-migration") == "OK"


def test_the_lists_of_clusters_have_to_name_them(rent: Rent) -> None:
    one = rent()
    one.alter("polardb:DescribeDBClusters", Items={"DBCluster": [{"DBClusterStatus": "Running"}]}, TotalRecordCount=1)
    assert one.word("rds-other-migration") == "UNKNOWN"
