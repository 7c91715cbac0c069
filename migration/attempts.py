"""An attempt to move the writes, as its records in the journal tell it."""

from __future__ import annotations

from dataclasses import replace

from migration.journal import Record
from migration.model import Direction
from migration.view import AttemptView, StepState, SwitchStep


def begun(record: Record) -> AttemptView:
    """What `Scribe.attempt` wrote."""
    body = record.body
    return AttemptView(
        number=int(record.subject),
        direction=Direction(body["direction"]),
        old=body["old"],
        new=body["new"],
        actor=body["actor"],
        started_at=record.at,
        ended_at=None,
        result="running",
        reason="",
        past_no_return=False,
        fenced_at=None,
        opened_at=None,
        budget_s=body["budget_s"],
        steps=tuple(SwitchStep(part, title, StepState.TODO, None, None, "") for part, title in body["parts"]),
    )


def with_part(
    attempt: AttemptView, part: str, state: StepState, began: float, ended: float | None = None, note: str = ""
) -> AttemptView:
    """The attempt once a part of it has come so far; times in seconds since the epoch."""
    steps = tuple(
        replace(step, state=state, started_at=began, ended_at=ended, note=note) if step.id == part else step
        for step in attempt.steps
    )
    attempt = replace(attempt, steps=steps)
    if part == "fence" and attempt.fenced_at is None:
        attempt = replace(attempt, fenced_at=began)
    if part == "promote" and state is StepState.DONE:
        attempt = replace(attempt, opened_at=ended)
    return attempt
