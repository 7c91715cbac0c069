"""What is sent again, and what never is."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from providers.aliyun import dts, polardb, ram, rds
from providers.aliyun.client import Client
from providers.aliyun.errors import AliyunError, NoAnswer, Refused, Throttled, Unanswered
from providers.aliyun.polardb_records import NewCluster
from tests.providers.aliyun.samples import PC, RM, WRITES
from tests.support.aliyun_http import (
    DOWN,
    GATEWAY,
    THROTTLED,
    AliyunServer,
    Cut,
    Reply,
    error,
    signature,
    string_to_sign,
)

MIGRATION = "DescribeDBClusterMigration"
SWITCH = "ModifyDBClusterMigration"
CREATE = "CreateDBCluster"
GARBAGE = Reply(200, b"<html>login to the network first</html>")
TRUNCATED = Reply(200, b'{"RequestId":"R","MigrationStatus":"RDS2POL')
UNREADABLE = Reply(500, b"\xff\xfe no text")
A_NUMBER = Reply(500, b"5")
NO_ANSWERS = [
    DOWN,
    error(500, "SomethingNew"),
    GATEWAY,
    GARBAGE,
    TRUNCATED,
    UNREADABLE,
    A_NUMBER,
    Cut.BEFORE,
    Cut.AFTER,
]
TRANSIENT = [*NO_ANSWERS, THROTTLED, Reply(429, b"")]
ORDER = polardb.create_cluster(NewCluster("token-1", RM, "8.0"))
WITHOUT_TOKEN = {name: write for name, write in WRITES.items() if not write.repeatable}


@pytest.mark.parametrize("trouble", TRANSIENT, ids=str)
def test_a_read_is_asked_again(trouble: Reply | Cut, server: AliyunServer, client: Client) -> None:
    server.answers[MIGRATION] = {"MigrationStatus": "SWITCHING"}
    server.next[MIGRATION].extend([trouble, trouble])
    assert polardb.migration(client, PC).status == "SWITCHING"
    assert len(server.seen) == 3


@pytest.mark.parametrize("trouble", TRANSIENT, ids=str)
def test_a_read_is_given_up(trouble: Reply | Cut, server: AliyunServer, client: Client) -> None:
    server.next[MIGRATION].extend([trouble] * 9)
    with pytest.raises((NoAnswer, Throttled)) as caught:
        polardb.migration(client, PC)
    assert len(server.seen) == 3
    assert isinstance(caught.value, Throttled) is (trouble in (THROTTLED, TRANSIENT[-1]))
    assert PC in str(caught.value)


def test_a_refused_read_is_not_repeated(server: AliyunServer, client: Client) -> None:
    server.next[MIGRATION].extend([error(400, "InvalidParameter")] * 2)
    with pytest.raises(Refused):
        polardb.migration(client, PC)
    assert len(server.seen) == 1


@pytest.mark.parametrize("trouble", NO_ANSWERS, ids=str)
@pytest.mark.parametrize("name", [SWITCH, "DeleteDBInstance"])
def test_a_write_without_an_answer_is_sent_once(
    name: str, trouble: Reply | Cut, server: AliyunServer, client: Client
) -> None:
    write = polardb.switch_over(PC, RM) if name == SWITCH else rds.delete_instance(RM)
    server.next[name].append(trouble)
    with pytest.raises(Unanswered, match="Read its state back before sending it again"):
        client.send(write)
    assert len(server.seen) == 1


@pytest.mark.parametrize("name", WITHOUT_TOKEN)
def test_no_write_without_a_token_is_ever_sent_twice(name: str, server: AliyunServer, client: Client) -> None:
    write = WITHOUT_TOKEN[name]
    for trouble in (Cut.AFTER, THROTTLED, DOWN):
        server.next[write.call.action.name].append(trouble)
        with pytest.raises(AliyunError):
            client.send(write)
    assert len(server.seen) == 3
    assert server.done == [write.call.action.name]


def test_a_kept_connection_that_ends_does_not_repeat_a_write(server: AliyunServer, client: Client) -> None:
    polardb.migration(client, PC)
    server.next[SWITCH].append(Cut.AFTER)
    with pytest.raises(Unanswered):
        client.send(polardb.switch_over(PC, RM))
    assert [request.action for request in server.seen] == [MIGRATION, SWITCH]


def test_a_throttled_write_was_not_done(server: AliyunServer, client: Client) -> None:
    server.next[SWITCH].append(THROTTLED)
    with pytest.raises(Throttled) as caught:
        client.send(polardb.switch_over(PC, RM))
    assert caught.value.code == "Throttling.User"
    assert server.done == []


@pytest.mark.parametrize("trouble", TRANSIENT, ids=str)
def test_a_write_with_a_token_is_sent_again_with_the_same(
    trouble: Reply | Cut, server: AliyunServer, client: Client
) -> None:
    server.answers[CREATE] = {"DBClusterId": PC}
    server.next[CREATE].append(trouble)
    assert client.send(ORDER).cluster_id == PC
    assert [request.body["ClientToken"] for request in server.seen] == ["token-1"] * 2


def test_an_order_without_an_answer_stays_of_unknown_outcome(server: AliyunServer, client: Client) -> None:
    server.next[CREATE].extend([Cut.AFTER] * 3)
    with pytest.raises(Unanswered):
        client.send(ORDER)
    assert len(server.seen) == 3


def test_a_repetition_that_is_refused_does_not_make_the_first_undone(server: AliyunServer, client: Client) -> None:
    server.next[CREATE].extend([Cut.AFTER, error(403, "QuotaExceeded.CreateDBCluster")])
    with pytest.raises(Unanswered, match=r"QuotaExceeded\.CreateDBCluster"):
        client.send(ORDER)
    assert server.done == [CREATE]


def test_nothing_is_sent_before_a_write_is(server: AliyunServer, client: Client) -> None:
    shown = polardb.switch_over(PC, RM).shown()
    assert shown.splitlines() == [
        "polardb 2017-08-01 ModifyDBClusterMigration",
        "  DBClusterId=pc-1",
        "  SourceRDSDBInstanceId=rm-1",
        "  NewMasterInstanceId=pc-1",
        "  SwapConnectionString=false",
    ]
    assert server.seen == []


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (
            {"Success": False, "ErrCode": "InvalidJobStatus", "ErrMessage": "The job is %s.", "DynamicMessage": "down"},
            Refused,
        ),
        ({"Success": "false", "ErrCode": "Forbidden.InstanceNotFound", "ErrMessage": "x"}, Refused),
        ({"Success": False, "ErrCode": "InternalError", "HttpStatusCode": 500}, Unanswered),
        ({"Success": "False", "ErrMessage": "no code at all"}, Unanswered),
        ({}, Unanswered),
    ],
)
def test_an_error_of_dts_inside_200(
    content: dict[str, object], kind: type[AliyunError], server: AliyunServer, client: Client
) -> None:
    server.answers["ModifyDtsJob"] = content
    with pytest.raises(kind) as caught:
        client.send(dts.replace_objects("dts1", "job1", {}))
    assert caught.value.code == content.get("ErrCode", "")
    if "DynamicMessage" in content:
        assert caught.value.message == "The job is down"
    assert len(server.seen) == 1


def test_a_dts_read_that_fails_inside_200_is_asked_again(server: AliyunServer, client: Client) -> None:
    answers = iter([{"Success": False, "ErrCode": "InternalError"}, {"Success": True, "Status": "synchronizing"}])
    server.answers["DescribeDtsJobDetail"] = lambda _: next(answers)
    assert dts.job(client, "job1").status == "synchronizing"


def test_many_threads_share_a_client(server: AliyunServer, client: Client) -> None:
    server.answers["GetRole"] = lambda seen: {"Role": {"RoleName": seen.body["RoleName"]}}
    wrong: list[str] = []

    def ask(number: int) -> Callable[[], None]:
        def run() -> None:
            for turn in range(5):
                role = ram.find_role(client, f"role-{number}-{turn}")
                if role is None or role.name != f"role-{number}-{turn}":
                    wrong.append(f"{number}-{turn}: {role}")

        return run

    threads = [threading.Thread(target=ask(number)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(server.seen) == 40


def test_the_servers_signature_is_the_published_one() -> None:
    request = {
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "Format": "XML",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "SignatureVersion": "1.0",
        "Timestamp": "2016-02-23T12:46:24Z",
        "Version": "2014-05-26",
    }
    assert signature(string_to_sign("GET", request), "testsecret") == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="
