"""Physical migrations walked to their ends, over HTTP and real servers."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace
from typing import Any

import pytest
from aliyunsdkcore.acs_exception.exceptions import ClientException

from providers.mysql.errors import StatementFailed
from providers.sandbox import passwords
from providers.sandbox.aliyun_api.scenario import Durations, ReadOnlyInstance, Scenario
from providers.sandbox.aliyun_api.state import VPC, VSWITCH
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning
from tests.providers.sandbox.aliyun_api.conftest import Rented, Simulate, address, server_at
from tests.support.sql import ask
from tests.support.waiting import until
from tests.support.writing import Watch, Writer

FAST = Durations().at_pace(2000)
HOUR = 3600.0
WRONG_MOMENT = "400 EngineMigrationStatus.NotSurpport"


def has(server: SandboxServer, ids: list[int]) -> bool:
    found = {row[0] for row in ask(server.endpoint(), "SELECT id FROM shop.notes")}
    return {-1, *ids} <= found


def modes(found: dict[str, str]) -> tuple[str, str]:
    return found["RdsReadWriteMode"], found["DBClusterReadWriteMode"]


def more(writer: Writer) -> None:
    count = len(writer.acknowledged)
    until(lambda: len(writer.acknowledged) > count + 5, "further writes", 30)


def test_a_switch_with_endpoints_a_rollback_and_a_cancel_while_an_application_writes(simulate: Simulate) -> None:
    one = simulate("mysql-5.7", Scenario(durations=FAST))
    app = passwords.load().application
    ask(
        one.source.endpoint(),
        "CREATE USER 'buyer'@'%' IDENTIFIED BY 'a secret'",
        "GRANT SELECT ON shop.* TO 'buyer'@'%'",
    )
    one.simulator.access.control.add(Fault(Kind.LOSE, "polardb:CreateDBCluster"))
    with pytest.raises(ClientException):
        one.create(ClientToken="this purchase")
    cluster = one.create(ClientToken="this purchase")
    assert len(one.simulator.cloud.clusters) == 1
    found = one.wait_in_sync(cluster)
    assert modes(found) == ("rw", "ro")
    assert (found["Topologies"], found["DtsInstanceId"], found["Comment"]) == ("RDS2POLARDB", "", "")
    rds, polardb = (
        address(found["RdsEndpointList"], "Primary", app),
        address(found["DBClusterEndpointList"], "Primary", app),
    )
    assert (rds.host, rds.port) == one.simulator.access.application
    assert [server_at(rds), server_at(polardb)] == [one.source.server_id, one.spare.server_id]
    assert one.call("polardb:DescribeDBClusterAttribute", DBClusterId=cluster)["DBClusterStatus"] == "Running"
    with Watch(one.source.endpoint(), one.spare.endpoint()) as watch, Writer(rds) as writer:
        more(writer)
        one.modify(cluster, cluster, SwapConnectionString="true")
        found = one.wait(cluster, "POLARDB2RDS_SYNCING")
        assert modes(found) == ("ro", "rw")
        assert address(found["DBClusterEndpointList"], "Primary", app) == rds
        assert address(found["RdsEndpointList"], "Primary", app).host == polardb.host
        assert [server_at(rds), server_at(polardb)] == [one.spare.server_id, one.source.server_id]
        more(writer)
        assert has(one.spare, list(writer.acknowledged))
        until(lambda: one.migration(cluster)["DelayedSeconds"] == 0, "the way back in sync")
        one.modify(
            cluster, one.rds, SwapConnectionString="true", ConnectionStrings=json.dumps({rds.host: polardb.host})
        )
        found = one.wait(cluster, "RDS2POLARDB_SYNCING")
        assert modes(found) == ("rw", "ro")
        assert [server_at(rds), server_at(polardb)] == [one.source.server_id, one.spare.server_id]
        more(writer)
        acknowledged = writer.stop()
        assert writer.refused
        assert (watch.both, watch.looks > 20) == (0, True)
    assert has(one.source, acknowledged)
    until(lambda: has(one.spare, acknowledged), "everything on the cluster")
    assert ask(one.spare.endpoint(), "SHOW GRANTS FOR 'buyer'@'%'")[-1] == ("GRANT SELECT ON `shop`.* TO 'buyer'@'%'",)
    one.call("polardb:CloseDBClusterMigration", DBClusterId=cluster)
    found = one.wait(cluster, "NO_MIGRATION")
    assert (modes(found), found["Topologies"]) == (("rw", "rw"), "")
    assert ask(one.spare.endpoint(), "SHOW SLAVE STATUS") == ()
    assert one.call.refused("polardb:CloseDBClusterMigration", DBClusterId=cluster) == "400 EngineMigration.NotExist"


def test_a_switch_without_endpoints_is_completed_and_the_instance_released(simulate: Simulate) -> None:
    slow = replace(FAST, clone=HOUR, switch=HOUR, close=HOUR)
    scenario = Scenario(rules="2019", durations=slow, deletion_protection=True)
    one = simulate("mysql-5.6", scenario, Positioning.FILE)
    app, pass_hour = passwords.load().application, lambda: one.simulator.access.control.advance(HOUR)
    cluster = one.create()
    assert one.migration(cluster)["MigrationStatus"] == "RDS2POLARDB_CLONING"
    assert one.call("polardb:DescribeDBClusterAttribute", DBClusterId=cluster)["DBClusterStatus"] == "Creating"
    pass_hour()
    found = one.wait_in_sync(cluster)
    rds, polardb = (address(found[name], "Primary", app) for name in ("RdsEndpointList", "DBClusterEndpointList"))
    with Writer(rds) as writer:
        more(writer)
        one.modify(cluster, cluster)
        assert one.migration(cluster)["MigrationStatus"] == "SWITCHING"
        assert one.call.refused("polardb:ModifyDBClusterMigration", **one.order(cluster, cluster)) == WRONG_MOMENT
        pass_hour()
        found = one.wait(cluster, "POLARDB2RDS_SYNCING")
        acknowledged = writer.stop()
    assert address(found["RdsEndpointList"], "Primary", app) == rds
    assert has(one.spare, acknowledged)
    with pytest.raises(StatementFailed, match="read-only"):
        ask(rds, "INSERT INTO shop.notes VALUES (-2, 'too late')")
    ask(polardb, "INSERT INTO shop.notes VALUES (-3, 'in time')")
    until(lambda: has(one.source, [-3]), "the way back")
    release = {"DBInstanceId": one.rds, "ReleasedKeepPolicy": "Lastest"}
    assert one.call.refused("rds:DeleteDBInstance", **release) == "400 EngineMigration.ActionDisabled"
    before = one.spare.pid
    one.call("polardb:CloseDBClusterMigration", DBClusterId=cluster, ContinueEnableBinlog="false")
    assert one.migration(cluster)["MigrationStatus"] == "CLOSING_MIGRATION"
    assert one.call.refused("polardb:CloseDBClusterMigration", DBClusterId=cluster) == WRONG_MOMENT
    pass_hour()
    one.wait(cluster, "NO_MIGRATION")
    assert one.spare.pid not in (None, before)
    assert one.call.refused("rds:DeleteDBInstance", **release) == "400 OperationDenied.DeletionProtection"
    one.call("rds:ModifyDBInstanceDeletionProtection", DBInstanceId=one.rds, DeletionProtection="false")
    one.call("rds:DeleteDBInstance", **release)
    assert not one.source.running
    gone = one.call.refused("rds:DescribeDBInstanceAttribute", DBInstanceId=one.rds)
    assert gone == "404 InvalidDBInstanceId.NotFound"
    ask(polardb, "INSERT INTO shop.notes VALUES (-4, 'and on')")


def ended(one: Rented, cluster: str) -> bool:
    return one.migration(cluster)["MigrationStatus"] == "NO_MIGRATION"


def test_what_keeps_a_switch_back_or_up_loses_nothing_and_time_ends_the_migration(simulate: Simulate) -> None:
    one = simulate("mysql-5.7", Scenario(durations=FAST, drain_s=1))
    cluster, control = one.create(), one.simulator.access.control
    one.wait_in_sync(cluster)
    order = one.order(cluster, cluster)
    ask(one.spare.endpoint(), "STOP SLAVE SQL_THREAD")
    assert one.migration(cluster)["DelayedSeconds"] == -1
    assert one.call.refused("polardb:ModifyDBClusterMigration", **order) == WRONG_MOMENT
    # The applier stops between the look at the lag and the switch: what was written meanwhile never arrives.
    ask(one.source.endpoint(), "INSERT INTO shop.notes VALUES (1, 'under way')")
    control.lag(0)
    one.modify(cluster, cluster)
    found = until(lambda: back(one, cluster), "the switch that was undone")
    assert ("did not get everything" in found["Comment"], modes(found)) == (True, ("rw", "ro"))
    control.lag(60)
    assert one.migration(cluster)["DelayedSeconds"] == 60
    assert one.call.refused("polardb:ModifyDBClusterMigration", **order) == WRONG_MOMENT
    ask(one.spare.endpoint(), "START SLAVE SQL_THREAD")
    control.clear()
    one.wait_in_sync(cluster)
    # A server that is away holds the switch up until it is back.
    one.spare.kill()
    control.lag(0)
    one.modify(cluster, cluster)
    assert one.migration(cluster)["MigrationStatus"] == "SWITCHING"
    one.spare.start()
    assert modes(one.wait(cluster, "POLARDB2RDS_SYNCING")) == ("ro", "rw")
    assert has(one.spare, [1])
    assert one.migration(cluster)["ExpiredTime"] > "2026"
    control.advance(30 * 24 * HOUR)
    until(lambda: ended(one, cluster), "the end by time")
    assert modes(one.migration(cluster)) == ("rw", "rw")
    assert one.migration(cluster)["ExpiredTime"] == ""


def back(one: Rented, cluster: str) -> dict[str, Any] | None:
    found = one.migration(cluster)
    return found if found["MigrationStatus"] == "RDS2POLARDB_SYNCING" and found["Comment"] else None


def test_what_cannot_be_created_is_refused_and_a_clone_follows_nobody(simulate: Simulate) -> None:
    one = simulate("mysql-5.7", Scenario(durations=FAST, read_only=(ReadOnlyInstance("rr-1", {}),)))
    for wrong, refusal in (
        ({"SourceResourceId": "rm-unknown"}, "404 InvalidDBInstanceId.NotFound"),
        ({"SourceResourceId": "rr-1"}, "404 InvalidDBInstanceId.NotFound"),
        ({"RegionId": "cn-beijing"}, "404 InvalidDBInstanceId.NotFound"),
        ({"DBVersion": "5.6"}, "400 InvalidParameter"),
        ({"DBVersion": "8.0"}, "403 OperationDenied"),
        ({"DBType": "PostgreSQL"}, "400 InvalidParameter"),
        ({"PayType": ""}, "400 MissingPayType"),
        ({"DefaultTimeZone": "noon"}, "400 InvalidDefaultTimeZone.Malformed"),
        ({"LowerCaseTableNames": "2"}, "400 InvalidLowerCaseTableNames.Malformed"),
        ({"DBNodeClass": "polar.mysql.x99.large"}, "400 InvalidParameter"),
        ({"ZoneId": "cn-hangzhou-z"}, "400 InvalidParameter"),
        ({"VPCId": VPC}, "400 MissingVSwitchId"),
        ({"VPCId": VPC, "VSwitchId": "vsw-bp1other"}, "400 InvalidParameter"),
        ({"VPCId": VPC, "VSwitchId": VSWITCH, "ZoneId": "cn-hangzhou-i"}, "400 InvalidParameter"),
        ({"VPCId": "vpc-unknown", "VSwitchId": VSWITCH}, "400 InvalidParameter"),
        ({"PayType": "Prepaid", "UsedTime": "1"}, "400 MissingPeriod"),
        ({"PayType": "Prepaid", "Period": "Month", "UsedTime": "12"}, "400 InvalidParameter"),
        ({"PayType": "Prepaid", "Period": "Week", "UsedTime": "1"}, "400 InvalidParameter"),
    ):
        assert one.call.refused("polardb:CreateDBCluster", **(one.purchase() | wrong)) == refusal, wrong
    clone = one.create(CreationOption="CloneFromRDS", ClientToken="a clone")
    mismatch = one.purchase() | {"ClientToken": "a clone"}
    assert one.call.refused("polardb:CreateDBCluster", **mismatch) == "400 IdempotentParameterMismatch"
    wanted = {"DBClusterId": clone}
    until(lambda: one.call("polardb:DescribeDBClusterAttribute", **wanted)["DBClusterStatus"] == "Running", "the clone")
    assert (ended(one, clone), modes(one.migration(clone))) == (True, ("rw", "rw"))
    assert one.call.refused("polardb:CloseDBClusterMigration", **wanted) == "400 EngineMigration.NotExist"
    ask(one.source.endpoint(), "INSERT INTO shop.notes VALUES (1, 'later')")
    assert ask(one.spare.endpoint(), "SELECT id FROM shop.notes") == ((-1,),)


def test_in_2019_only_a_source_without_encryption_is_taken(simulate: Simulate) -> None:
    one = simulate("mysql-5.6", Scenario(rules="2019", tde=True))
    assert one.call.refused("polardb:CreateDBCluster", **one.purchase()) == "403 OperationDenied"


def test_a_cloud_that_was_halted_answers_nobody_and_starts_no_server_again(simulate: Simulate) -> None:
    one = simulate("mysql-5.6", Scenario(durations=FAST))
    pid = one.source.pid
    assert pid is not None
    # The copy has begun, and waits for a source that sleeps.
    os.kill(pid, signal.SIGSTOP)
    one.create()
    until(lambda: one.spare.running, "the cluster's server", 30)
    one.simulator.halt()
    one.source.kill()
    one.spare.kill()
    until(lambda: not any(one.name == "cloud work" for one in threading.enumerate()), "the end of the copy", 30)
    assert not one.spare.running
    with pytest.raises(ClientException):
        one.create()
