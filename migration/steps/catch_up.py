"""Waiting until the target is close behind the source."""

from __future__ import annotations

import time

from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.mysql import replication

_POLL_S = 0.1
_STATUS_EVERY = 10


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return (f"nothing is changed; the lag is measured until it is below {m.spec.limits.lag_s:g} s",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "depends on how much was written during the copy")


def probe(m: Migration) -> Observation:
    """Whether the lag is known and below the limit."""
    sample = m.desk.lag()
    if sample is None or sample.lag_s is None:
        return not_done("the lag is not known yet" + (f": {sample.reason}" if sample else ""))
    words = f"{m.target.name} is {'at least ' if sample.at_least else ''}{sample.lag_s:.1f} s behind"
    if sample.at_least or sample.lag_s >= m.spec.limits.lag_s:
        return not_done(words)
    return done(words)


def apply(m: Migration) -> None:
    """Wait.

    Raises:
        StepFailed: replication stopped with an error.
        Halted: the operator stopped waiting.
    """
    turn = 0
    while probe(m).outcome != "done":
        if m.desk.halted():
            raise Halted
        if turn % _STATUS_EVERY == 0:
            status = replication.follows(m.target, m.source)
            if status is None or status.applier_error:
                trouble = status.trouble if status else f"it no longer follows {m.source.name}"
                raise StepFailed(
                    f"Replication on {m.target.name} stopped ({trouble}); cure it, start it, then run `cutover resume`."
                )
        turn += 1
        time.sleep(_POLL_S)
