"""The end of a server's binary log as a question that travels with others in one packet."""

from __future__ import annotations

from migration.runbook import Migration
from providers.mysql.connection import Row
from providers.mysql.errors import StatementFailed
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server


def end_question(m: Migration, server: Server) -> str:
    """The statement that asks where a server's log ends, in this migration's notation."""
    return server.dialect.source_status if m.by_file else server.dialect.gtid_end


def read_end(m: Migration, server: Server, rows: tuple[Row, ...]) -> Position:
    """The answer to `end_question`.

    Raises:
        StatementFailed: the binary log is off.
    """
    if not rows:
        raise StatementFailed(server.name, f"The binary log of {server.name} is off; turn on log_bin and restart it.")
    if m.by_file:
        # The first two columns are File and Position on every server (SHOW MASTER STATUS, SHOW BINARY LOG STATUS).
        return FilePosition(str(rows[0][0]), int(rows[0][1]))
    text = str(rows[0][0])
    return MariaGtid.parse(text) if server.version.mariadb else GtidSet.parse(text)
