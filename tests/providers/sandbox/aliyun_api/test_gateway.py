"""Signatures and the order of things in front of the products, without HTTP and without servers."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from providers.mysql.endpoint import Secret
from providers.sandbox.aliyun_api.faults import Faults, forbidden, throttled, unavailable
from providers.sandbox.aliyun_api.gateway import Action, Gateway, Product
from providers.sandbox.aliyun_api.signature import Verifier, sign
from providers.sandbox.aliyun_api.stamps import stamp
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.api.http import Reply
from providers.sandbox.api.keys import AccessKey

NOW = 1_790_000_000.0
_nonces = itertools.count()


def gateway() -> tuple[Gateway, list[dict[str, str]]]:
    done: list[dict[str, str]] = []

    def act(given: Any) -> dict[str, Any]:
        done.append(dict(given))
        return {"Answer": given["Name"], "Comment": "fine"}

    product = Product("things", "2020-02-02", "things.aliyuncs.com", {"Do": Action(("Name",), act)})
    return Gateway([product], Verifier(AccessKey("testid", Secret("testsecret")), lambda: NOW), Faults()), done


def signed(secret: str = "testsecret", **changed: str) -> dict[str, str]:
    given = {
        "Action": "Do",
        "Version": "2020-02-02",
        "Format": "JSON",
        "AccessKeyId": "testid",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureVersion": "1.0",
        "SignatureType": "",
        "SignatureNonce": str(next(_nonces)),
        "Timestamp": stamp(NOW),
        "Name": "a b+c~d*ü/&=",
        **changed,
    }
    return {**given, "Signature": sign(secret, "POST", given)}


def code(reply: Reply) -> str:
    return f"{reply.status} {json.loads(reply.content)['Code']}"


def test_the_published_example_of_a_signature() -> None:
    example = {
        "Timestamp": "2016-02-23T12:46:24Z",
        "Format": "XML",
        "AccessKeyId": "testid",
        "Action": "DescribeRegions",
        "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf",
        "Version": "2014-05-26",
        "SignatureVersion": "1.0",
    }
    assert sign("testsecret", "GET", example) == "OLeaidS1JvxuMvnyHOwuJ+uX5qY="


def test_a_signed_call_is_answered_and_noted_without_its_envelope() -> None:
    one, done = gateway()
    reply = one.answer("POST", signed(Password="hidden"))
    assert json.loads(reply.content)["Answer"] == "a b+c~d*ü/&="
    assert done == [{"Name": "a b+c~d*ü/&=", "Password": "hidden"}]
    assert [(call.action, call.parameters, call.outcome, call.lost) for call in one.made.so_far] == [
        ("things:Do", {"Name": "a b+c~d*ü/&=", "Password": "***"}, "", False)
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (signed("another"), "400 SignatureDoesNotMatch"),
        ({**signed(), "Name": "changed on the way"}, "400 SignatureDoesNotMatch"),
        (signed(AccessKeyId="nobody"), "404 InvalidAccessKeyId.NotFound"),
        (signed(Timestamp=stamp(NOW - 901)), "400 InvalidTimeStamp.Expired"),
        (signed(Timestamp=stamp(NOW + 901)), "400 InvalidTimeStamp.Expired"),
        (signed(Timestamp="yesterday"), "400 InvalidTimeStamp.Format"),
        (signed(SignatureMethod="HMAC-MD5"), "400 InvalidParameter"),
        (signed(Action="Undo"), "404 InvalidAction.NotFound"),
        (signed(Version="1999-09-09"), "404 InvalidVersion"),
        (signed(Name=""), "400 MissingName"),
        ({key: value for key, value in signed().items() if key != "Signature"}, "400 MissingSignature"),
    ],
)
def test_what_is_not_in_order_is_refused_and_not_done(given: dict[str, str], expected: str) -> None:
    one, done = gateway()
    assert code(one.answer("POST", given)) == expected
    assert done == []


def test_a_signature_counts_once_and_for_its_method() -> None:
    one, done = gateway()
    given = signed()
    assert code(one.answer("GET", given)) == "400 SignatureDoesNotMatch"
    assert one.answer("POST", given).status == 200
    assert code(one.answer("POST", given)) == "400 SignatureNonceUsed"
    assert len(done) == 1


def test_a_refused_signature_is_told_with_what_was_signed() -> None:
    one, _ = gateway()
    # The SDK takes what comes after the colon, and breaks where there is none.
    assert "server string to sign is:POST&%2F&" in json.loads(one.answer("POST", signed("another")).content)["Message"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (throttled(), "400 Throttling.User"),
        (unavailable("things:*"), "503 ServiceUnavailable"),
        (forbidden("things:Do"), "403 Forbidden.RAM"),
    ],
)
def test_an_error_in_place_of_the_answer(fault: Fault, expected: str) -> None:
    one, done = gateway()
    one.faults.add(fault)
    assert code(one.answer("POST", signed())) == expected
    assert done == []
    assert one.made.so_far[0].outcome == expected.split()[1]


def test_pages_resets_and_failures_inside_a_good_answer() -> None:
    one, done = gateway()
    for fault in (
        Fault(Kind.PAGE, status=502),
        Fault(Kind.DROP),
        Fault(Kind.INSIDE, code="DTS.Msg.X", message="no", status=400),
    ):
        one.faults.add(fault)
    page, dropped, inside = (one.answer("POST", signed()) for _ in range(3))
    assert (page.status, page.headers["Content-Type"], page.content[:6]) == (502, "text/html;charset=utf-8", b"<html>")
    assert dropped.reset
    assert inside.status == 200
    assert json.loads(inside.content)["Success"] is False
    assert json.loads(inside.content)["ErrCode"] == "DTS.Msg.X"
    assert done == []


def test_a_lost_answer_belongs_to_something_that_was_done() -> None:
    one, done = gateway()
    one.faults.add(Fault(Kind.LOSE))
    assert one.answer("POST", signed()).reset
    assert len(done) == 1
    assert (one.made.so_far[0].outcome, one.made.so_far[0].lost) == ("", True)


def test_answers_are_altered_and_held_back() -> None:
    one, _ = gateway()
    one.faults.add(Fault(Kind.ALTER, fields={"Answer": None, "New": 1}, without=("Comment",)))
    one.faults.add(Fault(Kind.SLOW, seconds=2.5))
    altered = json.loads(one.answer("POST", signed()).content)
    assert (altered["Answer"], altered["New"], "Comment" in altered) == (None, 1, False)
    assert one.answer("POST", signed()).after_s == 2.5


def test_a_fault_of_the_simulation_itself_is_an_answer() -> None:
    def act(given: Any) -> dict[str, Any]:
        raise ZeroDivisionError

    product = Product("things", "2020-02-02", "things.aliyuncs.com", {"Do": Action((), act)})
    verifier = Verifier(AccessKey("testid", Secret("testsecret")), lambda: NOW)
    assert code(Gateway([product], verifier, Faults()).answer("POST", signed())) == "500 InternalError"
