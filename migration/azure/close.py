"""Tidying up at the end: the signal databases go."""

from __future__ import annotations

from migration.azure import signal
from migration.azure.account import of
from migration.runbook import Estimate, Migration, Observation, done, not_done

STEP = "close"


def statements(m: Migration) -> tuple[str, ...]:
    """What will be done."""
    return (f"the databases {signal.PREFIX}... are dropped",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(10.0, "a call for each attempt")


def probe(m: Migration) -> Observation:
    """Whether none is left."""
    left = signal.left(m)
    return not_done(f"left: {', '.join(left)}") if left else done("nothing of this migration is left in the servers")


def apply(m: Migration) -> None:
    """Drop them; raises as `signal.drop`."""
    signal.drop(m)


def parting(m: Migration) -> str:
    """What completing means, in a sentence."""
    return f"{of(m).replica.name} was promoted for good: nothing flows back, and nothing is taken back by completing."
