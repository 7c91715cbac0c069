"""The list of migrations, the form for a new one, and the start of a rehearsal."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from conftest import decisions, foot, says, screen_text, shown, until
from test_snapshots import fill_form, probed
from textual.widgets import Input

from migration.model import Side
from tui.app import CutoverApp
from tui.start import ConnectFailed, ConnectForm, OpenConnect, OpenRehearsal, OpenSessions, ProbeLine, RehearsalFailed


async def test_enter_opens_a_migration_and_esc_leads_back_to_the_list(tell, clock):
    teller = tell("orders-2026-11").plan()
    async with CutoverApp(OpenSessions(), clock=clock).run_test(size=(80, 24)) as pilot:
        await says(pilot, "orders-2026-11")
        await pilot.press("enter")
        await shown(pilot, "WelcomeBackScreen")
        await pilot.press("enter")
        await shown(pilot, "PlanScreen")
        assert "OBSERVER" not in foot(pilot)[0]
        await pilot.press("escape")
        await shown(pilot, "SessionsScreen")
        await says(pilot, "1 migration in")
        await pilot.press("o")
        await shown(pilot, "WelcomeBackScreen")
        await pilot.press("enter", "A")
        assert foot(pilot)[0].startswith("OBSERVER")
    assert decisions(teller.path) == []


async def test_an_observer_of_one_migration_is_operator_again_on_the_list(tell, clock):
    tell("orders-2026-11").plan()
    async with CutoverApp(OpenSessions(), clock=clock).run_test(size=(80, 24)) as pilot:
        await says(pilot, "orders-2026-11")
        await pilot.press("o")
        await shown(pilot, "WelcomeBackScreen")
        await pilot.press("enter")
        await shown(pilot, "PlanScreen")
        await pilot.press("escape")
        await shown(pilot, "SessionsScreen")
        await says(pilot, "1 migration in")
        await pilot.press("enter")
        await shown(pilot, "WelcomeBackScreen")
        assert "OBSERVER" not in foot(pilot)[0]


async def test_a_new_migration_appears_in_the_list_by_itself(tell, clock):
    async with CutoverApp(OpenSessions(), clock=clock).run_test(size=(80, 24)) as pilot:
        await says(pilot, "None yet.")
        assert "(n New migration)" in foot(pilot)[1]
        tell("orders-2026-11").plan()
        await says(pilot, "waits for you")


def break_a_journal() -> None:
    broken = Path("state/migrations/broken/journal.db")
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no database")


async def test_a_journal_that_cannot_be_read_is_listed_with_the_reason(clock):
    break_a_journal()
    async with CutoverApp(OpenSessions(), clock=clock).run_test(size=(80, 24)) as pilot:
        await says(pilot, "cannot be read")
        assert "(⏎ Open)" in foot(pilot)[1]


async def test_enter_tests_both_sides_and_goes_on_only_when_both_say_ok(tell, clock):
    made: list[ConnectForm] = []
    asked: list[ConnectForm] = []
    answers = [probed, lambda form: (ProbeLine(Side.SOURCE, "OK", "login"), ProbeLine(Side.TARGET, "OK", "login"))]

    def probe(form: ConnectForm) -> tuple[ProbeLine, ...]:
        asked.append(form)
        return answers[min(len(asked), 2) - 1](form)

    def create(form: ConnectForm) -> Path:
        made.append(form)
        return tell("orders-2026-11").checks().path

    async with CutoverApp(OpenConnect(create, probe), clock=clock).run_test(size=(80, 24)) as pilot:
        await pilot.press("enter")
        assert foot(pilot)[0] == "Give the migration a name: lower-case letters, digits and hyphens."
        fill_form(pilot)
        await pilot.press("enter")
        await says(pilot, "Next is off until both sides say OK")
        assert not made
        await pilot.press("enter")
        await says(pilot, "Both sides say OK")
        await pilot.press("x")
        await says(pilot, "Enter tests again")
        await pilot.press("enter")
        await says(pilot, "Both sides say OK")
        assert not made
        await pilot.press("enter")
        await shown(pilot, "ChecksScreen")
    assert len(made) == 1
    form = made[0]
    assert (form.source.host, form.source.port, form.target.name) == ("10.2.0.10", 3306, "orders-new")
    assert form.source.password.reveal() == "pw"
    assert "pw" not in repr(form)


async def test_passwords_are_not_on_the_screen_and_bad_ports_are_named(clock):
    async with CutoverApp(OpenConnect(lambda form: Path(), probed), clock=clock).run_test(size=(80, 24)) as pilot:
        fill_form(pilot)
        pilot.app.screen.query_one("#target-replication_password", Input).value = "s3cret-word"
        await pilot.pause()
        drawn = "\n".join("".join(s.text for s in strip) for strip in pilot.app.screen._compositor.render_strips())
        assert "s3cret-word" not in drawn
        pilot.app.screen.query_one("#source-port", Input).value = "99999"
        await says(pilot, "Source: the port is a number from 1 to 65535.")


async def test_a_failure_to_make_the_migration_is_one_sentence(clock):
    def create(form: ConnectForm) -> Path:
        raise ConnectFailed("There is a migration named orders already; choose another name or resume it.")

    def fine(form: ConnectForm) -> tuple[ProbeLine, ...]:
        return (ProbeLine(Side.SOURCE, "OK", "login"),)

    async with CutoverApp(OpenConnect(create, fine), clock=clock).run_test(size=(80, 24)) as pilot:
        fill_form(pilot)
        await pilot.press("enter")
        await says(pilot, "Both sides say OK")
        await pilot.press("enter")
        await says(pilot, "There is a migration named orders already")


async def test_a_rehearsal_reports_and_then_shows_its_migration(tell, clock):
    go = threading.Event()

    def begin(report) -> Path:
        report("source is up")
        assert go.wait(10)
        return tell("rehearsal-1", "rehearsal").checks().path

    async with CutoverApp(OpenRehearsal(begin), clock=clock).run_test(size=(80, 24)) as pilot:
        await says(pilot, "source is up")
        go.set()
        await shown(pilot, "ChecksScreen")
        await says(pilot, "REHEARSAL")


async def test_leaving_does_not_wait_for_a_rehearsal_that_hangs(clock):
    stuck = threading.Event()

    def begin(report) -> Path:
        stuck.wait(20)
        raise RehearsalFailed("never")

    async with CutoverApp(OpenRehearsal(begin), clock=clock).run_test(size=(80, 24)) as pilot:
        await says(pilot, "Looking for database engines")
        began = asyncio.get_running_loop().time()
        await pilot.press("q")
        await until(pilot, lambda: pilot.app._exit)
    assert asyncio.get_running_loop().time() - began < 2
    stuck.set()


async def test_the_report_is_written_on_demand(tell, clock):
    from tui.start import OpenMigration

    teller = tell().ended()
    app = CutoverApp(OpenMigration(teller.path, False), clock=clock, export=lambda path: path.with_name("report.md"))
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "EndScreen")
        await pilot.press("e")
        await says(pilot, "The report is at state/migrations/orders-2026-11/report.md")
        assert "Journal" in screen_text(pilot)
