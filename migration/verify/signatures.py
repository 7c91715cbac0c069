"""A table's columns on both servers: which can be compared, and what to select so that equal values are equal bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from migration.verify.catalogue import Definition, Listed
from providers.mysql.literals import quote_name
from providers.mysql.packets.rows import placeholder

# Text in these is the same bytes in all of them.
_ALIKE = frozenset({"utf8mb4", "utf8mb3", "ascii"})
# Types whose values differ in nothing but how long they may be.
_VARYING = (
    frozenset({"varchar", "tinytext", "text", "mediumtext", "longtext"}),
    frozenset({"varbinary", "tinyblob", "blob", "mediumblob", "longblob"}),
)
NUMBERED = frozenset({"enum", "set", "bit"})
"""Types whose index is in the order of their numbers: only by these do they compare in that order."""


@dataclass(frozen=True)
class Select:
    """A column as it is selected from both servers, and what takes a value of it where it is part of a key.

    `column` is the source's, `other` the target's. `sql` may convert; then `converted` says so.
    """

    column: Listed
    other: Listed
    sql: str
    converted: bool = False
    bound: str = "?"

    @property
    def name(self) -> str:
        """The column's name."""
        return self.column.name

    @property
    def quoted(self) -> str:
        """The column's name in backticks."""
        return quote_name(self.column.name)

    @property
    def charset(self) -> str:
        """Of the text that is selected; empty where it is no text."""
        if self.column.data_type in ("uuid", "inet4", "inet6"):
            return "ascii"
        return "utf8mb4" if self.converted else self.column.charset

    @property
    def members(self) -> tuple[str, ...]:
        """What an ENUM or SET can hold, in the order of the numbers."""
        quoted = re.findall(r"'((?:[^']|'')*)'", self.column.column_type)
        return tuple(member.replace("''", "'") for member in quoted)

    @property
    def numbered(self) -> bool:
        """Whether it is selected as the number that stands for its value."""
        return self.sql.endswith(" | 0)")

    def as_key(self) -> Select:
        """The same as part of a key."""
        if self.column.data_type in NUMBERED:
            return replace(self, sql=numbered(self.quoted), bound="CAST(? AS UNSIGNED)")
        if self.converted:
            return self
        column = self.column
        return replace(self, bound=placeholder(column.charset or None, column.collation or None, column.data_type))


def numbered(name: str) -> str:
    """The number that stands for a value: in 64 bits on every server, which CAST's is not on MariaDB."""
    return f"({name} | 0)"


def agree(select: Select) -> bool:
    """Whether both servers put its values in the same order, and take the same ones for equal."""
    return not select.converted and select.column.collation == select.other.collation


def columns_of_both(here: Definition, there: Definition) -> tuple[tuple[Select, ...], list[str], list[str]]:
    """The columns to compare in the source's order, why they cannot be compared, and what is to be noted."""
    mine, other = _without_lone_key(here.columns, there.columns)
    names, others = ([column.name.lower() for column in side] for side in (mine, other))
    if names != others:
        return (), [_unequal(names, others)], []
    selects, problems, notes = [], [], []
    for column, twin in zip(mine, other, strict=True):
        verdict = _comparable(column, twin)
        words = f"the column {column.name} is {_spelled(column)} on the source and {_spelled(twin)} on the target"
        if verdict is None:
            problems.append(f"{words}: their values cannot be compared")
            continue
        if verdict:
            notes.append(f"{words}: {verdict}")
        selects.append(_select(column, twin))
    return tuple(selects), problems, notes


def _without_lone_key(here: tuple[Listed, ...], there: tuple[Listed, ...]) -> tuple[list[Listed], list[Listed]]:
    """Both sides' columns, without a generated invisible key that only one of them has."""
    lone = any(column.generated_key for column in here) != any(column.generated_key for column in there)
    mine, other = ([column for column in side if not (lone and column.generated_key)] for side in (here, there))
    return mine, other


def _unequal(names: list[str], others: list[str]) -> str:
    missing = [name for name in names if name not in others]
    extra = [name for name in others if name not in names]
    words = []
    if missing:
        words.append(f"the target has no column {', '.join(missing)}")
    if extra:
        words.append(f"only the target has a column {', '.join(extra)}")
    return "; ".join(words) or "its columns are in another order on the target"


def _spelled(column: Listed) -> str:
    kind = column.column_type if len(column.column_type) <= 60 else column.column_type[:57] + "..."
    return f"{kind} in {column.charset}" if column.charset else kind


def _comparable(column: Listed, twin: Listed) -> str | None:
    """None where the values cannot be compared; else what is to be noted, empty where there is nothing."""
    if bool(column.charset) != bool(twin.charset):
        return None
    if column.column_type != twin.column_type:
        if not any({column.data_type, twin.data_type} <= family for family in _VARYING):
            return None
        return _charsets(column, twin) or "what it holds is compared, how much it may hold is not"
    return _charsets(column, twin)


def _charsets(column: Listed, twin: Listed) -> str:
    converts = column.data_type not in NUMBERED and _unlike(column, twin)
    return "both are compared after a conversion to utf8mb4" if converts else ""


def _unlike(column: Listed, twin: Listed) -> bool:
    """Whether the same text is other bytes in the twin's character set."""
    return column.charset != twin.charset and not {column.charset, twin.charset} <= _ALIKE


def _select(column: Listed, twin: Listed) -> Select:
    name = quote_name(column.name)
    if column.data_type in NUMBERED:
        # Both have the same members. What was none prints as an empty text, like the member that is one.
        empty = column.data_type == "enum" and "''" in re.findall(r"'(?:[^']|'')*'", column.column_type)
        return Select(column, twin, numbered(name) if empty or _unlike(column, twin) else name)
    if _unlike(column, twin):
        return Select(column, twin, f"CONVERT({name} USING utf8mb4)", converted=True)
    return Select(column, twin, name)
