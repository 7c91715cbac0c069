"""The rows of one answer, as the packets in which they came."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator

from providers.mysql.packets.wire import MOST, Buffer, Span, frames

_LENGTH = struct.Struct("<I")
# How many rows before the last must be in their places, too, and how many places are tried, in `last`.
_CHAIN = 4
_TRIES = 2000


class Packets:
    """Row packets between `start` and `end` of a buffer that belongs to a reader: valid until its next `receive`.

    Two servers' packets of equal rows are equal byte for byte, numbers of packets included, where the statements
    have equally many columns. `closing`: the number of the packet that followed the rows.
    """

    __slots__ = ("buffer", "closing", "end", "start")

    def __init__(self, buffer: Buffer, start: int, end: int, closing: int = 0) -> None:
        self.buffer = buffer
        self.start = start
        self.end = end
        self.closing = closing

    @property
    def size(self) -> int:
        """Bytes, those of the packets' heads included; 0 where there are no rows."""
        return self.end - self.start

    def same_as(self, other: Packets) -> bool:
        """Whether both hold the same rows in the same order, byte for byte; nothing is copied or taken apart."""
        if self.size != other.size:
            return False
        # Comparing two memoryviews goes element by element; startswith is one memcmp.
        with memoryview(other.buffer) as whole, whole[other.start : other.end] as rows:
            return self.buffer.startswith(rows, self.start)

    def rows(self) -> Iterator[Span]:
        """Each row as (buffer, from, to). Rows of 16 MiB and more are joined in a buffer of their own."""
        return frames(self.buffer, self.start, self.end)

    def count(self) -> int:
        """How many rows there are: each is walked over, but where all are equally long. See `about`."""
        buffer, at, end = self.buffer, self.start, self.end
        if at == end:
            return 0
        step: int = 4 + (_LENGTH.unpack_from(buffer, at)[0] & MOST)
        if step < MOST and self._all_equally_long(step):
            return (end - at) // step
        if self.size >= MOST:
            # A row may have come in several packets.
            return sum(1 for _ in self.rows())
        unpack, number = _LENGTH.unpack_from, 0
        while at < end:
            at += (unpack(buffer, at)[0] & MOST) + 4
            number += 1
        return number

    def _all_equally_long(self, step: int) -> bool:
        rows, rest = divmod(self.size, step)
        if rest:
            return False
        # If a row is as long as the first, the next one's length stands where it is looked for.
        return all(
            self.buffer[self.start + byte : self.end : step].count((step - 4) >> 8 * byte & 0xFF) == rows
            for byte in range(3)
        )

    def last(self) -> Span | None:
        """The last row, None where there is none.

        Found from the end, by its length and its packet's number and those of the rows before it: so not a row has
        to be walked over. Data that imitates five rows in sequence can deceive it; what is read up to another key
        than the last row's then differs between the servers, and is seen.
        """
        if self.start == self.end:
            return None
        found = _Backwards(self).find()
        if found is not None:
            return self.buffer, found + 4, self.end
        return deque(self.rows(), maxlen=1)[0]

    def kept(self) -> Packets:
        """A copy that outlives the reader's buffer."""
        return Packets(bytes(self.buffer[self.start : self.end]), 0, self.size, self.closing)


class _Backwards:
    """Looks for the last row from the end of the packets, in a bounded number of tries."""

    def __init__(self, packets: Packets) -> None:
        self._packets = packets
        self._tries = _TRIES

    def find(self) -> int | None:
        """Where the last row's packet begins; None where that was not to be seen."""
        for at in self._before(self._packets.end, self._packets.closing - 1):
            if self._holds(at, self._packets.closing - 2, _CHAIN):
                return at
        return None

    def _holds(self, end: int, sequence: int, more: int) -> bool:
        if end == self._packets.start or not more:
            return True
        return any(self._holds(at, sequence - 1, more - 1) for at in self._before(end, sequence))

    def _before(self, end: int, sequence: int) -> Iterator[int]:
        """Where a row's packet with that number may begin that ends at `end`, the nearest first."""
        start, buffer = self._packets.start, self._packets.buffer
        # A binary row begins with a zero byte, behind its packet's number.
        mark, bound = bytes((sequence & 0xFF, 0)), end
        while self._tries and (at := buffer.rfind(mark, start + 3, bound)) >= 0:
            self._tries -= 1
            bound = at + 1
            size = end - at - 1
            if size < MOST and _LENGTH.unpack_from(buffer, at - 3)[0] & MOST == size:
                yield at - 3
