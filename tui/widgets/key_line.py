"""The last line: the keys that work on a screen, from its bindings."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tui.ascii_only import keys_in_words
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
    named = tuple(replace(hint, key=keys_in_words(hint.key)) for hint in hints)
    for off, gap in (("{key} {label} (off)", "  "), ("({key} {label})", "  "), ("({key} {label})", " ")):
        found = _row(named, off, gap)
        if sum(width(span.text) for span in found) <= cells + len(gap):
            break
    return found


def _row(hints: tuple[KeyHint, ...], off: str, gap: str) -> Row:
    spans = [Span(" ")]
    for hint in hints:
        if hint.on:
            spans += [Span(hint.key, "key"), Span(f" {hint.label}{gap}")]
        else:
            spans.append(Span(off.format(key=hint.key, label=hint.label) + gap, "dim"))
    return tuple(spans)
