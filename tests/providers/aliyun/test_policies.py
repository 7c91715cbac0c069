"""The policies that are published for operators allow exactly the calls that are made."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from providers.aliyun.actions import ACTIONS, DTS_ROLE, policy
from providers.aliyun.client import Client
from providers.calling.tiers import Tier
from tests.providers.aliyun.samples import READS, SAMPLES, use
from tests.providers.aliyun.test_functions import PUBLISHED, answer_as_published
from tests.support.aliyun_http import AliyunServer
from tests.support.policies import Page

PAGE = Page("aliyun-policies.md")
POLICIES = {tier: json.loads(json.dumps(policy(tier))) for tier in Tier}


def allowed(tier: Tier) -> set[str]:
    return {action for statement in POLICIES[tier]["Statement"] for action in statement["Action"]}


@pytest.mark.parametrize("tier", Tier)
def test_the_page_shows_the_policy(tier: Tier) -> None:
    assert PAGE.document(tier) == POLICIES[tier]


def test_the_page_has_a_row_for_every_call() -> None:
    expected = []
    for action in ACTIONS.values():
        functions = ", ".join(f"`{function}`" for function in action.functions)
        expected.append(
            f"| {action.tier} | `{action.permission}` | {action.product.name} {action.name} | {functions} |"
        )
    assert PAGE.rows() == sorted(expected)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_call_that_is_made_is_allowed_by_its_policy(name: str, server: AliyunServer, client: Client) -> None:
    for _, action in PUBLISHED:
        server.answers[action] = answer_as_published
    use(client, SAMPLES[name])
    made = {(request.version, request.action) for request in server.seen}
    of = {(action.product.version, action.name): action for action in ACTIONS.values()}
    for one in made:
        assert of[one].permission in allowed(of[one].tier)
        assert (of[one].tier is Tier.OBSERVE) is (name in READS)


def test_the_policies_do_not_overlap_and_have_no_wildcards() -> None:
    everything = [action for tier in Tier for action in sorted(allowed(tier))]
    assert len(everything) == len(set(everything)) == len(ACTIONS)
    assert not [action for action in everything if "*" in action]
    assert all(re.fullmatch(r"(polardb|rds|dts|ram):[A-Z]\w+", action) for action in everything)


def statements(action: str) -> list[dict[str, Any]]:
    return [s for tier in Tier for s in POLICIES[tier]["Statement"] if action in s["Action"]]


def test_permissions_on_roles_are_limited() -> None:
    for action in ("CreateRole", "UpdateRole", "DeleteRole", "AttachPolicyToRole", "DetachPolicyFromRole"):
        (statement,) = statements(f"ram:{action}")
        roles = [resource for resource in statement["Resource"] if ":role/" in resource]
        assert {role.rpartition("/")[2].lower() for role in roles} == {DTS_ROLE.lower()}
        assert "*" not in statement["Resource"]
    (attach,) = statements("ram:AttachPolicyToRole")
    assert [r for r in attach["Resource"] if ":policy/" in r] == ["acs:ram:*:system:policy/AliyunDTSRolePolicy"]
    (create,) = statements("ram:CreateServiceLinkedRole")
    assert create["Condition"] == {"StringEquals": {"ram:ServiceName": "polardb.aliyuncs.com"}}
