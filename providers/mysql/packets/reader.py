"""A session whose answers are taken from the socket undecoded: rows as the server sent them."""

from __future__ import annotations

import struct
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

import pymysql

from providers.mysql.connection import DEFAULT_TIMEOUTS, Connection, Timeouts, explain
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ConnectionLost, ServerError, StatementFailed
from providers.mysql.packets import settings, text
from providers.mysql.packets.answers import Head, NotUnderstood, ServerSaid, only_error, take_apart, take_together
from providers.mysql.packets.channel import Channel, ready, silent
from providers.mysql.packets.endings import Ending, Nonce, Walk
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.wire import Param, WireType, column_type, execution, packed
from providers.mysql.server import read_version

_T = TypeVar("_T")
Results = list[tuple[Head, Packets] | None]
"""Answers to statements that were sent together: of each its head and its rows, None where it was refused."""

_STATEMENTS = 200
_PREPARE, _CLOSE = 0x16, 0x19
_TOO_MANY_STATEMENTS = 1461
_UNFIT_FOR_PREPARING = 1295
# A server grows its network buffer to the largest packet it got, from 16 KiB, for as long as the session lives: 64
# times fewer writes there and readings here. COM_PING takes any length, needs no privilege and stands in no log.
_PING = 1 << 20
_PING_REST = 1024
# How long two requests at once may take in seconds, and times as long as one of them took.
_PROBE_S, _PROBE_TIMES = 1.0, 20


class ColumnsChanged(StatementFailed):
    """A statement's columns are no longer those with which it was prepared: somebody altered the table."""


class AnswerTooLarge(ServerError):
    """An answer grew beyond the reader's bound, and its connection is closed. Ask for fewer rows."""


@dataclass(frozen=True)
class Prepared:
    """A statement of one reader: its number there, how many `?` it has, and the columns of its rows.

    A reader that closed it in the meantime prepares it again by itself.
    """

    id: int
    sql: str
    parameters: int
    columns: tuple[WireType, ...]


