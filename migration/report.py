"""The migration as a document: what was done, by whom, when, and what it cost. Made from the journal alone."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from migration.journal import JournalReader, Kind, Record
from migration.markdown import code as _code
from migration.markdown import table as _table
from migration.markdown import text as _text
from migration.masking.fields import masked, masked_view
from migration.masking.journal import JournalNames
from migration.masking.names import HIDDEN, Names
from migration.model import from_to
from migration.view import AttemptView, LagSample, MigrationView, ServerView
from migration.watch import Watch

# What reports show of the journal besides what a screen shows.
_SHOWN = (Kind.STATEMENT, Kind.DECISION, Kind.REFUSED)
DECISIONS = ("when", "who", "what", "about", "why", "refused")
SEAT = ("since", "who", "process", "how")
SETTINGS = ("when", "side", "setting", "from and to", "now", "undo")


def _time(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


def _known(server: ServerView) -> tuple[str, ...]:
    """What is known of a server: one that is still to be created has a name only."""
    return tuple(filter(None, (server.name, server.address, server.version)))


def _masked_record(record: Record, names: Names) -> Record:
    """A statement or a decision without names."""
    actor = names.account(record.actor) if "@" in record.actor else record.actor
    if record.kind is Kind.STATEMENT:
        body = {**record.body, "sql": names.statement(str(record.body["sql"]))}
        return replace(record, actor=actor, subject=names.label(record.subject), body=body)
    return replace(record, actor=actor, body=masked(dict(record.body), names))


def lag_summary(history: Iterable[LagSample]) -> dict[str, float | int | None]:
    """Median and worst of the readings that are known, in seconds, and how many were not."""
    readings = list(history)
    known = [sample.lag_s for sample in readings if sample.lag_s is not None]
    return {
        "readings": len(readings),
        "unknown": len(readings) - len(known),
        "median_s": statistics.median(known) if known else None,
        "worst_s": max(known, default=None),
    }


class Report:
    """The report of one migration."""

    def __init__(self, journal: Path) -> None:
        """Read the journal.

        Raises:
            JournalError: it cannot be read.
        """
        with Watch(journal) as watch:
            self.view: MigrationView = watch.view()
        with JournalReader(journal) as reader:
            self.records: tuple[Record, ...] = reader.records()
            samples = reader.samples("lag")
        self.lag = tuple(LagSample(at=sample.at, **sample.body) for sample in samples)
        self.journal = str(journal)
        self.is_masked = False

    @classmethod
    def masked(cls, journal: Path) -> Self:
        """The report as it may be passed on: names under aliases, of statements only their beginning.

        Raises:
            JournalError: it cannot be read.
        """
        report = cls(journal)
        book = JournalNames(journal)
        names = book.follow()
        report.view = masked_view(report.view, names)
        report.records = tuple(_masked_record(record, names) for record in report.records if record.kind in _SHOWN)
        report.lag = masked(report.lag, names)
        report.journal, report.is_masked = HIDDEN, True
        book.close()
        return report

    def statements(self) -> tuple[Record, ...]:
        """Every statement that was sent to change a server, in order."""
        return tuple(record for record in self.records if record.kind is Kind.STATEMENT)

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        view, refused = asdict(self.view), self._refused()
        del view["log"], view["lag"]
        return {
            "migration": view,
            "lag": lag_summary(self.lag),
            "statements": [
                {"at": record.at, "server": record.subject, "step": record.body["step"], "sql": record.body["sql"]}
                for record in self.statements()
            ],
            "decisions": [
                {
                    "at": record.at,
                    "actor": record.actor,
                    "subject": record.subject,
                    **record.body,
                    "refused": refused.get(record.seq, ""),
                }
                for record in self.records
                if record.kind is Kind.DECISION
            ],
            "journal": self.journal,
        }

    def to_markdown(self) -> str:
        """Everything, as a Markdown document."""
        sections = (
            self._summary,
            self._switches,
            self._findings,
            self._steps,
            self._decisions,
            self._seat,
            self._changes,
            self._lag,
        )
        return "\n".join(line for section in sections for line in section()) + "\n"

    def settings(self) -> list[tuple[str, str, str, str, str, str]]:
        """What was changed for checks, in columns of `SETTINGS`; the last one is empty where nothing takes it back."""
        return [
            (_time(one.at), one.fix.side.value, one.fix.setting, f"{one.fix.was} → {one.fix.becomes}",
             "taken back" if one.undone else "stays", one.fix.undo)
            for one in self.view.fixes
        ]  # fmt: skip

    def facts(self) -> list[tuple[str, str]]:
        """What was migrated, when, and how it came out: pairs for the head of the document."""
        view = self.view
        rows = [
            ("runbook", view.spec.runbook),
            ("environment", view.spec.environment),
            *self._servers(),
            ("begun", _time(view.created_at)),
            ("ended", _time(view.ended_at)),
            ("outcome", view.end.value if view.end else f"not ended: {view.headline}"),
            ("has the writes", view.primary),
        ]
        if view.figures is not None:
            rows += [
                ("acknowledged writes", str(view.figures.acknowledged_writes)),
                ("lost writes", str(view.figures.lost_writes)),
                ("both servers took writes", _ms(view.figures.both_writable_ms)),
            ]
        return rows

    def _servers(self) -> list[tuple[str, str]]:
        """The servers, or the one that is changed where it is, of which no other has to find a position."""
        view = self.view
        source, target = (", ".join(_known(one)) for one in (view.source, view.target))
        if view.spec.in_place:
            return [("server, changed where it is", source)]
        return [("source", source), ("target", target), ("positioning", view.positioning)]

    def _summary(self) -> list[str]:
        title = f"# Migration {_text(self.view.spec.id)}"
        note = ["Names stand under aliases; `cutover report --unmasked` writes them out.", ""] if self.is_masked else []
        return [title, "", *note, *_table(("what", ""), ((name, _text(value)) for name, value in self.facts()))]

    def _switches(self) -> list[str]:
        lines = ["## Moving the writes", ""]
        if not self.view.attempts:
            return [*lines, "The writes were not moved.", ""]
        for attempt in self.view.attempts:
            lines += self._switch(attempt)
        return lines

    def _switch(self, attempt: AttemptView) -> list[str]:
        gap = attempt.figures.write_gap_ms if attempt.figures else None
        lines = [
            f"### {attempt.number}. {attempt.direction.value}: {_text(from_to(attempt.old, attempt.new))}",
            "",
            f"{attempt.result} at {_time(attempt.ended_at)}, by {_text(attempt.actor)}. Fence to open: "
            f"{_ms(attempt.window_ms)}. Write gap as clients saw it: {_ms(gap)}.",
            "",
        ]
        if attempt.reason:
            lines += [_text(attempt.reason), ""]
        rows = []
        for part in attempt.steps:
            known = part.started_at is not None and part.ended_at is not None
            took = (part.ended_at or 0.0) - (part.started_at or 0.0)
            rows.append((part.title, part.state.value, _ms(took * 1000 if known else None), _text(part.note)))
        return [*lines, *_table(("part", "result", "took", "observed"), rows)]

    def _findings(self) -> list[str]:
        waived = {waiver.check: waiver for waiver in self.view.waivers}
        rows = []
        for finding in self.view.findings:
            waiver = waived.get(finding.check)
            accepted = f"accepted by {waiver.actor}: {waiver.reason}" if waiver else ""
            rows.append((finding.word, _text(finding.title), _text(finding.result.found), _text(accepted)))
        return ["## Checks", "", *_table(("result", "check", "found", "accepted"), rows)]

    def _steps(self) -> list[str]:
        rows = []
        for step in self.view.steps:
            took = "-" if step.took_s is None else f"{step.took_s:.1f} s"
            rows.append((_text(step.item.title), step.state.value, took, _text(step.note)))
        plan = self.view.plan.hash if self.view.plan else "none"
        return [f"## Steps of plan {plan}", "", *_table(("step", "state", "took", "observed"), rows)]

    def decisions(self) -> list[tuple[str, str, str, str, str, str]]:
        """What was decided, in columns of `DECISIONS`; the last one is empty where the runner followed it."""
        refused = self._refused()
        return [
            (_time(r.at), r.actor, str(r.body["choice"]), r.subject, str(r.body["reason"]), refused.get(r.seq, ""))
            for r in self.records
            if r.kind is Kind.DECISION
        ]

    def _refused(self) -> dict[int, str]:
        return {int(r.body["decision"]): str(r.body["why"]) for r in self.records if r.kind is Kind.REFUSED}

    def _decisions(self) -> list[str]:
        rows = [tuple(_text(cell) for cell in row) for row in self.decisions()]
        return ["## Decisions", "", *_table(DECISIONS, rows)]

    def _seat(self) -> list[str]:
        if not self.view.seat.changes:
            return []
        rows = [(_time(one.at), _text(one.who), str(one.pid), _text(one.how)) for one in self.view.seat.changes]
        return ["## Operator's seat", "", *_table(SEAT, rows)]

    def _changes(self) -> list[str]:
        rows = [(_time(r.at), _text(r.subject), _code(r.body["sql"])) for r in self.statements()]
        rows += [
            (_time(one.at), "setting", _code(one.fix.undo if one.undone else one.fix.statement))
            for one in self.view.fixes
        ]
        lines = ["## Statements that changed a server", "", *_table(("when", "server", "statement"), rows)]
        if not self.view.fixes:
            return lines
        undos = [(*(_text(one) for one in row), _code(undo) if undo else "-") for *row, undo in self.settings()]
        return [*lines, "## Changes made for checks", "", *_table(SETTINGS, undos)]

    def _lag(self) -> list[str]:
        found = lag_summary(self.lag)
        median, worst = found["median_s"], found["worst_s"]
        known = "never known" if median is None else f"median {median:.1f} s, worst {worst:.1f} s"
        return ["## Lag", "", f"{found['readings']} readings, {found['unknown']} unknown: {known}.", ""]
