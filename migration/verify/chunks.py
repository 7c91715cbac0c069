"""Ranges of a table's key: what a chunk covers, which are done, how large the next one should be.

The ranges of a table never overlap and leave nothing out, whatever the keys on either server are: an integer key is
covered from the smallest to the largest value of its type; the stretches of any other key begin where the one before
ended, and the first and the last have no end. So a row that is on one server only lies in one of them, too.
"""

from __future__ import annotations

import bisect
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from providers.mysql.binlog.ranges import Ranges
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.rows import Key, RowLayout
from providers.mysql.packets.wire import MOST

# Measured: 0.5 to 2 MiB cost the servers least.
BYTES = 1 << 20
SECONDS = 0.5
"""A chunk that takes longer is followed by a smaller one."""
_LEAST_ROWS = 50
_MOST_ROWS = 50_000


@dataclass(frozen=True)
class Span:
    """The integer keys from `low` to `high`, both included."""

    low: int
    high: int


@dataclass(frozen=True)
class Stretch:
    """The keys behind `after` and up to `upto`, which is included; None: from the first, to the last."""

    after: Key | None = None
    upto: Key | None = None


@dataclass(frozen=True)
class Whole:
    """All of the table."""


Range = Span | Stretch | Whole


def to_json(part: Range) -> list[Any]:
    """A plain list for a journal."""
    if isinstance(part, Span):
        return [part.low, part.high]
    if isinstance(part, Stretch):
        return [None if key is None else [value.hex() for value in key] for key in (part.after, part.upto)]
    return []


def from_json(body: list[Any]) -> Range:
    """Read what `to_json` wrote."""
    if not body:
        return Whole()
    if all(isinstance(end, int) for end in body):
        return Span(body[0], body[1])
    after, upto = (None if end is None else tuple(bytes.fromhex(value) for value in end) for end in body)
    return Stretch(after, upto)


class Done:
    """The ranges of one table that need not be read again."""

    def __init__(self, parts: Iterable[Range] = ()) -> None:
        found = tuple(parts)
        self.whole = any(part in (Whole(), Stretch()) for part in found)
        self.spans = _merged(part for part in found if isinstance(part, Span))
        self._links = {part.after: part.upto for part in found if isinstance(part, Stretch)}

    def __bool__(self) -> bool:
        return self.whole or bool(self.spans) or bool(self._links)

    def stretched(self) -> tuple[Key | None, bool]:
        """Up to which key everything is done without a gap, None for nothing; and whether that is everything."""
        at: Key | None = None
        seen = set[Key | None]()
        while at in self._links and at not in seen:
            seen.add(at)
            at = self._links[at]
            if at is None:
                return None, True
        return at, self.whole


def outside(ranges: Ranges, bounds: tuple[int, int]) -> Iterator[Span]:
    """What of the numbers from the one bound to the other, both included, is in none of the ranges within them."""
    at = bounds[0]
    for low, high in ranges:
        if low > at:
            yield Span(at, low - 1)
        at = high + 1
    if at <= bounds[1]:
        yield Span(at, bounds[1])


def _merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: span.low):
        if merged and span.low <= merged[-1].high + 1:
            merged[-1] = Span(merged[-1].low, max(merged[-1].high, span.high))
        else:
            merged.append(span)
    return tuple(merged)


def _factor(size: int, seconds: float, target: int) -> float:
    """By how much the next chunk should be larger than one of `size` bytes; 1.0 where that is about right."""
    factor = min(4.0, max(0.25, target / max(size, 1)))
    if seconds > SECONDS:
        factor = min(factor, 0.5)
    return 1.0 if 0.5 < factor < 2.0 else factor


