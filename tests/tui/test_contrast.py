"""Every text can be read: WCAG's contrast of 4.5 to 1, 7 to 1 where high contrast is promised."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from textual.color import Color
from tui_stories import Clock, Teller

from tests.support.terminal import Terminal
from tui.app import CutoverApp
from tui.start import OpenSessions
from tui.theme import DARK, HIGH_CONTRAST, LIGHT, TERMINAL, THEMES, pairs, text_styles

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = str(Path(__file__).with_name("pty_app.py"))
# Rules between the parts of a screen: they say nothing.
DRAWN = {"line"}


def luminance(color: Color) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    parts = [part / 255 for part in (color.r, color.g, color.b)]
    red, green, blue = (one / 12.92 if one <= 0.03928 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Color, other: Color) -> float:
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def test_the_measure_is_that_of_wcag():
    assert contrast(Color.parse("#000"), Color.parse("#fff")) == pytest.approx(21)
    assert contrast(Color.parse("#777777"), Color.parse("#fff")) == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize(("theme", "least"), [(DARK, 4.5), (LIGHT, 4.5), (HIGH_CONTRAST, 7.0)])
def test_every_style_can_be_read(theme, least):
    colors = {**theme.to_color_system().generate(), **theme.variables}
    found = {
        name: contrast(Color.parse(colors[text]), Color.parse(colors[ground]))
        for name, (text, ground) in {**pairs(), "plain": ("foreground", "background")}.items()
        if name not in DRAWN
    }
    assert {name: ratio for name, ratio in found.items() if ratio < least} == {}


# What terminals with sixteen colours draw: text and ground of their own, then red, green, yellow, blue, magenta, cyan.
# Of VGA (which Linux's console has), Terminal.app, PuTTY and xterm as the table in Wikipedia's "ANSI escape code" says;
# of Windows as Microsoft's "Updating the Windows Console Colors" (2017) says; of Solarized as its own page says,
# https://ethanschoonover.com/solarized.
_XTERM = ("#cd0000", "#00cd00", "#cdcd00", "#0000ee", "#cd00cd", "#00cdcd")
_MAC = ("#c23621", "#25bc24", "#adad27", "#492ee1", "#d338d3", "#33bbc8")
_SOLARIZED = ("#dc322f", "#859900", "#b58900", "#268bd2", "#d33682", "#2aa198")
PALETTES = {
    "xterm": ("#000000", "#ffffff", _XTERM),
    "xterm, reversed": ("#e5e5e5", "#000000", _XTERM),
    "Linux console": ("#aaaaaa", "#000000", ("#aa0000", "#00aa00", "#aa5500", "#0000aa", "#aa00aa", "#00aaaa")),
    "Terminal.app": ("#000000", "#ffffff", _MAC),
    "PuTTY": ("#bbbbbb", "#000000", ("#bb0000", "#00bb00", "#bbbb00", "#0000bb", "#bb00bb", "#00bbbb")),
    "Windows": ("#cccccc", "#0c0c0c", ("#c50f1f", "#13a10e", "#c19c00", "#0037da", "#881798", "#3a96dd")),
    "Solarized dark": ("#839496", "#002b36", _SOLARIZED),
    "Solarized light": ("#657b83", "#fdf6e3", _SOLARIZED),
}
# Its own text has 4.13 to 1. That is its users' choice for everything on their screen, and nothing of ours has less.
_OWN_CHOICE = {"Solarized light"}


@pytest.mark.parametrize("name", PALETTES)
def test_each_palette_has_colours_that_cannot_be_read_on_its_ground(name):
    """Why the terminal's own theme has none of them."""
    _, ground, colours = PALETTES[name]
    assert min(contrast(Color.parse(one), Color.parse(ground)) for one in colours) < 4.5


def test_the_terminals_own_theme_is_its_own_text_on_its_own_ground():
    variables = {**TERMINAL.to_color_system().generate(), **TERMINAL.variables}
    styles = text_styles(variables)
    assert {style.color.name for style in styles.values() if style.color} == {"default"}
    assert {style.bgcolor.name for style in styles.values() if style.bgcolor} == {"default"}
    # What stands on a ground of its own elsewhere is reversed here; text and ground then have the same contrast.
    assert {name for name, style in styles.items() if style.reverse} == {"mark", "badge", "badge-prod"}
    assert {name for name, style in styles.items() if style.bold} >= {"fail", "warn", "unknown", "key", "head"}


@pytest.mark.parametrize("name", PALETTES)
def test_the_terminals_own_theme_can_be_read(name):
    text, ground, _ = PALETTES[name]
    assert (contrast(Color.parse(text), Color.parse(ground)) >= 4.5) is (name not in _OWN_CHOICE)


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({"TERM": "linux"}, "cutover-terminal"),
        ({"TERM": "xterm"}, "cutover-terminal"),
        ({"TERM": "xterm-16color"}, "cutover-terminal"),
        ({"TERM": "xterm-256color"}, "cutover-dark"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "cutover-dark"),
        ({"TERM": "linux", "NO_COLOR": "1"}, "cutover-terminal"),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else value,
)
async def test_a_terminal_with_sixteen_colours_gets_it(monkeypatch, environment, theme):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    app = CutoverApp(OpenSessions())
    async with app.run_test(size=(80, 24)):
        assert app.current_theme.name == theme


def test_it_sends_no_colour_there():
    teller = Teller(Clock(time.time()))
    teller.checks()
    screen = Terminal([sys.executable, PROGRAM, str(teller.path)], env={"PYTHONPATH": str(ROOT), "TERM": "linux"})
    try:
        screen.wait_for("q Leave")
        screen.press("\r")
        screen.wait_for("Fix on the source")
        screen.press("q")
        assert screen.process.wait(10) == 0
    finally:
        screen.close()
        teller.close()
    codes = {code for found in re.findall(rb"\x1b\[([0-9;]*)m", bytes(screen.received)) for code in found.split(b";")}
    assert codes <= {b"", b"0", b"1", b"2", b"4", b"7", b"39", b"49"}, codes
    assert b"7" in codes


@pytest.mark.parametrize("name", [theme.name for theme in THEMES])
def test_each_theme_can_be_chosen_from_outside(name, tmp_path):
    """The variable is read when Textual is loaded, hence a process of its own."""
    program = (
        "import asyncio\nfrom tui.app import CutoverApp\nfrom tui.start import OpenSessions\n"
        "async def main():\n"
        "    app = CutoverApp(OpenSessions())\n"
        "    async with app.run_test(size=(80, 24)) as pilot:\n"
        "        await pilot.pause()\n"
        "        print(app.current_theme.name)\n"
        "asyncio.run(main())\n"
    )
    env = {"PYTHONPATH": str(ROOT), "TEXTUAL_THEME": name, "CUTOVER_STATE": str(tmp_path), "TERM": "xterm"}
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, timeout=60)
    assert (ran.stdout, ran.returncode) == (f"{name}\n", 0), ran.stderr[-2000:]
