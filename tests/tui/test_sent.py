"""Only what differs is sent: the terminal then shows exactly what it would if all of it were."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tui_stories import Clock, Teller

from tests.support.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(__file__).with_name("pty_app.py"))
CTRL_L, F2 = "\x0c", "\x1bOQ"
# With letters of two columns and combining ones, which are not kept.
WIDE = "表表 größe e\u0301 🛒"
WAYS = {
    "checks": (Teller.checks, ("\x1b[B", "\r", "\x1b", "F", "\x1b", "?", "\x1b", "l", "\x1b", ":", "x", "\x1b")),
    "lag": (Teller.lag, ("c", "\t", "\x1b", "1", "3", "\x1b[B", "5", "?", "\x1b", "\x1b", F2, "\r", "4", "\x1b")),
}  # fmt: skip


@pytest.fixture
def live() -> Iterator[Teller]:
    """A journal with true times; its runner is this process."""
    made = Teller(Clock(time.time()))
    yield made
    made.close()


def drawn(screen: Terminal) -> list[list[tuple[object, ...]]]:
    """Every cell with its colours once nothing more comes, without the parts that tick."""
    screen.settle()
    with screen._lock:
        emulated = screen._screen
        lines = [re.sub(r"\d", "0", line) for line in emulated.display]
        return [
            [(line[x : x + 1], *attributes(emulated.buffer[y][x])) for x in range(emulated.columns)]
            for y, line in enumerate(lines)
        ]


def attributes(cell: object) -> tuple[object, ...]:
    return tuple(getattr(cell, name) for name in ("fg", "bg", "bold", "reverse", "underscore"))


@pytest.mark.parametrize("name", WAYS)
def test_a_walk_leaves_what_a_whole_redraw_shows(live, name):
    chapter, keys = WAYS[name]
    chapter(live)
    live.scribe.note(WIDE, "warn")
    env = {"PYTHONPATH": str(ROOT), "COLORTERM": "truecolor"}
    # Nothing ticks between two looks.
    screen = Terminal([sys.executable, PROGRAM, str(live.path), "--still"], env=env)
    try:
        screen.wait_for("q Leave")
        for number, key in enumerate(keys):
            screen.press(key)
            if key == F2:
                screen.wait_for("Enter: back to the screen")
                continue
            here = drawn(screen)
            before = len(screen.received)
            # In a field it is a key like others: there is nothing to compare with.
            screen.press(CTRL_L)
            assert drawn(screen) == here, f"after key {number}: {key!r}"
            assert len(screen.received) > before + 1500, "a redraw sends all of it"
        screen.press("q")
    finally:
        screen.close()


def test_what_others_wrote_over_it_is_gone_after_a_redraw(live):
    live.checks()
    screen = Terminal([sys.executable, PROGRAM, str(live.path)], env={"PYTHONPATH": str(ROOT)})
    try:
        screen.wait_for("q Leave")
        here = drawn(screen)
        with screen._lock:
            screen._stream.feed(b"\x1b[5;1HBroadcast message from root: reboot in 5 minutes")
        assert "Broadcast" in screen.text()
        screen.press(CTRL_L)
        assert drawn(screen) == here
    finally:
        screen.close()


def test_a_smaller_and_again_a_larger_terminal_is_drawn_whole(live):
    live.checks()
    screen = Terminal([sys.executable, PROGRAM, str(live.path)], columns=120, rows=36, env={"PYTHONPATH": str(ROOT)})
    try:
        screen.wait_for("q Leave")
        for columns, rows in ((80, 24), (120, 36)):
            with screen._lock:
                screen._screen.resize(rows, columns)
                screen._screen.erase_in_display(2)
            fcntl.ioctl(screen._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.kill(screen.process.pid, signal.SIGWINCH)
            screen.wait_for("q Leave")
            here = drawn(screen)
            screen.press(CTRL_L)
            assert drawn(screen) == here
    finally:
        screen.close()
