"""What starts a cutover, a rollback, a completion or a cancellation, and what does not."""

from __future__ import annotations

import pytest
from conftest import decided, decisions, foot, says, screen_text, shown, until
from textual import events

from migration.model import Direction, End, Stage
from migration.view import ClientView
from tui.widgets import countdown
from tui.widgets.confirm_field import ConfirmField


@pytest.fixture(autouse=True)
def _fast(monkeypatch):
    monkeypatch.setattr(countdown, "TICK_S", 0.03)


async def at_cutover(pilot):
    await shown(pilot, "LagScreen")
    await pilot.press("c")
    await shown(pilot, "CutoverConfirmScreen")


def field(pilot) -> ConfirmField:
    return pilot.app.screen.query_one(ConfirmField)


async def test_the_typed_name_and_the_countdown_start_the_cutover(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        await pilot.press(*"orders-d", "enter")
        assert "the word orders-db is not typed yet" in foot(pilot)[0]
        await pilot.press("b", "enter")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"], record.body["typed"]) == ("cutover", "confirm", "orders-db")
        await pilot.press("enter")
        await says(pilot, "Sent")
    assert len(decisions(teller.path)) == 1


async def test_what_the_runner_refused_can_be_decided_again(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        await pilot.press(*"orders-db", "enter")
        record = await decided(pilot, teller.path)
        teller.scribe.refused("cutover", record.seq, "the lag is too long")
        await says(pilot, "The runner refused: the lag is too long")
        await until(pilot, lambda: not field(pilot).disabled)
        assert field(pilot).value == ""
        pilot.app.screen.set_focus(field(pilot))
        await pilot.press(*"orders-db", "enter")
        await until(pilot, lambda: len(decisions(teller.path)) == 2)


async def test_any_key_stops_the_countdown(tell, opened, monkeypatch):
    monkeypatch.setattr(countdown, "TICK_S", 30.0)
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        await pilot.press(*"orders-db")
        for key in ("escape", "enter", "space", "q", "x", "tab", "up"):
            await pilot.press("enter")
            await says(pilot, "Starts in 5 s. Any key stops it.")
            assert foot(pilot)[1] == "any key Stop the countdown"
            await pilot.press(key)
            await says(pilot, "Not started.")
            assert type(pilot.app.screen).__name__ == "CutoverConfirmScreen"
            assert field(pilot).value == "orders-db"
    assert decisions(teller.path) == []


async def test_pasting_is_refused(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        pilot.app.post_message(events.Paste("orders-db"))
        await says(pilot, "Pasting is refused")
        pilot.app.copy_to_clipboard("orders-db")
        await pilot.press("ctrl+v")
        assert field(pilot).value == ""
        await pilot.press("enter")
    assert decisions(teller.path) == []


async def test_a_condition_that_turns_red_clears_and_locks_the_screen(tell, opened, monkeypatch):
    monkeypatch.setattr(countdown, "TICK_S", 30.0)
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        await pilot.press(*"orders-db", "enter")
        await says(pilot, "Starts in 5 s")
        teller.conditions("cutover", held=False, before=0.1)
        await says(pilot, "Locked: lag 7.2 s is above 5 s")
        assert (field(pilot).value, field(pilot).locked) == ("", True)
        teller.conditions("cutover", held=True, before=0.05)
        await says(pilot, "Not started")
        assert not field(pilot).locked
        assert not pilot.app.screen.countdown.running
    assert decisions(teller.path) == []


async def test_old_conditions_and_an_old_lag_lock_the_screen(tell, opened, clock):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        clock.now += 3.1
        await says(pilot, "Locked: the lag is UNKNOWN: no reading for 3 s")
        clock.now += 8
        await says(pilot, "Locked: the conditions have not been measured for 11 s")
        assert field(pilot).locked


async def test_a_dead_runner_locks_the_screen(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        teller.seat.release()
        await says(pilot, "No runner is at work: run `cutover resume orders-2026-11`")
        assert field(pilot).locked


async def test_letters_typed_at_a_locked_screen_are_no_keys_of_it(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        teller.conditions("cutover", held=False, before=0.1)
        await says(pilot, "Locked: lag 7.2 s is above 5 s")
        await pilot.press("s", "q", "question_mark", "l", "1")
        assert type(pilot.app.screen).__name__ == "CutoverConfirmScreen"
        assert field(pilot).value == ""
        await pilot.press("tab", "s")
        await shown(pilot, "StatementsScreen")
    assert decisions(teller.path) == []


async def test_a_terminal_made_too_small_stops_the_countdown(tell, opened, monkeypatch):
    monkeypatch.setattr(countdown, "TICK_S", 30.0)
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        await pilot.press(*"orders-db", "enter")
        await says(pilot, "Starts in 5 s")
        await pilot.resize_terminal(79, 24)
        await says(pilot, "80x24 needed, is 79x24")
        assert not pilot.app.screen.countdown.running
    assert decisions(teller.path) == []


async def test_an_observer_has_no_field(tell, opened):
    teller = tell().lag()
    async with opened(teller, observer=True).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        await pilot.press("c")
        await pilot.pause()
        if type(pilot.app.screen).__name__ == "CutoverConfirmScreen":
            assert field(pilot).disabled
            await pilot.press(*"orders-db", "enter")
    assert decisions(teller.path) == []


async def test_rollback_asks_for_a_reason_and_the_targets_name(tell, opened):
    teller = tell().after()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "AfterScreen")
        await pilot.press("R")
        await shown(pilot, "RollbackScreen")
        await says(pilot, "the reason is missing")
        await pilot.press(*"p95 doubled", "enter", *"orders-db", "enter")
        assert "the word orders-new is not typed yet" in foot(pilot)[0]
        await pilot.press("backspace", "backspace", *"new", "enter")
        record = await decided(pilot, teller.path)
        body = record.body
        assert (record.subject, body["choice"]) == ("observe", "roll_back")
        assert (body["typed"], body["reason"]) == ("orders-new", "p95 doubled")


async def test_what_is_typed_while_a_lock_falls_does_not_land_in_the_reason(tell, opened):
    teller = tell().after()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "AfterScreen")
        await pilot.press("R")
        await shown(pilot, "RollbackScreen")
        await pilot.press(*"slow", "enter", *"ord")
        teller.conditions("observe", held=False, before=0.1)
        await says(pilot, "Locked: lag 7.2 s is above 5 s")
        await pilot.press(*"ers-new")
        assert pilot.app.screen.given_reason == "slow"
        assert field(pilot).value == ""
        teller.conditions("observe", held=True, before=0.05)
        await says(pilot, "the word orders-new is not typed yet")
        assert field(pilot).has_focus
    assert decisions(teller.path) == []


async def test_rollback_is_locked_when_it_is_not_possible(tell, opened):
    teller = tell().after(possible=False)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "AfterScreen")
        await says(pilot, "Can I still go back?   NO")
        await pilot.press("R")
        await says(pilot, "Locked: rollback is not possible: reverse replication stopped: 1236")


async def test_draining_clients_says_whose_sessions_and_asks_for_the_old_servers_name(tell, opened):
    teller = tell().after()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "AfterScreen")
        await pilot.press("D")
        await shown(pilot, "DrainClientsScreen")
        await says(pilot, "END 3 idle sessions on orders-db")
        rows = [line.split() for line in screen_text(pilot).splitlines()]
        assert ["cron@10.2.4.12", "2", "2"] in rows
        assert ["app-eu@10.2.4.10", "3", "1"] in rows
        await pilot.press(*"orders-new", "enter")
        assert "the word orders-db is not typed yet" in foot(pilot)[0]
        await pilot.press("backspace", "backspace", "backspace", *"db", "enter")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"], record.body["typed"]) == (
            "observe",
            "drain_clients",
            "orders-db",
        )
        teller.scribe.note("orders-db: ended 3 idle sessions in 1 batch (cron@10.2.4.12 2, app-eu@10.2.4.10 1)")
        await shown(pilot, "AfterScreen")
        await says(pilot, "orders-db: ended 3 idle sessions in 1 batch")
    assert len(decisions(teller.path)) == 1


