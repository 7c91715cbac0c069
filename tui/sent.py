"""What the terminal shows already is not sent again: a screen that opens is drawn whole several times over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import cast

from rich.console import Console, RenderableType
from rich.control import Control
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

from tui.text import narrow

Cell = tuple[str, Style | None]


class Sent:
    """The rows of the terminal as they were last sent. Rows with wide characters are not kept: they are sent whole."""

    def __init__(self) -> None:
        self._rows: dict[int, list[Cell]] = {}

    def forget(self) -> None:
        """The terminal may show anything now."""
        self._rows.clear()

    def lean(self, update: RenderableType | None) -> RenderableType | None:
        """The same update, of which only that is sent which the terminal does not show."""
        if isinstance(update, (LayoutUpdate, ChopsUpdate)):
            # Textual takes what its own compositor makes, whatever its types say.
            return cast(RenderableType, _Lean(update, self))
        return update

    def differing(self, x: int, y: int, cells: list[Cell], whole: bool) -> tuple[int, list[Cell]]:
        """The first column that differs from what the row shows, and the cells from there to the last that does.

        Args:
            x: the column of the first cell.
            y: the row.
            cells: what is to be shown from there on.
            whole: whether that is all of the row.
        """
        if _wide(cells):
            self._rows.pop(y, None)
            return x, cells
        shown = self._rows.get(y)
        if whole:
            self._rows[y] = list(cells)
        if shown is None or len(shown) < x + len(cells):
            return x, cells
        differ = [at for at, (old, new) in enumerate(zip(shown[x:], cells, strict=False)) if old != new]
        if not differ:
            return x, []
        first, last = differ[0], differ[-1] + 1
        if not whole:
            shown[x + first : x + last] = cells[first:last]
        return x + first, cells[first:last]


class _Lean(CompositorUpdate):
    """An update as it is worked out for the terminal, less what is there."""

    def __init__(self, update: LayoutUpdate | ChopsUpdate, sent: Sent) -> None:
        self._update = update
        self._sent = sent

    def render_segments(self, console: Console) -> str:
        """What is to be sent."""
        update = self._update
        whole = isinstance(update, LayoutUpdate) and update.region.x == 0
        parts = []
        for x, y, cells in _laid_out(update) if isinstance(update, LayoutUpdate) else _chopped(update):
            at, changed = self._sent.differing(x, y, cells, whole)
            if changed:
                parts += [Control.move_to(at, y).segment.text, _strip(changed).render(console)]
        return "".join(parts)


def _laid_out(update: LayoutUpdate) -> Iterator[tuple[int, int, list[Cell]]]:
    """Every row of a screen."""
    for y, strips in enumerate(update.strips, update.region.y):
        yield update.region.x, y, [cell for strip in strips for cell in _cells(strip)]


def _chopped(update: ChopsUpdate) -> Iterator[tuple[int, int, list[Cell]]]:
    """The parts of rows that are to be drawn again; the parts of a row end where another widget begins."""
    for y, begin, end in update.spans:
        for stop, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
            if strip is not None and x <= end and stop > begin:
                inside = end > x >= begin and stop <= end
                yield x, y, _cells(strip if inside else strip.crop(0, min(stop, end) - x))


def _cells(strip: Strip) -> list[Cell]:
    return [(char, part.style) for part in strip for char in part.text]


def _wide(cells: list[Cell]) -> bool:
    return not narrow("".join(char for char, _ in cells))


def _strip(cells: list[Cell]) -> Strip:
    # One sequence for all neighbours of a style, where the screen's parts would each bring their own.
    parts = groupby(cells, key=lambda cell: cell[1])
    return Strip([Segment("".join(char for char, _ in each), style) for style, each in parts])
