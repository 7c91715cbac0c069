"""The signal row: it moves the writes, it is believed only where nobody wrote beside it, and it outlives a runner."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.cutover import signal, switch
from migration.cutover.attempt import Switchover
from migration.cutover.ends import SignalEnd
from migration.cutover.forward import go_forward
from migration.fences.choose import fence_for
from migration.journal import JournalReader, Kind
from migration.model import Direction, Positioning
from migration.pair_lock import PairLock
from migration.steps import finish
from tests.support.moving import Moving, moving

PAIRS = [
    ("mysql-5.6", "mysql-5.6"),
    # A newer target of an older source tells its log as a newer source does.
    pytest.param(("mysql-5.7", "mysql-9.7"), marks=pytest.mark.long),
    ("mysql-9.7", "mysql-9.7"),
    ("mariadb-10.11", "mariadb-10.11"),
]


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest, engine_names: tuple[str, ...]) -> Iterator[Moving]:
    with moving(*request.param, Positioning.FILE) as made:
        made.m = replace(made.m, positioning=Positioning.SIGNAL)
        made.sandbox.workload("start")
        made.sandbox.workload("arm")
        yield made


def positions(made: Moving) -> list[str]:
    with JournalReader(made.journal) as journal:
        return [str(one.body["position"]) for one in journal.records() if one.kind is Kind.NO_RETURN]


def lost_nothing(made: Moving) -> bool:
    made.sandbox.workload("pause")
    figures = made.sandbox.verify_lost()
    made.sandbox.workload("resume")
    return figures.lost_writes == 0 and figures.both_writable_ms == 0


def test_there_and_back_twice(pair: Moving) -> None:
    for _ in range(2):
        for direction, taker, other in (
            (Direction.CUTOVER, pair.m.target, pair.m.source),
            (Direction.ROLLBACK, pair.m.source, pair.m.target),
        ):
            switch(pair.m, pair.attempt(direction))
            assert not taker.read_only().clients
            assert other.read_only().clients
    assert lost_nothing(pair)
    assert len({mark.split()[1] for mark in positions(pair)[-4:]}) == 4


def test_who_writes_beside_the_signal_is_found(pair: Moving) -> None:
    pair.sandbox.workload("pause")
    try:
        source = pair.m.source
        signal.prepare(pair.m, pair.attempt())
        begin, token = source.end_of_log(), signal.new_token()
        source.change(signal.writing(token))
        assert signal.stranger(source.rows(signal.listing(begin)), token) == ""
        source.change("CREATE TABLE IF NOT EXISTS shop.beside (id INT PRIMARY KEY)")
        assert "beside" in signal.stranger(source.rows(signal.listing(begin)), token)
        again = source.end_of_log()
        source.change("REPLACE INTO shop.beside VALUES (1)")
        source.change(signal.writing(token))
        assert "shop" in signal.stranger(source.rows(signal.listing(again)), token)
    finally:
        pair.sandbox.workload("resume")


@contextlib.contextmanager
def past_no_return(made: Moving, s: Switchover) -> Iterator[None]:
    """What a runner leaves behind that died right after its point of no return."""
    lock = PairLock(made.m.servers)
    with contextlib.closing(lock), contextlib.closing(fence_for(made.m, s.old)) as fence:
        ends = SignalEnd(made.m, s)
        ends.prepare()
        end = ends.read(fence.raise_(ends.asked(), 2.0))
        assert ends.reached(end, 5.0, s.new.session)
        made.m.scribe.no_return(s.number, str(end))
        yield


def test_what_a_dead_runner_began_is_ended_by_its_signal(pair: Moving) -> None:
    for direction in (Direction.CUTOVER, Direction.ROLLBACK):
        s = pair.attempt(direction)
        with past_no_return(pair, s):
            said = go_forward(pair.m, s)
        assert "takes writes" in said
        assert not s.new.read_only().clients
        assert s.old.read_only().clients
    assert lost_nothing(pair)


def test_the_database_goes_with_the_migration(pair: Moving) -> None:
    signal.prepare(pair.m, pair.attempt())
    finish.apply(pair.m)
    for server in (pair.m.source, pair.m.target):
        assert signal.DATABASE not in server.databases()
