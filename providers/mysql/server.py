"""One MySQL-family server: who it is, what it holds, and whether it takes writes."""

from __future__ import annotations

import hashlib
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from providers.mysql.connection import DEFAULT_TIMEOUTS, Connection, Row, Timeouts
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ConnectionLost, StatementFailed, WrongServer
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.literals import quote_text
from providers.mysql.managed import dialect_at
from providers.mysql.position import FilePosition, Position, within
from providers.mysql.status import ReplicaStatus, parse_status
from providers.mysql.version import Version, parse_version

SYSTEM_DATABASES = frozenset({"mysql", "sys", "performance_schema", "information_schema"})
_UNKNOWN_VARIABLE = 1193


@dataclass(frozen=True)
class ReadOnly:
    """Whether a server refuses clients' writes (`clients`), and administrators' too (`everyone`)."""

    clients: bool
    everyone: bool


@dataclass(frozen=True)
class Identity:
    """Who a server is. `uid` differs between any two servers; `server_id` is its replication number."""

    uid: str
    server_id: int
    hostname: str
    port: int


def read_version(connection: Connection) -> Version:
    """The version of the server at the other end."""
    row = connection.row("SELECT @@version, @@version_comment")
    if row is None:
        raise ConnectionLost(connection.server, f"{connection.server} gave no version.")
    return parse_version(str(row[0]), str(row[1]))


def read_identity(connection: Connection, version: Version) -> Identity:
    """Who is at the other end, from the server itself rather than from its name or address."""
    hostname, port, server_id, datadir = connection.row("SELECT @@hostname, @@port, @@server_id, @@datadir") or ()
    if version.mariadb:
        try:
            uid = str(connection.value("SELECT @@server_uid"))
        except StatementFailed as error:
            if error.code != _UNKNOWN_VARIABLE:
                raise
            # Before 10.5.26 and 10.6.19 there is no server_uid; host, port and data directory name one server.
            uid = hashlib.sha256(f"{hostname}\0{port}\0{datadir}".encode()).hexdigest()[:32]
    else:
        uid = str(connection.value("SELECT @@server_uuid"))
    return Identity(uid, int(server_id), str(hostname), int(port))


