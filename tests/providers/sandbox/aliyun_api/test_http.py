"""The HTTP server and the control path, with Alibaba Cloud's SDK as the client and a product of our own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from aliyunsdkcore.acs_exception.exceptions import ClientException, ServerException
from aliyunsdkcore.client import AcsClient
from aliyunsdkcore.request import CommonRequest

from providers.mysql.endpoint import Secret
from providers.sandbox.aliyun_api import control
from providers.sandbox.aliyun_api.control import Control
from providers.sandbox.aliyun_api.faults import Faults, throttled
from providers.sandbox.aliyun_api.gateway import Action, Gateway, Product
from providers.sandbox.aliyun_api.signature import Verifier
from providers.sandbox.api.clock import Clock
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.api.http import ApiServer
from providers.sandbox.api.keys import AccessKey

KEY = AccessKey("LTAIsandbox", Secret("a secret"))


@dataclass
class Running:
    url: str
    control: Control
    done: list[str]

    def call(self, method: str = "POST", secret: str = "a secret", word: str = "ü &+~\n", patience_s: float = 5) -> Any:
        client = AcsClient(
            KEY.id, secret, "cn-hangzhou", auto_retry=False, timeout=patience_s, proxy={"http": None, "https": None}
        )
        request = CommonRequest(domain=self.url, version="2020-02-02", action_name="Do", product="things")
        request.set_method(method)
        add: Callable[[str, str], None] = request.add_body_params if method == "POST" else request.add_query_param
        add("Word", word)
        return client.do_action_with_exception(request)


@pytest.fixture
def running() -> Iterator[Running]:
    done: list[str] = []

    def act(given: Any) -> dict[str, Any]:
        done.append(given["Word"])
        return {"Word": given["Word"]}

    faults, clock = Faults(), Clock()
    products = [Product("things", "2020-02-02", "things.aliyuncs.com", {"Do": Action(("Word",), act)})]
    gateway = Gateway(products, Verifier(KEY, time.time), faults)
    server = ApiServer(gateway.serve, lambda order: control.carry_out(order, gateway, faults, clock))
    host, port = server.address
    yield Running(f"http://{host}:{port}", Control(host, port, server.control_token), done)
    server.close()


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_the_sdk_is_understood_in_query_and_body(running: Running, method: str) -> None:
    assert json.loads(running.call(method))["Word"] == "ü &+~\n"
    with pytest.raises(ServerException) as caught:
        running.call(method, secret="another")
    assert caught.value.get_error_code() == "SignatureDoesNotMatch"


def test_a_lost_answer_and_a_dropped_call_look_the_same_to_the_sdk_and_are_not(running: Running) -> None:
    for kind, count in ((Kind.LOSE, 1), (Kind.DROP, 1)):
        running.control.add(Fault(kind, "things:Do"))
        with pytest.raises(ClientException) as caught:
            running.call()
        assert caught.value.get_error_code() == "SDK.HttpError"
        assert len(running.done) == count
    assert [(call.action, call.outcome, call.lost) for call in running.control.calls()] == [
        ("things:Do", "", True),
        ("things:Do", "dropped", True),
    ]


def test_errors_pages_and_failures_inside_reach_the_sdk_as_the_clouds_do(running: Running) -> None:
    running.control.add(throttled())
    with pytest.raises(ServerException) as caught:
        running.call()
    error = caught.value
    assert (error.get_http_status(), error.get_error_code()) == (400, "Throttling.User")
    assert error.get_request_id()
    running.control.add(Fault(Kind.PAGE, status=502))
    with pytest.raises(ServerException) as caught:
        running.call()
    assert (caught.value.get_http_status(), caught.value.get_error_code()) == (502, "SDK.UnknownServerError")
    running.control.add(Fault(Kind.INSIDE, code="DTS.Msg.X", message="no"))
    assert json.loads(running.call())["ErrCode"] == "DTS.Msg.X"


def test_a_slow_answer_outlasts_the_sdks_patience_and_holds_nobody_else_up(running: Running) -> None:
    running.control.add(Fault(Kind.SLOW, seconds=600))
    with pytest.raises(ClientException) as caught:
        running.call(patience_s=0.2)
    assert caught.value.get_error_code() == "SDK.HttpError"
    assert len(running.done) == 1
    assert json.loads(running.call(word="other"))["Word"] == "other"
