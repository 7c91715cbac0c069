"""Whether an account may read a server's binary log, and under which replication number."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from providers.mysql.binlog.events import LogReader, Refused
from providers.mysql.binlog.marks import LogGone, Start
from providers.mysql.binlog.prepared import Prepared
from providers.mysql.binlog.stream import Stream
from providers.mysql.connection import Connection, Timeouts
from providers.mysql.dialect import Dialect
from providers.mysql.errors import StatementFailed
from providers.mysql.server import read_identity, read_version
from providers.mysql.version import Version

# Where hardly anybody puts a server: the numbers that people choose are small, or made of an address.
_FIRST_ID, _LAST_ID = 0xF0000000, 0xFFFFFFFE
_FILTERS = ("Binlog_Do_DB", "Binlog_Ignore_DB")
_TRIAL = Timeouts(connect=5.0, answer=10.0)
_TRIAL_S = 10.0


def readable(connection: Connection) -> str:
    """Empty where the log tells every change and the account may read it, else the reason in words.

    The log is really asked for, over a connection of its own: roles, proxies and managed services have their own
    ideas of what a privilege is worth.

    Raises:
        ServerError: the server gives no answer, takes no further connection, or is another one at each connection:
            that says nothing of its log.
    """
    version = read_version(connection)
    try:
        if not connection.value("SELECT @@GLOBAL.log_bin"):
            return f"{connection.server} keeps no binary log; turn on log_bin and restart it."
        status = connection.named(Dialect(version).source_status)[0]
        reason = _gaps(connection, version, status)
        if not reason:
            _try_to_read(connection, version, status)
        return reason
    except (StatementFailed, LogGone) as error:
        return str(error)


def free_server_id(connections: Iterable[Connection]) -> int:
    """A replication number that none of these servers has, nor a replica or source of theirs that they tell of.

    Raises:
        ConnectionLost: a server gives no answer.
    """
    taken = {number for connection in connections for number in _numbers(connection)}
    while True:
        number = random.randint(_FIRST_ID, _LAST_ID)  # noqa: S311  # it is no secret
        if number not in taken:
            return number


def _gaps(connection: Connection, version: Version, status: Mapping[str, Any]) -> str:
    """Why the log does not tell every change."""
    dialect, name = Dialect(version), connection.server
    for filtered in _FILTERS:
        if status.get(filtered):
            return f"{name} does not log every database ({filtered}: {status[filtered]})."
    if not connection.value(f"SELECT @@GLOBAL.{dialect.updates_logged}") and connection.rows(dialect.replica_status):
        return f"{name} does not log what it gets from its source; turn on {dialect.updates_logged} and restart it."
    return ""


def _try_to_read(connection: Connection, version: Version, status: Mapping[str, Any]) -> None:
    """Read what stands at the beginning of the newest log file.

    Raises:
        ServerError: see `Stream`; the server does not send it.
    """
    start = Start(str(status["File"]), int(status["Position"]), read_identity(connection, version).uid)
    reader = LogReader(lambda database, table: None, Prepared(), start.file, start.offset, 0)
    stream = Stream(connection.endpoint, start, free_server_id([connection]), _TRIAL)
    deadline = time.monotonic() + _TRIAL_S
    try:
        # The first that comes is the log's name, then what describes its file.
        rest = b""
        while not reader.born:
            data = stream.receive(deadline - time.monotonic(), 1)
            if not data:
                words = f"{connection.server} sent nothing of its binary log within {_TRIAL_S:.0f} s."
                raise StatementFailed(connection.server, words)
            rest += data
            rest = rest[reader.feed(rest, 0) :]
    except Refused as error:
        raise stream.refused(error.code, error.words) from error
    finally:
        stream.close()


def _numbers(connection: Connection) -> Iterator[int]:
    version = read_version(connection)
    yield read_identity(connection, version).server_id
    hosts = "SHOW REPLICAS" if version.mysql_from(8, 0, 22) else "SHOW SLAVE HOSTS"
    for statement, columns in (
        (hosts, ("Server_id", "Server_Id")),
        (Dialect(version).replica_status, ("Source_Server_Id", "Master_Server_Id")),
    ):
        try:
            rows = connection.named(statement)
        except StatementFailed:
            # The account may not ask: numbers as far out as ours are hardly ever taken.
            continue
        yield from (int(row[column]) for row in rows for column in columns if row.get(column))
