"""The server over its own sockets, and the way in for tests beside it."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from providers.mysql.endpoint import Secret
from providers.sandbox.api import control
from providers.sandbox.api.calls import Call
from providers.sandbox.api.clock import Clock
from providers.sandbox.api.control import Control, ControlRefused
from providers.sandbox.api.faults import Fault, Faults, Kind
from providers.sandbox.api.http import ApiServer, Reply, Request

CALLS = [Call("things:Do", {"Name": "ü"}, "", lost=False)]


@dataclass
class Running:
    server: ApiServer
    seen: list[Request]
    faults: Faults
    clock: Clock

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self.server.address, timeout=5)

    @property
    def control(self) -> Control:
        return Control(*self.server.address, self.server.control_token)


@pytest.fixture
def running() -> Iterator[Running]:
    seen: list[Request] = []
    faults, clock = Faults(), Clock()

    def answer(request: Request) -> Reply:
        seen.append(request)
        return Reply(202, b"done", {"Content-Type": "text/plain", "X-Own": "1"})

    orders = control.common(faults, clock, lambda: CALLS)
    server = ApiServer(answer, lambda order: control.carry_out(order, orders))
    yield Running(server, seen, faults, clock)
    server.close()


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "POST", "DELETE"])
def test_a_request_arrives_as_it_was_sent_and_the_reply_as_it_was_made(running: Running, method: str) -> None:
    connection = running.connect()
    connection.request(method, "/a%20b?c=d", "ü".encode(), {"X-Asked": "yes"})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["X-Own"], answer.read()) == (202, "1", b"done")
    connection.close()
    host, port = running.server.address
    [request] = running.seen
    assert (request.method, request.target, request.body) == (method, "/a%20b?c=d", "ü".encode())
    assert (request.headers["x-asked"], request.base) == ("yes", f"http://{host}:{port}")


def test_nothing_is_answered_after_the_end_on_a_connection_that_was_kept_open(running: Running) -> None:
    connection = running.connect()
    connection.request("POST", "/", b"first")
    assert connection.getresponse().read() == b"done"
    running.server.close()
    with pytest.raises(ConnectionError):
        exchange(connection)
    assert [request.body for request in running.seen] == [b"first"]
    connection.close()


def exchange(connection: http.client.HTTPConnection) -> None:
    connection.request("POST", "/", b"second")
    connection.getresponse()


def test_a_body_that_is_too_large_is_refused_unread(running: Running) -> None:
    connection = running.connect()
    connection.putrequest("POST", "/")
    connection.putheader("Content-Length", str(1 << 30))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()
    assert running.seen == []


def test_the_control_path_is_for_its_owner_and_knows_its_orders(running: Running) -> None:
    running.control.add(Fault(Kind.DROP))
    with pytest.raises(ControlRefused, match="token"):
        replace(running.control, token=Secret("guessed")).clear()
    assert running.faults.take("things:Do") == Fault(Kind.DROP)
    with pytest.raises(ControlRefused, match="no order 'dance'"):
        running.control._ask({"do": "dance"})
    with pytest.raises(ControlRefused, match="KeyError: 'fault'"):
        running.control._ask({"do": "fault"})
    before = running.clock.now()
    running.control.advance(3600)
    assert running.clock.now() - before >= 3600
    assert [Call(**one) for one in running.control._ask({"do": "calls"})] == CALLS
    running.control.add(Fault(Kind.DROP))
    running.control.clear()
    assert running.faults.take("things:Do") is None
    assert running.seen == []
