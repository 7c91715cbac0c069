"""The operator's seat on the screens, ruled on by a runner's inbox."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

import pytest
from conftest import decided, decisions, foot, says, screen_text, shown, until
from tui_stories import Clock, Teller

from migration import terminals
from migration.decisions import ask_seat, operator
from migration.inbox import Inbox
from migration.seat import Ask
from migration.seat_keeper import SeatKeeper
from migration.story import Story
from migration.terminals import Terminal
from migration.view import SeatView
from tests.rehearsals.command import CUTOVER
from tests.support.lines import Talk
from tests.support.seats import sitting
from tests.support.waiting import until as eventually
from tui.app import CutoverApp
from tui.presenter import Presenter
from tui.start import OpenMigration

Ruled = Callable[[Teller], Teller]


@pytest.fixture
def ruled() -> Iterator[Ruled]:
    """Lets a runner's inbox rule on the seat of a migration until the test has ended."""
    ended = threading.Event()
    threads: list[threading.Thread] = []

    def begin(teller: Teller) -> Teller:
        keeper = SeatKeeper(teller.scribe, seat_of(teller))
        inbox = Inbox(teller.path, teller.journal.last_seq(), lambda: False, keeper)

        def run() -> None:
            with contextlib.closing(inbox):
                while not ended.wait(0.02):
                    inbox.take()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return teller

    yield begin
    ended.set()
    for thread in threads:
        thread.join()


def seat_of(teller: Teller) -> SeatView:
    return Story.of(teller.journal.records()).seat


async def given(pilot, teller: Teller, terminal: Terminal) -> None:
    """Let a terminal have the seat, by asking for it."""
    ask_seat(teller.path, Ask.TAKE, terminal)
    await until(pilot, lambda: seat_of(teller).terminal == terminal.id, "the seat")


def mine(pilot) -> str:
    return str(pilot.app.desk.seating.terminal.id)


async def test_the_first_screen_has_the_seat_and_says_nothing_of_it(tell, opened, ruled):
    teller = ruled(tell().plan())
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await until(pilot, lambda: seat_of(teller).terminal == mine(pilot), "the seat")
        assert "SEAT" not in foot(pilot)[0]
        await pilot.press("A")
        record = await decided(pilot, teller.path)
        assert record.body["terminal"] == mine(pilot)
        assert "refused" not in screen_text(pilot)
    assert terminals.present(teller.path) == ()


async def test_without_the_seat_keys_are_off_and_it_is_said_who_has_it(tell, opened, ruled):
    teller = ruled(tell().plan())
    with sitting(teller.path) as first:
        async with opened(teller).run_test(size=(80, 24)) as pilot:
            await shown(pilot, "PlanScreen")
            await given(pilot, teller, first)
            await says(pilot, f"NO SEAT: {operator()} decides; O says more.")
            assert "(A Approve" in foot(pilot)[1] or "A Approve (off)" in foot(pilot)[1]
            await pilot.press("A")
            await pilot.press("O")
            await shown(pilot, "SeatScreen")
            await says(pilot, f"Has it       {operator()}")
            await says(pilot, "its screen is there")
            assert decisions(teller.path) == []


async def test_a_lost_seat_is_taken_over_after_saying_so(tell, opened, ruled):
    teller = ruled(tell().plan())
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        with sitting(teller.path) as first:
            await given(pilot, teller, first)
            await says(pilot, "NO SEAT")
            await pilot.press("O")
        await says(pilot, "its screen has ended")
        assert seat_of(teller).terminal == first.id
        await pilot.press("enter")
        await until(pilot, lambda: seat_of(teller).terminal == mine(pilot), "the seat")
        await says(pilot, "you, at this screen")
        await pilot.press("escape")
        await shown(pilot, "PlanScreen")
        await until(pilot, lambda: "SEAT" not in foot(pilot)[0])
        await pilot.press("A")
        await decided(pilot, teller.path)


