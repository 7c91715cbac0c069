"""Sessions of other people on a server, which do what gets in the way of a switch."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pymysql

from providers.mysql.endpoint import Endpoint
from providers.sandbox.launcher import connect
from tests.campaigns.faults.bench import EVENT, EVENT_TABLE, TABLE
from tests.campaigns.faults.clients import Try
from tests.campaigns.faults.plan import Kind

_FLUSHES = ("FLUSH TABLES", "FLUSH PRIVILEGES", "FLUSH LOGS", "ANALYZE TABLE shop.orders")
# Numbers that no client takes: what a bystander wrote and got acknowledged must be there, too.
_FIRST = 5_000_000_000


@dataclass
class Bystanders:
    """Those of one run. `acknowledged` is what they committed; `where` is the number of the server in that."""

    app: Endpoint
    administrator: Endpoint
    where: int
    acknowledged: list[Try] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _waiting: dict[int, pymysql.Connection[pymysql.cursors.Cursor]] = field(default_factory=dict)
    _threads: list[threading.Thread] = field(default_factory=list)

    def invite(self) -> None:
        """Log in beforehand, so that whoever comes acts at once."""
        self._waiting = {id(one): connect(one) for one in (self.app, self.administrator)}

    def send(self, kind: Kind, seconds: float, variant: int) -> None:
        """Let one come and do its thing for so many seconds; returns once it has begun."""
        acts: dict[Kind, Callable[[float, int, threading.Event], None]] = {
            Kind.FLUSH: self._flush,
            Kind.READ_LOCK: self._read_lock,
            Kind.LOCK_TABLES: self._lock_tables,
            Kind.OPEN_TRANSACTION: self._open_transaction,
            Kind.LONG_UPDATE: self._long_update,
            Kind.XA_PREPARED: self._xa,
        }
        begun = threading.Event()

        def run() -> None:
            try:
                acts[kind](seconds, variant, begun)
            except (pymysql.err.MySQLError, OSError) as error:
                self.notes.append(f"{kind.value}: {error}")
            finally:
                begun.set()

        thread = threading.Thread(target=run, daemon=True)
        self._threads.append(thread)
        thread.start()
        begun.wait(1.0)

    def leave(self) -> None:
        """All go home."""
        self.over.set()
        for thread in self._threads:
            thread.join(15.0)
        for raw in self._waiting.values():
            with contextlib.suppress(pymysql.err.MySQLError, OSError):
                raw.close()

    @contextlib.contextmanager
    def _session(self, endpoint: Endpoint) -> Iterator[pymysql.cursors.Cursor]:
        raw = self._waiting.pop(id(endpoint), None) or connect(endpoint)
        try:
            with raw.cursor() as cursor:
                yield cursor
        finally:
            with contextlib.suppress(pymysql.err.MySQLError, OSError):
                raw.close()

    def _acknowledged(self, number: int, began: float) -> None:
        self.acknowledged.append(Try(number, self.where, began, time.monotonic(), 0))

    def _flush(self, seconds: float, variant: int, begun: threading.Event) -> None:
        with self._session(self.administrator) as cursor:
            begun.set()
            until = time.monotonic() + min(seconds, 0.3)
            while time.monotonic() < until and not self.over.is_set():
                cursor.execute(_FLUSHES[variant % len(_FLUSHES)])
                time.sleep(0.003)

    def _read_lock(self, seconds: float, variant: int, begun: threading.Event) -> None:
        with self._session(self.administrator) as cursor:
            cursor.execute("FLUSH TABLES WITH READ LOCK")
            begun.set()
            self.over.wait(min(seconds, 1.5))
            cursor.execute("UNLOCK TABLES")

    def _lock_tables(self, seconds: float, variant: int, begun: threading.Event) -> None:
        who = self.administrator if variant % 2 else self.app
        with self._session(who) as cursor:
            cursor.execute("LOCK TABLES shop.ledger WRITE")
            begun.set()
            self.over.wait(seconds)
            cursor.execute("UNLOCK TABLES")

    def _open_transaction(self, seconds: float, variant: int, begun: threading.Event) -> None:
        number = _FIRST + variant
        with self._session(self.app) as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f"INSERT INTO {TABLE} VALUES ({number})")
            begun.set()
            self.over.wait(seconds)
            began = time.monotonic()
            cursor.execute("COMMIT")
            self._acknowledged(number, began)

    def _long_update(self, seconds: float, variant: int, begun: threading.Event) -> None:
        with self._session(self.app) as cursor:
            begun.set()
            rows = max(1, round(seconds / 0.1))
            cursor.execute(f"UPDATE shop.customers SET note = note WHERE SLEEP(0.1) = 0 LIMIT {rows}")

    def _xa(self, seconds: float, variant: int, begun: threading.Event) -> None:
        number, name = _FIRST + variant, f"'fault{variant}'"
        with self._session(self.app) as cursor:
            for sql in (f"XA START {name}", f"INSERT INTO {TABLE} VALUES ({number})", f"XA END {name}"):
                cursor.execute(sql)
            cursor.execute(f"XA PREPARE {name}")
            begun.set()
            self.over.wait(seconds)
            began = time.monotonic()
            cursor.execute(f"XA {'COMMIT' if variant % 3 else 'ROLLBACK'} {name}")
            if variant % 3:
                self._acknowledged(number, began)


def event_statements(variant: int) -> tuple[str, ...]:
    """An administrator's event on the old side: one row a second, or one that goes on writing for most of it."""
    row = f"INSERT INTO {EVENT_TABLE} (at, server) VALUES (SYSDATE(6), @@server_id)"
    body = row
    if variant % 2:
        body = f"BEGIN DECLARE i INT DEFAULT 0; WHILE i < 80 DO {row}; DO SLEEP(0.01); SET i = i + 1; END WHILE; END"
    return (f"CREATE EVENT {EVENT} ON SCHEDULE EVERY 1 SECOND DO {body}", "SET GLOBAL event_scheduler = ON")