class Server:
    """A server with one warm session for observing and changing it.

    Reads (`rows`, `value`, ...) open the session again where it broke, after checking that the same server
    answers. Changes (`change`) do not: where the connection breaks under a change, its outcome is unknown
    and the caller has to look.

    Attributes:
        before_change: asked before each change; what it raises keeps the change from being made.
        also_at: further addresses (host, port) at which replicas reach this server.
    """

    def __init__(self, endpoint: Endpoint, expected: str | None = None, timeouts: Timeouts = DEFAULT_TIMEOUTS) -> None:
        """Connect.

        Args:
            endpoint: where, and as whom.
            expected: the `Identity.uid` that must answer there, None to take whoever does.
            timeouts: bounds of connecting and answering, in seconds.

        Raises:
            ServerError: unreachable, access denied, or another server than expected.
        """
        self.endpoint = endpoint
        self.name = endpoint.name
        self.before_change: Callable[[], None] | None = None
        self.also_at: tuple[tuple[str, int], ...] = ()
        self._timeouts = timeouts
        self._lock = threading.RLock()
        connection = Connection(endpoint, timeouts)
        self.version = read_version(connection)
        self.dialect = dialect_at(connection, self.version)
        self.identity = read_identity(connection, self.version)
        self._expected = expected or self.identity.uid
        self._session: Connection | None = connection
        self._verify(connection)
        connection.run("SET SESSION lock_wait_timeout = 2")

    def _verify(self, connection: Connection) -> None:
        identity = read_identity(connection, read_version(connection))
        if identity.uid != self._expected:
            connection.close()
            raise WrongServer(
                self.name,
                f"Another server answers at {self.endpoint.address} than {self.name} was (expected {self._expected}, "
                f"got {identity.uid}); find out where the name or proxy points before going on.",
            )

    def connect(self) -> Connection:
        """A new session of its own, after checking that the same server answers.

        Raises:
            ServerError: as the constructor.
        """
        connection = Connection(self.endpoint, self._timeouts)
        self._verify(connection)
        connection.run("SET SESSION lock_wait_timeout = 2")
        return connection

    @property
    def session(self) -> Connection:
        """The warm session, opened again where it is gone."""
        with self._lock:
            if self._session is None:
                self._session = self.connect()
            return self._session

    def close(self) -> None:
        """Close the warm session."""
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def rows(self, sql: str, args: Sequence[Any] = ()) -> tuple[Row, ...]:
        """Ask something; asks again on a new session where the connection broke."""
        with self._lock:
            try:
                return self.session.rows(sql, args)
            except ConnectionLost:
                self.close()
                return self.session.rows(sql, args)

    def value(self, sql: str, args: Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        rows = self.rows(sql, args)
        return rows[0][0] if rows else None

    def named(self, sql: str, args: Sequence[Any] = ()) -> tuple[dict[str, Any], ...]:
        """Ask something; rows as mappings by column name."""
        with self._lock:
            try:
                return self.session.named(sql, args)
            except ConnectionLost:
                self.close()
                return self.session.named(sql, args)

    def change(self, sql: str, args: Sequence[Any] = (), *, shown: str = "") -> None:
        """Change something. `shown` stands for the statement in errors where it holds a secret.

        Raises:
            ConnectionLost: whether it was carried out is unknown; the session is gone.
            StatementFailed: it was not carried out.
        """
        if self.before_change is not None:
            self.before_change()
        with self._lock:
            try:
                self.session.run(sql, args, shown=shown)
            except ConnectionLost:
                self.close()
                raise

    def variable(self, name: str) -> str | None:
        """A global variable as text, None where this server has none of that name."""
        rows = self.rows("SHOW GLOBAL VARIABLES LIKE %s", (name.replace("_", r"\_"),))
        return None if not rows else str(rows[0][1])

    def read_only(self) -> ReadOnly:
        """Whether the server refuses writes, as it says now."""
        row = self.rows(self.dialect.read_only_state)[0]
        return ReadOnly(bool(int(row[0])), bool(int(row[1])))

    def replica_status(self) -> ReplicaStatus | None:
        """The channel to its source, None where it is no replica."""
        rows = self.named(self.dialect.replica_status)
        return parse_status(rows[0]) if rows else None

    def end_of_log(self) -> FilePosition:
        """The newest place in this server's binary log.

        Raises:
            StatementFailed: the binary log is off.
        """
        rows = self.named(self.dialect.source_status)
        if not rows:
            raise StatementFailed(
                self.name, f"The binary log of {self.name} is off; turn on log_bin and restart it to replicate from it."
            )
        return FilePosition(str(rows[0]["File"]), int(rows[0]["Position"]))

    def gtid_end(self) -> GtidSet | MariaGtid:
        """Where this server's binary log ends, as GTIDs: what a replica has to reach."""
        return self._gtid(str(self.value(self.dialect.gtid_end)))

    def gtid_executed(self) -> GtidSet | MariaGtid:
        """Everything this server has, as GTIDs."""
        return self._gtid(str(self.value(self.dialect.gtid_position)))

    def _gtid(self, text: str) -> GtidSet | MariaGtid:
        return MariaGtid.parse(text) if self.version.mariadb else GtidSet.parse(text)

    def executed_of(self, kind: type[Position]) -> Position | None:
        """What this replica has executed, in the notation of its source; None where it is no replica."""
        if kind is not FilePosition:
            return self.gtid_executed()
        status = self.replica_status()
        return status.executed if status else None

    def wait_for(self, position: Position, seconds: float, connection: Connection | None = None) -> bool:
        """Wait on the server until this replica has executed everything up to `position`.

        Returns False when it has not within `seconds` (rounded up to whole ones), or its applier is stopped.
        `connection` is the session to wait on, so that another one stays free.
        """
        return self.waiting_for(position, seconds, connection or self.session)()

    def waiting_for(self, position: Position, seconds: float, session: Connection) -> Callable[[], bool]:
        """As `wait_for`, but the wait is on its way when this returns; the function given back takes the answer."""
        bound = max(1, math.ceil(seconds))
        session.allow_answer_s(bound + 5.0)
        if isinstance(position, FilePosition):
            take = session.asking((self.dialect.wait_file % (quote_text(position.file), position.offset, bound),))
            return lambda: _number(take()) >= 0
        own = self.identity.server_id
        if isinstance(position, MariaGtid) and any(writer == own for writer, _ in position.domains.values()):
            # MASTER_GTID_WAIT looks at replicated transactions only; what this server wrote itself
            # and got back in its own name counts as here, too.
            have = self._gtid(str(session.value(self.dialect.gtid_position)))
            if within(position, have):
                return lambda: True
        take = session.asking((self.dialect.wait_gtid % (quote_text(str(position)), bound),))
        if self.version.mariadb or self.version.mysql_from(5, 7, 5):
            return lambda: _number(take()) == 0
        return lambda: _number(take()) >= 0

    def databases(self) -> tuple[str, ...]:
        """The databases that are not the server's own, in order."""
        names = (str(row[0]) for row in self.rows("SHOW DATABASES"))
        return tuple(sorted(name for name in names if name.lower() not in SYSTEM_DATABASES))

    def offers_tls(self) -> bool:
        """Whether replicas can log in over TLS."""
        return self.session.offers_tls


def _number(answers: tuple[tuple[Row, ...], ...]) -> int:
    """What a wait came back with: -1 where that is NULL, since the applier is stopped."""
    value = answers[0][0][0]
    return -1 if value is None else int(value)
