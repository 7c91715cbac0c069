"""Every action of a screen by its words: what the key does, and nothing that it would not."""

from __future__ import annotations

import pytest
from conftest import decided, decisions, foot, says, screen_text, shown, until
from test_keys import STORIES, back_to
from tui_stories import CURED

from tui.screens.base import WizardScreen
from tui.screens.palette import PaletteScreen


@pytest.mark.parametrize("name", sorted(set(STORIES) - {"CutoverProgressScreen"}))
async def test_it_lists_everything_that_the_key_line_has(tell, opened, name):
    story, way = STORIES[name]
    teller = tell()
    story(teller)
    app = opened(teller)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: app.view is not None and type(app.screen).__name__ != "LoadingScreen")
        await pilot.press(*way)
        await shown(pilot, name)
        screen = app.screen
        assert isinstance(screen, WizardScreen)
        await pilot.press("ctrl+p")
        await shown(pilot, "PaletteScreen")
        palette = app.screen
        assert isinstance(palette, PaletteScreen)
        listed = {(one.key, one.on) for one in palette.found()}
        # Enter in a field needs the field; the seven steps are seven rows.
        wanted = {(hint.key, hint.on) for hint in screen.hints() if hint.label != "Start countdown"}
        assert {("1" if key == "1-7" else key, on) for key, on in wanted} <= listed
        assert {("P", True), ("F2", True)} <= listed
        await pilot.press("escape")
        await back_to(pilot, name, way)


async def test_enter_does_what_the_key_does(tell, opened):
    teller = tell().checks(CURED)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("colon", *"make the plan")
        await says(pilot, "Enter: accept the checks and make the plan")
        await pilot.press("enter")
        await shown(pilot, "ChecksScreen")
        assert (await decided(pilot, teller.path)).body["choice"] == "confirm"
        assert len(decisions(teller.path)) == 1


async def test_one_enter_too_many_does_nothing(tell, opened):
    teller = tell().plan()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await pilot.press("colon", "enter", "enter")
        await shown(pilot, "PaletteScreen")
        assert "(⏎ Do it)" in foot(pilot)[1] or "Do it (off)" in foot(pilot)[1]
        await pilot.press(*"appr", "enter")
        await shown(pilot, "PlanScreen")
        assert (await decided(pilot, teller.path)).body["choice"] == "confirm"


async def test_what_is_off_says_why_and_stays_off(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("colon", *"make the plan")
        await says(pilot, "Next (off)")
        await says(pilot, " Next is off, ⏎ opens why: FAIL")
        await pilot.press("enter")
        await shown(pilot, "PaletteScreen")
    assert decisions(teller.path) == []


async def test_an_observer_finds_nothing_to_decide(tell, opened):
    teller = tell().plan()
    async with opened(teller, observer=True).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await pilot.press("colon", *"approve")
        await says(pilot, "No action of this screen has these words")
        await pilot.press("enter")
    assert decisions(teller.path) == []


async def test_no_countdown_is_begun_from_it(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        await pilot.press("c")
        await shown(pilot, "CutoverConfirmScreen")
        await pilot.press(*"orders-db")
        await says(pilot, "✓ typed")
        await pilot.press("ctrl+p")
        await shown(pilot, "PaletteScreen")
        palette = pilot.app.screen
        assert isinstance(palette, PaletteScreen)
        assert "begin" not in {one.name for one in palette.found()}
        await pilot.press(*"countdown", "enter", "escape")
        await shown(pilot, "CutoverConfirmScreen")
        assert "✓ typed" in screen_text(pilot)
        # While it counts, every key stops it, these as well.
        for key in ("colon", "ctrl+p", "f2", "y"):
            await pilot.press("enter")
            await says(pilot, "Any key stops it")
            await pilot.press(key)
            await shown(pilot, "CutoverConfirmScreen")
            await until(pilot, lambda: "starts in" not in screen_text(pilot).lower())
    assert decisions(teller.path) == []


async def test_nothing_comes_before_a_running_cutover(tell, opened):
    teller = tell().lag().switching(2)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "CutoverProgressScreen")
        await pilot.press("colon", "ctrl+p", "f2", "y")
        await shown(pilot, "CutoverProgressScreen")
        assert "Copied" not in screen_text(pilot)


async def test_it_goes_away_when_the_migration_goes_on(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        await pilot.press("colon")
        await shown(pilot, "PaletteScreen")
        teller.switching(2)
        await shown(pilot, "CutoverProgressScreen")
        assert len(pilot.app.screen_stack) == 2


async def test_steps_are_seven_rows(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        await pilot.press("colon", *"step 3", "enter")
        await shown(pilot, "PlanScreen")
