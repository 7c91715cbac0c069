"""What a program of this toolkit turns on in a terminal, and whether it turned it off again."""

from __future__ import annotations

import re

# DEC private modes; besides them the cursor, and the keyboard protocol of kitty.
_MODES = ("1049", "1000", "1003", "1006", "1004", "2004", "2048")


def left_on(text: bytes) -> list[str]:
    """Modes that were turned on and not off again, in what a terminal has received."""
    left = [m for m in _MODES if text.rfind(f"\x1b[?{m}h".encode()) > text.rfind(f"\x1b[?{m}l".encode())]
    if text.rfind(b"\x1b[?25l") > text.rfind(b"\x1b[?25h"):
        left.append("cursor hidden")
    if len(re.findall(rb"\x1b\[>[0-9]+u", text)) > len(re.findall(rb"\x1b\[<[0-9]*u", text)):
        left.append("kitty keys")
    return left
