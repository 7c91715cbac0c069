"""Requests and answers are held against the provider's descriptions, and what differs is found."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from providers.sandbox.azure_api.contract import Described
from tests.providers.azure.descriptions import FOLDER, HERE, contract, needed

FILES = sorted((FOLDER / "azure").glob("*/examples/*.json")) if HERE else []
# These examples are not what their descriptions say.
KNOWN = {"Services_CheckChildrenNameAvailability", "Services_CheckNameAvailability", "ServerSecurityAlertsGet"}
OTHER = "Service.Check.OCI"


def of_examples() -> Iterator[tuple[str, Described, dict[str, Any]]]:
    operations = [described for _, _, _, described in contract()._operations]
    for file in FILES:
        content = json.loads(file.read_text(encoding="utf-8-sig"))
        version = content["parameters"].get("api-version")
        for one in operations:
            if one.version == version and f"/{file.name}" in json.dumps(one.content.get("x-ms-examples", {})):
                yield file.stem, one, content


@needed
def test_the_providers_own_examples_are_as_described() -> None:
    seen = 0
    for name, one, content in of_examples():
        problems = []
        body = content["parameters"].get("parameters")
        if body is not None:
            problems += contract().of_request(one, body)
        for status, answer in content["responses"].items():
            problems += contract().of_answer(one, int(status), answer.get("body"))
        assert name in KNOWN or [one for one in problems if OTHER not in one] == [], name
        seen += 1
    assert seen > 100


def example(name: str) -> tuple[Described, dict[str, Any]]:
    return next((one, content) for found, one, content in of_examples() if found == name)


CHANGES = [
    ("ServerCreateReplica", "properties.sourceServerId", "x", "sourceServerId is not described"),
    ("ServerCreateReplicaMode", "location", None, "location is missing"),
    ("ServerCreateReplica", "properties.createMode", "Clone", "'Clone' is none of"),
    ("ServerCreateReplica", "properties.state", "Ready", "state can only be read"),
    ("ServerCreateReplicaMode", "properties.sourceServerId", None, "sourceServerId is missing"),
    ("ServerCreateReplicaMode", "properties.createMode", "Copy", "createMode 'Copy' is not described"),
    ("ServerCreateWithPointInTimeRestore", "properties.restorePointInTime", "yesterday", "is no time"),
    ("ServerUpdate", "properties.storage.iops", "many", "'many' is no integer"),
    ("Tasks_Command", "commandType", "Migrate.Never", "commandType 'Migrate.Never' is not described"),
    ("Tasks_Command", "input.databaseName", None, "databaseName is missing"),
]


@needed
@pytest.mark.parametrize(("name", "where", "value", "problem"), CHANGES)
def test_what_is_not_as_described_is_found(name: str, where: str, value: object, problem: str) -> None:
    found = [(one, content) for name_, one, content in of_examples() if name_ == name]
    told = []
    for one, content in found:
        body = copy.deepcopy(content["parameters"].get("parameters"))
        *path, last = where.split(".")
        inner = body
        for step in path:
            inner = inner.setdefault(step, {})
        if value is None:
            inner.pop(last, None)
        else:
            inner[last] = value
        told += contract().of_request(one, body)
    assert [one for one in told if problem in one], told


@needed
def test_an_answer_with_another_status_is_found() -> None:
    one, _ = example("Services_Get")
    assert contract().of_answer(one, 418, {}) == ["status 418 is not described"]
    assert contract().of_request(one, {"a": 1}) == ["there is a body"]
    assert contract().find("GET", "/subscriptions/s/resourceGroups/g/providers/x/y/z", "2021-05-01") is None
