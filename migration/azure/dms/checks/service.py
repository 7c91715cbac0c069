"""The migration service: whether it is there, runs, and can do what is wanted of it."""

from __future__ import annotations

from migration.azure.checks.asking import AZURE, answered, unsaid
from migration.azure.dms.account import SUBNET
from migration.azure.dms.checks.asking import FAQ, ONLINE_PAGE, account, is_online
from migration.check import Fix, Pair, Result, Severity, check
from migration.checks.results import failed, not_applicable, passed, table
from migration.model import Side

_PREMIUM = "premium"


@check(
    "azure-dms-service",
    "migration service runs",
    Side.CLOUD,
    Severity.WARNING,
    why="A service that was stopped, or paused itself after 24 hours without work, does nothing.",
    asks="Services_Get: provisioningState",
    routes=AZURE,
    again=True,
    page=FAQ,
)
@answered
def runs(pair: Pair) -> Result:
    """Fails where it does not run."""
    asked = account(pair)
    found = asked.migration_service()
    if found is None:
        evidence = table(("service", "to be made with"), [(asked.dms, asked.spec.options.get(SUBNET) or "no subnet")])
        if asked.spec.options.get(SUBNET):
            return passed("it is made once the plan is approved", evidence)
        remedy = "Begin again with --option service=ID for one that is there, or --option subnet=ID to have one made."
        return failed("there is none, and no subnet to make one in", evidence, remedy)
    evidence = table(("service", "state", "size"), [(found.name, found.state, found.sku)])
    if found.state is None:
        return unsaid("the state of the migration service", evidence)
    if found.running:
        return passed(found.state, evidence)
    remedy = "It is started on your word: here, or when the migration needs it and asks."
    start = Fix(
        Side.CLOUD, asked.starting(), "", "migration service", found.state, "Succeeded", "migrations in this service"
    )
    return failed(found.state, evidence, remedy, *((start,) if found.state == "Stopped" else ()))


@check(
    "azure-dms-service-tier",
    "migration service is Premium",
    Side.CLOUD,
    Severity.BLOCKER,
    why="Online migrations need the Premium tier; several cores copy in parallel.",
    asks="Services_Get: sku",
    routes=AZURE,
    page=ONLINE_PAGE,
)
@answered
def tier(pair: Pair) -> Result:
    """Fails where an online migration is wanted and the service is not Premium."""
    asked = account(pair)
    found = asked.migration_service()
    sku, of_tier = (asked.sku, "") if found is None else (found.sku, found.tier)
    evidence = table(("service", "size", "tier"), [(asked.dms.name, sku, of_tier)])
    if not sku:
        return unsaid("the size of the migration service", evidence)
    if not is_online(pair):
        return not_applicable(f"{sku}: any size will do where nothing is followed")
    if _PREMIUM in (of_tier or sku).lower():
        return passed(sku, evidence)
    return failed(sku, evidence, "Use a service of the size Premium_4vCores, or migrate offline.")
