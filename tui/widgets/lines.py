"""Rows of styled text that repaint only the cells that changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.segment import Segment
from rich.style import Style
from textual.app import App
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from tui.text import clean, fit, fit_right, narrow, width, wrap
from tui.theme import text_styles


class Span(NamedTuple):
    """Text in one style; `style` is one of those in `tui.theme`, or empty for the plain one."""

    text: str
    style: str = ""


_STYLES_BY_THEME: dict[str, dict[str, Style]] = {}
Row = tuple[Span, ...]
Draw = Callable[[int, int], Sequence[Row]]

WORD_STYLES = {
    "OK": "ok",
    "YES": "ok",
    "WARN": "warn",
    "WAIT": "warn",
    "FAIL": "fail",
    "NO": "fail",
    "UNKNOWN": "unknown",
    "NOTE": "note",
    "-": "dim",
}


def row(*parts: str | tuple[str, str]) -> Row:
    """A row of plain strings and `(text, style)` pairs."""
    return tuple(Span(part) if isinstance(part, str) else Span(*part) for part in parts)


def text_of(line: Row) -> str:
    """A row as text."""
    return "".join(span.text for span in line).rstrip()


def word(text: str, cells: int) -> tuple[str, str]:
    """A result word, padded and in its style."""
    return fit(text, cells), WORD_STYLES.get(text, "")


class Page:
    """Collects the rows of one region, of `cells` columns and `height` rows."""

    def __init__(self, cells: int, height: int) -> None:
        self.cells = cells
        self.height = height
        self.rows: list[Row] = []

    @property
    def room(self) -> int:
        """Rows that are still free."""
        return max(0, self.height - len(self.rows))

    def add(self, *parts: str | tuple[str, str]) -> None:
        """Add one row."""
        self.rows.append(row(*parts))

    def blank(self) -> None:
        """Add an empty row."""
        self.rows.append(())

    def gap(self, spare: int) -> None:
        """Add an empty row if `spare` more rows fit after it."""
        if self.room > spare:
            self.blank()

    def para(self, text: str, style: str = "", indent: int = 3) -> None:
        """Add wrapped text, one paragraph a line of `text`."""
        for part in text.split("\n"):
            for line in wrap(part, self.cells - indent - 1):
                self.add(" " * indent, (line, style))

    def pair(self, label: str, text: str, style: str = "", column: int = 12) -> None:
        """Add a label with wrapped text beside it."""
        for number, line in enumerate(wrap(text, self.cells - column - 1)):
            head = f"   {label}" if number == 0 else ""
            self.add((fit(head, column), "dim"), (line, style))

    def ends(self, left: str, right: str, style: str = "") -> None:
        """Add a row with text at both ends; the left one is cut first."""
        room = self.cells - width(clean(right)) - 2
        self.add((fit(left, room), style), (fit_right(right, self.cells - room - 1), "dim"))

    def rule(self, title: str = "") -> None:
        """Add a line across, with a title."""
        head = fit(title, min(width(clean(title)), self.cells - 12))
        lead = (" ─── ", "line") if title else (" ", "line")
        self.add(lead, (f"{head} " if title else "", "note"), ("─" * max(0, self.cells - width(head) - 7), "line"))

    def drawn(self, title: str, stroke: str, style: str, indent: int = 6) -> None:
        """Add a line that means something, with its words in it."""
        head = f"{' ' * indent}{stroke * 2} {fit(title, min(width(clean(title)), self.cells - indent - 8))} "
        self.add((head + stroke * max(0, self.cells - width(head) - 2), style))

    def foot(self, rows: Sequence[Row]) -> None:
        """Put `rows` at the bottom of the region, if they fit."""
        while self.room > len(rows):
            self.blank()
        self.rows.extend(rows)


class Lines(Widget, can_focus=False):
    """A region drawn by a function of its size; `repaint` sends only what differs from before.

    Textual repaints whole widgets. Over a slow link that is what costs, so this one compares the old and
    the new rows and refreshes the changed part of each changed row. Text is never markup here, and
    control characters are made visible.
    """

    ALLOW_SELECT = False

    def __init__(self, draw: Draw, *, id: str | None = None, classes: str | None = None, at_least: int = 1) -> None:
        """Make a region.

        Args:
            draw: gives the rows for a width and a height in cells.
            id: as every widget's.
            classes: as every widget's.
            at_least: the width that `draw` is asked for where the region is narrower, as it is for a
                moment while a terminal is resized; the rows are then cut.
        """
        super().__init__(id=id, classes=classes)
        self._draw = draw
        self._at_least = at_least
        self._rows: list[Row] = []
        self._drawn_for = Size(0, 0)

    def repaint(self) -> None:
        """Draw again and refresh what changed."""
        size = self.size
        if not size or not self.is_attached:
            return
        if self._drawn_for != size:
            self.refresh()
            return
        old, self._rows = self._rows, self._drawn(size)
        for y in range(size.height):
            before = old[y] if y < len(old) else ()
            after = self._rows[y] if y < len(self._rows) else ()
            if before != after:
                left, right = _changed(before, after, size.width)
                self.refresh(Region(left, y, right - left, 1))

    @property
    def plain(self) -> str:
        """The rows as text."""
        return "\n".join(map(text_of, self._rows))

    def render_line(self, y: int) -> Strip:
        """One row in the current theme."""
        size = self.size
        if self._drawn_for != size:
            # At the first paint of a size, not one event later: an empty frame costs as much as a full one.
            self._rows = self._drawn(size)
        base = self.rich_style
        styles = _styles_of(self.app)
        spans = self._rows[y] if y < len(self._rows) else ()
        segments = [Segment(span.text, base + styles[span.style] if span.style else base) for span in spans]
        return Strip(segments).adjust_cell_length(size.width, base)

    def _drawn(self, size: Size) -> list[Row]:
        self._drawn_for = size
        rows = self._draw(max(size.width, self._at_least), size.height)[: size.height]
        return [tuple(Span(clean(span[0]), span[1]) for span in line) for line in rows]


def _changed(before: Row, after: Row, cells: int) -> tuple[int, int]:
    """The columns between the first and the last cell that differ; all of them where text is wide."""
    old, new = _by_cell(before, cells), _by_cell(after, cells)
    if old is None or new is None:
        return 0, cells
    first = next((x for x in range(cells) if old[x] != new[x]), 0)
    last = next((x for x in range(cells - 1, -1, -1) if old[x] != new[x]), cells - 1)
    return first, last + 1


def _by_cell(line: Row, cells: int) -> list[tuple[str, str]] | None:
    if not all(narrow(span.text) for span in line):
        return None
    flat = [(char, span.style) for span in line for char in span.text]
    return (flat + [(" ", "")] * cells)[:cells]


def _styles_of(app: App[object]) -> dict[str, Style]:
    # Not component classes: those make a styled node for every name in every region, a third of a second a screen.
    styles = _STYLES_BY_THEME.get(app.theme)
    if styles is None:
        styles = _STYLES_BY_THEME[app.theme] = text_styles(app.theme_variables)
    return styles
