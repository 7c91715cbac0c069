"""Pairs of real servers for the checks; one pair at a time."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from providers.mysql import replication
from providers.mysql.gtid import GtidSet
from providers.mysql.position import FilePosition, Position
from tests.migration.checks.lab import SHOP, Lab, made, make_lab
from tests.support.pairs import two

PAIRS: dict[str, tuple[str, str, type[Position]]] = {
    "mariadb-10.11": ("mariadb-10.11", "mariadb-10.11", GtidSet),
    "mysql-9.7": ("mysql-9.7", "mysql-9.7", GtidSet),
    "5.6-to-9.7": ("mysql-5.6", "mysql-9.7", GtidSet),
    "mariadb-to-5.7": ("mariadb-10.11", "mysql-5.7", FilePosition),
}


@pytest.fixture(scope="package", params=list(PAIRS.values()), ids=list(PAIRS))
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A source with a small database and an empty target, for all the tests of this package."""
    source, target, kind = request.param
    with two(source, target, tmp_path_factory.mktemp("pair"), kind) as servers:
        for statement in SHOP:
            servers.source.change(statement)
        yield make_lab(servers)


@pytest.fixture(scope="package")
def modern(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """MySQL 5.7 with a target of 9.7."""
    with two("mysql-5.7", "mysql-9.7", tmp_path_factory.mktemp("modern"), GtidSet) as servers:
        for statement in SHOP:
            servers.source.change(statement)
        yield make_lab(servers)


@pytest.fixture(scope="package")
def to_mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """MySQL 9.7 with a target of MariaDB."""
    with two("mysql-9.7", "mariadb-10.11", tmp_path_factory.mktemp("family"), FilePosition) as servers:
        for statement in SHOP:
            servers.source.change(statement)
        yield make_lab(servers)


@pytest.fixture
def attached(lab: Lab) -> Iterator[Lab]:
    """The target follows the source; what arrives on it is taken away afterwards."""
    lab.two.attach()
    lab.two.caught_up()
    yield lab
    replication.forget(lab.target)
    for name in lab.target.databases():
        lab.target.change(f"DROP DATABASE `{name}`")


@pytest.fixture
def arrived(attached: Lab) -> Iterator[Lab]:
    """The target follows the source and has a database from it."""
    with made(
        attached.source,
        "CREATE DATABASE arrived",
        "CREATE TABLE arrived.t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB",
        undo="DROP DATABASE arrived",
    ):
        attached.two.caught_up()
        yield attached
