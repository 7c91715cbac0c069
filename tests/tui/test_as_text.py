"""F2 gives the screen as text on the terminal itself, `y` copies what is most useful."""

from __future__ import annotations

import base64
import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import foot, says, screen_text, shown, until
from test_keys import STORIES
from tui_stories import BINLOG_FIX, Teller

from migration.journal import RunnerSeat
from tests.support.terminal import Terminal
from tests.support.waiting import until as eventually
from tui.as_text import screen_as_text

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(__file__).with_name("pty_app.py"))
NAMES = ("orders-db", "orders-new", "10.2.0.10", "10.9.0.20", "orders.audit", "bastion-1", "migrator")


@pytest.fixture
def open_terminal(live) -> Iterator[list[Terminal]]:
    made: list[Terminal] = []
    yield made
    for one in made:
        one.close()


def started(opened: list[Terminal], teller: Teller, *arguments: str) -> Terminal:
    argv = [sys.executable, PROGRAM, str(teller.path), *arguments]
    screen = Terminal(argv, env={"PYTHONPATH": str(ROOT), "COLORTERM": "truecolor"})
    opened.append(screen)
    screen.wait_for("Prerequisite checks")
    return screen


def on_the_normal_screen(screen: Terminal) -> bool:
    """Whether the last switch of screens was to the normal one."""
    return screen.received.rfind(b"\x1b[?1049l") > screen.received.rfind(b"\x1b[?1049h")


def test_f2_shows_it_until_enter(live, open_terminal):
    screen = started(open_terminal, live)
    # The finding that the cursor is on is described in a second drawing.
    before = screen.wait_for(r"Why [\s\S]*q Leave")
    screen.press("\x1bOQ")
    shown = screen.wait_for("Enter: back to the screen")
    assert on_the_normal_screen(screen)
    for line in ("Prerequisite checks", "FAIL", "every table has a primary key"):
        assert line in shown
    after_switch = bytes(screen.received)[screen.received.rfind(b"\x1b[?1049l") :]
    text = after_switch.partition(b"\x1b[?1004l")[2]
    assert b"\x1b" not in text, "it is plain text: nothing steers the terminal"
    # Keys of the app are letters here.
    screen.press("q")
    screen.press("\r")
    screen.wait_until_gone("Enter: back to the screen")
    screen.wait_for(r"Why [\s\S]*q Leave")
    assert not on_the_normal_screen(screen)
    eventually(lambda: strip_clock(screen.text()) == strip_clock(before), "the screen as it was", 10)
    screen.press("\r")
    screen.wait_for("Fix on the source")
    screen.press("q")
    assert screen.process.wait(10) == 0


def strip_clock(text: str) -> str:
    return re.sub(r"\d\d:\d\dZ|\d+ m ago", "", text)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=lambda n: n.name)
def test_a_signal_ends_it_there_too(live, open_terminal, number):
    screen = started(open_terminal, live)
    screen.press("\x1bOQ")
    screen.wait_for("Enter: back to the screen")
    screen.process.send_signal(number)
    assert screen.process.wait(15) == 128 + number
    screen.settle()
    assert on_the_normal_screen(screen)
    text = bytes(screen.received)
    assert text.rfind(b"\x1b[?25h") > text.rfind(b"\x1b[?25l")
    assert text.rfind(b"\x1b[?2004l") > text.rfind(b"\x1b[?2004h")
    assert RunnerSeat(live.path).taken()


def test_a_lost_connection_ends_it_there_too(live, open_terminal):
    screen = started(open_terminal, live)
    screen.press("\x1bOQ")
    screen.wait_for("Enter: back to the screen")
    screen.hang_up()
    assert screen.process.wait(15) == 128 + signal.SIGHUP
    assert RunnerSeat(live.path).taken()


def test_ctrl_c_goes_back(live, open_terminal):
    screen = started(open_terminal, live)
    screen.press("\x1bOQ")
    screen.wait_for("Enter: back to the screen")
    screen.press("\x03")
    screen.wait_until_gone("Enter: back to the screen")
    screen.wait_for("Prerequisite checks")
    assert screen.process.poll() is None


def test_presenter_mode_masks_it(live, open_terminal):
    screen = started(open_terminal, live, "--presenter")
    screen.press("\r")
    screen.wait_for("Fix on the source")
    screen.press("\x1bOQ")
    screen.wait_for("Enter: back to the screen")
    screen.press("\r")
    screen.wait_until_gone("Enter: back to the screen")
    screen.press("y")
    screen.wait_for("Copied")
    received = bytes(screen.received).decode(errors="replace")
    received += "".join(base64.b64decode(one).decode() for one in re.findall(r"\x1b\]52;c;([^\x07]*)\x07", received))
    assert [name for name in NAMES if name in received] == []


