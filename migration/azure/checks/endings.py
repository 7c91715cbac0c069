"""What becomes of others when the old server goes."""

from __future__ import annotations

from migration.azure.checks.asking import AZURE, REPLICAS, account, answered
from migration.check import Pair, Result, Severity, check
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.model import Side


@check(
    "azure-other-replicas",
    "no other replica stays behind",
    Side.CLOUD,
    Severity.WARNING,
    why="Other replicas follow the old server, not the new one; once it is deleted they stand still for good.",
    asks="Replicas_ListByServer",
    routes=AZURE,
    page=REPLICAS,
)
@answered
def others(pair: Pair) -> Result:
    """Fails where the source has replicas besides this migration's."""
    asked = account(pair)
    listed = asked.read(lambda client: asked.service.replicas(client, asked.source))
    if listed is None:
        return not_applicable("the classic service does not list them; look in the portal")
    rest = [one for one in listed if (one.name or "").lower() != asked.replica.name.lower()]
    if not rest:
        return passed("there is none")
    return failed(
        count(len(rest), "other replica", "other replicas"),
        table(("replica", "state"), [(one.name, one.state) for one in rest]),
        "Make replicas of the new server once it has the writes, and move what reads from these to them.",
    )
