"""The real servers behind the instances of a simulated account: copying, following, restarting, fencing."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from providers.mysql import replication
from providers.mysql.endpoint import Account
from providers.mysql.errors import ServerError
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server
from providers.mysql.status import ReplicaStatus
from providers.sandbox.api.sessions import opened, tls_free
from providers.sandbox.aws_api import rds_sql
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning

_RUNNING_S = 30.0
# A copy has its own identity: these are the original's.
_OF_ONE_SERVER = ("auto.cnf", "server.sock", "server.sock.lock")
_STRICT = "gtid_strict_mode"
_OWN_LOG = ("log_bin", "log_slave_updates")


class Servers:
    """Servers by the key of their instance. The first is given; the others are made in `run_dir`, and taken down.

    `spares`, servers that have not been started, are used before any is made; they are left to who gave them.
    `standby`, another such server, is where the first one's data are served from after a failover, and back with the
    next one.

    `by_file`: replicas follow by file and position. Methods may be called from any thread, for one server by one at a
    time; they raise ServerError, ServerFailed or EngineMissing where a server does not do what it is told.
    """

    def __init__(
        self,
        key: str,
        first: SandboxServer,
        run_dir: Path,
        master: Account,
        replicator: Account,
        *,
        by_file: bool,
        spares: Sequence[SandboxServer] = (),
        standby: SandboxServer | None = None,
    ) -> None:
        self.first = first
        self._spares = list(spares)
        self._standbys: dict[str, SandboxServer] = {} if standby is None else {key: standby}
        self._given: tuple[SandboxServer, ...] = (first, *spares, *self._standbys.values())
        self.master = master
        self.run_dir = run_dir
        self._replicator = replicator
        self._by_file = by_file
        self._lock = threading.Lock()
        self._servers = {key: first}
        _as_on_rds(first)
        # What servers are configured with, but for their parameter group.
        self._bases = {key: dict(_options(first))}
        self._following: set[str] = set()
        self._sessions: dict[str, Server] = {}
        with self.opened(key) as server:
            rds_sql.install(server, master)
            if server.version.mariadb:
                server.change(f"SET GLOBAL {_STRICT} = OFF")

    def place(self, key: str) -> tuple[str, int]:
        """Where a server listens."""
        endpoint = self._servers[key].endpoint()
        return endpoint.host, endpoint.port

    def server(self, key: str) -> SandboxServer:
        """The server of an instance."""
        return self._servers[key]

    def opened(self, key: str) -> AbstractContextManager[Server]:
        """A session as the administrator, whom no instance's owner is."""
        return opened(self._servers[key])

    def status(self, key: str) -> ReplicaStatus | None:
        """What a replica says of its channel; None where it has none."""
        return self._watched(key).replica_status()

    def copy_data(self, key: str, to: Path) -> Position | None:
        """Put a copy of a running server's data at `to`, as of one moment; its place in its own log at that moment.

        It stands still meanwhile, as a volume does whose snapshot is begun. A replica's own place is in its data.
        """
        source = self._servers[key]
        shutil.rmtree(to, ignore_errors=True)
        to.parent.mkdir(parents=True, exist_ok=True)
        with self.opened(key) as server:
            # A commit that is half in the binary log would be neither in the copy nor after the position.
            following = server.replica_status() is not None
            if not following:
                server.change("FLUSH TABLES WITH READ LOCK")
            if server.version.mysql_from(5, 7) and server.variable("log_bin") == "ON":
                # A server without a binary log knows only of the GTIDs in its table, where they are put at this moment.
                server.change("FLUSH BINARY LOGS")
            position = self._end(server)
            _copy_frozen(source, to)
            if not following:
                server.change("UNLOCK TABLES")
        return position

    def drop(self, copy: Path) -> None:
        """Remove a copy."""
        shutil.rmtree(copy, ignore_errors=True)

    def duplicate(self, copy: Path, to: Path) -> None:
        """Put another copy of a copy at `to`."""
        _copy(copy, to)

    def make(self, key: str, fill: Callable[[Path], object], settings: Mapping[str, str], *, logged: bool) -> None:
        """Start a server over data that `fill` puts in place, which follows nobody, with these variables.

        `logged`: with a binary log. May be done again where it failed.
        """
        with self._lock:
            made = self._servers.get(key)
            if made is None:
                made = self._servers[key] = self._spares.pop(0) if self._spares else self._another(key)
                _as_on_rds(made)
                self._bases[key] = dict(_options(made))
        made.kill()
        shutil.rmtree(made.data_dir, ignore_errors=True)
        made.run_dir.mkdir(parents=True, exist_ok=True)
        made.run_dir.chmod(0o700)
        fill(made.data_dir)
        self._configure(key, settings, logged=logged)
        made.start()
        with self.opened(key) as server:
            replication.forget(server)
            rds_sql.let_go(server)

    def follow(self, key: str, source: str, start: Position | None) -> None:
        """Let a server follow another, as RDS keeps its replicas: closed to writes."""
        with self.opened(key) as replica, self.opened(source) as origin:
            if replica.version.mariadb and not self._by_file:
                replica.change("SET GLOBAL gtid_slave_pos = %s", (str(start),))
            place = start if isinstance(start, FilePosition) else None
            replication.configure(replica, replication.plan_channel(replica, origin, self._replicator, place))
            replica.change(replica.dialect.fence_clients)
            rds_sql.keep_replica(replica)
            replication.start(replica)
            replication.wait_running(replica, _RUNNING_S)

    def detach(self, key: str) -> None:
        """End following for good. Whether it takes writes is not touched."""
        with self.opened(key) as server:
            replication.forget(server)
            rds_sql.let_go(server)
        self._following.discard(key)

    def break_replication(self, key: str) -> None:
        """Stop a replica's applier behind everybody's back."""
        with self.opened(key) as server:
            server.change(f"{server.dialect.stop_replica} SQL_THREAD")

    def freeze(self, key: str) -> None:
        """Let a server stand still, as while a snapshot of its volume is begun."""
        self._signal(key, signal.SIGSTOP)

    def thaw(self, key: str) -> None:
        """Let it go on."""
        self._signal(key, signal.SIGCONT)

    def _signal(self, key: str, number: signal.Signals) -> None:
        pid = self._servers[key].pid
        if pid is not None:
            os.kill(pid, number)

    def stop(self, key: str) -> None:
        """Shut a server down."""
        self._note(key)
        self._servers[key].stop()

    def fail(self, key: str) -> None:
        """Let a server go down as the machine under it would."""
        self._note(key)
        self._servers[key].kill()

    def fail_over(self, key: str) -> None:
        """As `fail`; what it had written is its standby's from then on, where that has a machine of its own."""
        self.fail(key)
        with self._lock:
            standby = self._standbys.get(key)
            if standby is None:
                return
            failed = self._servers[key]
            standby.run_dir.mkdir(parents=True, exist_ok=True)
            standby.run_dir.chmod(0o700)
            # Blocks are replicated before a write is acknowledged: the standby has what the disk of the primary has.
            failed.data_dir.rename(standby.data_dir)
            standby.server_id = failed.server_id
            self._servers[key], self._standbys[key] = standby, failed

    def start(self, key: str, settings: Mapping[str, str], *, logged: bool) -> None:
        """Start a stopped server, with these variables; what it followed it follows on. `logged`: with binary log."""
        self._configure(key, settings, logged=logged)
        self._servers[key].start()
        if key in self._following:
            with self.opened(key) as server:
                replication.start(server)

    def set_variables(self, key: str, variables: Mapping[str, str | None]) -> None:
        """Change variables of a running server; None: to what it is configured with."""
        with self.opened(key) as server:
            for name, value in variables.items():
                wanted = self._bases[key].get(name) if value is None else value
                server.change(f"SET GLOBAL {name} = {'DEFAULT' if wanted is None else _literal(wanted)}")

    def fence(self, key: str) -> None:
        """Close a server to the writes of everybody without SUPER."""
        with self.opened(key) as server:
            server.change(server.dialect.fence_clients)

    def lift(self, key: str) -> None:
        """Open a server to writes."""
        with self.opened(key) as server:
            server.change(server.dialect.unfence)

    def end(self, key: str) -> Position:
        """Where a server's own log ends."""
        with self.opened(key) as server:
            return server.end_of_log() if self._by_file else server.gtid_end()

    def has(self, key: str, position: Position, seconds: float) -> bool:
        """Wait until a replica has everything up to there."""
        with self.opened(key) as server:
            return server.wait_for(position, seconds)

    def discard(self, key: str) -> None:
        """Take a server and its data away."""
        self._forget(key)
        with self._lock:
            server = self._servers.pop(key, None)
        if server is None:
            return
        if server in self._given:
            server.stop()
        else:
            server.destroy()

    def close(self) -> None:
        """Take down every server but those that were given."""
        for key in list(self._servers):
            self._forget(key)
            if self._servers[key] not in self._given:
                self._servers[key].destroy()
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def _another(self, key: str) -> SandboxServer:
        positioning = Positioning.FILE if self._by_file else Positioning.GTID
        return SandboxServer(self.first.engine, self.run_dir / key, name=key, positioning=positioning)

    def _end(self, server: Server) -> Position | None:
        if server.variable("log_bin") != "ON":
            return None
        return server.end_of_log() if self._by_file else server.gtid_end()

    def _configure(self, key: str, settings: Mapping[str, str], *, logged: bool) -> None:
        options = _options(self._servers[key])
        options.clear()
        # Not every series has every parameter.
        options.update(self._bases[key] | {f"loose_{name}": value for name, value in settings.items()})
        old = self.first.engine.family == "mysql" and not self.first.engine.at_least(5, 7)
        if logged or (old and not self._by_file):
            # MySQL 5.6 has no GTIDs without a binary log.
            return
        for name in _OWN_LOG:
            options.pop(name, None)
        if self.first.engine.family == "mysql" and self.first.engine.at_least(8, 0):
            options["disable_log_bin"] = "1"

    def _note(self, key: str) -> None:
        """Note whether a server follows, before it goes down: it does not begin to by itself."""
        try:
            status = self.status(key)
        except ServerError:
            status = None
        else:
            self._following.discard(key)
        if status is not None and status.io != "No":
            self._following.add(key)
        self._forget(key)

    def _watched(self, key: str) -> Server:
        with self._lock:
            if key not in self._sessions:
                self._sessions[key] = Server(tls_free(self._servers[key]))
            return self._sessions[key]

    def _forget(self, key: str) -> None:
        with self._lock:
            session = self._sessions.pop(key, None)
        if session is not None:
            session.close()


