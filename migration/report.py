"""The migration as a document: what was done, by whom, when, and what it cost. Made from the journal alone."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from migration.journal import JournalReader, Kind, Record
from migration.masking.fields import masked, masked_view
from migration.masking.journal import JournalNames
from migration.masking.names import HIDDEN, Names
from migration.view import AttemptView, LagSample, MigrationView
from migration.watch import Watch

# What reports show of the journal besides what a screen shows.
_SHOWN = (Kind.STATEMENT, Kind.DECISION)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_MARKUP = re.compile(r"([\\`*\[\]<>|])")


def _time(at: float | None) -> str:
    return "-" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _text(words: object) -> str:
    """Text of a server or an operator, so that it shows as it is in a Markdown document."""
    return _MARKUP.sub(r"\\\1", _CONTROL.sub("�", str(words)))


def _code(words: object) -> str:
    """Text as inline code."""
    plain = _CONTROL.sub("�", str(words)).replace("|", "\\|")
    return f"`` {plain} ``" if "`" in plain else f"`{plain}`"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    names = list(head)
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms"


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
        view = asdict(self.view)
        del view["log"], view["lag"]
        return {
            "migration": view,
            "lag": lag_summary(self.lag),
            "statements": [
                {"at": record.at, "server": record.subject, "step": record.body["step"], "sql": record.body["sql"]}
                for record in self.statements()
            ],
            "decisions": [
                {"at": record.at, "actor": record.actor, "subject": record.subject, **record.body}
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
            self._changes,
            self._lag,
        )
        return "\n".join(line for section in sections for line in section()) + "\n"

    def facts(self) -> list[tuple[str, str]]:
        """What was migrated, when, and how it came out: pairs for the head of the document."""
        view = self.view
        rows = [
            ("runbook", view.spec.runbook),
            ("environment", view.spec.environment),
            ("source", f"{view.source.name}, {view.source.address}, {view.source.version}"),
            ("target", f"{view.target.name}, {view.target.address}, {view.target.version}"),
            ("positioning", view.positioning),
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
            f"### {attempt.number}. {attempt.direction.value}: {_text(attempt.old)} → {_text(attempt.new)}",
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

    def _decisions(self) -> list[str]:
        rows = [
            (_time(r.at), _text(r.actor), _text(r.body["choice"]), _text(r.subject), _text(r.body["reason"]))
            for r in self.records
            if r.kind is Kind.DECISION
        ]
        return ["## Decisions", "", *_table(("when", "who", "what", "about", "why"), rows)]

    def _changes(self) -> list[str]:
        rows = [(_time(r.at), _text(r.subject), _code(r.body["sql"])) for r in self.statements()]
        rows += [
            (_time(one.at), "setting", _code(one.fix.undo if one.undone else one.fix.statement))
            for one in self.view.fixes
        ]
        return ["## Statements that changed a server", "", *_table(("when", "server", "statement"), rows)]

    def _lag(self) -> list[str]:
        found = lag_summary(self.lag)
        median, worst = found["median_s"], found["worst_s"]
        known = "never known" if median is None else f"median {median:.1f} s, worst {worst:.1f} s"
        return ["## Lag", "", f"{found['readings']} readings, {found['unknown']} unknown: {known}.", ""]
