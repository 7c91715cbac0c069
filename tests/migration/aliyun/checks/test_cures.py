"""Checks with fixes: red with the fault, green after the fix, red again after its undo where there is one."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest

from migration.checks.run import run_check
from providers.sandbox.aliyun_api.scenario import ReadOnlyInstance, Scenario
from providers.sandbox.api.clock import Clock
from tests.migration.aliyun.checks.bench import CHECKS, Bench
from tests.migration.aliyun.checks.conftest import Rent

WEEK_S = 7 * 86_400.0
EXTRA = "'aliyun_root'@"


def test_polardbs_role_is_created_for_good(rent: Rent) -> None:
    one = rent(Scenario(polardb_role=False))
    assert one.word("polardb-role") == "FAIL"
    one.cured_for_good("polardb-role")
    one.alter("polardb:CheckServiceLinkedRole", without=("HasServiceLinkedRole",))
    assert one.word("polardb-role") == "UNKNOWN"


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("missing", "missing"),
        ("no policy", "has no AliyunDTSRolePolicy"),
        ("no trust", "does not trust dts.aliyuncs.com"),
    ],
)
def test_the_role_of_dts_is_made_as_it_should_be_and_undone(rent: Rent, state: Any, found: str) -> None:
    one = rent(Scenario(dts_role=state))
    assert one.find("dts-role").result.found == found
    before = one.simulator.cloud.roles.get("AliyunDTSDefaultRole")
    one.cured_and_undone("dts-role")
    assert one.simulator.cloud.roles.get("AliyunDTSDefaultRole") == before


def test_a_trust_policy_with_conditions_is_not_taken_for_trust(rent: Rent) -> None:
    one = rent()
    trust = (
        '{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Condition":{"Bool":{"a":"b"}},'
        '"Principal":{"Service":"dts.aliyuncs.com"}}],"Version":"1"}'
    )
    one.alter("ram:GetRole", Role={"RoleName": "AliyunDTSDefaultRole", "AssumeRolePolicyDocument": trust})
    finding = one.find("dts-role")
    assert (finding.word, finding.result.fixes) == ("UNKNOWN", ())


def test_a_policy_of_ones_own_is_not_the_systems(rent: Rent) -> None:
    one = rent()
    own = [{"PolicyName": "AliyunDTSRolePolicy", "PolicyType": "Custom"}]
    one.alter("ram:ListPoliciesForRole", Policies={"Policy": own})
    assert one.find("dts-role").result.found == "has no AliyunDTSRolePolicy"


@pytest.fixture
def accounts(rent: Rent) -> Any:
    """Rent with aliyun_root on the server, from two hosts; it is taken away again."""

    def start(shown: Any) -> Bench:
        one = rent(Scenario(extra_account=shown))
        for host in ("%", "10.0.0.1"):
            one.server.change(f"CREATE USER {EXTRA}'{host}'")
        made.append(one)
        return one

    made: list[Bench] = []
    yield start
    for one in made:
        for (host,) in one.server.rows("SELECT host FROM mysql.user WHERE user = 'aliyun_root'"):
            one.server.change(f"DROP USER {EXTRA}'{host}'")


def test_an_account_that_the_console_lists_is_deleted_by_a_call(accounts: Any) -> None:
    one = accounts("shown")
    assert one.word("rds-extra-account") == "FAIL"
    assert one.find("rds-hidden-account").result.found == "aliyun_root is listed: delete it there"
    one.cured_for_good("rds-extra-account")
    assert one.word("rds-hidden-account") == "OK"


def test_a_hidden_account_is_deleted_as_the_page_says_row_by_listed_row(accounts: Any) -> None:
    one = accounts("hidden")
    assert one.word("rds-extra-account") == "OK"
    before = one.find("rds-hidden-account")
    assert before.word == "FAIL"
    assert before.result.evidence[1:] == (("aliyun_root", "%"), ("aliyun_root", "10.0.0.1"))
    assert [fix.statement for fix in before.result.fixes] == [
        "DELETE FROM mysql.user WHERE `user` = 'aliyun_root' LIMIT 2",
        "FLUSH PRIVILEGES",
    ]
    others = one.server.rows("SELECT user, host FROM mysql.user WHERE user <> 'aliyun_root'")
    one.cured_for_good("rds-hidden-account")
    assert one.server.rows("SELECT user, host FROM mysql.user") == others
    # The accounts in memory are those of the table.
    assert not [
        row for row in one.server.rows("SELECT grantee FROM information_schema.user_privileges") if EXTRA in row[0]
    ]


def test_a_version_without_a_rule_makes_the_accounts_unknown(rent: Rent) -> None:
    one = rent()
    one.told(EngineVersion="9.9")
    assert [one.word("rds-extra-account"), one.word("rds-hidden-account")] == ["UNKNOWN", "UNKNOWN"]


def test_safe_mode_needs_a_privileged_account(rent: Rent) -> None:
    one = rent()
    one.told(ConnectionMode="Safe")
    assert one.word("rds-account-mode") == "OK"
    normal = [{"AccountName": "app", "AccountType": "Normal", "AccountStatus": "Available"}]
    one.alter("rds:DescribeAccounts", Accounts={"DBInstanceAccount": normal}, TotalRecordCount=1)
    assert one.word("rds-account-mode") == "FAIL"
    one.heal()
    assert one.word("rds-account-mode") == "-"


def group(one: Bench, name: str) -> tuple[str, ...] | None:
    primary = one.simulator.cloud.instances[one.account.instance_id]
    return primary.whitelist.get(name)


def test_only_what_is_missing_is_appended_and_exactly_that_is_taken_away_again(rent: Rent) -> None:
    readers = (
        # Covered by 10.0.0.0/8, the same as 192.168.1.7, new twice, and nobody.
        ReadOnlyInstance(
            "rr-1", {"default": "10.1.2.3,192.168.1.7/32,172.16.0.0/12,127.0.0.1", "reports": "172.16.5.5"}
        ),
        ReadOnlyInstance("rr-2", {"reports": "198.51.100.9,172.16.5.5", "hdm_security_ips": "100.64.0.0/10"}),
    )
    one = rent(Scenario(read_only=readers))
    finding = one.find("rds-whitelists")
    assert finding.result.evidence[1:] == (
        ("default", "172.16.0.0/12", "rr-1", "is to be added"),
        ("reports", "172.16.5.5", "rr-1, rr-2", "is to be added"),
        ("reports", "198.51.100.9", "rr-1, rr-2", "is to be added"),
    )
    one.cured_and_undone("rds-whitelists")
    one.apply("rds-whitelists")
    assert group(one, "default") == ("10.0.0.0/8", "192.168.1.7", "172.16.0.0/12")
    assert group(one, "reports") == ("172.16.5.5", "198.51.100.9")
    changes = [call for call in one.simulator.calls if call.action == "rds:ModifySecurityIps"]
    assert {call.parameters["ModifyMode"] for call in changes} == {"Append", "Delete"}


def test_an_entry_for_everybody_is_never_added_from_here(rent: Rent) -> None:
    one = rent(Scenario(read_only=(ReadOnlyInstance("rr-1", {"default": "0.0.0.0/0,203.0.113.1"}),)))
    assert one.word("rds-whitelists") == "FAIL"
    one.apply("rds-whitelists")
    assert group(one, "default") == ("10.0.0.0/8", "192.168.1.7", "203.0.113.1")
    left = one.find("rds-whitelists")
    assert (left.word, left.result.fixes) == ("FAIL", ())
    assert "open to all" in left.result.evidence[1][-1]


@pytest.mark.parametrize(
    ("whitelist", "found"),
    [({"default": "0.0.0.0/0"}, "open to everybody"), ({"default": "127.0.0.1"}, "nobody may connect"), ({}, "nobody")],
)
def test_an_open_or_shut_whitelist_is_told(rent: Rent, whitelist: dict[str, str], found: str) -> None:
    finding = rent(Scenario(whitelist=whitelist)).find("rds-whitelist-open")
    assert finding.word == "WARN"
    assert found in finding.result.found


def test_readers_and_entries_that_are_not_told_are_unknown(rent: Rent) -> None:
    one = rent(Scenario(read_only=(ReadOnlyInstance("rr-1", {"default": "10.0.0.1"}),)))
    assert one.word("rds-whitelists") == "OK"
    one.alter("rds:DescribeDBInstanceIPArrayList", Items={"DBInstanceIPArray": [{"DBInstanceIPArrayName": "default"}]})
    assert [one.word("rds-whitelists"), one.word("rds-whitelist-open")] == ["UNKNOWN", "UNKNOWN"]
    one.heal()
    one.told(ReadOnlyDBInstanceIds=None)
    assert one.word("rds-whitelists") == "UNKNOWN"
    assert rent().word("rds-whitelists") == "-"


def test_the_evaluation_starts_on_the_operators_word_only(rent: Rent) -> None:
    one = rent()
    assert [one.word("polardb-evaluation"), one.word("polardb-evaluation-found")] == ["NOTE", "-"]
    assert one.simulator.cloud.reports == {}
    (fix,) = one.find("polardb-evaluation").result.fixes
    assert fix.undo == ""
    one.apply("polardb-evaluation")
    under_way = one.find("polardb-evaluation")
    assert (under_way.word, under_way.blocks, one.word("polardb-evaluation-found")) == ("UNKNOWN", False, "-")
    one.simulator.clock.advance(61)
    assert [one.word("polardb-evaluation"), one.word("polardb-evaluation-found")] == ["OK", "OK"]
    trigger = "CREATE TRIGGER shop.t BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = 'x'"
    one.server.change(trigger)
    try:
        one.account.run(fix.statement)
    finally:
        one.server.change("DROP TRIGGER shop.t")
    one.simulator.clock.advance(61)
    named = one.find("polardb-evaluation-found")
    assert (named.word, "shop.t" in str(named.result.evidence)) == ("WARN", True)


def test_the_evaluation_is_one_for_the_version_that_was_chosen(rent: Rent) -> None:
    one = rent()
    one.apply("polardb-evaluation")
    one.simulator.clock.advance(61)
    assert one.word("polardb-evaluation") == "OK"
    newer = run_check(replace(one.pair, chosen={"version": "8.0"}), CHECKS["polardb-evaluation"])
    assert (newer.word, newer.result.found) == ("NOTE", "to 5.6, not to 8.0")
    assert ["--DBVersion 8.0" in fix.statement for fix in newer.result.fixes] == [True]


def test_an_old_report_counts_no_more_and_some_regions_have_none(rent: Rent) -> None:
    one = rent(clock=Clock(lambda: time.time() - WEEK_S - 3600))
    one.apply("polardb-evaluation")
    one.simulator.clock.advance(61)
    assert one.find("polardb-evaluation").result.found == "the report has expired"
    for other in (rent(Scenario(region="eu-central-1")), rent(Scenario(rules="2019"))):
        assert [other.word("polardb-evaluation"), other.word("polardb-evaluation-found")] == ["-", "-"]
