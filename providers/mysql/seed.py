"""Filling an empty target from a live source, so that it can follow from the same moment on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pymysql.cursors import SSCursor

from providers.mysql.connection import Connection
from providers.mysql.errors import ServerError, StatementFailed
from providers.mysql.literals import encode_rows, quote_name
from providers.mysql.position import Position
from providers.mysql.schema import (
    StoredObject,
    Table,
    as_ours,
    create_object,
    read_database_definition,
    read_objects,
    read_tables,
    shape,
    table_definition,
    uncopied_tables,
)
from providers.mysql.server import Server
from providers.mysql.snapshot import Snapshot, take_snapshot
from providers.mysql.version import Version

_STREAMS = 2
_BATCH_ROWS = 1000
_BATCH_BYTES = 1 << 20
_UNLOGGED = "SET SESSION sql_log_bin = 0"
_PREPARE = (
    "SET SESSION foreign_key_checks = 0",
    "SET SESSION unique_checks = 0",
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
)


class Stopped(Exception):
    """The copy was told to stop."""


@dataclass(frozen=True)
class CopyProgress:
    """Rows copied of the estimated total, tables finished of all."""

    rows: int
    total_rows: int
    tables_done: int
    tables: int


@dataclass(frozen=True)
class Filled:
    """From where the target has to follow, and how long the source's writes were held up, in ms."""

    position: Position
    held_ms: float


def fill(
    source: Server,
    target: Server,
    databases: Sequence[str],
    by_file: bool,
    report: Callable[[CopyProgress], None],
    stopped: Callable[[], bool],
) -> Filled:
    """Give an empty target the source's databases as they were at one moment.

    Raises:
        Stopped: `stopped` said so; what was copied stays.
        StatementFailed: a server refused something, or a table changed its definition meanwhile.
    """
    tables = create_databases(source, target, databases)
    snapshot = take_snapshot(source, _STREAMS, by_file)
    try:
        copy_rows(snapshot, target, tables, report, stopped)
    finally:
        snapshot.close()
    create_objects(source, target, databases)
    changed = changed_tables(source, tables)
    if changed:
        raise StatementFailed(
            source.name,
            f"{', '.join(changed)} changed on {source.name} while it was copied; "
            "hold schema changes back and run the copy again.",
        )
    return Filled(snapshot.position, snapshot.held_ms)


@dataclass
class _Tally:
    """What the streams have done so far; shared between them."""

    total_rows: int
    tables: int
    report: Callable[[CopyProgress], None]
    rows: int = 0
    tables_done: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, rows: int, tables: int) -> None:
        with self.lock:
            self.rows += rows
            self.tables_done += tables
            self.report(CopyProgress(self.rows, max(self.total_rows, self.rows), self.tables_done, self.tables))


def writer(target: Server) -> Connection:
    """A session on the target for loading: not logged, keys checked by the source's data already.

    Where a provider keeps SUPER to itself it is logged.

    Raises:
        PrivilegeMissing: the account may not switch off its own logging.
    """
    connection = target.connect()
    connection.allow_answer_s(600.0)
    _log_nothing(connection, target)
    for statement in _PREPARE:
        connection.run(statement)
    return connection


def _log_nothing(connection: Connection, target: Server) -> None:
    if target.dialect.sets_globals:
        connection.run(_UNLOGGED)


def create_databases(source: Server, target: Server, databases: Sequence[str]) -> tuple[Table, ...]:
    """Create the databases and their tables, empty, on the target; returns the tables as read from the source.

    Raises:
        StatementFailed: the target refused a definition, in its own words; or a table holds more than rows.
    """
    uncopied = uncopied_tables(source, databases)
    if uncopied:
        names = ", ".join(f"{name} ({kind})" for name, kind in uncopied)
        raise StatementFailed(
            source.name, f"The copy carries rows only, and {source.name} has {names}; move those databases by hand."
        )
    tables = read_tables(source, databases)
    connection = writer(target)
    try:
        for database in databases:
            connection.run(read_database_definition(source, database))
        for table in tables:
            connection.run(f"USE {quote_name(table.database)}")
            connection.run(table.definition)
    finally:
        connection.close()
    return tables


