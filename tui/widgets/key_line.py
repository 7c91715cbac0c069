"""The last line: the keys that work on a screen, from its bindings."""

from __future__ import annotations

from dataclasses import dataclass

from tui.text import width
from tui.widgets.lines import Row, Span


@dataclass(frozen=True)
class KeyHint:
    """One key: what is printed on it, what it does, and whether it does it now."""

    key: str
    label: str
    on: bool


def key_row(hints: tuple[KeyHint, ...], cells: int) -> Row:
    """The hints in one row; a key that is off says so, by brackets alone where the words do not fit."""
    worded = _row(hints, "{key} {label} (off)  ")
    return worded if sum(width(span.text) for span in worded) <= cells + 2 else _row(hints, "({key} {label})  ")


def _row(hints: tuple[KeyHint, ...], off: str) -> Row:
    spans = [Span(" ")]
    for hint in hints:
        if hint.on:
            spans += [Span(hint.key, "key"), Span(f" {hint.label}  ")]
        else:
            spans.append(Span(off.format(key=hint.key, label=hint.label), "dim"))
    return tuple(spans)
