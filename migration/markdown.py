"""Markdown out of text that servers and operators have written: it shows as it is, and marks nothing up."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MARKUP = re.compile(r"([\\`*\[\]<>|])")


def text(words: object) -> str:
    """Text of a server or an operator."""
    return _MARKUP.sub(r"\\\1", _CONTROL.sub("�", str(words)))


def code(words: object) -> str:
    """Text as inline code."""
    plain = _CONTROL.sub("�", str(words)).replace("|", "\\|")
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a table, and an empty one after it; cells are Markdown already."""
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]
