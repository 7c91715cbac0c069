"""How far the target is behind its source, in seconds, from positions alone.

The source's newest position is sampled together with the time of this machine. What the target has
executed then tells from which time its data is: the time of the newest sample it contains, and a share of
the way to the next one. Nothing is written, no two clocks are compared, and neither a silent network nor a
stopped replica can make it look small.
"""

from __future__ import annotations

import bisect
import itertools
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from migration.heartbeat import Beat, read_beat
from migration.view import LagSample
from providers.mysql.connection import Connection
from providers.mysql.errors import ConnectionLost, ServerError, StatementFailed, Unreachable
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import FilePosition, Position, within
from providers.mysql.server import Server
from providers.mysql.status import ReplicaStatus, parse_status

Place = Position | Beat
_T = TypeVar("_T")

_CAPACITY = 4096
_HORIZON_S = 7 * 86_400.0
_RESOLUTION = 0.01
_PACE_S = 5.0
_PACE_LEAST_S = 0.5
_ANSWER_S = 1.0
_STATUS_EVERY_S = 1.0
_RETRY_S = 0.5
_BEAT_STOPPED_S = 2.0


def _within(earlier: Place, later: Place) -> bool:
    if isinstance(earlier, Beat) and isinstance(later, Beat):
        return earlier.within(later)
    if isinstance(earlier, Beat) or isinstance(later, Beat):
        raise TypeError("cannot order a heartbeat and a position")
    return within(earlier, later)


def distance(earlier: Place, later: Place) -> int:
    """What `later` has and `earlier` has not: transactions, bytes or beats.

    Over a change of binary log file only the bytes in the newer file count: how long the older ones are
    cannot be told from a position.
    """
    if isinstance(earlier, GtidSet) and isinstance(later, GtidSet):
        return later.minus(earlier).count()
    if isinstance(earlier, MariaGtid) and isinstance(later, MariaGtid):
        return earlier.behind(later)
    if isinstance(earlier, FilePosition) and isinstance(later, FilePosition):
        return max(0, later.offset - earlier.offset if earlier.file == later.file else later.offset)
    if isinstance(earlier, Beat) and isinstance(later, Beat):
        return max(0, later.number - earlier.number)
    raise TypeError(f"no distance between {type(earlier).__name__} and {type(later).__name__}")


@dataclass(frozen=True)
class Reading:
    """What the ring says: see `LagSample` for the fields. `lag_s` is None while nothing was sampled."""

    lag_s: float | None
    at_least: bool
    behind: int | None


@dataclass(frozen=True)
class _Entry:
    """A position of the source: the end of its log from `first` to `last`, as far as was looked.

    `mark` is what the source had written since the ring began.
    """

    place: Place
    first: float
    last: float
    mark: int


