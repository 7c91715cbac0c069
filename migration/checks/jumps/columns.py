"""The columns of the source that a jump of versions touches, in one pass over them.

MySQL before 8.0 opens every table for a pass over information_schema.columns, so all that the checks of a jump want to
know of columns is asked at once, and only counts and the few columns that are named come back.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migration.check import Pair
from migration.checks import facts
from migration.checks.jumps.reserved import newly_reserved


@dataclass(frozen=True)
class Columns:
    """`count` columns of a database with one character set (empty: no text), or one that is named.

    One is named where its name is reserved on the target and not on the source, or where it is worked out:
    `expression` is then by what.
    """

    base: str
    table: str
    name: str
    charset: str
    expression: str
    count: int


def columns(pair: Pair) -> tuple[Columns, ...]:
    """The columns of the databases to move, those of views among them.

    Raises:
        NoTarget: there is none, so that no word is newly reserved.
        PrivilegeMissing: the account may not see all of them.
    """
    return pair.once("columns of a jump", lambda: _columns(pair))


def _columns(pair: Pair) -> tuple[Columns, ...]:
    words = newly_reserved(pair.source.version, pair.target.version)
    expression = _expression(pair)
    named = f"(UPPER(column_name) IN ({_quoted(words)}) OR {expression} <> '')"
    rows = facts.ask_moved(
        pair,
        f"SELECT table_schema, IF({named}, table_name, '') AS a, IF({named}, column_name, '') AS b, "
        f"COALESCE(character_set_name, '') AS c, {expression} AS d, COUNT(*) FROM information_schema.columns",
        "table_schema",
        "SELECT",
        "GROUP BY table_schema, a, b, c, d",
    )
    found = (
        Columns(str(base), str(on), str(name), str(charset), str(text), int(number))
        for base, on, name, charset, text, number in rows
    )
    return tuple(sorted(found, key=lambda each: (each.base, each.table, each.name)))


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in sorted(words)) or "NULL"


def _expression(pair: Pair) -> str:
    """SQL for what a column is worked out by; empty for an ordinary one."""
    version = pair.source.version
    if not version.mariadb and not version.mysql_from(5, 7, 6):
        return "''"
    generated = "NULLIF(generation_expression, '')"
    default = "''"
    if version.mysql_from(8, 0, 13):
        default = (
            "IF(extra LIKE '%%DEFAULT_GENERATED%%' AND column_default NOT LIKE 'CURRENT_TIMESTAMP%%', "
            "column_default, '')"
        )
    return f"COALESCE({generated}, {default}, '')"
