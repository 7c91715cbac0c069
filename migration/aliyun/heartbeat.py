"""A row of our own beside the provider's delay: counted up on the side with the writes, and read on the other.

It is off unless it was chosen, is written only by an account that a read-only server refuses, and decides nothing. It
is there before the cluster is ordered, so that it is carried whichever way the rows travel.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

from migration import notes
from migration.aliyun import clone
from migration.follow import Seen
from migration.heartbeat import DATABASE, Beat, HeartbeatWriter, create_statements, read_beat, remove_statements
from migration.lag import PositionRing
from migration.runbook import Estimate, Migration, Observation, done, not_done
from providers.mysql.errors import ServerError, StatementFailed
from providers.mysql.server import Server

GATE = STEP = "heartbeat"
GONE_STEP, GONE_BACK_STEP = "heartbeat_gone", "heartbeat_gone_back"
OFF, ON = "no heartbeat", "a heartbeat"
UNIT = "beats"
_EVERY_S = 1.0
# MySQL error reference: access to a database, table or action is denied; the server takes no writes.
_REFUSED = (1044, 1142, 1227, 1290, 1836)
# Who has one of these writes on a server that is read-only (MySQL manual, read_only).
_PASSES = (
    "SELECT COUNT(*) FROM information_schema.user_privileges "
    "WHERE privilege_type IN ('SUPER', 'CONNECTION_ADMIN') AND grantee = %s"
)
_NONE = "none is written"


def wanted(m: Migration) -> bool:
    """Whether it was chosen; nothing follows a clone."""
    return m.chosen(GATE) == ON and not clone.wanted(m)


def statements(m: Migration) -> tuple[str, ...]:
    """What will run on the source."""
    return create_statements() if wanted(m) else ("nothing: no heartbeat is asked for",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(1.0, "a database with one table of one row")


def probe(m: Migration) -> Observation:
    """Whether the row is there, or may not be."""
    if not wanted(m):
        return done("not asked for")
    if _given_up(m):
        return done(f"{_NONE}: {m.source.endpoint.account.user} may not, or could not be stopped by read_only")
    if read_beat(m.source) is None:
        return not_done(f"there is no row in {DATABASE} on {m.source.name}")
    return done(f"{DATABASE}.beat is on {m.source.name}")


def apply(m: Migration) -> None:
    """Make the row, unless the account may not or is one that a read-only server would not refuse.

    Raises:
        ServerError: the server cannot be asked.
    """
    user, _, host = str(m.source.value("SELECT CURRENT_USER()")).rpartition("@")
    if int(m.source.value(_PASSES, (f"'{user}'@'{host}'",))):
        _give_up(m, f"{user} has SUPER or CONNECTION_ADMIN, and would write on a server that is read-only")
        return
    try:
        for statement in create_statements():
            m.change(m.source, STEP, statement)
    except StatementFailed as error:
        if error.code not in _REFUSED:
            raise
        with contextlib.suppress(StatementFailed):
            _drop(m, m.source, STEP)
        _give_up(m, str(error))


def undo(m: Migration) -> None:
    """Take it away on both sides, where it is."""
    if wanted(m):
        _remove(m, STEP)


def _give_up(m: Migration, why: str) -> None:
    m.scribe.statement(DATABASE, STEP, _NONE, 0)
    m.scribe.note(f"no heartbeat is written, so that the provider's delay stands alone: {why}", "warn")


def _given_up(m: Migration) -> bool:
    return notes.last(m, DATABASE, STEP) == _NONE


def _drop(m: Migration, server: Server, step: str) -> None:
    for statement in remove_statements():
        m.change(server, step, statement)


def _remove(m: Migration, step: str) -> None:
    for server in m.servers:
        if DATABASE not in server.databases():
            continue
        try:
            _drop(m, server, step)
        except StatementFailed as error:
            m.scribe.statement(DATABASE, step, server.name, 0)
            m.scribe.note(f"{DATABASE} stays on {server.name}, drop it yourself: {error}", "warn")


def _stays(m: Migration, server: Server, step: str) -> bool:
    """Whether the operator was told that it stays there: nobody waits for it."""
    return server.name in notes.every(m, DATABASE, step)


class Gone:
    """Taking it away once nothing is synchronised any more; see `migration.runbook.Action`."""

    def __init__(self, step: str) -> None:
        self._step = step

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run, on both sides."""
        return remove_statements() if wanted(m) else ("nothing: no heartbeat was asked for",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(1.0, "a database with one table of one row")

    def probe(self, m: Migration) -> Observation:
        """Whether it is on neither side, or was told to be left there."""
        if not wanted(m):
            return done("none was asked for")
        left = [one.name for one in m.servers if DATABASE in one.databases() and not _stays(m, one, self._step)]
        return not_done(f"{DATABASE} is on {' and '.join(left)}") if left else done("taken away")

    def apply(self, m: Migration) -> None:
        """Drop it where it is; a side that refuses is named."""
        _remove(m, self._step)


GONE, GONE_BACK = Gone(GONE_STEP), Gone(GONE_BACK_STEP)


@dataclass(frozen=True)
class RowReading:
    """How far the row is behind on the other side, in words and in beats; None where that is not known."""

    words: str
    behind: int | None = None


class OwnRow:
    """Counting the row up on the one side and reading it on the other, once a second. Not for two threads at once."""

    def __init__(self, m: Migration) -> None:
        self._m = m
        self._seen = Seen(m)
        self._on: bool | None = None
        self._given_up = False
        self._forward = True
        self._writer: HeartbeatWriter | None = None
        self._ring = PositionRing()
        self._next = 0.0
        self._newest: RowReading | None = None

    def look(self, forward: bool) -> RowReading | None:
        """The newest reading in this direction; None where no heartbeat was chosen, or nothing follows yet."""
        if self._m.other is None:
            return None
        if self._on is None:
            # Both were decided before there was a cluster.
            self._on, self._given_up = wanted(self._m), _given_up(self._m)
        if not self._on:
            return None
        if forward != self._forward:
            self._turn(forward)
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_S
            self._newest = self._measure()
        return self._newest

    def close(self) -> None:
        """Close the sessions."""
        self._stop_writing()
        self._seen.close()

    def _turn(self, forward: bool) -> None:
        self._stop_writing()
        self._forward, self._ring, self._newest, self._next = forward, PositionRing(), None, 0.0

    def _stop_writing(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _measure(self) -> RowReading:
        if self._given_up:
            return RowReading("our own row is unknown, since none is written")
        leader, follower = ("source", "target") if self._forward else ("target", "source")
        try:
            # Read before the next beat, which the other side had no time to get.
            arrived = read_beat(self._seen.server(follower)) or Beat(-1)
            reading = self._ring.lag(time.monotonic(), arrived)
            self._beat(self._seen.server(leader))
        except ServerError as error:
            return RowReading(f"our own row is unknown: {error}")
        if reading.lag_s is None:
            return RowReading("our own row was not read yet")
        least = "at least " if reading.at_least else ""
        return RowReading(f"our own row is {least}{reading.lag_s:.1f} s behind", reading.behind)

    def _beat(self, leader: Server) -> None:
        if self._writer is None:
            self._writer = HeartbeatWriter(leader)
        self._writer.beat()
        written = read_beat(leader)
        if written is not None:
            self._ring.add(time.monotonic(), written)
