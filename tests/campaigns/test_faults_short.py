"""The short form of `python -m tests.campaigns.faults`: every kind of fault once, on one pair; and its judge.

Among the long tests where another test of the gate has that kind.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.campaigns.faults.clients import Try
from tests.campaigns.faults.judge import Seen, judge
from tests.campaigns.faults.plan import Kind, plan_for
from tests.campaigns.faults.worker import Worker

PAIR = "mariadb-10.11/gtid"
# Plans whose fault strikes right before the fence or inside the window.
SEEDS = dict.fromkeys(Kind, 3) | {
    Kind.RUNNER_KILLED: 9,
    Kind.OLD_KILLED: 9,
    Kind.NEW_KILLED: 2,
    Kind.OLD_RESTARTED: 9,
    Kind.NEW_RESTARTED: 79,
    Kind.CUT_STATEMENT: 2,
    Kind.CUT_ANSWER: 11,
    Kind.SILENT: 33,
    Kind.DEAF: 2,
    Kind.ROAD_CUT: 33,
    Kind.ROAD_SLOW: 6,
    Kind.ROAD_HALF_OPEN: 8,
    Kind.LINK_SLOW: 11,
    Kind.LINK_HALF_OPEN: 11,
    Kind.WRONG_SERVER: 9,
    Kind.LOCK_STOLEN: 11,
}
# What a test of a switch, or of a decision, shows by itself as well.
ELSEWHERE = {
    Kind.SILENT,
    Kind.DEAF,
    Kind.APPLIER_BLOCKED,
    Kind.LOCK_TABLES,
    Kind.LONG_UPDATE,
    Kind.XA_PREPARED,
    Kind.SUPER_EVENT,
    Kind.SECOND_MIGRATION,
    Kind.LOCK_STOLEN,
}
KINDS = [
    pytest.param(kind, id=kind.value.replace(" ", "-"), marks=pytest.mark.long if kind in ELSEWHERE else ())
    for kind in Kind
    if kind is not Kind.NOTHING
]


@pytest.fixture(scope="module")
def worker(engine_names: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    made = Worker(tmp_path_factory.mktemp("faults"), keep=False)
    yield made
    made.close()


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
def test_what_must_hold_holds(worker: Worker, kind: Kind) -> None:
    plan = plan_for(SEEDS[kind], PAIR, kind.value)

    ended = worker.run(plan)

    assert not ended.problems, f"{plan.line()}; artefacts in {ended.directory}"
    assert ended.fired, plan.line()


# The old side is fenced at 1.0 after its last write at 0.9; the new one takes writes from 1.1 on.
SWITCHED = Seen(
    old=0,
    result="switched",
    reason="",
    closed=(True, False),
    rows=(frozenset({2, 4, 5, 7}), frozenset({2, 4, 5, 7})),
    tries=(
        Try(2, 0, 0.7, 0.8, 0),
        Try(4, 0, 0.85, 0.9, 0),
        Try(6, 0, 0.95, 1.0, 1290),
        Try(3, 1, 1.0, 1.05, 1290),
        Try(5, 1, 1.06, 1.1, 0, saw=4),
        Try(8, 0, 1.1, 1.15, 1290),
        Try(7, 1, 1.2, 1.21, 0),
    ),
    bystanders=(),
    event_at=(),
    fence_s=3.0,
    more_s=1.0,
    xa_told=False,
    excused={},
    no_return_at=1.05,
    runner_killed_at=None,
    ended_at=1.3,
)
ABORTED = replace(SWITCHED, result="aborted", closed=(False, True), no_return_at=None)
STUCK = replace(ABORTED, tries=SWITCHED.tries[:4], closed=(True, True), ended_at=5.5)


def test_a_good_switch_is_found_good() -> None:
    assert judge(SWITCHED) == []


@pytest.mark.parametrize(
    ("seen", "word"),
    [
        (replace(SWITCHED, rows=(SWITCHED.rows[0], frozenset({2, 5, 7}))), "LOST"),
        (replace(SWITCHED, bystanders=(Try(99, 0, 0.9, 0.95, 0),)), "LOST"),
        (replace(SWITCHED, tries=(*SWITCHED.tries, Try(2, 0, 1.11, 1.25, 0))), "TWO WRITERS"),
        (replace(SWITCHED, event_at=(1.2,)), "EVENT"),
        (replace(SWITCHED, tries=(*SWITCHED.tries[:4], replace(SWITCHED.tries[4], saw=2))), "TOO EARLY"),
        (replace(SWITCHED, closed=(False, False)), "END"),
        (replace(SWITCHED, result="hanging"), "END"),
        (replace(SWITCHED, result="unknown", reason="who knows"), "END"),
        (STUCK, "FENCE"),
        (replace(STUCK, ended_at=2.5, runner_killed_at=1.2), "FENCE"),
    ],
)
def test_what_is_wrong_is_found(seen: Seen, word: str) -> None:
    assert word in {problem.partition(":")[0] for problem in judge(seen)}


def test_what_nobody_can_do_anything_about_is_excused() -> None:
    assert not [problem for problem in judge(replace(STUCK, excused={0: 4.6})) if problem.startswith("FENCE")]
    assert [problem for problem in judge(replace(STUCK, excused={1: 4.6})) if problem.startswith("FENCE")]
