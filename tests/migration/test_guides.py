"""The guide: every step, gate and switch of every runbook has one, short enough for its place beside the step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration import runbooks
from migration.masking.fields import masked
from migration.masking.names import Names
from migration.runbook import Gate, Item, Runbook, Step, Switch
from migration.view import Guide
from tui.widgets.guide import Explained, guide_rows

# The panel of a terminal of 120x36, without its frame, and the rows below for how to switch it off.
_CELLS, _ROWS = 30, 29


def items(runbook: Runbook) -> Iterator[Item]:
    for _, item in runbook.items():
        yield item
    yield from runbook.finish_on_source


def everything() -> Iterator[tuple[str, Item]]:
    for name in runbooks.names():
        for item in items(runbooks.find(name)):
            yield name, item


@pytest.mark.parametrize("name", runbooks.names())
def test_nothing_in_a_runbook_is_without_a_guide(name: str) -> None:
    lacking = [item.id for item in items(runbooks.find(name)) if item.guide is None]
    assert lacking == []


def test_a_guide_is_short_plain_and_fits_beside_its_step() -> None:
    too_long = []
    for name, item in everything():
        assert item.guide is not None
        rows = guide_rows(Explained(item.title, item.why, (), item.guide), _CELLS)
        if len(rows) > _ROWS:
            too_long.append((name, item.id, len(rows)))
        for text in (item.guide.undo, item.guide.mistakes):
            assert text[0].isupper(), text
            assert text.endswith("."), text
            assert text.count(". ") <= 2, text
            assert "!" not in text, text
    assert too_long == []


def test_a_guide_names_nobody() -> None:
    """It is shown in presenter mode as it stands, and nothing in it takes the number of an alias."""
    names = Names()
    for _, item in everything():
        assert item.guide is not None
        assert names.text(item.guide.undo) == item.guide.undo
        assert names.text(item.guide.mistakes) == item.guide.mistakes
        assert masked(item.guide, names) is item.guide


@pytest.mark.parametrize("kind", [Step, Gate, Switch])
def test_each_kind_of_item_can_have_one(kind: type[Item]) -> None:
    item = next(item for _, item in everything() if isinstance(item, kind))
    assert replace(item, guide=Guide("No.", "None.")).guide == Guide("No.", "None.")
