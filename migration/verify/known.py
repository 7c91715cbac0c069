"""The tables as both servers have them, and what it means for them that a log says this or that.

A table whose definition changed is *altered* until its shape has been read anew and both tails know it: until then
nothing that a log says about it is trusted, but that it was touched. It is read again as a whole afterwards.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from migration.model import Side
from migration.verify.cascades import Cascades
from migration.verify.dirty import Stretch
from migration.verify.effects import Effect, effect, named
from migration.verify.model import Difference, Doubt, Kind, Request, Table
from migration.verify.recheck import KeyForm
from migration.verify.shapes import Shape, Shapes
from migration.verify.touched import Key
from providers.mysql.binlog.ranges import Ranges
from providers.mysql.binlog.tail import KeysOf, RangesOf, Touched

SIDES = (Side.SOURCE, Side.TARGET)


@dataclass(frozen=True)
class Surroundings:
    """What else decides which rows a change may reach.

    `cascades`: on each side. `code`: whether there are triggers, views or routines, through which a statement may
    change tables that it does not name.
    """

    cascades: Mapping[Side, Cascades]
    code: bool


@dataclass(frozen=True)
class Unsettled:
    """Tables to be looked at anew. `generation`: grows with everything that makes one of them so.

    `unlisted`: since when tables may have come or gone (monotonic seconds), None where all are known.
    """

    tables: frozenset[Table]
    generation: int
    unlisted: float | None


@dataclass
class _Altered:
    """In which generation a table was altered last, and the sides whose tails do not know its new shape yet."""

    generation: int
    sides: set[Side]


class Known:
    """What is known of the tables; for all threads."""

    def __init__(self, request: Request, shapes: Shapes, surroundings: Surroundings) -> None:
        self._lock = threading.RLock()
        self._databases = frozenset(request.databases)
        self._around = surroundings
        self._shapes: dict[Table, Shape] = {}
        self._forms: dict[Table, KeyForm] = {}
        self._here: dict[Table, Table] = {}
        self._differences: dict[Table, tuple[Difference, ...]] = {}
        self._doubts: dict[Table | None, tuple[Doubt, ...]] = {}
        self._others: set[Table] = set()
        self._sure: set[Table] = set()
        self._altered: dict[Table, _Altered] = {}
        self._generation = 0
        self._relist: dict[int, float] = {}
        self._touches: Counter[Table] = Counter()
        self.install(shapes, ())

    # -- what is asked

    def shape(self, table: Table) -> Shape | None:
        """How a table is read; None where it cannot be, or is altered."""
        with self._lock:
            return None if table in self._altered else self._shapes.get(table)

    def shapes(self) -> tuple[Shape, ...]:
        """All tables that can be read, altered ones among them."""
        with self._lock:
            return tuple(self._shapes.values())

    def compared(self, tables: Iterable[Table]) -> frozenset[Table]:
        """Those that are on both sides and can be compared, altered ones among them."""
        with self._lock:
            return frozenset(table for table in tables if table in self._shapes or table in self._altered)

    def differences(self) -> tuple[Difference, ...]:
        """Tables that are on one side only."""
        with self._lock:
            return tuple(one for found in self._differences.values() for one in found)

    def sure_differences(self) -> tuple[Difference, ...]:
        """Those of them that no change under way explains."""
        with self._lock:
            sure = self._sure - self._altered.keys()
            return tuple(one for table in sorted(sure) for one in self._differences.get(table, ()))

    def sure(self, tables: Iterable[Table]) -> None:
        """What was found of these tables stands, unless they were altered in the meantime.

        The target had everything before they were looked at, and both logs were read to after it.
        """
        with self._lock:
            self._sure.update(table for table in tables if table not in self._altered)

    def doubts(self) -> tuple[Doubt, ...]:
        """What cannot be compared because of how it is defined, or only more weakly."""
        with self._lock:
            return tuple(one for found in self._doubts.values() for one in found)

    def unsettled(self) -> Unsettled:
        """What has to be looked at anew."""
        with self._lock:
            unlisted = min(self._relist.values(), default=None)
            return Unsettled(frozenset(self._altered), self._generation, unlisted)

    def touches(self, table: Table) -> int:
        """How often a log has spoken of the table."""
        return self._touches[table]

    def ranges(self, table: Table, keys: Collection[Key]) -> Ranges | None:
        """Ranges that hold the rows of keys that a log has; None where only the whole table is sure to."""
        with self._lock:
            form = None if table in self._altered else self._forms.get(table)
        return None if form is None else form.ranges(keys)

    def ranges_of(self, side: Side) -> RangesOf:
        """As `ranges`, by the names that a tail of that side finds."""

        def ask(name: Table, keys: Collection[Key]) -> Ranges | None:
            with self._lock:
                table = self._named(side, name)
            return self.ranges(table, keys)

        return ask

    def keys_of(self, side: Side) -> KeysOf:
        """Where a tail of that side finds keys."""

        def ask(database: str, name: str) -> tuple[int, ...] | None:
            return self._positions(side, (database, name))

        return ask

    def _positions(self, side: Side, name: Table) -> tuple[int, ...] | None:
        with self._lock:
            table = self._named(side, name)
            shape = self._shapes.get(table)
            if table in self._altered:
                return ()
            if shape is not None:
                return shape.key_positions_there if side is Side.TARGET else shape.key_positions
            watched = table in self._around.cascades[side].parents()
            new = name[0] in self._databases and table not in self._others
            return () if watched or new else None

    def _named(self, side: Side, name: Table) -> Table:
        return self._here.get(name, name) if side is Side.TARGET else name

    # -- what is learnt

    def install(self, found: Shapes, tables: Iterable[Table]) -> None:
        """Take newly read shapes; `tables`: those that were looked at, which may be gone."""
        with self._lock:
            for table in tables:
                self._drop(table)
            for shape in found.tables:
                if not shape.columns:
                    # It came or went while it was looked at.
                    self.alter((shape.table,))
                    continue
                self._shapes[shape.table] = shape
                self._forms[shape.table] = KeyForm(shape)
                self._here[shape.there] = shape.table
            for difference in found.differences:
                self._differences[difference.table] = (difference,)
                self._others.add(difference.table)
            for doubt in found.doubts:
                self.doubt(doubt)
                if doubt.table is not None and doubt.table not in self._shapes:
                    self._others.add(doubt.table)
            # Gone, a view, or nothing that the request's pattern asks for: nobody has to look at it once more.
            self._others.update(table for table in tables if table not in self._shapes and table not in self._altered)

    def _drop(self, table: Table) -> None:
        shape = self._shapes.pop(table, None)
        if shape is not None:
            self._here.pop(shape.there, None)
        for known in (self._forms, self._differences, self._doubts):
            known.pop(table, None)
        self._others.discard(table)
        self._sure.discard(table)

    def surround(self, surroundings: Surroundings) -> None:
        """Take newly read surroundings."""
        with self._lock:
            self._around = surroundings

    def doubt(self, doubt: Doubt) -> None:
        """Something more cannot be proved; of a table it holds until that is looked at anew."""
        with self._lock:
            known = self._doubts.get(doubt.table, ())
            if doubt not in known:
                self._doubts[doubt.table] = (*known, doubt)

    def believe(self, table: Table, reason: str) -> None:
        """A doubt of `doubt` no longer holds."""
        with self._lock:
            left = tuple(one for one in self._doubts.get(table, ()) if one.reason != reason)
            self._doubts[table] = left

    def alter(self, tables: Iterable[Table]) -> None:
        """These tables may be others than they were: they are to be looked at anew."""
        with self._lock:
            self._generation += 1
            for table in tables:
                self._altered[table] = _Altered(self._generation, set(SIDES))

    def relist(self) -> None:
        """Tables may have come or gone."""
        with self._lock:
            self._generation += 1
            self._relist[self._generation] = time.monotonic()

    def names(self, side: Side, listed: Iterable[Table]) -> frozenset[Table]:
        """What a list of one side's tables and views has that is not known, and what it no longer has."""
        with self._lock:
            there = side is Side.TARGET
            named = {self._named(side, name) for name in listed}
            gone = {table for table, shape in self._shapes.items() if table not in named}
            gone |= {
                table for table, (one, *_) in self._differences.items() if (one.kind is Kind.EXTRA) is there
            } - named
            return frozenset((named - self._shapes.keys() - self._others) | gone)

    def set_aside(self, listed: Iterable[Table]) -> None:
        """What of a list is no table to be compared: nobody has to look at it any more."""
        with self._lock:
            self._others.update(name for name in listed if name not in self._shapes and name not in self._here)

    def listed(self, generation: int) -> None:
        """The tables were listed, when the generation was this one."""
        with self._lock:
            self._relist = {one: since for one, since in self._relist.items() if one > generation}

    def unchanged(self, tables: Iterable[Table], generation: int) -> frozenset[Table]:
        """Those of altered tables that were not altered once more since this generation."""
        with self._lock:
            return frozenset(
                table for table in tables if table in self._altered and self._altered[table].generation <= generation
            )

    def renewed(self, side: Side, tables: Iterable[Table], generation: int) -> None:
        """That side's tail knows the newly installed shapes now; a table is no longer altered when both do."""
        with self._lock:
            for table in self.unchanged(tables, generation):
                self._altered[table].sides.discard(side)
                if not self._altered[table].sides:
                    del self._altered[table]

    # -- what a log says

    def absorb(self, side: Side, touched: Touched) -> Stretch:
        """What a stretch of one server's log means."""
        with self._lock:
            redo: set[Table] = set()
            rows: dict[Table, list[tuple[bytes, ...]]] = {}
            ranges: dict[Table, Ranges] = {}
            for name, keys in touched.rows.items():
                self._rows(side, self._named(side, name), keys, rows, redo)
            for name, some in touched.ranges.items():
                table = self._named(side, name)
                if table in self._altered or table not in self._shapes:
                    self._unread(table, redo)
                else:
                    ranges[table] = some
            unreadable = {self._named(side, name) for name in touched.unreadable}
            for table in unreadable:
                self._unread(table, redo)
            rekeyed = {self._named(side, name) for name in touched.rekeyed} | unreadable
            redo |= self._reached(side, rekeyed, {*rows, *ranges})
            for database, text in touched.statements:
                redo |= self._statement(side, database, text)
            if touched.everything:
                redo |= self._shapes.keys()
            self._touches.update({*redo, *rows, *ranges})
            kept = frozenset(table for table in redo if table in self._shapes)
            return Stretch(rows, kept, touched.upto, touched.upto.seen, ranges)

    def _rows(
        self,
        side: Side,
        table: Table,
        keys: Iterable[tuple[bytes, ...]],
        rows: dict[Table, list[tuple[bytes, ...]]],
        redo: set[Table],
    ) -> None:
        if table in self._altered or table not in self._shapes:
            self._unread(table, redo)
            return
        form = self._forms[table]
        rows.setdefault(table, []).extend(map(form.of_target, keys) if side is Side.TARGET else keys)

    def _unread(self, table: Table, redo: set[Table]) -> None:
        """A table was touched, nobody knows in which rows."""
        if table in self._shapes:
            redo.add(table)
        elif table[0] in self._databases and table not in self._others and table not in self._altered:
            self.alter((table,))

    def _reached(self, side: Side, rekeyed: set[Table], touched: set[Table]) -> set[Table]:
        """The tables that the server changed by foreign keys without saying so."""
        cascades = self._around.cascades[side]
        if not cascades.keys:
            return set()
        parents = rekeyed | cascades.by_any_update(touched, self._key_names)
        return {child for parent in parents for child in cascades.below(parent)}

    def _key_names(self, table: Table) -> frozenset[str]:
        shape = self._shapes.get(table)
        return frozenset() if shape is None else frozenset(select.name.lower() for select in shape.key)

    def _statement(self, side: Side, database: str, text: str) -> set[Table]:
        """The tables that a statement touched; those that it may have altered are noted."""
        what = effect(text)
        if what is Effect.NOTHING:
            return set()
        if what is Effect.CODE:
            self._around = Surroundings(self._around.cascades, code=True)
            return set()
        tables = named(text, database, {*self._shapes, *self._others})
        if what is Effect.DEFINITION:
            self.relist()
            self.alter(tables)
            return set(tables)
        if what is Effect.EMPTIES:
            return set(tables)
        if self._around.code:
            return set(self._shapes)
        return set(tables) | self._reached(side, set(tables), set(tables))
