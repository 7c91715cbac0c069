"""What the provider migrates and when: the instance, its place, its settings, and how it is paid for."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest

from migration.aliyun.account import Account
from migration.check import Route, Verdict
from providers.aliyun.client import Client
from providers.aliyun.endpoints import everything_at
from providers.sandbox.aliyun_api.scenario import BusinessTask, Scenario
from tests.migration.aliyun.checks.bench import Bench, of_route
from tests.migration.aliyun.checks.conftest import Rent
from tests.providers.aliyun.conftest import REGION, RETRY, TIMEOUTS, credentials
from tests.support.aliyun_http import AliyunServer

GIB = 1 << 30
RULES: tuple[Literal["2019", "2026"], ...] = ("2019", "2026")


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("rules", ["2019", "2026"])
def test_a_sound_account_has_nothing_that_blocks(rent: Rent, rules: Any) -> None:
    one = rent(Scenario(rules=rules), Route.PHYSICAL)
    blocking = {name: one.find(name).result for name in of_route(Route.PHYSICAL) if one.find(name).blocks}
    assert blocking == {}


def test_a_sound_account_has_nothing_that_blocks_on_the_logical_way(rent: Rent) -> None:
    one = rent()
    blocking = {name: one.find(name).result for name in of_route(Route.LOGICAL) if one.find(name).blocks}
    assert blocking == {}
    assert set(of_route(Route.LOGICAL)) - set(of_route(Route.PHYSICAL)) == {
        "dts-objects", "dts-own-task", "dts-role", "polardb-role", "rds-account-mode", "rds-engines",
        "rds-extra-account", "rds-hidden-account", "rds-not-empty", "rds-primary-keys",
    }  # fmt: skip
    assert of_route(Route.NATIVE) == {}


@pytest.mark.parametrize(
    ("check", "field", "value", "word", "found"),
    [
        ("rds-running", "DBInstanceStatus", "Restarting", "FAIL", "status Restarting"),
        ("rds-running", "LockMode", "LockByDiskQuota", "FAIL", "lock LockByDiskQuota"),
        ("rds-running", "DBInstanceType", "Readonly", "FAIL", "kind Readonly"),
        ("rds-running", "Engine", "PostgreSQL", "FAIL", "engine PostgreSQL"),
        ("rds-running", "DBInstanceStatus", None, "UNKNOWN", "not told: the instance's status"),
        ("rds-edition", "Category", "Basic", "FAIL", "5.6 Basic local_ssd"),
        ("rds-edition", "DBInstanceStorageType", "tape", "UNKNOWN", "5.6 HighAvailability tape"),
        ("rds-edition", "Category", None, "UNKNOWN", "not told"),
        ("rds-kernel", "CurrentKernelVersion", "rds_20190814", "WARN", "20190814, 20190815 is needed"),
        ("rds-kernel", "CurrentKernelVersion", "rds_20190815", "OK", "20190815"),
        ("rds-kernel", "CurrentKernelVersion", None, "UNKNOWN", "the minor version"),
        ("rds-kernel", "DBInstanceStorageType", "cloud_essd", "-", "always moved logically"),
        ("rds-way", "DBInstanceStorageType", "cloud_essd", "FAIL", "logical, planned for physical"),
        ("rds-way", "CurrentKernelVersion", "", "UNKNOWN", "whether data files or rows"),
        ("rds-region", "RegionId", "cn-shanghai", "FAIL", "source in cn-shanghai"),
        ("rds-region", "RegionId", None, "UNKNOWN", "the region of the source"),
        ("rds-vpc", "VpcId", "", "FAIL", "classic network"),
        ("rds-vpc", "VpcId", None, "UNKNOWN", "the VPC"),
        ("rds-prepaid", "PayType", "Prepaid", "NOTE", "a subscription"),
        ("rds-prepaid", "PayType", None, "UNKNOWN", "how the instance is paid for"),
        ("rds-deletion-protection", "DeletionProtection", True, "NOTE", "on"),
        ("rds-deletion-protection", "DeletionProtection", None, "UNKNOWN", "protected from deletion"),
        ("rds-storage", "DBInstanceStorage", None, "UNKNOWN", "how much of its storage"),
    ],
)  # fmt: skip
def test_what_rds_tells_of_the_instance_decides(
    rent: Rent, check: str, field: str, value: Any, word: str, found: str
) -> None:
    one = rent(Scenario(), Route.PHYSICAL)
    assert one.find(check).result.verdict is Verdict.PASSED
    one.told(**{field: value})
    finding = one.find(check)
    assert finding.word == word
    assert found in finding.result.found
    assert finding.result.remedy or word in ("OK", "-")
    one.heal()
    assert one.word(check) == "OK"


@pytest.mark.parametrize(
    ("version", "category", "storage", "word_2026"),
    [
        ("5.6", "HighAvailability", "local_ssd", "OK"),
        ("5.6", "HighAvailability", "cloud_essd", "FAIL"),
        ("5.7", "Basic", "cloud_ssd", "OK"),
        ("5.7", "Basic", "local_ssd", "FAIL"),
        ("5.7", "HighAvailability", "cloud_essd", "OK"),
        ("8.0", "cluster", "general_essd", "OK"),
        ("8.0", "Finance", "local_ssd", "FAIL"),
        ("5.5", "HighAvailability", "local_ssd", "FAIL"),
    ],
)
def test_each_rule_set_lists_its_own_editions(
    rent: Rent, version: str, category: str, storage: str, word_2026: str
) -> None:
    for rules, word in zip(RULES, ("OK" if version == "5.6" else "FAIL", word_2026), strict=True):
        one = rent(Scenario(rules=rules))
        one.told(EngineVersion=version, Category=category, DBInstanceStorageType=storage)
        assert one.word("rds-edition") == word


def test_a_subscription_has_to_last_as_long_as_the_migration_may(rent: Rent) -> None:
    one = rent()
    for expires, word in ((in_days(31), "OK"), (in_days(29), "WARN"), (in_days(-1), "WARN"), ("", "UNKNOWN")):
        one.heal()
        one.told(PayType="Prepaid", ExpireTime=expires)
        assert one.word("rds-expiry") == word, expires
    old = rent(Scenario(rules="2019"))
    old.told(PayType="Prepaid", ExpireTime=in_days(8))
    assert old.word("rds-expiry") == "OK"


def test_a_disk_that_is_nearly_full_is_told_and_one_that_nobody_knows_is_unknown(rent: Rent) -> None:
    one = rent()
    assert one.find("polardb-storage").result.found.startswith("no cluster yet; it needs over")
    for used, word in ((89 * GIB, "OK"), (91 * GIB, "WARN"), (-1, "UNKNOWN")):
        one.heal()
        one.alter("rds:DescribeResourceUsage", DiskUsed=used)
        assert one.word("rds-storage") == word
    assert "does not tell" in one.find("polardb-storage").result.found


def test_the_source_has_to_have_a_database(rent: Rent) -> None:
    one = rent()
    one.alter("rds:DescribeDatabases", Databases={"Database": []})
    assert one.word("rds-not-empty") == "FAIL"


def parameters(one: Bench, **values: str) -> None:
    listed = [{"ParameterName": name, "ParameterValue": value} for name, value in values.items()]
    one.alter("rds:DescribeParameters", RunningParameters={"DBInstanceParameter": listed})


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"lower_case_table_names": "1", "default_time_zone": "SYSTEM"}, "OK"),
        ({"lower_case_table_names": "0", "default_time_zone": "+08:00"}, "OK"),
        ({"lower_case_table_names": "2", "default_time_zone": "SYSTEM"}, "WARN"),
        ({"lower_case_table_names": "1", "default_time_zone": "Asia/Shanghai"}, "WARN"),
    ],
)
def test_an_order_can_carry_some_values_of_settings_only(rent: Rent, values: dict[str, str], word: str) -> None:
    one = rent()
    parameters(one, **values)
    assert one.word("rds-carried-settings") == word


def test_settings_that_rds_does_not_list_are_asked_of_the_server(rent: Rent) -> None:
    one = rent()
    parameters(one)
    assert one.word("rds-carried-settings") == "OK"
    one.server.change("SET GLOBAL time_zone = '+05:30'")
    one.server.change("SET GLOBAL expire_logs_days = 6")
    try:
        assert "+05:30" in one.find("rds-carried-settings").result.found
        assert one.find("rds-log-settings").result.found == "144 h, 168 h needed"
        assert one.on(Route.PHYSICAL).word("rds-log-settings") == "OK"
    finally:
        one.server.change("SET GLOBAL time_zone = 'SYSTEM'")
        one.server.change("SET GLOBAL expire_logs_days = 0")


def test_settings_that_delete_the_log_too_soon_are_told(rent: Rent) -> None:
    one = rent()
    for seconds, words in ((86_400, {"WARN", "OK"}), (3_600, {"WARN"}), (604_800, {"OK"}), (0, {"OK"})):
        one.heal()
        parameters(one, binlog_expire_logs_seconds=str(seconds))
        assert {one.word("rds-log-settings"), one.on(Route.PHYSICAL).word("rds-log-settings")} == words


@pytest.mark.parametrize(
    ("hours", "logical", "physical"),
    [(168, "OK", "OK"), (18, "NOTE", "NOTE"), (24, "NOTE", "OK"), (None, *["UNKNOWN"] * 2)],
)
def test_the_policy_by_which_rds_deletes_logs_is_asked(
    rent: Rent, hours: int | None, logical: str, physical: str
) -> None:
    one = rent()
    policy = {"LocalLogRetentionSpace": "30", "HighSpaceUsageProtection": "Enable", "LocalLogRetentionHours": hours}
    with AliyunServer(answers={"DescribeBackupPolicy": policy}) as server:
        client = Client(everything_at(server.url, REGION), credentials, RETRY, TIMEOUTS)
        with contextlib.closing(Account(one.account.spec, client)) as account:
            asked = replace(one, m=replace(one.m, cloud=account))
            findings = [asked.on(route).find("rds-log-policy") for route in (Route.LOGICAL, Route.PHYSICAL)]
    assert [finding.word for finding in findings] == [logical, physical]
    assert not any(finding.blocks for finding in findings)
    assert ("deleted sooner where the disk is nearly full", "Enable") in findings[0].result.evidence
    assert {request.body["BackupPolicyMode"] for request in server.seen} == {"LogBackupPolicy"}


def test_two_way_tasks_block_whether_they_are_one_or_two(rent: Rent) -> None:
    lone, both = BusinessTask("out"), BusinessTask("to and fro", two_way=True)
    back = BusinessTask("in", rds="dest")
    for tasks, two_way in (
        ((lone,), 0),
        ((both,), 1),
        ((lone, back), 2),
        ((lone, BusinessTask("other", other="rm-2")), 0),
    ):
        one = rent(Scenario(tasks=tasks))
        finding = one.find("dts-two-way")
        assert (finding.word, len(finding.result.evidence[1:])) == ("FAIL" if two_way else "OK", two_way)
        listed = one.find("dts-tasks")
        assert (listed.word, len(listed.result.evidence[1:])) == ("NOTE", len(tasks))
    assert [row[-1] for row in rent(Scenario(tasks=(back,))).find("dts-tasks").result.evidence[1:]] == [
        "writes to the source"
    ]
    assert rent().word("dts-tasks") == "OK"


def test_encryption_is_forbidden_by_the_old_rules_and_told_by_the_new(rent: Rent) -> None:
    for tde, ssl, found in ((True, False, "TDE on"), (False, True, "SSL on"), (True, True, "TDE and SSL on")):
        old, new = (rent(Scenario(rules=rules, tde=tde, ssl=ssl)) for rules in RULES)
        assert [old.word("rds-encryption-off"), old.word("rds-encryption")] == ["FAIL", "-"]
        assert [new.word("rds-encryption-off"), new.word("rds-encryption")] == ["-", "NOTE"]
        assert old.find("rds-encryption-off").result.found == found
    old = rent(Scenario(rules="2019"))
    assert old.word("rds-encryption-off") == "OK"
    old.alter("rds:DescribeDBInstanceTDE", TDEStatus="Perhaps")
    assert old.word("rds-encryption-off") == "UNKNOWN"
