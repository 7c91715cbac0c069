"""The events of a binary log, read for what they touch.

Source: MySQL source code documentation, "Replication Protocol", "Binlog Event"; MariaDB documentation, "Replication
Protocol". Each event: a header of 19 bytes (time 4, type 1, server id 4, size 4, end in the file 4, flags 2), a body,
and a checksum of 4 bytes where the file has them.
"""

from __future__ import annotations

import struct
import zlib

from providers.mysql.binlog import payload, tagged, texts
from providers.mysql.binlog.batch import Batch, Gtid, Gtids, KeysOf, RangesOf
from providers.mysql.binlog.prepared import Prepared
from providers.mysql.binlog.row_events import HEADER, Course, Handler, RowEvents
from providers.mysql.binlog.texts import Query, Word
from providers.mysql.packets.wire import MOST
from providers.mysql.position import FilePosition

_CHECKSUM = 4
_IGNORABLE = 0x80
_STANDALONE, _PREPARED_XA = 1, 64
_ERROR = b"\xff"
# A packet's length, its first byte, and the type of the event in it.
_HEAD = struct.Struct("<IB4xB")

_QUERY, _STOP, _ROTATE, _FORMAT, _XID, _EXECUTE_LOAD_QUERY = 2, 3, 4, 15, 16, 18
_INCIDENT, _HEARTBEAT, _GTID, _ANONYMOUS_GTID, _PREVIOUS_GTIDS = 26, 27, 33, 34, 35
_XA_PREPARE, _PAYLOAD, _GTID_TAGGED = 38, 40, 42
_MARIA_CHECKPOINT, _MARIA_GTID, _MARIA_GTID_LIST, _MARIA_QUERY = 161, 162, 163, 165
_BETWEEN = (_STOP, _PREVIOUS_GTIDS, _MARIA_CHECKPOINT, _MARIA_GTID_LIST)
# What belongs to statements (variables, parts of a file), to replicas, or to people.
_CHANGE_NOTHING = (5, 9, 11, 13, 14, 17, 28, 29, 36, 37, 41, 160, 164)


