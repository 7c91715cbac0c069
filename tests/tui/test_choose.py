"""Choosing one of what a gate offers."""

from __future__ import annotations

from conftest import decided, decisions, says, screen_text, shown


async def test_the_marked_option_is_taken(tell, opened):
    teller = tell().choosing()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChooseScreen")
        await says(pilot, "what the source has")
        await pilot.press("up", "down", "down", "down", "down")
        assert "LESS than the source has" in screen_text(pilot)
        await pilot.press("up", "enter")
        record = await decided(pilot, teller.path)
    assert (record.subject, record.body["choice"]) == ("node_class", "confirm")
    assert record.body["typed"] == "polar.mysql.x4.xlarge"


async def test_an_observer_chooses_nothing(tell, opened):
    teller = tell().choosing()
    async with opened(teller, observer=True).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChooseScreen")
        await pilot.press("enter")
        await says(pilot, "OBSERVER")
    assert decisions(teller.path) == []
