"""The workload's clients: applications that follow the endpoint, and one watcher a server."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

import pymysql

from providers.mysql.endpoint import Account, Endpoint
from providers.sandbox import shop
from providers.sandbox.figures import Recorder
from providers.sandbox.launcher import connect

# Fenced: read_only and super_read_only, a read-only transaction, replication's own refusal.
FENCED = frozenset({1290, 1836, 1792, 3100})
# Gone or going: connection errors, shutdown, killed (MariaDB 1927), locked account (MySQL 3118, MariaDB 4151).
GONE = frozenset(
    {0, 1040, 1045, 1053, 1152, 1158, 1159, 1160, 1161, 1927, 2002, 2003, 2006, 2013, 2014, 2055, 3118, 3169, 4151}
)
# The database is not there yet, or not to be seen.
NOT_YET = frozenset({1044, 1049, 1142, 1146})
_DUPLICATE = 1062
_CLIENT_BITS = 40
_PINNED_BASE = 1_000
_TICK_S = 0.002
_AWAY_S = 0.05
_WRITE_EVERY = 5
_KINDS = 10
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.0005, 0.02
_STATEMENT_S = 10.0


class Outcome(Enum):
    """What a write came to."""

    DONE = "done"
    FENCED = "fenced"
    GONE = "gone"
    AGAIN = "again"


@dataclass(frozen=True)
class ShopSize:
    """How many customers and products there are to write orders for; `clients` share the customers among them."""

    customers: int
    products: int
    clients: int = 1

    def customer(self, client: int, count: int) -> int:
        """The customer for the `count`-th unit of work of a client: no two clients have one in common.

        So application servers that write on two sides do not change one row on both at once. A client's own come in
        turn, each after as long as possible.
        """
        own = max(1, self.customers // self.clients)
        return (count // _KINDS % own * self.clients + client - 1) % self.customers + 1


class Control:
    """What all clients obey."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.running = threading.Event()
        self.pausing = threading.Event()
        self.armed = threading.Event()
        self.give_up_at = float("inf")

    def start(self) -> None:
        """Let the clients write."""
        self.give_up_at = float("inf")
        self.pausing.clear()
        self.running.set()

    def pause(self, within_s: float) -> None:
        """Let the clients end what they have begun, for at most `within_s`, and begin nothing new."""
        self.give_up_at = time.monotonic() + within_s
        self.running.clear()
        self.pausing.set()

    @property
    def must_give_up(self) -> bool:
        """Whether an unfinished write has to wait for the resume."""
        return self.stopping.is_set() or time.monotonic() > self.give_up_at


def wait_parked(clients: Sequence[Follower | Pinned], deadline: float) -> int:
    """Wait until every client rests; how many still had something unfinished when they did."""
    for client in clients:
        client.parked.wait(max(0.0, deadline - time.monotonic()))
    return sum(client.unfinished or not client.parked.is_set() for client in clients)


Connection: TypeAlias = "pymysql.Connection[pymysql.cursors.Cursor]"
Find = Callable[[Connection], int]


class Session:
    """A connection that is opened when it is needed and dropped when it fails.

    `server` is the number of the server at its other end. Where the address may lead to one or the other, `find`
    tells it for each new connection, and `server` is that of the latest. `host`: the loopback host that the server
    sees, None for the usual one.
    """

    def __init__(
        self, endpoint: Endpoint, account: Account, server: int = 0, find: Find | None = None, host: str | None = None
    ) -> None:
        self.server = server
        self.host = host
        self.place = (endpoint.host, endpoint.port)
        self._endpoint = Endpoint(endpoint.name, endpoint.host, endpoint.port, account)
        self._find = find
        self._connection: Connection | None = None

    def open(self) -> Connection:
        """The connection, opened now if it is not; raises what PyMySQL raises."""
        if self._connection is None:
            made = connect(self._endpoint, coming_from=self.host)
            if self._find is not None:
                try:
                    self.server = self._find(made)
                except (pymysql.err.Error, OSError):
                    made._force_close()  # type: ignore[attr-defined]
                    raise
            self._connection = made
        return self._connection

    def drop(self) -> None:
        """Close the connection without a word to the server."""
        if self._connection is not None:
            self._connection._force_close()  # type: ignore[attr-defined]
            self._connection = None

    def try_open(self) -> None:
        """Open the connection ahead of need; a server that is away is tried again when needed."""
        try:
            self.open()
        except (pymysql.err.Error, OSError):
            self.drop()


