"""Every text can be read: WCAG's contrast of 4.5 to 1, 7 to 1 where high contrast is promised."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from textual.color import Color

from tui.theme import DARK, HIGH_CONTRAST, LIGHT, THEMES, pairs

ROOT = Path(__file__).resolve().parents[2]
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