async def test_a_drain_that_was_refused_says_why(tell, opened):
    teller = tell().after()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "AfterScreen")
        await pilot.press("D")
        await shown(pilot, "DrainClientsScreen")
        await pilot.press(*"orders-db", "enter")
        record = await decided(pilot, teller.path)
        teller.scribe.refused("observe", record.seq, "grant it CONNECTION_ADMIN")
        await shown(pilot, "AfterScreen")
        await says(pilot, "The runner refused: grant it CONNECTION_ADMIN")


async def test_after_a_rollback_it_is_the_targets_sessions_that_are_ended(tell, opened):
    teller = tell().after().switching(7, direction=Direction.ROLLBACK, number=2)
    teller.scribe.attempt_ended(2, "switched", "")
    teller.scribe.stage(Stage.CUTOVER)
    teller.scribe.clients([ClientView("app-eu", "10.2.4.10", 0, 6, 4), ClientView("cron", "10.2.4.12", 2, 0, 0)])
    teller.scribe.gate_opened(
        "cutover",
        title="",
        question="again?",
        consequence="",
        word="orders-db",
        choices=("confirm", "complete", "drain_clients"),
    )
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        await pilot.press("D")
        await shown(pilot, "DrainClientsScreen")
        await says(pilot, "END 4 idle sessions on orders-new")
        assert "cron" not in screen_text(pilot)
        await pilot.press(*"orders-new", "enter")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"], record.body["typed"]) == (
            "cutover",
            "drain_clients",
            "orders-new",
        )


