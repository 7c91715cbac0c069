"""The rows that were touched since they were last compared, and those that were found to differ.

Why a key may leave this set. A row is proved equal where it was compared after the last event about it, in either
server's log, had become visible to reads of that server: a log is written before the engine commits, so an event may
be read from it before a SELECT can see it. Therefore

- a stretch of a log waits here until its server's horizon covers its mark (`settle`), and only then are its keys
  there to be taken (`pop_touched`);
- keys are taken out *before* they are read: an event that comes while they are read puts its key in again;
- a row that was found to differ is kept by the key it was read with, until a later reading finds it equal;
- a table that cannot be followed by key (`redo`) is read again as a whole, by the same rules; where there are more
  keys than can be kept, the ranges that hold them are, or the whole table, if the order of its keys is not known;
- what differed stays while its table is read again, and leaves where that finds it equal;
- whatever takes something's place takes over `since`, up to when nothing was the matter with it: so what was to be
  compared at a moment can be told from what came later.

All methods may be called from any thread.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from migration.model import Side
from migration.verify.model import Table
from migration.verify.touched import Counts, Due, Key, Left, Stretch, Suspect, Taken
from providers.mysql.binlog.places import Horizon, Mark
from providers.mysql.binlog.ranges import Ranges, united

__all__ = ["MOST_DIFFERING", "MOST_TOUCHED", "Counts", "DirtySet", "Due", "Key", "Left", "Stretch", "Suspect", "Taken"]

MOST_TOUCHED = 100_000
"""Keys of touched rows that are kept: some 200 bytes each. Beyond, of the table with the most of them, the ranges that
hold them are read again."""
MOST_DIFFERING = 20_000
"""Keys of differing rows that are kept; of a table with more of them, that it is read again as a whole later."""

RangesOf = Callable[[Table, Collection[Key]], Ranges | None]
"""Ranges which hold these keys of a table, as `ordering` numbers them; None where there are none."""

Held = Callable[[Mark, float], bool]
"""Whether a stretch is held back, by its mark and by when it was seen (monotonic seconds)."""

# Stretches that wait: beyond, two that follow each other wait for the second's mark together.
_MOST_WAITING = 1_000
_FIRST_AGAIN_S = 0.05
_LAST_AGAIN_S = 2.0


@dataclass
class _Waiting:
    """A stretch that is not known to be visible yet."""

    rows: dict[Table, set[Key]]
    redo: dict[Table, Ranges | None]
    mark: Mark
    seen: float


@dataclass
class _Ready:
    """Keys of one table that may be taken; `since`: when the oldest of them was seen."""

    keys: set[Key]
    since: float


@dataclass(slots=True)
class _Again:
    """A differing row: how often it differed, and when it is to be read again."""

    tries: int
    due: float
    since: float
    stamp: int

    def suspect(self, key: Key) -> Suspect:
        return Suspect(key, self.tries, self.since, self.stamp)


@dataclass(frozen=True)
class _Redoing:
    """What of a table is being read again; what was found to differ up to `stamp` differed before that."""

    due: Due
    stamp: int


def _whole(_: Table, __: Collection[Key]) -> None:
    return None


def _not_held(_: Mark, __: float) -> bool:
    return False


class DirtySet:
    """Touched keys, differing rows and tables to be read again."""

    def __init__(
        self, most: int = MOST_TOUCHED, most_differing: int = MOST_DIFFERING, ranges_of: RangesOf = _whole
    ) -> None:
        """`most`: touched keys in all; `most_differing`: differing rows in all."""
        self._lock = threading.Lock()
        self._most = most
        self._most_differing = most_differing
        self._ranges_of = ranges_of
        self._waiting: dict[Side, deque[_Waiting]] = {Side.SOURCE: deque(), Side.TARGET: deque()}
        self._waiting_keys = 0
        self._ready: dict[Table, _Ready] = {}
        self._ready_keys = 0
        self._differing: dict[Table, dict[Key, _Again]] = {}
        self._flooded: set[Table] = set()
        self._redo: dict[Table, Due] = {}
        self._redoing: dict[Table, _Redoing] = {}
        self._flying: Taken | None = None
        self._stamp = 0

    # -- what comes in

    def touched(self, side: Side, stretch: Stretch) -> None:
        """Take in what one server's log has touched; stretches of one log in their order."""
        rows = {table: set(keys) for table, keys in stretch.rows.items()}
        redo: dict[Table, Ranges | None] = {**stretch.ranges, **dict.fromkeys(stretch.redo)}
        with self._lock:
            waiting = self._waiting[side]
            waiting.append(_Waiting(rows, redo, stretch.mark, stretch.seen))
            self._waiting_keys += sum(map(len, rows.values()))
            while self._waiting_keys + self._ready_keys > self._most:
                self._give_up_keys()
            if len(waiting) > _MOST_WAITING:
                self._waiting[side] = self._paired(waiting)

    def differ(self, table: Table, suspects: Iterable[Suspect], now: float) -> None:
        """These rows were found to differ, by their keys as they were read. `now`: monotonic seconds."""
        with self._lock:
            self._differ(table, suspects, now)

    def redo(self, table: Table, since: float) -> None:
        """The table is to be read again as a whole, by reads that start from now on.

        `since`: up to when nothing was the matter with it, in monotonic seconds.
        """
        with self._lock:
            self._note_redo(table, Due(since))

    def give_up(self, table: Table) -> None:
        """Its keys are of no use any more: of all that is here of the table, only that it is to be read as a whole."""
        with self._lock:
            self._give_up(table, _whole)
            for waiting in self._stretches():
                if table in waiting.redo:
                    waiting.redo[table] = None
            times = [one.since for one in self._differing.pop(table, {}).values()]
            times += [self._redo[table].since] if table in self._redo else []
            if times:
                self._note_redo(table, Due(min(times)))

    def forget(self, table: Table) -> None:
        """The table is no longer compared."""
        with self._lock:
            self._give_up(table, _whole)
            for waiting in self._stretches():
                waiting.redo.pop(table, None)
            self._differing.pop(table, None)
            self._redo.pop(table, None)
            self._redoing.pop(table, None)
            self._flooded.discard(table)

    # -- what becomes visible

    def settle(self, side: Side, horizon: Horizon, held: Held = _not_held) -> None:
        """Let out what reads that start from now on are sure to see.

        Args:
            side: whose log.
            horizon: what that server said it sees.
            held: told a mark and when its stretch was seen, in monotonic seconds: whether that is to stay here for
                now, as what the target does not have yet would be read in vain.
        """
        with self._lock:
            waiting = self._waiting[side]
            while waiting and horizon.covers(waiting[0].mark) and not held(waiting[0].mark, waiting[0].seen):
                self._let_out(waiting.popleft())

    def settle_all(self) -> None:
        """Let everything out: nobody writes any more, and both servers' transactions are committed."""
        with self._lock:
            for waiting in self._waiting.values():
                while waiting:
                    self._let_out(waiting.popleft())

    def waits(self, side: Side) -> float | None:
        """When the oldest stretch of that server's log that waits for its horizon was seen; None where none does."""
        with self._lock:
            waiting = self._waiting[side]
            return waiting[0].seen if waiting else None

    def newest(self, side: Side) -> Mark | None:
        """The mark of the newest stretch that waits."""
        with self._lock:
            waiting = self._waiting[side]
            return waiting[-1].mark if waiting else None

    # -- what is taken out

    def pop_touched(self, most: int) -> Taken | None:
        """Take at most so many keys of one table, to be read now; None where none is ready.

        To be followed by `landed` or `put_back`, before the next: by one thread only.
        """
        with self._lock:
            if not self._ready:
                return None
            table, ready = next(iter(self._ready.items()))
            if len(ready.keys) <= most:
                del self._ready[table]
                keys = tuple(ready.keys)
            else:
                keys = tuple(ready.keys.pop() for _ in range(most))
                # The next table's turn: one that changes all the time must not keep the others waiting.
                self._ready[table] = self._ready.pop(table)
            self._ready_keys -= len(keys)
            self._flying = Taken(table, keys, ready.since)
            return self._flying

    def landed(self) -> None:
        """The keys that were taken last have been read; what differed was put in by `differ`."""
        with self._lock:
            self._flying = None

    def put_back(self, taken: Taken) -> None:
        """Keys from `pop_touched` that could not be read after all."""
        with self._lock:
            self._flying = None
            self._make_ready(taken.table, taken.keys, taken.since)

    def due_differing(self, now: float, most: int) -> tuple[Table, tuple[Suspect, ...]] | None:
        """Differing rows of one table that are to be read again by now; None where there are none.

        They stay in the set, and are not due again before `differ` or `equal` was told of them.
        """
        with self._lock:
            for table, rows in self._differing.items():
                due = [(key, one) for key, one in rows.items() if one.due <= now][:most]
                if due:
                    for _, one in due:
                        one.due = float("inf")
                    # The next table's turn: there may be more of them than are read before the first is due again.
                    self._differing[table] = self._differing.pop(table)
                    return table, tuple(one.suspect(key) for key, one in due)
            return None

    def equal(self, table: Table, suspects: Iterable[Suspect]) -> None:
        """These rows are equal by now; who was found to differ by somebody else in the meantime stays."""
        with self._lock:
            rows = self._differing.get(table, {})
            for one in suspects:
                if one.key in rows and rows[one.key].stamp == one.stamp:
                    del rows[one.key]
            if not rows:
                self._differing.pop(table, None)

    def differing(self, tries: int = 0) -> dict[Table, tuple[Suspect, ...]]:
        """The rows that differed at least so often in a row; they stay in the set."""
        with self._lock:
            found = {
                table: tuple(one.suspect(key) for key, one in rows.items() if one.tries >= tries)
                for table, rows in self._differing.items()
            }
        return {table: suspects for table, suspects in found.items() if suspects}

    def to_redo(self) -> tuple[Table, ...]:
        """Tables that are to be read again, as a whole or in ranges, and may be by now."""
        with self._lock:
            return tuple(table for table in self._redo if table not in self._redoing)

    def pop_redo(self, table: Table) -> Due | None:
        """Take what is to be read again of a table now, None where nothing is; with it, what somebody else has taken.

        To be followed by `redone` or `not_redone`. What differed stays meanwhile, and is read again by its keys, too.
        Who has taken something before is no longer answerable for it.
        """
        with self._lock:
            taken = [self._redoing[table].due] if table in self._redoing else []
            taken += [self._redo.pop(table)] if table in self._redo else []
            if not taken:
                return None
            since, ranges = min(due.since for due in taken), _united(taken[0].ranges, taken[-1].ranges)
            if ranges is None:
                if table in self._ready:
                    since = min(since, self._ready[table].since)
                # All its rows are read now, those that were touched among them.
                self._drop_ready(table)
                self._flooded.discard(table)
            # One of its own, by which it can be told from that of whoever takes it over.
            due = Due(since, ranges)
            self._redoing[table] = _Redoing(due, self._stamp)
            return due

    def redone(self, table: Table, due: Due, differing: Iterable[Suspect], now: float) -> None:
        """What was taken of the table has been read again.

        Args:
            table: the table.
            due: what was taken.
            differing: what differed. Where all of it was read, what had been found to differ before that, and is not
                among them, is equal.
            now: monotonic seconds.
        """
        with self._lock:
            read = self._landed(table, due)
            rows = self._differing.get(table, {})
            # Once more: however often the table is read again, the row has differed all the time.
            found = [
                Suspect(one.key, rows[one.key].tries + 1, one.since) if one.key in rows else one for one in differing
            ]
            if read is not None and read.due.ranges is None:
                still = {one.key for one in found}
                for key in [key for key, one in rows.items() if one.stamp <= read.stamp and key not in still]:
                    del rows[key]
            self._differ(table, found, now)

    def redone_in_part(self, table: Table, due: Due, differing: Iterable[Suspect], now: float) -> None:
        """As `redone`, where more differed than is told: all of the table is to be read once more."""
        with self._lock:
            if self._landed(table, due) is not None:
                self._note_redo(table, Due(due.since))
            self._differ(table, differing, now)
            self._flooded.add(table)

    def not_redone(self, table: Table, due: Due) -> None:
        """What was taken of the table could not be read to its end."""
        with self._lock:
            if self._landed(table, due) is not None:
                self._note_redo(table, due)

    # -- what is known

    def counts(self) -> Counts:
        """How much there is."""
        with self._lock:
            differing = sum(map(len, self._differing.values()))
            flying = len(self._flying.keys) if self._flying is not None else 0
            return Counts(self._waiting_keys + self._ready_keys + flying, differing, len(self._redo_tables()))

    def redo_tables(self) -> frozenset[Table]:
        """Tables to be read again, being read again, or waiting for a horizon."""
        with self._lock:
            return frozenset(self._redo_tables())

    def flooded(self) -> frozenset[Table]:
        """Tables of which more rows differ than are kept."""
        with self._lock:
            return frozenset(self._flooded)

    def oldest(self) -> float | None:
        """When the oldest thing in the set was seen, in monotonic seconds; None where the set is empty.

        All that was seen before has been compared since, and was equal.
        """
        with self._lock:
            differing = (one.since for rows in self._differing.values() for one in rows.values())
            return min((*self._unread(), *differing), default=None)

    def oldest_unread(self) -> float | None:
        """As `oldest`, but for rows that were read and found to differ."""
        with self._lock:
            return min(self._unread(), default=None)

    def left(self, moment: float) -> Left:
        """What was seen until then (monotonic seconds) and has not been read again, or was found to differ."""
        with self._lock:
            tables = {table for table, ready in self._ready.items() if ready.since <= moment}
            if self._flying is not None and self._flying.since <= moment:
                tables.add(self._flying.table)
            tables |= {table for table, due in self._all_due() if due.since <= moment}
            for waiting in self._stretches():
                if waiting.seen <= moment:
                    tables |= {*waiting.rows, *waiting.redo}
            rows = {
                table: tuple(key for key, one in rows.items() if one.since <= moment)
                for table, rows in self._differing.items()
            }
            return Left(frozenset(tables), {table: keys for table, keys in rows.items() if keys})

    # -- with the lock held

    def _unread(self) -> list[float]:
        times = [waiting[0].seen for waiting in self._waiting.values() if waiting]
        times += [ready.since for ready in self._ready.values()]
        times += [self._flying.since] if self._flying is not None else []
        return [*times, *(due.since for _, due in self._all_due())]

    def _stretches(self) -> Iterator[_Waiting]:
        for side in self._waiting.values():
            yield from side

    def _redo_tables(self) -> set[Table]:
        return {*self._redo, *self._redoing}.union(*(waiting.redo for waiting in self._stretches()))

    def _all_due(self) -> Iterator[tuple[Table, Due]]:
        yield from self._redo.items()
        for table, read in self._redoing.items():
            yield table, read.due

    def _landed(self, table: Table, due: Due) -> _Redoing | None:
        """What was taken, if nobody else has taken it since."""
        read = self._redoing.get(table)
        if read is None or read.due is not due:
            return None
        return self._redoing.pop(table)

    def _note_redo(self, table: Table, due: Due) -> None:
        known = self._redo.get(table, due)
        self._redo[table] = Due(min(known.since, due.since), _united(known.ranges, due.ranges))

    def _differ(self, table: Table, suspects: Iterable[Suspect], now: float) -> None:
        rows = self._differing.setdefault(table, {})
        room = self._most_differing - sum(map(len, self._differing.values()))
        for one in suspects:
            known = rows.get(one.key)
            room -= known is None
            if known is None and room < 0:
                self._flooded.add(table)
                self._note_redo(table, Due(one.since))
                continue
            tries = max(one.tries, known.tries if known else 0)
            since = min(one.since, known.since) if known else one.since
            again = now + min(_LAST_AGAIN_S, _FIRST_AGAIN_S * (1 << min(tries, 10)))
            self._stamp += 1
            rows[one.key] = _Again(tries, again, since, self._stamp)
        if not rows:
            del self._differing[table]

    def _let_out(self, stretch: _Waiting) -> None:
        for table, ranges in stretch.redo.items():
            self._note_redo(table, Due(stretch.seen, ranges))
        for table, keys in stretch.rows.items():
            self._waiting_keys -= len(keys)
            self._make_ready(table, keys, stretch.seen)

    def _paired(self, waiting: deque[_Waiting]) -> deque[_Waiting]:
        """Every two that follow each other as one, which is as old as the first and waits as long as the second."""
        pairs = deque[_Waiting]()
        while len(waiting) > 1:
            first, then = waiting.popleft(), waiting.popleft()
            for table, keys in first.rows.items():
                known = then.rows.setdefault(table, set())
                self._waiting_keys += len(known | keys) - len(known) - len(keys)
                known |= keys
            for table, ranges in first.redo.items():
                then.redo[table] = _united(then.redo[table], ranges) if table in then.redo else ranges
            pairs.append(_Waiting(then.rows, then.redo, then.mark, first.seen))
        pairs.extend(waiting)
        return pairs

    def _make_ready(self, table: Table, keys: Iterable[Key], since: float) -> None:
        ready = self._ready.setdefault(table, _Ready(set(), since))
        before = len(ready.keys)
        ready.keys.update(keys)
        ready.since = min(ready.since, since)
        self._ready_keys += len(ready.keys) - before
        if not ready.keys:
            del self._ready[table]

    def _drop_ready(self, table: Table) -> None:
        ready = self._ready.pop(table, None)
        if ready is not None:
            self._ready_keys -= len(ready.keys)

    def _give_up_keys(self) -> None:
        """Remember, of the table with the most keys, only in which ranges they are, or that it is to be read again."""
        counts = Counter({table: len(ready.keys) for table, ready in self._ready.items()})
        for stretch in self._stretches():
            counts.update({table: len(keys) for table, keys in stretch.rows.items()})
        self._give_up(max(counts, key=lambda table: counts[table]), self._ranges_of)

    def _give_up(self, table: Table, ranges_of: RangesOf) -> None:
        for stretch in self._stretches():
            if table in stretch.rows:
                # Not before its mark is covered: reads before that would not see what the keys stand for.
                keys = stretch.rows.pop(table)
                self._waiting_keys -= len(keys)
                ranges = ranges_of(table, keys)
                stretch.redo[table] = _united(stretch.redo[table], ranges) if table in stretch.redo else ranges
        if table in self._ready:
            ready = self._ready[table]
            self._note_redo(table, Due(ready.since, ranges_of(table, ready.keys)))
            self._drop_ready(table)


def _united(one: Ranges | None, other: Ranges | None) -> Ranges | None:
    """Ranges that hold both; None is all of the table."""
    return None if one is None or other is None else united(one, other)
