"""Waiting until the cluster is close behind the instance, by the provider's word."""

from __future__ import annotations

import time

from migration.aliyun.state import LAG_LIMIT_S
from migration.aliyun.waiting import Waiting
from migration.model import Outcome
from migration.runbook import Estimate, Halted, Migration, Observation, done, not_done

STEP = "catch_up"
_POLL_S = 0.2


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return (f"nothing is changed; DelayedSeconds is read until it is below {_limit(m):g} s",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "depends on how much was written during the copy")


def probe(m: Migration) -> Observation:
    """Whether the provider's delay is known and below the limit."""
    sample = m.desk.lag()
    if sample is None or sample.lag_s is None:
        words = f"the delay of {m.spec.target.name} is not known yet"
        return not_done(words + (f": {sample.reason}" if sample else ""))
    words = f"{m.spec.target.name} is {sample.lag_s:g} s behind by the provider's word, limit {_limit(m):g} s"
    words += f"; {sample.reason}" if sample.reason else ""
    return done(words) if sample.lag_s < _limit(m) else not_done(words)


def apply(m: Migration) -> None:
    """Wait.

    Raises:
        Halted: the operator stopped waiting.
    """
    waiting = Waiting(m, STEP, f"waiting until {m.spec.target.name} has caught up with {m.spec.source.name}")
    while (seen := probe(m)).outcome is not Outcome.DONE:
        waiting.tell(seen.note)
        if m.desk.halted():
            raise Halted
        time.sleep(_POLL_S)


def _limit(m: Migration) -> float:
    return min(LAG_LIMIT_S, m.spec.limits.lag_s)
