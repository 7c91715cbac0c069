"""One server of each engine, and sessions on it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from providers.mysql.connection import Connection
from providers.mysql.server import read_version
from providers.mysql.version import Version
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning
from tests.providers.mysql.binlog.following import Following, following
from tests.support.pairs import running

# MySQL with GTIDs is asked for its log by them; MySQL without, and MariaDB, by file and offset.
ENGINES = {
    "mysql-5.6": Positioning.GTID,
    "mysql-5.7": Positioning.FILE,
    "mysql-9.7": Positioning.GTID,
    "mariadb-10.11": Positioning.GTID,
}


@pytest.fixture(scope="package", params=list(ENGINES))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    # Rows of 16 MiB and more need both.
    options = {"max_allowed_packet": "64M"}
    if request.param != "mysql-9.7":
        options["innodb_log_file_size"] = "256M"
    run_dir = tmp_path_factory.mktemp("binlog")
    with running(request.param, run_dir, positioning=ENGINES[request.param], options=options) as started:
        yield started


@pytest.fixture(scope="module")
def session(server: SandboxServer) -> Iterator[Connection]:
    """An administrator's session, and an empty database `app`."""
    with contextlib.closing(Connection(server.endpoint())) as connection:
        connection.run("DROP DATABASE IF EXISTS app")
        connection.run("CREATE DATABASE app CHARACTER SET utf8mb4")
        yield connection


@pytest.fixture
def follow(session: Connection) -> Iterator[Following]:
    """An empty table `app.t (id INT PRIMARY KEY, v LONGTEXT, n INT)`, and a tail that asks about it."""
    session.run("SET SESSION binlog_row_image = FULL")
    session.run("DROP TABLE IF EXISTS app.t")
    session.run("CREATE TABLE app.t (id INT PRIMARY KEY, v LONGTEXT, n INT) ENGINE=InnoDB")
    with following(session, {"t": (0,)}) as follow:
        follow.catch_up()
        yield follow


@pytest.fixture(scope="module")
def version(session: Connection) -> Version:
    return read_version(session)
