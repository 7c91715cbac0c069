"""Every function sends exactly what is published, and reads exactly the places that published answers have."""

from __future__ import annotations

from typing import Any

import pytest

from providers.aliyun import dts, polardb, ram, rds, resourcemanager
from providers.aliyun.actions import ACTIONS
from providers.aliyun.client import Client
from providers.aliyun.errors import NoAnswer, Unanswered
from tests.providers.aliyun.samples import LACKING, READS, SAMPLES, WRITES, filled, published, use
from tests.support.aliyun_http import AliyunServer, Seen
from tests.support.offered import leaves, public_functions

PUBLISHED = published()
# What the SDK adds to every request.
COMMON = {
    "Action",
    "Version",
    "Format",
    "RegionId",
    "Timestamp",
    "SignatureMethod",
    "SignatureType",
    "SignatureVersion",
    "SignatureNonce",
    "AccessKeyId",
    "Signature",
}
# Helpers beside the functions that make calls.
HELPERS = {"ram.trusts", "ram.role_of"}


def answer_as_published(request: Seen) -> dict[str, Any]:
    return dict(filled(PUBLISHED[request.version, request.action].answer))


@pytest.fixture
def filled_server(server: AliyunServer) -> AliyunServer:
    for _, action in PUBLISHED:
        server.answers[action] = answer_as_published
    return server


def test_the_table_and_the_samples_have_every_public_function() -> None:
    assert public_functions(polardb, rds, dts, ram, resourcemanager) - HELPERS == set(SAMPLES)
    assert {function for action in ACTIONS.values() for function in action.functions} == set(SAMPLES)


@pytest.mark.parametrize("name", SAMPLES)
def test_the_request_is_what_is_published(name: str, filled_server: AliyunServer, client: Client) -> None:
    use(client, SAMPLES[name])
    action = next(action for action in ACTIONS.values() if name in action.functions)
    assert filled_server.seen
    for request in filled_server.seen:
        assert (request.version, request.action, request.method) == (action.product.version, action.name, "POST")
        assert set(request.query) == COMMON
        what = PUBLISHED[request.version, request.action]
        assert set(request.body) <= what.required | what.optional
        assert what.required <= set(request.body) | {"RegionId"}


@pytest.mark.parametrize("name", SAMPLES)
def test_every_value_has_its_place_in_the_published_answer(
    name: str, filled_server: AliyunServer, client: Client
) -> None:
    missing = {where for where, value in leaves(use(client, SAMPLES[name])) if value is None}
    if name in WRITES:
        missing.discard("")
    assert missing == LACKING.get(name, set())


@pytest.mark.parametrize("name", READS)
def test_an_answer_without_values_is_unknown(name: str, server: AliyunServer, client: Client) -> None:
    for _, action in PUBLISHED:
        server.answers[action] = {"Success": True}
    try:
        found = use(client, READS[name])
    except NoAnswer:
        return
    values = [value for _, value in leaves(found)]
    assert values
    assert all(value is None for value in values)


@pytest.mark.parametrize("name", [name for name in WRITES if name.startswith("dts.")])
def test_a_dts_write_that_does_not_say_success_is_not_taken_for_one(
    name: str, server: AliyunServer, client: Client
) -> None:
    with pytest.raises(Unanswered):
        use(client, WRITES[name])
    assert len(server.seen) == 1
