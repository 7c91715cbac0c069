"""Proving that both servers hold the same rows, while nobody writes and the target has everything.

Both logs are read to their ends; what they have touched since it was last compared, and what differed, is read once
more. Each row has then been compared at its final version, or has not been touched since it was compared. The ends
are asked for again afterwards: had either log grown, what it says would be read, too.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from migration.model import Side
from migration.verify.dirty import Due, Key, Suspect
from migration.verify.known import SIDES
from migration.verify.listing import Listing, without_hidden
from migration.verify.model import Difference, Doubt, Outcome, Table, Verdict
from migration.verify.readers import Readers
from migration.verify.reading import Chunk, Reading, Stopped
from migration.verify.recheck import Rereader
from migration.verify.scan import of_the_table
from migration.verify.shapes import Shape, Way, reread
from migration.verify.tables import scan_ranges, scan_table
from migration.verify.unequal import Unequal
from migration.verify.work import Work
from providers.mysql.binlog.marks import End, Horizon
from providers.mysql.binlog.places import horizon, told, told_by
from providers.mysql.connection import Connection
from providers.mysql.dialect import Dialect
from providers.mysql.errors import ServerError, StatementFailed
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import FilePosition, Position, within

LISTED = 1_000
"""Differences that are listed; all are counted."""
# Of one table: the more of its keys there are, the more of them stand close together.
_AT_ONCE = 10_000
# Of rows that are read to tell what differs.
_TOLD_AT_ONCE, _MOST_BYTES = 1_000, 4 << 20
_POLL_S = 0.001


def outcome(
    work: Work,
    began: float,
    differences: Sequence[Difference],
    doubts: Iterable[Doubt],
    *,
    found: int,
    miss: float = 0.0,
    reread: int = 0,
    redone: int = 0,
) -> Outcome:
    """What was found comes to. `began`: monotonic seconds; `miss`: beside what the findings have already."""
    said = tuple(dict.fromkeys(doubts))
    verdict = Verdict.UNPROVED if any(doubt.unproved for doubt in said) else Verdict.IDENTICAL
    return Outcome(
        Verdict.DIFFERENT if differences else verdict,
        tuple(differences[:LISTED]),
        found,
        said,
        len(work.known.shapes()),
        work.findings.rows,
        time.monotonic() - began,
        work.mode,
        min(1.0, work.findings.miss + miss),
        reread,
        redone,
    )


class Late(Exception):
    """The time for the proof is over."""


@dataclass
class Prepared:
    """Sessions that are open before the fence: readers for whole tables, and one that lists names on each side."""

    readers: Readers
    sessions: dict[Side, Connection]
    listings: dict[Side, Listing]

    def close(self) -> None:
        """Close them all."""
        self.readers.close()
        for session in self.sessions.values():
            session.close()


def prepare(work: Work) -> Prepared:
    """Open what a proof needs.

    Raises:
        ServerError: a server cannot be reached.
    """
    endpoints = dict(zip(SIDES, (work.asked.source, work.asked.target), strict=True))
    with contextlib.ExitStack() as stack:
        readers = stack.enter_context(contextlib.closing(Readers(work.asked.source, work.asked.target)))
        sessions = {side: stack.enter_context(contextlib.closing(Connection(one))) for side, one in endpoints.items()}
        listings = {side: Listing(session, work.asked.request.databases) for side, session in sessions.items()}
        stack.pop_all()
    return Prepared(readers, sessions, listings)


def warm(work: Work, rereader: Rereader, tables: int = 8) -> None:
    """Prepare the statements for those tables that change most; by the thread that has the rereader."""
    with contextlib.suppress(ServerError):
        rereader.revive()
    shapes = sorted(work.known.shapes(), key=lambda shape: -work.known.touches(shape.table))
    for shape in shapes[:tables]:
        if work.known.touches(shape.table) and shape.way is not Way.UNKEYED:
            with contextlib.suppress(ServerError):
                rereader.prepare(shape)


@dataclass
class _Told:
    """What the proof has come to so far. `static`: tables on one side only; `redone`: read again as a whole."""

    rows: dict[Table, dict[Key, Difference]] = field(default_factory=dict)
    unkeyed: dict[Table, tuple[Difference, ...]] = field(default_factory=dict)
    static: tuple[Difference, ...] = ()
    doubts: list[Doubt] = field(default_factory=list)
    found: int = 0
    reread: int = 0
    redone: int = 0
    miss: float = 0.0


class FenceProof:
    """One proof. `run` belongs to the thread that has the rereader."""

    def __init__(self, work: Work, prepared: Prepared, deadline: float, source_end: Position | None) -> None:
        """`deadline`: monotonic seconds; `source_end`: see `Verification.prove`."""
        self._work = work
        self._prepared = prepared
        self._deadline = deadline
        self._source_end = source_end
        self._began = time.monotonic()
        self._told = _Told()
        # What reads saw of a server that tells it by GTIDs, when it was last asked where its log ends.
        self._seen: dict[Side, Horizon] = {}
        self._fresh: dict[Table, Shape] = {}
        self._looked: frozenset[Table] = frozenset()
        # Tables that were read as a whole.
        self._redone: set[Table] = set()
        self._differing: dict[Table, dict[Key, None]] = {}
        # What reading tables as a whole, along their keys, came to: nobody who found a row before that knows more.
        self._whole: dict[Table, Unequal] = {}
        # Of tables that were read: rows that differ beside those.
        self._more: dict[Table, int] = {}

    def run(self, rereader: Rereader) -> Outcome:
        """Prove, or say what is in the way; does not raise for what a server does."""
        try:
            self._run(rereader)
        except Late:
            self._told.doubts.append(Doubt(None, "the time for the proof was over before everything was compared"))
        except ServerError as error:
            self._told.doubts.append(Doubt(None, f"the proof was broken off: {error}"))
        self._keep()
        return self._outcome()

    # -- the steps

    def _run(self, rereader: Rereader) -> None:
        work = self._work
        take = {side: listing.ask() for side, listing in self._prepared.listings.items()}
        ends = self._ends(rereader)
        names = {side: self._named(side, names) for side, names in take.items()}
        while True:
            self._check_end(rereader, ends)
            self._drain(ends)
            self._visible(rereader)
            work.dirty.settle_all()
            self._look_anew(rereader, names)
            self._read_touched(rereader)
            self._read_tables()
            self._read_differing(rereader)
            now = self._ends(rereader)
            if now == ends:
                return
            ends = now
            self._in_time()

    def _named(self, side: Side, take: Callable[[], frozenset[Table]]) -> frozenset[Table]:
        try:
            return take()
        except StatementFailed:
            # A database is gone.
            return self._listed_anew(side)

    def _listed_anew(self, side: Side) -> frozenset[Table]:
        return Listing(self._prepared.sessions[side], self._work.asked.request.databases).ask()()

    def _ends(self, rereader: Rereader) -> dict[Side, End]:
        """Where both logs end now; both servers are asked at the same time."""
        asked = {}
        for side in self._work.followers:
            session, version = rereader.session(side)
            asked[side] = session.asking([Dialect(version).source_status, *told_by(version)])
        answers = {side: take() for side, take in asked.items()}
        self._seen = {side: seen for side, (_, *more) in answers.items() if (seen := told(more)) is not None}
        # The first two columns are File and Position on all versions.
        return {side: End(str(rows[0][0]), int(rows[0][1])) for side, (rows, *_) in answers.items()}

    def _check_end(self, rereader: Rereader, ends: dict[Side, End]) -> None:
        """Whether the source still ends where it ended when the target had all of it."""
        asked, end = self._source_end, ends.get(Side.SOURCE)
        if asked is None or end is None:
            return
        if isinstance(asked, FilePosition):
            moved = asked != end.place
        else:
            session, version = rereader.session(Side.SOURCE)
            text = str(session.value(Dialect(version).gtid_end))
            moved = not within(MariaGtid.parse(text) if version.mariadb else GtidSet.parse(text), asked)
        if moved:
            name = self._work.asked.source.name
            self._told.doubts.append(Doubt(None, f"{name} was written to after the target had caught up with it"))

    def _drain(self, ends: dict[Side, End]) -> None:
        for side, end in ends.items():
            if not self._work.followers[side].wait_reached(end, self._deadline):
                raise Late

    def _visible(self, rereader: Rereader) -> None:
        """Wait until what the logs say can be read, where a server tells that; elsewhere the fence has seen to it."""
        for side in self._work.followers:
            newest, seen = self._work.dirty.newest(side), self._seen.get(side)
            while newest is not None:
                seen = seen or horizon(*rereader.session(side))
                untold = seen.newest is not None or (seen.executed is not None and newest.gtid is None)
                if untold or seen.covers(newest):
                    break
                seen = None
                self._in_time()
                time.sleep(_POLL_S)

    def _look_anew(self, rereader: Rereader, names: dict[Side, frozenset[Table]]) -> None:
        """Read the shapes of tables that were altered, came or went; those of others are not asked for."""
        known = self._work.known
        if known.unsettled().unlisted is not None:
            names.update({side: self._listed_anew(side) for side in SIDES})
        listed = {name for side in SIDES for name in known.names(side, names[side])} - self._looked
        if listed:
            known.alter(listed)
        tables = (known.unsettled().tables | listed | self._one_sided()) - self._looked
        if not tables:
            return
        source, target = (rereader.session(side)[0] for side in SIDES)
        found = without_hidden(reread(source, target, self._work.asked.request, tables), source, target)
        self._looked |= tables
        self._fresh.update({shape.table: shape for shape in found.tables})
        self._told.static += found.differences
        self._told.doubts += found.doubts

    def _one_sided(self) -> frozenset[Table]:
        """Tables that could not be compared because of how they were defined when they were last looked at."""
        known = self._work.known
        tables = {one.table for one in known.differences()}
        tables |= {one.table for one in known.doubts() if one.table is not None and one.unproved}
        return frozenset(table for table in tables if known.shape(table) is None)

    def _shape(self, table: Table) -> Shape | None:
        if table in self._looked:
            return self._fresh.get(table)
        return self._work.known.shape(table)

    def _in_time(self) -> None:
        if time.monotonic() >= self._deadline:
            raise Late

    # -- rows

    def _read_touched(self, rereader: Rereader) -> None:
        dirty = self._work.dirty
        while (taken := dirty.pop_touched(_AT_ONCE)) is not None:
            shape = self._shape(taken.table)
            if shape is None or taken.table in self._looked:
                # Read as a whole, or gone.
                dirty.redo(taken.table, taken.since)
                dirty.landed()
                continue
            try:
                self._in_time()
                found = rereader.touched(shape, taken.keys)
            except (ServerError, Late):
                dirty.put_back(taken)
                raise
            self._told.reread += len(taken.keys)
            if not found.legible:
                dirty.redo(taken.table, taken.since)
            self._note(shape, found.differing)
            dirty.landed()

    def _read_differing(self, rereader: Rereader) -> None:
        """Read what differed once more, by the keys that the rows have: these are the differences there are."""
        for table, suspects in self._work.dirty.differing().items():
            # What somebody else had found before a table was read is equal, if that did not find it.
            if table not in self._whole and self._shape(table) is not None:
                self._differing.setdefault(table, {}).update(dict.fromkeys(one.key for one in suspects))
        self._told.rows, room = {}, LISTED
        for table, keys in self._differing.items():
            shape = self._shape(table)
            if shape is None:
                continue
            whole = self._whole.get(table)
            if whole is None:
                told = self._read_by_key(rereader, shape, keys, room)
            else:
                # Only the log has spoken of others since.
                later = [key for key in keys if key not in whole.keys]
                others = rereader.tell(shape, later) if later else {}
                told, self._differing[table] = {**whole.listed, **others}, {**whole.keys, **dict.fromkeys(others)}
            self._told.rows[table] = dict(islice(told.items(), room))
            room -= len(self._told.rows[table])

    def _read_by_key(
        self, rereader: Rereader, shape: Shape, suspects: Iterable[Key], room: int
    ) -> dict[Key, Difference]:
        """Note which of these rows differ; of so many of them, what is to be said."""
        found, told = dict[Key, None](), dict[Key, Difference]()
        size = max(1, min(_TOLD_AT_ONCE, _MOST_BYTES // shape.row_size))
        keys = rereader.together(shape, suspects)
        for at in range(0, len(keys), size):
            self._in_time()
            part = keys[at : at + size]
            self._told.reread += len(part)
            if len(told) < room:
                told.update(rereader.tell(shape, part))
                found.update(dict.fromkeys(told))
            else:
                found.update(dict.fromkeys(rereader.again(shape, part)))
        self._differing[shape.table] = found
        return told

    def _note(self, shape: Shape, keys: Iterable[Key]) -> None:
        found = dict.fromkeys(keys)
        if found:
            self._differing.setdefault(shape.table, {}).update(found)

    # -- whole tables

    def _read_tables(self) -> None:
        work = self._work
        whole = set(self._fresh) | work.findings.unkeyed_tables()
        whole |= {shape.table for shape in work.known.shapes()} - work.findings.tables_read()
        # Of what was not kept nobody knows whether it still differs.
        whole |= self._more.keys()
        self._more.clear()
        for table in whole:
            if self._shape(table) is not None:
                work.dirty.redo(table, self._began)
        for table in sorted(work.dirty.redo_tables(), key=self._size):
            shape = self._shape(table)
            due = None if shape is None else work.dirty.pop_redo(table)
            if shape is not None and due is not None:
                self._read_table(shape, due)

    def _size(self, table: Table) -> int:
        shape = self._shape(table)
        return 0 if shape is None else shape.size

    def _read_table(self, shape: Shape, due: Due) -> None:
        table, dirty = shape.table, self._work.dirty
        unequal = Unequal(LISTED)
        reading = Reading(self._prepared.readers, _Desk(self._deadline, unequal.take))
        try:
            if due.ranges is None:
                scan_table(reading, shape)
            else:
                scan_ranges(reading, shape, due.ranges)
        except (Stopped, ServerError) as error:
            dirty.not_redone(table, due)
            words = str(error) or "it was not read to its end in the time for the proof"
            self._told.doubts.append(Doubt(table, words))
            if isinstance(error, ServerError) and not of_the_table(error):
                raise
            return
        self._told.redone += 1
        if unequal.more:
            self._more[table] = unequal.more
        if due.ranges is None:
            self._redone.add(table)
            self._work.findings.table_read(table)
            self._differing[table] = dict(unequal.keys)
            if shape.way is not Way.BUCKETS:
                self._whole[table] = unequal
            self._told.unkeyed[table] = unequal.unkeyed
            self._told.miss += unequal.miss
        else:
            self._note(shape, unequal.keys)
        # What differs is kept here until the proof is over.
        dirty.redone(table, due, (), time.monotonic())

    # -- what it comes to

    def _keep(self) -> None:
        """What was found goes back to where the verification goes on from, whether or not the writes move."""
        work, now = self._work, time.monotonic()
        for table, rows in self._differing.items():
            work.dirty.differ(table, [Suspect(key, 1, self._began) for key in rows], now)
        for table in self._more:
            work.dirty.redo(table, self._began)
        for table, differences in self._told.unkeyed.items():
            work.findings.unkeyed(table, differences)
        for table, confirmed in self._told.rows.items():
            work.findings.confirm(table, confirmed)

    def _outcome(self) -> Outcome:
        work, told = self._work, self._told
        keyed = [one for rows in told.rows.values() for one in rows.values()]
        unkeyed = [one for differences in told.unkeyed.values() for one in differences]
        differences = (*told.static, *keyed, *unkeyed)
        rows = sum(map(len, self._differing.values())) + sum(self._more.values())
        found = len(told.static) + rows + sum(one.rows for one in unkeyed)
        return outcome(
            work,
            self._began,
            differences,
            (*work.doubts, *self._standing(), *told.doubts),
            found=found,
            miss=told.miss,
            reread=told.reread,
            redone=told.redone,
        )

    def _standing(self) -> Iterator[Doubt]:
        """Doubts from before the proof, but for those about tables that were looked at anew or read in it."""
        for doubt in self._work.known.doubts():
            if doubt.table in self._looked or (doubt.unproved and doubt.table in self._redone):
                continue
            yield doubt


@dataclass(frozen=True)
class _Desk:
    """Lets a table be read until the deadline, and takes what its chunks come to."""

    deadline: float
    report: Callable[[Chunk], None]

    def permit(self) -> bool:
        """Whether there is time for another chunk."""
        return time.monotonic() < self.deadline
