"""Terminals that draw nothing but ASCII: every other character is replaced, in as many columns as it takes."""

from __future__ import annotations

import codecs
import io
import locale
import sys
import unicodedata

from rich.cells import cell_len

_ERRORS = "cutover-ascii"
_UTF_8 = ("utf-8", "utf8", "u8", "cp65001")
_DRAWN = {
    **dict.fromkeys("─╌┄┈╴╶━", "-"),
    **dict.fromkeys("═▔", "="),
    **dict.fromkeys("│┆┊╷╵┃▏▎▕", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼╔╗╚╝", "+"),
    **dict.fromkeys("▓█▇▆▅▉▊", "#"),
    **dict.fromkeys("▃▄", "="),
    **dict.fromkeys("·•∙", "."),
    **dict.fromkeys("▶→▌❯", ">"),
    **dict.fromkeys("“”„«»", '"'),
    **dict.fromkeys("‘’‚", "'"),
    **dict.fromkeys("–—‐‑−", "-"),
    "▁": "_", "▂": "_", "░": ".", "▒": ":", "╲": "\\", "╱": "/", "←": "<", "↑": "^", "↓": "v", "⇄": "=",
    "✓": "+", "…": "~", "≤": "<", "≥": ">", "≈": "~", "×": "x", "⏎": "<", "␛": "^", "ø": "o", "Ø": "O",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "\N{NO-BREAK SPACE}": " ",
}  # fmt: skip
# What a key is called where its sign cannot be drawn.
_KEYS = {"⏎": "Enter", "↑↓": "Up/Down", "↑ ↓": "Up and Down"}
_IN_USE = [False]


def use_ascii() -> None:
    """From here on nothing outside ASCII reaches the terminal, whoever writes it."""
    _IN_USE[0] = True
    codecs.register_error(_ERRORS, _replaced)
    for stream in {id(one): one for one in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)}.values():
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="ascii", errors=_ERRORS)


def in_use() -> bool:
    """Whether `use_ascii` was called."""
    return _IN_USE[0]


def terminal_wants_ascii() -> bool:
    """Whether the locale's encoding cannot draw what the screens have; Python's own UTF-8 mode does not count."""
    return locale.getencoding().lower() not in _UTF_8


def keys_in_words(text: str) -> str:
    """A text for the key line or the status, with keys by their names where their signs cannot be drawn."""
    if in_use():
        for sign, name in _KEYS.items():
            text = text.replace(sign, name)
    return text


def to_ascii(text: str) -> str:
    """`text` in ASCII and in exactly as many columns."""
    if text.isascii():
        return text
    found = "".join(map(_one, text))
    if len(found) == cell_len(text):
        return found
    # Joined emoji take other columns than their parts: each part gets what it adds.
    parts: list[str] = []
    cells = 0
    for end in range(1, len(text) + 1):
        now = cell_len(text[:end])
        one = text[end - 1]
        parts.append((one if one.isascii() else _one(one)).ljust(now - cells, "?")[: max(0, now - cells)])
        cells = max(cells, now)
    return "".join(parts)


def _one(char: str) -> str:
    if char.isascii():
        return char
    cells = cell_len(char)
    if char in _DRAWN:
        return _DRAWN[char] if cells == 1 else "?" * cells
    plain = unicodedata.normalize("NFKD", char)[:1]
    return plain if cells == 1 and plain.isascii() and plain.isprintable() else "?" * cells


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return to_ascii(error.object[error.start : error.end]), error.end
