"""A real new server, a real old one, and a bridge process between them."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pymysql

from providers.mysql import replication
from providers.mysql.bridge import process
from providers.mysql.bridge.collations import collations_of, translation
from providers.mysql.bridge.lock import Place
from providers.mysql.bridge.orders import Orders
from providers.mysql.bridge.process import Started
from providers.mysql.channel import Channel
from providers.mysql.endpoint import Account, Endpoint
from providers.mysql.position import FilePosition
from providers.mysql.server import Server
from providers.mysql.status import ReplicaStatus
from tests.support.pairs import Two, forward_account
from tests.support.waiting import until

NEW_DEFAULT = "utf8mb4_0900_ai_ci"
OLD_DEFAULT = "utf8mb4_general_ci"


@dataclass
class Bridging:
    """`pair.source` is the new server, `pair.target` the old one, which follows it."""

    pair: Two
    directory: Path
    started: list[Started] = field(default_factory=list)

    @property
    def log(self) -> Path:
        return self.directory / "bridge.log"

    @property
    def account(self) -> Account:
        return forward_account()

    def orders(self, *, port: int = 0, account: Account | None = None, through: int | None = None) -> Orders:
        """The orders of a bridge that translates; `through` is the port by which it reaches the new server."""
        new = replace(self.pair.source.endpoint, account=account or self.account)
        new = new if through is None else replace(new, port=through)
        table = translation(collations_of(self.pair.source), collations_of(self.pair.target)).table
        return Orders(new, table, self.directory / f"{uuid.uuid4().hex[:8]}.lock", port=port)

    def start(self, orders: Orders | None = None) -> Place:
        self.started.append(process.start(orders or self.orders(), self.log))
        return self.started[-1].place

    def start_without_translation(self) -> Place:
        return self.start(replace(self.orders(), collations={}))

    def follow(self, place: Place, account: Account | None = None, start: FilePosition | None = None) -> None:
        """Let the old server follow from here on, or from `start`, through a bridge."""
        status = self.pair.target.replica_status()
        if status is None:
            position = self.pair.end(self.pair.source)
            if isinstance(position, FilePosition):
                start = position
            else:
                replication.empty_log(self.pair.target)
                replication.set_start(self.pair.target, position)
        channel = Channel(place.host, place.port, account or self.account, start, encrypted=False, fetch_key=False)
        replication.configure(self.pair.target, channel)
        replication.start(self.pair.target)

    def status(self) -> ReplicaStatus:
        status = self.pair.target.replica_status()
        assert status is not None
        return status

    def arrived(self, seconds: float = 20) -> None:
        """Wait until the old server has everything, or its applier has stopped."""
        until(
            lambda: self.status().applier != "Yes" or self.pair.target.wait_for(self.pair.end(self.pair.source), 1),
            "the old server has everything",
            seconds,
        )
        assert self.status().applier_error == ""
        self.pair.caught_up()

    def stopped(self) -> str:
        """Wait until the old server's applier has stopped, and return why."""
        return until(lambda: self.status().applier_error, "the applier stops")

    def clean(self) -> None:
        """No channel, no database and no bridge any more."""
        replication.forget(self.pair.target)
        for one in self.started:
            one.process.kill()
            one.process.wait()
            if one.process.stdin is not None:
                one.process.stdin.close()
        for server in (self.pair.source, self.pair.target):
            with contextlib.closing(server.connect()) as session:
                session.run("SET SESSION sql_log_bin = 0")
                for name in server.databases():
                    session.run(f"DROP DATABASE {name}")


@contextlib.contextmanager
def session(endpoint: Endpoint, collation: str = NEW_DEFAULT) -> Iterator[pymysql.cursors.Cursor]:
    """A client as drivers make them: it chooses the collation when it has logged in."""
    with contextlib.closing(
        pymysql.connect(
            host=endpoint.host,
            port=endpoint.port,
            user=endpoint.account.user,
            password=endpoint.account.password.reveal(),
            charset="utf8mb4",
            collation=collation,
            autocommit=True,
            connect_timeout=5,
            read_timeout=30,
        )
    ) as connection:
        yield connection.cursor()


def write(server: Server, *statements: str, collation: str = NEW_DEFAULT) -> None:
    with session(server.endpoint, collation) as cursor:
        for sql in statements:
            cursor.execute(sql)


def contents(server: Server) -> Mapping[str, tuple[tuple[object, ...], ...]]:
    """Every row of every table of database app, long values by their checksum."""
    tables = [str(row[0]) for row in server.rows("SHOW TABLES FROM app")]
    found = {}
    for table in tables:
        columns = [str(row[0]) for row in server.rows(f"SHOW COLUMNS FROM app.{table}")]
        picked = ", ".join(f"IF(LENGTH({name}) > 200, CRC32({name}), {name})" for name in columns)
        found[table] = server.rows(f"SELECT {picked} FROM app.{table} ORDER BY 1")
    return found
