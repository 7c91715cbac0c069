"""Learning the names of a migration from its journal, in the order in which it tells of them."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from migration.check import Finding
from migration.journal import JournalReader, Kind, Record, Sample
from migration.masking.fields import masked, migration_alias
from migration.masking.names import NameKind, Names
from migration.model import MigrationSpec
from migration.records import read_plan
from migration.story import SAMPLE_KINDS
from migration.view import ClientView


class JournalNames:
    """The names of one journal, which follow it as it grows.

    Records and samples are taken in by their time, so that whoever reads the journal later gives the same aliases as
    who was there. It may be used by several threads.
    """

    def __init__(self, path: Path) -> None:
        self.names = Names()
        self._path = path
        self._record = 0
        self._samples = dict.fromkeys(SAMPLE_KINDS, 0)
        self._changes: int | None = None
        self._reader: JournalReader | None = None
        self._lock = threading.Lock()

    def follow(self) -> Names:
        """Learn what has been written since the last time.

        Raises:
            JournalError: the journal cannot be read.
        """
        with self._lock:
            self._reader = self._reader or JournalReader(self._path)
            changes = self._reader.changes()
            if changes != self._changes:
                for one in self._news(self._reader):
                    self._learn(one)
                self._changes = changes
        return self.names

    def close(self) -> None:
        """Let go of the journal."""
        with self._lock:
            if self._reader is not None:
                self._reader.close()
                self._reader = None
                self._changes = None

    def _news(self, reader: JournalReader) -> Iterator[Record | Sample]:
        records = reader.records(self._record)
        samples = sorted(
            (sample for kind in SAMPLE_KINDS for sample in reader.samples(kind, self._samples[kind])),
            key=lambda sample: sample.seq,
        )
        for record in records:
            self._record = record.seq
        for sample in samples:
            self._samples[sample.kind] = max(self._samples[sample.kind], sample.seq)
        both: tuple[Iterable[Record | Sample], ...] = (records, samples)
        yield from heapq.merge(*both, key=lambda one: one.at)

    def _learn(self, one: Record | Sample) -> None:
        if isinstance(one, Sample):
            _learn_sample(self.names, one)
        else:
            _learn_record(self.names, one)


def learn_spec(names: Names, spec: MigrationSpec) -> None:
    """Learn what an operator asked for; what the servers are called comes first: `host-1` is the source."""
    for label in (spec.source.name, spec.target.name):
        names.label(label)
    masked(spec, names)


def _learn_sample(names: Names, sample: Sample) -> None:
    if sample.kind == "clients":
        masked(tuple(ClientView(*row) for row in sample.body["rows"]), names)
    else:
        _learn_text(names, sample.body)


def _learn_record(names: Names, record: Record) -> None:
    if record.kind is Kind.CREATED:
        spec = MigrationSpec.from_json(record.body)
        names.call_migration(spec.id, migration_alias(record.at))
        learn_spec(names, spec)
    elif record.kind is Kind.PLACED:
        names.label(str(record.body["name"]))
        names.alias(NameKind.HOST, str(record.body["host"]))
    elif record.kind is Kind.FINDING:
        finding = Finding.from_json(record.body)
        for fix in finding.result.fixes:
            names.learn_from_statement(fix.statement)
        masked(finding, names)
    elif record.kind is Kind.PLAN:
        plan = read_plan(record.subject, record.body)
        for item in plan.items:
            for statement in item.statements:
                names.learn_from_statement(statement)
        masked(plan, names)
    elif record.kind is Kind.STATEMENT:
        names.learn_from_statement(str(record.body["sql"]))
    else:
        _learn_text(names, record.body)
    if "@" in record.actor:
        names.account(record.actor)


def _learn_text(names: Names, body: Mapping[str, Any]) -> None:
    for text in _texts(body.values()):
        names.text(text)


def _texts(values: Iterable[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, Mapping):
            yield from _texts(value.values())
        elif isinstance(value, list):
            yield from _texts(value)
