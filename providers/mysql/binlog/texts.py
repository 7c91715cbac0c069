"""Statements in the log: their text, and what those that steer a transaction mean.

Source of the layout: MySQL source code documentation, "Query_event"; MariaDB documentation, "Query_compressed_event".
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from enum import Enum

_POST_HEADER = 13


class Word(Enum):
    """What a statement means for the transaction around it."""

    BEGIN = "begin"
    END = "end"
    WITHIN = "within"
    """Nothing: a savepoint, or a part of an XA transaction."""
    XA_BEGIN = "xa begin"
    XA_END = "xa end"
    """The end of an XA transaction that was prepared before."""
    HIDDEN = "hidden"
    """The server has put it in the place of an event that it thinks we do not know."""
    STATEMENT = "statement"


@dataclass(frozen=True)
class Query:
    """A statement's database and text; `legible` is False where the text's character set is not known."""

    database: str
    text: str
    legible: bool = True


_CONTROLS = (
    (re.compile(r"BEGIN\b|START TRANSACTION\b", re.I), Word.BEGIN),
    (re.compile(r"COMMIT\b|ROLLBACK(?!\s+(WORK\s+)?TO\b)", re.I), Word.END),
    (re.compile(r"SAVEPOINT\b|RELEASE SAVEPOINT\b|ROLLBACK\b|XA END\b|XA PREPARE\b", re.I), Word.WITHIN),
    (re.compile(r"XA START\b|XA BEGIN\b", re.I), Word.XA_BEGIN),
    (re.compile(r"XA COMMIT\b|XA ROLLBACK\b", re.I), Word.XA_END),
    (re.compile(r"# Dummy ev", re.I), Word.HIDDEN),
)
# ANNOTATE_ROWS and BINLOG_CHECKPOINT, which change nothing.
_HARMLESS = re.compile(r"# Dummy event replacing event type (160|161)\b")
_XID = re.compile(r"XA (?:COMMIT|ROLLBACK)\s+X'([0-9a-f]*)',\s*X'([0-9a-f]*)',\s*(\d+)", re.I)

Xid = tuple[int, bytes, bytes]
"""Format, global and branch part of an XA transaction's name."""


def meaning(text: str) -> Word:
    """What a statement means for its transaction."""
    for form, word in _CONTROLS:
        if form.match(text):
            if word is Word.HIDDEN and _HARMLESS.match(text):
                return Word.WITHIN
            return word
    return Word.STATEMENT


def ended_xid(text: str) -> Xid | None:
    """The name in XA COMMIT or XA ROLLBACK, as the servers write it into the log; None where it is not like that."""
    found = _XID.match(text)
    return None if found is None else (int(found[3]), bytes.fromhex(found[1]), bytes.fromhex(found[2]))


def prepared_xid(body: bytes) -> Xid | None:
    """The name in an XA_PREPARE event; None where it is committed in one phase, and so at its end."""
    first, second = (int.from_bytes(body[at : at + 4], "little") for at in (5, 9))
    if body[0]:
        return None
    form = int.from_bytes(body[1:5], "little", signed=True)
    return form, body[13 : 13 + first], body[13 + first : 13 + first + second]


def query(body: bytes, extra: int = 0) -> Query:
    """Read a query event's body; `extra`: how much longer its fixed part is (13 in EXECUTE_LOAD_QUERY)."""
    database, at = _database(body, extra)
    return _read(database, body[at:])


def compressed_query(body: bytes) -> Query:
    """Read the body of MariaDB's compressed query event."""
    database, at = _database(body, 0)
    return _read(database, inflated(body, at))


def inflated(body: bytes, at: int) -> bytes:
    """What MariaDB has compressed: a byte with the length of the length, the length, zlib data.

    Raises:
        zlib.error: it is not that.
    """
    return zlib.decompress(body[at + 1 + (body[at] & 7) :])


def _database(body: bytes, extra: int) -> tuple[bytes, int]:
    """The database's name, and where the text begins."""
    at = _POST_HEADER + extra + (body[11] | body[12] << 8)
    end = at + body[8]
    return body[at:end], end + 1


def _read(database: bytes, text: bytes) -> Query:
    try:
        return Query(database.decode("utf-8"), text.decode("utf-8"))
    except UnicodeDecodeError:
        # The names in it are those of tables in whatever the client spoke.
        return Query(database.decode("utf-8", "replace"), text.decode("utf-8", "replace"), False)
