"""The position ring under simulated time, against the truth that the simulation knows."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration.heartbeat import Beat
from migration.lag import Pace, Place, PositionRing, distance, seconds_until
from migration.view import LagSample
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import FilePosition

SOURCE, TARGET = "11111111-0000-0000-0000-000000000001", "22222222-0000-0000-0000-000000000002"
FILE_HOLDS = 7
EVERY_S = 0.1

Notation = Callable[[int], Place]


def mysql(count: int) -> Place:
    return GtidSet({SOURCE: ((1, count),)} if count else {})


def mysql_after_a_purge(count: int) -> Place:
    return GtidSet({SOURCE: ((1, 3), (9, 9 + count)), TARGET: ((4, 5),)})


def mariadb(count: int) -> Place:
    return MariaGtid({0: (1, 1000 + count)})


def mariadb_two_domains(count: int) -> Place:
    return MariaGtid({0: (1, 5 + count // 2), 3: (2, 8 + (count + 1) // 2)})


def file(count: int) -> Place:
    number, offset = divmod(count, FILE_HOLDS)
    return FilePosition(f"binlog.{number + 8:06d}", 4 + 100 * offset)


def beat(count: int) -> Place:
    return Beat(count)


NOTATIONS = [mysql, mysql_after_a_purge, mariadb, mariadb_two_domains, file, beat]


def plus_own_writes(place: Place) -> Place:
    """What a server has that follows in a circle and wrote transactions of its own before."""
    if isinstance(place, GtidSet):
        return GtidSet({**place.intervals, TARGET: ((1, 400),)})
    return place


def watch(ring: PositionRing, notation: Notation, commits: list[float], samples: list[float]) -> None:
    for at in samples:
        ring.add(at, notation(bisect.bisect_right(commits, at)))


gaps = st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.05, 0.3, 2.0]), min_size=1, max_size=60)


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("circular", [False, True])
@given(gaps=gaps, have=st.integers(0, 60), late=st.floats(0, 0.09))
@settings(max_examples=60, deadline=None)
def test_reads_the_age_of_the_oldest_missing_commit(
    notation: Notation, circular: bool, gaps: list[float], have: int, late: float
) -> None:
    commits = list(itertools.accumulate(gaps, initial=0.05))
    samples = [step * EVERY_S for step in range(int(commits[-1] / EVERY_S) + 2)]
    ring = PositionRing()
    watch(ring, notation, commits, samples)
    have = min(have, len(commits))
    executed = plus_own_writes(notation(have)) if circular else notation(have)
    now = samples[-1] + late

    reading = ring.lag(now, executed)

    truth = now - commits[have] if have < len(commits) else 0.0
    assert reading.lag_s is not None
    assert not reading.at_least
    assert abs(reading.lag_s - truth) <= EVERY_S + 1e-6
    assert (reading.lag_s == 0.0) == (have == len(commits))
    assert (reading.behind == 0) == (have == len(commits))


@pytest.mark.parametrize("notation", [mysql, mariadb, mariadb_two_domains, beat])
@given(gaps=gaps, have=st.integers(0, 60))
@settings(max_examples=40, deadline=None)
def test_counts_what_is_missing(notation: Notation, gaps: list[float], have: int) -> None:
    commits = list(itertools.accumulate(gaps, initial=0.05))
    ring = PositionRing()
    watch(ring, notation, commits, [0.0, commits[-1] / 2, commits[-1] + 0.1])
    have = min(have, len(commits))
    assert ring.lag(commits[-1] + 0.1, notation(have)).behind == len(commits) - have


@given(gaps=gaps, have=st.integers(0, 60), wait=st.floats(0, 1e6))
@settings(max_examples=60, deadline=None)
def test_grows_with_time_while_nothing_is_applied(gaps: list[float], have: int, wait: float) -> None:
    commits = list(itertools.accumulate(gaps, initial=0.05))
    samples = [step * EVERY_S for step in range(int(commits[-1] / EVERY_S) + 2)]
    ring = PositionRing()
    watch(ring, mysql, commits, samples)
    executed = mysql(min(have, len(commits) - 1))
    before, after = ring.lag(samples[-1], executed).lag_s, ring.lag(samples[-1] + wait, executed).lag_s
    assert before is not None
    assert after == pytest.approx(before + wait)


def test_says_nothing_before_the_first_sample() -> None:
    assert PositionRing().lag(5.0, mysql(3)).lag_s is None


def test_gives_a_lower_bound_for_what_is_older_than_the_watching() -> None:
    ring = PositionRing()
    ring.add(10.0, mysql(500))
    ring.add(11.0, mysql(600))
    reading = ring.lag(14.0, mysql(120))
    assert (reading.lag_s, reading.at_least, reading.behind) == (4.0, True, 480)


def test_does_not_count_bytes_of_files_it_has_not_seen() -> None:
    ring = PositionRing()
    ring.add(10.0, FilePosition("binlog.000009", 700))
    assert ring.lag(14.0, FilePosition("binlog.000007", 900)).behind is None
    assert ring.lag(14.0, FilePosition("binlog.000009", 500)).behind == 200


def test_does_not_count_a_whole_file_for_a_change_of_file() -> None:
    ring = PositionRing()
    ring.add(10.0, FilePosition("binlog.000009", 700))
    ring.add(11.0, FilePosition("binlog.000010", 300))
    ring.add(12.0, FilePosition("binlog.000010", 450))
    assert ring.lag(12.0, FilePosition("binlog.000009", 700)).behind == 450


def test_counts_from_the_last_look_at_an_idle_source() -> None:
    ring = PositionRing()
    for step in range(36_000):
        ring.add(step * EVERY_S, mariadb(7))
    assert len(ring) == 1
    ring.add(3_600.0, mariadb(8))
    assert ring.lag(3_601.0, mariadb(7)).lag_s == pytest.approx(1.1)


def test_watches_anew_when_the_source_was_reset() -> None:
    ring = PositionRing()
    ring.add(1.0, file(900))
    ring.add(2.0, file(3))
    assert ring.watched_since == 2.0
    assert ring.lag(3.0, file(3)).lag_s == 0.0
    assert ring.lag(3.0, file(1)).at_least


@pytest.mark.parametrize("capacity", [8, 64, 1024])
def test_stays_small_and_keeps_its_horizon(capacity: int) -> None:
    ring = PositionRing(capacity=capacity)
    for step in range(20_000):
        ring.add(step * EVERY_S, mariadb(step))
        assert len(ring) <= capacity
        assert ring.still_since == step * EVERY_S
    assert ring.watched_since == 0.0
    now = 20_000 * EVERY_S
    for have in (0, 100, 5_000, 15_000, 19_000, 19_990):
        reading = ring.lag(now, mariadb(have)).lag_s
        # The writes came evenly, so even a thinned-out ring interpolates to the truth.
        assert reading == pytest.approx(now - have * EVERY_S, abs=2 * EVERY_S)


def test_thinning_costs_no_more_than_a_share_of_the_age() -> None:
    bursts = [second + at for second in range(2_000) for at in (0.03, 0.04, 0.05, 0.06)]
    ring = PositionRing(capacity=1024)
    watch(ring, mariadb, bursts, [step * EVERY_S for step in range(20_000)])
    for have in range(0, len(bursts), 97):
        truth = 2_000.0 - bursts[have]
        reading = ring.lag(2_000.0, mariadb(have)).lag_s
        assert reading == pytest.approx(truth, abs=2 * EVERY_S + 0.03 * truth)


def test_forgets_what_is_older_than_its_horizon() -> None:
    ring = PositionRing(capacity=64, horizon_s=30.0)
    for step in range(5_000):
        ring.add(step * EVERY_S, mysql(step + 1))
    assert ring.watched_since is not None
    assert 499.9 - 30.0 - 64 * EVERY_S <= ring.watched_since <= 499.9 - 25.0
    assert ring.lag(500.0, mysql(10)).at_least


def test_a_ring_too_small_to_tell_anything_is_refused() -> None:
    with pytest.raises(ValueError, match="7 samples"):
        PositionRing(capacity=7)


def test_places_of_two_notations_are_not_compared() -> None:
    ring = PositionRing()
    ring.add(1.0, mysql(4))
    for other in (mariadb(4), file(4), beat(4)):
        with pytest.raises(TypeError):
            ring.lag(2.0, other)
        with pytest.raises(TypeError):
            distance(mysql(3), other)


@pytest.mark.parametrize("notation", [mysql, mariadb, beat])
@given(per_tick=st.integers(0, 50), ticks=st.integers(6, 200))
@settings(max_examples=30, deadline=None)
def test_pace_of_an_even_flow(notation: Notation, per_tick: int, ticks: int) -> None:
    pace = Pace()
    for tick in range(ticks):
        pace.add(tick * EVERY_S, notation(tick * per_tick))
    assert pace.per_s() == pytest.approx(per_tick / EVERY_S)


def test_pace_forgets_what_is_older_than_five_seconds() -> None:
    pace = Pace()
    for tick in range(200):
        pace.add(tick * EVERY_S, mysql(tick * 100))
    assert pace.per_s() == pytest.approx(1000)
    for tick in range(200, 260):
        pace.add(tick * EVERY_S, mysql(19_900))
    assert pace.per_s() == 0.0


def test_pace_needs_half_a_second() -> None:
    pace = Pace()
    assert pace.per_s() is None
    for tick in range(5):
        pace.add(tick * EVERY_S, mysql(tick))
    assert pace.per_s() is None
    pace.add(0.5, mysql(5))
    assert pace.per_s() == pytest.approx(10)


def test_pace_starts_anew_after_a_reset() -> None:
    pace = Pace()
    for tick in range(20):
        pace.add(tick * EVERY_S, file(100 + tick))
    pace.add(2.0, file(0))
    assert pace.per_s() is None


def reading(**fields: object) -> LagSample:
    plain = LagSample(
        at=0.0, lag_s=30.0, at_least=False, method="position", reason="", server_says_s=None, behind=6000,
        unit="transactions", written_per_s=200.0, applied_per_s=500.0,
    )  # fmt: skip
    return LagSample(**{**plain.__dict__, **fields})


@pytest.mark.parametrize(
    ("sample", "limit", "expected"),
    [
        (reading(), 0.0, 20.0),
        (reading(), 5.0, pytest.approx(5000 / 300)),
        (reading(), 30.0, 0.0),
        (reading(at_least=True), 30.0, 0.0),
        (reading(at_least=True, behind=90_000), 30.0, 280.0),
        (reading(applied_per_s=200.0), 5.0, None),
        (reading(applied_per_s=None), 5.0, None),
        (reading(behind=None), 5.0, None),
        (reading(lag_s=None), 5.0, None),
    ],
)
def test_time_until_the_limit(sample: LagSample, limit: float, expected: float | None) -> None:
    assert seconds_until(sample, limit) == expected
