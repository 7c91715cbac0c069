"""The steps of a migration: one row on a narrow screen, a column with times on a wide one."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tui.places import RailStep
from tui.text import compact, fit_right
from tui.widgets.lines import Row, Span, row

_STYLES = {"✓": "ok", "▶": "head", "·": "dim"}


def rail_row(steps: Sequence[RailStep], looked_at: int | None) -> Row:
    """The steps in one row: `✓ Connect  ▶ Checks  · Plan`; the one that is looked at in brackets."""
    spans: list[Span] = []
    for step, following in itertools.zip_longest(steps, steps[1:]):
        shown = _is(step, looked_at)
        before = "[" if shown else (" " if step is steps[0] else "")
        spans.append(Span(f"{before}{step.mark} {step.name}{']' if shown else ' '}", _STYLES.get(step.mark, "")))
        if not _is(following, looked_at):
            spans.append(Span(" "))
    return tuple(spans)


def _is(step: RailStep | None, looked_at: int | None) -> bool:
    """Whether it is the one that is looked at, which is counted from 0."""
    return step is not None and looked_at is not None and step.number == looked_at + 1


def rail_column(steps: Sequence[RailStep], cells: int, looked_at: int | None) -> list[Row]:
    """Two rows a step, with its number and how long it took; the one that is looked at in brackets."""
    rows: list[Row] = [()]
    for step in steps:
        took = compact(step.took_s) if step.took_s is not None else ""
        left, right = ("[", "]") if _is(step, looked_at) else (" ", "")
        name = f"{left}{step.mark} {step.number} {step.name}{right}"
        rows.append(row((name, _STYLES.get(step.mark, "")), (fit_right(took, cells - len(name) - 1), "dim")))
        rows.append(())
    return rows
