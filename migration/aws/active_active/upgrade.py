"""Giving the second primary its new shape while the first one has all the writes: step 6 of the page.

It is restarted for it. Replication in both directions goes on where it was; that it does is what ends the step.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from migration.aws import create, state
from migration.aws.account import of
from migration.aws.active_active import names
from migration.model import Outcome
from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from migration.steps import follow_again, way_back
from providers.aws import instances
from providers.aws.calls import Write
from providers.aws.instances import When
from providers.aws.records import Instance, Shape
from providers.mysql.errors import ServerError

STEP = "upgrade"
# RDS lets a replica that lost its source try again once a minute.
_RUNNING_S = 150.0


def _order(m: Migration) -> Write[Instance]:
    return instances.modify(names.second_id(m), create.shape(m), When.NOW)


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    return (_order(m).shown(), "replication in both directions is waited for")


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "minutes for a class, up to hours for another storage; nobody's writes wait for it")


def probe(m: Migration) -> Observation:
    """Whether it has its shape, and each follows the other."""
    found = state.require_replica(m)
    if not _shaped(found, create.shape(m)):
        return not_done(state.in_words(found))
    for seen in (_seen(m, follow_again.probe), _seen(m, way_back.probe)):
        if seen.outcome is not Outcome.DONE:
            return seen
    return done(f"{found.instance_id} is {found.node_class}, {found.storage_type}; each follows the other")


def apply(m: Migration) -> None:
    """Change it and wait.

    Raises:
        StepFailed: it is gone or broken, or replication does not go on afterwards.
        CloudFailed, CloudSilent: as `Account.send`.
        Halted: the operator stopped waiting.
    """
    shape = create.shape(m)
    found = state.wait(m, STEP, lambda: state.replica(m), state.works)
    if not found.is_being(shape):
        of(m).send(_order(m))
    state.wait(m, STEP, lambda: state.replica(m), lambda one: _shaped(one, shape))
    _start_again(m)
    until = time.monotonic() + _RUNNING_S
    while (seen := probe(m)).outcome is not Outcome.DONE:
        if m.desk.halted():
            raise Halted
        if time.monotonic() > until:
            raise StepFailed(f"After the change: {seen.note}; cure what the server names, then try again.")
        time.sleep(state.poll_s(of(m)))


def _shaped(found: Instance, shape: Shape) -> bool:
    """Whether it has a shape, with nothing of it to come."""
    to_come = any(found.pending_value(name) for name in shape.parameters())
    return state.works(found) and found.is_being(shape) and not to_come


def _start_again(m: Migration) -> None:
    """A server that does not begin to follow by itself when it is started is told to."""
    with contextlib.suppress(ServerError):
        status = m.target.replica_status()
        if status is not None and status.io == "No" and not status.io_error and not status.applier_error:
            m.change(m.target, STEP, m.target.dialect.start_replica)


def _seen(m: Migration, look: Callable[[Migration], Observation]) -> Observation:
    try:
        return look(m)
    except ServerError as error:
        return not_done(str(error))
