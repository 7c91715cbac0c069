"""Everything that a verification works with, made ready: connected, looked at, and begun where an earlier one ended."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from migration.model import Side
from migration.verify import journal
from migration.verify.arrival import Arrival
from migration.verify.chunks import Done, from_json
from migration.verify.dirty import DirtySet, Suspect
from migration.verify.findings import Findings
from migration.verify.follower import LogFollower
from migration.verify.journal import About, Kept, Places
from migration.verify.known import SIDES, Known
from migration.verify.listing import Listing, without_hidden
from migration.verify.model import Doubt, Mode, Request, Table
from migration.verify.passing import FirstPass
from migration.verify.readers import Readers
from migration.verify.rechecker import Rechecker
from migration.verify.scan import Scan, Watcher
from migration.verify.shapes import read_shapes
from migration.verify.throttle import Gauge
from migration.verify.upkeep import Upkeep, surroundings
from providers.mysql.binlog.access import free_server_id, readable
from providers.mysql.binlog.marks import End, LogGone, Start
from providers.mysql.binlog.places import log_end, log_start
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Endpoint
from providers.mysql.server import read_identity, read_version

_MIB = 1 << 20
# Below this, sending every row takes longer than having the servers add up checksums.
_SLOW_LINK_S = 1 / 8
_PROBES = 5
_PROBE = "SELECT REPEAT('x', 1048576)"


@dataclass(frozen=True)
class Asked:
    """What was asked for; see `Verification`."""

    source: Endpoint
    target: Endpoint
    request: Request
    state: Path | None
    lag_s: Callable[[], float | None] | None


@dataclass(frozen=True)
class Work:
    """The parts of a verification that is under way."""

    asked: Asked
    mode: Mode
    known: Known
    dirty: DirtySet
    findings: Findings
    followers: Mapping[Side, LogFollower]
    gauge: Gauge
    rechecker: Rechecker
    upkeep: Upkeep
    scan: Scan
    journal: journal.Progress | None
    sessions: Mapping[Side, Connection]
    doubts: tuple[Doubt, ...]

    def close(self) -> None:
        """End all threads and sessions."""
        self.gauge.close()
        self.scan.stop()
        if self.scan.running and not self.scan.wait(2.0):
            self.scan.abandon()
            self.scan.wait(5.0)
        self.upkeep.close()
        self.rechecker.close()
        for follower in self.followers.values():
            follower.close()
        if self.journal is not None:
            self.journal.close()
        for session in self.sessions.values():
            session.close()


@dataclass
class _Beginning:
    """What is known before the first thread runs."""

    sessions: dict[Side, Connection]
    uids: dict[Side, str]
    kept: Kept | None
    starts: dict[Side, Start]
    doubts: list[Doubt]
    server_ids: dict[Side, int]


def end_of_log(work: Work, side: Side) -> End:
    """Where a side's log ends, over a session of its own: one from the beginning may have broken since.

    Raises:
        ServerError: the server does not answer.
    """
    with contextlib.closing(Connection(work.asked.target if side is Side.TARGET else work.asked.source)) as session:
        return log_end(session)


def begin(asked: Asked, failed: Callable[[Exception], None]) -> Work:
    """Connect to both servers and start all threads.

    `failed`: told, once or more, why it cannot go on.

    Raises:
        ServerError: a server cannot be reached or does not let the account read.
        JournalError: the progress of an earlier verification cannot be used.
    """
    try:
        return _begin(asked, failed, resume=True)
    except LogGone:
        # A log that an earlier verification began with is there no longer: all rows are read once more.
        return _begin(asked, failed, resume=False)


def _begin(asked: Asked, failed: Callable[[Exception], None], resume: bool) -> Work:
    with contextlib.ExitStack() as stack:
        beginning = _look(asked, stack, resume)
        work = _assemble(asked, beginning, failed, stack)
        stack.callback(work.close)
        # Each waits a moment for the server to say that it no longer has the place.
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(LogFollower.start, work.followers.values()))
        work.rechecker.start()
        work.gauge.start()
        work.upkeep.start()
        work.scan.start()
        stack.pop_all()
        return work


def _look(asked: Asked, stack: contextlib.ExitStack, resume: bool) -> _Beginning:
    sessions = {}
    for side, endpoint in zip(SIDES, (asked.source, asked.target), strict=True):
        sessions[side] = stack.enter_context(contextlib.closing(Connection(endpoint)))
    uids = {side: read_identity(session, read_version(session)).uid for side, session in sessions.items()}
    about = _about(asked, uids)
    kept = journal.read(asked.state, about) if asked.state is not None and resume else None
    reasons = {side: readable(session) for side, session in sessions.items()}
    doubts = list(_unreadable(asked, reasons))
    followed = [side for side in SIDES if not reasons[side]]
    server_ids = {side: free_server_id(sessions.values()) for side in followed}
    starts = {} if kept is None else kept.places.by_side()
    if kept is None or list(starts) != followed:
        kept = None
        with ThreadPoolExecutor(2) as pool:
            begun = {side: pool.submit(log_start, sessions[side]) for side in followed}
        starts = {side: start.result() for side, start in begun.items()}
    return _Beginning(sessions, uids, kept, starts, doubts, server_ids)


def _about(asked: Asked, uids: Mapping[Side, str]) -> About:
    request = asked.request
    compared = repr((sorted(request.databases), request.pattern))
    return About(uids[Side.SOURCE], uids[Side.TARGET], hashlib.sha256(compared.encode()).hexdigest()[:16])


def _unreadable(asked: Asked, reasons: Mapping[Side, str]) -> Iterator[Doubt]:
    if reasons[Side.SOURCE]:
        yield Doubt(
            None,
            f"the binary log of {asked.source.name} cannot be followed ({reasons[Side.SOURCE]}), so rows that change "
            "after they were compared go unseen",
        )
    if reasons[Side.TARGET]:
        yield Doubt(
            None,
            f"the binary log of {asked.target.name} cannot be followed ({reasons[Side.TARGET]}): that nobody else "
            "writes there, and that replication applies each change to the right row, is trusted and not proved",
            unproved=False,
        )


def _assemble(
    asked: Asked, begun: _Beginning, failed: Callable[[Exception], None], stack: contextlib.ExitStack
) -> Work:
    # Connecting takes as long as looking at the tables does.
    with ThreadPoolExecutor(2) as pool:
        opening = [pool.submit(Readers, asked.source, asked.target) for _ in range(2)]
        try:
            known, findings = _known(asked, begun), Findings()
        finally:
            _close_with(stack, opening)
    rechecking, upkeeping = (readers.result() for readers in opening)
    dirty = DirtySet(ranges_of=known.ranges)
    followers: dict[Side, LogFollower] = {}

    def changed() -> int:
        return followers[Side.SOURCE].events if Side.SOURCE in followers else 0

    gauge = Gauge(asked.source, asked.target, asked.request, asked.lag_s, failed, changed)

    def wake() -> None:
        rechecker.wake()

    for side, endpoint in zip(SIDES, (asked.source, asked.target), strict=True):
        if side in begun.starts:
            server_id = begun.server_ids[side]
            followers[side] = LogFollower(side, endpoint, begun.starts[side], server_id, known, dirty, wake, failed)
    progress = _progress(asked, begun, known)
    first = FirstPass(known, dirty, findings, gauge, followers, progress)
    mode = asked.request.mode or _mode(rechecking)
    rechecker = Rechecker(
        rechecking, known, dirty, followers, lambda: gauge.lag_s, findings.heal, lambda _: first.places(), failed
    )
    arrival = stack.enter_context(contextlib.closing(Arrival(asked.source, asked.target, asked.lag_s)))
    upkeep = Upkeep(
        upkeeping, arrival, asked.request, known, dirty, findings, followers,
        gauge.permit, first.again, first.part, failed,
    )  # fmt: skip
    watcher = Watcher(first.chunk, first.table, first.trouble, gauge.permit)
    done = _done(begun.kept, mode, known, dirty, findings) if begun.kept is not None else {}
    connections = asked.request.connections
    scan = Scan(
        asked.source, asked.target, known.shapes(), watcher,
        connections=connections, mode=mode, done=done, turn=gauge.turn,
    )  # fmt: skip
    sessions, doubts = begun.sessions, tuple(begun.doubts)
    return Work(
        asked, mode, known, dirty, findings, followers, gauge, rechecker, upkeep, scan, progress, sessions, doubts
    )


def _close_with(stack: contextlib.ExitStack, opening: Iterable[Future[Readers]]) -> None:
    for readers in opening:
        if readers.exception() is None:
            stack.enter_context(contextlib.closing(readers.result()))


def _known(asked: Asked, begun: _Beginning) -> Known:
    source, target = (begun.sessions[side] for side in SIDES)
    # The names are asked for before the shapes: what comes later is in the logs.
    names = [Listing(session, asked.request.databases).ask()() for session in (source, target)]
    shapes = without_hidden(read_shapes(source, target, asked.request), source, target)
    known = Known(asked.request, shapes, surroundings(source, target))
    known.set_aside(frozenset().union(*names))
    return known


def _progress(asked: Asked, begun: _Beginning, known: Known) -> journal.Progress | None:
    """The file to go on with; None where nothing is kept, or nothing could be gone on from."""
    if asked.state is None or Side.SOURCE not in begun.starts:
        return None
    places = Places(begun.starts[Side.SOURCE], begun.starts.get(Side.TARGET))
    progress = journal.Progress(asked.state, _about(asked, begun.uids), places, begun.kept is not None)
    progress.tables({shape.table: shape.fingerprint for shape in known.shapes()})
    return progress


def _done(kept: Kept, mode: Mode, known: Known, dirty: DirtySet, findings: Findings) -> dict[Table, Done]:
    """What an earlier verification has read; what differed then is looked at again."""
    done: dict[Table, Done] = {}
    now = time.monotonic()
    for shape in known.shapes():
        # What was compared by checksums only is no part of an exact comparison.
        stretches = [one for one in kept.of(shape.table, shape.fingerprint) if mode is Mode.HASH or not one.miss]
        if not stretches:
            continue
        done[shape.table] = Done(from_json(stretch.range) for stretch in stretches)
        keys = {key for stretch in stretches for key in stretch.differing} | kept.differing.get(shape.table, set())
        dirty.differ(shape.table, [Suspect(key, 1, now) for key in keys], now)
        findings.count(
            sum(one.rows for one in stretches), sum(one.size for one in stretches), sum(one.miss for one in stretches)
        )
    return done


def _mode(readers: Readers) -> Mode:
    """How rows are best compared over this link: by how fast it carries them."""
    fastest = float("inf")
    for _ in range(_PROBES):
        began = time.monotonic()
        a, b = readers.both(_PROBE, _PROBE)
        seconds = time.monotonic() - began
        if min(a.size, b.size) < _MIB:
            return Mode.EXACT
        fastest = min(fastest, seconds)
    return Mode.HASH if fastest > _SLOW_LINK_S else Mode.EXACT
