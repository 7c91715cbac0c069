"""The signal row: how the end of the old side is known where the new side cannot say how far it has come.

Behind the fence a row with a token nobody can guess is written on the old side; once the new side has it, it has
everything before it, too. The row stands in a database of its own, so that it is copied by whatever copies
databases, and can be dropped again as a whole.

The row is written after clients are shut out and before administrators are, because super_read_only would keep our
own write out (MySQL manual, super_read_only). What the log holds from just before it is looked at afterwards: an
administrator who wrote in between would stand behind the row, or beside it, and the try is given up.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass

from migration.cutover.attempt import Switchover
from migration.runbook import Migration
from providers.mysql.connection import Connection, Row
from providers.mysql.errors import StatementFailed
from providers.mysql.position import FilePosition
from providers.mysql.server import Server

DATABASE = "cutover_signal"
_TABLE = f"`{DATABASE}`.`row`"
_LOOK_S = 0.001
_LISTED = 100
_NOT_THERE = (1049, 1146)
# What our own transaction consists of, in row format, besides its table map.
_OURS = frozenset(
    {
        "Anonymous_Gtid", "Anonymous_GTID", "Gtid", "Gtid_list", "Xid", "Annotate_rows", "Rows_query",
        "Write_rows", "Update_rows", "Delete_rows", "Write_rows_v1", "Update_rows_v1", "Delete_rows_v1",
        "Write_rows_compressed_v1", "Update_rows_compressed_v1", "Delete_rows_compressed_v1",
    }
)  # fmt: skip
_PLAIN = ("BEGIN", "COMMIT")


@dataclass(frozen=True)
class SignalPosition:
    """A signal row, and where the old side's log ended behind it."""

    token: str
    end: FilePosition

    def count(self) -> int:
        """A number that grows with the place; see `FilePosition.count`."""
        return self.end.count()

    def __str__(self) -> str:
        return f"signal {self.token} at {self.end}"


def new_token() -> str:
    """A token that no earlier attempt has used."""
    return uuid.uuid4().hex


def writing(token: str) -> str:
    """The statement that writes the row."""
    return f"REPLACE INTO {_TABLE} (id, token) VALUES (1, '{token}')"


def listing(begin: FilePosition) -> str:
    """What stands in the log from a place on; needs REPLICATION SLAVE."""
    return f"SHOW BINLOG EVENTS IN '{begin.file}' FROM {begin.offset} LIMIT {_LISTED}"


def stranger(events: tuple[Row, ...], token: str) -> str:
    """The first entry of `listing` that is not of the signal's own transaction, empty where there is none.

    Columns of an entry: log, position, type, server, end, text (MySQL manual, SHOW BINLOG EVENTS).
    """
    for row in events:
        kind, text = str(row[2]), str(row[5])
        if kind in _OURS or (kind == "Table_map" and f"({DATABASE}.row)" in text):
            continue
        if kind == "Query" and (text.upper().startswith(_PLAIN) or token in text):
            continue
        return f"{kind} {text}"
    return ""


def prepare(m: Migration, s: Switchover) -> None:
    """Make the database for the row on the side that takes writes; it reaches the other by replication.

    Raises:
        ServerError: it cannot be made, or the log cannot be listed.
    """
    m.change(s.old, "signal", f"CREATE DATABASE IF NOT EXISTS `{DATABASE}`")
    columns = "id TINYINT NOT NULL PRIMARY KEY, token CHAR(32) NOT NULL"
    m.change(s.old, "signal", f"CREATE TABLE IF NOT EXISTS {_TABLE} ({columns}) ENGINE = InnoDB")
    s.old.rows(listing(s.old.end_of_log()))


def seen(session: Connection, token: str, seconds: float) -> bool:
    """Look again and again until the row is there; False where it has not come within the time."""
    until = time.monotonic() + seconds
    while True:
        try:
            if session.value(f"SELECT token FROM {_TABLE} WHERE id = 1") == token:
                return True
        except StatementFailed as error:
            if error.code not in _NOT_THERE:
                raise
        if time.monotonic() > until:
            return False
        time.sleep(_LOOK_S)


def drop(m: Migration, writable: Server) -> None:
    """Drop the database on the side that takes writes; the other loses it by replication."""
    if any(m.ran(server, "signal") for server in (m.source, m.target)):
        m.change(writable, "end_replication", f"DROP DATABASE IF EXISTS `{DATABASE}`")
