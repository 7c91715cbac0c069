"""What an operator reads when a call fails."""

from __future__ import annotations

import contextlib
import socket

import pytest

from providers.aliyun import polardb, ram, rds
from providers.aliyun.client import Client
from providers.aliyun.endpoints import everything_at
from providers.aliyun.errors import (
    AliyunError,
    AlreadyExists,
    CredentialsRefused,
    NoAnswer,
    NotFound,
    PermissionMissing,
    Refused,
    Unanswered,
)
from providers.calling.patience import Retry, Timeouts
from tests.providers.aliyun.conftest import REGION, RETRY, TIMEOUTS, credentials
from tests.providers.aliyun.samples import PC, RM
from tests.support.aliyun_http import AliyunServer, Reply, error
from tests.support.listening import LOOPBACK

SWITCH = "ModifyDBClusterMigration"


@pytest.mark.parametrize(
    ("status", "code", "kind", "advice"),
    [
        (400, "EngineMigrationStatus.NotSurpport", Refused, "read the migration's status again"),
        (400, "EngineMigration.NotExist", NotFound, "Check the name and the region"),
        (404, "InvalidDBClusterId.NotFound", NotFound, "Check the name and the region"),
        (404, "EntityNotExist.Role", NotFound, "Check the name"),
        (404, "InvalidAccessKeyId.NotFound", CredentialsRefused, "check the access key"),
        (403, "InvalidAccessKeyId.Inactive", CredentialsRefused, "check the access key"),
        (400, "InvalidSecurityToken.Expired", CredentialsRefused, "may have expired"),
        (400, "InvalidTimeStamp.Expired", CredentialsRefused, "set this machine's clock"),
        (403, "Forbidden.RAM", PermissionMissing, "polardb:ModifyDBClusterMigration"),
        (403, "NoPermission", PermissionMissing, "polardb:ModifyDBClusterMigration"),
        (409, "EntityAlreadyExists.Role.Policy", AlreadyExists, "Use the one that is there"),
        (404, "InvalidAction.NotFound", Refused, "mend what it says"),
        (403, "OperationDenied.LockMode", Refused, "why it is locked"),
        (403, "OperationDenied", Refused, "sold out"),
        (400, "SomethingNew", Refused, "mend what it says and try again"),
    ],
)
def test_a_refusal(
    status: int, code: str, kind: type[AliyunError], advice: str, server: AliyunServer, client: Client
) -> None:
    server.next[SWITCH].append(error(status, code, "Words, as they are."))
    with pytest.raises(AliyunError) as caught:
        client.send(polardb.switch_over(PC, RM))
    found = caught.value
    assert type(found) is kind
    assert (found.code, found.message) == (code, "Words, as they are")
    assert (found.http_status, found.request_id) == (status, "REQ-1")
    sentence = str(found)
    assert sentence.startswith("PolarDB refused ModifyDBClusterMigration for pc-1: Words, as they are (")
    assert f"({code}, HTTP {status}, request REQ-1)" in sentence
    assert advice in sentence
    assert not isinstance(found, PermissionMissing) or found.permission == "polardb:ModifyDBClusterMigration"
    assert server.done == []


def test_what_has_to_be_closed_first(server: AliyunServer, client: Client) -> None:
    server.next["DeleteDBInstance"].append(error(400, "EngineMigration.ActionDisabled"))
    with pytest.raises(Refused, match="complete or cancel the migration first"):
        client.send(rds.delete_instance(RM))


def test_a_wrong_clock(server: AliyunServer, client: Client) -> None:
    server.clock_s = 3600
    with pytest.raises(CredentialsRefused, match="set this machine's clock"):
        polardb.migration(client, PC)


@pytest.mark.parametrize(
    "reply",
    [
        error(400, "SignatureDoesNotMatch", "no colon in here"),
        error(400, "SignatureDoesNotMatch", "Specified signature is not matched. server string to sign is:POST&x"),
    ],
)
def test_a_refused_signature(reply: Reply, server: AliyunServer, client: Client) -> None:
    server.next["GetRole"].append(reply)
    with pytest.raises(CredentialsRefused) as caught:
        ram.find_role(client, "r")
    assert caught.value.code == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "reply",
    [
        error(400, None),
        Reply(400, b'{"code":"lower","message":"case"}'),
        Reply(400, b'["a list"]'),
        Reply(302, b""),
        Reply(400, b"null"),
        Reply(200, b"[1, 2]"),
        Reply(200, b"[" * 100_000),
    ],
    ids=lambda reply: f"{reply.status} {reply.body[:12]!r}",
)
def test_an_answer_of_no_known_form_settles_nothing(reply: Reply, server: AliyunServer, client: Client) -> None:
    server.next["GetRole"].extend([reply] * 3)
    with pytest.raises(NoAnswer, match=r"^RAM gave no usable answer to GetRole for role r, asked 3 times"):
        ram.find_role(client, "r")


def test_words_are_no_terminal_sequences(server: AliyunServer, client: Client) -> None:
    server.next[SWITCH].append(error(400, "Odd\x1b[2J", "clear\x1b[2J\r\nthe screen \x07"))
    with pytest.raises(Refused) as caught:
        client.send(polardb.switch_over(PC, RM))
    assert str(caught.value).isprintable()
    assert caught.value.message == "clear [2J  the screen"
    assert caught.value.code.isprintable()


def test_nobody_listens() -> None:
    with socket.create_server((LOOPBACK, 0)) as closed:
        url = f"http://{LOOPBACK}:{closed.getsockname()[1]}"
    client = Client(everything_at(url, REGION), credentials, RETRY, TIMEOUTS)
    with contextlib.closing(client), pytest.raises(NoAnswer, match="Connection refused"):
        polardb.migration(client, PC)


def test_nobody_answers() -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        url = f"http://{LOOPBACK}:{silent.getsockname()[1]}"
        client = Client(everything_at(url, REGION), credentials, Retry(1), Timeouts(1, 0.2))
        with contextlib.closing(client):
            with pytest.raises(NoAnswer, match="Read timed out"):
                polardb.migration(client, PC)
            with pytest.raises(Unanswered, match="Read timed out"):
                client.send(polardb.switch_over(PC, RM))
