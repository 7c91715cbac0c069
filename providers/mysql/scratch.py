"""Databases for trying things out on a server: unlogged where one may, and gone afterwards whatever happens."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from providers.mysql.connection import Connection
from providers.mysql.errors import ConnectionLost, LockTimeout, StatementFailed
from providers.mysql.literals import quote_name
from providers.mysql.server import Server

_PREFIX = "cutover_scratch_"
_OURS = re.compile(_PREFIX + r"[0-9a-f]{16}")
_WAIT_S = 5


class Scratch:
    """A session on a server with databases of its own, to be used in a `with` statement.

    Nothing that is done in the session is written to the binary log, unless a provider allows no less, and the
    databases are dropped at its end, together with those that an earlier one had to leave behind.

    Attributes:
        session: the session; it does not check foreign keys.
    """

    def __init__(self, server: Server) -> None:
        """Prepare; nothing is done on the server before `with`."""
        self._server = server
        self._made: list[str] = []
        self.session: Connection

    def __enter__(self) -> Self:
        """Open the session.

        Raises:
            ServerError: the account may not keep its changes out of the log, or somebody else is trying things out.
        """
        if self._server.before_change is not None:
            self._server.before_change()
        self.session = self._open()
        try:
            # Whoever has the lock may take every such database for left over.
            if not self._lock():
                raise LockTimeout(
                    self._server.name,
                    f"Somebody else tries out definitions on {self._server.name} now; run the check again.",
                )
            self._drop(str(name) for (name,) in self.session.rows("SHOW DATABASES") if _OURS.fullmatch(str(name)))
        except BaseException:
            self.session.close()
            raise
        return self

    def database(self, options: str = "") -> str:
        """Create a database and return its name. `options`: its default character set and collation, as SQL.

        Raises:
            ServerError: the server refuses it; a read-only one refuses all of them.
        """
        name = _PREFIX + secrets.token_hex(8)
        self._made.append(name)
        try:
            self.session.run(f"CREATE DATABASE {quote_name(name)} {options}")
        except StatementFailed:
            self._made.remove(name)
            raise
        return name

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop the databases, over another session where this one is broken."""
        try:
            self._drop(self._made)
        except ConnectionLost:
            self.session.close()
            self.session = self._open()
            # The broken session keeps the lock until the server notices; whoever is next should find it free.
            self._lock()
            self._drop(self._made)
        finally:
            self.session.close()

    def _lock(self) -> bool:
        return bool(self.session.value("SELECT GET_LOCK(%s, %s)", (_PREFIX, _WAIT_S)))

    def _drop(self, names: Iterable[str]) -> None:
        for name in names:
            self.session.run(f"DROP DATABASE IF EXISTS {quote_name(name)}")

    def _open(self) -> Connection:
        session = self._server.connect()
        try:
            # A provider that keeps SUPER to itself lets nobody write unlogged.
            if self._server.dialect.sets_globals:
                session.run("SET SESSION sql_log_bin = 0")
            session.run("SET SESSION foreign_key_checks = 0")
        except BaseException:
            session.close()
            raise
        return session
