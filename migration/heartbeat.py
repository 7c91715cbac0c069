"""A row that counts: how far a target is behind where positions on the two sides cannot be compared.

The writer counts up a row on the source; replication carries it to the target, over however many servers.
Reading the row on both sides gives a place that can be ordered, without comparing the servers' clocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.mysql.connection import Connection
from providers.mysql.errors import ConnectionLost, StatementFailed
from providers.mysql.server import Server

DATABASE = "cutover_heartbeat"
_NO_SUCH = {1049, 1146}
_ANSWER_S = 1.0


@dataclass(frozen=True)
class Beat:
    """How often the row had been counted up."""

    number: int

    def within(self, other: Beat) -> bool:
        """Whether the other place is this one or later."""
        return self.number <= other.number


def create_statements() -> tuple[str, ...]:
    """What makes the row on the source; for the plan, too."""
    return (
        f"CREATE DATABASE IF NOT EXISTS {DATABASE}",
        f"CREATE TABLE IF NOT EXISTS {DATABASE}.beat (id INT NOT NULL PRIMARY KEY, n BIGINT NOT NULL) ENGINE = InnoDB",
        f"INSERT IGNORE INTO {DATABASE}.beat (id, n) VALUES (1, 0)",
    )


def remove_statements() -> tuple[str, ...]:
    """What takes the row away again, on the server that has the writes."""
    return (f"DROP DATABASE IF EXISTS {DATABASE}",)


def read_beat(connection: Connection | Server) -> Beat | None:
    """The row as this server has it, None where it has not come yet.

    Raises:
        ServerError: the server did not answer, or refused.
    """
    try:
        number = connection.value(f"SELECT n FROM {DATABASE}.beat WHERE id = 1")
    except StatementFailed as error:
        if error.code not in _NO_SUCH:
            raise
        return None
    return None if number is None else Beat(int(number))


class HeartbeatWriter:
    """Counts the row up, once for each `beat`. Meant to be called about ten times a second.

    It writes as the administrator, whom a fence by read_only does not stop on every server: stop calling it
    before the source is fenced.
    """

    def __init__(self, source: Server) -> None:
        self._source = source
        self._session: Connection | None = None

    def create(self) -> None:
        """Make the database and the row.

        Raises:
            ServerError: see `Server.change`.
        """
        for statement in create_statements():
            self._source.change(statement)

    def beat(self) -> None:
        """Count up by one, on a session of its own that is opened again where it broke.

        Raises:
            ServerError: it was not written, or unknown where the connection broke; the next call tries again.
        """
        if self._session is None:
            self._session = self._source.connect()
            self._session.allow_answer_s(_ANSWER_S)
        try:
            self._session.run(f"UPDATE {DATABASE}.beat SET n = n + 1 WHERE id = 1")
        except ConnectionLost:
            self.close()
            raise

    def remove(self) -> None:
        """Drop the database.

        Raises:
            ServerError: see `Server.change`.
        """
        self.close()
        for statement in remove_statements():
            self._source.change(statement)

    def close(self) -> None:
        """End the session."""
        if self._session is not None:
            self._session.close()
            self._session = None