class RawReader:
    """A session that reads rows as undecoded binary packets. Not for use by two threads at once, but for `cut`.

    Attributes:
        session: for plain statements, while no answer is awaited.
        version: the server's.
        text: whether the server prepares no statements and rows come through the text protocol: FLOAT columns have
            to be widened in the select list then (`f * 1e0`), on both servers.
        pipelined: whether an answer's end is told by a query behind it; else its packets are walked over.
        most: bytes of an answer that are held in memory at most, None for no bound; may be set at any time.
    """

    def __init__(self, endpoint: Endpoint, timeouts: Timeouts = DEFAULT_TIMEOUTS, *, most: int | None = None) -> None:
        """Connect, settle the session, and find out what stands between here and the server.

        Raises:
            ServerError: as Connection, and where the session cannot be settled.
        """
        self.server = endpoint.name
        self._endpoint = endpoint
        self._timeouts = timeouts
        self._silence_s = timeouts.answer
        self.most = most
        self._statements: OrderedDict[str, Prepared] = OrderedDict()
        self._heads: dict[str, Head] = {}
        self._ending: Ending = Walk()
        self._awaited: Prepared | None = None
        self._shown = ""
        # What was sent ahead to be prepared, and how many statements were sent together.
        self._asked, self._together = "", 0
        self.text = False
        self._pinged = False
        self._connect()
        try:
            self._try_what_is_between()
        except ConnectionLost:
            # Something in between ends the connection or falls silent at what is not everyday: without it, then.
            self._drop()
            self._connect()
            if self._pinged:
                self._ping()
        except ServerError:
            self._drop()
            raise

    def _connect(self) -> None:
        self._statements.clear()
        self._heads.clear()
        self._awaited = None
        self._asked = ""
        self._ending = Walk()
        self.session = Connection(self._endpoint, self._timeouts)
        self._raw: Any = self.session.raw
        self._channel = Channel(self.session.raw)
        try:
            self.version = read_version(self.session)
            found = {str(name).lower(): str(value) for name, value in self.session.rows(settings.ask())}
            self.session.run(settings.settle(found))
            self._largest = int(found["max_allowed_packet"])
            self.text = not self._prepares()
        except ServerError:
            self.session.close()
            raise

    def _try_what_is_between(self) -> None:
        self._ping()
        self._pinged = True
        nonce, began = Nonce(), time.monotonic()
        self._request(nonce.request, "SELECT a nonce")
        self._fill()
        if not nonce.learn(self._channel.buffer, self._channel.have):
            raise ConnectionLost(self.server, f"{self.server} answered a query with another's answer.")
        self._ending = nonce
        silence, self._silence_s = (
            self._silence_s,
            min(self._silence_s, _PROBE_S + _PROBE_TIMES * (time.monotonic() - began)),
        )
        try:
            self.read("SELECT 1")
        finally:
            self._silence_s = silence

    def _prepares(self) -> bool:
        try:
            self._prepare("SELECT 1")
        except StatementFailed as error:
            if error.code not in (_TOO_MANY_STATEMENTS, _UNFIT_FOR_PREPARING):
                raise
            return False
        return True

    def _ping(self) -> None:
        self._request(_long_ping(max(0, min(_PING, self._largest - _PING_REST))), "COM_PING")
        self._fill()
        if self._channel.buffer[4] != 0:
            raise self._lost("COM_PING", ConnectionResetError("a ping was answered with something else"))

    @property
    def pipelined(self) -> bool:
        """Whether an answer's end is told by a query behind it."""
        return isinstance(self._ending, Nonce)

    def allow_answer_s(self, seconds: float) -> None:
        """Set how long the server may be silent from now on, for this reader's answers and for `session`'s."""
        self._silence_s = seconds
        self.session.allow_answer_s(seconds)

    def prepare(self, sql: str) -> Prepared:
        """Prepare a statement that gives rows. Kept: asking again costs nothing.

        Raises:
            ServerError: see `connection.explain`.
        """
        self._nothing_awaited()
        found = self._statements.get(sql)
        if found is not None:
            self._statements.move_to_end(sql)
            return found
        self._make_room()
        if self.text:
            return self._prepare_text(sql)
        try:
            return self._prepare(sql)
        except StatementFailed as error:
            if error.code != _TOO_MANY_STATEMENTS or not self._statements:
                raise
            # Others have taken all that the server has room for; ours make room for this one.
            for old in tuple(self._statements):
                self._forget(old)
            return self._prepare(sql)

    def ask_to_prepare(self, sql: str) -> None:
        """Send ahead what `prepare` sends, which has to follow at once: so that two servers are at it together.

        Raises:
            ConnectionLost: the connection broke.
        """
        self._nothing_awaited()
        if not self.text and sql not in self._statements:
            self._make_room()
            self._send_to_prepare(sql)

    def _make_room(self) -> None:
        while len(self._statements) >= _STATEMENTS and not self._asked:
            self._forget(next(iter(self._statements)))

    def _send_to_prepare(self, sql: str) -> None:
        # The driver has no public way to prepare a statement; what it calls raises its own errors.
        try:
            self._raw._execute_command(_PREPARE, sql.encode())
        except (pymysql.err.MySQLError, OSError) as error:
            raise explain(self.server, sql, error) from error
        self._asked = sql

    def _prepare(self, sql: str) -> Prepared:
        if self._asked != sql:
            self._send_to_prepare(sql)
        raw, self._asked = self._raw, ""
        try:
            number, columns, parameters = struct.unpack_from("<IHH", raw._read_packet()._data, 1)
            for _ in range(parameters + (parameters > 0)):
                raw._read_packet()
            types = tuple(column_type(raw._read_packet()._data, 0) for _ in range(columns))
            if columns:
                raw._read_packet()
        except (pymysql.err.MySQLError, OSError) as error:
            raise explain(self.server, sql, error) from error
        return self._keep(Prepared(number, sql, parameters, types))

    def _prepare_text(self, sql: str) -> Prepared:
        parameters = text.places(sql)
        self.session.run("SET SESSION sql_select_limit = 0")
        # The limit would hold for a query behind it, too.
        ending, self._ending = self._ending, Walk()
        try:
            # A statement whose limit is nothing reads nothing, and says what its columns are.
            self._ask_text(sql, [Param.integer(0)] * parameters)
            self._fill()
            head, _ = self._take(None)
        finally:
            self._ending = ending
            self.session.run(f"SET SESSION sql_select_limit = {settings.SETTINGS['sql_select_limit']}")
        return self._keep(Prepared(0, sql, parameters, head.columns))

    def _keep(self, prepared: Prepared) -> Prepared:
        self._statements[prepared.sql] = prepared
        return prepared

    def _forget(self, sql: str) -> None:
        self._heads.pop(sql, None)
        prepared = self._statements.pop(sql, None)
        if prepared is not None and prepared.id:
            self._request(packed(struct.pack("<BI", _CLOSE, prepared.id)), "COM_STMT_CLOSE")

    def send(self, prepared: Prepared, params: Sequence[Param] = ()) -> None:
        """Send a statement for execution; `receive` takes its answer, and nothing else may come between.

        Raises:
            ConnectionLost: the connection broke, or the server is silent.
            ValueError: not as many parameters as the statement has.
        """
        if len(params) != prepared.parameters:
            raise ValueError(f"{len(params)} parameters for {prepared.parameters} in {prepared.sql}")
        if self._statements.get(prepared.sql) is not prepared:
            prepared = self._again(prepared)
        if self.text:
            self._ask_text(prepared.sql, params)
        else:
            payload = execution(prepared.id, tuple(params))
            self._request(packed(payload) + self._ending.request, prepared.sql)
        self._awaited = prepared

    def _again(self, prepared: Prepared) -> Prepared:
        """The statement prepared anew; who has it knows its columns, so they must be the same."""
        renewed = self.prepare(prepared.sql)
        if renewed.columns != prepared.columns:
            raise self._changed(prepared.sql)
        return renewed

    def _changed(self, sql: str) -> ColumnsChanged:
        return ColumnsChanged(
            self.server,
            f"The columns that {self.server} sends for `{sql[:120]}` are others than before; "
            "the table was altered, and has to be looked at again.",
        )

    def _ask_text(self, sql: str, params: Sequence[Param]) -> None:
        self._request(packed(b"\x03" + text.spelled(sql, params)) + self._ending.request, sql)

    def _request(self, data: bytes, shown: str) -> None:
        self._shown = shown
        self._nothing_awaited()
        if self._raw._sock is None:
            raise explain(self.server, shown, ConnectionResetError("the connection is closed"))
        try:
            self._channel.begin()
            self._ending.begin()
            self._channel.send(data, self._silence_s)
        except OSError as error:
            raise self._lost(shown, error) from error

    def _nothing_awaited(self) -> None:
        if self._awaited is not None:
            raise RuntimeError(f"an answer of {self.server} to {self._awaited.sql} is still awaited")

    def _something_awaited(self) -> Prepared:
        if self._awaited is None:
            raise RuntimeError(f"nothing was asked of {self.server}")
        return self._awaited

    def receive(self) -> Packets:
        """The rows of what was sent: valid until the next `receive`.

        Raises:
            ServerError: the server's own error, before the rows or in the middle of them; see `connection.explain`.
            ConnectionLost: the connection broke, or nothing came for longer than the answer's bound.
            AnswerTooLarge: there are more than `most` bytes of them; the connection is closed.
            ColumnsChanged: the table was altered; prepare the statement again.
        """
        self._something_awaited()
        self._fill()
        return self._received()

    def read(self, sql: str, params: Sequence[Param] = ()) -> Packets:
        """Prepare, send and receive.

        Raises:
            ServerError: see `prepare` and `receive`.
        """
        self.send(self.prepare(sql), params)
        return self.receive()

    def ask_together(self, statements: Sequence[str]) -> None:
        """Send SELECTs of the text protocol one behind the other; `receive_both_together` takes their answers.

        For a reader that is `pipelined`: an answer's end is not looked for before the last one's.

        Raises:
            ConnectionLost: the connection broke, or the server is silent.
        """
        asked = b"".join(packed(b"\x03" + sql.encode()) for sql in statements)
        self._request(asked + self._ending.request, statements[0])
        self._awaited, self._together = Prepared(0, statements[0], 0, ()), len(statements)

    def _fill(self) -> None:
        """Wait for the whole answer."""
        try:
            while not self._advanced():
                if not ready([self._channel], self._silence_s):
                    raise silent(self._silence_s)
        except OSError as error:
            raise self._lost(self._shown, error) from error

    def _advanced(self) -> bool:
        """Take what is there; whether the answer is complete.

        Raises:
            AnswerTooLarge: it has more than `most` bytes.
        """
        channel = self._channel
        while channel.advance():
            if self.most is not None and channel.have > self.most:
                self._drop()
                raise AnswerTooLarge(self.server, f"{self.server} sent more than {self.most} bytes for one statement.")
            if self._ending.complete(channel.buffer, channel.have):
                return True
        return False

    def _received(self) -> Packets:
        """The complete answer's rows."""
        prepared, self._awaited = self._something_awaited(), None
        try:
            head, packets = self._take(self._heads.get(prepared.sql))
        except ServerError:
            # Whatever is wrong with it, it may not be so when it is prepared again.
            if self._raw._sock is not None:
                self._forget(prepared.sql)
            raise
        self._heads[prepared.sql] = head
        if head.columns != prepared.columns:
            self._forget(prepared.sql)
            raise self._changed(prepared.sql)
        if not self.text:
            return packets
        try:
            return text.as_binary(packets, head.columns)
        except ValueError as error:
            words = f"{self.server} answered `{prepared.sql[:120]}` with {error}."
            raise StatementFailed(self.server, words) from error

    def _received_together(self) -> Results:
        """The complete answers to `ask_together`."""
        self._something_awaited()
        self._awaited = None
        return self._understood(lambda buffer, upto: take_together(buffer, upto, self._together))

    def _take(self, known: Head | None) -> tuple[Head, Packets]:
        return self._understood(lambda buffer, upto: take_apart(buffer, upto, known))

    def _understood(self, take: Callable[[bytearray, int], _T]) -> _T:
        channel = self._channel
        try:
            return take(channel.buffer, channel.have - self._ending.behind)
        except ServerSaid as error:
            explained = explain(self.server, self._shown, error)
            if isinstance(explained, ConnectionLost):
                self._drop()
            raise explained from error
        except (NotUnderstood, IndexError, struct.error, ValueError) as error:
            self._drop()
            raise explain(self.server, self._shown, ConnectionResetError(f"not understood: {error}")) from error

    def _lost(self, shown: str, error: OSError) -> ServerError:
        """What a broken or silent connection is called, with the server's last words where there are some."""
        last = only_error(self._channel.buffer, self._channel.have)
        self._drop()
        explained = explain(self.server, shown, error)
        if last is None:
            return explained
        return ConnectionLost(self.server, str(explain(self.server, shown, OSError(*last.args))), last.args[0])

    def _drop(self) -> None:
        self._awaited = None
        self._asked = ""
        self._statements.clear()
        self._heads.clear()
        self._raw._force_close()

    def cut(self) -> None:
        """End the connection from another thread: whoever waits for an answer gets ConnectionLost at once."""
        self._channel.cut()

    def close(self) -> None:
        """Close, whatever state it is in; with a word to the server where no answer is awaited."""
        if self._awaited is not None:
            self._drop()
        self.session.close()


