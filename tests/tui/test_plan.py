"""The plan on the screen and in a file, and what is said where it has drifted."""

from __future__ import annotations

from dataclasses import replace

from conftest import decided, foot, says, screen_text, shown, until
from tui_stories import PLAN, PLAN_HASH

from tui.app import CutoverApp
from tui.presenter import Presenter
from tui.start import OpenMigration


async def test_the_two_lines_stand_around_the_switch(tell, opened):
    teller = tell().plan()
    async with opened(teller).run_test(size=(120, 36)) as pilot:
        await shown(pilot, "PlanScreen")
        text = screen_text(pilot)
        places = [
            text.index(one) for one in ("catch up with", "you decide when: cutover gate", "fence, drain", "═ point")
        ]
        assert places == sorted(places)
        assert "point of no free return: only a rollback leads back" in text
        switch = next(line for line in text.splitlines() if "fence, drain" in line)
        assert "OFF→on" in switch
        assert "3 h 30 m with writes on, 3.0 s without" in text
        await says(pilot, "About    measured on the last run")


async def test_where_nothing_leads_back_the_line_says_that(tell, opened):
    teller = tell().plan()
    items = tuple(replace(item, undo="-") if item.kind == "switch" else item for item in PLAN.items)
    teller.scribe.plan(replace(PLAN, items=items))
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await says(pilot, "point of no return: there is no way back")


async def test_it_is_written_as_markdown_beside_the_journal(tell, opened):
    teller = tell().plan()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await pilot.press("s")
        await shown(pilot, "StatementsScreen")
        assert "e Write the plan" in foot(pilot)[1]
        await pilot.press("e")
        path = teller.path.with_name(f"plan-{PLAN_HASH}.md")
        await says(pilot, f"The plan is at {path}"[:70])
    text = path.read_text()
    assert f"# Plan {PLAN_HASH}" in text
    assert "you decide when: cutover gate" in text
    assert "CREATE USER 'repl'@'%' IDENTIFIED BY" in text
    assert "orders-db, 10.2.0.10:3306, 8.0.36" in text


async def test_in_presenter_mode_the_file_has_aliases_too(tell, clock):
    teller = tell().plan()
    start = OpenMigration(teller.path, welcome_back=False)
    app = CutoverApp(start, clock=clock, presenter=Presenter(on=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await pilot.press("s")
        await shown(pilot, "StatementsScreen")
        await pilot.press("e")
        await says(pilot, "The plan is at plan-")
    text = teller.path.with_name(f"plan-{PLAN_HASH}.md").read_text()
    assert "host-1" in text
    for name in ("orders-db", "orders-new", "10.2.0.10", "10.9.0.20", "migrator"):
        assert name not in text


async def test_a_file_that_cannot_be_written_is_said(tell, opened):
    teller = tell().plan()
    (path := teller.path.with_name(f"plan-{PLAN_HASH}.md")).mkdir()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await pilot.press("s")
        await shown(pilot, "StatementsScreen")
        await pilot.press("e")
        await says(pilot, f"The plan could not be written to {path}"[:70])


async def test_a_plan_that_drifted_is_refused_shown_anew_and_approved_as_it_is_then(tell, opened):
    teller = tell().plan()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await pilot.press("A")
        record = await decided(pilot, teller.path)
        teller.scribe.plan(replace(PLAN, hash="0123456789ab"))
        teller.scribe.refused("plan", record.seq, "the plan has changed since it was shown (new: look twice)")
        await says(pilot, "The runner refused: the plan has changed since it was shown (new: look twice)")
        await says(pilot, "Plan 0123456789ab")
        await until(pilot, lambda: "A Approve" in foot(pilot)[1])
        await pilot.press("A")
        assert (await decided(pilot, teller.path, 2)).body["shown"] == "0123456789ab"
