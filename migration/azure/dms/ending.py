"""The migration service at the end: it can run on for others, or be stopped."""

from __future__ import annotations

from migration.azure.account import commands
from migration.azure.dms.account import of
from migration.azure.dms.service import in_words
from migration.azure.operating import carry_out
from migration.decisions import Choice
from migration.runbook import Estimate, Gate, Migration, Observation, done, not_done
from migration.view import Guide, Option
from providers.azure import datamigration

STEP = "service_end"
CHOICE = "service_after"
KEEP, STOP = "leave it running", "stop it"

CHOOSE = Gate(
    id=CHOICE,
    title="the migration service",
    why="It is billed while it runs; after 24 hours without work it stops by itself.",
    question=lambda m: f"What becomes of {of(m).dms.name}?",
    consequence=lambda m: "Stopped, it stays with its projects, and migrations of others in it stand still.",
    word=lambda m: "",
    choices=(Choice.CONFIRM,),
    options=lambda m: (
        Option(KEEP, "for further migrations"),
        Option(STOP, "delete it in the portal where it is not needed any more"),
    ),
    guide=Guide(
        "A stopped service can be started again.",
        "Leaving it running for nothing: it is billed. It stops by itself after 24 hours without work.",
    ),
)


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    return (f"only if that is chosen: {commands(datamigration.stop_service(of(m).dms))[0]}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(120.0, "a few minutes")


def probe(m: Migration) -> Observation:
    """Whether it is stopped, or to run on."""
    found = of(m).migration_service()
    if found is None or m.chosen(CHOICE) != STOP:
        return done(in_words(m, found))
    return not_done(in_words(m, found)) if found.state != "Stopped" else done(in_words(m, found))


def apply(m: Migration) -> None:
    """Stop it.

    Raises:
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    carry_out(m, STEP, datamigration.stop_service(of(m).dms))
