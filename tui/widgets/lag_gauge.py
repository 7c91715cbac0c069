"""The lag as a big number, a bar with the limit on it, a history, and the sentences that go with them.

Every row of the picture has one style: that keeps an update under half a kilobyte.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from migration.view import LagSample, LagView
from tui.text import amount, duration, elapsed
from tui.widgets.lines import Page, Row, row

HISTORY_S = 900.0
_DIGITS = {
    "0": ("╭─╮", "│ │", "╰─╯"),
    "1": ("╶╮ ", " │ ", "╶┴╴"),
    "2": ("╶─╮", "┌─┘", "╰─╴"),
    "3": ("╶─╮", " ─┤", "╶─╯"),
    "4": ("╷ ╷", "╰─┤", "  ╵"),
    "5": ("╭─╴", "╰─╮", "╶─╯"),
    "6": ("╭─╴", "├─╮", "╰─╯"),
    "7": ("╶─╮", "  │", "  ╵"),
    "8": ("╭─╮", "├─┤", "╰─╯"),
    "9": ("╭─╮", "╰─┤", "╶─╯"),
    ".": ("   ", "   ", " • "),
    "?": ("╶─╮", " ╭╯", " • "),
    ">": ("╶╮ ", " ╲ ", "╶╯ "),
}
_EIGHTHS = " ▁▂▃▄▅▆▇█"
_TREND_S = 15.0


@dataclass(frozen=True)
class Gauge:
    """What the gauge shows. `lag_s` is None where nothing true can be said; `why` then tells the reason."""

    lag_s: float | None
    at_least: bool
    limit_s: float
    state: str
    style: str
    trend: str
    catch_up: str
    worst_s: float | None
    why: str


def gauge(lag: LagView, now: float, stale_s: float | None) -> Gauge:
    """Judge the newest reading; one that is older than the limit for trust counts as unknown."""
    latest = lag.latest
    known = [s.lag_s for s in lag.history if s.lag_s is not None]
    worst = max(known, default=None)
    value = None if latest is None or stale_s is not None else latest.lag_s
    if value is None or latest is None:
        why = _why(latest, stale_s, now)
        return Gauge(None, False, lag.limit_s, f"UNKNOWN: {why}", "unknown", "unknown", "unknown", worst, why)
    below = value < lag.limit_s and not latest.at_least
    state, style = "ABOVE the limit", "warn"
    if below:
        since = f" for {elapsed(now - lag.below_since)}" if lag.below_since else ""
        state, style = f"BELOW the limit{since}", "ok"
    trend = _trend(lag)
    return Gauge(
        value, latest.at_least, lag.limit_s, state, style, trend, _catch_up(latest, value), worst, latest.reason
    )


def _why(latest: LagSample | None, stale_s: float | None, now: float) -> str:
    if latest is None:
        return "not measured yet"
    if stale_s is not None:
        return f"no reading for {elapsed(stale_s)}"
    return latest.reason or "the reading could not be made"


def _trend(lag: LagView) -> str:
    latest = lag.latest
    if latest is None or latest.lag_s is None:
        return "unknown"
    before = [s for s in lag.history if s.lag_s is not None and s.at <= latest.at - _TREND_S]
    if not before or before[-1].lag_s is None:
        return "not known yet"
    slope = (latest.lag_s - before[-1].lag_s) / max(latest.at - before[-1].at, 1.0)
    if abs(slope) < 0.02:
        return "steady"
    return f"{'rising' if slope > 0 else 'falling'} {abs(slope):.1f} s/s"


def _catch_up(latest: LagSample, lag_s: float) -> str:
    if latest.behind == 0 or (latest.behind is None and lag_s < 1):
        return "caught up"
    if latest.behind is None or latest.applied_per_s is None or latest.written_per_s is None:
        return "not known"
    gain = latest.applied_per_s - latest.written_per_s
    if lag_s < 1:
        return "caught up"
    return f"in {duration(latest.behind / gain)}" if gain > 0 else "not catching up"


def big_number(shown: Gauge) -> tuple[str, str]:
    """The digits and the unit: at most four digits, then minutes, then hours."""
    if shown.lag_s is None:
        return "?", "s"
    sign = ">" if shown.at_least else ""
    value = shown.lag_s
    if value < 99.95:
        return f"{sign}{value:.1f}", "s"
    if value < 1000:
        return f"{sign}{value:.0f}", "s"
    return (f"{sign}{value / 60:.0f}", "m") if value < 60_000 else (f"{sign}{value / 3600:.0f}", "h")


def digit_rows(shown: Gauge, cells: int) -> list[tuple[str, str]]:
    """Three rows of big digits, in the style of the state."""
    digits, unit = big_number(shown)
    rows = ["".join(_DIGITS[digit][line] for digit in digits) for line in range(3)]
    rows[2] += f" {unit}"
    return [(f"  {text}"[:cells].ljust(cells), shown.style) for text in rows]


def bar_rows(shown: Gauge, cells: int) -> tuple[str, str]:
    """A scale from nothing to twice the limit, and the bar with the limit marked on it."""
    inner = cells - 4
    half = inner // 2
    scale = "0".ljust(half) + f"{shown.limit_s:g}".ljust(inner - half - 3) + f"{2 * shown.limit_s:g} s"
    if shown.lag_s is None:
        return scale, "?" * half + "│" + "?" * (inner - half - 1)
    filled = min(inner, round(inner * shown.lag_s / (2 * shown.limit_s)))
    cellsline = ["▓" if number < filled else "░" for number in range(inner)]
    cellsline[half] = "│"
    return scale, "".join(cellsline)


def history_rows(lag: LagView, now: float, cells: int, height: int, stale_s: float | None) -> list[Row]:
    """The last 15 minutes: `height` rows of bars with the limit as a line, then the time axis."""
    columns = max(10, cells - 18)
    step = HISTORY_S / columns
    bins = _bins(lag, now, columns, step)
    top = _top(lag)
    rows: list[Row] = []
    limit_row = min(height - 1, max(0, height - 1 - int(height * lag.limit_s / top)))
    for y in range(height):
        low = top * (height - 1 - y) / height
        text = "".join(_cell(value, low, top / height, y == limit_row) for value in bins)
        label = f"{top:>4.4g} ┤" if y == 0 else "     │"
        tail = "  limit" if y == limit_row else ""
        rows.append(row((f" {label}{text}{tail}", "bar")))
    rows.append(row((f"    0 └{'─' * columns}", "dim")))
    marks = ["-15m", "-10m", "-5m", "now"]
    gap = max(1, (columns - sum(map(len, marks))) // 3)
    rows.append(row((f"      {(' ' * gap).join(marks)}", "dim")))
    return rows


def _bins(lag: LagView, now: float, columns: int, step: float) -> list[float | None]:
    """The worst lag of each column; nan where it was unknown, None where nobody measured.

    Columns begin at multiples of `step`, so that the picture moves once a step, not with every reading.
    """
    last = math.floor(now / step)
    bins: list[float | None] = [None] * columns
    for sample in lag.history:
        index = columns - 1 - (last - math.floor(sample.at / step))
        if not 0 <= index < columns:
            continue
        held = bins[index]
        if sample.lag_s is None:
            bins[index] = math.nan
        elif held is None or not (math.isnan(held) or held >= sample.lag_s):
            bins[index] = sample.lag_s
    return bins


def _top(lag: LagView) -> float:
    worst = max((s.lag_s for s in lag.history if s.lag_s is not None), default=0.0)
    top = 2 * lag.limit_s
    while top < worst:
        top *= 2
    return top


def _cell(value: float | None, low: float, span: float, limit: bool) -> str:
    if value is not None and math.isnan(value):
        return "?" if low == 0 else " "
    part = 0 if value is None else round(8 * min(1.0, max(0.0, (value - low) / span)))
    if value is not None and value > 0 and low == 0:
        part = max(part, 1)
    return _EIGHTHS[part] if part else ("┄" if limit else " ")


def facts(lag: LagView, shown: Gauge, stale_s: float | None) -> list[tuple[str, str, str]]:
    """Label, text and style of the lines beside the number. Rates of a stale reading are not shown."""
    latest = lag.latest
    unit = "tx" if latest is not None and latest.unit.startswith("transaction") else (latest.unit if latest else "")
    worst = f"   worst in 15 m  {duration(shown.worst_s)}" if shown.worst_s is not None else ""
    lines = [
        ("State", shown.state, shown.style),
        ("Limit", f"{lag.limit_s:.1f} s{worst}", ""),
        ("Trend", f"{shown.trend}   catch-up  {shown.catch_up}", ""),
    ]
    if latest is None:
        return lines
    fresh = stale_s is None
    lines += [
        ("Source", _rate(latest.written_per_s, unit, fresh, "written"), ""),
        ("Target", _rate(latest.applied_per_s, unit, fresh, "applied"), ""),
    ]
    behind = amount(latest.behind, unit) if latest.behind is not None and fresh else "?"
    server = f"{latest.server_says_s:.0f} s" if latest.server_says_s is not None and fresh else "?"
    lines.append(("Behind", f"{behind} · server says {server}", ""))
    return lines


def _rate(per_s: float | None, unit: str, fresh: bool, what: str) -> str:
    return f"{amount(per_s, unit)}/s {what}" if per_s is not None and fresh else f"? {what}"


def draw_gauge(page: Page, lag: LagView, now: float, stale_s: float | None) -> None:
    """Six rows: the number and its bar at the left, the facts at the right."""
    shown = gauge(lag, now, stale_s)
    left = 27
    scale, bar = bar_rows(shown, left)
    column = [(" Lag".ljust(left), "head"), *digit_rows(shown, left)]
    column += [(f"  {scale}".ljust(left), "dim"), (f"  {bar}".ljust(left), shown.style)]
    beside = facts(lag, shown, stale_s)
    for number, (text, style) in enumerate(column):
        if number < len(beside):
            label, fact, fact_style = beside[number]
            page.add((text, style), (f"{label:<9}", "dim"), (fact, fact_style))
        else:
            page.add((text, style))
