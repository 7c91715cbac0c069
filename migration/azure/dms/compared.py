"""Comparing all rows while changes are carried over; offline they are compared behind the write stop."""

from __future__ import annotations

from migration.azure.dms.way import online
from migration.runbook import Estimate, Migration, Observation, done
from migration.steps import compare


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return compare.statements(m) if online(m) else ("nothing: rows are compared where nobody writes",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return compare.estimate(m) if online(m) else Estimate(0.0, "-")


def probe(m: Migration) -> Observation:
    """Whether every table was read once."""
    return compare.probe(m) if online(m) else done("rows are compared where nobody writes")


def apply(m: Migration) -> None:
    """Wait until every table was read once.

    Raises:
        Halted: the operator stopped waiting.
    """
    compare.apply(m)
