"""The tail of one server's binary log: which rows were touched, by their keys.

Whole transactions only: what `Tail.read` gives back ends where one of them ends, so that its mark holds for all.
"""

from __future__ import annotations

import struct
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from providers.mysql.binlog.batch import KeysOf, RangesOf, Table, source_name
from providers.mysql.binlog.events import Changed, LogReader, Refused, missing
from providers.mysql.binlog.marks import End, LogGone, Mark, Start
from providers.mysql.binlog.prepared import Prepared
from providers.mysql.binlog.ranges import Ranges
from providers.mysql.binlog.stream import Stream
from providers.mysql.connection import DEFAULT_TIMEOUTS, Timeouts
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ConnectionLost, ServerError, Unreachable, Unsupported
from providers.mysql.position import FilePosition

__all__ = ["KeysOf", "LogGone", "RangesOf", "Table", "Tail", "Touched"]

PATIENCE_S = 60.0
"""For how long a broken connection is tried again, in seconds."""

MOST_KEYS = 50_000
"""Keys of one stretch that are kept, and of prepared XA transactions."""

_PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)


@dataclass(frozen=True)
class Touched:
    """What a stretch of the log has touched.

    `rows`: by table the keys as they stand in the log (see `keys.key_params`); of an update both the old and the new
    one. `rekeyed`: tables of which rows were deleted or got another key. `unreadable`: tables that were touched but
    whose keys are not, or not all, in the log: minimal images, partial JSON, NULL in a key, no key, too many keys at
    once; they are to be read again. `statements`: database and text of DDL and of statement-format changes; nothing
    after the first statement of a stretch is in it, so that `keys_of` can be answered anew. `everything`: why any
    table may have been touched, empty where the log says which; then all of them are to be read again. `upto`: the end
    of the newest transaction in it. `events`: how many row events it stands for. `ranges`: of tables of which there
    were too many keys at once, those that hold the keys which are not in `rows`.
    """

    rows: Mapping[Table, set[tuple[bytes, ...]]]
    rekeyed: frozenset[Table]
    unreadable: frozenset[Table]
    statements: tuple[tuple[str, str], ...]
    upto: Mark
    events: int
    everything: str = ""
    ranges: Mapping[Table, Ranges] = field(default_factory=dict)


