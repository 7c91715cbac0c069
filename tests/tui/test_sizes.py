"""Small, large and changing terminals."""

from __future__ import annotations

from conftest import decisions, foot, says, screen_text, shown
from tui_stories import CURED

from tui.widgets.lines import Lines


async def test_too_small_says_so_and_decides_nothing(tell, opened):
    teller = tell().checks(CURED)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        for size in ((79, 24), (80, 23), (20, 5), (1, 1)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            if size[0] > 60:
                await says(pilot, f"80x24 needed, is {size[0]}x{size[1]}; the migration goes on")
            await pilot.press("n", "r")
        await pilot.resize_terminal(80, 24)
        await says(pilot, "Nothing blocks")
    assert decisions(teller.path) == []


async def test_a_resize_redraws_for_the_new_size(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        for width, height in ((120, 36), (200, 60), (100, 30), (121, 24), (80, 24), (40, 10), (80, 24)):
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            wide = pilot.app.screen.query_one("#left", Lines).size.width > 0
            assert wide == (width >= 120)
        await says(pilot, "Ready when you are")
        assert "-15m" in screen_text(pilot)


async def test_the_key_line_is_whole_at_the_smallest_size_and_in_between(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(119, 24)) as pilot:
        await shown(pilot, "LagScreen")
        for key in ("c", "x", "l", "question_mark", "1"):
            await pilot.press(key)
            await pilot.pause()
            for size in ((80, 24), (120, 24), (119, 40)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
                assert len(foot(pilot)[1]) < size[0]
                assert pilot.app.screen.query_one("#foot", Lines).region.bottom == size[1]
            await pilot.press("escape")
            await shown(pilot, "LagScreen")
