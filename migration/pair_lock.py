"""One operator at a time: a named lock on both servers, held while a runner works and looked at before each change.

The journal's seat keeps two runners of one migration apart; this keeps two migrations of the same servers apart,
whatever machines they are driven from. The server frees the lock when the session ends (MySQL manual, GET_LOCK).
"""

from __future__ import annotations

import hashlib
import threading
import time

from providers.mysql.connection import Connection
from providers.mysql.errors import ConnectionLost, ServerError
from providers.mysql.server import Server

_POLL_S = 0.05


class Occupied(ServerError):
    """Another program works on this server; nothing was changed."""


class PairLock:
    """The lock on both servers of a pair. Each is held by a session that does nothing else."""

    def __init__(self, servers: tuple[Server, ...], patience_s: float = 5.0) -> None:
        """Take the lock on both servers, and have every change on them look at it first.

        Args:
            servers: both, or the one that is there so far.
            patience_s: how long to wait for a lock that a dead session still holds, in seconds.

        Raises:
            Occupied: somebody else has it.
            ServerError: a server cannot be reached.
        """
        uids = "\0".join(sorted(server.identity.uid for server in servers))
        self.name = "cutover:" + hashlib.sha256(uids.encode()).hexdigest()[:40]
        self._lock = threading.Lock()
        self._sessions: dict[str, Connection] = {}
        self._servers = servers
        try:
            for server in self._servers:
                self._sessions[server.name] = self._take(server, patience_s)
        except ServerError:
            self.close()
            raise
        for server in self._servers:
            server.before_change = lambda server=server: self.verify(server)

    @property
    def question(self) -> str:
        """A statement that gives the number of the session that holds the lock; see `holds`."""
        return f"SELECT IS_USED_LOCK('{self.name}')"

    def holds(self, server: Server, holder: int | None) -> bool:
        """Whether an answer to `question` on a server names us."""
        with self._lock:
            return holder is not None and self._sessions[server.name].thread_id == holder

    def verify(self, server: Server) -> None:
        """Look that the lock is ours; take it again where its session broke and nobody else took it.

        Raises:
            Occupied: somebody else has it now.
            ServerError: the server cannot be asked.
        """
        with self._lock:
            session = self._sessions[server.name]
            try:
                ours = session.value(self.question) == session.thread_id
            except ConnectionLost:
                ours = False
            if not ours:
                session.close()
                self._sessions[server.name] = self._take(server, 0.0)

    def close(self) -> None:
        """Give the locks back."""
        for server in self._servers:
            server.before_change = None
        for session in self._sessions.values():
            session.close()

    def _take(self, server: Server, patience_s: float) -> Connection:
        session = server.connect()
        deadline = time.monotonic() + patience_s
        while session.value("SELECT GET_LOCK(%s, 0)", (self.name,)) != 1:
            if time.monotonic() >= deadline:
                holder = session.value(self.question)
                session.close()
                raise Occupied(
                    server.name,
                    f"Another migration program works on {server.name} and its partner (session {holder} there holds "
                    f"the lock {self.name}); wait until it has ended, or end it with KILL {holder} once you know "
                    "whose it is.",
                )
            time.sleep(_POLL_S)
        return session
