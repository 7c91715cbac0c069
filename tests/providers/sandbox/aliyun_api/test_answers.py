"""Every action once: its answer has only fields that the cloud's has, of their types and in their places."""

from __future__ import annotations

import json
from dataclasses import replace

from providers.sandbox.aliyun_api.scenario import BusinessTask, Durations, ReadOnlyInstance, Scenario
from tests.providers.sandbox.aliyun_api.conftest import Rented, Simulate
from tests.providers.sandbox.aliyun_api.skeletons import strangers, table
from tests.support.sql import ask
from tests.support.waiting import until

HOUR = 3600.0
READER = "rr-bp1reader"
TRUST = (
    '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow",'
    '"Principal":{"Service":["dts.aliyuncs.com"]}}],"Version":"1"}'
)


def roles(one: Rented) -> None:
    call, dts = one.call, {"RoleName": "AliyunDTSDefaultRole"}
    assert call("polardb:CheckServiceLinkedRole")["HasServiceLinkedRole"] is False
    assert call.refused("ram:GetRole", RoleName="AliyunServiceRoleForPolarDB") == "404 EntityNotExist.Role"
    made = call("resourcemanager:CreateServiceLinkedRole", ServiceName="polardb.aliyuncs.com")
    assert made["Role"]["RoleName"] == "AliyunServiceRoleForPolarDB"
    call("polardb:CreateServiceLinkedRole")
    assert call("polardb:CheckServiceLinkedRole")["HasServiceLinkedRole"] is True
    asked = {"RegionId": "cn-hangzhou", "ServiceLinkedRole": "AliyunServiceRoleForPolarDB"}
    assert call("rds:CheckServiceLinkedRole", **asked)["HasServiceLinkedRole"] == "true"
    assert "ecs.aliyuncs.com" in call("ram:GetRole", **dts)["Role"]["AssumeRolePolicyDocument"]
    call("ram:UpdateRole", **dts, NewAssumeRolePolicyDocument=TRUST)
    assert one.simulator.cloud.roles_for_logical().dts
    policy = {**dts, "PolicyName": "AliyunDTSRolePolicy", "PolicyType": "System"}
    assert call.refused("ram:DeleteRole", **dts) == "409 DeleteConflict.Role.Policy"
    call("ram:DetachPolicyFromRole", **policy)
    call("ram:DeleteRole", **dts)
    call("ram:CreateRole", **dts, AssumeRolePolicyDocument=TRUST)
    assert call.refused("ram:CreateRole", **dts, AssumeRolePolicyDocument=TRUST) == "409 EntityAlreadyExists.Role"
    call("ram:AttachPolicyToRole", **policy)
    assert [one["PolicyName"] for one in call("ram:ListPoliciesForRole", **dts)["Policies"]["Policy"]] == [
        "AliyunDTSRolePolicy"
    ]


def source(one: Rented) -> None:
    call, rds = one.call, {"DBInstanceId": one.rds}
    listed = call("rds:DescribeDBInstances", RegionId="cn-hangzhou", DBInstanceType="Primary")["Items"]["DBInstance"]
    assert [found["DBInstanceId"] for found in listed] == [one.rds]
    attribute = call("rds:DescribeDBInstanceAttribute", **rds)["Items"]["DBInstanceAttribute"][0]
    assert attribute["ReadOnlyDBInstanceIds"]["ReadOnlyDBInstanceId"] == [{"DBInstanceId": READER}]
    assert attribute["EngineVersion"] == "5.7"
    nets = call("rds:DescribeDBInstanceNetInfo", **rds)["DBInstanceNetInfos"]["DBInstanceNetInfo"]
    assert [(net["IPType"], net["ConnectionStringType"]) for net in nets] == [
        ("Private", "Normal"), ("Public", "Normal"), ("Private", "ReadWriteSplitting"),
    ]  # fmt: skip
    assert (
        len(call("rds:DescribeDBInstanceNetInfo", DBInstanceId=READER)["DBInstanceNetInfos"]["DBInstanceNetInfo"]) == 1
    )
    call("rds:ModifySecurityIps", **rds, SecurityIps="10.9.9.9", ModifyMode="Append", DBInstanceIPArrayName="readers")
    groups = call("rds:DescribeDBInstanceIPArrayList", **rds)["Items"]["DBInstanceIPArray"]
    assert {group["DBInstanceIPArrayName"]: group["SecurityIPList"] for group in groups}["readers"] == "10.9.9.9"
    assert call("rds:DescribeDBInstanceTDE", **rds)["TDEStatus"] == "Disabled"
    assert call("rds:DescribeDBInstanceSSL", **rds)["SSLEnabled"] == "No"
    second = call("rds:DescribeDBInstances", RegionId="cn-hangzhou", PageNumber="2", PageSize="1")
    assert [found["DBInstanceId"] for found in second["Items"]["DBInstance"]] == [READER]
    assert call.refused("rds:DescribeDBInstances", RegionId="cn-hangzhou", PageSize="0") == "400 InvalidParameter"
    ask(one.source.endpoint(), "CREATE USER 'root'@'10.1.1.1'")
    names = [found["AccountName"] for found in call("rds:DescribeAccounts", **rds)["Accounts"]["DBInstanceAccount"]]
    assert {"root", "app"} <= set(names)
    call("rds:DeleteAccount", **rds, AccountName="root")
    assert ask(one.source.endpoint(), "SELECT user FROM mysql.user WHERE user = 'root'") == ()
    assert [found["DBName"] for found in call("rds:DescribeDatabases", **rds)["Databases"]["Database"]] == ["shop"]
    running = call("rds:DescribeParameters", **rds)["RunningParameters"]["DBInstanceParameter"]
    assert {found["ParameterName"]: found["ParameterValue"] for found in running}["binlog_row_image"] == "FULL"
    assert call("rds:DescribeResourceUsage", **rds)["DiskUsed"] > 0
    assert call("rds:DescribeBackupPolicy", **rds, BackupPolicyMode="LogBackupPolicy")["LocalLogRetentionHours"] == 168
    assert call("rds:DescribeReadDBInstanceDelay", **rds, ReadInstanceId=READER)["DelayTime"] == 0


