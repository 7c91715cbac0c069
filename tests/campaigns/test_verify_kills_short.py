"""The short form of `python -m tests.campaigns.verify_kills`: every kind of fault on one pair."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migration.verify.model import Difference, Doubt, Kind, Mode, Outcome, Verdict
from tests.campaigns.verify_scene import Fault, Plan, Scene, judge, plan_for

pytestmark = pytest.mark.long

PAIR = "mariadb-10.11"
PLANTED = Difference(("kills", "ints"), Kind.MISSING, (("id", "2"),))


@pytest.fixture(scope="module")
def scene(engine_names: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with Scene.on(PAIR, tmp_path_factory.mktemp("scene")) as made:
        yield made


@pytest.mark.campaign
@pytest.mark.parametrize("fault", list(Fault), ids=lambda fault: fault.value.replace(" ", "-"))
@pytest.mark.parametrize("seed", [1, 2])
def test_the_verdict_is_right(scene: Scene, fault: Fault, seed: int) -> None:
    ended = scene.run(plan_for(seed, PAIR, fault.value))

    assert not ended.problems, ended.line()


def outcome(verdict: Verdict, *differences: Difference, doubts: tuple[Doubt, ...] = (), rows: int = 32768) -> Outcome:
    return Outcome(verdict, differences, len(differences), doubts, 4, rows, 1.0, Mode.EXACT)


def plan(fault: Fault) -> Plan:
    return Plan(1, PAIR, fault, (0.5,), False, 0, False)


def test_a_right_answer_is_found_right() -> None:
    assert judge(plan(Fault.KILLED), outcome(Verdict.IDENTICAL), "identical", []) == ([], False)
    assert judge(plan(Fault.KILLED), outcome(Verdict.DIFFERENT, PLANTED), "different", [PLANTED]) == ([], False)


@pytest.mark.parametrize(
    ("fault", "found", "planted"),
    [
        (Fault.KILLED, outcome(Verdict.IDENTICAL), [PLANTED]),
        (Fault.KILLED, outcome(Verdict.DIFFERENT, PLANTED), []),
        (Fault.KILLED, outcome(Verdict.IDENTICAL, rows=32769), []),
        (Fault.KILLED, outcome(Verdict.UNPROVED, doubts=(Doubt(None, "the log is gone"),)), []),
        (Fault.PURGED, outcome(Verdict.UNPROVED), []),
        (Fault.CUT, outcome(Verdict.UNPROVED), []),
    ],
)
def test_a_wrong_answer_is_found_wrong(fault: Fault, found: Outcome, planted: list[Difference]) -> None:
    problems, _ = judge(plan(fault), found, found.verdict.value, planted)

    assert problems


def test_a_process_that_hangs_or_breaks_is_found_wrong() -> None:
    assert judge(plan(Fault.CUT), None, "HANGS", [])[0]
    assert judge(plan(Fault.CUT), None, "failed: Traceback", [])[0]
    assert judge(plan(Fault.CUT), None, "failed: source cannot be reached", []) == ([], True)
