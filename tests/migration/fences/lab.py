"""A server as a fence meets it: clients that write every millisecond, and an administrator who may do little."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pymysql
import pytest

from migration.journal import Journal
from migration.model import MigrationSpec, Positioning, Secrets, ServerSpec
from migration.records import Scribe
from migration.runbook import Migration
from providers.mysql.endpoint import Account, Endpoint
from providers.mysql.server import Server
from providers.sandbox import launcher, passwords
from tests.migration.checks.lab import account
from tests.support.moving import QuietDesk
from tests.support.pairs import running
from tests.support.waiting import until

KILL = "CALL mysql.rds_kill(%s)"
_PACE_S = 0.001
SHOP = (
    "CREATE DATABASE shop",
    "CREATE TABLE shop.notes (id BIGINT PRIMARY KEY, writer INT NOT NULL) ENGINE=InnoDB",
    "CREATE PROCEDURE mysql.rds_kill(IN id BIGINT) SQL SECURITY DEFINER KILL id",
)
_EVERYWHERE = ("SELECT ON shop.*", "EVENT ON shop.*")
_OLD = (
    "PROCESS, CREATE USER, REPLICATION CLIENT ON *.*",
    "SELECT ON mysql.user",
    "EXECUTE ON PROCEDURE mysql.rds_kill",
)
GRANTS = {
    "mysql-5.6": (*_EVERYWHERE, *_OLD),
    "mysql-5.7": (*_EVERYWHERE, *_OLD),
    "mysql-9.7": (
        *_EVERYWHERE,
        "PROCESS, CREATE USER, REPLICATION CLIENT, CONNECTION_ADMIN, SESSION_VARIABLES_ADMIN ON *.*",
        "SELECT ON mysql.user",
    ),
    "mariadb-10.11": (
        *_EVERYWHERE,
        "PROCESS, CREATE USER, BINLOG MONITOR, CONNECTION ADMIN, BINLOG ADMIN ON *.*",
        "SELECT ON mysql.global_priv",
    ),
}
KILLS = {"mysql-5.6": KILL, "mysql-5.7": KILL, "mysql-9.7": "KILL %s", "mariadb-10.11": "KILL %s"}
SPARED = frozenset({passwords.ADMINISTRATOR})


class Writer(threading.Thread):
    """A client of the application: one row a millisecond, and a new session whenever the old one is gone."""

    def __init__(self, endpoint: Endpoint, number: int = 1) -> None:
        super().__init__(daemon=True)
        self._endpoint = replace(endpoint, account=passwords.load().application)
        self._number = number
        self._over = threading.Event()
        self.acknowledged: list[int] = []
        self.refused: list[int] = []
        self.start()

    def run(self) -> None:
        row = self._number * 1_000_000_000
        while not self._over.is_set():
            try:
                with contextlib.closing(launcher.connect(self._endpoint, "shop")) as session:
                    cursor = session.cursor()
                    while not self._over.wait(_PACE_S):
                        row += 1
                        cursor.execute("INSERT INTO notes VALUES (%s, %s)", (row, self._number))
                        self.acknowledged.append(row)
            except pymysql.err.MySQLError as error:
                self.refused.append(int(error.args[0]))
                time.sleep(_PACE_S)

    def writes(self) -> None:
        """Wait until it has written something from now on."""
        had = len(self.acknowledged)
        until(lambda: len(self.acknowledged) > had + 5, f"writer {self._number} writes, not {self.refused[-3:]}")

    def is_kept_out(self) -> None:
        """Wait until new sessions were refused, time and again."""
        had = len(self.refused)
        until(lambda: len(self.refused) > had + 5, f"writer {self._number} is refused")

    def stop(self) -> None:
        self._over.set()
        self.join(10)


@contextlib.contextmanager
def writing(endpoint: Endpoint, number: int = 1) -> Iterator[Writer]:
    """A writer at work."""
    writer = Writer(endpoint, number)
    try:
        writer.writes()
        yield writer
    finally:
        writer.stop()


@dataclass(frozen=True)
class Place:
    """`m.source` is the server as the program's account sees it, `admin` as somebody who may do everything."""

    engine: str
    m: Migration
    admin: Server

    @property
    def server(self) -> Server:
        return self.m.source

    @property
    def kill(self) -> str:
        return KILLS[self.engine]

    def rows(self) -> set[int]:
        return {int(row[0]) for row in self.admin.rows("SELECT id FROM shop.notes")}

    def nothing_lost(self, *writers: Writer) -> None:
        acknowledged = {row for writer in writers for row in tuple(writer.acknowledged)}
        assert acknowledged <= self.rows()

    def journaled(self) -> list[str]:
        return [str(record.body.get("sql", "")) for record in self.m.scribe.journal.records()]


def migration(journal: Path, source: Server, target: Server, fence: str = "auto") -> Migration:
    """A migration between two servers, with a journal of its own."""
    accounts = passwords.load()

    def spec(server: Server) -> ServerSpec:
        endpoint = server.endpoint
        user = accounts.replication.user
        return ServerSpec(server.name, endpoint.host, endpoint.port, endpoint.account.user, user)

    password = accounts.replication.password
    return Migration(
        MigrationSpec("one", "mysql_replication", "test", spec(source), spec(target), databases=("shop",), fence=fence),
        Secrets(password, password, password, password),
        source,
        target,
        Positioning.GTID,
        Scribe(Journal.create(journal)),
        QuietDesk(),
    )


def as_account(server: Server, who: Account) -> Server:
    return Server(replace(server.endpoint, account=who))


@contextlib.contextmanager
def keeper(engine: str, admin: Server, *grants: str) -> Iterator[Server]:
    """The server as the program sees it with an account of the given rights."""
    with (
        account(admin, "keeper", *(grants or GRANTS[engine])) as who,
        contextlib.closing(as_account(admin, who)) as one,
    ):
        yield one


@contextlib.contextmanager
def place(engine: str, directory: Path) -> Iterator[Place]:
    """One server with a shop, and a program that may do just what the accounts' fence needs."""
    with running(engine, directory / "server") as one, contextlib.closing(Server(one.endpoint())) as admin:
        for statement in SHOP:
            admin.change(statement)
        with keeper(engine, admin) as server:
            yield Place(engine, migration(directory / "journal.db", server, server), admin)


def anew(at: Place, server: Server, directory: Path, fence: str = "auto") -> Place:
    """The same server in a migration of its own, seen by the account of `server`."""
    return replace(at, m=migration(directory / "journal.db", server, server, fence))


@pytest.fixture
def here(standing: Place, tmp_path: Path) -> Iterator[Place]:
    """The server of the module with an empty journal and an empty table."""
    standing.admin.change("TRUNCATE shop.notes")
    found = anew(standing, standing.server, tmp_path)
    yield found
    found.m.scribe.journal.close()
