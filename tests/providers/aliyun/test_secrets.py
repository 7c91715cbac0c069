"""No secret gets into an exception, a log, an output or an address."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import traceback
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from providers.aliyun import dts, polardb
from providers.aliyun.client import Client
from providers.aliyun.credentials import Credentials, from_texts
from providers.aliyun.endpoints import everything_at
from providers.aliyun.errors import AliyunError, CredentialsRefused
from providers.calling.redaction import redact
from providers.mysql.endpoint import Account, Secret
from tests.providers.aliyun.conftest import REGION, RETRY, TIMEOUTS
from tests.support.aliyun_http import DOWN, KEY, SECRET, TOKEN, AliyunServer, Cut, Reply, error
from tests.support.listening import LOOPBACK

PASSWORD = "p&ss=word+~/ä"
MOVE = dts.Move("j", dts.End.SOURCE, "polardb", "pc-1", Account("app", Secret(PASSWORD)))
ACTION = "ModifyDtsJobEndpoint"


def forms() -> set[str]:
    plain = {KEY, SECRET, TOKEN, PASSWORD, "WRONG-" + SECRET}
    once = {encode(value) for value in plain for encode in (quote, quote_plus, lambda value: quote(value, safe=""))}
    return plain | once | {quote(value, safe="") for value in once}


def assert_clean(text: str) -> None:
    assert not [form for form in forms() if form in text], text
    assert "Signature=" not in text.replace("Signature=***", "")


def with_token(secret: str = SECRET) -> Credentials:
    return from_texts(KEY, secret, TOKEN, "test")


ECHO = error(400, "InvalidParameter", f"AccessKeyId={KEY} with {SECRET} and {quote_plus(TOKEN)}")
ON_BOTH: list[Reply | Cut | str] = [Cut.BEFORE, Cut.AFTER, DOWN, ECHO, "nobody listens", "wrong secret"]
ON_A_WRITE = [
    error(400, "InvalidParameter", f"Password={PASSWORD}"),
    error(400, PASSWORD, PASSWORD),
    Reply(200, json.dumps([PASSWORD, SECRET]).encode()),
    Reply(500, f"<html>{quote_plus(PASSWORD)} {quote_plus(TOKEN)}</html>".encode()),
]


def read(client: Client) -> None:
    dts.job(client, "j")


def write(client: Client) -> None:
    client.send(dts.move_endpoint(MOVE))


@pytest.mark.parametrize(
    ("act", "trouble"),
    [(act, trouble) for act in (read, write) for trouble in ON_BOTH] + [(write, trouble) for trouble in ON_A_WRITE],
    ids=lambda value: getattr(value, "__name__", str(value))[:40],
)
def test_no_failure_shows_a_secret(
    act: Callable[[Client], None],
    trouble: Reply | Cut | str,
    server: AliyunServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DEBUG", "sdk")
    caplog.set_level(logging.DEBUG)
    server.token = TOKEN
    url, secret = server.url, SECRET
    if trouble == "wrong secret":
        secret = "WRONG-" + SECRET
    elif trouble == "nobody listens":
        with socket.create_server((LOOPBACK, 0)) as closed:
            url = f"http://{LOOPBACK}:{closed.getsockname()[1]}"
    elif isinstance(trouble, Reply | Cut):
        for action in (ACTION, "DescribeDtsJobDetail"):
            server.next[action].extend([trouble] * 5)
    client = Client(everything_at(url, REGION), lambda: with_token(secret), RETRY, TIMEOUTS)
    with contextlib.closing(client), pytest.raises(AliyunError) as caught:
        act(client)
    found = caught.value
    assert_clean("".join(traceback.format_exception(found)))
    assert_clean(repr((found, found.args, found.code, found.message, found.request_id)))
    assert found.__context__ is None
    assert caplog.records == []
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")


def test_secrets_travel_in_the_body(server: AliyunServer, client: Client) -> None:
    server.answers[ACTION] = {"Success": True}
    client.send(dts.move_endpoint(MOVE))
    assert server.seen[0].body["Password"] == PASSWORD
    assert PASSWORD not in server.seen[0].query.values()


def test_nothing_that_is_shown_holds_a_secret() -> None:
    move = dts.move_endpoint(MOVE)
    assert "  Password=***" in move.shown().splitlines()
    for shown in (move.shown(), repr(move), repr(with_token()), str(with_token()), f"{MOVE}"):
        assert_clean(shown)


def test_a_wrong_key_is_told_from_a_missing_answer(server: AliyunServer) -> None:
    wrong = Client(everything_at(server.url, REGION), lambda: with_token("WRONG"), RETRY, TIMEOUTS)
    with contextlib.closing(wrong), pytest.raises(CredentialsRefused, match="check the access key"):
        polardb.migration(wrong, "pc-1")


def test_keys_of_the_environment_do_not_take_the_place_of_those_given(
    server: AliyunServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_ID", "somebody")
    monkeypatch.setenv("ALIYUN_ACCESS_KEY_SECRET", "else")
    server.token = TOKEN
    with contextlib.closing(Client(everything_at(server.url, REGION), with_token, RETRY, TIMEOUTS)) as client:
        polardb.migration(client, "pc-1")
    assert [request.query["SecurityToken"] for request in server.seen] == [TOKEN]


def test_renewed_keys_are_used_at_once(server: AliyunServer) -> None:
    server.token = "second"
    held = ["first"]
    source = lambda: from_texts(KEY, SECRET, held[0], "test")  # noqa: E731
    with contextlib.closing(Client(everything_at(server.url, REGION), source, RETRY, TIMEOUTS)) as client:
        with pytest.raises(CredentialsRefused, match="expired"):
            polardb.migration(client, "pc-1")
        held[0] = "second"
        polardb.migration(client, "pc-1")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("GET /?AccessKeyId=LTAI1&Signature=a%2Fb%3D&x=1", "GET /?AccessKeyId=***&Signature=***&x=1"),
        ("POST&%2F&AccessKeyId%3DLTAI%26Password%3Dpw%26Z%3D1", "POST&%2F&AccessKeyId%3D***%26Password%3D***%26Z%3D1"),
        ('{"AccessKeySecret": "a\\"b", "x": "y"}', '{"AccessKeySecret": "***", "x": "y"}'),
        ("server string to sign is:POST&all\nof it", "server string to sign is:***"),
        ("SecurityToken='CAIS' and so on", "SecurityToken=*** and so on"),
        ("post&%2f&accesskeyid%3dLTAI%26z%3d1", "post&%2f&accesskeyid%3d***%26z%3d1"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_secret(text: str, expected: str) -> None:
    assert redact(text) == expected


def test_a_secret_inside_another_leaves_nothing_behind() -> None:
    assert redact("abcdef abc", (Secret("abc"), Secret("abcdef"), Secret(""))) == "*** ***"
