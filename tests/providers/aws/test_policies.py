"""The policies that are published for operators allow exactly the calls that are made."""

from __future__ import annotations

import json
import re

import pytest

from providers.aws.actions import ACTIONS, PLACEHOLDER, policy
from providers.aws.client import Client
from providers.calling.tiers import Tier
from tests.providers.aws.answering import AwsServer
from tests.providers.aws.samples import READS, SAMPLES, filled, use
from tests.support.policies import Page

PAGE = Page("aws-policies.md")
POLICIES = {tier: json.loads(json.dumps(policy(tier))) for tier in Tier}


def allowed(tier: Tier) -> set[str]:
    return {action for statement in POLICIES[tier]["Statement"] for action in statement["Action"]}


@pytest.mark.parametrize("tier", Tier)
def test_the_page_shows_the_policy(tier: Tier) -> None:
    assert PAGE.document(tier) == POLICIES[tier]


def test_the_page_has_a_row_for_every_call() -> None:
    expected = []
    for action in ACTIONS.values():
        permissions = ", ".join(f"`{one}`" for one in action.permissions)
        functions = ", ".join(f"`{one}`" for one in action.functions)
        expected.append(f"| {action.tier} | {permissions} | {action.service.name} {action.name} | {functions} |")
    assert PAGE.rows() == sorted(expected)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_call_that_is_made_is_allowed_by_its_policy(name: str, server: AwsServer, client: Client) -> None:
    for _, action in ACTIONS:
        server.answers[action] = lambda request: filled(request.service, request.action)
    use(client, SAMPLES[name])
    assert server.seen
    for request in server.seen:
        action_made = ACTIONS[request.service, request.action]
        assert set(action_made.permissions) <= allowed(action_made.tier)
        assert (action_made.tier is Tier.OBSERVE) is (name in READS)


def test_there_are_no_wildcards_among_actions() -> None:
    everything = [action for tier in Tier for action in allowed(tier)]
    assert all(re.fullmatch(r"(rds|cloudwatch):[A-Z]\w+", action) for action in everything)


def test_what_changes_something_is_limited_to_the_instance_and_what_is_named_after_it() -> None:
    for tier in (Tier.MIGRATE, Tier.RELEASE):
        for statement in POLICIES[tier]["Statement"]:
            named = [one for one in statement["Resource"] if re.search(r":(db|snapshot):", one)]
            assert all(one.endswith(f"{PLACEHOLDER}*") for one in named)
            assert "*" not in statement["Resource"]
    for statement in POLICIES[Tier.RELEASE]["Statement"]:
        assert not [one for one in statement["Resource"] if one.endswith((":pg:*", ":og:*", ":subgrp:*"))]


def test_the_tiers_overlap_only_in_what_other_calls_need() -> None:
    own = [action.permissions[0] for action in ACTIONS.values()]
    assert len(own) == len(set(own))
