"""Answers as they are published, and such as nobody has published."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from providers.aliyun import dts, polardb, ram, rds
from providers.aliyun.client import Client
from providers.aliyun.errors import NoAnswer, NotFound
from providers.aliyun.polardb_records import DtsEnd, DtsMove, MigrationStatus, Swap
from providers.aliyun.records import Address
from providers.calling.answer import Answer
from tests.providers.aliyun.samples import PC, RM
from tests.support.aliyun_http import AliyunServer, error

# The provider's documentation of DescribeDBClusterMigration, with one of the listed values in place of each list.
MIGRATION = {
    "DBClusterId": "pc-1",
    "SourceRDSDBInstanceId": "rm-1",
    "SrcDbType": "RDS",
    "MigrationStatus": "RDS2POLARDB_SYNCING",
    "Topologies": "RDS2POLARDB",
    "DelayedSeconds": 0,
    "RdsReadWriteMode": "rw",
    "DBClusterReadWriteMode": "ro",
    "Comment": "",
    "ExpiredTime": "2020-06-17T01:56:36Z",
    "DtsInstanceId": "dts618bs",
    "DBClusterEndpointList": [
        {
            "DBEndpointId": "pe-1",
            "EndpointType": "Cluster",
            "ReadWriteMode": "ReadOnly",
            "AddressItems": [
                {
                    "NetType": "Private",
                    "ConnectionString": "pc-1.rwlb.rds.aliyuncs.com",
                    "Port": "3306",
                    "IPAddress": "192.168.0.10",
                    "VPCId": "vpc-1",
                    "VSwitchId": "vsw-1",
                    "SSLEnabled": "Enabled",
                }
            ],
        }
    ],
    "RdsEndpointList": [
        {
            "DBEndpointId": "rm-1-normal",
            "EndpointType": "Normal",
            "CustinsType": "Primary",
            "AddressItems": [{"ConnectionString": "rm-1.mysql.rds.aliyuncs.com", "Port": "", "SSLEnabled": "Disabled"}],
        }
    ],
}


def test_the_published_migration(server: AliyunServer, client: Client) -> None:
    server.answers["DescribeDBClusterMigration"] = MIGRATION
    found = polardb.migration(client, PC)
    assert (found.cluster_id, found.source_id, found.source_type) == ("pc-1", "rm-1", "RDS")
    assert (found.status, found.topology, found.delay_s) == (MigrationStatus.SYNCING, "RDS2POLARDB", 0)
    assert (found.source_mode, found.cluster_mode, found.comment) == ("rw", "ro", "")
    assert found.expires == datetime(2020, 6, 17, 1, 56, 36, tzinfo=UTC)
    assert found.dts_instance_id == "dts618bs"
    assert found.cluster_endpoints
    assert found.source_endpoints
    assert found.cluster_endpoints[0].addresses == (
        Address("pc-1.rwlb.rds.aliyuncs.com", 3306, "192.168.0.10", "Private", "vpc-1", "vsw-1", True),
    )
    assert (found.cluster_endpoints[0].kind, found.cluster_endpoints[0].mode) == ("Cluster", "ReadOnly")
    assert (found.source_endpoints[0].kind, found.source_endpoints[0].owner) == ("Normal", "Primary")
    assert found.source_endpoints[0].addresses == (
        Address("rm-1.mysql.rds.aliyuncs.com", None, None, None, None, None, False),
    )


@pytest.mark.parametrize(
    ("given", "delay"),
    [(59, 59), ("59", 59), (-1, None), ("-1", None), (None, None), ("", None), (True, None), (1.5, None)],
)
def test_a_delay_that_is_no_number_of_seconds_is_unknown(
    given: object, delay: int | None, server: AliyunServer, client: Client
) -> None:
    server.answers["DescribeDBClusterMigration"] = {**MIGRATION, "DelayedSeconds": given}
    assert polardb.migration(client, PC).delay_s == delay


@pytest.mark.parametrize("status", ["PRE_CHECK_FAIL", "SOMETHING_NEW", "rds2polardb_syncing", ""])
def test_a_status_is_kept_as_it_is(status: str, server: AliyunServer, client: Client) -> None:
    server.answers["DescribeDBClusterMigration"] = {**MIGRATION, "MigrationStatus": status}
    assert polardb.migration(client, PC).status == status


@pytest.mark.parametrize("expires", ["", None, "soon", "2020-06-17"])
def test_an_expiry_that_is_no_time_is_unknown(expires: object, server: AliyunServer, client: Client) -> None:
    server.answers["DescribeDBClusterMigration"] = {**MIGRATION, "ExpiredTime": expires}
    assert polardb.migration(client, PC).expires is None


def test_who_gets_the_writes(server: AliyunServer, client: Client) -> None:
    swap = Swap((("rm.example", "pc.example"), ("rm-pub.example", "pc-pub.example")))
    for write in (polardb.switch_over(PC, RM, swap), polardb.roll_back(PC, RM, Swap()), polardb.roll_back(PC, RM)):
        client.send(write)
    bodies = [request.body for request in server.seen]
    assert [body["NewMasterInstanceId"] for body in bodies] == [PC, RM, RM]
    assert [body["SwapConnectionString"] for body in bodies] == ["true", "true", "false"]
    assert bodies[0]["ConnectionStrings"] == '{"rm.example":"pc.example","rm-pub.example":"pc-pub.example"}'
    assert "ConnectionStrings" not in bodies[1]


def test_what_only_adds_never_covers(server: AliyunServer, client: Client) -> None:
    client.send(rds.append_to_whitelist(RM, "app", ("10.0.0.1", "10.0.0.2")))
    client.send(polardb.append_to_whitelist(PC, "app", ("10.0.0.1", "10.0.0.2")))
    assert [request.body["ModifyMode"] for request in server.seen] == ["Append"] * 2
    assert [request.body["SecurityIps"] for request in server.seen] == ["10.0.0.1,10.0.0.2"] * 2


def test_closing_says_what_becomes_of_the_binary_log(server: AliyunServer, client: Client) -> None:
    client.send(polardb.close_migration(PC))
    client.send(polardb.close_migration_without_binlog(PC))
    assert [request.body["ContinueEnableBinlog"] for request in server.seen] == ["true", "false"]


def test_any_text_arrives_as_it_is(server: AliyunServer, client: Client) -> None:
    text = 'ä + ~ * / ? & = % \n "quoted" 数据库'
    client.send(polardb.create_endpoint(PC, "ReadOnly", text, "token"))
    assert server.seen[0].body["DBEndpointDescription"] == text


def test_an_instance_and_its_followers(server: AliyunServer, client: Client) -> None:
    described: dict[str, Any] = {
        "DBInstanceId": RM,
        "EngineVersion": "5.7",
        "Category": "HighAvailability",
        "DBInstanceStorageType": "local_ssd",
        "DBInstanceStorage": 100,
        "DBInstanceStatus": "Running",
        "DeletionProtection": False,
        "ReadOnlyDBInstanceIds": {"ReadOnlyDBInstanceId": [{"DBInstanceId": "rr-1"}, {"DBInstanceId": "rr-2"}]},
    }
    listed = [described]
    server.answers["DescribeDBInstanceAttribute"] = lambda _: {"Items": {"DBInstanceAttribute": listed}}
    found = rds.instance(client, RM)
    assert (found.version, found.category, found.storage_type) == ("5.7", "HighAvailability", "local_ssd")
    assert (found.storage_gb, found.deletion_protected, found.read_only_ids) == (100, False, ("rr-1", "rr-2"))
    described["ReadOnlyDBInstanceIds"] = {"ReadOnlyDBInstanceId": [{"DBInstanceId": "rr-1"}, {}]}
    assert rds.instance(client, RM).read_only_ids is None
    described["ReadOnlyDBInstanceIds"] = {"ReadOnlyDBInstanceId": []}
    assert rds.instance(client, RM).read_only_ids == ()
    listed.append(described)
    with pytest.raises(NoAnswer, match="2 instances"):
        rds.instance(client, RM)
    listed.clear()
    with pytest.raises(NotFound, match=RM):
        rds.instance(client, RM)


def test_hidden_groups_of_a_whitelist(server: AliyunServer, client: Client) -> None:
    groups = [
        {"DBInstanceIPArrayName": "default", "DBInstanceIPArrayAttribute": "", "SecurityIPList": "10.0.0.0/8, 1.2.3.4"},
        {"DBInstanceIPArrayName": "hdm_security_ips", "DBInstanceIPArrayAttribute": "hidden", "SecurityIPList": ""},
        {"DBInstanceIPArrayName": "strange"},
    ]
    server.answers["DescribeDBInstanceIPArrayList"] = {"Items": {"DBInstanceIPArray": groups}}
    found = rds.whitelist(client, RM)
    assert [group.hidden for group in found] == [False, True, None]
    assert [group.entries for group in found] == [("10.0.0.0/8", "1.2.3.4"), (), None]


def test_what_a_region_does_not_have_is_off(server: AliyunServer, client: Client) -> None:
    server.next["DescribeDBInstanceTDE"].append(error(400, "InvaildEngineInRegion.ValueNotSupported"))
    server.next["DescribeDBInstanceSSL"].append(error(400, "InstanceEngineType.NotSupport"))
    assert rds.tde(client, RM) == rds.Tde(False, unsupported="InvaildEngineInRegion.ValueNotSupported")
    assert rds.ssl(client, RM) == rds.Ssl(False, unsupported="InstanceEngineType.NotSupport")
    server.answers["DescribeDBInstanceSSL"] = {"SSLEnabled": "No", "SSLExpireTime": "", "ForceEncryption": "0"}
    server.answers["DescribeDBInstanceTDE"] = {"TDEStatus": "Perhaps"}
    assert rds.ssl(client, RM) == rds.Ssl(False, forced=False)
    assert rds.tde(client, RM).enabled is None


def test_usage_without_figures(server: AliyunServer, client: Client) -> None:
    server.answers["DescribeResourceUsage"] = {"DiskUsed": 10, "DataSize": -1}
    assert rds.usage(client, RM) == rds.Usage(10, None, None)


def test_a_role_that_is_not_there(server: AliyunServer, client: Client) -> None:
    server.next["GetRole"].append(error(404, "EntityNotExist.Role"))
    assert ram.find_role(client, ram.DTS_ROLE) is None
    server.next["GetRole"].append(error(404, "EntityNotExist.User"))
    with pytest.raises(NotFound):
        ram.find_role(client, ram.DTS_ROLE)


OTHER = ram.DTS_TRUST.replace("dts.", "ecs.")
DENY = ram.DTS_TRUST.replace("Allow", "Deny")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        (ram.DTS_TRUST, True),
        (quote(ram.DTS_TRUST), True),
        (ram.DTS_TRUST.replace('["dts.aliyuncs.com"]', '"dts.aliyuncs.com"'), True),
        (ram.DTS_TRUST.replace('"sts:AssumeRole"', '["sts:AssumeRole"]'), True),
        ('{"Statement":{"Action":"sts:*","Effect":"Allow","Principal":{"Service":["a","dts.aliyuncs.com"]}}}', True),
        (ram.DTS_TRUST.replace('"Effect"', '"Condition":{"Bool":{"x":"y"}},"Effect"'), None),
        (ram.DTS_TRUST.replace("sts:AssumeRole", "sts:TagSession"), False),
        (OTHER, False),
        (DENY, False),
        ('{"Statement":[]}', False),
        ('{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"}]}', False),
        ('{"Statement":"x"}', None),
        ("[]", None),
        ("no json", None),
        ("", None),
        (None, None),
    ],
)
def test_trust(document: str | None, expected: bool | None) -> None:
    assert ram.trusts(document) is expected


def test_a_task_and_its_failed_precheck(server: AliyunServer, client: Client) -> None:
    server.answers["DescribeDtsJobDetail"] = {
        "Success": True,
        "DtsInstanceID": "dtsx1",
        "DtsJobId": "x1job",
        "Status": "PrecheckFailed",
        "Delay": -1,
        "DbObject": "too long, see the address",
        "SourceEndpoint": {"InstanceID": RM, "InstanceType": "RDS", "EngineName": "MySQL", "Region": "cn-hangzhou"},
        "ReverseJob": {},
        "SubSyncJob": [
            {
                "PrecheckStatus": {
                    "Status": "Failed",
                    "Detail": [
                        {
                            "CheckItem": "CHECK_TRIGGER",
                            "CheckResult": "Failed",
                            "FailedReason": "The RDS instance has a trigger",
                            "RepairMethod": "Drop it",
                        }
                    ],
                }
            }
        ],
    }
    found = dts.job_of_instance(client, "dtsx1")
    assert server.seen[0].body == {"DtsInstanceID": "dtsx1"}
    assert (found.job_id, found.status, found.delay, found.objects) == ("x1job", "PrecheckFailed", None, None)
    assert found.source == dts.JobEnd(RM, "RDS", "MySQL", "cn-hangzhou")
    assert (found.destination, found.reverse) == (None, None)
    assert found.parts
    assert found.parts[0].precheck == (
        dts.CheckItem("CHECK_TRIGGER", None, "Failed", "The RDS instance has a trigger", "Drop it"),
    )


def test_a_two_way_task(server: AliyunServer, client: Client) -> None:
    server.answers["DescribeDtsJobs"] = {
        "TotalRecordCount": 1,
        "DtsJobList": [{"DtsJobId": "a", "ReverseJob": {"DtsJobId": "b"}, "DbObject": '{"shop":{"all":true}}'}],
    }
    (job,) = dts.jobs(client, RM)
    assert job.reverse
    assert job.reverse.job_id == "b"
    assert job.objects == {"shop": {"all": True}}


def test_words_of_the_two_ways_to_move_a_task(server: AliyunServer, client: Client) -> None:
    server.answers["ModifyDtsJobEndpoint"] = {"Success": True}
    client.send(polardb.move_dts_jobs(PC, (DtsMove("j", DtsEnd.DESTINATION, PC),)))
    client.send(dts.move_endpoint(dts.Move("j", dts.End.DESTINATION, "polardb", PC)))
    client.send(dts.try_moving_endpoint(dts.Move("j", dts.End.SOURCE, "polardb", PC)))
    bodies = [request.body for request in server.seen]
    assert bodies[0]["MigrationConfig"] == '[{"dtsJobId":"j","endpoint":"dst","endpointInstanceId":"pc-1"}]'
    assert [body["Endpoint"] for body in bodies[1:]] == ["dest", "src"]
    assert [body.get("DryRun") for body in bodies[1:]] == [None, "true"]


def test_values_of_other_types_are_unknown() -> None:
    answer = Answer({"a": {"b": [1]}, "n": "12x", "t": {}, "f": 2, "l": [{}, 1], "none": None})
    assert answer.text("a") is None
    assert answer.text("a", "b", "c") is None
    assert answer.number("n") is None
    assert answer.number("none") is None
    assert answer.flag("f") is None
    assert answer.parts("l") is None
    assert answer.part("l") is None
    assert answer.text("f") == "2"
