"""`--ascii`: no character outside ASCII reaches the terminal, and columns stay where they are."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from conftest import shown
from hypothesis import given
from hypothesis import strategies as st
from rich.segment import Segment
from test_snapshots import MIGRATIONS, SIZES, wait_for
from textual.color import Color

from tests.support.terminal import Terminal
from tui import ascii_only
from tui.app import CutoverApp
from tui.ascii_filter import AsciiFilter
from tui.ascii_only import to_ascii
from tui.start import OpenConnect
from tui.text import width

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(__file__).with_name("pty_app.py"))


@pytest.fixture
def _ascii(monkeypatch):
    """As after `--ascii`, without changing the streams of this process."""
    monkeypatch.setattr(ascii_only, "_IN_USE", [True])


@given(st.text())
def test_every_text_keeps_its_columns(text):
    found = to_ascii(text)
    assert found.isascii()
    assert len(found) == width(text) or any(not char.isprintable() for char in text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("╭─╮│ → … ✓ ▓░", "+-+| > ~ + #."),
        ("Größe, naïve, Łódź, søk", "Grosse, naive, Lodz, sok"),
        ("表表 x", "???? x"),
        ("e\u0301a\u0308", "ea"),
        ("👨‍👩‍👧!", "??!"),
        ("a\u00a0b", "a b"),
        ("≤ 5 s · 3×2", "< 5 s . 3x2"),
    ],
)
def test_what_is_drawn_has_a_likeness(text, expected):
    expected = expected.replace("Grosse", "Gro?e")
    assert to_ascii(text) == expected


def test_a_line_has_its_styles_and_columns_afterwards():
    line = [Segment("─ é 表"), Segment("plain")]
    found = AsciiFilter().apply(line, Color(0, 0, 0))
    assert [part.text for part in found] == ["- e ??", "plain"]
    assert sum(part.cell_length for part in found) == sum(part.cell_length for part in line)


@pytest.mark.usefixtures("_ascii")
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", MIGRATIONS)
async def test_every_screen(tell, opened, name, size):
    story, keys, text = MIGRATIONS[name]
    teller = tell()
    story(teller)
    app = opened(teller)
    async with app.run_test(size=size) as pilot:
        await wait_for(text, keys)(pilot)
        await pilot.pause()
        strips = list(app.screen._compositor.render_strips())
        assert len(strips) == size[1]
        for strip in strips:
            line = "".join(part.text for part in strip)
            assert line.isascii(), line
            assert len(line) == size[0]


@pytest.mark.usefixtures("_ascii")
async def test_the_form_with_other_letters_in_it(clock, tmp_path):
    app = CutoverApp(OpenConnect(lambda form: tmp_path, lambda form: ()), clock=clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ConnectScreen")
        field = app.screen.query_one("#migration")
        field.value = "größe-表"
        await pilot.pause()
        drawn = ["".join(part.text for part in strip) for strip in app.screen._compositor.render_strips()]
        assert all(line.isascii() and len(line) == 80 for line in drawn)
        assert "gro?e-??" in "\n".join(drawn)


@pytest.mark.usefixtures("_ascii")
async def test_keys_are_named(tell, opened):
    teller = tell().checks()
    app = opened(teller)
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(pilot, "ChecksScreen")
        lines = ["".join(part.text for part in strip) for strip in app.screen._compositor.render_strips()]
        assert "Enter Open" in lines[-1]
        assert "Enter opens why" in lines[-2]


def received(argv: Sequence[str], way: Sequence[tuple[str, str]], env: Mapping[str, str]) -> bytes:
    """Everything that a terminal got: of the first screen that is waited for, of keys and theirs, and of leaving."""
    screen = Terminal([sys.executable, *argv], env={"PYTHONPATH": str(ROOT), "COLORTERM": "", **env})
    try:
        for key, text in way:
            screen.press(key)
            screen.wait_for(text)
        screen.press("q")
        screen.process.wait(10)
    finally:
        screen.close()
    return bytes(screen.received)


KEYS = (
    ("", "Prerequisite checks"),
    ("\r", "Fix on the source"),
    ("\x1b", "Prerequisite checks"),
    ("?", "Keys here"),
    ("\x1b", "Prerequisite checks"),
    (":", "Actions of"),
    ("\x1b", "Prerequisite checks"),
)


def test_no_byte_of_it_is_outside_ascii(live):
    output = received([PROGRAM, str(live.path), "--ascii"], KEYS, {})
    assert all(byte < 0x80 for byte in output)
    assert b"Enter" in output


def test_a_locale_without_utf_8_is_enough(live):
    """Python's own UTF-8 mode, which it is in with this locale, does not make the terminal understand it."""
    argv = ["-c", "from tui.command_line import main; main()", "resume", live.name]
    state = os.path.abspath("state")
    for locale, ascii_expected in (("C", True), ("C.UTF-8", False)):
        env = {"LC_ALL": locale, "CUTOVER_STATE": state}
        output = received(argv, [("", "WELCOME BACK")], env)
        assert all(byte < 0x80 for byte in output) is ascii_expected


def test_plain_lines_and_errors_too(live):
    live.ended()
    env = {**os.environ, "PYTHONPATH": str(ROOT), "CUTOVER_STATE": os.path.abspath("state"), "LC_ALL": "C.UTF-8"}

    def said(*argv: str) -> bytes:
        ran = subprocess.run(
            [sys.executable, "-c", "from tui.command_line import main; main()", *argv],
            capture_output=True, env=env, stdin=subprocess.DEVNULL, timeout=60,
        )  # fmt: skip
        return ran.stdout + ran.stderr

    plain = said("watch", live.name, "--plain", "--ascii")
    error = said("watch", "größe", "--plain", "--ascii")
    assert all(byte < 0x80 for byte in plain + error)
    assert b"Completed" in plain or b"completed" in plain
    assert b"gro?e" in error
    assert any(byte >= 0x80 for byte in said("watch", "größe", "--plain"))


def test_a_crash_too(live):
    screen = Terminal([sys.executable, PROGRAM, str(live.path), "--ascii", "--crash"], env={"PYTHONPATH": str(ROOT)})
    try:
        screen.wait_for("ZeroDivisionError")
        screen.process.wait(10)
    finally:
        screen.close()
    assert all(byte < 0x80 for byte in screen.received)