class PositionRing:
    """The source's positions with their times. Times are seconds of any one clock that never goes back.

    Bounded: when `capacity` is reached, samples older than `horizon_s` go, and the others are thinned out so
    that a gap stays under a hundredth of its age, or as little above as the room allows.
    """

    def __init__(self, capacity: int = _CAPACITY, horizon_s: float = _HORIZON_S) -> None:
        """Make an empty ring of at least 8 samples.

        Raises:
            ValueError: less capacity than that.
        """
        if capacity < 8:
            raise ValueError(f"a ring of {capacity} samples tells nothing")
        self._capacity = capacity
        self._horizon_s = horizon_s
        self._entries: list[_Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def watched_since(self) -> float | None:
        """The time of the oldest sample, None where there is none."""
        return self._entries[0].first if self._entries else None

    @property
    def still_since(self) -> float | None:
        """Since when the newest position has not changed, None where there is no sample."""
        return self._entries[-1].first if self._entries else None

    def add(self, at: float, place: Place) -> None:
        """Take in where the source's log ended at the time `at`.

        A source whose log went back (it was reset) is watched from here on anew.
        """
        mark = 0
        if self._entries:
            newest = self._entries[-1]
            if place == newest.place:
                self._entries[-1] = replace(newest, last=at)
                return
            if _within(newest.place, place):
                mark = newest.mark + distance(newest.place, place)
            else:
                self._entries.clear()
        self._entries.append(_Entry(place, at, at, mark))
        if len(self._entries) > self._capacity:
            self._thin(at)

    def lag(self, now: float, executed: Place) -> Reading:
        """How old the oldest transaction is that `executed`, read at `now`, does not contain."""
        if not self._entries:
            return Reading(None, False, None)
        newest = self._entries[-1]
        if _within(newest.place, executed):
            return Reading(0.0, False, 0)
        index = bisect.bisect_left(self._entries, True, key=lambda entry: not _within(entry.place, executed))
        after = self._entries[index]
        behind = self._behind(after, executed)
        if index == 0:
            return Reading(max(0.0, now - after.first), True, behind)
        before = self._entries[index - 1]
        way = distance(before.place, after.place)
        missing = min(way, distance(executed, after.place))
        # Nothing of what came between the two samples is there: the first of it may be as old as the earlier one.
        share = 1 - missing / way if way else 0.0
        seen = before.last + share * (after.first - before.last)
        return Reading(max(0.0, now - seen), False, behind)

    def _behind(self, after: _Entry, executed: Place) -> int | None:
        newest = self._entries[-1]
        if not isinstance(executed, FilePosition) or not isinstance(after.place, FilePosition):
            return distance(executed, newest.place)
        if after is self._entries[0] and executed.file != after.place.file:
            return None
        return distance(executed, after.place) + newest.mark - after.mark

    def _thin(self, now: float) -> None:
        recent = [entry for entry in self._entries if now - entry.last <= self._horizon_s]
        resolution = _RESOLUTION
        while len(recent) > self._capacity // 2:
            kept = recent[:1]
            for entry, following in itertools.pairwise(recent[1:]):
                if following.first - kept[-1].last > resolution * (now - entry.last):
                    kept.append(entry)
            recent = [*kept, recent[-1]]
            resolution *= 2
        self._entries = recent


class Pace:
    """How fast a position moves, over the last five seconds."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()
        self._place: Place | None = None

    def add(self, at: float, place: Place) -> None:
        """Take in a position at its time; one that went back starts anew."""
        mark = 0
        if self._place is not None and self._marks:
            if _within(self._place, place):
                mark = self._marks[-1][1] + distance(self._place, place)
            else:
                self._marks.clear()
        self._place = place
        self._marks.append((at, mark))
        while len(self._marks) > 1 and self._marks[1][0] <= at - _PACE_S:
            self._marks.popleft()

    def per_s(self) -> float | None:
        """Per second, None as long as there is too little to tell."""
        if not self._marks:
            return None
        (began, first), (ended, last) = self._marks[0], self._marks[-1]
        return (last - first) / (ended - began) if ended - began >= _PACE_LEAST_S else None


def seconds_until(sample: LagSample, limit_s: float) -> float | None:
    """In how many seconds the lag will be at `limit_s` if both servers go on at their pace.

    None where that cannot be told or the target does not catch up; 0.0 where it is there already.
    """
    if sample.lag_s is None:
        return None
    if sample.lag_s <= limit_s and not sample.at_least:
        return 0.0
    if sample.behind is None or sample.written_per_s is None or sample.applied_per_s is None:
        return None
    gain = sample.applied_per_s - sample.written_per_s
    return max(0.0, sample.behind - limit_s * sample.written_per_s) / gain if gain > 0 else None


class _Link:
    """A session of its own to a server. Answers in bounded time, or fails; opens again in the background."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._session: Connection | None = None
        self._opening = False
        self._closed = False
        self._tried = -_RETRY_S
        self._failure: ServerError = Unreachable(server.name, f"{server.name} is being connected to.")
        self._open_soon()

    def ask(self, question: Callable[[Connection], _T]) -> _T:
        """Put a question.

        Raises:
            ServerError: no session, no answer within a second, or the server refused.
        """
        session = self._session
        if session is None:
            self._open_soon()
            raise self._failure
        try:
            return question(session)
        except ConnectionLost as error:
            session.close()
            self._failure = Unreachable(
                self._server.name,
                f"{self._server.name} ({self._server.endpoint.address}) gave no answer "
                "and is being connected to again; check the server and the network.",
                error.code,
            )
            self._session = None
            self._open_soon()
            raise self._failure from error

    def close(self) -> None:
        """End the session for good."""
        with self._lock:
            self._closed = True
            if self._session is not None:
                self._session.close()
                self._session = None

    def _open_soon(self) -> None:
        with self._lock:
            if self._closed or self._opening or time.monotonic() - self._tried < _RETRY_S:
                return
            self._opening = True
        threading.Thread(target=self._open, name=f"lag-{self._server.name}", daemon=True).start()

    def _open(self) -> None:
        session: Connection | None = None
        try:
            session = self._server.connect()
            session.allow_answer_s(_ANSWER_S)
        except ServerError as error:
            self._failure = error
        with self._lock:
            self._tried = time.monotonic()
            self._opening = False
            if not self._closed:
                self._session = session
            elif session is not None:
                session.close()


@dataclass(frozen=True)
class _Target:
    """What the target said at the time `at`."""

    at: float
    executed: Place
    status: ReplicaStatus | None


class LagMeter:
    """Measures the lag between two servers, over sessions of its own. To be asked about ten times a second.

    With a position's type as `kind` it goes by positions in that notation; with `Beat`, by the row that a
    `HeartbeatWriter` counts up. Not for use by two threads at once.
    """

    def __init__(self, source: Server, target: Server, kind: type[Place]) -> None:
        self._source = source
        self._target = target
        self._kind = kind
        self._to_source = _Link(source)
        self._to_target = _Link(target)
        self._ring = PositionRing()
        self._written = Pace()
        self._applied = Pace()
        self._status: ReplicaStatus | None = None
        self._status_at = -_STATUS_EVERY_S

    def close(self) -> None:
        """End the sessions."""
        self._to_source.close()
        self._to_target.close()

    def sample(self) -> LagSample:
        """One reading. Never fails: what cannot be known is None, and the reason says why.

        A server that does not answer holds it up for a second, once.
        """
        failure = ""
        target: _Target | None = None
        try:
            began = time.monotonic()
            place = self._to_source.ask(self._source_place)
            at = (began + time.monotonic()) / 2
            self._ring.add(at, place)
            self._written.add(at, place)
        except ServerError as error:
            failure = str(error)
        try:
            target = self._to_target.ask(self._look_at_target)
            self._applied.add(target.at, target.executed)
        except ServerError as error:
            failure = failure or str(error)
            self._status, self._status_at = None, -_STATUS_EVERY_S
        if failure or target is None:
            return self._unknown(failure)
        return self._judge(target)

    def _judge(self, target: _Target) -> LagSample:
        wrong = self._wrong_channel(target.status)
        if wrong:
            return self._unknown(wrong)
        still = self._ring.still_since
        if self._kind is Beat and still is not None and target.at - still > _BEAT_STOPPED_S:
            return self._unknown(
                f"The heartbeat on {self._source.name} has stopped, so the lag cannot be told; see why its writer "
                "does not run."
            )
        reading = self._ring.lag(target.at, target.executed)
        beat = self._kind is Beat
        return replace(
            self._unknown(self._trouble(target.status)),
            lag_s=reading.lag_s,
            at_least=reading.at_least,
            behind=None if beat else reading.behind,
            written_per_s=None if beat else self._written.per_s(),
            applied_per_s=None if beat else self._applied.per_s(),
        )

    def _unknown(self, reason: str) -> LagSample:
        units: dict[type[Place], str] = {FilePosition: "bytes", Beat: "beats"}
        says = None if self._status is None else self._status.seconds_behind
        return LagSample(
            at=time.time(),
            lag_s=None,
            at_least=False,
            method="heartbeat" if self._kind is Beat else "position",
            reason=reason,
            server_says_s=None if says is None else float(says),
            behind=None,
            unit=units.get(self._kind, "transactions"),
            written_per_s=None,
            applied_per_s=None,
        )

    def _wrong_channel(self, status: ReplicaStatus | None) -> str:
        """Why what the target has executed says nothing about this source, empty where it does."""
        if status is None:
            return f"{self._target.name} is no replica, so its lag cannot be told; attach it to {self._source.name}."
        if self._kind is FilePosition and _from_another(status, self._source):
            return (
                f"{self._target.name} follows another server than {self._source.name} "
                f"({status.source_host}:{status.source_port}), so its file positions say nothing; "
                f"attach it to {self._source.name}."
            )
        return ""

    def _trouble(self, status: ReplicaStatus | None) -> str:
        if status is None or status.running:
            return ""
        return (
            f"Replication on {self._target.name} does not run ({status.trouble}); "
            "cure what the server names and start it again."
        )

    def _source_place(self, session: Connection) -> Place:
        if self._kind is Beat:
            beat = read_beat(session)
            if beat is None:
                raise StatementFailed(
                    self._source.name, f"There is no heartbeat on {self._source.name}; its writer has to create it."
                )
            return beat
        dialect = self._source.dialect
        if self._kind is FilePosition:
            rows = session.named(dialect.source_status)
            if not rows:
                raise StatementFailed(
                    self._source.name,
                    f"The binary log of {self._source.name} is off; turn on log_bin and restart it.",
                )
            return FilePosition(str(rows[0]["File"]), int(rows[0]["Position"]))
        return self._gtid(session.value(dialect.gtid_end))

    def _look_at_target(self, session: Connection) -> _Target:
        began = time.monotonic()
        if self._kind is FilePosition or began - self._status_at >= _STATUS_EVERY_S:
            # Forgotten first: where the question fails, an old answer must not stand in for it.
            self._status = None
            rows = session.named(self._target.dialect.replica_status)
            self._status = parse_status(rows[0]) if rows else None
            self._status_at = began
        began = self._status_at if self._kind is FilePosition else time.monotonic()
        executed = self._executed(session, self._status)
        return _Target((began + time.monotonic()) / 2, executed, self._status)

    def _executed(self, session: Connection, status: ReplicaStatus | None) -> Place:
        if self._kind is Beat:
            return read_beat(session) or Beat(-1)
        if self._kind is FilePosition:
            return status.executed if status is not None else FilePosition("", 0)
        return self._gtid(session.value(self._target.dialect.gtid_position))

    def _gtid(self, text: object) -> GtidSet | MariaGtid:
        return MariaGtid.parse(str(text)) if self._kind is MariaGtid else GtidSet.parse(str(text))


def choose_meter(source: Server, target: Server, kind: type[Position]) -> LagMeter:
    """The meter for two servers.

    By position where the target's can be held against the source's: GTIDs where both servers are of one
    family, file positions unless the target is connected to another server than this source. By heartbeat
    elsewhere, such as with a relay between the two; its writer has to be run then.

    Raises:
        ServerError: the target cannot be asked which server it follows.
    """
    if kind is FilePosition:
        status = target.replica_status()
        comparable = status is None or status.io != "Yes" or not _from_another(status, source)
    else:
        comparable = source.version.mariadb == target.version.mariadb == (kind is MariaGtid)
    return LagMeter(source, target, kind if comparable else Beat)


def _from_another(status: ReplicaStatus, source: Server) -> bool:
    """Whether a channel's source is known to be another server; 0 stands for not known yet."""
    return status.source_id not in (0, source.identity.server_id)
