"""Waiting until the replica is close behind the source. Step 3, its first half."""

from __future__ import annotations

import time

from migration.azure.state import LAG_LIMIT_S
from migration.runbook import Estimate, Halted, Migration, Observation, done, not_done

_POLL_S = 0.2


def limit_s(m: Migration) -> float:
    """How far it may be behind; the procedure names 60 s as an example."""
    return min(LAG_LIMIT_S, m.spec.limits.lag_s)


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return (f"nothing is changed; the replica's lag is measured until it is below {limit_s(m):g} s",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "depends on how much was written while the replica was made")


def probe(m: Migration) -> Observation:
    """Whether the lag is known and below the limit."""
    sample = m.desk.lag()
    if sample is None or sample.lag_s is None:
        return not_done("the lag is not known yet" + (f": {sample.reason}" if sample else ""))
    words = f"{'at least ' if sample.at_least else ''}{sample.lag_s:.1f} s behind"
    return done(words) if not sample.at_least and sample.lag_s < limit_s(m) else not_done(words)


def apply(m: Migration) -> None:
    """Wait.

    Raises:
        Halted: the operator stopped waiting.
    """
    while probe(m).outcome != "done":
        if m.desk.halted():
            raise Halted
        time.sleep(_POLL_S)
