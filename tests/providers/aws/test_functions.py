"""Every function sends what the SDK's model of the API takes, and reads places that its answers have."""

from __future__ import annotations

from typing import Any

import pytest

from providers.aws import bluegreen, instances, offers, parameters, snapshots, watching
from providers.aws.actions import ACTIONS
from providers.aws.calls import Write
from providers.aws.client import Client
from providers.aws.errors import NoAnswer
from tests.providers.aws.answering import AwsServer, Seen
from tests.providers.aws.samples import READS, SAMPLES, WRITES, filled, operation, use
from tests.support.offered import leaves, public_functions

# Helpers beside the functions that make calls.
HELPERS = {"instances.of_answer", "bluegreen.coordinates", "bluegreen.name_of"}


@pytest.fixture
def filled_server(server: AwsServer) -> AwsServer:
    def answer(request: Seen) -> dict[str, Any]:
        return filled(request.service, request.action)

    for _, action in ACTIONS:
        server.answers[action] = answer
    return server


def test_the_table_and_the_samples_have_every_public_function() -> None:
    assert public_functions(instances, snapshots, parameters, bluegreen, offers, watching) - HELPERS == set(SAMPLES)
    assert {function for action in ACTIONS.values() for function in action.functions} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_request_is_the_one_of_the_table_and_arrives_whole(
    name: str, filled_server: AwsServer, client: Client
) -> None:
    use(client, SAMPLES[name])
    action = next(action for action in ACTIONS.values() if name in action.functions)
    (request,) = filled_server.seen
    assert (request.service, request.action) == (action.service.name, action.name)
    sample = SAMPLES[name]
    if isinstance(sample, Write):
        assert request.parameters == dict(sample.call.parameters)
        assert sample.call.action is action
    required = set(operation(request.service, request.action).input_shape.required_members)
    assert required <= set(request.parameters)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_value_has_its_place_in_the_model(name: str, filled_server: AwsServer, client: Client) -> None:
    found = use(client, SAMPLES[name])
    missing = {where for where, value in leaves(found) if value is None}
    assert missing == ({""} if name == "parameters.delete" else set())


@pytest.mark.parametrize("name", [name for name in READS if not name.startswith("watching.replica_lag")])
def test_an_answer_with_empty_entries_is_unknown(name: str, server: AwsServer, client: Client) -> None:
    action = next(action for action in ACTIONS.values() if name in action.functions)
    listed = next(key for key in operation(action.service.name, action.name).output_shape.members if key != "Marker")
    server.answers[action.name] = {listed: [{}]}
    try:
        found = use(client, READS[name])
    except NoAnswer:
        return
    values = [value for _, value in leaves(found)]
    assert values
    assert all(value in (None, ()) for value in values)


@pytest.mark.parametrize("name", WRITES)
def test_a_write_shows_all_that_it_sends(name: str) -> None:
    sample = WRITES[name]
    lines = sample.shown().splitlines()
    assert lines[0] == f"rds {sample.call.action.name}"
    assert {line.strip().partition("=")[0] for line in lines[1:]} == {name for name, _ in sample.call.parameters}