@lru_cache(1)
def _long_ping(size: int) -> bytes:
    # Several readers are opened at once: each would take three times its size for making one of its own.
    return packed(b"\x0e" + bytes(size))


def receive_both(a: RawReader, b: RawReader) -> tuple[Packets, Packets]:
    """The answers of two readers, both drained at the same time so that neither server waits for the other.

    Where one of them fails the other is drained all the same, and can go on being used; but where an answer is too
    large: then both have to be closed.

    Raises:
        ServerError: as `RawReader.receive`; `server` tells which.
    """
    return _received_of_both(a, b, RawReader._received)


def receive_both_together(a: RawReader, b: RawReader) -> tuple[Results, Results]:
    """The answers to what was asked of two readers by `ask_together`, drained as by `receive_both`.

    Raises:
        ServerError: as `receive_both`; of a single statement that a server refused there is None instead.
    """
    return _received_of_both(a, b, RawReader._received_together)


def _received_of_both(a: RawReader, b: RawReader, received: Callable[[RawReader], _T]) -> tuple[_T, _T]:
    a._something_awaited()
    b._something_awaited()
    lost = _drained(a, b)
    if lost is not None:
        a._awaited = b._awaited = None
        raise lost
    try:
        first = received(a)
    except ServerError:
        b._awaited = None
        raise
    return first, received(b)


def _drained(a: RawReader, b: RawReader) -> ServerError | None:
    """Both answers complete, or why one of them is not."""
    waiting, failed = [a, b], None
    while waiting:
        for one in tuple(waiting):
            try:
                if one._advanced():
                    waiting.remove(one)
            except OSError as error:
                waiting.remove(one)
                failed = failed or one._lost(one._shown, error)
        silence_s = max((one._silence_s for one in waiting), default=0.0)
        if waiting and not ready([one._channel for one in waiting], silence_s):
            for one in waiting:
                failed = failed or one._lost(one._shown, silent(silence_s))
            return failed
    return failed
