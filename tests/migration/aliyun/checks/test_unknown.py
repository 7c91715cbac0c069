"""What could not be asked is unknown, with the provider's code and words and the name of what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from migration.check import Route, Severity, Verdict
from providers.aliyun.actions import ACTIONS
from providers.sandbox.aliyun_api.faults import forbidden
from providers.sandbox.aliyun_api.scenario import ReadOnlyInstance, Scenario
from providers.sandbox.api.faults import Fault, Kind
from tests.migration.aliyun.checks.bench import CHECKS, Bench
from tests.migration.aliyun.checks.conftest import Rent
from tests.migration.checks.lab import account

PERMISSIONS = {action.permission for action in ACTIONS.values()}
READERS = (ReadOnlyInstance("rr-1", {"default": "172.16.0.1"}),)
# These ask the server alone.
OF_THE_SERVER = {"rds-engines", "rds-primary-keys"}
# These are not asked under these rules.
SILENT = {"polardb-evaluation", "polardb-evaluation-found", "rds-encryption"}


def unknown_for(one: Bench, check: str) -> str:
    """The permission that is missing, as the finding names it."""
    finding = one.find(check)
    result = finding.result
    assert result.verdict is Verdict.UNKNOWN, result
    assert finding.blocks or finding.severity is Severity.NOTICE
    assert result.evidence[1][0] == "Forbidden.RAM"
    assert "not authorized" in result.evidence[1][1]
    name = result.found.removeprefix("needs ")
    assert name in PERMISSIONS
    assert f"the RAM action {name} " in result.remedy
    return name


def test_without_any_permission_every_check_is_unknown_and_names_one(rent: Rent) -> None:
    one = rent(Scenario(rules="2019", read_only=READERS)).with_cluster("pc-1")
    one.simulator.faults.add(forbidden("*"))
    named = {check: unknown_for(one, check) for check in set(CHECKS) - SILENT - OF_THE_SERVER}
    assert named["polardb-role"] == "polardb:CheckServiceLinkedRole"
    assert named["dts-role"] == "ram:GetRole"
    assert named["dts-two-way"] == "polardb:DescribeDBClusterMigration"
    new = rent(Scenario()).with_cluster("pc-1")
    new.simulator.faults.add(forbidden("*"))
    for check in SILENT:
        unknown_for(new, check)


@pytest.mark.parametrize(
    ("check", "action"),
    [
        ("dts-role", "ram:ListPoliciesForRole"),
        ("rds-extra-account", "rds:DescribeAccounts"),
        ("rds-hidden-account", "rds:DescribeAccounts"),
        ("rds-whitelists", "rds:DescribeDBInstanceIPArrayList"),
        ("rds-whitelists", "rds:DescribeDBInstanceNetInfo"),
        ("rds-encryption-off", "rds:DescribeDBInstanceSSL"),
        ("dts-tasks", "dts:DescribeDtsJobs"),
        ("rds-storage", "rds:DescribeResourceUsage"),
        ("rds-log-settings", "rds:DescribeParameters"),
        ("rds-not-empty", "rds:DescribeDatabases"),
        ("rds-other-migration", "polardb:DescribeDBClusters"),
    ],
)
def test_one_missing_permission_is_named(rent: Rent, check: str, action: str) -> None:
    one = rent(Scenario(rules="2019", read_only=READERS))
    one.server.change("CREATE USER 'aliyun_root'@'%'")
    try:
        one.simulator.faults.add(forbidden(action))
        assert unknown_for(one, check) == action
    finally:
        one.server.change("DROP USER 'aliyun_root'@'%'")


def test_an_account_that_may_not_read_mysql_user_is_told_what_it_lacks(rent: Rent) -> None:
    one = rent()
    with account(one.server, "low", "SELECT ON shop.*") as low:
        endpoint = replace(one.server.endpoint, account=low)
        poor = replace(one, m=replace(one.m, source=type(one.server)(endpoint)))
        try:
            result = poor.find("rds-hidden-account").result
        finally:
            poor.server.close()
    assert (result.verdict, "SELECT on" in result.found, "user" in result.found) == (Verdict.UNKNOWN, True, True)


def test_an_answer_that_nobody_understands_and_a_wrong_key_are_unknown_as_well(rent: Rent) -> None:
    one = rent()
    one.simulator.faults.add(
        Fault(Kind.REFUSE, "rds:*", None, status=404, code="InvalidAccessKeyId.NotFound", message="Not found here.")
    )
    result = one.find("rds-running").result
    assert result.evidence[1] == ("InvalidAccessKeyId.NotFound", "Not found here")
    assert "check the access key" in result.remedy
    one.heal()
    one.alter("rds:DescribeDBInstanceAttribute", without=("Items",))
    assert one.find("rds-running").result.verdict is Verdict.UNKNOWN


def test_without_an_account_nothing_is_taken_for_passed(rent: Rent) -> None:
    one = rent()
    without = replace(one, m=replace(one.m, cloud=None))
    for check in set(CHECKS) - OF_THE_SERVER:
        finding = without.find(check)
        assert finding.result.verdict is Verdict.UNKNOWN, check


def test_the_catalogue_is_complete_in_itself() -> None:
    for check in CHECKS.values():
        assert check.why.endswith("."), check.id
        assert len(check.why) <= 120, check.id
        assert len(check.title) <= 36, check.id
        assert check.asks, check.id
        assert check.page, check.id
        assert check.severity_on(Route.NATIVE) is None, check.id
