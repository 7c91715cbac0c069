"""Colours: the only place with literals. Every meaning is also written as a word."""

from __future__ import annotations

from collections.abc import Mapping

from rich.style import Style
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

_OWN = "ansi_default"
DARK = Theme(
    name="cutover-dark",
    primary="#7fb4ff",
    secondary="#9ad1c6",
    accent="#ffd166",
    success="#7ddc8a",
    warning="#ffca5c",
    error="#ff8a80",
    foreground="#e4e7ec",
    background="#10141a",
    surface="#10141a",
    panel="#1b222c",
    dark=True,
    variables={"dim": "#98a4b3", "line": "#4d5a6b", "unknown": "#d7a6ff", "badge": "#10141a", "chosen": "#2b3d59"},
)
LIGHT = Theme(
    name="cutover-light",
    primary="#0b57b0",
    secondary="#0b6b5d",
    accent="#8a5a00",
    success="#17692b",
    warning="#7d5200",
    error="#b3261e",
    foreground="#1a1f26",
    background="#fbfbf9",
    surface="#fbfbf9",
    panel="#eceff3",
    dark=False,
    variables={"dim": "#56616e", "line": "#9aa5b1", "unknown": "#7a2fb0", "badge": "#fbfbf9", "chosen": "#cfdcf0"},
)
HIGH_CONTRAST = Theme(
    name="cutover-high-contrast",
    primary="#7fdfff",
    secondary="#9dffb0",
    accent="#ffff00",
    success="#5fff5f",
    warning="#ffd700",
    error="#ffa0a0",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#000000",
    dark=True,
    variables={"dim": "#e6e6e6", "line": "#b0b0b0", "unknown": "#ffa8ff", "badge": "#000000", "chosen": "#003c78"},
)
# The terminal's own text and ground, bold and reversed: nothing is harder to read than what else is on it. Of the
# other fourteen colours nobody knows which can be read: each palette in use has some that cannot, on its own ground.
# For terminals with sixteen colours, and for NO_COLOR, where Textual then sends no colour codes at all.
TERMINAL = Theme(
    name="cutover-terminal",
    ansi=True,
    primary=_OWN,
    secondary=_OWN,
    accent=_OWN,
    success=_OWN,
    warning=_OWN,
    error=_OWN,
    foreground=_OWN,
    background=_OWN,
    surface=_OWN,
    panel=_OWN,
    dark=True,
    variables={
        **BUILTIN_THEMES["ansi-dark"].variables,
        "dim": _OWN,
        "line": _OWN,
        "unknown": _OWN,
        "badge": _OWN,
        "chosen": _OWN,
        "input-cursor-background": _OWN,
        "input-cursor-foreground": _OWN,
        "input-cursor-text-style": "reverse",
    },
)
THEMES = (DARK, LIGHT, HIGH_CONTRAST, TERMINAL)

# Style name: theme variable of the text, of the ground where it differs, and whether it is bold.
_STYLES: dict[str, tuple[str, str, bool]] = {
    "dim": ("dim", "", False),
    "line": ("line", "", False),
    "head": ("primary", "", True),
    "ok": ("success", "", False),
    "warn": ("warning", "", True),
    "fail": ("error", "", True),
    "unknown": ("unknown", "", True),
    "note": ("secondary", "", False),
    "mark": ("foreground", "chosen", True),
    "key": ("accent", "", True),
    "badge": ("badge", "secondary", True),
    "badge-prod": ("badge", "error", True),
    "bar": ("primary", "", False),
    "off": ("warning", "", True),
}


def pairs() -> dict[str, tuple[str, str]]:
    """Of every style that text has: the theme variables of the text and of the ground it stands on."""
    return {name: (text, ground or "background") for name, (text, ground, _) in _STYLES.items()}


def text_styles(variables: Mapping[str, str]) -> dict[str, Style]:
    """The styles of spans, by name, from a theme's variables."""
    return {name: _style(variables, *spec) for name, spec in _STYLES.items()}


def _style(variables: Mapping[str, str], text: str, ground: str, bold: bool) -> Style:
    background = Color.parse(variables[ground]).rich_color if ground else None
    # Where the ground has no colour of its own, text and ground change places.
    reverse = bool(ground) and variables[ground] == _OWN
    return Style(color=Color.parse(variables[text]).rich_color, bgcolor=background, bold=bold, reverse=reverse or None)
