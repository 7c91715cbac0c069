"""What is asked again, what is never sent twice, and what became of a write whose answer was lost."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from providers.aws import instances, snapshots
from providers.aws.access import Access
from providers.aws.client import Client, Landed
from providers.aws.errors import (
    CredentialsRefused,
    NoAnswer,
    NotFound,
    NotSent,
    Throttled,
    Unanswered,
    WrongState,
)
from providers.aws.records import Shape
from providers.sandbox.api.refusals import Refused
from providers.sandbox.aws_api.refusals import instance_exists, no_instance, wrong_state
from tests.providers.aws.answering import DOWN, PAGE, THROTTLED, AwsServer, Cut
from tests.providers.aws.conftest import RETRY, TIMEOUTS

READ, WRITE = "DescribeDBInstances", "CreateDBInstanceReadReplica"
REPLICA = instances.create_replica("m1-r1", "m1", Shape())


def listed(*found: dict[str, Any]) -> dict[str, Any]:
    return {"DBInstances": list(found)}


@pytest.mark.parametrize("trouble", [THROTTLED, DOWN, PAGE, Cut.BEFORE, Cut.AFTER])
def test_a_read_is_asked_again(trouble: Any, server: AwsServer, client: Client) -> None:
    server.answers[READ] = listed({"DBInstanceIdentifier": "m1"})
    server.next[READ].extend([trouble, trouble])
    assert instances.instance(client, "m1").instance_id == "m1"
    assert len(server.seen) == 3


@pytest.mark.parametrize(("trouble", "error"), [(THROTTLED, Throttled), (DOWN, NoAnswer), (PAGE, NoAnswer)])
def test_a_read_is_given_up_at_some_time(
    trouble: Any, error: type[Exception], server: AwsServer, client: Client
) -> None:
    server.next[READ].extend([trouble] * 9)
    with pytest.raises(error):
        instances.instance(client, "m1")
    assert len(server.seen) == 3


def test_a_no_is_not_asked_again(server: AwsServer, client: Client) -> None:
    server.next[READ].append(no_instance("m1"))
    with pytest.raises(NotFound) as caught:
        instances.instance(client, "m1")
    assert len(server.seen) == 1
    assert (caught.value.code, caught.value.http_status) == ("DBInstanceNotFound", 404)
    assert "DBInstance m1 not found" in str(caught.value)
    assert caught.value.request_id


def test_pages_are_followed_to_the_end(server: AwsServer, client: Client) -> None:
    pages = {None: (listed({"DBInstanceIdentifier": "a"}), "2"), "2": (listed({"DBInstanceIdentifier": "b"}), None)}

    def answer(request: Any) -> dict[str, Any]:
        body, marker = pages[request.parameters.get("Marker")]
        return {**body, "Marker": marker} if marker else body

    server.answers[READ] = answer
    assert [one.instance_id for one in instances.instances(client)] == ["a", "b"]


def test_a_list_that_never_ends_is_no_answer(server: AwsServer, client: Client) -> None:
    server.answers[READ] = {**listed({"DBInstanceIdentifier": "a"}), "Marker": "again"}
    with pytest.raises(NoAnswer):
        instances.instances(client)


def test_a_throttled_write_is_sent_again(server: AwsServer, client: Client) -> None:
    server.next[WRITE].append(THROTTLED)
    server.answers[WRITE] = {"DBInstance": {"DBInstanceIdentifier": "m1-r1"}}
    assert client.send(REPLICA).instance_id == "m1-r1"
    assert server.done == [WRITE]


@pytest.mark.parametrize("trouble", [DOWN, PAGE, Cut.BEFORE, Cut.AFTER])
def test_a_write_of_unknown_outcome_is_sent_once(trouble: Any, server: AwsServer, client: Client) -> None:
    server.next[WRITE].append(trouble)
    with pytest.raises(Unanswered) as caught:
        client.send(REPLICA)
    assert [one.action for one in server.seen] == [WRITE]
    assert "unknown" in str(caught.value)


@pytest.mark.parametrize(
    ("there", "landed"),
    [
        (listed({"DBInstanceIdentifier": "m1-r1", "ReadReplicaSourceDBInstanceIdentifier": "m1"}), Landed.DONE),
        (listed({"DBInstanceIdentifier": "m1-r1"}), Landed.NOT_DONE),
        (no_instance("m1-r1"), Landed.NOT_DONE),
        (DOWN, Landed.UNKNOWN),
    ],
)
def test_a_lost_answer_is_settled_by_looking(there: Any, landed: Landed, server: AwsServer, client: Client) -> None:
    server.next[WRITE].append(Cut.AFTER)
    if isinstance(there, Refused):
        server.next[READ].extend([there] * 99)
    else:
        server.answers[READ] = there
    outcome = client.carry_out(REPLICA)
    assert (outcome.landed, outcome.result) == (landed, None)
    assert isinstance(outcome.error, Unanswered)
    assert [one.action for one in server.seen].count(WRITE) == 1


def test_what_exists_already_counts_as_done_only_if_it_is_what_was_wanted(server: AwsServer, client: Client) -> None:
    for source, landed in (("m1", Landed.DONE), ("other", Landed.NOT_DONE)):
        server.next[WRITE].append(instance_exists("m1-r1"))
        server.answers[READ] = listed(
            {"DBInstanceIdentifier": "m1-r1", "ReadReplicaSourceDBInstanceIdentifier": source}
        )
        assert client.carry_out(REPLICA).landed is landed


def test_a_refused_write_is_not_done(server: AwsServer, client: Client) -> None:
    server.next["PromoteReadReplica"].append(wrong_state("The DB instance is being backed up."))
    outcome = client.carry_out(instances.promote("m1-r1", 7))
    assert (outcome.landed, type(outcome.error)) == (Landed.NOT_DONE, WrongState)


@pytest.mark.parametrize(
    ("there", "landed"),
    [
        ({"DBInstanceStatus": "available", "ReadReplicaSourceDBInstanceIdentifier": "m1"}, Landed.NOT_DONE),
        ({"DBInstanceStatus": "modifying", "ReadReplicaSourceDBInstanceIdentifier": "m1"}, Landed.UNKNOWN),
        ({"DBInstanceStatus": "rebooting"}, Landed.DONE),
    ],
)
def test_a_promotion_under_way_is_neither_done_nor_not(
    there: dict[str, str], landed: Landed, server: AwsServer, client: Client
) -> None:
    server.next["PromoteReadReplica"].append(Cut.AFTER)
    server.answers[READ] = listed({"DBInstanceIdentifier": "m1-r1", **there})
    assert client.carry_out(instances.promote("m1-r1", 7)).landed is landed


def test_a_deleted_snapshot_is_done_when_it_is_gone(server: AwsServer, client: Client) -> None:
    server.next["DeleteDBSnapshot"].append(Cut.AFTER)
    server.next["DescribeDBSnapshots"].append(Refused(404, "DBSnapshotNotFound", "gone"))
    assert client.carry_out(snapshots.delete("s")).landed is Landed.DONE


def test_what_cannot_be_sent_is_not_done(server: AwsServer) -> None:
    access = server.access
    closed = Access(access.region, endpoint="http://127.0.0.1:1", key=access.key)
    with contextlib.closing(Client(closed, RETRY, TIMEOUTS)) as nowhere:
        with pytest.raises(NotSent) as caught:
            nowhere.send(REPLICA)
        assert "Nothing was changed" in str(caught.value)
        assert nowhere.carry_out(REPLICA).landed is Landed.NOT_DONE


def test_what_the_sdk_does_not_take_is_not_sent(server: AwsServer, client: Client) -> None:
    wrong = instances.create_replica("m1-r1", "m1", Shape(iops="many"))  # type: ignore[arg-type]
    with pytest.raises(NotSent):
        client.send(wrong)
    assert server.seen == []


def test_expired_credentials_are_read_again_with_the_next_call(
    server: AwsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOLDOLDOLDOLDOLD1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "old")
    access = Access(server.access.region, endpoint=server.access.endpoint)
    with contextlib.closing(Client(access, RETRY, TIMEOUTS)) as client:
        with pytest.raises(CredentialsRefused) as caught:
            instances.instances(client)
        assert caught.value.code == "InvalidClientTokenId"
        assert server.access.key
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", server.access.key.id.reveal())
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", server.access.key.secret.reveal())
        server.answers[READ] = listed()
        assert instances.instances(client) == ()
