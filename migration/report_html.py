"""The report as one file of HTML: no script, nothing that is loaded from elsewhere, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape

from migration.model import from_to
from migration.report import DECISIONS, SEAT, SETTINGS, Report, lag_summary
from migration.report_chart import lag_chart
from migration.view import AttemptView

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --text: #1a1f26; --dim: #56616e; --ground: #fbfbf9; --panel: #eceff3; --line: #9aa5b1;
  --lag: #0b57b0; --limit: #8a5a00; --ok: #17692b; --bad: #b3261e; --unknown: #7a2fb0; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7ec; --dim: #98a4b3; --ground: #10141a; --panel: #1b222c; --line: #4d5a6b;
    --lag: #7fb4ff; --limit: #ffca5c; --ok: #7ddc8a; --bad: #ff8a80; --unknown: #d7a6ff; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--ground); margin: 2em auto;
  max-width: 62em; padding: 0 1em; }
table { border-collapse: collapse; width: 100%; margin: .6em 0 1.6em; }
th, td { text-align: left; vertical-align: top; padding: .25em .7em .25em 0; border-bottom: 1px solid var(--line);
  overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 600; }
code { font: 13px/1.4 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.note { color: var(--dim); } .OK { color: var(--ok); } .FAIL, .WARN { color: var(--bad); font-weight: 600; }
.UNKNOWN { color: var(--unknown); font-weight: 600; }
svg { width: 100%; height: auto; background: var(--panel); } svg text { font-size: 11px; fill: var(--dim); }
svg .grid { stroke: var(--line); stroke-width: .5; } svg .lag { fill: none; stroke: var(--lag); stroke-width: 1.5; }
svg line.limit { stroke: var(--limit); stroke-dasharray: 6 4; } svg text.limit { fill: var(--limit); }
svg line.switch { stroke: var(--bad); } svg text.switch { fill: var(--bad); }
svg .unknown { fill: var(--unknown); fill-opacity: .25; }
@media print { body { max-width: none; margin: 0; } }
"""
# Controls, and what turns the writing direction: a document shows what a server said, and does not obey it.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_MASKED = (
    "Names stand under aliases, and of statements there is only the beginning; "
    "`cutover report --unmasked` writes them out."
)


def to_html(report: Report) -> str:
    """The report of one migration as a document of its own."""
    view = report.view
    title = f"Migration {view.spec.id}"
    body = [
        f"<h1>{_text(title)}</h1>",
        *([f'<p class="note">{_text(_MASKED)}</p>'] if report.is_masked else []),
        *_summary(report),
        *_switches(report),
        *_lag(report),
        *_findings(report),
        *_steps(report),
        *_decisions(report),
        *_seat(report),
        *_changes(report),
    ]
    head = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{_text(title)}</title>",
        f"<style>{_STYLE}</style>",
        "</head>",
        "<body>",
    ]
    return "\n".join([*head, *body, "</body>", "</html>"]) + "\n"


def _text(words: object) -> str:
    """Text of a server or an operator, so that it shows as it is."""
    return escape(_UNSEEN.sub("\N{REPLACEMENT CHARACTER}", str(words)))


def _time(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """A table of cells that are HTML already."""
    head = "".join(f'<th scope="col">{_text(one)}</th>' for one in heads)
    body = ["<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows]
    return ["<table>", f"<thead><tr>{head}</tr></thead>", "<tbody>", *body, "</tbody>", "</table>"]


def _summary(report: Report) -> list[str]:
    return _table(("what", ""), ((_text(name), _text(value)) for name, value in report.facts()))


def _switches(report: Report) -> list[str]:
    lines = ["<h2>Moving the writes</h2>"]
    if not report.view.attempts:
        return [*lines, "<p>The writes were not moved.</p>"]
    for attempt in report.view.attempts:
        lines += _switch(attempt)
    return lines


def _switch(attempt: AttemptView) -> list[str]:
    gap = attempt.figures.write_gap_ms if attempt.figures else None
    rows = []
    for part in attempt.steps:
        known = part.started_at is not None and part.ended_at is not None
        took = ((part.ended_at or 0.0) - (part.started_at or 0.0)) * 1000 if known else None
        rows.append((_text(part.title), _text(part.state.value), _ms(took), _text(part.note)))
    return [
        f"<h3>{attempt.number}. {attempt.direction.value}: {_text(from_to(attempt.old, attempt.new))}</h3>",
        f"<p>{_text(attempt.result)} at {_time(attempt.ended_at)}, by {_text(attempt.actor)}. Fence to open: "
        f"{_ms(attempt.window_ms)}. Write gap as clients saw it: {_ms(gap)}.</p>",
        *([f"<p>{_text(attempt.reason)}</p>"] if attempt.reason else []),
        *_table(("part", "result", "took", "observed"), rows),
    ]


def _lag(report: Report) -> list[str]:
    found = lag_summary(report.lag)
    median, worst = found["median_s"], found["worst_s"]
    known = "never known" if median is None else f"median {median:.1f} s, worst {worst:.1f} s"
    limit_s = report.view.lag.limit_s
    words = f"{found['readings']} readings, {found['unknown']} unknown: {known}; the limit is {limit_s:g} s."
    return ["<h2>Lag</h2>", f"<p>{_text(words)}</p>", lag_chart(report.lag, limit_s, report.view.attempts)]


def _findings(report: Report) -> list[str]:
    waived = {waiver.check: waiver for waiver in report.view.waivers}
    rows = []
    for finding in report.view.findings:
        waiver = waived.get(finding.check)
        accepted = f"accepted by {waiver.actor}: {waiver.reason}" if waiver else ""
        word = f'<span class="{_text(finding.word)}">{_text(finding.word)}</span>'
        rows.append((word, _text(finding.title), _text(finding.result.found), _text(accepted)))
    return ["<h2>Checks</h2>", *_table(("result", "check", "found", "accepted"), rows)]


def _steps(report: Report) -> list[str]:
    rows = []
    for step in report.view.steps:
        took = "-" if step.took_s is None else f"{step.took_s:.1f} s"
        rows.append((_text(step.item.title), _text(step.state.value), took, _text(step.note)))
    plan = report.view.plan.hash if report.view.plan else "none"
    return [f"<h2>Steps of plan {_text(plan)}</h2>", *_table(("step", "state", "took", "observed"), rows)]


def _decisions(report: Report) -> list[str]:
    rows = [tuple(_text(cell) for cell in row) for row in report.decisions()]
    return ["<h2>Decisions</h2>", *_table(DECISIONS, rows)]


def _seat(report: Report) -> list[str]:
    rows = [
        tuple(_text(one) for one in (_time(change.at), change.who, change.pid, change.how))
        for change in report.view.seat.changes
    ]
    return ["<h2>Operator's seat</h2>", *_table(SEAT, rows)] if rows else []


def _changes(report: Report) -> list[str]:
    rows = [(_time(r.at), _text(r.subject), f"<code>{_text(r.body['sql'])}</code>") for r in report.statements()]
    for one in report.view.fixes:
        sql = one.fix.undo if one.undone else one.fix.statement
        rows.append((_time(one.at), "setting", f"<code>{_text(sql)}</code>"))
    lines = ["<h2>Statements that changed a server</h2>", *_table(("when", "server", "statement"), rows)]
    if not report.view.fixes:
        return lines
    undos = [(*(_text(one) for one in row), f"<code>{_text(undo or '-')}</code>") for *row, undo in report.settings()]
    return [*lines, "<h2>Changes made for checks</h2>", *_table(SETTINGS, undos)]
