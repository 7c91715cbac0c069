"""Which transactions of a log are committed, on servers that do not say so themselves: from InnoDB's list of open ones.

A transaction is on the list from its first change until it is committed in the engine; then reads that start see it.
So whatever stood in the log before the list was asked for is either on it or visible. Those on it are waited for:
once all of them are gone, everything is visible that stood in the log before.

The list is information_schema.INNODB_TRX (MySQL manual, "The INFORMATION_SCHEMA INNODB_TRX Table"), which needs the
PROCESS privilege. The server answers from a copy that it does not renew while it was asked for within 0.1 s, by
whomever (MySQL manual, "Persistence and Consistency of InnoDB Transaction and Locking Information"): an answer
counts only where it holds the very statement that asks.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping

from providers.mysql.connection import Connection
from providers.mysql.errors import StatementFailed

FRESH_S = 0.12
"""After so long without a question, in seconds, the server makes its list anew."""
# What the list may take in the server's memory is bounded, and it does not say where it was cut off.
_MOST = 1_000


class Commits:
    """Asks one server again and again. Not for use by two threads at once."""

    def __init__(self) -> None:
        self._upto = 0.0
        self._asked = 0.0
        self._from = 0.0
        self._open: frozenset[str] = frozenset()
        self._hidden = False

    def upto(self, connection: Connection) -> float:
        """Every transaction that was read from the log until then (monotonic seconds) is visible; 0.0 where unknown.

        `connection`: with no transaction under way, and none afterwards.

        Raises:
            ConnectionLost: it broke.
        """
        now = time.monotonic()
        if self._hidden or now < self._asked + FRESH_S:
            return self._upto
        self._asked = now
        listed = self._listed(connection)
        if listed is None:
            return self._upto
        self._open &= listed
        if not self._open:
            # The first time there is nothing to go by: `_from` is 0.0.
            self._upto = now if not listed else self._from
            self._from, self._open = now, listed
        return self._upto

    def _listed(self, connection: Connection) -> frozenset[str] | None:
        """The transactions that changed rows and are open; None where the answer is not of now."""
        try:
            listed = open_changes(connection)
        except StatementFailed:
            self._hidden = True
            return None
        return None if listed is None else frozenset(listed)


def open_changes(connection: Connection) -> Mapping[str, int] | None:
    """The transactions that changed rows and are open, with their sessions' numbers; None: the answer is not of now.

    `connection`: with no transaction under way, and none afterwards.

    Raises:
        StatementFailed: the account lacks PROCESS.
        ConnectionLost: it broke.
    """
    nonce = secrets.token_hex(8)
    ask = (
        f"SELECT trx_id, trx_mysql_thread_id, trx_query LIKE '%{nonce}%' FROM information_schema.innodb_trx "
        "WHERE trx_rows_modified > 0 OR trx_mysql_thread_id = CONNECTION_ID()"
    )
    try:
        rows = connection.results(("START TRANSACTION WITH CONSISTENT SNAPSHOT", ask, "COMMIT"))[1]
    except StatementFailed:
        connection.run("ROLLBACK")
        raise
    if len(rows) >= _MOST or not any(mine for _, _, mine in rows):
        return None
    return {str(number): int(session) for number, session, mine in rows if not mine}
