"""The statements that read a table's rows on either server, and the parameters that bound them.

Every bound is an exact range of the key for the server: `(a, b) > (?, ?)` would read the whole index up to there, so
it is written out as `a > ? OR (a = ? AND b > ?)`. Text, decimals, ENUMs and the like are bound as what the column
is, or the index would not be used.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from migration.verify.shapes import Shape
from migration.verify.signatures import Select
from providers.mysql.packets.rows import Key, RowLayout
from providers.mysql.packets.wire import Param

SOURCE, TARGET = 0, 1


@dataclass(frozen=True)
class Statements:
    """What is asked of a server about one table. `widened`: FLOAT columns as DOUBLE, for the text protocol."""

    shape: Shape
    widened: bool = False

    def rows(self, side: int) -> str:
        """All rows, in no order."""
        return self._rows[side]

    @cached_property
    def _rows(self) -> tuple[str, ...]:
        return tuple(self._of(self.shape.columns, side) for side in (SOURCE, TARGET))

    def _of(self, columns: tuple[Select, ...], side: int) -> str:
        selected = ", ".join(self._selected(select) for select in columns)
        return f"SELECT {selected} FROM {self.shape.quoted(side)}{self.shape.hint(side)}"

    def _selected(self, select: Select) -> str:
        widens = self.widened and select.column.data_type == "float"
        return f"({select.sql} * 1e0)" if widens else select.sql

    @property
    def order(self) -> str:
        """In the order of the key."""
        parts = zip(self.shape.key, self.shape.descending, strict=True)
        return " ORDER BY " + ", ".join(select.quoted + (" DESC" if down else "") for select, down in parts)

    def first(self, side: int, rows: int) -> str:
        """The first rows, so many at most: no parameter, as it is not asked twice."""
        return f"{self.rows(side)}{self.order} LIMIT {rows}"

    def span(self, side: int) -> str:
        """The rows of a range of an integer key; takes its ends and a limit."""
        return f"{self.rows(side)} WHERE {self.in_span()}{self.order} LIMIT ?"

    def in_span(self) -> str:
        """The condition of a range of an integer key."""
        name = self.shape.key[0].quoted
        if self.shape.bounds[1] < 1 << 63:
            # It is looked at for every row, and costs less than two comparisons.
            return f"{name} BETWEEN ? AND ?"
        # MySQL 5.6 takes a parameter of 2^63 and more for a negative number in BETWEEN.
        return f"{name} >= ? AND {name} <= ?"

    def stretch(self, side: int, after: Key | None, upto: Key | None, start: Key | None = None) -> str:
        """The rows behind one key and up to another, both where given; takes their values and a limit.

        Of a key that is cut off, every key that begins like it is: all that begins like `upto` is in the stretch.
        `start`: what the first key begins with; its value is taken before the others.
        """
        return f"{self.rows(side)}{self.in_stretch(after, upto, start)}{self.order} LIMIT ?"

    def in_stretch(self, after: Key | None, upto: Key | None, start: Key | None = None) -> str:
        """The condition of a stretch, with WHERE; empty where it is the whole table."""
        bounds = [self._from_start()] if start is not None else []
        if after is not None:
            bounds.append(self._bound(0, len(after), lower=True))
        if upto is not None:
            bounds.append(self._bound(0, len(upto), lower=False))
        return f" WHERE {' AND '.join(bounds)}" if bounds else ""

    def _from_start(self) -> str:
        select = self.shape.key[0]
        return f"{select.quoted} {'<=' if self.shape.descending[0] else '>='} {select.bound}"

    def _bound(self, at: int, parts: int, *, lower: bool) -> str:
        select, last = self.shape.key[at], at + 1 == parts
        sign = ">" if lower != self.shape.descending[at] else "<"
        equal = "=" if last and not lower else ""
        passed = f"{select.quoted} {sign}{equal} {select.bound}"
        if last:
            return passed
        return f"({passed} OR ({select.quoted} = {select.bound} AND {self._bound(at + 1, parts, lower=lower)}))"

    def bounds(self, layout: RowLayout, *keys: Key | None) -> tuple[Param, ...]:
        """The parameters of the bounds of a stretch."""
        given = []
        for key in keys:
            if key is None:
                continue
            params = layout.params(key)
            for param in params[:-1]:
                given += [param, param]
            given.append(params[-1])
        return tuple(given)

    def boundary(self, after: Key | None) -> str:
        """The key of one row of the source; takes a stretch's bounds, and how many rows to pass over."""
        return self.keys_in_stretch(SOURCE, after, None) + ", 1"

    def by_keys(self, side: int, number: int) -> str:
        """The rows of that many keys, in no order; takes the keys' values, one key after the other."""
        return f"{self.rows(side)} WHERE {self._with_keys(number)}"

    def _with_keys(self, number: int) -> str:
        key = self.shape.key
        # MariaDB 10.11 finds the first only of TIMESTAMPs that are bound in a list.
        if len(key) == 1 and key[0].column.data_type != "timestamp":
            return f"{key[0].quoted} IN ({', '.join([key[0].bound] * number)})"
        one = "(" + " AND ".join(f"{select.quoted} = {select.bound}" for select in key) + ")"
        return " OR ".join([one] * number)

    def keys_by_keys(self, side: int, number: int) -> str:
        """As `by_keys`, but the rows' keys only."""
        return f"{self._of(self.shape.key, side)} WHERE {self._with_keys(number)}"

    def keys_in_span(self, side: int) -> str:
        """As `span`, but the rows' keys only."""
        return f"{self._of(self.shape.key, side)} WHERE {self.in_span()}{self.order} LIMIT ?"

    def keys_in_stretch(self, side: int, after: Key | None, upto: Key | None) -> str:
        """As `stretch`, but the rows' keys only."""
        return f"{self._of(self.shape.key, side)}{self.in_stretch(after, upto)}{self.order} LIMIT ?"

    def extent(self, side: int) -> str:
        """The smallest and the largest value of an integer key."""
        name = self.shape.key[0].quoted
        return f"SELECT MIN({name}), MAX({name}) FROM {self.shape.quoted(side)}"


def ends(shape: Shape, low: int, high: int) -> tuple[Param, Param]:
    """The ends of a span."""
    unsigned = shape.bounds[0] == 0
    return Param.integer(low, unsigned), Param.integer(high, unsigned)


def limit(rows: int) -> Param:
    """A statement's limit."""
    return Param.integer(rows)
