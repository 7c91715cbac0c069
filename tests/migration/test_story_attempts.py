"""What the records of attempts and of the lag come to in the view."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from migration.model import Direction, Outcome
from migration.records import part_intent, part_outcome
from migration.view import FiguresView, LagSample, StepState
from tests.support.desk import PLAN, Desk


def lag(seconds: float | None, at_least: bool = False) -> LagSample:
    return LagSample(0.0, seconds, at_least, "position", "", 1.0, 12, "transactions", 200.0, 210.0)


def test_an_attempt_that_switches(desk: Desk) -> None:
    desk.attempt(1)
    running = desk.view().attempt
    assert running is not None
    assert (running.result, running.past_no_return, running.window_ms) == ("running", False, None)
    assert [step.state for step in running.steps] == [StepState.TODO] * 3
    desk.scribe.write(part_intent(1, "fence", time.time()))
    fenced = desk.view().attempt
    assert fenced is not None
    assert fenced.fenced_at is not None
    assert fenced.steps[0].state is StepState.RUNNING
    at = fenced.fenced_at
    desk.scribe.write(part_outcome(1, "fence", Outcome.DONE, "", at, at + 0.001))
    desk.scribe.write(part_outcome(1, "drain", Outcome.DONE, "all there", at + 0.001, at + 0.003))
    desk.scribe.no_return(1, "u1:1-77")
    desk.scribe.write(part_outcome(1, "promote", Outcome.DONE, "", at + 0.003, at + 0.004))
    desk.scribe.attempt_ended(1, "switched", "")
    view = desk.view()
    ended = view.attempt
    assert ended is not None
    assert (ended.result, ended.past_no_return) == ("switched", True)
    assert ended.window_ms == pytest.approx(4.0, abs=0.01)
    assert [step.note for step in ended.steps] == ["", "all there", ""]
    assert view.primary == "new"


def test_an_attempt_that_is_aborted_moves_nothing(desk: Desk) -> None:
    desk.attempt(1)
    desk.scribe.write(part_intent(1, "fence", time.time()))
    desk.scribe.write(part_outcome(1, "fence", Outcome.NOT_DONE, "a long statement", 1.0, 2.0))
    desk.scribe.attempt_ended(1, "aborted", "the deadline passed")
    view = desk.view()
    assert view.primary == "old[red]"
    assert view.attempt is not None
    assert (view.attempt.result, view.attempt.reason) == ("aborted", "the deadline passed")
    assert view.attempt.window_ms is None
    assert view.log[-1].level == "error"


def test_attempts_do_not_mix(desk: Desk) -> None:
    desk.attempt(1)
    desk.scribe.write(part_intent(1, "fence", time.time()))
    desk.scribe.attempt_ended(1, "aborted", "x")
    first = desk.view().attempts[0]
    desk.attempt(2)
    desk.scribe.write(part_outcome(2, "promote", Outcome.DONE, "", 1.0, 2.0))
    desk.scribe.attempt_ended(2, "switched", "")
    desk.attempt(3, Direction.ROLLBACK)
    desk.scribe.attempt_ended(3, "switched", "")
    view = desk.view()
    assert view.attempts[0] == first
    assert [attempt.number for attempt in view.attempts] == [1, 2, 3]
    assert [attempt.direction for attempt in view.attempts][2] is Direction.ROLLBACK
    assert view.primary == "old[red]"


def test_a_reading_from_before_the_switch_does_not_say_who_has_the_writes(desk: Desk) -> None:
    desk.scribe.read_only("old[red]", False, True)
    desk.attempt(1)
    desk.scribe.attempt_ended(1, "switched", "")
    assert desk.view().primary == "new"
    desk.scribe.read_only("new", True, False)
    assert desk.view().primary == "new"


def test_an_intent_of_a_part_is_no_step(desk: Desk) -> None:
    desk.scribe.plan(PLAN)
    desk.attempt(1)
    desk.scribe.write(part_intent(1, "fence", time.time()))
    assert {step.state for step in desk.view().steps} == {StepState.TODO}


def test_figures_belong_to_their_attempt_or_to_the_whole(desk: Desk) -> None:
    desk.attempt(1)
    desk.scribe.attempt_ended(1, "switched", "")
    desk.scribe.figures(FiguresView(1.5, 1000, 0, 0.0))
    desk.scribe.final_figures(FiguresView(1.5, 4000, 0, 0.0))
    view = desk.view()
    assert view.figures == FiguresView(1.5, 4000, 0, 0.0)
    assert view.attempts[0].figures == FiguresView(1.5, 1000, 0, 0.0)


@pytest.mark.parametrize(
    ("samples", "counts"),
    [
        ([lag(1.0), lag(4.9)], True),
        ([lag(1.0), lag(5.0)], False),
        ([lag(1.0), lag(None)], False),
        ([lag(1.0), lag(1.0, at_least=True)], False),
        ([lag(60.0), lag(0.0)], True),
        ([], False),
    ],
)
def test_unknown_lag_is_never_below_the_limit(desk: Desk, samples: list[LagSample], counts: bool) -> None:
    for sample in samples:
        desk.scribe.lag(sample)
    view = desk.view().lag
    assert (view.below_since is not None) == counts
    assert len(view.history) == len(samples)
    if samples:
        assert view.latest is not None
        assert replace(view.latest, at=0.0) == samples[-1]


def test_below_the_limit_counts_from_the_first_reading_of_the_row(desk: Desk) -> None:
    for seconds in (1.0, 9.0, 1.0, 2.0):
        desk.scribe.lag(lag(seconds))
    view = desk.view().lag
    assert view.below_since == view.history[2].at