async def test_clients_are_not_drained_while_the_runner_does_not_offer_it(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        assert "Drain" not in foot(pilot)[1]
        await pilot.press("D")
        await pilot.pause()
        assert type(pilot.app.screen).__name__ == "LagScreen"


async def test_complete_asks_for_the_word(tell, opened):
    teller = tell().after()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "AfterScreen")
        await pilot.press("C")
        await shown(pilot, "CompleteScreen")
        await pilot.press(*"complete", "enter")
        record = await decided(pilot, teller.path)
        assert (record.subject, record.body["choice"], record.body["typed"]) == ("observe", "complete", "complete")


async def test_cancel_asks_for_the_word_and_is_gone_after_the_cutover(tell, opened):
    teller = tell().plan()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await pilot.press("x")
        await shown(pilot, "CancelScreen")
        await pilot.press(*"cancel", "enter")
        assert (await decided(pilot, teller.path)).body["choice"] == "cancel"


async def test_who_cancels_is_not_interrupted_by_a_migration_that_goes_on(tell, opened):
    teller = tell().copy()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "CopyScreen")
        await pilot.press("x")
        await shown(pilot, "CancelScreen")
        await pilot.press(*"cancel")
        teller.lag()
        await says(pilot, "▶ Replicate")
        await pilot.press("enter")
        assert (await decided(pilot, teller.path)).body["choice"] == "cancel"
        teller.scribe.ended(End.CANCELLED, "")
        await shown(pilot, "EndScreen")


async def test_the_letter_keys_work_outside_the_field(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        await pilot.press("s", "q")
        assert field(pilot).value == "sq"
        await pilot.press("tab", "s")
        await shown(pilot, "StatementsScreen")
        await says(pilot, "SET GLOBAL super_read_only = ON")
        assert "START REPLICA" not in screen_text(pilot)
        await pilot.press("escape")
        await shown(pilot, "CutoverConfirmScreen")
        await pilot.press("tab")
        await until(pilot, lambda: pilot.app.focused is field(pilot))


async def test_the_conditions_stand_there_with_their_age_the_red_ones_first(tell, opened, clock):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        await says(pilot, "Gate   3 of 3 OK, measured 0 s ago")
        clock.now += 2
        await says(pilot, "Gate   3 of 3 OK, measured 2 s ago")
        teller.conditions("cutover", held=False, before=-2)
        clock.now += 2
        await says(pilot, "Gate   2 of 3 OK, measured")
        rows = [line.strip() for line in screen_text(pilot).splitlines()]
        at = rows.index("WAIT lag 7.2 s is above 5 s")
        assert rows[at + 1].startswith("OK")


async def test_who_will_be_hit_is_named_with_how_many_sessions(tell, opened):
    teller = tell().lag()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await at_cutover(pilot)
        shown_there = " ".join(screen_text(pilot).split())
        assert "12 clients are connected to the source and will see errors: app-eu 6 app-us 4 cron 2" in shown_there
        teller.scribe.clients([])
        await says(pilot, "No client is connected to the source now.")