class Follower(threading.Thread):
    """An application's client: writes at its rate, on the server that takes its writes.

    A unit of work that is refused, or whose answer is lost, is tried again under the same ledger id, by the
    next of the sessions if that may be used, until it is acknowledged.
    """

    def __init__(
        self,
        number: int,
        sessions: Sequence[Session],
        period_s: float,
        size: ShopSize,
        control: Control,
        recorder: Recorder,
    ) -> None:
        super().__init__(name=f"follower {number}", daemon=True)
        self.unfinished = False
        self.parked = threading.Event()
        self._number = number
        self._sessions = list(sessions)
        self._place = 0
        self._period_s = period_s
        self._size = size
        self._control = control
        self._recorder = recorder
        self._count = 0
        self._committing = False
        self._other: Session | None = None
        self._turned = threading.Event()

    @property
    def server(self) -> int:
        """The number of the server on which it writes."""
        return self._sessions[self._place].server

    @property
    def place(self) -> tuple[str, int]:
        """Host and port that it was given."""
        return self._sessions[self._place].place

    def run(self) -> None:
        """Write until told to stop."""
        self._sessions[0].try_open()
        due = time.monotonic() + self._period_s
        while not self._control.stopping.is_set():
            if not self._control.running.is_set():
                self.parked.set()
                self._control.running.wait()
                self.parked.clear()
                due = time.monotonic()
                continue
            if not self.unfinished:
                self._control.pausing.wait(max(0.0, due - time.monotonic()))
                # A client that fell behind does not catch up in a burst.
                due = max(due + self._period_s, time.monotonic())
                if not self._control.running.is_set():
                    continue
                self._count += 1
            self.unfinished = not self._write()
        for session in self._sessions:
            session.drop()

    def open_other(self) -> None:
        """Open the connection to the target ahead of the switch."""
        self._sessions[1].try_open()

    def learn(self, session: Session) -> None:
        """Use this session in turn with the first."""
        self._sessions = [self._sessions[0], session]

    def move(self, session: Session) -> None:
        """Use this session and no other; only while it rests."""
        before, self._sessions, self._place = self._sessions, [session], 0
        for one in before:
            one.drop()

    def turn(self, session: Session, within_s: float) -> bool:
        """Use this session and no other as soon as no try is under way; whether it did within the time."""
        self._turned.clear()
        self._other = session
        return self._turned.wait(within_s)

    def _turn(self) -> None:
        other, self._other = self._other, None
        if other is not None:
            self.move(other)
            other.try_open()
            self._turned.set()

    def _write(self) -> bool:
        """Carry the current unit of work out; False if it has to wait for the resume."""
        write = (self._number << _CLIENT_BITS) + self._count
        pause = _FIRST_PAUSE_S
        while True:
            self._turn()
            session, start = self._sessions[self._place], time.monotonic_ns()
            outcome, code = self._attempt(session, write)
            server = session.server
            if outcome is Outcome.DONE:
                self._recorder.acknowledged(server, start, time.monotonic_ns(), write)
                return True
            if outcome is Outcome.AGAIN:
                self._recorder.failed(server, code)
            else:
                self._recorder.refused(server, start, code)
                if self._control.armed.is_set():
                    self._place = (self._place + 1) % len(self._sessions)
            if self._control.must_give_up:
                return False
            time.sleep(pause)
            pause = min(pause * 1.3, _LONGEST_PAUSE_S)

    def _attempt(self, session: Session, write: int) -> tuple[Outcome, int]:
        self._committing = False
        try:
            connection = session.open()
            with connection.cursor() as cursor:
                self._unit(connection, cursor, write)
        except (pymysql.err.Error, OSError) as error:
            code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
            if code == _DUPLICATE:
                # An earlier try got through and only its answer was lost.
                session.drop()
                return Outcome.DONE, code
            if code in GONE or isinstance(error, OSError):
                if self._committing:
                    self._recorder.outcome_unknown(write)
                session.drop()
                return Outcome.GONE, code
            self._give_back(session)
            return (Outcome.FENCED if code in FENCED or code in NOT_YET else Outcome.AGAIN), code
        return Outcome.DONE, 0

    def _give_back(self, session: Session) -> None:
        try:
            session.open().rollback()
        except (pymysql.err.Error, OSError):
            session.drop()

    def _unit(self, connection: Connection, cursor: pymysql.cursors.Cursor, write: int) -> None:
        """Mostly a single row; sometimes an order with its lines, sometimes a change of a customer."""
        kind = self._count % _KINDS
        ledger = f"INSERT INTO {shop.DATABASE}.ledger (id, client, note, at_ns) VALUES (%s, %s, %s, %s)"
        row = (write, self._number, f"unité {self._count} ✓", time.time_ns())
        if kind not in (3, 7):
            self._committing = True
            cursor.execute(ledger, row)
            return
        connection.begin()
        cursor.execute(ledger, row)
        customer = self._size.customer(self._number, self._count)
        if kind == 3:
            self._order(cursor, customer)
        else:
            cursor.execute(
                f"UPDATE {shop.DATABASE}.customers SET credit = credit + 1, note = %s WHERE id = %s",
                (row[2], customer),
            )
        self._committing = True
        connection.commit()

    def _order(self, cursor: pymysql.cursors.Cursor, customer: int) -> None:
        cursor.execute(
            f"INSERT INTO {shop.DATABASE}.orders (customer_id, state, placed) VALUES (%s, 'new', NOW(3))",
            (customer,),
        )
        order = cursor.lastrowid
        product = self._count % self._size.products + 1
        cursor.execute(
            f"INSERT INTO {shop.DATABASE}.order_lines (order_id, line, product_id, quantity, price) "
            "VALUES (%s, 1, %s, 2, '9.9900'), (%s, 2, %s, 1, '0.0100')",
            (order, product, order, product),
        )


