"""A tail that follows a real server while a test changes it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from providers.mysql.binlog.access import free_server_id
from providers.mysql.binlog.marks import End, Mark, Start
from providers.mysql.binlog.places import log_end, log_start
from providers.mysql.binlog.ranges import Ranges
from providers.mysql.binlog.tail import RangesOf, Table, Tail, Touched
from providers.mysql.connection import DEFAULT_TIMEOUTS, Connection, Timeouts
from providers.mysql.endpoint import Endpoint

_LONGEST_S = 30.0


@dataclass
class Seen:
    """What a tail has given back, put together."""

    rows: dict[Table, set[tuple[bytes, ...]]] = field(default_factory=dict)
    rekeyed: set[Table] = field(default_factory=set)
    unreadable: set[Table] = field(default_factory=set)
    ranges: dict[Table, list[Ranges]] = field(default_factory=dict)
    statements: list[tuple[str, str]] = field(default_factory=list)
    everything: str = ""
    events: int = 0
    marks: list[Mark] = field(default_factory=list)

    def add(self, touched: Touched) -> None:
        for table, keys in touched.rows.items():
            self.rows.setdefault(table, set()).update(keys)
        for table, ranges in touched.ranges.items():
            self.ranges.setdefault(table, []).append(ranges)
        self.rekeyed |= touched.rekeyed
        self.unreadable |= touched.unreadable
        self.statements += touched.statements
        self.everything = self.everything or touched.everything
        self.events += touched.events
        self.marks.append(touched.upto)

    def keys(self, name: str) -> set[int]:
        """The keys of a table in the database `app` whose key is one INT."""
        found = self.rows.get(("app", name), set())
        return {int.from_bytes(key[0], "little", signed=True) for key in found}


@dataclass
class Following:
    """A session that changes a server, and a tail that follows it. `keys`: by table in `app` the key's columns."""

    session: Connection
    tail: Tail
    keys: dict[str, tuple[int, ...]]

    def run(self, *statements: str) -> Seen:
        """Run statements and return what the tail sees of them."""
        for statement in statements:
            self.session.run(statement)
        return self.catch_up()

    def catch_up(self) -> Seen:
        return drained(self.tail, log_end(self.session))


def drained(tail: Tail, end: End, seconds: float = _LONGEST_S) -> Seen:
    """All that the tail gives back up to a place."""
    seen = Seen()
    deadline = time.monotonic() + seconds
    while not tail.reached(end):
        touched = tail.read(0.5)
        if touched is not None:
            seen.add(touched)
        assert time.monotonic() < deadline, f"{end} was not reached; the tail is at {tail.place}"
    return seen


@contextlib.contextmanager
def following(
    session: Connection,
    keys: Mapping[str, tuple[int, ...]],
    *,
    start: Start | None = None,
    through: Endpoint | None = None,
    most_keys: int = 200_000,
    ranges_of: RangesOf = lambda table, keys: None,
    patience_s: float = 60.0,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
) -> Iterator[Following]:
    """Follow the server of a session from now on, or from a place; over another address, where one is given."""
    known = dict(keys)
    tail = Tail(
        through or session.endpoint,
        start or log_start(session, settle_s=1.0),
        lambda database, name: known.get(name) if database == "app" else None,
        free_server_id([session]),
        most_keys=most_keys,
        ranges_of=ranges_of,
        patience_s=patience_s,
        timeouts=timeouts,
    )
    with contextlib.closing(tail):
        yield Following(session, tail, known)
