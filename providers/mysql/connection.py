"""One connection to one server, over PyMySQL, with bounded waits and errors that say what to do."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pymysql
from pymysql.constants import CLIENT, COMMAND
from pymysql.cursors import Cursor, DictCursor, SSCursor

from providers.mysql import lenient
from providers.mysql.endpoint import Endpoint, TlsMode
from providers.mysql.errors import (
    AccessDenied,
    ConnectionLost,
    LockTimeout,
    PrivilegeMissing,
    ServerError,
    StatementFailed,
    Unreachable,
)

_DENIED = {1045, 1044, 1698, 1130, 1129, 3118, 4151, 1862, 3159}
_LOST = {0, 2006, 2013, 2014, 2055, 1053, 1927}
_PRIVILEGE = {1142, 1143, 1227, 1370, 1419}
_LOCK = {1205, 3572, 1969}

# Sessions must not carry a utf8mb4_0900 collation: the number of a session's collation travels in the
# binary log, and servers before 8.0 and MariaDB stop replicating at one they do not know.
COLLATION = "utf8mb4_general_ci"

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Timeouts:
    """Bounds in seconds: making a connection, and waiting for an answer."""

    connect: float = 5.0
    answer: float = 30.0


DEFAULT_TIMEOUTS = Timeouts()


def _tls_context(endpoint: Endpoint) -> ssl.SSLContext | None:
    if endpoint.tls is TlsMode.DISABLED:
        return None
    if endpoint.tls in (TlsMode.PREFERRED, TlsMode.REQUIRED):
        # Encrypted, but nobody's certificate is asked for: no need to load the machine's list of CAs.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context = ssl.create_default_context(cafile=endpoint.ca_file)
    context.check_hostname = endpoint.tls is TlsMode.VERIFY_IDENTITY
    return context


def _explain_connect(endpoint: Endpoint, error: Exception) -> ServerError:
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    words = str(error.args[-1]) if error.args else str(error)
    where = f"{endpoint.name} ({endpoint.address})"
    if code in _DENIED:
        return AccessDenied(
            endpoint.name,
            f"{where} refused the account {endpoint.account.user} ({code}: {words}); "
            "check the password and from which hosts the account may log in.",
            code,
        )
    if isinstance(error, ssl.SSLError) or "SSL" in words or "certificate" in words.lower():
        return Unreachable(
            endpoint.name,
            f"TLS with {where} failed ({words}); check the CA file and the TLS mode {endpoint.tls.value}.",
            code,
        )
    if code == 1049:
        return Unreachable(endpoint.name, f"{where} has no such database ({code}: {words}); check its name.", code)
    return Unreachable(
        endpoint.name,
        f"{where} cannot be reached ({words}); check host, port and firewall, and that MySQL listens there.",
        code,
    )


def explain(server: str, sql: str, error: Exception) -> ServerError:
    """Turn a driver's error into one of ours. `sql` is shown shortened and must hold no secret."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    words = str(error.args[-1]) if error.args else type(error).__name__
    shown = sql if len(sql) <= 120 else sql[:117] + "..."
    if code in _LOST or isinstance(error, (pymysql.err.InterfaceError, OSError)):
        return ConnectionLost(
            server,
            f"The connection to {server} broke during `{shown}` ({code}: {words}); whether it was carried out "
            "is read back from the server.",
            code,
        )
    if code in _PRIVILEGE:
        return PrivilegeMissing(
            server,
            f"{server} does not let this account run `{shown}` ({code}: {words}); grant the privilege it names.",
            code,
        )
    if code in _LOCK:
        return LockTimeout(
            server,
            f"`{shown}` on {server} waited too long for a lock ({code}: {words}); "
            "see which session holds it and try again.",
            code,
        )
    return StatementFailed(server, f"{server} answered `{shown}` with {code}: {words}.", code)


def _bound_answers(raw: pymysql.Connection[Cursor], seconds: float) -> None:
    # The driver has no public way to change the bound of an open connection.
    raw._read_timeout = seconds  # type: ignore[attr-defined]