class Pinned(threading.Thread):
    """Tells every two milliseconds whether its one server takes writes, whatever the followers do.

    Every fifth statement inserts a row of the ledger; those between are an update that finds no row, which
    a fenced server refuses all the same and which weighs nothing on the replication that is being rehearsed.
    After a refusal every statement is the insert, so that the first success is a write. A `silent` one never
    inserts: where the application has an address of its own, writes are what came through that.
    """

    def __init__(
        self, number: int, session: Session, control: Control, recorder: Recorder, *, silent: bool = False
    ) -> None:
        super().__init__(name=f"pinned {number}", daemon=True)
        self.unfinished = False
        self.parked = threading.Event()
        self.retired = threading.Event()
        self._client = _PINNED_BASE + number
        self._server = session.server
        self._session = session
        self._silent = silent
        self._socket: socket.socket | None = None
        self._control = control
        self._recorder = recorder
        self._count = 0
        self._ticks = 0
        self._welcome = False

    def run(self) -> None:
        """Try until told to stop."""
        while not (self._control.stopping.is_set() or self.retired.is_set()):
            if not self._control.running.is_set():
                self.parked.set()
                self._control.running.wait()
                self.parked.clear()
                continue
            time.sleep(_TICK_S if self._try() else _AWAY_S)
        self._leave()
        self.parked.set()

    def _try(self) -> bool:
        """One statement; False if the server is not there."""
        self._ticks += 1
        is_write = not self._silent and (not self._welcome or self._ticks % _WRITE_EVERY == 0)
        write = (self._client << _CLIENT_BITS) + self._count
        try:
            stream = self._stream()
        except (pymysql.err.Error, OSError) as error:
            self._lost(time.monotonic_ns(), error)
            return False
        start = time.monotonic_ns()
        try:
            code = _execute(stream, self._statement(write) if is_write else _NO_ROW)
        except OSError as error:
            if is_write:
                self._recorder.outcome_unknown(write)
                self._count += 1
            self._lost(start, error)
            return False
        self._welcome = code == 0
        if code == 0 and is_write:
            self._recorder.acknowledged(self._server, start, time.monotonic_ns(), write)
            self._count += 1
        elif code == 0:
            self._recorder.accepted(self._server, start, time.monotonic_ns())
        elif code in GONE:
            self._lost(start, pymysql.err.OperationalError(code))
            return False
        else:
            self._recorder.refused(self._server, start, code)
        return True

    def _statement(self, write: int) -> bytes:
        values = f"{write}, {self._client}, 'pinned', {time.time_ns()}"
        return f"INSERT INTO {shop.DATABASE}.ledger (id, client, note, at_ns) VALUES ({values})".encode()

    def _stream(self) -> socket.socket:
        if self._socket is None:
            # The driver costs ten times what the statement does, and this is sent a thousand times a second.
            found = self._session.open()._sock  # type: ignore[attr-defined]
            found.settimeout(_STATEMENT_S)
            self._socket = found
        return self._socket

    def _lost(self, start: int, error: Exception) -> None:
        code = error.args[0] if isinstance(error, pymysql.err.Error) and error.args else 2013
        self._welcome = False
        self._recorder.refused(self._server, start, code)
        self._leave()

    def _leave(self) -> None:
        self._session.drop()
        self._socket = None


_NO_ROW = f"UPDATE {shop.DATABASE}.ledger SET note = 'none' WHERE id = -1".encode()


def _execute(stream: socket.socket, statement: bytes) -> int:
    """Send one statement that gives no rows; the server's error code, 0 for success."""
    stream.sendall(struct.pack("<I", len(statement) + 1) + b"\x03" + statement)
    payload = _receive(stream, int.from_bytes(_receive(stream, 4)[:3], "little"))
    if payload[:1] == b"\xff":
        return int.from_bytes(payload[1:3], "little")
    return 0


def _receive(stream: socket.socket, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        part = stream.recv(size - len(parts))
        if not part:
            raise ConnectionResetError("the server closed the connection")
        parts += part
    return parts
