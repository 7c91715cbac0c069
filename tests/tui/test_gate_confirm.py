"""Gates that want a word and have no screen of their own: their key leads to where the word is typed."""

from __future__ import annotations

import pytest
from conftest import decided, decisions, foot, says, screen_text, shown, until
from tui_stories import NOW

from migration.model import Stage
from tui.widgets import countdown
from tui.widgets.confirm_field import ConfirmField


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(countdown, "TICK_S", 0.03)


def ask(teller, *, word: str = "orders-db") -> None:
    teller.at(0.5).scribe.stage(Stage.COMPLETE)
    teller.scribe.gate_opened(
        "release_confirm", title="delete the old server", question="Delete orders-db for good?",
        consequence="orders-db is DELETED with its data.", word=word, choices=("confirm",),
        why="What is deleted cannot be had back.",
    )  # fmt: skip
    teller.at(0.3).scribe.conditions("release_confirm", [])
    teller.clock.now = NOW


async def test_the_word_is_typed_on_a_screen_that_says_what_follows(tell, opened):
    teller = tell().after()
    ask(teller)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "AfterScreen")
        await says(pilot, "r opens the screen for it: Delete orders-db for good?")
        assert "r Go on…" in foot(pilot)[1]
        await pilot.press("r")
        await shown(pilot, "GateConfirmScreen")
        await says(pilot, "orders-db is DELETED with its data.")
        await says(pilot, "the word orders-db is not typed yet")
        assert decisions(teller.path) == []
        await pilot.press(*"orders-d", "enter")
        assert "the word orders-db is not typed yet" in foot(pilot)[0]
        await pilot.press("b", "enter")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"], record.body["typed"]) == (
            "release_confirm",
            "confirm",
            "orders-db",
        )
        await shown(pilot, "AfterScreen")
    assert len(decisions(teller.path)) == 1


async def test_a_gate_that_has_gone_locks_the_screen(tell, opened):
    teller = tell().after()
    ask(teller)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "AfterScreen")
        await says(pilot, "r opens the screen")
        await pilot.press("r")
        await shown(pilot, "GateConfirmScreen")
        await says(pilot, "is not typed yet")
        await pilot.press(*"orders-db")
        teller.scribe.gate_passed("release_confirm", 0, "confirm")
        await says(pilot, "Locked: the runner does not wait for this now")
        assert pilot.app.screen.query_one(ConfirmField).value == ""
        await pilot.press("enter")
        await pilot.pause()
    assert decisions(teller.path) == []


async def test_a_gate_without_a_word_is_passed_by_its_key(tell, opened):
    teller = tell().after()
    ask(teller, word="")
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "AfterScreen")
        await says(pilot, "r goes on: Delete orders-db for good?")
        await pilot.press("r")
        assert (await decided(pilot, teller.path)).subject == "release_confirm"


async def test_a_step_that_fails_before_the_checks_can_be_tried_again(tell, opened):
    teller = tell()
    teller.scribe.stage(Stage.PREPARE)
    teller.scribe.gate_opened(
        "retry", title="look the target up", question="Try again: look the target up?",
        consequence="AuthorizationFailed: the role lacks a right.", word="", choices=("confirm", "cancel"),
    )  # fmt: skip
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await says(pilot, "r tries it again, once that is seen to: look the target up.")
        assert "AuthorizationFailed" in screen_text(pilot)
        await until(pilot, lambda: "r Again" in foot(pilot)[1])
        await pilot.press("r")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"]) == ("retry", "confirm")