def copy_rows(
    snapshot: Snapshot,
    target: Server,
    tables: Sequence[Table],
    report: Callable[[CopyProgress], None],
    stopped: Callable[[], bool],
) -> None:
    """Copy every row of the snapshot, one stream for each of its readers.

    `report` is called from the streams' threads, one at a time. `stopped` is asked between batches.

    Raises:
        Stopped: `stopped` said so.
        ServerError: a stream failed; what it had copied stays.
    """
    todo: queue.SimpleQueue[Table] = queue.SimpleQueue()
    for table in tables:
        todo.put(table)
    tally = _Tally(sum(table.rows for table in tables), len(tables), report)
    failures: list[Exception] = []

    def stream(reader: Connection) -> None:
        try:
            connection = writer(target)
            try:
                _drain(todo, reader, connection, tally, lambda: stopped() or bool(failures))
            finally:
                connection.close()
        except (ServerError, Stopped) as error:
            failures.append(error)

    threads = [threading.Thread(target=stream, args=(reader,), daemon=True) for reader in snapshot.readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _drain(
    todo: queue.SimpleQueue[Table],
    reader: Connection,
    connection: Connection,
    tally: _Tally,
    stopped: Callable[[], bool],
) -> None:
    reader.run("SET NAMES binary")
    connection.run("SET NAMES binary")
    reader.raw.decoders = {}
    reader.raw.use_unicode = False
    while True:
        try:
            table = todo.get_nowait()
        except queue.Empty:
            return
        _copy_table(table, reader, connection, tally, stopped)
        tally.add(0, 1)


def _copy_table(
    table: Table, reader: Connection, connection: Connection, tally: _Tally, stopped: Callable[[], bool]
) -> None:
    columns = ", ".join(quote_name(column.name) for column in table.columns)
    values = ", ".join(column.select for column in table.columns)
    head = f"INSERT INTO {table.quoted} ({columns}) VALUES ".encode()
    cursor = reader.stream(f"SELECT {values} FROM {table.quoted}")
    try:
        while batch := _batch(cursor):
            if stopped():
                raise Stopped
            connection.send(head + encode_rows(table.columns, batch), f"INSERT INTO {table.quoted} ...")
            tally.add(len(batch), 0)
    finally:
        cursor.close()


def _batch(cursor: SSCursor) -> list[tuple[bytes | None, ...]]:
    rows: list[tuple[bytes | None, ...]] = []
    size = 0
    while len(rows) < _BATCH_ROWS and size < _BATCH_BYTES:
        row = cursor.fetchone()
        if row is None:
            break
        rows.append(row)
        size += sum(len(cell) for cell in row if cell is not None)
    return rows


def create_objects(source: Server, target: Server, databases: Sequence[str]) -> None:
    """Create views, routines, triggers and events on the target.

    Where a provider keeps SUPER to itself the account used there is the definer of all of them.

    Raises:
        StatementFailed: the target refused one, in its own words.
    """
    connection = target.connect()
    try:
        _log_nothing(connection, target)
        todo = [item for database in databases for item in read_objects(source, database)]
        if not target.dialect.sets_globals:
            todo = [as_ours(item) for item in todo]
        while todo:
            todo = _create_what_can_be(connection, todo, target.version)
    finally:
        connection.close()


def _create_what_can_be(connection: Connection, todo: list[StoredObject], version: Version) -> list[StoredObject]:
    """Create what can be created now and return the rest; the rest is smaller, or the failure is raised."""
    rest: list[StoredObject] = []
    failure: StatementFailed | None = None
    for item in todo:
        try:
            create_object(connection, item, version)
        except StatementFailed as error:
            rest.append(item)
            failure = error
    if failure is not None and len(rest) == len(todo):
        raise failure
    return rest


def changed_tables(source: Server, tables: Sequence[Table]) -> tuple[str, ...]:
    """Tables whose definition on the source is no longer the one they were copied with."""
    changed = []
    for table in tables:
        try:
            same = shape(table_definition(source, table.database, table.name)) == shape(table.definition)
        except StatementFailed:
            same = False
        if not same:
            changed.append(f"{table.database}.{table.name}")
    return tuple(changed)


def drop_databases(target: Server, databases: Sequence[str]) -> None:
    """Drop the databases on the target, unlogged."""
    connection = writer(target)
    try:
        for database in databases:
            connection.run(f"DROP DATABASE IF EXISTS {quote_name(database)}")
    finally:
        connection.close()
