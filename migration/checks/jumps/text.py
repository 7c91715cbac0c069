"""Reading the text of views, routines, triggers and events: which functions are called, and how groups are ordered.

No parser of SQL: names and words outside of strings, quoted names and comments. What stands in /*! ... */ is executed
and so is read.
"""

from __future__ import annotations

import re
from collections.abc import Container

_COMMENT = r"/\*(?!!|M!).*?(?:\*/|\Z)|--(?=\s|\Z)[^\n]*|\#[^\n]*"
_NAME = r"`(?:[^`]|``)*(?:`|\Z)"
_ESCAPED = r"'(?:[^'\\]|\\.|'')*(?:'|\Z)|\"(?:[^\"\\]|\\.|\"\")*(?:\"|\Z)"
_PLAIN = r"'(?:[^']|'')*(?:'|\Z)|\"(?:[^\"]|\"\")*(?:\"|\Z)"
_EXECUTED = r"/\*M?!\d*|\*/"

_WITH_BACKSLASH = re.compile(f"(?P<gap>{_COMMENT}|{_EXECUTED})|(?P<word>{_NAME}|{_ESCAPED})", re.DOTALL)
_WITHOUT_BACKSLASH = re.compile(f"(?P<gap>{_COMMENT}|{_EXECUTED})|(?P<word>{_NAME}|{_PLAIN})", re.DOTALL)

_CALL = re.compile(r"(?:(?P<before>[\w$]+)\s+)?(?<![\w$.@])(?P<name>[A-Za-z_]\w*)\s*\(")
_QUALIFIED = re.compile(r"\.\s+(?=[\w$])|\s+(?=\.)")
# Behind these a name with a bracket is a table, an index, a procedure or an alias with its columns.
_NAMES_FOLLOW = frozenset({
    "INTO", "TABLE", "EXISTS", "CALL", "PROCEDURE", "FUNCTION", "REFERENCES", "KEY", "INDEX", "CONSTRAINT", "AS",
    "WITH", "RECURSIVE", "INSERT", "IGNORE", "REPLACE",
})  # fmt: skip

_TOKEN = re.compile(r"[A-Za-z_]\w*|[();]")
# What may follow GROUP BY in the same SELECT, and so ends it.
_AFTER_GROUPS = frozenset({
    "HAVING", "ORDER", "LIMIT", "UNION", "EXCEPT", "INTERSECT", "WINDOW", "INTO", "FOR", "LOCK", "PROCEDURE", "SELECT",
    ";",
})  # fmt: skip


def bare(body: str, mode: str = "") -> str:
    """A text with `q` in place of each string and quoted name, and without comments; `mode` is its sql_mode."""
    parts = _WITHOUT_BACKSLASH if "NO_BACKSLASH_ESCAPES" in mode.upper() else _WITH_BACKSLASH
    return parts.sub(lambda found: " " if found["gap"] else " q ", body)


def called(text: str, names: Container[str]) -> tuple[str, ...]:
    """Which of these names, in capitals, a `bare` text calls as functions that are not a database's own, in order.

    A name behind a point belongs to a database, one in backticks is `q` here: both are functions somebody has written.
    """
    joined = _QUALIFIED.sub(lambda found: found[0].strip(), text)
    found = {
        call["name"].upper(): None
        for call in _CALL.finditer(joined)
        if call["name"].upper() in names and (call["before"] or "").upper() not in _NAMES_FOLLOW
    }
    return tuple(found)


def groups_are_ordered(text: str) -> bool:
    """Whether a `bare` text has a GROUP BY with ASC or DESC."""
    depth = 0
    grouping: list[int] = []
    before = ""
    for word in (found.upper() for found in _TOKEN.findall(text)):
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
            while grouping and grouping[-1] > depth:
                grouping.pop()
        elif word == "BY" and before == "GROUP":
            grouping.append(depth)
        elif grouping and grouping[-1] == depth:
            if word in ("ASC", "DESC"):
                return True
            if word in _AFTER_GROUPS:
                grouping.pop()
        before = word
    return False
