"""Guided mode: what is told beside a step, where, and with which key it is off."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conftest import foot, says, screen_text, shown, until
from tui_stories import PLAN

from migration.view import Guide
from tui.app import CutoverApp
from tui.start import OpenMigration
from tui.widgets.lines import Lines

TOLD = Guide("Cancelling takes the accounts away.", "Taking the accounts of the application for it.")
GUIDED = replace(PLAN, items=tuple(replace(item, guide=TOLD) for item in PLAN.items))
ASKED = Guide("Nothing has been done yet.", "Deciding before everybody knows.")


@pytest.fixture
def guided(tell, clock):
    """An app whose guide is on, at the plan."""

    def make(*, guide: bool | None = True) -> CutoverApp:
        teller = tell().plan()
        teller.scribe.plan(GUIDED)
        start = OpenMigration(teller.path, welcome_back=False)
        return CutoverApp(start, clock=clock, guide=guide)

    return make


def panel(pilot) -> str:
    return " ".join(pilot.app.screen.query_one("#right", Lines).plain.split())


async def test_on_a_wide_terminal_it_stands_beside_the_step_that_is_marked(guided):
    async with guided().run_test(size=(120, 36)) as pilot:
        await shown(pilot, "PlanScreen")
        assert "make the replication accounts" in panel(pilot)
        assert "Why So that the target can follow the source" in panel(pilot)
        assert TOLD.undo in panel(pilot)
        assert f"What people get wrong {TOLD.mistakes}" in panel(pilot)
        assert "What will run CREATE USER 'repl'@'%' IDENTIFIED BY '***'" in panel(pilot)
        await pilot.press("down")
        await until(pilot, lambda: "copy 1,412 tables" in panel(pilot))


async def test_one_key_ends_it_and_brings_it_back(guided):
    app = guided()
    async with app.run_test(size=(120, 36)) as pilot:
        await shown(pilot, "PlanScreen")
        assert "g guide off" in panel(pilot)
        await pilot.press("g")
        await until(pilot, lambda: TOLD.undo not in panel(pilot))
        assert "Only the plan with this hash is run" in panel(pilot)
        await pilot.press("g")
        await until(pilot, lambda: TOLD.undo in panel(pilot))


async def test_on_a_small_terminal_its_key_is_named_and_opens_it(guided):
    async with guided().run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        edge = pilot.app.screen.query_one("#foot", Lines).plain.split("\n")[0]
        assert "g Guide: why this, what can be undone, what people get wrong" in edge
        assert TOLD.undo not in screen_text(pilot)
        await pilot.press("g")
        await shown(pilot, "GuideScreen")
        for part in ("Why", TOLD.undo, TOLD.mistakes, "GRANT REPLICATION SLAVE ON *.* TO 'repl'@'%'"):
            await says(pilot, part)
        assert foot(pilot)[1].startswith("g Guide off")
        await pilot.press("g")
        await until(pilot, lambda: foot(pilot)[1].startswith("g Guide on"))
        await pilot.press("escape")
        await shown(pilot, "PlanScreen")
        assert "Guide:" not in pilot.app.screen.query_one("#foot", Lines).plain


async def test_where_nobody_has_said_it_is_off_but_in_rehearsals(tell, guided, clock):
    async with guided(guide=None).run_test(size=(120, 36)) as pilot:
        await shown(pilot, "PlanScreen")
        assert TOLD.undo not in panel(pilot)
        view = pilot.app.view
        pilot.app.desk.view = replace(view, spec=replace(view.spec, sandbox="run/source"))
        assert pilot.app.desk.guiding


async def test_a_gate_is_explained_and_a_running_step(tell, clock):
    teller = tell().plan()
    teller.scribe.plan(GUIDED)
    app = CutoverApp(OpenMigration(teller.path, welcome_back=False), clock=clock, guide=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await shown(pilot, "PlanScreen")
        teller.scribe.gate_passed("plan", 0, "confirm")
        teller.scribe.intent("seed", ())
        await shown(pilot, "CopyScreen")
        await until(pilot, lambda: "copy 1,412 tables" in panel(pilot) and TOLD.mistakes in panel(pilot))
        teller.scribe.gate_opened(
            "somebody", title="let somebody look", question="Go on?", consequence="It goes on.", word="",
            choices=("confirm",), why="Somebody has to.", guide=ASKED,
        )  # fmt: skip
        await until(pilot, lambda: "let somebody look" in panel(pilot) and ASKED.mistakes in panel(pilot))
        assert "Somebody has to." in panel(pilot)
        assert "r goes on: Go on?" in foot(pilot)[0]


async def test_a_journal_without_guides_is_told_of_all_the_same(tell, clock):
    teller = tell().plan()
    app = CutoverApp(OpenMigration(teller.path, welcome_back=False), clock=clock, guide=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await shown(pilot, "PlanScreen")
        assert "So that the target can follow the source" in panel(pilot)
        assert "What people get wrong" not in panel(pilot)