class Connection:
    """A session on a server: autocommit, UTC, text as utf8mb4 in a collation every server knows.

    Not for use by two threads at once.
    """

    def __init__(
        self, endpoint: Endpoint, timeouts: Timeouts = DEFAULT_TIMEOUTS, *, database: str | None = None
    ) -> None:
        """Connect.

        Raises:
            Unreachable: no connection, or TLS is required and there is none.
            AccessDenied: the server refused the account.
        """
        self.endpoint = endpoint
        self.server = endpoint.name
        self._timeouts = timeouts
        try:
            self.raw = self._connect(endpoint, timeouts, database)
        except (pymysql.err.MySQLError, OSError, ssl.SSLError) as error:
            raise _explain_connect(endpoint, error) from error
        if endpoint.tls not in (TlsMode.DISABLED, TlsMode.PREFERRED) and not self.encrypted:
            self.raw.close()
            raise Unreachable(
                endpoint.name,
                f"{endpoint.name} ({endpoint.address}) offers no TLS and {endpoint.tls.value} was asked for; "
                "turn TLS on there or choose the mode preferred.",
            )

    @staticmethod
    def _connect(endpoint: Endpoint, timeouts: Timeouts, database: str | None) -> pymysql.Connection[Cursor]:
        def attempt(context: ssl.SSLContext | None) -> pymysql.Connection[Cursor]:
            return pymysql.connect(
                host=endpoint.host,
                port=endpoint.port,
                user=endpoint.account.user,
                password=endpoint.account.password.reveal(),
                database=database,
                charset="utf8mb4",
                collation=COLLATION,
                autocommit=True,
                connect_timeout=timeouts.connect,
                # The driver bounds the wait for the greeting by this one only.
                read_timeout=timeouts.connect,
                write_timeout=timeouts.answer,
                ssl=context,
                ssl_disabled=context is None,
                client_flag=CLIENT.MULTI_STATEMENTS,
                init_command="SET time_zone = '+00:00'",
            )

        context = _tls_context(endpoint)
        if context is not None and endpoint.tls is TlsMode.PREFERRED:
            try:
                raw = attempt(context)
            except (ssl.SSLError, pymysql.err.OperationalError) as error:
                if not isinstance(error, ssl.SSLError) and "SSL" not in str(error):
                    raise
                raw = attempt(None)
        else:
            raw = attempt(context)
        _bound_answers(raw, timeouts.answer)
        raw.encoding = lenient.NAME
        return raw

    @property
    def encrypted(self) -> bool:
        """Whether TLS is in use."""
        return isinstance(getattr(self.raw, "_sock", None), ssl.SSLSocket)

    @property
    def offers_tls(self) -> bool:
        """Whether the server said in its greeting that it can do TLS."""
        return bool(getattr(self.raw, "server_capabilities", 0) & CLIENT.SSL)

    @property
    def thread_id(self) -> int:
        """The server's number of this session, as KILL wants it."""
        return int(self.raw.thread_id())  # type: ignore[no-untyped-call]

    def rows(self, sql: str, args: Sequence[Any] = ()) -> tuple[Row, ...]:
        """Run a statement and return its rows.

        Raises:
            ServerError: see `explain`.
        """
        with self._explained(sql), self.raw.cursor() as cursor:
            cursor.execute(sql, args or None)
            rows = tuple(cursor.fetchall())
            while cursor.nextset():
                rows = tuple(cursor.fetchall()) or rows
            return rows

    def results(self, statements: Sequence[str]) -> tuple[tuple[Row, ...], ...]:
        """Run several statements in one round trip and return the rows of each; none for one that has no rows.

        The server stops at the first that fails: those after it were not run.

        Raises:
            ServerError: see `explain`.
        """
        sql = "; ".join(statements)
        with self._explained(sql), self.raw.cursor() as cursor:
            cursor.execute(sql)
            found = [tuple(cursor.fetchall())]
            while cursor.nextset():
                found.append(tuple(cursor.fetchall()))
            return tuple(found)

    def asking(self, statements: Sequence[str]) -> Callable[[], tuple[tuple[Row, ...], ...]]:
        """Send several statements and return at once; the function given back takes the answers, as `results`.

        Until then nothing else may use the session.

        Raises:
            ServerError: see `explain`; from the function, too.
        """
        sql = "; ".join(statements)
        with self._explained(sql):
            # The driver has no public way to send a query without waiting for its answer.
            self.raw._execute_command(COMMAND.COM_QUERY, sql)  # type: ignore[attr-defined]
        return lambda: self._answers(sql)

    def _answers(self, sql: str) -> tuple[tuple[Row, ...], ...]:
        found = []
        with self._explained(sql):
            self.raw._read_query_result()  # type: ignore[attr-defined]
            while True:
                result = self.raw._result  # type: ignore[attr-defined]
                found.append(tuple(result.rows or ()))
                if not result.has_next:
                    return tuple(found)
                self.raw.next_result()

    def row(self, sql: str, args: Sequence[Any] = ()) -> Row | None:
        """The first row, or None."""
        rows = self.rows(sql, args)
        return rows[0] if rows else None

    def value(self, sql: str, args: Sequence[Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.row(sql, args)
        return row[0] if row else None

    def named(self, sql: str, args: Sequence[Any] = ()) -> tuple[dict[str, Any], ...]:
        """Run a statement and return its rows as mappings by column name."""
        with self._explained(sql), self.raw.cursor(DictCursor) as cursor:
            cursor.execute(sql, args or None)
            return tuple(cursor.fetchall())

    def run(self, sql: str, args: Sequence[Any] = (), *, shown: str = "") -> None:
        """Run a statement whose rows do not matter. `shown` stands for it in errors where it holds a secret."""
        with self._explained(shown or sql), self.raw.cursor() as cursor:
            cursor.execute(sql, args or None)
            while cursor.nextset():
                pass

    def send(self, sql: bytes, shown: str) -> None:
        """Run a statement given as bytes; `shown` stands for it in errors."""
        with self._explained(shown):
            self.raw.query(sql)

    def stream(self, sql: str) -> SSCursor:
        """Run a query whose rows are fetched as they arrive; the caller closes the cursor."""
        with self._explained(sql):
            cursor = self.raw.cursor(SSCursor)
            cursor.execute(sql)
            return cursor

    def allow_answer_s(self, seconds: float) -> None:
        """Set how long an answer may take, for a statement that waits on the server."""
        _bound_answers(self.raw, seconds)

    def ping(self) -> bool:
        """Whether the session is alive."""
        try:
            self.raw.ping(reconnect=False)
        except (pymysql.err.MySQLError, OSError):
            return False
        return True

    def close(self) -> None:
        """Close, whatever state it is in."""
        with contextlib.suppress(pymysql.err.MySQLError, OSError):
            self.raw.close()

    @contextlib.contextmanager
    def _explained(self, sql: str) -> Iterator[None]:
        try:
            yield
        except (pymysql.err.MySQLError, OSError) as error:
            raise explain(self.server, sql, error) from error
