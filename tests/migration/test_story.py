"""From records to the view: written by the runner's own scribe, read through a watch, as the screens do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from migration.check import Finding, Fix, Result, Severity, Verdict
from migration.decisions import Choice, Decision, decide, operator
from migration.journal import RunnerSeat
from migration.model import End, Outcome, Side, Stage
from migration.story import Story
from migration.view import (
    ClientView,
    Condition,
    LagSample,
    RollbackView,
    StepState,
)
from tests.support.desk import PLAN, SPEC, Desk


def finding(verdict: Verdict, severity: Severity = Severity.BLOCKER, check: str = "gtid") -> Finding:
    fix = Fix(Side.TARGET, "SET GLOBAL x = 1", "SET GLOBAL x = 0", "x", "0", "1", "new sessions")
    result = Result(verdict, "found it", (("name", "value"), ("x", "[red]")), "do something", (fix,))
    return Finding(check, "Title", Side.TARGET, severity, "why", "SELECT 1", result)


@pytest.fixture
def seated(desk: Desk) -> Iterator[None]:
    """This process is the runner until the test ends."""
    seat = RunnerSeat(desk.path)
    assert seat.take()
    yield
    seat.release()


def lag(seconds: float | None, at_least: bool = False) -> LagSample:
    return LagSample(0.0, seconds, at_least, "position", "", 1.0, 12, "transactions", 200.0, 210.0)


def test_a_new_migration(desk: Desk) -> None:
    view = desk.view()
    assert view.spec == SPEC
    assert (view.source.name, view.source.address, view.source.read_only) == ("old[red]", "10.0.0.1:3306", None)
    assert view.primary == "old[red]"
    assert view.stage is Stage.PREPARE
    assert view.steps == ()
    assert view.lag.latest is None
    assert view.rollback.possible is None
    assert view.headline == "No runner is at work; `cutover resume shop-1` starts one and looks at the servers first."


def test_a_story_without_a_beginning_is_none() -> None:
    with pytest.raises(ValueError, match="created record"):
        Story().view(runner_alive=False)


def test_the_runner_comes_and_goes(desk: Desk) -> None:
    seat = RunnerSeat(desk.path)
    assert seat.take()
    desk.scribe.runner_started()
    alive = desk.view()
    assert (alive.runner_alive, alive.runner_pid) == (True, os.getpid())
    assert alive.headline == "The runner is starting."
    seat.release()
    assert desk.following.changed()
    desk.scribe.runner_stopped("told to")
    dead = desk.view()
    assert not dead.runner_alive
    assert dead.log[-1].text == f"runner {os.getpid()} stopped: told to"


def test_who_the_servers_are(desk: Desk) -> None:
    desk.scribe.servers(
        {"version": "MySQL 5.6.24", "identity": "u1"}, {"version": "MySQL 9.7.4", "identity": "u2"}, "gtid", False
    )
    desk.scribe.read_only("old[red]", False, True)
    view = desk.view()
    assert (view.source.version, view.source.identity, view.source.read_only) == ("MySQL 5.6.24", "u1", False)
    assert (view.target.version, view.target.identity, view.target.read_only) == ("MySQL 9.7.4", "u2", True)
    assert view.positioning == "gtid"


def test_a_finding_is_replaced_by_the_next_run_and_keeps_its_place(desk: Desk) -> None:
    desk.scribe.finding(finding(Verdict.FAILED))
    desk.scribe.finding(finding(Verdict.PASSED, check="server_id"))
    assert [f.check for f in desk.view().blocking] == ["gtid"]
    desk.scribe.finding(finding(Verdict.PASSED))
    view = desk.view()
    assert [(f.check, f.result.verdict) for f in view.findings] == [
        ("gtid", Verdict.PASSED),
        ("server_id", Verdict.PASSED),
    ]
    assert view.findings[0] == finding(Verdict.PASSED)
    assert view.findings_at is not None
    assert view.blocking == ()


@pytest.mark.parametrize(
    ("verdict", "severity", "blocks", "word"),
    [
        (Verdict.FAILED, Severity.BLOCKER, True, "FAIL"),
        (Verdict.FAILED, Severity.WARNING, False, "WARN"),
        (Verdict.FAILED, Severity.NOTICE, False, "NOTE"),
        (Verdict.UNKNOWN, Severity.BLOCKER, True, "UNKNOWN"),
        (Verdict.UNKNOWN, Severity.WARNING, True, "UNKNOWN"),
        (Verdict.UNKNOWN, Severity.NOTICE, False, "UNKNOWN"),
        (Verdict.PASSED, Severity.BLOCKER, False, "OK"),
        (Verdict.NOT_APPLICABLE, Severity.BLOCKER, False, "-"),
    ],
)
def test_what_blocks(desk: Desk, verdict: Verdict, severity: Severity, blocks: bool, word: str) -> None:
    desk.scribe.finding(finding(verdict, severity))
    view = desk.view()
    assert bool(view.blocking) == blocks
    assert view.findings[0].word == word


def test_a_waiver_needs_a_reason(desk: Desk) -> None:
    desk.scribe.finding(finding(Verdict.FAILED))
    decide(desk.path, Decision(Choice.WAIVE, "gtid", reason="  "))
    assert desk.view().waivers == ()
    assert desk.view().blocking
    decide(desk.path, Decision(Choice.WAIVE, "gtid", reason="known, agreed with Ann"))
    view = desk.view()
    assert [(w.check, w.reason, w.actor) for w in view.waivers] == [("gtid", "known, agreed with Ann", operator())]
    assert view.blocking == ()
    assert view.log[-1].level == "warn"


def test_a_waiver_is_for_its_check_alone(desk: Desk) -> None:
    desk.scribe.finding(finding(Verdict.FAILED))
    desk.scribe.finding(finding(Verdict.UNKNOWN, check="xa"))
    decide(desk.path, Decision(Choice.WAIVE, "gtid", reason="known"))
    assert [f.check for f in desk.view().blocking] == ["xa"]


def test_fixes_are_kept_with_their_undo(desk: Desk) -> None:
    def fix(state: str) -> None:
        desk.scribe.fix("gtid", state, Fix(Side.TARGET, "SET GLOBAL x = 1", "SET GLOBAL x = 0", "x", "0", "1", "all"))

    fix("applying")
    fix("applied")
    (applied,) = desk.view().fixes
    assert (applied.check, applied.fix.statement, applied.fix.undo, applied.undone) == (
        "gtid", "SET GLOBAL x = 1", "SET GLOBAL x = 0", False,
    )  # fmt: skip
    fix("undoing")
    assert not desk.view().fixes[0].undone
    fix("undone")
    assert desk.view().fixes[0].undone
    assert desk.view().log[-1].text == "undone on target: SET GLOBAL x = 0"


def test_the_plan_is_read_as_it_was_made(desk: Desk) -> None:
    desk.scribe.plan(PLAN)
    view = desk.view()
    assert view.plan == PLAN
    assert [step.state for step in view.steps] == [StepState.TODO] * 6
    assert not view.approved


def test_a_plan_is_approved_by_its_gate_and_a_new_one_is_not(desk: Desk) -> None:
    desk.scribe.plan(PLAN)
    desk.gate("plan")
    assert desk.step("plan").state is StepState.WAITING
    desk.pass_gate("plan")
    assert desk.view().approved
    assert desk.step("plan").state is StepState.DONE
    desk.scribe.plan(replace(PLAN, hash="def456"))
    assert not desk.view().approved


@pytest.mark.usefixtures("seated")
def test_a_gate_waits_and_is_passed(desk: Desk) -> None:
    desk.scribe.plan(PLAN)
    desk.gate("cutover", word="old[red]")
    view = desk.view()
    assert view.gate is not None
    assert (view.gate.id, view.gate.word, view.gate.choices) == ("cutover", "old[red]", ("confirm", "abort"))
    assert view.headline == "Waiting for you: Go on with cutover?"
    desk.pass_gate("cutover")
    after = desk.view()
    assert after.gate is None
    assert after.log[-1].text == f"{operator()} decided confirm at cutover"
    assert after.headline == "The runner goes on to the next step."


@pytest.mark.usefixtures("seated")
def test_a_gate_shows_its_conditions_and_what_is_missing(desk: Desk) -> None:
    desk.gate("cutover")
    gate = desk.view().gate
    assert gate is not None
    assert (gate.conditions, gate.measured_at) == ((), None)
    desk.scribe.conditions("cutover", [Condition(True, "the lag is below 5 s"), Condition(False, "a long transaction")])
    view = desk.view()
    assert view.gate is not None
    assert not view.gate.ready
    assert view.gate.measured_at is not None
    assert view.headline == "Waiting: a long transaction"
    desk.scribe.conditions("cutover", [Condition(True, "the lag is below 5 s")])
    gate = desk.view().gate
    assert gate is not None
    assert gate.ready


def test_conditions_of_another_gate_or_time_do_not_count(desk: Desk) -> None:
    desk.gate("cutover")
    desk.scribe.conditions("cutover", [Condition(True, "from the first time")])
    desk.scribe.conditions("complete", [Condition(True, "of another gate")])
    desk.pass_gate("cutover")
    desk.gate("cutover")
    gate = desk.view().gate
    assert gate is not None
    assert gate.conditions == ()


def test_a_refused_decision_leaves_the_gate_open(desk: Desk) -> None:
    desk.gate("cutover", word="old[red]")
    seq = decide(desk.path, Decision(Choice.CONFIRM, "cutover", typed="old"))
    desk.scribe.refused("cutover", seq, "typed old, not old[red]")
    view = desk.view()
    assert view.gate is not None
    assert view.log[-1].text == "refused: typed old, not old[red]"


@pytest.mark.parametrize(
    ("outcome", "state", "level"),
    [
        (Outcome.DONE, StepState.DONE, "info"),
        (Outcome.NOT_DONE, StepState.FAILED, "error"),
        (Outcome.UNKNOWN, StepState.UNKNOWN, "error"),
    ],
)
@pytest.mark.usefixtures("seated")
def test_a_step_runs_and_ends(desk: Desk, outcome: Outcome, state: StepState, level: str) -> None:
    desk.scribe.plan(PLAN)
    desk.scribe.intent("seed", ["SELECT 1"])
    running = desk.step("seed")
    assert (running.state, running.ended_at, running.took_s) == (StepState.RUNNING, None, None)
    assert desk.view().headline == "Running: do seed"
    desk.scribe.outcome("seed", outcome, "seen")
    ended = desk.step("seed")
    assert (ended.state, ended.note) == (state, "seen")
    assert ended.took_s is not None
    assert ended.took_s >= 0
    assert desk.view().log[-1].level == level


def test_a_step_that_was_done_already_has_no_intent(desk: Desk) -> None:
    desk.scribe.plan(PLAN)
    desk.scribe.outcome("seed", Outcome.DONE, "was there")
    assert (desk.step("seed").state, desk.step("seed").took_s) == (StepState.DONE, 0.0)


def test_a_step_that_is_run_again_begins_anew(desk: Desk) -> None:
    desk.scribe.plan(PLAN)
    desk.scribe.intent("seed", [])
    desk.scribe.outcome("seed", Outcome.NOT_DONE, "no room")
    desk.scribe.intent("seed", [])
    again = desk.step("seed")
    assert (again.state, again.ended_at, again.note) == (StepState.RUNNING, None, "")


def test_a_step_that_was_taken_back(desk: Desk) -> None:
    desk.scribe.plan(PLAN)
    desk.scribe.outcome("seed", Outcome.DONE, "")
    desk.scribe.undone("seed", "dropped")
    assert desk.step("seed").state is StepState.UNDONE


def test_going_back_to_a_stage_forgets_what_came_after_it_and_nothing_else(desk: Desk) -> None:
    desk.scribe.plan(PLAN)
    desk.gate("plan")
    desk.pass_gate("plan")
    for step in ("seed", "catch_up"):
        desk.scribe.outcome(step, Outcome.DONE, "")
    desk.scribe.stage(Stage.CUTOVER)
    desk.gate("cutover")
    desk.pass_gate("cutover")
    desk.scribe.rewind(Stage.SYNC)
    view = desk.view()
    assert view.stage is Stage.SYNC
    assert {step.item.id: step.state for step in view.steps} == {
        "plan": StepState.DONE,
        "seed": StepState.DONE,
        "catch_up": StepState.TODO,
        "cutover": StepState.TODO,
        "switch": StepState.TODO,
        "complete": StepState.TODO,
    }
    assert view.approved


def test_a_stage_that_begins_forgets_nothing(desk: Desk) -> None:
    desk.scribe.plan(PLAN)
    desk.scribe.outcome("catch_up", Outcome.DONE, "")
    desk.scribe.stage(Stage.SYNC)
    assert desk.step("catch_up").state is StepState.DONE


@pytest.mark.usefixtures("seated")
def test_pausing_and_going_on(desk: Desk) -> None:
    decide(desk.path, Decision(Choice.PAUSE))
    assert desk.view().paused
    assert desk.view().headline == "Paused: the runner takes no new step until you continue."
    decide(desk.path, Decision(Choice.CONTINUE))
    assert not desk.view().paused


def test_progress_clients_and_rollback(desk: Desk) -> None:
    desk.scribe.progress("seed", done=5, total=10, unit="rows", note="orders")
    desk.scribe.clients([ClientView("app", "10.1.1.1", 3, 0)])
    desk.scribe.rollback(RollbackView(True, "the source has everything", None, 0.2))
    view = desk.view()
    assert view.progress is not None
    assert (view.progress.step, view.progress.done, view.progress.total) == ("seed", 5, 10)
    assert view.clients == (ClientView("app", "10.1.1.1", 3, 0),)
    assert (view.rollback.possible, view.rollback.lag_s) == (True, 0.2)
    assert view.rollback.measured_at is not None


@pytest.mark.parametrize(
    ("end", "word"), [(End.COMPLETED, "Complete"), (End.ROLLED_BACK, "Rolled back"), (End.CANCELLED, "Cancelled")]
)
def test_an_end_closes_the_gate(desk: Desk, end: End, word: str) -> None:
    desk.gate("complete")
    desk.scribe.ended(end, "")
    view = desk.view()
    assert (view.end, view.gate) == (end, None)
    assert view.ended_at is not None
    assert view.headline.startswith(word)


def test_the_log_keeps_levels_and_foreign_text_as_it_is(desk: Desk) -> None:
    desk.scribe.note("[red]\x1b[31mnot markup", "warn")
    line = desk.view().log[-1]
    assert (line.level, line.text) == ("warn", "[red]\x1b[31mnot markup")


def test_a_statement_is_recorded_and_shows_nothing_by_itself(desk: Desk) -> None:
    before = desk.view()
    desk.scribe.statement("new", "seed", "SET GLOBAL x = 1", 77)
    after = desk.view()
    assert replace(after, last_seq=before.last_seq) == before
    assert after.last_seq == before.last_seq + 1


WRITES: list[Callable[[Desk], object]] = [
    lambda desk: desk.scribe.note("x"),
    lambda desk: desk.scribe.lag(lag(1.0)),
    lambda desk: decide(desk.path, Decision(Choice.PAUSE)),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_watch_knows_when_to_look_again(desk: Desk, write: Callable[[Desk], object]) -> None:
    assert desk.following.changed()
    desk.view()
    assert not desk.following.changed()
    write(desk)
    assert desk.following.changed()
