"""The real servers behind the simulated subscription, and what its operations make of them."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

from providers.mysql import replication
from providers.mysql.connection import Row
from providers.mysql.endpoint import Account
from providers.sandbox.api.filling import filled
from providers.sandbox.api.refusals import Refused
from providers.sandbox.api.sessions import opened
from providers.sandbox.api.versions import version_of
from providers.sandbox.launcher import SandboxServer


class Fleet:
    """The source, and the servers of which others are made; whoever made them takes them down.

    `account` is what replicas log in to their sources with; `by_file`: they follow by file and position. Backups
    are kept below `directory`.
    """

    def __init__(
        self,
        source: SandboxServer,
        spares: Sequence[SandboxServer],
        account: Account,
        directory: Path,
        *,
        by_file: bool,
    ) -> None:
        self.source = source
        self._spares = list(spares)
        self._account = account
        self._directory = directory
        self._by_file = by_file
        self._lock = threading.Lock()
        self._backups: dict[str, tuple[Path, str]] = {}

    def take(self, version: str) -> SandboxServer:
        """A spare server of a version such as 5.7 or 8.0.21, not started.

        Raises:
            Refused: none is left.
        """
        with self._lock:
            for server in self._spares:
                if version.startswith(version_of(server.engine)):
                    self._spares.remove(server)
                    return server
        raise Refused(
            400,
            "AllocationFailed",
            "Allocation failed. We do not have sufficient capacity for the requested size in this region.",
        )

    def next(self) -> SandboxServer:
        """The first spare server, whatever its version; not started.

        Raises:
            IndexError: none is left.
        """
        with self._lock:
            return self._spares.pop(0)

    def give_back(self, server: SandboxServer) -> None:
        """Take a server's data away and make it a spare one; the first source is only stopped."""
        if server is self.source:
            server.stop()
            return
        server.kill()
        shutil.rmtree(server.data_dir, ignore_errors=True)
        with self._lock:
            self._spares.append(server)

    def fill(self, source: SandboxServer, target: SandboxServer) -> None:
        """Start a server and give it the source's accounts and databases as of now; it takes writes."""
        with filled(source, target, by_file=self._by_file) as new:
            new.release()

    def follow(self, source: SandboxServer, target: SandboxServer) -> None:
        """As `fill`, and let it follow the source from there on, closed to writes."""
        with filled(source, target, by_file=self._by_file) as new:
            new.follow(self._account)

    def detach(self, server: SandboxServer) -> None:
        """End replication as the cloud does, without waiting for anything, and let the server take writes."""
        with opened(server) as session:
            replication.forget(session)
            session.change(session.dialect.unfence)

    def back_up(self, source: SandboxServer) -> str:
        """Keep what a server holds now; the backup's id.

        Raises:
            Refused: no server is left to make it with.
        """
        maker = self.take(version_of(source.engine))
        id = secrets.token_hex(6)
        kept = self._directory / id
        try:
            self.fill(source, maker)
            maker.stop()
            self._directory.mkdir(parents=True, exist_ok=True)
            shutil.move(maker.data_dir, kept)
        finally:
            self.give_back(maker)
        with self._lock:
            self._backups[id] = (kept, version_of(source.engine))
        return id

    def restore(self, id: str) -> SandboxServer:
        """A running server with the content of a backup.

        Raises:
            Refused: there is no such backup, or no server is left.
        """
        with self._lock:
            found = self._backups.get(id)
        if found is None:
            raise Refused(404, "ResourceNotFound", f"The backup {id} was not found.")
        kept, version = found
        server = self.take(version)
        server.run_dir.mkdir(parents=True, exist_ok=True)
        shutil.copytree(kept, server.data_dir)
        # Without it the server gives itself a new identity.
        (server.data_dir / "auto.cnf").unlink(missing_ok=True)
        server.start()
        with opened(server) as session:
            session.change(session.dialect.unfence)
        return server


def ask(server: SandboxServer, statement: str, args: Sequence[str] = ()) -> tuple[Row, ...]:
    """The rows of one question, as the platform's administrator."""
    with opened(server) as session:
        return session.rows(statement, args)
