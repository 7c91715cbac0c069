"""Text for the terminal: made harmless, cut to columns, and numbers with their units."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from rich.cells import cell_len, set_cell_size

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """`text` with every character that could steer a terminal made visible, one cell for one character.

    Servers, accounts and errors can hold anything. C0 controls become their pictures (`␛`), other
    controls, surrogates and characters that turn the writing direction become `�`, odd spaces a space.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _visible(char) for char in text)


def _visible(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    return " " if unicodedata.category(char) == "Zs" else _REPLACEMENT


def width(text: str) -> int:
    """How many terminal cells `text` takes."""
    return cell_len(text)


def narrow(text: str) -> bool:
    """Whether every character of a cleaned `text` takes one cell."""
    return all(char.isascii() or cell_len(char) == 1 for char in text)


def fit(text: str, cells: int) -> str:
    """`text` cleaned and cut or padded to exactly `cells` columns; a cut ends in `…`."""
    text = clean(text)
    if cell_len(text) <= cells:
        return set_cell_size(text, max(cells, 0))
    if cells <= 0:
        return ""
    return set_cell_size(text, cells - 1) + "…"


def fit_right(text: str, cells: int) -> str:
    """As `fit`, with the text at the right end."""
    text = clean(text)
    return " " * max(0, cells - cell_len(text)) + text if cell_len(text) <= cells else fit(text, cells)


def wrap(text: str, cells: int) -> list[str]:
    """`text` in lines of at most `cells` columns, broken at spaces where there are any."""
    cells = max(cells, 4)
    lines: list[str] = []
    current = ""
    for word in clean(text).split(" "):
        candidate = f"{current} {word}" if current else word
        if cell_len(candidate) <= cells:
            current = candidate
            continue
        if current:
            lines.append(current)
        while cell_len(word) > cells:
            head = set_cell_size(word, cells).rstrip() or word[0]
            lines.append(head)
            word = word[len(head) :]
        current = word
    return [*lines, current] if current or not lines else lines


def clock(at: float) -> str:
    """Time of day, UTC: `22:17:47Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%SZ")


def clock_minutes(at: float) -> str:
    """Time of day to the minute, UTC, for screens that must not change every second."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%MZ")


def day_and_clock(at: float) -> str:
    """Date and time to the minute, UTC: `2026-11-21 22:17Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%MZ")


def duration(seconds: float) -> str:
    """`0.35 s`, `4.2 s`, `42 s`, `12 m 40 s`, `3 h 12 m`."""
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} m {int(seconds % 60):02d} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60):02d} m"


def compact(seconds: float) -> str:
    """A duration in at most six columns: `42 s`, `41:07`, `3h12m`."""
    seconds = max(seconds, 0.0)
    if seconds < 60:
        return f"{seconds:.0f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)}:{int(seconds % 60):02d}"
    return f"{int(seconds // 3600)}h{int(seconds % 3600 // 60):02d}m"


def elapsed(seconds: float) -> str:
    """How long something has gone on, in whole seconds, so that it changes once a second."""
    return f"{max(0, int(seconds))} s" if seconds < 60 else duration(seconds)


def coarse(seconds: float) -> str:
    """A duration that changes at most once a minute, for screens that rest."""
    if seconds < 60:
        return "under 1 m"
    return f"{int(seconds // 60)} m" if seconds < 3600 else duration(seconds)


def countdown(seconds: float) -> str:
    """What is left of days: `29 d 04 h`, `31 h 12 m`, `0 m`."""
    minutes = int(max(seconds, 0.0) // 60)
    days, hours = minutes // 1440, minutes // 60
    if days >= 2:
        return f"{days} d {hours % 24:02d} h"
    return f"{hours} h {minutes % 60:02d} m" if hours else f"{minutes} m"


def count(number: int) -> str:
    """`1,710`."""
    return f"{number:,}"


def amount(number: float, unit: str) -> str:
    """A number with its unit; bytes become kB, MB, GB or TB."""
    if unit not in ("byte", "bytes", "B"):
        return f"{number:,.0f} {unit}".rstrip()
    for name, size in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= size:
            return f"{number / size:,.1f} {name}"
    return f"{number:,.0f} B"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 check`, `3 checks`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"
