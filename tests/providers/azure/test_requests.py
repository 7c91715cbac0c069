"""Every function sends what the provider describes, and reads the places that the provider's examples have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from providers.azure import classic, datamigration, flexible, single
from providers.azure.actions import ACTIONS, CLASSIC, NEW_VERSION, Action
from providers.azure.client import Client
from providers.azure.datamigration import create_task
from providers.azure.errors import NoAnswer
from tests.providers.azure.arm import TOKEN, ArmServer, Reply
from tests.providers.azure.descriptions import answers, contract, described, examples, needed
from tests.providers.azure.descriptions import classic as classic_documentation
from tests.providers.azure.samples import PROPERTIES, READS, SAMPLES, SERVICE, WRITES, use
from tests.support.offered import leaves, public_functions

MODULES = (flexible, single, classic, datamigration)
# They make no calls.
HELPERS = {"single.login", "flexible.resource_id", "single.resource_id", "classic.login", "classic.host"}
# What no example of the provider has.
LACKING = {
    "sku", "tier", "size", "source", "storage_gb", "iops", "zone", "ha_mode", "ha_state", "auto_grow", "source_id",
    "default", "allowed", "dynamic", "fixed", "pending_restart", "role", "replica_capacity", "public_access",
    "administrator", "locations", "state", "errors", "orders", "tried", "listed", "whole", "subnet_id", "geo_backup",
}  # fmt: skip


def action_of(name: str) -> Action:
    (found,) = [action for action in ACTIONS.values() if name in action.functions]
    return found


# Of the others there is no description: the classic service has none, and power of a Single Server is of 2020-01-01.
DESCRIBED = [name for name in SAMPLES if (a := action_of(name)).product is not CLASSIC and a.version != NEW_VERSION]


def test_the_table_and_the_samples_have_every_public_function() -> None:
    assert public_functions(*MODULES) - HELPERS == set(SAMPLES)
    assert {function for action in ACTIONS.values() for function in action.functions} == set(SAMPLES)


@needed
def test_the_table_is_the_providers() -> None:
    for action in ACTIONS.values():
        found = described(action)
        if action.product is CLASSIC or action.version == NEW_VERSION:
            assert found is None
            continue
        assert found is not None, action.name
        assert contract().find(action.method, action.path, action.version) == found


@pytest.mark.parametrize("name", SAMPLES)
def test_the_request_is_the_one_of_the_table(name: str, server: ArmServer, client: Client) -> None:
    server.always = Reply(200, {"value": []})
    use(client, name)
    (seen,) = server.seen
    action = action_of(name)
    assert (seen.method, seen.query["api-version"]) == (action.method, action.version)
    assert set(seen.query) - {"api-version"} == ({"$expand"} if name == "datamigration.task" else set())
    values = WRITES[name].call.path if name in WRITES else {}
    if values:
        assert seen.path == action.path.format_map(values)
    assert seen.headers["Authorization"] == f"Bearer {TOKEN}"


@needed
@pytest.mark.parametrize("name", DESCRIBED)
def test_the_request_is_as_described(name: str, server: ArmServer, client: Client) -> None:
    operation = described(action_of(name))
    assert operation is not None
    server.always = Reply(200, {"value": []})
    use(client, name)
    (seen,) = server.seen
    assert contract().find(seen.method, seen.path, seen.query["api-version"]) == operation
    assert contract().of_request(operation, seen.body) == []


@needed
@pytest.mark.parametrize("kind", PROPERTIES)
def test_what_tasks_are_given_is_as_described(kind: str, server: ArmServer, client: Client) -> None:
    server.always = Reply(201, {"properties": {"state": "Queued"}})
    client.begin(create_task(SERVICE, "p1", kind, PROPERTIES[kind]))
    operation = described(ACTIONS["datamigration", "Tasks_CreateOrUpdate"])
    assert operation is not None
    assert contract().of_request(operation, server.seen[0].body) == []


@needed
@pytest.mark.parametrize("name", DESCRIBED)
def test_every_example_answer_parses(name: str, server: ArmServer, client: Client) -> None:
    operation = described(action_of(name))
    assert operation is not None
    found = answers(operation)
    if not found:
        assert all(not answer.get("body") for one in examples(operation) for answer in one["responses"].values())
    for status, body in found:
        server.always = Reply(status, body)
        missing = {where.rpartition(".")[2] for where, value in leaves(use(client, name)) if value is None}
        assert missing - {""} <= LACKING


@needed
def test_the_values_of_an_example_are_read(server: ArmServer, client: Client) -> None:
    operation = described(ACTIONS["flexible", "Servers_Get"])
    assert operation
    server.always = Reply(200, next(body for _, body in answers(operation) if "mysqltestserver" in body["id"]))
    found = use(client, "flexible.server")
    assert (found.name, found.state, found.role, found.replica_capacity) == ("mysqltestserver", "Ready", "None", 10)
    assert (found.sku, found.tier, found.storage_gb, found.iops) == ("Standard_D2ds_v4", "GeneralPurpose", 100, 600)
    assert (found.auto_grow, found.geo_backup, found.public_access, found.zone) == (True, False, True, "3")
    assert (found.ha_mode, found.ha_state, found.backup_days, found.version) == ("Disabled", "NotEnabled", 7, "5.7")
    assert found.earliest_restore == datetime(2021, 6, 17, 6, 11, 38, 415001, UTC)
    operation = described(ACTIONS["single", "Servers_Get"])
    assert operation
    server.always = Reply(200, answers(operation)[0][1])
    found = use(client, "single.server")
    assert (found.sku, found.storage_gb, found.state, found.role) == ("GP_Gen4_2", 125, "Ready", "None")
    assert (found.source_id, found.replica_capacity, found.geo_backup) == ("", 5, True)


@needed
def test_requests_equal_the_providers_examples(server: ArmServer, client: Client) -> None:
    """Structure for structure: the same names at the same places, and the same words of the API."""
    names = (
        "flexible.create_replica",
        "flexible.restore",
        "flexible.set_configuration",
        "flexible.allow_addresses",
        "flexible.create_database",
        "single.create_replica",
        "single.restore",
        "single.allow_addresses",
    )
    for name in names:
        operation = described(action_of(name))
        assert operation is not None
        client_body = WRITES[name].call.body
        assert client_body is not None
        shapes = [shape(one["parameters"]["parameters"]) for one in examples(operation)]
        own = shape(client_body)
        assert any(own <= one | {("sku", "name"), ("sku", "tier")} for one in shapes), (name, own, shapes)


@needed
def test_the_classic_requests_are_those_of_the_documentation(server: ArmServer, client: Client) -> None:
    documented = {one["op"]: one for one in classic_documentation()}
    pairs = {
        "classic.create_replica": documented["create replica"],
        "classic.restore": documented["restore from snapshot / point in time"],
        "classic.resize": documented["update options / sku"],
        "classic.set_options": documented["update options / sku"],
        "classic.back_up": documented["backup"],
        "classic.create_database": documented["database"],
        "classic.allow_addresses": documented["firewall rule"],
    }
    for name, one in pairs.items():
        call = WRITES[name].call
        assert call.action.method == one["method"]
        assert call.action.path.count("/") == one["path"].count("/")
        wanted = shape(one.get("request", {})) | shape(one.get("request2", {}))
        # Location and size go with every creation.
        assert shape(call.body or {}) <= wanted | {("location",), ("sku", "name")}, name


@needed
def test_the_classic_answers_parse(server: ArmServer, client: Client) -> None:
    answered = {one["op"]: one["response"] for one in classic_documentation() if "response" in one}
    server.always = Reply(200, answered["create server"])
    made = use(client, "classic.server")
    assert (made.name, made.location, made.sku, made.version) == ("{server-name}", "chinaeast", "MS2", "5.5")
    assert made.state == "Creating"
    server.always = Reply(200, answered["get server"])
    assert use(client, "classic.server").state == "Succeeded"
    server.always = Reply(200, answered["backup"])
    assert use(client, "classic.back_up").name == "{backup-file-name}"


@pytest.mark.parametrize("name", READS)
def test_an_answer_without_values_is_unknown(name: str, server: ArmServer, client: Client) -> None:
    server.always = Reply(200, {"unexpected": 1})
    try:
        found = use(client, name)
    except NoAnswer:
        return
    assert all(value in (None, ()) for _, value in leaves(found))


def shape(body: Mapping[str, Any], above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """The paths of all values of an object."""
    found: set[tuple[str, ...]] = set()
    for name, value in body.items():
        found |= shape(value, (*above, name)) if isinstance(value, Mapping) else {(*above, name)}
    return found
