"""The addresses, over small servers that say who they are."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator

import pytest

from providers.sandbox.api.addresses import Addresses, Place


class _Named(socketserver.ThreadingTCPServer):
    daemon_threads = True
    name = b""


class _Echo(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, _Named)
        for line in self.rfile:
            self.wfile.write(server.name + b" " + line)


@contextlib.contextmanager
def named(name: bytes) -> Iterator[Place]:
    with _Named(("127.0.0.1", 0), _Echo) as server:
        server.name = name
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[0], server.server_address[1]  # type: ignore[misc]
        server.shutdown()
        thread.join()


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    one = Addresses()
    yield one
    one.close()


class Client:
    def __init__(self, place: Place) -> None:
        self._socket = socket.create_connection(place, 5)
        self._lines = self._socket.makefile("rb")

    def say(self, word: bytes) -> bytes:
        """The answer; empty where the connection is gone."""
        try:
            self._socket.sendall(word + b"\n")
            return self._lines.readline().strip()
        except OSError:
            return b""

    def close(self) -> None:
        self._lines.close()
        self._socket.close()


def test_an_exchange_happens_at_once_and_cuts_what_led_elsewhere(addresses: Addresses) -> None:
    with named(b"old") as old, named(b"new") as new:
        app, other, untouched = (addresses.open() for _ in range(3))
        assert len({host for host, _ in (app, other, untouched)}) == 3
        addresses.lead({app[0]: old, other[0]: new, untouched[0]: old})
        clients = [Client(one) for one in (app, other, untouched)]
        assert [one.say(b"1") for one in clients] == [b"old 1", b"new 1", b"old 1"]
        addresses.lead({app[0]: new, other[0]: old, untouched[0]: old})
        assert [one.say(b"2") for one in clients] == [b"", b"", b"old 2"]
        again = [Client(one) for one in (app, other)]
        assert [one.say(b"3") for one in again] == [b"new 3", b"old 3"]
        for one in (*clients, *again):
            one.close()


def test_an_address_that_leads_nowhere_resets_and_a_closed_one_refuses(addresses: Addresses) -> None:
    place = addresses.open()
    assert tried(place) == b""
    addresses.lead({place[0]: ("127.0.0.1", 1)})
    assert tried(place) == b""
    addresses.close()
    with pytest.raises(ConnectionRefusedError):
        Client(place)


def tried(place: Place) -> bytes:
    """What a client gets that may not even get its connection."""
    with contextlib.suppress(ConnectionResetError), contextlib.closing(Client(place)) as client:
        return client.say(b"1")
    return b""
