"""Building results: what every check says its answer with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from migration.check import Fix, Result, Verdict
from migration.model import Side
from providers.mysql.server import Server

Evidence = tuple[tuple[str, ...], ...]

_MOST_ROWS = 200
_STATEMENT_CHARS = 80
_LITERAL = re.compile(r"'(?:[^'\\]|\\.|'')*(?:'|$)|\"(?:[^\"\\]|\\.|\"\")*(?:\"|$)", re.DOTALL)
_LEADING_COMMENT = re.compile(r"\s*(?:/\*.*?\*/|--\s[^\n]*\n|#[^\n]*\n|\()", re.DOTALL)

_READING = frozenset({"", "SELECT", "WITH", "SHOW", "EXPLAIN", "DESCRIBE", "DESC", "USE", "HELP", "VALUES", "TABLE"})
_LOCKING = re.compile(r"\bFOR\s+UPDATE\b|\bWITH\b.*\b(?:UPDATE|DELETE)\b", re.IGNORECASE | re.DOTALL)


def passed(found: str, evidence: Evidence = ()) -> Result:
    """All is well."""
    return Result(Verdict.PASSED, found, evidence)


def failed(found: str, evidence: Evidence, remedy: str, *fixes: Fix) -> Result:
    """Something has to be cured, or accepted."""
    return Result(Verdict.FAILED, found, evidence, remedy, fixes)


def not_applicable(found: str) -> Result:
    """The question does not arise for this pair."""
    return Result(Verdict.NOT_APPLICABLE, found)


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> Evidence:
    """Evidence: the heads and at most 200 rows as text; one more row tells how many were left out."""
    every = list(rows)
    lines = [tuple("" if cell is None else str(cell) for cell in row) for row in every[:_MOST_ROWS]]
    if len(every) > _MOST_ROWS:
        lines.append((f"... and {len(every) - _MOST_ROWS} more", *[""] * (len(heads) - 1)))
    return (tuple(heads), *lines)


def count(number: int, one: str, many: str) -> str:
    """`1 table`, `2 tables`."""
    return f"{number} {one if number == 1 else many}"


def literal(value: str) -> str:
    """A setting's value as an SQL string, or as it is where it is a number."""
    if value.isdecimal():
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def set_global(side: Side, server: Server, setting: str, becomes: str, reach: str) -> Fix:
    """The fix that sets one dynamic variable, and its undo."""
    was = server.variable(setting) or ""
    return Fix(
        side=side,
        statement=f"SET GLOBAL {setting} = {literal(becomes)}",
        undo=f"SET GLOBAL {setting} = {literal(was)}",
        setting=setting,
        was=was,
        becomes=becomes,
        reach=reach,
    )


def first_word(statement: str) -> str:
    """The word a statement begins with, in capitals, behind comments and parentheses."""
    at = 0
    while comment := _LEADING_COMMENT.match(statement, at):
        at = comment.end()
    word = re.match(r"\s*(\w+)", statement[at:])
    return word.group(1).upper() if word else ""


def changes_something(statement: str) -> bool:
    """Whether a statement can hold up a fence: it is no plain reading."""
    word = first_word(statement)
    if word not in _READING:
        return True
    plain = _LITERAL.sub("?", statement)
    return word in ("SELECT", "WITH") and _LOCKING.search(plain) is not None


def shown(statement: str) -> str:
    """A client's statement as it may be kept: its literals, which can be passwords or personal, left out."""
    plain = " ".join(_LITERAL.sub("?", statement).split())
    return plain if len(plain) <= _STATEMENT_CHARS else plain[: _STATEMENT_CHARS - 3] + "..."
