"""The bridge itself: listens on one address and gives each replica that logs in a session on the new server."""

from __future__ import annotations

import itertools
import os
import selectors
import socket
import threading
from collections import Counter
from collections.abc import Callable

from providers.mysql.bridge import wire
from providers.mysql.bridge.login import Refused, receive_login
from providers.mysql.bridge.orders import Orders
from providers.mysql.bridge.relay import Forbidden, Relay, Upstream, log_in, tune
from providers.mysql.bridge.wire import Gone, Malformed
from providers.mysql.connection import Timeouts
from providers.mysql.errors import ServerError

# One replica needs one connection, and one more while the source has not noticed yet that the last is dead.
_AT_ONCE = 8
_LOGIN_S = 10.0
_END_S = 5.0
_TIMEOUTS = Timeouts(connect=5.0, answer=10.0)


class CannotListen(Exception):
    """The address cannot be listened on; the sentence says why."""


class Bridge:
    """Serves from `start` until `close`. `say` takes one line for each thing that happens, from any thread."""

    def __init__(self, orders: Orders, say: Callable[[str], None]) -> None:
        self._orders = orders
        self._log = say
        self._said: dict[str, str] = {}
        self._seats = threading.BoundedSemaphore(_AT_ONCE)
        self._numbers = itertools.count(1)
        self._version = ""
        self._replaced: Counter[int] = Counter()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        # Nothing is ever written to it: every thread sees the end of it when the bridge closes.
        self._stop, self._stopper = os.pipe()

    def start(self) -> tuple[str, int]:
        """Prove the login to the new server, and listen.

        Returns:
            The host and port on which the bridge listens.

        Raises:
            ServerError: the new server cannot be logged in to.
            CannotListen: the address is taken, or is not this machine's.
        """
        upstream = log_in(self._orders.new, _TIMEOUTS)
        upstream.sock.close()
        self._version = upstream.version
        host, port = self._orders.host, self._orders.port
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family)
        except OSError as error:
            # A name that cannot be resolved has a number of its own kind, below zero.
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
            raise CannotListen(
                f"The bridge cannot listen on {host}:{port} ({why}); give it an address of this machine and "
                "a port that is free."
            ) from error
        self._begin(lambda: self._accept(listener))
        name = listener.getsockname()
        return str(name[0]), int(name[1])

    def close(self) -> None:
        """Cut every connection and end; replicas find the new server gone, and try again."""
        os.close(self._stopper)
        for thread in self._threads:
            thread.join(_END_S)
        os.close(self._stop)

    @property
    def replaced(self) -> Counter[int]:
        """How often each collation number was replaced, on connections that have ended."""
        with self._lock:
            return Counter(self._replaced)

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        with self._lock:
            self._threads = [known for known in self._threads if known.is_alive()]
            thread.start()
            self._threads.append(thread)

    def _accept(self, listener: socket.socket) -> None:
        with listener, selectors.DefaultSelector() as ready:
            ready.register(self._stop, selectors.EVENT_READ)
            ready.register(listener, selectors.EVENT_READ)
            while all(key.fileobj != self._stop for key, _ in ready.select()):
                self._admit(listener)

    def _admit(self, listener: socket.socket) -> None:
        try:
            sock, address = listener.accept()
        except OSError as error:
            # Gone again already, or no file descriptor left: the next one may fare better.
            self._say("listener", f"a connection could not be taken ({error.strerror})")
            return
        peer = str(address[0])
        if not self._seats.acquire(blocking=False):
            with sock:
                sock.settimeout(1)
                self._say(peer, f"{peer} was turned away: {_AT_ONCE} connections are open already")
                _try_to_tell(sock, 0, wire.TOO_MANY, "Too many connections to the bridge")
            return
        self._begin(lambda: self._serve(sock, peer))

    def _serve(self, sock: socket.socket, peer: str) -> None:
        try:
            with sock:
                self._converse(sock, peer)
        except Refused as refused:
            self._say(peer, f"{peer} was refused as {refused.user!r}: not the account for replication, or its password")
        except Gone:
            self._say(peer, f"{peer} went away before it had logged in")
        except (Malformed, Forbidden) as error:
            self._say(peer, f"{peer} was cut off: it is no replica ({error})")
        except OSError as error:
            self._say(peer, f"the connection of {peer} broke ({error})")
        finally:
            self._seats.release()

    def _converse(self, sock: socket.socket, peer: str) -> None:
        sock.settimeout(_LOGIN_S)
        tune(sock)
        sequence = receive_login(sock, self._orders.new.account, self._version, next(self._numbers) & 0xFFFFFFFF)
        try:
            upstream = log_in(self._orders.new, _TIMEOUTS)
        except ServerError as error:
            self._say(peer, str(error))
            _try_to_tell(sock, sequence, wire.UNKNOWN_ERROR, f"The bridge got no session: {error}")
            return
        with upstream.sock:
            sock.sendall(wire.ok(sequence))
            self._carry(sock, upstream, peer)

    def _carry(self, sock: socket.socket, upstream: Upstream, peer: str) -> None:
        self._version = upstream.version
        tune(upstream.sock)
        self._say(peer, f"{peer} is connected to {self._orders.new.name} ({upstream.version})")
        relay = Relay(sock, upstream.sock, self._orders.collations)
        try:
            relay.run(self._stop)
        finally:
            with self._lock:
                self._replaced.update(relay.replaced)
            counts = ", ".join(f"{old} {times} times" for old, times in sorted(relay.replaced.items()))
            self._say(peer, f"{peer} is no longer connected; collations replaced: {counts or 'none'}")

    def _say(self, about: str, line: str) -> None:
        """Log a line, but not the same again and again: a replica tries once a second."""
        with self._lock:
            if self._said.get(about) == line:
                return
            self._said[about] = line
        self._log(line)


def _try_to_tell(sock: socket.socket, sequence: int, code: int, words: str) -> None:
    try:
        sock.sendall(wire.error(sequence, code, words))
    except OSError:
        # Who does not wait for the reason has closed the connection, which is what the answer is for.
        return
