"""Connection tests of both sides, made by the service itself from where it will read and write."""

from __future__ import annotations

import functools

from migration.azure.dms import service
from migration.azure.dms.account import of
from migration.azure.dms.tasks import (
    begin_or_join,
    follow,
    newest,
    source_connection,
    succeeded,
    target_connection,
    trouble,
)
from migration.azure.dms.way import online
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.azure import tasks
from providers.azure.calls import Body
from providers.azure.tasks import Task

STEP = "connections"
SOURCE, TARGET = "source", "target"
_SIDES = (SOURCE, TARGET)


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    return (
        f"task {tasks.CONNECT_SOURCE}: {m.spec.source.user} at {m.spec.source.address}",
        f"task {tasks.CONNECT_TARGET}: the administrator of {of(m).target.name}",
    )


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(60.0, "half a minute a side")


def probe(m: Migration) -> Observation:
    """Whether the newest test of each side went well."""
    if idle := service.idle(m):
        return not_done(idle)
    words = []
    for side in _SIDES:
        _, found = newest(m, side)
        if found is None or not _good(found):
            return not_done(f"the {side} was not reached by the service yet")
        version = found.tried.version if found.tried is not None else None
        words.append(f"{side}: {version or 'reached'}")
    return done("; ".join(words))


def apply(m: Migration) -> None:
    """Test both.

    Raises:
        StepFailed: a side cannot be reached, or lacks something.
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    service.awake(m)
    for side in _SIDES:
        _judge(m, side, begin_or_join(m, STEP, side, functools.partial(_asks, m, side), _good))


def _judge(m: Migration, side: str, number: int) -> None:
    try:
        found = follow(m, STEP, side, number, succeeded)
        wrong = _wrong(found)
    except StepFailed as error:
        wrong = str(error)
    if wrong:
        spec = m.spec.source if side == SOURCE else m.spec.target
        raise StepFailed(
            f"{of(m).dms.name} cannot use {spec.name} at {spec.address}: {wrong} Test the connection from a virtual "
            "machine in the service's subnet: if it works there, try again; if not, ask whoever runs the network."
        )


def _good(task: Task) -> bool:
    return succeeded(task) and not _wrong(task)


def _wrong(task: Task) -> str:
    return trouble(task) if task.tried is not None and task.tried.troubles else ""


def _asks(m: Migration, side: str) -> Body:
    source, offline = source_connection(m), not online(m)
    if side == SOURCE:
        return tasks.connect_to_source(source, offline=offline)
    return tasks.connect_to_target(source, target_connection(m), offline=offline)
