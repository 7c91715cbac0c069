"""Folding a journal's samples: what was measured, of which mostly the newest counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from migration.journal import Sample
from migration.view import ClientView, Condition, LagSample, ProgressView, RollbackView

if TYPE_CHECKING:
    from migration.story import Story


def _lag_sample(story: Story, sample: Sample) -> None:
    reading = LagSample(at=sample.at, **sample.body)
    story._lag.append(reading)
    limit = story.spec.limits.lag_s if story.spec else 0.0
    below = reading.lag_s is not None and not reading.at_least and reading.lag_s < limit
    if not below:
        story._below_since = None
    elif story._below_since is None:
        story._below_since = sample.at


def _progress_sample(story: Story, sample: Sample) -> None:
    story.progress = ProgressView(at=sample.at, **sample.body)


def _conditions_sample(story: Story, sample: Sample) -> None:
    gate = story.gate
    if gate is not None and gate.id == sample.body["gate"] and sample.at >= gate.opened_at:
        rows = tuple(Condition(bool(ok), text) for ok, text in sample.body["conditions"])
        story.gate = replace(gate, conditions=rows, measured_at=sample.at)


def _rollback_sample(story: Story, sample: Sample) -> None:
    story.rollback = RollbackView(measured_at=sample.at, **sample.body)


def _clients_sample(story: Story, sample: Sample) -> None:
    story.clients = tuple(ClientView(*row) for row in sample.body["rows"])


def _servers_sample(story: Story, sample: Sample) -> None:
    # Samples are told after all records: one from before the last switch knows nothing of it.
    switched = [attempt.ended_at or 0.0 for attempt in story.attempts if attempt.result == "switched"]
    if sample.at >= max(switched, default=0.0):
        story.primary = sample.body["primary"]
    story._read_only = {"source": sample.body["source_read_only"], "target": sample.body["target_read_only"]}


MEASURES: dict[str, Callable[[Story, Sample], None]] = {
    "lag": _lag_sample,
    "progress": _progress_sample,
    "conditions": _conditions_sample,
    "rollback": _rollback_sample,
    "clients": _clients_sample,
    "servers": _servers_sample,
}
SAMPLE_KINDS = tuple(MEASURES)