class Refused(Exception):
    """The server has sent an error in place of an event. `code` and `words` are its own; 0 where it just ended."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code
        self.words = words


class Changed(Exception):
    """The log is not the one that was read before."""


class LogReader:
    """Takes the packets of one connection's log as they come, and keeps what they touch until it is taken.

    Attributes:
        file, offset: the end of the newest transaction that was read, or of what stands between transactions.
        born: when the file was created, in the server's seconds; 0 while that is not known.
        gtid: of the newest transaction whose end was read; None where it has none.
        due: stop at the next end of a transaction.
        ended: how many transactions have come to their end since the last `take`.
        located: the server has said where it begins; by GTID that may be long before `offset` was.
    """

    def __init__(self, keys_of: KeysOf, prepared: Prepared, file: str, offset: int, born: int) -> None:
        self.file, self.offset, self.born = file, offset, born
        self.gtid: Gtid | None = None
        self.due = False
        self.ended = 0
        self._course = course = Course()
        self._rows = RowEvents(keys_of, course)
        self._prepared = prepared
        self._set_aside: Batch | None = None
        self._gtids = Gtids()
        self._current: Gtid | None = None
        self._stop = False
        self._inner = False
        self.located = False
        self._long: list[bytes] = []
        self._handlers = self._make_handlers()

    @property
    def open(self) -> bool:
        """Whether a transaction was begun whose end has not been read."""
        return self._course.open

    def feed(self, data: bytes, at: int) -> int:
        """Read the packets from `at` on; gives back where it stopped: at one that is not complete, or as `due` says.

        Raises:
            Refused: the server has sent an error.
            Changed: the log is not the one that was read before.
            ValueError, IndexError, struct.error, zlib.error: an event is not laid out as documented.
        """
        end, handlers, head = len(data), self._handlers, _HEAD.unpack_from
        # Behind it a packet may be too short for the head of an event, or part of a long one.
        last = end - _HEAD.size
        self._stop = False
        while at <= last and not self._stop:
            size, status, kind = head(data, at)
            size &= MOST
            stop = at + 4 + size
            if stop > end:
                return at
            if status or size == MOST or self._long or size < HEADER:
                self._unusual(data, at + 4, stop)
            else:
                handlers[kind](data, at + 5, stop)
            at = stop
        while end - at >= 4 and not self._stop:
            stop = at + 4 + int.from_bytes(data[at : at + 3], "little")
            if stop > end:
                break
            self._unusual(data, at + 4, stop)
            at = stop
        return at

    def take(self) -> tuple[Batch, Gtids]:
        """What was touched since the last call, and by which transactions; not while one is open."""
        batch, gtids = self._rows.exchange(Batch()), self._gtids
        self._gtids = Gtids()
        self.ended = 0
        self.due = False
        return batch, gtids

    def shrink(self, most: int, ranges_of: RangesOf) -> None:
        """Give up keys where there are more than that many."""
        self._rows.shrink(most, ranges_of)

    def _make_handlers(self) -> list[Handler]:
        handlers: list[Handler] = [self._on_unknown] * 256
        for kind in _CHANGE_NOTHING:
            handlers[kind] = _on_nothing
        for kind in _BETWEEN:
            handlers[kind] = self._on_between
        for kind, handler in self._rows.handlers().items():
            handlers[kind] = handler
        handlers[_QUERY] = self._on_query
        handlers[_EXECUTE_LOAD_QUERY] = lambda b, at, stop: self._query(texts.query(self._body(b, at, stop), 13), b, at)
        handlers[_MARIA_QUERY] = lambda b, at, stop: self._query(texts.compressed_query(self._body(b, at, stop)), b, at)
        handlers[_ROTATE], handlers[_FORMAT], handlers[_HEARTBEAT] = (
            self._on_rotate,
            self._on_format,
            self._on_heartbeat,
        )
        handlers[_XID], handlers[_XA_PREPARE] = self._on_end, self._on_prepare
        handlers[_GTID], handlers[_ANONYMOUS_GTID] = self._on_gtid, self._on_anonymous
        handlers[_GTID_TAGGED], handlers[_MARIA_GTID] = self._on_tagged, self._on_maria_gtid
        handlers[_PAYLOAD] = self._on_payload
        handlers[_INCIDENT] = self._on_incident
        return handlers

    def _body(self, b: bytes, at: int, stop: int) -> bytes:
        return b[at + HEADER : stop - self._rows.crc]

    def _unusual(self, data: bytes, start: int, stop: int) -> None:
        """Join the packets of an event of 16 MiB and more; tell of what is no event."""
        self._long.append(data[start:stop])
        if stop - start == MOST:
            return
        whole, self._long = b"".join(self._long), []
        if len(whole) <= HEADER or whole[0]:
            raise _refusal(whole)
        self._handlers[whole[5]](whole, 1, len(whole))

    # Where transactions begin and end

    def _begin(self, gtid: Gtid | None) -> None:
        if self._course.open:
            # It was cut off, by a crash of the server.
            self._end(0)
        self._course.open = True
        self._current = gtid

    def _end(self, offset: int) -> None:
        if self._inner:
            return
        if offset:
            self._advance(offset)
        gtid = self.gtid = self._current
        if gtid is not None:
            self._gtids.append(gtid)
            self._current = None
        course = self._course
        course.open = course.begun = False
        self.ended += 1
        if self._set_aside is not None:
            self._rows.merge(self._set_aside)
            self._set_aside = None
        self._stop = self.due

    def _advance(self, offset: int) -> None:
        """Note the place behind an event, 0 where it has none. The log has the lowest 32 bits of it only."""
        if offset:
            whole = offset | self.offset & ~0xFFFFFFFF
            self.offset = whole if whole >= self.offset else whole + (1 << 32)

    def _on_end(self, b: bytes, at: int, stop: int) -> None:
        self._end(int.from_bytes(b[at + 13 : at + 17], "little"))

    def _on_between(self, b: bytes, at: int, stop: int) -> None:
        if not self._course.open:
            self._advance(int.from_bytes(b[at + 13 : at + 17], "little"))

    def _on_gtid(self, b: bytes, at: int, stop: int) -> None:
        self._begin((b[at + 20 : at + 36], int.from_bytes(b[at + 36 : at + 44], "little")))

    def _on_anonymous(self, b: bytes, at: int, stop: int) -> None:
        self._begin(None)

    def _on_tagged(self, b: bytes, at: int, stop: int) -> None:
        self._begin(tagged.gtid(self._body(b, at, stop)))

    def _on_maria_gtid(self, b: bytes, at: int, stop: int) -> None:
        self._begin(None)
        # It stands for BEGIN, too, but before what is logged alone.
        self._course.begun = not b[at + 31] & _STANDALONE
        if b[at + 31] & _PREPARED_XA:
            self._begin_xa()

    # Files

    def _on_rotate(self, b: bytes, at: int, stop: int) -> None:
        # The first one comes before it is known whether the file has checksums.
        has_checksum = zlib.crc32(b[at : stop - _CHECKSUM]) == int.from_bytes(b[stop - _CHECKSUM : stop], "little")
        file = b[at + 27 : stop - _CHECKSUM * has_checksum].decode("utf-8", "replace")
        if file != self.file:
            if self.located and FilePosition(file, 0).number < FilePosition(self.file, 0).number:
                raise Changed(f"it went from {self.file} back to {file}")
            self.born = 0
            self._rows.forget()
        self.located = True
        self.file, self.offset = file, int.from_bytes(b[at + 19 : at + 27], "little")

    def _on_format(self, b: bytes, at: int, stop: int) -> None:
        born = int.from_bytes(b[at : at + 4], "little")
        if self.born and born != self.born:
            raise Changed(f"{self.file} is not the file of that name that was read before")
        self.born = born
        self._rows.crc = _CHECKSUM * (b[stop - _CHECKSUM - 1] == 1)
        offset = int.from_bytes(b[at + 13 : at + 17], "little")
        if self._course.open and offset:
            self._end(0)
        self._advance(offset)

    def _on_heartbeat(self, b: bytes, at: int, stop: int) -> None:
        if self._course.open or not self._body(b, at, stop).startswith(self.file.encode()):
            return
        offset = int.from_bytes(b[at + 13 : at + 17], "little")
        if offset > self.offset & 0xFFFFFFFF:
            self._advance(offset)

    # Statements

    def _on_query(self, b: bytes, at: int, stop: int) -> None:
        # On MySQL every transaction has a BEGIN: the one text that is worth a look before it is taken apart.
        text = at + HEADER + 14 + (b[at + HEADER + 11] | b[at + HEADER + 12] << 8) + b[at + HEADER + 8]
        if b[text : stop - self._rows.crc] == b"BEGIN" and not self._course.begun:
            self._course.open = self._course.begun = True
        else:
            self._query(texts.query(self._body(b, at, stop)), b, at)

    def _query(self, query: Query, b: bytes, at: int) -> None:
        word = texts.meaning(query.text)
        offset = int.from_bytes(b[at + 13 : at + 17], "little")
        if word in (Word.BEGIN, Word.XA_BEGIN):
            if self._course.begun:
                self._end(0)
            self._course.open = self._course.begun = True
            if word is Word.XA_BEGIN:
                self._begin_xa()
        elif word is Word.END:
            self._end(offset)
        elif word is Word.XA_END:
            self._xa_end(query.text)
            self._end(offset)
        elif word is Word.HIDDEN:
            self._rows.batch.everything = f"the server hides an event from this program: {query.text[:100]}"
        elif word is Word.STATEMENT:
            self._statement(query, offset)

    def _statement(self, query: Query, offset: int) -> None:
        self._rows.batch.statements.append((query.database, query.text))
        if not query.legible:
            self._rows.batch.everything = "the log has a statement in an unknown character set"
        # What it does to tables may change what their keys are.
        self._rows.forget()
        self.due = True
        if not self._course.begun:
            self._end(offset)

    # XA transactions: logged when they are prepared, seen when they are committed

    def _begin_xa(self) -> None:
        """Keep what comes apart from what was before."""
        if self._set_aside is None:
            self._set_aside = self._rows.exchange(Batch())

    def _on_prepare(self, b: bytes, at: int, stop: int) -> None:
        xid = texts.prepared_xid(self._body(b, at, stop))
        if xid is not None:
            self._prepared.put(xid, self._rows.exchange(Batch()), self._current, self.file, self.offset)
        self._on_end(b, at, stop)

    def _xa_end(self, text: str) -> None:
        xid = texts.ended_xid(text)
        found = None if xid is None else self._prepared.pop(xid)
        if found is None:
            self._rows.batch.everything = "an XA transaction ended that was prepared before the log was read"
        else:
            self._rows.merge(found)

    # Rows

    def _on_payload(self, b: bytes, at: int, stop: int) -> None:
        """A transaction as one compressed event; those in it have no checksums."""
        crc, self._rows.crc = self._rows.crc, 0
        self._inner = True
        for block, start, after in payload.events(b[at + HEADER : stop - crc]):
            self._handlers[block[start + 4]](block, start, after)
        self._inner = False
        self._rows.crc = crc
        self._on_end(b, at, stop)

    def _on_incident(self, b: bytes, at: int, stop: int) -> None:
        self._rows.batch.everything = "the server has lost events that belong into its log"

    def _on_unknown(self, b: bytes, at: int, stop: int) -> None:
        if not b[at + 17] & _IGNORABLE:
            self._rows.batch.everything = f"the log has an event of type {b[at + 4]}, which this program does not know"


def missing(data: bytes, at: int) -> int:
    """How many bytes are missing of the packet that begins at `at`, as far as that can be told."""
    left = len(data) - at
    return 4 - left if left < 4 else 4 + int.from_bytes(data[at : at + 3], "little") - left


def _on_nothing(b: bytes, at: int, stop: int) -> None:
    """An event that touches no rows."""


def _refusal(packet: bytes) -> Refused:
    """The error that an ERR or EOF packet stands for."""
    if packet[:1] != _ERROR:
        return Refused(0, "the server has ended the log")
    words = packet[9:] if packet[3:4] == b"#" else packet[3:]
    return Refused(int.from_bytes(packet[1:3], "little"), words.decode("utf-8", "replace"))
