"""Statements that take too long are ended, and the session is as good as new afterwards."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from providers.mysql.bounded import Bounded, Overdue
from providers.mysql.errors import StatementFailed
from providers.mysql.server import Server
from tests.support.pairs import running


@pytest.fixture(scope="module", params=["mysql-5.6", "mysql-9.7", "mariadb-10.11"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    place: Path = tmp_path_factory.mktemp("bounded")
    with running(request.param, place) as made, contextlib.closing(Server(made.endpoint())) as server:
        yield server


@pytest.fixture
def bounded(server: Server) -> Iterator[Bounded]:
    with contextlib.closing(Bounded(server.connect(), server.connect())) as bounded:
        yield bounded


def test_a_lock_is_not_waited_for_longer_than_the_bound(server: Server, bounded: Bounded) -> None:
    with contextlib.closing(server.connect()) as holder:
        holder.run("CREATE DATABASE IF NOT EXISTS bound")
        holder.run("CREATE TABLE IF NOT EXISTS bound.t (n INT)")
        holder.run("LOCK TABLES bound.t WRITE")
        began = time.monotonic()
        with pytest.raises(Overdue, match="longer than 50 ms"), bounded.within(0.05):
            bounded.session.results((server.dialect.fence, "SELECT 1"))
        assert time.monotonic() - began < 5
    assert not server.read_only().clients
    assert bounded.session.value("SELECT 7") == 7


def test_what_is_quick_is_left_alone(bounded: Bounded) -> None:
    for _ in range(50):
        with bounded.within(0.5):
            assert bounded.session.value("SELECT 7") == 7
        assert not bounded.killed


def test_a_kill_that_comes_at_the_last_moment_hits_nothing_that_follows(bounded: Bounded) -> None:
    for number in range(60):
        with contextlib.suppress(Overdue), bounded.within(0.003):
            bounded.session.rows("SELECT SLEEP(0.004)")
        assert bounded.session.value(f"SELECT {number}") == number


def test_an_error_of_the_statement_stays_its_own(bounded: Bounded) -> None:
    with pytest.raises(StatementFailed, match=r"1146|1049") as caught, bounded.within(5.0):
        bounded.session.rows("SELECT * FROM nowhere.nothing")
    assert not isinstance(caught.value, Overdue)


def test_answers_are_taken_later_and_in_order(bounded: Bounded) -> None:
    take = bounded.session.asking(("SELECT 1", "DO 0", "SELECT 2, 3"))
    assert take() == (((1,),), (), ((2, 3),))
    failing = bounded.session.asking(("SELECT 1", "SELECT * FROM nowhere.nothing", "SELECT 2"))
    with pytest.raises(StatementFailed):
        failing()
    assert bounded.session.value("SELECT 7") == 7
