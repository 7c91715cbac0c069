"""Seeing that everything arrived that the service carries: schema, programs, foreign keys."""

from __future__ import annotations

from migration.azure.dms import copy
from migration.azure.dms.inventory import CARRIED, inventory, lacking
from migration.azure.dms.way import offline
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done

STEP = "arrived"
_SHOWN = 5


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    when = " behind the write stop" if offline(m) else ""
    return (f"nothing is changed; what both servers have is listed and compared{when}: {', '.join(CARRIED)}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(5.0, "a few lists of each server")


def probe(m: Migration) -> Observation:
    """Whether nothing is missing."""
    if offline(m):
        return done("offline it is looked at behind the write stop")
    gaps = missing(m)
    return not_done(gaps) if gaps else done(in_words(m))


def apply(m: Migration) -> None:
    """Say what is missing: only a person can know why.

    Raises:
        StepFailed: something is.
    """
    require(m)


def require(m: Migration) -> None:
    """See that everything is there.

    Raises:
        StepFailed: something is not.
    """
    gaps = missing(m)
    if gaps:
        raise StepFailed(
            f"{m.target.name} lacks what the migration service should have carried: {gaps}. Create it there as it is "
            f"on {m.source.name} (SHOW CREATE writes the statements), then try again."
        )


def missing(m: Migration) -> str:
    """What the target lacks, in words; empty where it lacks nothing."""
    names = copy.selected(m)
    found = lacking(inventory(m.source, names), inventory(m.target, names))
    shown = ", ".join(f"{kind} {name}" for kind, name in found[:_SHOWN])
    return f"{shown}, and {len(found) - _SHOWN} more" if len(found) > _SHOWN else shown


def in_words(m: Migration) -> str:
    """What the target has, counted."""
    found = inventory(m.target, copy.selected(m))
    return ", ".join(f"{kind}: {len(found[kind])}" for kind in CARRIED)
