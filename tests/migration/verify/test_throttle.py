"""Holding the reading back."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterator

import pytest

from migration.verify.model import Request
from migration.verify.throttle import Gauge, Rate, too_much
from providers.mysql.errors import ServerError
from tests.migration.verify.following import following, unlogged
from tests.support.pairs import Two
from tests.support.waiting import until

REQUEST = Request(("shop",), most_running=50, most_lag_s=10.0)
MIB = 1 << 20


def test_a_rate_is_kept_on_average() -> None:
    rate = Rate(10.0)
    now, read = 100.0, 0
    while now < 110.0:
        delay = rate.delay(now)
        if delay:
            now += delay
        else:
            rate.spend(MIB, now)
            read += 1
            now += 0.001
    assert 100 <= read <= 105


def test_a_pause_is_not_saved_up() -> None:
    rate = Rate(10.0)
    rate.spend(MIB, 0.0)
    read = 0
    while not rate.delay(1000.0):
        rate.spend(MIB, 1000.0)
        read += 1
    assert read <= 4


def test_no_rate_is_no_bound() -> None:
    rate = Rate(0.0)
    rate.spend(1 << 40, 0.0)
    assert rate.delay(0.0) == 0.0


@pytest.mark.parametrize(
    ("running", "lag_s", "words"),
    [
        ({"old": 50, "new": 3}, 10.0, ""),
        ({"old": 50, "new": 3}, None, ""),
        ({"old": 1, "new": 51}, 0.0, "51 threads run on new"),
        ({"old": 1, "new": 1}, 10.5, "the target is 10 s behind"),
    ],
)
def test_what_holds_back(running: dict[str, int], lag_s: float | None, words: str) -> None:
    assert too_much(REQUEST, running, lag_s) == words


def test_no_bounds_hold_nothing_back() -> None:
    assert too_much(Request((), most_running=None, most_lag_s=None), {"old": 1000}, 1e6) == ""


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with following("mariadb-10.11", tmp_path_factory.mktemp("pair")) as made:
        yield made


def test_reading_waits_while_the_target_lags(pair: Two) -> None:
    lag: list[float | None] = [None]
    broken: list[ServerError] = []
    gauge = Gauge(pair.source.endpoint, pair.target.endpoint, REQUEST, lambda: lag[0], broken.append)
    with contextlib.closing(gauge):
        gauge.start()
        assert gauge.permit()
        lag[0] = 60.0
        assert until(lambda: gauge.held, "it holds back") == "the target is 60 s behind"
        assert gauge.lag_s == 60.0
        permitted = threading.Event()

        def wait() -> None:
            if gauge.permit():
                permitted.set()

        waiting = threading.Thread(target=wait, daemon=True)
        waiting.start()
        assert not permitted.wait(0.3)
        lag[0] = 1.0
        assert permitted.wait(5.0)
        waiting.join()
    assert not gauge.permit()
    assert broken == []


def test_broken_replication_is_told(pair: Two) -> None:
    pair.source.change("CREATE DATABASE broken")
    pair.source.change("CREATE TABLE broken.t (id INT PRIMARY KEY)")
    pair.caught_up()
    with unlogged(pair.target) as session:
        session.run("INSERT INTO broken.t VALUES (1)")
    pair.source.change("INSERT INTO broken.t VALUES (1)")
    told: list[ServerError] = []
    gauge = Gauge(pair.source.endpoint, pair.target.endpoint, REQUEST, None, told.append)
    with contextlib.closing(gauge):
        gauge.start()
        until(lambda: told, "it is told")
    assert "has stopped" in str(told[0])
    assert "1062" in str(told[0])
    assert told[0].server == pair.target.name


def test_readers_take_turns_while_clients_write(pair: Two) -> None:
    changes, per_look = [0], [0]

    def changed() -> int:
        changes[0] += per_look[0]
        return changes[0]

    gauge = Gauge(pair.source.endpoint, pair.target.endpoint, REQUEST, None, lambda _: None, changed)

    def shared() -> bool:
        """Whether two may read at once."""
        inside = threading.Event()

        def read() -> None:
            with gauge.turn():
                inside.set()

        with gauge.turn():
            other = threading.Thread(target=read, daemon=True)
            other.start()
            alone = inside.wait(0.1)
        other.join()
        return alone

    with contextlib.closing(gauge):
        gauge.start()
        assert shared()
        per_look[0] = 1000
        until(lambda: not shared(), "they take turns")
        per_look[0] = 0
        until(shared, "they read at once again")


def test_while_clients_write_the_servers_are_left_alone_after_each_reading(pair: Two) -> None:
    changes = itertools.count(1000, 1000)
    gauge = Gauge(pair.source.endpoint, pair.target.endpoint, REQUEST, None, lambda _: None, lambda: next(changes))
    with contextlib.closing(gauge):
        gauge.start()
        began = time.monotonic()
        with gauge.turn():
            until(lambda: time.monotonic() > began + 0.4, "a reading")
        # Half of what it took; less would not be worth its name.
        assert time.monotonic() - began > 0.59
