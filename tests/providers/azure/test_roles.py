"""The roles that are published for operators allow exactly the calls that are made."""

from __future__ import annotations

import json
import re

import pytest

from providers.azure.actions import ACTIONS, SCOPE_PLACEHOLDER, role
from providers.azure.client import Client
from providers.calling.tiers import Tier
from tests.providers.azure.arm import ArmServer, Reply
from tests.providers.azure.samples import READS, SAMPLES, use
from tests.support.policies import Page

PAGE = Page("azure-roles.md")
ROLES = {tier: json.loads(json.dumps(role(tier))) for tier in Tier}
FOLLOWED = re.compile(r"/locations/(azureAsyncOperation|operationResults|operationStatuses)/read$")


@pytest.mark.parametrize("tier", Tier)
def test_the_page_shows_the_role(tier: Tier) -> None:
    assert PAGE.document(tier) == ROLES[tier]


def test_the_page_has_a_row_for_every_call() -> None:
    assert PAGE.rows() == sorted(row(action) for action in ACTIONS)


def row(name: tuple[str, str]) -> str:
    action = ACTIONS[name]
    functions = ", ".join(f"`{function}`" for function in action.functions)
    shown = action.name if action.documented else f"{action.name.removeprefix('Undescribed_')} (not described)"
    return f"| {action.tier} | `{action.permission}` | {action.product.title} {action.version} {shown} | {functions} |"


@pytest.mark.parametrize("name", SAMPLES)
def test_every_call_that_is_made_is_allowed_by_its_role(name: str, server: ArmServer, client: Client) -> None:
    server.always = Reply(200, {"value": []})
    use(client, name)
    (action,) = [action for action in ACTIONS.values() if name in action.functions]
    assert (action.tier is Tier.OBSERVE) is (name in READS)
    (seen,) = server.seen
    # Resource Manager derives what it asks for from the address and the method, and so is it done here.
    parts = seen.path.rpartition("/providers/")[2].split("/")
    kinds = parts[1::2] if parts[1] != "locations" else [parts[1], *parts[3:]]
    verb = {"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}[seen.method]
    assert "/".join([parts[0], *kinds, verb]) in ROLES[action.tier]["Actions"]


def test_the_roles_do_not_overlap_and_have_no_wildcards() -> None:
    everything = [action for tier in Tier for action in ROLES[tier]["Actions"]]
    assert len(everything) == len(set(everything))
    assert not [action for action in everything if "*" in action]
    assert all(ROLES[tier]["AssignableScopes"] == [SCOPE_PLACEHOLDER] for tier in Tier)


def test_nothing_but_release_deletes_servers_and_services() -> None:
    for tier in (Tier.OBSERVE, Tier.MIGRATE):
        deletes = {action for action in ROLES[tier]["Actions"] if action.endswith("/delete")}
        assert not {one for one in deletes if re.search(r"/(flexibleServers|servers|services)/delete$", one)}
    assert not [one for one in ROLES[Tier.OBSERVE]["Actions"] if re.search(r"/(write|delete)$", one)]
    assert len([one for one in ROLES[Tier.OBSERVE]["Actions"] if FOLLOWED.search(one)]) == 4