async def test_it_is_handed_over_to_an_observer_who_takes_it_with_two_keys(tell, opened, ruled):
    teller = ruled(tell().plan())
    with sitting(teller.path) as first:
        async with opened(teller, observer=True).run_test(size=(80, 24)) as pilot:
            await shown(pilot, "PlanScreen")
            await given(pilot, teller, first)
            await says(pilot, f"OBSERVER: {operator()} decides; O says more.")
            assert [one.id for one in terminals.present(teller.path) if one.observer] == [mine(pilot)]
            ask_seat(teller.path, Ask.OFFER, first, mine(pilot))
            await says(pilot, f"{operator()} offers you the operator's seat: O takes it.")
            await pilot.press("O", "enter")
            await until(pilot, lambda: seat_of(teller).terminal == mine(pilot), "the seat")
            await pilot.press("escape")
            await shown(pilot, "PlanScreen")
            await until(pilot, lambda: "OBSERVER" not in screen_text(pilot))
            await pilot.press("A")
            record = await decided(pilot, teller.path)
            assert record.body["terminal"] == mine(pilot)


async def test_who_has_it_offers_it_to_the_one_that_is_chosen(tell, opened, ruled):
    teller = ruled(tell().plan())
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await until(pilot, lambda: seat_of(teller).terminal == mine(pilot), "the seat")
        with sitting(teller.path, observer=True) as first, sitting(teller.path, observer=True) as second:
            await pilot.press("O")
            await says(pilot, f"at process {second.pid}, watching")
            await says(pilot, f"Enter offers the seat to {operator()} at process {first.pid}")
            await pilot.press("down", "enter")
            await until(pilot, lambda: seat_of(teller).offered_to == second.id, "the offer")
            await says(pilot, f"Offered to   {operator()}")
            assert seat_of(teller).terminal == mine(pilot)


async def test_the_confirmation_of_the_cutover_has_no_field_without_the_seat(tell, opened, ruled):
    teller = ruled(tell().lag())
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "LagScreen")
        await pilot.press("c")
        await shown(pilot, "CutoverConfirmScreen")
        await pilot.press(*"orders-db")
        with sitting(teller.path) as first:
            await given(pilot, teller, first)
            await says(pilot, "Not started: somebody else decides")
            assert "✓ typed" not in screen_text(pilot)
            await pilot.press("enter")
            assert not pilot.app.screen.countdown.running
    assert decisions(teller.path) == []


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_on_a_shared_screen_nobody_is_named(tell, clock, ruled, size):
    teller = ruled(tell().plan())
    app = CutoverApp(OpenMigration(teller.path, False), clock=clock, presenter=Presenter(on=True))
    with sitting(teller.path) as first, sitting(teller.path, observer=True):
        async with app.run_test(size=size) as pilot:
            await shown(pilot, "PlanScreen")
            await given(pilot, teller, first)
            await says(pilot, "NO SEAT: user-")
            await pilot.press("O")
            await says(pilot, "somebody at process")
            assert operator().partition("@")[2] not in screen_text(pilot)
            await pilot.press("enter")
            await until(pilot, lambda: seat_of(teller).terminal == mine(pilot), "the seat")


def test_in_lines_it_is_said_who_has_it_and_t_takes_it_when_that_is_lost(tmp_path, monkeypatch, ruled):
    monkeypatch.setenv("CUTOVER_STATE", str(tmp_path / "state"))
    teller = ruled(Teller(Clock(), "m1").plan())
    lines = None
    try:
        with sitting(teller.path) as first:
            ask_seat(teller.path, Ask.OPEN, first)
            eventually(lambda: seat_of(teller).terminal == first.id, "the seat")
            lines = Talk([CUTOVER, "resume", "m1", "--plain"])
            lines.until(f"^{operator()} decides here, at process {first.pid}")
            lines.until("^Question, to .* and not to you: run this plan")
            lines.answer("1")
            lines.until("decides here. Nothing was changed. t asks for the seat, q leaves.")
        assert decisions(teller.path) == []
        lines.answer("t")
        lines.until("^You have the operator's seat.")
        with sitting(teller.path, observer=True) as second:
            lines.choose("Approve this plan")
            lines.until("Sent to the runner: confirm")
            lines.answer("o")
            lines.until(f"^o 1. Offer the operator's seat to {operator()} at process {second.pid}")
            lines.answer("o 1")
            eventually(lambda: seat_of(teller).offered_to == second.id, "the offer")
        assert [record.body["choice"] for record in decisions(teller.path)] == ["confirm"]
    finally:
        if lines is not None:
            lines.screen.close()
        teller.close()
