"""The lag over time as a drawing for the report: one SVG element, with its numbers in words beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape

from migration.view import AttemptView, LagSample

_WIDTH, _HEIGHT = 760, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 14, 30
_COLUMNS = _WIDTH - _LEFT - _RIGHT
_GAP_S = 5.0
"""Without a reading for longer than this the line is broken: nobody knows what the lag was."""

Point = tuple[float, float]


def lag_chart(lag: Sequence[LagSample], limit_s: float, attempts: Iterable[AttemptView]) -> str:
    """The readings of the lag as an SVG element; empty where there were none.

    The line is the worst reading of each column. Where the lag was not known there is no line, and the ground is
    marked. Switches are vertical lines.

    Args:
        lag: oldest first.
        limit_s: below this the cutover may start.
        attempts: the attempts to move the writes.
    """
    if not lag:
        return ""
    chart = _Chart(lag, limit_s)
    parts = [
        f'<svg role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}" aria-labelledby="lag-title">',
        f'<title id="lag-title">{escape(chart.words())}</title>',
        *chart.unknown(),
        *chart.axes(),
        *chart.limit(),
        *chart.lines(),
        *chart.switches(attempts),
        "</svg>",
    ]
    return "\n".join(parts)


class _Chart:
    """Where a time and a number of seconds are on the drawing."""

    def __init__(self, lag: Sequence[LagSample], limit_s: float) -> None:
        self._lag = lag
        self._limit_s = limit_s
        self._begin, self._end = lag[0].at, max(lag[-1].at, lag[0].at + 1.0)
        self._known = [sample.lag_s for sample in lag if sample.lag_s is not None]
        self._top = _round_up(max([limit_s * 1.2, *self._known, 0.1]))

    def words(self) -> str:
        """What the drawing shows, for who cannot see it."""
        span = self._end - self._begin
        if not self._known:
            return f"The lag was not known in {span:.0f} s of measuring."
        return f"Lag over {span:.0f} s: worst {max(self._known):.1f} s, limit {self._limit_s:g} s."

    def _x(self, at: float) -> float:
        return _LEFT + _COLUMNS * (at - self._begin) / (self._end - self._begin)

    def _y(self, seconds: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * min(seconds, self._top) / self._top

    def axes(self) -> list[str]:
        """Four levels with their seconds, and the time at both ends."""
        parts = []
        for step in range(5):
            seconds = self._top * step / 4
            y = self._y(seconds)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text class="scale" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{seconds:g} s</text>')
        for at, anchor in ((self._begin, "start"), (self._end, "end")):
            shown = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
            x, y = self._x(at), _HEIGHT - 8
            parts.append(f'<text class="scale" x="{x:.1f}" y="{y}" text-anchor="{anchor}">{shown}</text>')
        return parts

    def limit(self) -> list[str]:
        """The limit, with its word."""
        y = self._y(self._limit_s)
        return [
            f'<line class="limit" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>',
            f'<text class="limit" x="{_WIDTH - _RIGHT}" y="{y - 4:.1f}" text-anchor="end">limit</text>',
        ]

    def lines(self) -> list[str]:
        """The readings, broken where there were none."""
        drawn = []
        for part in _unbroken(self._lag):
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in self._worst(part))
            drawn.append(f'<polyline class="lag" points="{points}"/>')
        return drawn

    def _worst(self, part: Sequence[LagSample]) -> list[Point]:
        """One point for each column that has a reading: the worst."""
        columns: dict[int, float] = {}
        for sample in part:
            if sample.lag_s is not None:
                column = round(self._x(sample.at))
                columns[column] = max(columns.get(column, 0.0), sample.lag_s)
        points = [(float(column), self._y(seconds)) for column, seconds in columns.items()]
        # A line of one point would not be seen.
        return points if len(points) > 1 else [points[0], (points[0][0] + 1.5, points[0][1])]

    def unknown(self) -> list[str]:
        """Where the lag was not known."""
        parts: list[str] = []
        begun: float | None = None
        for before, sample in zip([None, *self._lag], self._lag, strict=False):
            if before is not None and before.lag_s is not None and sample.at - before.at > _GAP_S and begun is None:
                parts.append(self._shade(before.at, sample.at))
            if sample.lag_s is None and begun is None:
                begun = sample.at
            elif sample.lag_s is not None and begun is not None:
                parts.append(self._shade(begun, sample.at))
                begun = None
        if begun is not None:
            parts.append(self._shade(begun, self._end))
        return parts

    def _shade(self, begin: float, end: float) -> str:
        x, y = self._x(begin), _TOP
        cells = max(1.0, self._x(end) - x)
        place = f'x="{x:.1f}" y="{y}" width="{cells:.1f}" height="{_HEIGHT - _TOP - _BOTTOM}"'
        return f'<rect class="unknown" {place}><title>unknown</title></rect>'

    def switches(self, attempts: Iterable[AttemptView]) -> list[str]:
        """A vertical line where the writes were stopped, with the attempt's number."""
        parts = []
        for attempt in attempts:
            at = attempt.fenced_at or attempt.started_at
            if not self._begin <= at <= self._end:
                continue
            x = self._x(at)
            words = escape(f"{attempt.number} {attempt.direction.value}: {attempt.result}")
            anchor = "end" if x > _WIDTH / 2 else "start"
            parts.append(f'<line class="switch" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>')
            parts.append(f'<text class="switch" x="{x:.1f}" y="{_TOP - 3}" text-anchor="{anchor}">{words}</text>')
        return parts


def _unbroken(lag: Sequence[LagSample]) -> list[list[LagSample]]:
    """Runs of readings that are known and follow each other."""
    runs: list[list[LagSample]] = []
    last: LagSample | None = None
    for sample in lag:
        if sample.lag_s is not None:
            if last is None or last.lag_s is None or sample.at - last.at > _GAP_S:
                runs.append([])
            runs[-1].append(sample)
        last = sample
    return runs


def _round_up(seconds: float) -> float:
    """The next of 1, 2, 4 or 10 times a power of ten, so that quarters of it are readable."""
    power = 10.0 ** math.floor(math.log10(seconds))
    return next(power * step for step in (1, 2, 4, 10) if power * step >= seconds)