def classes(one: Rented, commodity: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = one.call("polardb:DescribeClassList", CommodityCode=commodity)["Items"]
    return found


def evaluation(one: Rented) -> None:
    order = {"CreationCategory": "Normal", "CreationOption": "MigrationFromRDS", "DBVersion": "5.7"}
    made = one.call("polardb:GenerateUpgradeReportForSyncClone", **order, SourceDBClusterId=one.rds)
    wanted = {"TaskId": str(made["TaskId"])}

    def result() -> str:
        return str(one.call("polardb:DescribeUpgradeReport", **wanted)["UpgradeReportList"][0]["Result"])

    until(lambda: result() == "success", "the evaluation")
    details = json.loads(one.call("polardb:DescribeUpgradeReport", **wanted)["Details"])
    assert all(detail["Result"] == "success" for detail in details)
    second = one.call("polardb:DescribeUpgradeReport", PageNumber="2", PageSize="1", **wanted)
    assert (second["UpgradeReportList"], second["TotalSize"]) == ([], 1)


def target(one: Rented, cluster: str) -> None:
    call, pc = one.call, {"DBClusterId": cluster}
    assert call("polardb:DescribeDBClusters", RegionId="cn-hangzhou")["Items"]["DBCluster"][0]["DBClusterId"] == cluster
    groups = call("polardb:DescribeDBClusterAccessWhitelist", **pc)["Items"]["DBClusterIPArray"]
    assert {group["DBClusterIPArrayName"]: group["SecurityIps"] for group in groups}["readers"] == "10.9.9.9"
    call("polardb:ModifyDBClusterAccessWhitelist", **pc, DBClusterIPArrayName="more", SecurityIps="10.8.8.8")
    call("polardb:CreateDBClusterEndpoint", **pc, EndpointType="Custom", ClientToken="one endpoint")
    call("polardb:CreateDBClusterEndpoint", **pc, EndpointType="Custom", ClientToken="one endpoint")
    busy = "403 OperationDenied.DBClusterStatus"
    assert call("polardb:DescribeDBClusterAttribute", **pc)["DBClusterStatus"] == "NetAddressCreating"
    assert call.refused("polardb:CreateDBEndpointAddress", **pc, NetType="Public") == busy
    one.simulator.access.control.advance(HOUR)
    items = call("polardb:DescribeDBClusterEndpoints", **pc)["Items"]
    assert [item["EndpointType"] for item in items] == ["Primary", "Cluster", "Custom"]
    primary = items[0]["DBEndpointId"]
    call("polardb:CreateDBEndpointAddress", **pc, NetType="Public", DBEndpointId=primary)
    one.simulator.access.control.advance(HOUR)
    wanted = {**pc, "NetType": "Public", "DBEndpointId": primary}
    assert call.refused("polardb:ModifyDBEndpointAddress", **wanted) == "400 InvalidParameter"
    assert call("polardb:DescribeDBClusterSSL", **pc)["Items"][0]["SSLEnabled"] == "Disabled"


def tasks(one: Rented, own: str) -> None:
    call, job = one.call, {"DtsJobId": own[3:]}
    assert call("dts:DescribeDtsJobDetail", DtsInstanceID=own)["Status"] == "synchronizing"
    assert call("dts:DescribePreCheckStatus", **job, JobCode="01")["ErrorItem"] == 1
    call("dts:SkipPreCheck", **job, Skip="true", SkipPreCheckItems="CHECK_PRIMARY_KEY")
    assert call("dts:DescribePreCheckStatus", **job, JobCode="01")["State"] == "Success"
    limits = json.dumps({"dts.datamove.source.rps.max": 1000})
    call("dts:ModifyDynamicConfig", **job, JobCode="07", ConfigList=limits)
    listed = '{"shop":{"name":"shop","all":true}}'
    call("dts:ModifyDtsJob", DtsInstanceId=own, DbList=listed)
    assert call("dts:DescribeDtsJobDetail", **job)["DbObject"] == listed
    assert call("dts:DescribeDtsServiceLog", **job)["ServiceLogContexts"]
    business = call("dts:DescribeDtsJobs", JobType="SYNC", Type="rds", Params="rm-bp1elsewhere")["DtsJobList"][0]
    assert business["ReverseJob"]["SourceEndpoint"] == business["DestinationEndpoint"]
    moved = {"Endpoint": "src", "EndpointInstanceType": "rds", "EndpointInstanceId": one.rds}
    call("dts:ModifyDtsJobEndpoint", **moved, DtsJobId=business["DtsJobId"])


def test_every_action_answers_in_the_published_shape(simulate: Simulate) -> None:
    one = simulate(
        "mysql-5.7",
        Scenario(
            storage_type="cloud_essd",
            polardb_role=False,
            dts_role="no trust",
            proxy_address=True,
            read_only=(ReadOnlyInstance(READER, {"default": "10.2.2.2"}),),
            tasks=(BusinessTask("to the warehouse", two_way=True),),
            durations=replace(Durations().at_pace(1000), address=HOUR),
        ),
    )
    roles(one)
    source(one)
    evaluation(one)
    resources = one.call("polardb:DescribeDBClusterAvailableResources", PayType="Postpaid")
    assert resources["AvailableZones"][0]["SupportedEngines"]
    sizes = {found["ClassCode"]: found for found in classes(one, "polardb_payg")}
    assert (sizes["polar.mysql.x4.large"]["Cpu"], sizes["polar.mysql.x4.large"]["MemoryClass"]) == ("4", "16")
    assert classes(one, "polardb_payg_intl") == []
    assert one.call.refused("polardb:DescribeClassList", CommodityCode="bards") == "400 InvalidParameter"
    networks = one.call("polardb:DescribeRdsVpcs", RegionId="cn-hangzhou")["Vpcs"]["Vpc"]
    assert [len(network["VSwitchs"]) for network in networks] == [2, 1]
    ask(one.source.endpoint(), "CREATE TABLE shop.keyless (a INT)")
    cluster = one.create(ClientToken="once")
    assert one.create(ClientToken="once") == cluster
    one.wait(cluster, "PRE_CHECK_FAIL")
    one.call("polardb:ContinueDBClusterMigration", DBClusterId=cluster, ForceSwitch="true")
    own = one.wait_in_sync(cluster)["DtsInstanceId"]
    tasks(one, own)
    target(one, cluster)
    one.call("polardb:ModifyDBClusterMigrationEndpoint", DBClusterId=cluster, MigrationConfig="[]")
    one.modify(cluster, cluster, SwapConnectionString="true")
    one.wait(cluster, "POLARDB2RDS_SYNCING")
    one.call("polardb:CloseDBClusterMigration", DBClusterId=cluster)
    one.wait(cluster, "NO_MIGRATION")
    one.call("polardb:DeleteDBCluster", DBClusterId=cluster)
    one.call("rds:ModifyDBInstanceDeletionProtection", DBInstanceId=one.rds, DeletionProtection="false")
    one.call("rds:DeleteDBInstance", DBInstanceId=one.rds)
    # Giving up is walked to its end elsewhere; here it is only refused.
    refused = one.call.refused("polardb:AbortDBClusterMigration", DBClusterId=cluster)
    assert refused == "404 InvalidDBClusterId.NotFound"
    assert {call.action for call in one.simulator.calls} == set(table())


def test_a_stranger_in_an_answer_is_found() -> None:
    answer = {"RequestId": "x", "Items": {"DBInstanceIPArray": [{"SecurityIPList": 1}], "More": 2}}
    assert strangers("rds:DescribeDBInstanceIPArrayList", answer) == [
        ".Items.DBInstanceIPArray.SecurityIPList is int and not str",
        ".Items.More is unknown",
    ]
    assert strangers("polardb:CheckServiceLinkedRole", {"HasServiceLinkedRole": "true"}) == [
        ".HasServiceLinkedRole is str and not bool"
    ]
