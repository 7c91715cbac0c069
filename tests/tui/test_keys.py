"""The key line tells the truth: every key on it does something, and all of them fit."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from conftest import decisions, foot, screen_text, shown, until
from textual.pilot import Pilot
from tui_stories import CURED, Teller

from tui.screens.base import WizardScreen
from tui.text import width
from tui.widgets.confirm_field import LineField

STORIES: dict[str, tuple[Callable[[Teller], object], tuple[str, ...]]] = {
    "ChecksScreen": (lambda t: t.checks(CURED), ()),
    "CheckDetailScreen": (lambda t: t.checks(), ("enter",)),
    "FixAllScreen": (lambda t: t.checks(), ("F",)),
    "PlanScreen": (lambda t: t.plan(), ()),
    "StatementsScreen": (lambda t: t.plan(), ("s",)),
    "CopyScreen": (lambda t: t.copy(), ()),
    "LagScreen": (lambda t: t.lag(), ()),
    "CutoverConfirmScreen": (lambda t: t.lag(), ("c",)),
    "CutoverProgressScreen": (lambda t: t.lag().switching(2), ()),
    "AfterScreen": (lambda t: t.after(), ()),
    "DrainClientsScreen": (lambda t: t.after(), ("D",)),
    "EndScreen": (lambda t: t.ended(), ()),
    "ServersScreen": (lambda t: t.lag(), ("1",)),
    "HelpScreen": (lambda t: t.lag(), ("question_mark",)),
}
PRESSED = {
    "⏎": "enter",
    "↑↓": "down",
    "Esc": "escape",
    "?": "question_mark",
    "1-7": "6",
    "Space": "space",
    "Tab": "tab",
}


def state(pilot: Pilot[None], teller: Teller) -> tuple[object, ...]:
    app = pilot.app
    return type(app.screen), screen_text(pilot), len(decisions(teller.path)), app._exit, app.focused


@pytest.mark.parametrize("name", STORIES)
async def test_every_key_that_is_on_does_something(tell, opened, name):
    story, way = STORIES[name]
    teller = tell()
    story(teller)
    app = opened(teller)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.view is not None and type(app.screen).__name__ != "LoadingScreen")
        await pilot.press(*way)
        await shown(pilot, name)
        screen = app.screen
        assert isinstance(screen, WizardScreen)
        hints = [hint for hint in screen.hints() if hint.on and hint.key]
        assert hints
        last = {"Esc", "q", "?"} if name == "HelpScreen" else {"Esc", "q"}
        for hint in sorted(hints, key=lambda hint: hint.key in last):
            if hint.key == "?" and name == "HelpScreen":
                continue
            before = state(pilot, teller)
            await pilot.press(PRESSED.get(hint.key, hint.key))
            for _ in range(100):
                if state(pilot, teller) != before or app._exit:
                    break
                await pilot.pause(0.01)
            assert state(pilot, teller) != before, f"{hint.key} {hint.label} did nothing"
            if hint.key not in last and not app._exit:
                await back_to(pilot, name, way)


async def back_to(pilot: Pilot[None], name: str, way: tuple[str, ...]) -> None:
    """Close fields and screens that a key opened, and open the screen again if that closed it."""
    for _ in range(4):
        if type(pilot.app.screen).__name__ == name and not isinstance(pilot.app.focused, LineField):
            return
        if len(pilot.app.screen_stack) == 2:
            await pilot.press(*way)
            await shown(pilot, name)
        else:
            await pilot.press("escape")
            await pilot.pause()
    assert type(pilot.app.screen).__name__ == name


@pytest.mark.parametrize("observer", [False, True], ids=["operator", "observer"])
@pytest.mark.parametrize("name", [name for name, (_, way) in STORIES.items() if not way])
async def test_all_keys_fit_and_none_is_hidden(tell, opened, name, observer):
    story, _ = STORIES[name]
    teller = tell()
    story(teller)
    async with opened(teller, observer=observer).run_test(size=(80, 24)) as pilot:
        await shown(pilot, name)
        keys = foot(pilot)[1]
        assert width(keys) < 80, keys
        if observer:
            for action in type(pilot.app.screen).DECIDING:
                assert pilot.app.screen.check_action(action, ()) is None
