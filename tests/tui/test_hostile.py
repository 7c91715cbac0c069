"""Text from servers is shown, never obeyed."""

from __future__ import annotations

import pytest
from conftest import decided, screen_text, shown, until
from hypothesis import given
from hypothesis import strategies as st
from tui_stories import finding

from migration.check import Fix, Verdict
from migration.model import Side
from tui.text import clean, fit, fit_right, width, wrap

EVIL = "[red]x[/] [@click=app.leave]y[/] \x1b]0;owned\x07\x1b[2J\x9b31m\r\n\t\u202egnp.exe 表表表 e\u0301 \ud800"


@given(st.text())
def test_clean_text_steers_no_terminal(text):
    cleaned = clean(text)
    assert cleaned.isprintable()
    assert len(cleaned) == len(text)


@given(st.text(), st.integers(0, 60))
def test_fitted_text_has_exactly_the_width(text, cells):
    assert width(fit(text, cells)) == cells
    assert width(fit_right(text, cells)) == cells


@given(st.text(max_size=300), st.integers(4, 60))
def test_wrapped_lines_are_never_too_wide(text, cells):
    assert all(width(line) <= cells for line in wrap(text, cells))


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_hostile_findings_are_shown_as_text(tell, opened, size):
    fix = Fix(Side.SOURCE, f"SET {EVIL}", EVIL, EVIL, EVIL, EVIL, EVIL)
    evil = finding(
        "evil",
        EVIL,
        Verdict.FAILED,
        EVIL,
        remedy=EVIL,
        fixes=(fix,),
        why=EVIL,
        evidence=((EVIL, EVIL), (EVIL, EVIL * 9)),
    )
    teller = tell(environment=EVIL).checks((evil,))
    teller.scribe.note(EVIL, "error")
    app = opened(teller)
    async with app.run_test(size=size) as pilot:
        await shown(pilot, "ChecksScreen")
        for keys in ((), ("enter",), ("escape", "l")):
            await pilot.press(*keys)
            await pilot.pause()
            text = screen_text(pilot)
            assert "[red]x[/]" in text
            for line in text.split("\n"):
                assert clean(line) == line
            for strip in app.screen._compositor.render_strips():
                assert sum(width(segment.text) for segment in strip) == size[0]
                assert clean("".join(segment.text for segment in strip)).isprintable()


async def test_hostile_conditions_and_clients_do_not_break_the_cutover(tell, opened):
    from migration.view import ClientView, Condition

    teller = tell().lag()
    teller.at(0.2).scribe.conditions("cutover", [Condition(True, EVIL), Condition(True, "表" * 60)])
    teller.scribe.clients([ClientView(EVIL, EVIL, 3, 0), ClientView("表" * 40, "", 1, 0)])
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        await pilot.press("c")
        await shown(pilot, "CutoverConfirmScreen")
        await until(pilot, lambda: "[red]x[/]" in screen_text(pilot))
        await pilot.press(*"orders-db")
        assert "✓ typed" in screen_text(pilot)


async def test_a_reason_with_markup_is_kept_as_it_is(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("down", "enter")
        await shown(pilot, "CheckDetailScreen")
        await pilot.press("w", *"[b]why", "enter")
        assert (await decided(pilot, teller.path)).body["reason"] == "[b]why"
