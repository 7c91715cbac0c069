"""Which screen belongs to the state of a migration, and the seven steps that operators count."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from migration.model import Direction, Stage
from migration.view import AttemptView, MigrationView, StepState


class Place(StrEnum):
    """The screens that follow the migration by themselves."""

    CHECKS = "checks"
    CHOOSE = "choose"
    PLAN = "plan"
    COPY = "copy"
    LAG = "lag"
    PROGRESS = "progress"
    AFTER = "after"
    END = "end"


@dataclass(frozen=True)
class RailStep:
    """One of the seven steps: `number` from 1; `mark` is ✓, ▶, · or !; `took_s` None where nobody measured it."""

    number: int
    name: str
    mark: str
    took_s: float | None


STEPS = ("Connect", "Checks", "Plan", "Copy", "Replicate", "Cut over", "Finish")
_CURRENT = {
    Place.CHECKS: 1,
    Place.CHOOSE: 2,
    Place.PLAN: 2,
    Place.COPY: 3,
    Place.LAG: 4,
    Place.PROGRESS: 5,
    Place.AFTER: 6,
    Place.END: 6,
}
_COPY, _REPLICATE = 3, 4
_STAGE_OF = {_COPY: Stage.CREATE, _REPLICATE: Stage.SYNC, 5: Stage.CUTOVER, 6: Stage.OBSERVE}
# What the fourth is called where a server is changed where it is.
_PREPARE = "Prepare"


def moving(view: MigrationView) -> AttemptView | None:
    """The attempt that is going on, or whose result is still being found out."""
    attempt = view.attempt
    return attempt if attempt and attempt.result in ("running", "unknown") and view.end is None else None


def rolled_back(view: MigrationView) -> bool:
    """Whether the writes were moved to the target and are back on the source."""
    last = view.attempt
    return last is not None and last.direction is Direction.ROLLBACK and last.result == "switched"


def place(view: MigrationView) -> Place:
    """The screen that shows what is going on now."""
    if view.end is not None:
        return Place.END
    if moving(view):
        return Place.PROGRESS
    if view.gate is not None and view.gate.options:
        return Place.CHOOSE
    if view.stage is Stage.PREPARE:
        if view.approved:
            return Place.COPY
        return Place.PLAN if view.gate is not None and view.gate.id == "plan" else Place.CHECKS
    if view.stage in (Stage.OBSERVE, Stage.COMPLETE):
        # After a rollback the last stage is completion on the source, and the same screen tells it.
        return Place.AFTER
    if view.stage is Stage.CREATE:
        return Place.COPY
    waits = view.gate is not None and view.gate.id == "cutover"
    return Place.LAG if waits or view.lag.latest is not None else Place.COPY


def rail(view: MigrationView | None, here: int | None = None) -> tuple[RailStep, ...]:
    """The steps that this migration takes, with their marks; `here` overrides which one is current.

    Numbers are those of all seven, by whose keys one looks at them.
    """
    if view is None:
        current = here if here is not None else -1
        return tuple(RailStep(n + 1, name, "▶" if n == current else "·", None) for n, name in enumerate(STEPS))
    taken = [n for n in range(len(STEPS)) if n not in _left_out(view)]
    now = here if here is not None else _CURRENT[place(view)]
    now = next(n for n in taken if n >= now)
    ended = view.end is not None
    return tuple(RailStep(n + 1, _name(view, n), _mark(n, now, ended, view), _took(view, n)) for n in taken)


def _left_out(view: MigrationView) -> frozenset[int]:
    """The steps for which the runbook has nothing to do, as far as its plan is known."""
    if view.plan is None:
        return frozenset([_REPLICATE]) if view.spec.in_place else frozenset()
    has = {item.stage for item in view.plan.items}
    return frozenset(n for n in (_COPY, _REPLICATE) if _STAGE_OF[n] not in has)


def _name(view: MigrationView, number: int) -> str:
    return _PREPARE if number == _COPY and view.spec.in_place else STEPS[number]


def _mark(number: int, now: int, ended: bool, view: MigrationView) -> str:
    if ended:
        reached = number <= 2 or number == 6 or _took(view, number) is not None
        return "✓" if reached else "·"
    if number == now:
        return "▶"
    return "✓" if number < now else "·"


def _took(view: MigrationView, number: int) -> float | None:
    if number == 5 and view.attempts:
        last = view.attempts[-1]
        return last.ended_at - last.started_at if last.ended_at is not None else None
    stage = _STAGE_OF.get(number)
    steps = [step for step in view.steps if step.item.stage is stage and step.started_at is not None]
    if not steps:
        return None
    began = min(step.started_at for step in steps if step.started_at is not None)
    ends = [step.ended_at for step in steps if step.ended_at is not None]
    busy = any(step.state in (StepState.RUNNING, StepState.WAITING) for step in steps)
    return max(ends) - began if ends and not busy else None
