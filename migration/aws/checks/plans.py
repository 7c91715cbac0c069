"""What AWS itself plans for the instance, and what its own way of doing this costs."""

from __future__ import annotations

from migration.aws.checks.asking import MAINTENANCE, REPLICAS, account, answered
from migration.check import Pair, Result, Severity, check
from migration.checks.results import failed, passed, table
from migration.model import Side
from providers.aws import watching

_FIRST = "rds_promote_first"


@check(
    "rds-maintenance",
    "no maintenance is due",
    Side.CLOUD,
    Severity.WARNING,
    why="Maintenance restarts an instance, or fails it over, in the middle of whatever is under way.",
    asks="rds:DescribePendingMaintenanceActions",
    page=MAINTENANCE,
)
@answered
def maintenance(pair: Pair) -> Result:
    """Fails where AWS wants to do something to the source."""
    asked = account(pair)
    listed = asked.read(lambda client: watching.pending_maintenance(client, asked.instance_id))
    if not listed:
        return passed("none")
    rows = [(one.action, one.description, one.due or one.forced_at or "when you say so") for one in listed]
    return failed(
        ", ".join(str(one.action) for one in listed),
        table(("action", "what", "when"), rows),
        "Let it be done first, at a quiet time, or defer it (Maintenance & backups, in the console).",
    )


@check(
    "rds-promotion-restarts",
    "what the promotion costs",
    Side.CLOUD,
    Severity.NOTICE,
    why="RDS restarts a replica when it is promoted, which takes minutes, and cannot make it a replica again.",
    asks="the runbook that was chosen",
    page=REPLICAS,
)
def promotion(pair: Pair) -> Result:
    """Fails where the promotion is inside the time in which nobody can write."""
    if pair.spec.runbook == _FIRST:
        return passed("before the cutover: nobody's writes wait for it")
    return failed(
        "minutes without writes",
        (),
        f"Take the runbook {_FIRST} instead: it promotes first and moves the writes in a second or less. Or tell "
        "everybody that nothing can be written for some minutes.",
    )
