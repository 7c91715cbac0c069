"""The real servers behind the simulated cloud, and what a migration makes of them."""

from __future__ import annotations

import contextlib
import shutil
import threading
from collections.abc import Sequence

from providers.mysql import replication
from providers.mysql.connection import Row
from providers.mysql.endpoint import Account
from providers.mysql.errors import ServerError
from providers.mysql.literals import quote_name
from providers.mysql.server import Server
from providers.sandbox.aliyun_api.refusals import out_of_stock
from providers.sandbox.api.filling import Filled, filled
from providers.sandbox.api.sessions import opened, tls_free
from providers.sandbox.api.versions import version_of
from providers.sandbox.launcher import SandboxServer

_RUNNING_S = 15.0
_PLATFORM = ("aliyun_root",)


class NotDrained(Exception):
    """The new master did not get everything in time; the old one takes writes again."""


class Databases:
    """The source, the servers of which clusters are made, and which of them is which cluster.

    `forward` is what a cluster logs in to the source with, `reverse` the source to a cluster; `by_file`: they
    follow by file and position.
    """

    def __init__(
        self,
        source: SandboxServer,
        spares: Sequence[SandboxServer],
        accounts: tuple[Account, Account],
        *,
        by_file: bool,
    ) -> None:
        self.source = source
        self._spares = list(spares)
        self._clusters: dict[str, SandboxServer] = {}
        self._forward, self._reverse = accounts
        self._by_file = by_file
        self._lock = threading.Lock()
        self._sessions: dict[str | None, Server] = {}

    def assign(self, cluster_id: str, version: str) -> None:
        """Take a spare server for a cluster.

        Raises:
            Refused: none of that version is left.
        """
        with self._lock:
            for server in self._spares:
                if version_of(server.engine) == version:
                    self._spares.remove(server)
                    self._clusters[cluster_id] = server
                    return
        raise out_of_stock()

    def versions(self) -> frozenset[str]:
        """What a cluster can be made of now."""
        with self._lock:
            return frozenset(version_of(server.engine) for server in self._spares)

    def discard(self, cluster_id: str) -> None:
        """Take a cluster's data away; its server can be made a cluster again."""
        with self._lock:
            server = self._clusters.pop(cluster_id)
            self._forget(cluster_id)
        server.kill()
        shutil.rmtree(server.data_dir, ignore_errors=True)
        with self._lock:
            self._spares.append(server)

    def server(self, cluster_id: str | None) -> SandboxServer:
        """The server of a cluster, the source's where it is None."""
        return self.source if cluster_id is None else self._clusters[cluster_id]

    def place(self, cluster_id: str | None) -> tuple[str, int]:
        """Where that server listens."""
        endpoint = self.server(cluster_id).endpoint()
        return endpoint.host, endpoint.port

    def ask(self, cluster_id: str | None, statement: str, args: Sequence[str] = ()) -> tuple[Row, ...]:
        """The rows of one question to that server, as the administrator.

        Raises:
            ServerError: it does not answer, or refuses it.
        """
        return self._watched(cluster_id).rows(statement, args)

    def order(self, cluster_id: str | None, statement: str, args: Sequence[str]) -> None:
        """Change something on that server; raises as `ask`."""
        self._watched(cluster_id).change(statement, args)

    def takes_writes(self, cluster_id: str | None) -> bool | None:
        """Whether clients can write on it; None where it does not answer."""
        try:
            return not self._watched(cluster_id).read_only().clients
        except ServerError:
            return None

    def behind_s(self, replica: str | None) -> int:
        """How far a replica says that it is behind its source, in seconds; -1 where it does not say."""
        try:
            status = self._watched(replica).replica_status()
        except ServerError:
            return -1
        return -1 if status is None or status.seconds_behind is None else status.seconds_behind

    def prepare(self, cluster_id: str) -> None:
        """Start a cluster's server, empty and closed to writes.

        Raises:
            ServerError, ServerFailed, EngineMissing: it does not start.
        """
        self.server(cluster_id).start()
        with opened(self.server(cluster_id)) as server:
            server.change(server.dialect.fence)

    def clone(self, cluster_id: str) -> None:
        """Start a cluster's server and give it the source's accounts and databases as of now; it follows nobody.

        Raises:
            ServerError, ServerFailed, EngineMissing: a server does not start, or refuses something.
        """
        with self._filled(cluster_id) as new:
            new.release()

    def copy(self, cluster_id: str, whole: bool) -> None:
        """As `clone`, and let it follow the source from there on, closed to writes; events only if `whole`."""
        with self._filled(cluster_id) as new:
            if not whole:
                _drop_events(new.target)
            new.follow(self._forward)

    def drain(self, old: str | None, new: str | None, seconds: float) -> None:
        """Close `old` to writes and wait until `new`, which follows it, has everything.

        Raises:
            NotDrained: it had not within `seconds`; `old` takes writes again.
            ServerError: a server did not answer; `old` may be closed to writes.
        """
        with opened(self.server(old)) as was, opened(self.server(new)) as becomes:
            was.change(was.dialect.fence)
            position = was.end_of_log() if self._by_file else was.gtid_end()
            if not becomes.wait_for(position, seconds):
                was.change(was.dialect.unfence)
                raise NotDrained(f"{becomes.name} did not get everything from {was.name} within {seconds:.0f} s.")

    def reverse(self, old: str | None, new: str | None) -> None:
        """After `drain`: let `old` follow `new`, and `new` take the writes. May be repeated where it failed half-way.

        Raises:
            ServerError: a server did not answer; both are still closed to writes, or it is done.
        """
        account = self._forward if new is None else self._reverse
        with opened(self.server(old)) as was, opened(self.server(new)) as becomes:
            if not becomes.read_only().clients:
                return
            replication.forget(becomes)
            start = becomes.end_of_log() if self._by_file else None
            replication.forget(was)
            if was.version.mariadb and not self._by_file:
                # What it wrote itself does not count as received there, and would be asked for.
                was.change("SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_binlog_pos")
            replication.configure(was, replication.plan_channel(was, becomes, account, start))
            replication.start(was)
            replication.wait_running(was, _RUNNING_S)
            becomes.change(becomes.dialect.unfence)

    def separate(self, cluster_id: str) -> None:
        """End replication in whatever direction, and let both sides take writes."""
        for one in (None, cluster_id):
            with opened(self.server(one)) as server:
                replication.forget(server)
                server.change(server.dialect.unfence)

    def restart(self, cluster_id: str) -> None:
        """Restart a cluster's server, which disconnects everybody. Its binary log stays on."""
        server = self.server(cluster_id)
        server.stop()
        server.start()

    def close(self) -> None:
        """Close the sessions; the servers stay as they are."""
        with self._lock:
            for one in list(self._sessions):
                self._forget(one)

    def _watched(self, cluster_id: str | None) -> Server:
        """A server with a session that stays open between questions.

        Raises:
            ServerError: it cannot be reached.
        """
        with self._lock:
            if cluster_id not in self._sessions:
                self._sessions[cluster_id] = Server(tls_free(self.server(cluster_id)))
            return self._sessions[cluster_id]

    def _forget(self, cluster_id: str | None) -> None:
        session = self._sessions.pop(cluster_id, None)
        if session is not None:
            session.close()

    def _filled(self, cluster_id: str) -> contextlib.AbstractContextManager[Filled]:
        return filled(self.source, self.server(cluster_id), _PLATFORM, by_file=self._by_file)


def _drop_events(target: Server) -> None:
    """DTS carries no events."""
    session = target.connect()
    try:
        session.run("SET SESSION sql_log_bin = 0")
        for schema, name in target.rows("SELECT event_schema, event_name FROM information_schema.events"):
            session.run(f"DROP EVENT {quote_name(str(schema))}.{quote_name(str(name))}")
    finally:
        session.close()
