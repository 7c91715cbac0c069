"""What stops replication where two sides take writes, in a sentence that names the table and the side.

Rows that both sides made under one key, and rows that one side changed while the other removed them, stop the applier:
nothing is lost by that, and nothing goes on. A row that both sides changed at once stops nothing, and is found only by
comparing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from providers.mysql import replication
from providers.mysql.connection import Row
from providers.mysql.errors import ServerError
from providers.mysql.server import Server
from providers.mysql.status import ReplicaStatus

# MySQL and MariaDB, "Server Error Message Reference": ER_DUP_ENTRY, ER_KEY_NOT_FOUND, ER_ROW_IS_REFERENCED,
# ER_NO_REFERENCED_ROW and their newer forms.
_DUPLICATE = frozenset({1062})
_MISSING = frozenset({1032})
_REFERRED = frozenset({1451, 1452, 1216, 1217})
_NUMBER = re.compile(r"\b(1062|1032|1451|1452|1216|1217)\b")
_TABLE = re.compile(r"on table ([^;\s]+)")
_KEY = re.compile(r"for key '([^']+)'")
# The text of SHOW REPLICA STATUS names no table where several threads apply (MySQL 5.7 and later).
_BY_WORKER = (
    "SELECT last_error_number, last_error_message FROM performance_schema.replication_applier_status_by_worker "
    "WHERE last_error_number <> 0 ORDER BY last_error_timestamp DESC LIMIT 1"
)


@dataclass(frozen=True)
class Trouble:
    """Why one side does not get what is written on the other. `conflict`: because of a row that both have changed."""

    words: str
    conflict: bool


def trouble(replica: Server, source: Server) -> Trouble | None:
    """What keeps a side from following the other; None where it follows.

    Raises:
        ServerError: it cannot be asked.
    """
    status = replication.follows(replica, source)
    if status is None:
        return Trouble(f"{replica.name} does not follow {source.name}", False)
    if status.running:
        return None
    number, said = _error(replica, status)
    if not said:
        return Trouble(f"{replica.name} does not get what is written on {source.name}: {status.trouble}", False)
    return Trouble(_in_words(replica, source, number, said), number in _DUPLICATE | _MISSING | _REFERRED)


def _error(replica: Server, status: ReplicaStatus) -> tuple[int, str]:
    """The applier's error, with the worker's own words where it has workers."""
    said = status.applier_error
    if not said:
        return 0, ""
    if not _TABLE.search(said) and replica.version.mysql_from(5, 7):
        rows = _worker_errors(replica)
        if rows:
            return int(rows[0][0]), f"{rows[0][0]}: {rows[0][1]}"
    number = _NUMBER.search(said)
    return (int(number[1]) if number else 0), said


def _worker_errors(replica: Server) -> tuple[Row, ...]:
    try:
        return replica.rows(_BY_WORKER)
    except ServerError:
        # The other words have to do.
        return ()


def _in_words(replica: Server, source: Server, number: int, said: str) -> str:
    table, key, go_on = _TABLE.search(said), _KEY.search(said), replica.dialect.start_replica
    where = f"table {table[1]}" if table else "a table that the server does not name"
    cure = f"Cure what the server names, then let {replica.name} go on ({go_on})."
    if number in _DUPLICATE:
        what = f"a DUPLICATE KEY in {where}{f' ({key[1]})' if key else ''}: both sides made that row"
        cure = f"Delete it on both sides, let each go on ({go_on}), then write the right one again on one side."
    elif number in _MISSING:
        what = f"a MISSING ROW in {where}: {source.name} changed what {replica.name} has removed, or never had"
        cure = (
            f"Write it again on {replica.name}, let that go on ({go_on}), then write it once more as it is meant to be."
        )
    elif number in _REFERRED:
        what = f"a FOREIGN KEY in {where}: one side removed what the other refers to"
    else:
        what = f"an error in {where}"
    return (
        f"{replica.name} has stopped applying what is written on {source.name}, by {what}. Move no further application "
        f"server. {cure} The server says: {said}"
    )
