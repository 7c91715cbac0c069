"""Pairs of real servers whose rows are compared; nothing is replicated between them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from migration.verify.model import Request
from migration.verify.readers import Readers
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Endpoint
from providers.mysql.gtid import GtidSet
from providers.mysql.position import FilePosition, Position
from providers.mysql.version import Version
from tests.support.pairs import Two, two

# Source and target, and how a replica between the two says where it is.
PAIRS: dict[str, tuple[str, str, type[Position]]] = {
    "mariadb-10.11": ("mariadb-10.11", "mariadb-10.11", GtidSet),
    "mysql-9.7": ("mysql-9.7", "mysql-9.7", GtidSet),
    "5.6-to-9.7": ("mysql-5.6", "mysql-9.7", GtidSet),
    "5.6-to-mariadb": ("mysql-5.6", "mariadb-10.11", FilePosition),
    "5.7-to-9.7": ("mysql-5.7", "mysql-9.7", GtidSet),
}


@dataclass(frozen=True)
class Pair:
    """Two servers that know nothing of each other. `make`: sessions that accept zero dates and words cut off."""

    two: Two
    make: tuple[Connection, Connection]

    @property
    def source(self) -> Endpoint:
        return self.two.source.endpoint

    @property
    def target(self) -> Endpoint:
        return self.two.target.endpoint

    @property
    def versions(self) -> tuple[Version, Version]:
        return self.two.source.version, self.two.target.version

    def on_source(self, *statements: str) -> None:
        for statement in statements:
            self.make[0].run(statement)

    def on_target(self, *statements: str) -> None:
        for statement in statements:
            self.make[1].run(statement)

    def on_both(self, *statements: str) -> None:
        with ThreadPoolExecutor(2) as pool:
            for done in (pool.submit(self.on_source, *statements), pool.submit(self.on_target, *statements)):
                done.result()

    def request(self, **wanted: object) -> Request:
        """A request for all databases of either server."""
        databases = sorted({*self.two.source.databases(), *self.two.target.databases()})
        return Request(tuple(databases), **wanted)  # type: ignore[arg-type]

    def readers(self) -> contextlib.closing[Readers]:
        return contextlib.closing(Readers(self.source, self.target))

    def empty(self) -> None:
        """Drop all databases on both."""
        for server, session in zip((self.two.source, self.two.target), self.make, strict=True):
            for name in server.databases():
                session.run(f"DROP DATABASE `{name.replace('`', '``')}`")


@contextlib.contextmanager
def running_pair(name: str, run_dir: Path) -> Iterator[Pair]:
    """Start a pair of `PAIRS`."""
    source, target, kind = PAIRS[name]
    with two(source, target, run_dir, kind) as servers, contextlib.ExitStack() as stack:
        sessions = []
        for server in (servers.source, servers.target):
            session = stack.enter_context(contextlib.closing(server.connect()))
            session.run("SET SESSION sql_mode = '', foreign_key_checks = 0")
            sessions.append(session)
        yield Pair(servers, (sessions[0], sessions[1]))