class Pace:
    """How many rows to ask for, so that a chunk has about `BYTES` and takes no longer than `SECONDS`."""

    def __init__(self, row_size: int, target: int = BYTES) -> None:
        self._target = target
        self.rows = max(_LEAST_ROWS, min(_MOST_ROWS, target // row_size))

    def learn(self, size: int, seconds: float) -> None:
        """Take a chunk of `size` bytes into account."""
        self.rows = max(1, min(_MOST_ROWS, int(self.rows * _factor(size, seconds, self._target))))

    def shrink(self) -> bool:
        """Ask for far fewer; False where it is one row already."""
        alone = self.rows == 1
        self.rows = max(1, self.rows // 8)
        return not alone


class Cursor:
    """Hands out the spans of one table's integer key; for several workers at once.

    `low` and `high`: where keys are known to be, so that nobody searches for rows in all of the type's range.
    `bounds`: the ends of that range, which the first and the last span reach to. `step`: keys of the first span.
    """

    def __init__(self, low: int, high: int, bounds: tuple[int, int], step: int, done: Done) -> None:
        self._lock = threading.Lock()
        self._next, self._high, self._bounds = low, high, bounds
        self._first = True
        self._done = done.spans
        self._lows = [span.low for span in done.spans]
        self._left: list[Span] = []
        self._step = max(1, step)
        self._over = False
        self._out = 0

    def take(self) -> Span | None:
        """The next span to read, None where there is no more."""
        with self._lock:
            span = self._left.pop() if self._left else None
            while span is None and not self._over:
                span = self._cut()
            self._out += span is not None
            return span

    def put_down(self, left: Span | None) -> None:
        """A span that was taken is read, but for what is `left` of it."""
        with self._lock:
            self._out -= 1
            if left is not None:
                self._left.append(left)

    def _cut(self) -> Span | None:
        """The next span that is not done; None where what comes next is, which is then passed."""
        low = self._bounds[0] if self._first else self._next
        self._first = False
        at = bisect.bisect_right(self._lows, low) - 1
        if at >= 0 and low <= self._done[at].high:
            self._next = self._done[at].high + 1
            self._over = self._next > self._bounds[1]
            return None
        high = max(self._next, low) + self._step - 1
        if high >= self._high:
            high = self._bounds[1]
        if at + 1 < len(self._done):
            high = min(high, self._done[at + 1].low - 1)
        self._next = high + 1
        self._over = high >= self._bounds[1]
        return Span(low, high)

    def give_back(self, span: Span) -> None:
        """Some of a span was not read."""
        with self._lock:
            self._left.append(span)

    def learn(self, size: int, seconds: float, target: int = BYTES) -> None:
        """Take a span that was read, and had `size` bytes of rows, into account."""
        factor = _factor(size, seconds, target)
        with self._lock:
            self._step = max(1, min(int(self._step * factor), 1 << 64))

    def shrink(self, span: Span) -> None:
        """A span had far more rows than thought."""
        with self._lock:
            self._step = max(1, min(self._step, (span.high - span.low + 1) // 8))

    @property
    def idle(self) -> bool:
        """Whether there is no span to be taken now."""
        with self._lock:
            return self._over and not self._left

    @property
    def finished(self) -> bool:
        """Whether all spans were read."""
        with self._lock:
            return self._over and not self._left and not self._out


def maybe_full(packets: Packets, rows: int) -> bool:
    """Whether there may be as many rows as the limit of `rows`, so that more may follow.

    Told by the packets' numbers, without walking over them: right where it is False, wrong once in 256 times where
    it is True, which costs one more reading.
    """
    if packets.size == 0:
        return rows == 0
    if packets.size >= MOST:
        return True
    return not (packets.closing - packets.buffer[packets.start + 3] - rows) & 0xFF


def last_key(layout: RowLayout, packets: Packets) -> Key | None:
    """The key of the last row."""
    last = packets.last()
    return None if last is None else layout.key(last[0], last[1])


def as_number(value: bytes, signed: bool) -> int:
    """An integer key's value."""
    return int.from_bytes(value, "little", signed=signed)
