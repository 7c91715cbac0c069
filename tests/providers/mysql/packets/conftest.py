"""Real servers for the packets, one at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from providers.mysql.connection import Connection
from providers.mysql.endpoint import Endpoint
from providers.mysql.packets.reader import RawReader
from tests.support.pairs import running

OPTIONS = {"max_allowed_packet": "128M"}


# 5.7 speaks as those before and after it do.
ENGINES = ("mysql-5.6", pytest.param("mysql-5.7", marks=pytest.mark.long), "mysql-9.7", "mariadb-10.11")


@pytest.fixture(scope="package", params=ENGINES)
def endpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    with running(request.param, tmp_path_factory.mktemp("packets"), options=OPTIONS) as server:
        yield server.endpoint()


@pytest.fixture(scope="package")
def session(endpoint: Endpoint) -> Iterator[Connection]:
    """A session that writes, in the database `p`."""
    with contextlib.closing(Connection(endpoint)) as session:
        session.run("CREATE DATABASE p CHARACTER SET utf8mb4")
        session.run("USE p")
        session.run("SET SESSION sql_mode = ''")
        yield session


@pytest.fixture
def reader(endpoint: Endpoint, session: Connection) -> Iterator[RawReader]:
    with contextlib.closing(RawReader(endpoint)) as reader:
        yield reader


@pytest.fixture
def textual(endpoint: Endpoint, session: Connection) -> Iterator[Callable[[], RawReader]]:
    """Readers of a server that prepares no statements."""
    most = session.value("SELECT @@max_prepared_stmt_count")
    with contextlib.ExitStack() as stack:

        def make() -> RawReader:
            session.run("SET GLOBAL max_prepared_stmt_count = 0")
            try:
                return stack.enter_context(contextlib.closing(RawReader(endpoint)))
            finally:
                session.run(f"SET GLOBAL max_prepared_stmt_count = {most}")

        yield make