class Tail:
    """Follows the log of one server from a place on, over a connection of its own.

    Not for use by two threads at once. A broken connection is made again from the place it had reached; nothing is
    left out.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        start: Start,
        keys_of: KeysOf,
        server_id: int,
        *,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
        patience_s: float = PATIENCE_S,
        most_keys: int = MOST_KEYS,
        ranges_of: RangesOf = lambda table, keys: None,
    ) -> None:
        """Connect and ask for the log.

        Args:
            endpoint: the server, and an account with REPLICATION SLAVE.
            start: where to begin.
            keys_of: which columns of a table are its key. Asked again after each statement in the log.
            server_id: a replication number that no replica of this server has (see `access.free_server_id`): MariaDB
                cuts off an older reader with the same.
            timeouts: bounds of connecting and of answers before the log begins.
            patience_s: for how long a broken connection is tried again.
            most_keys: of one stretch; beyond, of the tables with the most of them there are `ranges`.
            ranges_of: makes ranges of a table's keys; where it makes none, tables with too many are `unreadable`.

        Raises:
            ServerError: unreachable, access denied, another server than the one `start` comes from.
        """
        self._endpoint = endpoint
        self._keys_of = keys_of
        self._server_id = server_id
        self._timeouts = timeouts
        self._patience_s = patience_s
        self._most_keys = most_keys
        self._ranges_of = ranges_of
        self._prepared = Prepared()
        self._place = start
        # By GTID the log may hold transactions before this place that are still to come.
        self._reached = FilePosition(start.file, start.offset) if start.gtids is None else FilePosition("", 0)
        self._stream: Stream | None = None
        self._reader = self._fresh_reader()
        self._block, self._at = b"", 0
        self._error: ServerError | None = None
        self._lost_at = self._retry_at = 0.0
        self._tries = 0
        self._connect()

    def read(self, timeout_s: float) -> Touched | None:
        """The next stretch of the log; None where nothing came to its end within `timeout_s` seconds.

        A stretch may have touched nothing that is asked about: then only `upto` and `place` have moved.

        Raises:
            LogGone: the server no longer has what comes next, or its log is another one than before.
            ConnectionLost: the connection broke and could not be made again in time.
            Unsupported: the log holds what this program cannot read.
            ServerError: the server refuses, with its own code and words.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                touched = self._step(deadline)
            except (ConnectionLost, Unreachable) as error:
                self._drop(error)
                touched = None
            if touched is not None or time.monotonic() >= deadline:
                return touched

    def reached(self, end: End) -> bool:
        """Whether everything up to there has been given back by `read`."""
        return end.place.within(self._reached)

    @property
    def given(self) -> FilePosition:
        """Up to where everything has been given back by `read`."""
        return self._reached

    @property
    def place(self) -> Start:
        """Where a new tail could begin: right after what `read` has given back.

        Before the first prepared XA transaction, whose rows only this tail knows.
        """
        return self._prepared.held_back(self._place)

    def close(self) -> None:
        """Leave the server."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _fresh_reader(self) -> LogReader:
        place = self._place
        return LogReader(self._keys_of, self._prepared, place.file, place.offset, place.born)

    def _connect(self) -> Stream:
        stream = self._stream = Stream(self._endpoint, self._place, self._server_id, self._timeouts)
        self._reader = self._fresh_reader()
        self._block, self._at = b"", 0
        return stream

    def _drop(self, error: ServerError) -> None:
        """Note that the connection broke; what was not given back yet is read again.

        Raises:
            ConnectionLost, Unreachable: it has been broken for too long.
        """
        now = time.monotonic()
        self.close()
        if self._error is None:
            self._lost_at, self._tries = now, 0
        self._error = error
        self._retry_at = now + _PAUSES_S[min(self._tries, len(_PAUSES_S) - 1)]
        self._tries += 1
        if now - self._lost_at > self._patience_s:
            raise error

    def _step(self, deadline: float) -> Touched | None:
        """Read on for as long as it takes to bring a transaction to its end, but not beyond the deadline."""
        stream = self._stream
        if stream is None:
            if not self._waited(deadline):
                return None
            stream = self._connect()
        while True:
            touched = self._feed(stream)
            if touched is not None:
                return touched
            left = deadline - time.monotonic()
            data = stream.receive(max(left, 0.0), missing(self._block, self._at))
            if data:
                self._block, self._at = self._block[self._at :] + data, 0
                self._error = None
            elif left <= 0:
                return None

    def _waited(self, deadline: float) -> bool:
        """Wait for the time of the next try; False where the deadline comes first."""
        time.sleep(max(min(self._retry_at, deadline) - time.monotonic(), 0.0))
        return time.monotonic() >= self._retry_at

    def _feed(self, stream: Stream) -> Touched | None:
        reader = self._reader
        try:
            self._at = reader.feed(self._block, self._at)
        except Refused as error:
            raise stream.refused(error.code, error.words) from error
        except Changed as error:
            raise LogGone(
                stream.server, f"The binary log of {stream.server} was begun anew ({error}); begin anew here, too."
            ) from error
        except (IndexError, ValueError, struct.error, zlib.error) as error:
            raise Unsupported(
                stream.server,
                f"The binary log of {stream.server} holds an event that this program cannot read, after "
                f"{reader.file}:{reader.offset} ({error}).",
            ) from error
        reader.shrink(self._most_keys - self._prepared.size(), self._ranges_of)
        if not reader.located:
            return None
        if reader.open:
            reader.due = True
            return None
        if reader.ended or (reader.file, reader.offset) != (self._reached.file, self._reached.offset):
            return self._given()
        return None

    def _given(self) -> Touched:
        reader = self._reader
        batch, gtids = reader.take()
        rows, unreadable = batch.readable_rows()
        together = gtids.as_set()
        newest = None if reader.gtid is None else (source_name(reader.gtid[0]), reader.gtid[1])
        before = self._place
        known = None if before.gtids is None else before.gtids.plus(together)
        self._place = Start(reader.file, reader.offset, before.uid, known, reader.born)
        self._reached = FilePosition(reader.file, reader.offset)
        mark = Mark(reader.file, reader.offset, newest, together, time.monotonic())
        return Touched(
            rows,
            frozenset(batch.rekeyed),
            unreadable,
            tuple(batch.statements),
            mark,
            batch.events,
            batch.everything,
            batch.ranges,
        )
