"""What a statement in a log may have done to tables: its words are looked at as little as possible.

Too much may be suspected of a statement, never too little: what is suspected is only read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import Enum

from migration.verify.model import Table

_COMMENT = re.compile(r"/\*(?![!M]).*?\*/|--\s[^\n]*|#[^\n]*", re.S)
_VERSIONED = re.compile(r"/\*M?!\d*|\*/")
_DEFINER = r"(?:\s*DEFINER\s*=\s*\S+(?:\s*@\s*\S+)?|\s*SQL\s+SECURITY\s+\w+|\s*ALGORITHM\s*=\s*\w+|\s*AGGREGATE)*\s*"
_CODE = re.compile(
    rf"(?:CREATE(?:\s+OR\s+REPLACE)?|ALTER){_DEFINER}(?:TRIGGER|VIEW|FUNCTION|PROCEDURE|EVENT|PACKAGE)\b", re.I
)
# What changes no rows that stay: of sessions, accounts, statistics, temporary tables.
_HARMLESS = re.compile(
    r"(?:SAVEPOINT|RELEASE|FLUSH|ANALYZE|OPTIMIZE|GRANT|REVOKE|SET|USE|XA|INSTALL|UNINSTALL|KILL|PURGE|CHANGE)\b"
    r"|DROP\s+(?:TRIGGER|VIEW|FUNCTION|PROCEDURE|EVENT|PACKAGE|USER|ROLE|SERVER|(?:GLOBAL\s+)?TEMPORARY)\b"
    r"|(?:CREATE(?:\s+OR\s+REPLACE)?|ALTER|RENAME)\s+(?:USER|ROLE|SERVER|RESOURCE|LOGFILE|(?:UNDO\s+)?TABLESPACE)\b"
    r"|CREATE(?:\s+OR\s+REPLACE)?\s+(?:GLOBAL\s+)?TEMPORARY\b",
    re.I,
)
_TRUNCATE = re.compile(r"TRUNCATE\b", re.I)
_DEFINITION = re.compile(r"(?:CREATE|ALTER|DROP|RENAME|REPAIR|IMPORT)\b", re.I)


class Effect(Enum):
    """What a statement may have changed."""

    NOTHING = "nothing"
    CODE = "code"
    """Triggers, views or routines: what is called by one name may change other tables from now on."""
    DEFINITION = "definition"
    """The list of tables, or their columns; or they were emptied."""
    EMPTIES = "empties"
    """All rows of the tables that it names, which stay as they are else."""
    ROWS = "rows"


def effect(text: str) -> Effect:
    """What a statement may have changed."""
    bare = _bare(text)
    if _CODE.match(bare):
        return Effect.CODE
    if _HARMLESS.match(bare):
        return Effect.NOTHING
    if _TRUNCATE.match(bare):
        return Effect.EMPTIES
    return Effect.DEFINITION if _DEFINITION.match(bare) else Effect.ROWS


def _bare(text: str) -> str:
    return _VERSIONED.sub(" ", _COMMENT.sub(" ", text)).strip()


def named(text: str, database: str, tables: Iterable[Table]) -> frozenset[Table]:
    """The tables that a statement may name. `database`: the one it was run in.

    A table is named where its name stands anywhere in the text, and so does its database, if it is another one.
    """
    words, default = text.lower(), database.lower()
    found = (table for table in tables if _holds(words, table[1].lower()))
    return frozenset(table for table in found if table[0].lower() == default or _holds(words, table[0].lower()))


def _holds(words: str, name: str) -> bool:
    if "`" in name:
        name = name.replace("`", "``")
    at = words.find(name)
    while at >= 0:
        end = at + len(name)
        if not _part_of_name(words[at - 1 : at]) and not _part_of_name(words[end : end + 1]):
            return True
        at = words.find(name, at + 1)
    return False


def _part_of_name(sign: str) -> bool:
    return sign.isalnum() or sign in ("_", "$") if sign else False
