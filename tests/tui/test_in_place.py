"""A server that is changed where it is: one server's name everywhere, and no step that its runbook has nothing for."""

from __future__ import annotations

from dataclasses import replace

import pytest
import tui_stories
from conftest import foot, says, screen_text, shown
from tui_stories import PLAN, Clock, Teller, item, spec

from migration.model import Direction, End, Outcome, Stage, Writes
from migration.records import part_intent, part_outcome
from migration.report import Report
from migration.report_html import to_html
from migration.view import ClientView, Condition, RollbackView
from tui.places import rail

SIZES = [(80, 24), (120, 36)]
IN_PLACE = replace(
    PLAN,
    items=(
        item("standby", "step", Stage.CREATE, "make a standby", undo="Single-AZ again"),
        item("cutover", "gate", Stage.CUTOVER, "fail over", estimate=None),
        item("move_writes", "switch", Stage.CUTOVER, "change, fail over", writes=Writes.SWITCH, estimate=120),
        item("observe", "gate", Stage.OBSERVE, "keep it or go back", estimate=None),
    ),
)


@pytest.fixture
def changed(tell, monkeypatch: pytest.MonkeyPatch) -> Teller:
    """A migration whose target is its source, at the gate before the failover."""
    monkeypatch.setattr(tui_stories, "spec", lambda *names: replace(spec(*names), target=spec(*names).source))
    monkeypatch.setattr(tui_stories, "PLAN", IN_PLACE)
    teller = tell().plan().at(3000)
    teller.scribe.gate_passed("plan", 0, "confirm")
    teller.scribe.stage(Stage.CREATE)
    teller.step("standby", 2998, 2900, "with a standby")
    teller.scribe.stage(Stage.CUTOVER)
    teller.at(900).scribe.gate_opened(
        "cutover", title="fail over", question="Order the change?", consequence="NOBODY GETS IN FOR 60 TO 120 s.",
        word="orders-db", choices=("confirm", "cancel"),
    )  # fmt: skip
    teller.at(0.6).scribe.conditions("cutover", [Condition(True, "orders-db is available")])
    teller.at(0.5).scribe.clients([ClientView("app-eu", "10.2.4.10", 6, 0)])
    teller.at(0)
    return teller


def switched(teller: Teller) -> None:
    teller.at(300).scribe.gate_passed("cutover", 0, "confirm")
    teller.scribe.attempt(
        1, Direction.CUTOVER, old="orders-db", new="orders-db", actor="alice", budget_s=120.0,
        parts=(("order", "ask for it"), ("promote", "see that it takes writes")),
    )  # fmt: skip
    teller.scribe.write(part_intent(1, "promote", teller.clock.now))
    teller.scribe.write(part_outcome(1, "promote", Outcome.DONE, "orders-db takes writes", 1.0, 2.0))
    teller.scribe.attempt_ended(1, "switched", "")
    teller.scribe.stage(Stage.OBSERVE)
    teller.scribe.gate_opened(
        "observe", title="Keep it", question="Keep it?", consequence="", word="orders-db",
        choices=("roll_back", "complete"),
    )  # fmt: skip
    teller.at(1).scribe.conditions("observe", [Condition(True, "orders-db is available")])
    teller.scribe.rollback(RollbackView(True, "node_class: by another order", None, None))
    teller.scribe.clients([ClientView("app-eu", "10.2.4.10", 6, 0)])
    teller.at(0)


@pytest.mark.parametrize("size", SIZES)
async def test_before_the_failover_there_is_one_server_and_nothing_lags(changed, opened, size):
    async with opened(changed).run_test(size=size) as pilot:
        await shown(pilot, "LagScreen")
        await says(pilot, "orders-db is changed where it is: nothing follows, and nothing lags")
        text = screen_text(pilot)
        assert "▶ Cut over" in text or "▶ 6 Cut over" in text
        assert "Prepare" in text
        assert "Replicate" not in text
        assert "Copy" not in text
        assert "→" not in text
        assert "orders-2026-11   orders-db" in text
        assert "Ready when you are" in foot(pilot)[0]
        await pilot.press("c")
        await says(pilot, "1 the change is ordered")
        assert "promote" not in screen_text(pilot)


@pytest.mark.parametrize("size", SIZES)
async def test_after_it_going_back_is_another_order_for_the_same_server(changed, opened, size):
    switched(changed)
    async with opened(changed).run_test(size=size) as pilot:
        await shown(pilot, "AfterScreen")
        await says(pilot, "app-eu@10.2.4.10")
        assert "on old side" not in screen_text(pilot)
        await pilot.press("R")
        await says(pilot, "ROLL BACK  orders-db")
        assert "orders-db → orders-db" not in screen_text(pilot)
        assert "there is one set of data" in screen_text(pilot)
        await pilot.press("escape", "C")
        await shown(pilot, "CompleteScreen")
        await says(pilot, "no rollback from here; orders-db stays as")
        assert "reverse replication" not in screen_text(pilot)


async def test_the_steps_looked_at_by_number_are_the_same_as_elsewhere(changed, opened):
    async with opened(changed).run_test(size=(120, 36)) as pilot:
        await shown(pilot, "LagScreen")
        await pilot.press("1")
        await says(pilot, "[✓ 1 Connect]")
        assert "Target" not in screen_text(pilot)
        await pilot.press("6")
        await says(pilot, "[▶ 6 Cut over]")


@pytest.mark.parametrize(("end", "words"), [(End.COMPLETED, "stays as it is now"), (End.ROLLED_BACK, "changed back")])
def test_log_report_and_headline_name_one_server(changed: Teller, end: End, words: str) -> None:
    switched(changed)
    changed.scribe.ended(end, "")
    report = Report(changed.path)
    texts = (report.to_markdown(), to_html(report), "\n".join(line.text for line in report.view.log))
    for text in texts:
        assert "orders-db → orders-db" not in text
        assert ", , " not in text
    assert "server, changed where it is | orders-db, 10.2.0.10:3306, 8.0.36" in texts[0]
    assert "cutover 1 begins: orders-db" in texts[2]
    assert words in report.view.headline
    masked = Report.masked(changed.path).to_markdown()
    assert "orders-db" not in masked
    assert "server, changed where it is | host-1" in masked


def test_the_stage_of_a_plan_without_a_step_for_it_is_left_out(tell, clock: Clock, monkeypatch: pytest.MonkeyPatch):
    without = tuple(one for one in PLAN.items if one.stage is not Stage.SYNC)
    teller = tell().copy()
    assert [one.name for one in rail(Report(teller.path).view)][3:5] == ["Copy", "Replicate"]
    monkeypatch.setattr(tui_stories, "PLAN", replace(PLAN, items=without))
    view = Report(tell("other").copy().path).view
    assert [(one.number, one.name) for one in rail(view)][2:5] == [(3, "Plan"), (4, "Copy"), (6, "Cut over")]
