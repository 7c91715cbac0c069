"""What takes long is followed to its end, found again after a restart, and never taken for done without a look."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from providers.azure import datamigration, flexible, operations
from providers.azure.client import Client
from providers.azure.errors import BadContinuation, Refused, Unanswered
from providers.azure.operations import Continuation, Outcome
from tests.providers.azure.arm import ArmServer, Cut, Reply, Seen, error
from tests.providers.azure.descriptions import needed, recorded
from tests.providers.azure.samples import HERE, SERVICE, SOURCE, WRITES

GUID = "4ceb96b4-e2e0-42b1-a9cf-b3689c7baa56"
FOLLOW = "/subscriptions/s/providers/Microsoft.DBforMySQL/locations/eastus/azureAsyncOperation/" + GUID
SIGNED = "?api-version=2021-05-01&t=638&c=MIIHpTCCBo2gAwIBAgITaw&s=SECRETSIGNATURE&h=x"


def server_as(role: str = "None", state: str = "Ready", **more: Any) -> Reply:
    return Reply(200, {"name": "one", "properties": {"replicationRole": role, "state": state, **more}})


class Cloud:
    """One server of which a replica is made a server of its own; what its operation says is put into it."""

    def __init__(self, server: ArmServer) -> None:
        self.server = server
        self.status: Any = Reply(200, {"name": GUID, "status": "InProgress"})
        self.resource: Any = server_as("Replica")
        server.always = self.answer

    def answer(self, seen: Seen) -> Any:
        if seen.method == "PATCH":
            headers = {"Azure-AsyncOperation": f"{self.server.url}{FOLLOW}{SIGNED}"}
            return Reply(202, {"operation": "PromoteReadReplicaManagementOperation"}, headers)
        if seen.path == FOLLOW:
            assert seen.query["s"] == "SECRETSIGNATURE"
            return self.status
        return self.resource


@pytest.fixture
def cloud(server: ArmServer) -> Cloud:
    return Cloud(server)


def test_a_promotion_is_done_when_its_operation_and_its_resource_say_so(cloud: Cloud, client: Client) -> None:
    running = client.begin(flexible.promote_replica(HERE))
    assert running.look().outcome is Outcome.UNDER_WAY
    cloud.status = Reply(200, {"status": "Succeeded"})
    seen = running.look()
    assert (seen.outcome, seen.final) == (Outcome.NOT_DONE, False)
    cloud.resource = server_as("None", "Updating")
    assert running.look().outcome is Outcome.UNDER_WAY
    cloud.resource = server_as("None")
    assert running.wait(5, 0.001).outcome is Outcome.DONE
    assert len([seen for seen in cloud.server.seen if seen.method == "PATCH"]) == 1
    asked = len(cloud.server.seen)
    assert running.look().outcome is Outcome.DONE
    assert len(cloud.server.seen) == asked


def test_a_failed_operation_is_not_done_and_keeps_the_providers_words(cloud: Cloud, client: Client) -> None:
    running = client.begin(flexible.promote_replica(HERE))
    words = "Replica is too far behind."
    cloud.status = Reply(200, {"status": "Failed", "error": {"code": "PromoteFailed", "message": words}})
    seen = running.wait(5, 0.001)
    assert (seen.outcome, seen.final, seen.code, seen.words) == (Outcome.NOT_DONE, True, "PromoteFailed", words)


@pytest.mark.parametrize("gone", [error(404, "OperationIdNotFound"), error(403, "AuthorizationFailed"), Reply(410)])
def test_a_vanished_operation_is_followed_by_its_resource(cloud: Cloud, client: Client, gone: Reply) -> None:
    running = client.begin(flexible.promote_replica(HERE))
    cloud.status = gone
    assert running.look().outcome is Outcome.NOT_DONE
    cloud.resource = server_as("None")
    assert running.look().outcome is Outcome.DONE


@pytest.mark.parametrize("bad", [Cut.NOW, error(503, "ServiceUnavailable"), Reply(200, b"<html>"), Reply(200, [])])
def test_a_look_without_an_answer_is_unknown_and_followed_by_others(cloud: Cloud, client: Client, bad: Any) -> None:
    running = client.begin(flexible.promote_replica(HERE))
    cloud.status = bad
    assert running.look().outcome is Outcome.UNKNOWN
    cloud.resource = server_as("None")
    assert client.begin(flexible.promote_replica(HERE)).look().outcome is Outcome.DONE
    cloud.status, cloud.resource = Reply(200, {"status": "Succeeded"}), bad
    assert running.wait(0, 0.001).outcome is Outcome.UNKNOWN
    cloud.resource = server_as("None")
    assert running.wait(5, 0.001).outcome is Outcome.DONE


def test_it_is_found_again_after_a_restart_by_its_resource_alone(cloud: Cloud, client: Client) -> None:
    kept = json.dumps(client.begin(flexible.promote_replica(HERE)).kept.as_json())
    assert GUID in kept
    assert "http" not in kept
    assert "SECRETSIGNATURE" not in kept
    cloud.server.seen.clear()
    resumed = client.resume(Continuation.from_json(json.loads(kept)))
    assert resumed.look().outcome is Outcome.NOT_DONE
    cloud.resource = server_as("None")
    assert resumed.look().outcome is Outcome.DONE
    assert {seen.method for seen in cloud.server.seen} == {"GET"}
    assert FOLLOW not in {seen.path for seen in cloud.server.seen}


def test_a_write_without_an_answer_is_unknown_and_read_back(cloud: Cloud, client: Client) -> None:
    write = flexible.promote_replica(HERE)
    intended = operations.intended(write)
    cloud.server.next.append(Cut.NOW)
    with pytest.raises(Unanswered, match=r"Whether Flexible Server carried out Servers_Update.* is unknown"):
        client.begin(write)
    assert len(cloud.server.seen) == 1
    assert client.resume(intended).look().outcome is Outcome.NOT_DONE
    cloud.resource = server_as("None")
    assert client.resume(intended).look().outcome is Outcome.DONE


UNCLEAR = [
    error(500, "InternalServerError"),
    error(503, "x"),
    Reply(502, b"<html>502</html>"),
    Reply(403, b"<html>proxy</html>"),
    Reply(302, b"", {"Location": "https://else"}),
]


@pytest.mark.parametrize("bad", UNCLEAR)
def test_no_write_is_sent_twice(cloud: Cloud, client: Client, bad: Reply) -> None:
    for write in (flexible.promote_replica(HERE), flexible.create_replica(HERE, "x", SOURCE)):
        cloud.server.seen.clear()
        cloud.server.next.append(bad)
        with pytest.raises(Unanswered):
            client.begin(write)
        assert len(cloud.server.seen) == 1


@pytest.mark.parametrize("name", WRITES)
def test_what_is_kept_of_any_write_can_be_written_down(name: str) -> None:
    kept = operations.accepted(operations.intended(WRITES[name]), None)
    assert Continuation.from_json(json.loads(json.dumps(kept.as_json()))) == dataclasses.replace(kept)


UNREADABLE: list[Any] = [
    None,
    7,
    [],
    {},
    {"goal": 1},
    {"action": 1, "about": "x", "goal": None},
    {"action": "a", "about": "b", "goal": {"product": "x"}},
    {"nonsense": 1, "goal": None},
]


@pytest.mark.parametrize("bad", UNREADABLE)
def test_what_cannot_be_read_of_an_operation_is_said(bad: Any) -> None:
    with pytest.raises(BadContinuation, match="read the resource itself"):
        Continuation.from_json(bad)


def test_a_deletion_is_done_when_the_resource_is_gone(server: ArmServer, client: Client) -> None:
    server.always = Reply(202)
    running = client.begin(flexible.delete_server(HERE))
    server.always = server_as(state="Dropping")
    assert running.look().outcome is Outcome.UNDER_WAY
    server.always = server_as()
    assert running.look().outcome is Outcome.NOT_DONE
    for parent in ("ResourceGroupNotFound", "SubscriptionNotFound", "ParentResourceNotFound"):
        server.always = error(404, parent)
        with pytest.raises(Refused, match=parent):
            running.look()
    server.always = error(404, "ResourceNotFound")
    assert running.look().outcome is Outcome.DONE


def test_a_creation_is_done_when_the_resource_is_there_and_as_wanted(server: ArmServer, client: Client) -> None:
    server.always = Reply(202)
    running = client.begin(flexible.create_replica(HERE, "x", SOURCE))
    server.always = error(404, "ResourceNotFound")
    assert running.look().outcome is Outcome.NOT_DONE
    wanted = {"sourceServerResourceId": flexible.resource_id(SOURCE).upper()}
    server.always = server_as("Replica", "Updating", **wanted)
    assert running.look().outcome is Outcome.UNDER_WAY
    server.always = server_as("Replica", sourceServerResourceId=flexible.resource_id(HERE))
    assert running.look().outcome is Outcome.NOT_DONE
    server.always = server_as("Replica", sourceServerResourceId="")
    seen = running.look()
    assert (seen.outcome, "sourceServerResourceId is empty" in seen.words) == (Outcome.NOT_DONE, True)
    server.always = Reply(200, {"properties": {"replicationRole": "Replica", "state": "Ready"}})
    assert running.look().outcome is Outcome.UNKNOWN
    server.always = server_as("Replica", **wanted)
    assert running.look().outcome is Outcome.DONE


def test_a_migration_service_that_fails_to_start_is_not_done(server: ArmServer, client: Client) -> None:
    server.always = Reply(202)
    running = client.begin(datamigration.start_service(SERVICE))
    for state, outcome, final in (
        ("Starting", Outcome.UNDER_WAY, False),
        ("Stopped", Outcome.NOT_DONE, False),
        ("FailedToStart", Outcome.NOT_DONE, True),
        ("Succeeded", Outcome.DONE, False),
    ):
        server.always = Reply(200, {"properties": {"provisioningState": state}})
        seen = running.look()
        assert (seen.outcome, seen.final) == (outcome, final), state


def test_the_address_of_an_operation_elsewhere_is_not_asked(server: ArmServer, client: Client) -> None:
    elsewhere = {"Azure-AsyncOperation": f"http://127.0.0.2:9{FOLLOW}"}
    server.next.append(Reply(202, None, elsewhere))
    server.always = server_as("None")
    assert client.begin(flexible.promote_replica(HERE)).look().outcome is Outcome.DONE


def test_a_write_that_no_resource_shows_is_done_by_the_providers_word_only(server: ArmServer, client: Client) -> None:
    server.always = Reply(200, {"state": "Accepted"})
    write = WRITES["datamigration.complete_database"]
    assert client.begin(write).look().outcome is Outcome.DONE
    assert client.resume(operations.intended(write)).look().outcome is Outcome.UNKNOWN
    server.next.append(Reply(202, {}, {"Azure-AsyncOperation": f"{server.url}{FOLLOW}{SIGNED}"}))
    running = client.begin(write)
    for reply, outcome in (
        (error(503, "x"), Outcome.UNKNOWN),
        (Reply(200, {"status": "InProgress"}), Outcome.UNDER_WAY),
        (error(404, "OperationIdNotFound"), Outcome.UNKNOWN),
    ):
        server.always = reply
        assert running.look().outcome is outcome
    server.next.append(Reply(202, {}, {"Azure-AsyncOperation": f"{server.url}{FOLLOW}{SIGNED}"}))
    running = client.begin(write)
    server.always = Reply(200, {"status": "Succeeded"})
    assert running.look().outcome is Outcome.DONE


@needed
def test_the_recorded_promotion_is_followed_as_recorded(server: ArmServer, client: Client) -> None:
    flow = recorded("azurecli_flexible_replica_create_and_promote")["flows"][1]["exchanges"]
    change = next(one for one in flow if one["method"] == "PATCH")
    begun = WRITES["flexible.promote_replica"]
    assert begun.call.body == change["request"]
    real = change["headers"]["azure-asyncoperation"].partition("management.azure.com")[2]
    followed = next(one for one in flow if "azureAsyncOperation" in one["url"])
    after = flow[-1]["response"]

    def answer(seen: Seen) -> Reply:
        if seen.method == "PATCH":
            return Reply(change["status"], change["response"], {"Azure-AsyncOperation": server.url + real})
        return Reply(200, followed["response"] if "azureAsyncOperation" in seen.path else after)

    server.always = answer
    running = client.begin(begun)
    assert running.kept.operation == GUID
    assert running.look().outcome is Outcome.DONE


@needed
def test_the_recorded_parameter_and_service_parse(server: ArmServer, client: Client) -> None:
    exchanges = recorded("azurecli_flexible_parameter_set")["exchanges"]
    set_to = flexible.set_configuration(HERE, "gtid_mode", "OFF_PERMISSIVE")
    assert set_to.call.body == exchanges[0]["request"]
    server.always = Reply(200, exchanges[2]["response"])
    found = flexible.configuration(client, HERE, "enforce_gtid_consistency")
    assert (found.value, found.dynamic, found.fixed, found.pending_restart) == ("ON", True, False, False)
    exchanges = recorded("azurecliext_dms_service_project")["exchanges"]
    server.always = Reply(200, exchanges[1]["response"])
    assert datamigration.service(client, SERVICE).running is True
    running, succeeded = exchanges[0]["response_sequence"]
    server.always = Reply(200, running)
    assert client.status(server.url) is not None
    seen = client.status(server.url)
    assert seen is not None
    assert seen.outcome is Outcome.UNDER_WAY
    server.always = Reply(200, succeeded)
    seen = client.status(server.url)
    assert seen is not None
    assert seen.outcome is Outcome.DONE
    server.always = Reply(exchanges[3]["status"], None)
    with pytest.raises(Refused, match=r"Tasks_Get for task t1: No words \(HTTP 404\)"):
        datamigration.task(client, SERVICE, "p1", "t1")