def _options(server: SandboxServer) -> dict[str, str]:
    """What a server is started with, to be changed before the next start."""
    return server._options


def _as_on_rds(server: SandboxServer) -> None:
    """Replication does not begin by itself, and what RDS leaves to the engine is as the engine has it."""
    options = _options(server)
    options[_no_start(server)] = "1"
    options.pop(_STRICT, None)


def _no_start(server: SandboxServer) -> str:
    modern = server.engine.family == "mysql" and server.engine.at_least(8, 4)
    return "skip_replica_start" if modern else "skip_slave_start"


def _copy_frozen(source: SandboxServer, to: Path) -> None:
    pid = source.pid
    if pid is None:
        raise ServerError(source.name, f"{source.name} does not run and cannot be copied.")
    os.kill(pid, signal.SIGSTOP)
    try:
        _copy(source.data_dir, to)
    finally:
        os.kill(pid, signal.SIGCONT)
    for name in _OF_ONE_SERVER:
        (to / name).unlink(missing_ok=True)


def _copy(data: Path, to: Path) -> None:
    subprocess.run(["cp", "-a", "--reflink=auto", "--sparse=auto", str(data), str(to)], check=True)


def _literal(value: str) -> str:
    return value if value.replace(".", "", 1).isdigit() else "'" + value.replace("'", "''") + "'"