async def test_what_is_scrolled_out_of_view_stands_below(tell, opened):
    teller = tell().plan()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "PlanScreen")
        await pilot.press("s")
        await shown(pilot, "StatementsScreen")
        text = "\n".join(screen_as_text(pilot.app.screen))
        assert "RESET REPLICA ALL" not in screen_text(pilot)
        assert "RESET REPLICA ALL" in text


@pytest.mark.parametrize("name", sorted(STORIES))
@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=["80x24", "120x36"])
async def test_every_screen_is_there_as_text(tell, opened, name, size):
    story, way = STORIES[name]
    teller = tell()
    story(teller)
    async with opened(teller).run_test(size=size) as pilot:
        await until(pilot, lambda: pilot.app.view is not None and type(pilot.app.screen).__name__ != "LoadingScreen")
        await pilot.press(*way)
        await shown(pilot, name)
        text = "\n".join(screen_as_text(pilot.app.screen))
        assert text.replace("\n", "").isprintable()
        for line in screen_text(pilot).splitlines():
            # Where a row is longer than its part of the screen, it is cut.
            assert line[:50].strip() in text


COPIES = {
    "ChecksScreen": ("the statement", f"{BINLOG_FIX.statement};"),
    "CheckDetailScreen": ("the statement", f"{BINLOG_FIX.statement};"),
    "FixAllScreen": ("2 statements", "ALTER TABLE `crm`.`tags` ADD PRIMARY KEY (`id`);"),
    "PlanScreen": ("2 statements", "CREATE USER 'repl'@'%' IDENTIFIED BY '***';"),
    "StatementsScreen": ("8 statements", "RESET REPLICA ALL;"),
    "CutoverConfirmScreen": ("the statement", "SET GLOBAL super_read_only = ON;"),
    "EndScreen": ("the command", "cutover report orders-2026-11"),
    "ServersScreen": ("both addresses", "orders-db 10.2.0.10"),
    "LagScreen": ("the status", "Ready when you are"),
    "AfterScreen": ("the status", ""),
}


@pytest.mark.parametrize("name", COPIES)
async def test_what_y_copies(tell, opened, name):
    what, part = COPIES[name]
    story, way = STORIES[name]
    teller = tell()
    (Teller.checks if name == "ChecksScreen" else story)(teller)
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: pilot.app.view is not None and type(pilot.app.screen).__name__ != "LoadingScreen")
        await pilot.press(*way)
        await shown(pilot, name)
        # On a screen with a field, letters go there; Tab leads out of it.
        await pilot.press(*(["tab"] if name == "CutoverConfirmScreen" else []), "y")
        await says(pilot, f"Copied {what} (OSC 52)")
        assert part in pilot.app.clipboard
        assert "F2 shows" in foot(pilot)[0]


async def test_what_went_wrong_comes_first(tell, opened):
    teller = tell().plan()
    teller.seat.release()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await says(pilot, "No runner is at work")
        await pilot.press("y")
        await until(pilot, lambda: pilot.app.clipboard != "")
        assert pilot.app.clipboard == "cutover resume orders-2026-11"


async def test_it_says_so_even_where_the_status_has_something_else_to_say(tell, opened):
    teller = tell().plan()
    teller.seat.release()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await says(pilot, "No runner is at work")
        await pilot.press("y")
        await says(pilot, "Copied the command")


async def test_too_much_for_a_clipboard_is_not_sent(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        pilot.app.screen.useful = lambda: ("the log", "x" * 50_001)
        await pilot.press("y")
        await says(pilot, "too long for a clipboard over a terminal; F2 shows it")
        assert pilot.app.clipboard == ""


async def test_where_the_terminal_cannot_be_given_back(tell, opened):
    teller = tell().checks()
    async with opened(teller).run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        await pilot.press("f2")
        await says(pilot, "This terminal cannot be given back")


def test_the_clipboard_gets_it_by_osc_52(live, open_terminal):
    screen = started(open_terminal, live)
    screen.press("y")
    screen.wait_for("Copied the statement")
    sent = re.findall(rb"\x1b\]52;c;([^\x07]*)\x07", bytes(screen.received))
    assert [base64.b64decode(one).decode() for one in sent] == [f"{BINLOG_FIX.statement};"]
