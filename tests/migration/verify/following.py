"""Pairs of real servers that follow each other, for the tests of damage and of hostile writers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

from migration.verify.model import Difference
from providers.mysql.connection import Connection
from providers.mysql.gtid import GtidSet
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server
from tests.support.pairs import Two, two

PAIRS: dict[str, tuple[str, str, type[Position]]] = {
    "mariadb-10.11": ("mariadb-10.11", "mariadb-10.11", GtidSet),
    "mysql-9.7": ("mysql-9.7", "mysql-9.7", GtidSet),
    "mysql-5.7": ("mysql-5.7", "mysql-5.7", GtidSet),
    "mysql-5.6": ("mysql-5.6", "mysql-5.6", GtidSet),
    "5.6-to-9.7": ("mysql-5.6", "mysql-9.7", GtidSet),
    "5.6-to-mariadb": ("mysql-5.6", "mariadb-10.11", FilePosition),
}
# For rows of more than 16 MiB.
_OPTIONS = {"max_allowed_packet": "64M"}


@contextlib.contextmanager
def following(name: str, run_dir: Path) -> Iterator[Two]:
    """The pair of this name, its empty target following its empty source."""
    source, target, kind = PAIRS[name]
    with two(source, target, run_dir, kind, _OPTIONS) as pair:
        pair.attach()
        yield pair


@contextlib.contextmanager
def unlogged(server: Server) -> Iterator[Connection]:
    """A session that leaves no trace in the server's binary log, and takes any value."""
    with loose(server) as session:
        session.run("SET SESSION sql_log_bin = 0")
        yield session


@contextlib.contextmanager
def loose(server: Server) -> Iterator[Connection]:
    """A session that takes any value, such as dates of zero."""
    with contextlib.closing(server.connect()) as session:
        session.run("SET SESSION sql_mode = ''")
        yield session


def told(differences: Sequence[Difference]) -> list[Difference]:
    """Differences in an order of their own, so that two lists can be compared."""
    plain = (Difference(one.table, one.kind, one.key, tuple(sorted(one.columns)), one.rows) for one in differences)
    return sorted(plain, key=lambda one: (one.table, one.kind.value, one.key, one.columns, one.rows))


def amiss(found: Sequence[Difference], expected: Sequence[Difference]) -> list[str]:
    """What was not found although it is there, and what was found although it is not."""
    left = told(found)
    lines = []
    for one in told(expected):
        if one in left:
            left.remove(one)
        else:
            lines.append(f"NOT FOUND {one}")
    return lines + [f"NOT THERE {one}" for one in left]
