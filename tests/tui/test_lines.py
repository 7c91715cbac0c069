"""The drawing below the screens: partial repaint, the gauge, the rail."""

from __future__ import annotations

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Region
from tui_stories import NOW

from migration.view import LagSample, LagView
from tui.text import clock, coarse, compact, duration, elapsed, narrow
from tui.theme import DARK
from tui.widgets.lag_gauge import big_number, facts, gauge, history_rows
from tui.widgets.lines import Lines, Row, row


class Board(App[None]):
    """One region, and what of it was repainted."""

    def __init__(self) -> None:
        super().__init__()
        self.register_theme(DARK)
        self.theme = DARK.name
        self.rows: list[Row] = [row("lag ", ("1.8", "ok"), " s"), row("表 wide"), row("same")]
        self.dirty: list[Region] = []

    def compose(self) -> ComposeResult:
        board = self

        class Probe(Lines):
            def refresh(self, *regions: Region, **options: bool):
                board.dirty.extend(regions)
                return super().refresh(*regions, **options)

        yield Probe(lambda cells, height: board.rows)


async def test_only_the_cells_that_changed_are_repainted():
    app = Board()
    async with app.run_test(size=(40, 6)) as pilot:
        await pilot.pause()
        lines = app.query_one(Lines)
        app.rows = [row("lag ", ("2.9", "ok"), " s"), row("表 wider"), row("same")]
        app.dirty.clear()
        lines.repaint()
        assert app.dirty == [Region(4, 0, 3, 1), Region(0, 1, 40, 1)]
        app.dirty.clear()
        lines.repaint()
        assert app.dirty == []


def sample(lag_s: float | None, at: float, **more: object) -> LagSample:
    values = {"at_least": False, "method": "position", "reason": "", "server_says_s": 1.0, "behind": 100,
              "unit": "transactions", "written_per_s": 10.0, "applied_per_s": 30.0, **more}  # fmt: skip
    return LagSample(at=at, lag_s=lag_s, **values)  # type: ignore[arg-type]


def view(*samples: LagSample, below_since: float | None = None) -> LagView:
    return LagView(samples[-1] if samples else None, samples, 5.0, below_since)


def test_the_gauge_speaks_in_words():
    below = gauge(view(sample(1.8, NOW - 20), sample(1.5, NOW), below_since=NOW - 65), NOW, None)
    assert below.state == "BELOW the limit for 1 m 05 s"
    assert below.catch_up == "in 5.0 s"
    assert gauge(view(sample(7.0, NOW)), NOW, None).state == "ABOVE the limit"
    assert gauge(view(sample(2.0, NOW, at_least=True)), NOW, None).state == "ABOVE the limit"
    slow = gauge(view(sample(7.0, NOW, applied_per_s=5.0)), NOW, None)
    assert slow.catch_up == "not catching up"
    assert gauge(view(), NOW, None).state == "UNKNOWN: not measured yet"
    rising = gauge(view(sample(1.0, NOW - 20), sample(5.0, NOW)), NOW, None)
    assert rising.trend == "rising 0.2 s/s"


def test_a_stale_reading_shows_no_number():
    shown = gauge(view(sample(1.0, NOW - 4)), NOW, 4.0)
    assert (shown.lag_s, shown.state) == (None, "UNKNOWN: no reading for 4 s")
    assert big_number(shown) == ("?", "s")
    assert not any(char.isdigit() for _, text, _ in facts(view(sample(1.0, NOW - 4)), shown, 4.0)[3:] for char in text)


@pytest.mark.parametrize(
    ("lag_s", "number"),
    [
        (0.0, ("0.0", "s")),
        (99.94, ("99.9", "s")),
        (412.0, ("412", "s")),
        (4000.0, ("67", "m")),
        (90_000.0, ("25", "h")),
    ],
)
def test_the_big_number_stays_short(lag_s, number):
    assert big_number(gauge(view(sample(lag_s, NOW)), NOW, None)) == number


def test_the_history_marks_what_is_not_known():
    rows = history_rows(view(sample(4.0, NOW - 600), sample(None, NOW - 300), sample(12.0, NOW)), NOW, 80, 4, None)
    text = ["".join(span.text for span in line) for line in rows]
    assert text[0].startswith("   20 ┤")
    assert any("limit" in line for line in text)
    assert "?" in text[3]
    assert all(len(line) <= 80 for line in text)
    assert all(len(line) == 1 for line in rows)


def test_times_read_well():
    assert clock(NOW) == "22:17:47Z"
    assert [duration(s) for s in (0.35, 4.2, 42, 760, 11_520)] == ["0.35 s", "4.2 s", "42 s", "12 m 40 s", "3 h 12 m"]
    assert [compact(s) for s in (42, 2467, 11_520)] == ["42 s", "41:07", "3h12m"]
    assert [elapsed(s) for s in (0.6, 59.9, 61)] == ["0 s", "59 s", "1 m 01 s"]
    assert [coarse(s) for s in (5, 61, 119)] == ["under 1 m", "1 m", "1 m"]


def test_a_text_is_narrow_where_each_of_its_characters_takes_a_cell():
    printable = [chr(code) for code in range(0x20, 0x20000) if chr(code).isprintable()]
    assert [char for char in printable if narrow(char) is not (cell_len(char) == 1)] == []
    assert narrow("lag 1.8 s ─ ▁▂▃ é")
    assert not narrow("a 表")
    assert not narrow("a\u0301")
