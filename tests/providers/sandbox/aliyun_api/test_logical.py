"""Logical migrations: the precheck on the real source, giving up, DTS tasks."""

from __future__ import annotations

import json
from typing import Any

from providers.sandbox.aliyun_api.scenario import BusinessTask, Durations, Scenario
from tests.providers.sandbox.aliyun_api.conftest import Simulate
from tests.support.sql import ask
from tests.support.waiting import until

FAST = Durations().at_pace(2000)
TRIGGER = "CREATE TRIGGER shop.t BEFORE INSERT ON shop.notes FOR EACH ROW SET NEW.note = UPPER(NEW.note)"


def endpoints(job: dict[str, Any]) -> tuple[str, str]:
    return job["SourceEndpoint"]["InstanceID"], job["DestinationEndpoint"]["InstanceID"]


def test_a_precheck_that_fails_is_cured_step_by_step_and_tasks_move_with_the_switch(simulate: Simulate) -> None:
    tasks = (BusinessTask("to the warehouse"), BusinessTask("subscribers", kind="SUBSCRIBE"))
    scenario = Scenario(storage_type="cloud_essd", polardb_role=False, tasks=tasks, durations=FAST)
    one = simulate("mysql-5.6", scenario)
    ask(one.source.endpoint(), TRIGGER, "CREATE TABLE shop.keyless (a INT)", "CREATE USER 'aliyun_root'@'%'")
    cluster = one.create()
    found = one.wait(cluster, "PRE_CHECK_FAIL")
    for words in ("service-linked role", "has a trigger", "without a primary key", "extra system account"):
        assert words in found["Comment"]
    own = found["DtsInstanceId"]
    detail = one.call("dts:DescribeDtsJobDetail", DtsInstanceID=own)
    checks = detail["SubSyncJob"][0]["PrecheckStatus"]["Detail"]
    failed = {check["FailedReason"] for check in checks if check["CheckResult"] == "Failed"}
    assert (detail["Status"], "The RDS instance has a trigger" in failed) == ("PrecheckFailed", True)
    one.call("polardb:CreateServiceLinkedRole")
    # The account is the cloud's own on this version: the console does not show it.
    assert one.call.refused("rds:DeleteAccount", DBInstanceId=one.rds, AccountName="aliyun_root").startswith("404")
    ask(one.source.endpoint(), "DROP USER 'aliyun_root'@'%'")
    one.call("polardb:ContinueDBClusterMigration", DBClusterId=cluster, ForceSwitch="true")
    found = one.wait(cluster, "PRE_CHECK_FAIL")
    assert found["Comment"] == "The RDS instance has a trigger"
    ask(one.source.endpoint(), "DROP TRIGGER shop.t")
    one.call("polardb:ContinueDBClusterMigration", DBClusterId=cluster, ForceSwitch="true")
    assert one.wait_in_sync(cluster)["DtsInstanceId"] == own
    jobs = one.call("dts:DescribeDtsJobs", JobType="SYNC", Type="srcRds", Params=one.rds)["DtsJobList"]
    assert {job["DtsInstanceID"] == own: endpoints(job) for job in jobs} == {
        True: (one.rds, cluster),
        False: (one.rds, "rm-bp1elsewhere"),
    }
    assert one.call("dts:DescribeDtsJobs")["DtsJobList"] == []
    assert len(one.call("dts:DescribeDtsJobs", JobType="SUBSCRIBE")["DtsJobList"]) == 1
    business = next(job["DtsJobId"] for job in jobs if job["DtsInstanceID"] != own)
    one.modify(cluster, cluster)
    one.wait(cluster, "POLARDB2RDS_SYNCING")
    move = {"DtsJobId": business, "Endpoint": "src", "EndpointInstanceType": "polardb", "EndpointInstanceId": cluster}
    assert one.call("dts:ModifyDtsJobEndpoint", **move, DryRun="true")["Success"] is True
    assert endpoints(one.call("dts:DescribeDtsJobDetail", DtsJobId=business))[0] == one.rds
    config = json.dumps([{"dtsJobId": business, "endpoint": "src", "endpointInstanceId": cluster}])
    one.call("polardb:ModifyDBClusterMigrationEndpoint", DBClusterId=cluster, MigrationConfig=config)
    assert endpoints(one.call("dts:DescribeDtsJobDetail", DtsJobId=business))[0] == cluster
    until(
        lambda: one.call("dts:DescribeDtsJobDetail", DtsJobId=business)["Status"] == "synchronizing", "the moved task"
    )
    refused = one.call("dts:ModifyDtsJobEndpoint", **{**move, "DtsJobId": own[3:]})
    assert (refused["Success"], refused["ErrCode"]) == (False, "DTS.Msg.ModifyDenied.JobStatusNotRunning")
    one.call("polardb:CloseDBClusterMigration", DBClusterId=cluster)
    one.wait(cluster, "NO_MIGRATION")
    assert one.call.refused("dts:DescribeDtsJobDetail", DtsInstanceID=own) == "404 InvalidJobId"


def test_a_migration_that_is_given_up_leaves_a_cluster_that_can_be_deleted_and_made_anew(simulate: Simulate) -> None:
    scenario = Scenario(storage_type="cloud_essd", durations=FAST, ended="EngineMigration.NotExist")
    one = simulate("mysql-5.7", scenario)
    ask(one.source.endpoint(), TRIGGER)
    cluster = one.create()
    one.wait(cluster, "PRE_CHECK_FAIL")
    assert one.call("polardb:DescribeDBClusterAttribute", DBClusterId=cluster)["DBClusterStatus"] == "Running"
    one.call("polardb:AbortDBClusterMigration", DBClusterId=cluster)
    describe = {"DBClusterId": cluster}
    gone = "400 EngineMigration.NotExist"

    def over() -> bool:
        return one.simulator.cloud.migration_of_source() is None

    until(over, "the end of the migration")
    assert one.call.refused("polardb:DescribeDBClusterMigration", **describe) == gone
    assert ask(one.spare.endpoint(), "SELECT @@read_only") == ((0,),)
    assert one.call.refused("polardb:CreateDBCluster", **one.purchase()) == "403 OperationDenied"
    one.call("polardb:DeleteDBCluster", DBClusterId=cluster)
    assert one.call.refused("polardb:DescribeDBClusterAttribute", **describe) == "404 InvalidDBClusterId.NotFound"
    ask(one.source.endpoint(), "DROP TRIGGER shop.t")
    again = one.create()
    assert again != cluster
    one.wait_in_sync(again)
    assert ask(one.spare.endpoint(), "SELECT id FROM shop.notes") == ((-1,),)
