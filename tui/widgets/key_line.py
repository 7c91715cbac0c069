"""The last line: the keys that work on a screen, from its bindings."""

from __future__ import annotations

from dataclasses import dataclass

from tui.widgets.lines import Row, Span


@dataclass(frozen=True)
class KeyHint:
    """One key: what is printed on it, what it does, and whether it does it now."""

    key: str
    label: str
    on: bool


def key_row(hints: tuple[KeyHint, ...]) -> Row:
    """The hints in one row; a key that is off says so."""
    spans = [Span(" ")]
    for hint in hints:
        if hint.on:
            spans += [Span(hint.key, "key"), Span(f" {hint.label}  ")]
        else:
            spans.append(Span(f"{hint.key} {hint.label} (off)  ", "dim"))
    return tuple(spans)
