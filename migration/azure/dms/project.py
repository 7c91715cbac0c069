"""The project in the migration service: from MySQL to Azure Database for MySQL."""

from __future__ import annotations

from typing import Any

from migration.azure.account import commands
from migration.azure.dms import service
from migration.azure.dms.account import absent, of, project_of
from migration.azure.operating import carry_out
from migration.runbook import CloudFailed, Estimate, Migration, Observation, done, not_done
from providers.azure import datamigration
from providers.azure.calls import Write

STEP = "project"


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    return commands(_write(m))


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(5.0, "a call")


def probe(m: Migration) -> Observation:
    """Whether it is there."""
    if idle := service.idle(m):
        return not_done(idle)
    account, name = of(m), project_of(m)
    try:
        found = account.read(lambda client: datamigration.project(client, account.dms, name))
    except CloudFailed as error:
        if absent(error):
            return not_done(f"there is no project {name}")
        raise
    return done(f"{name}: from {found.source or '?'} to {found.target or '?'}")


def apply(m: Migration) -> None:
    """Create it.

    Raises:
        StepFailed: the service does not run.
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    service.awake(m)
    carry_out(m, STEP, _write(m))


def _write(m: Migration) -> Write[Any]:
    account = of(m)
    found = account.migration_service()
    region = (found.location if found is not None else None) or account.spec.region
    return datamigration.create_project(account.dms, project_of(m), region)
