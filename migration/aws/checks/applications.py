"""The applications: they have to be given the new endpoint."""

from __future__ import annotations

from migration.aws.checks.asking import REPLICAS, account, answered, instance
from migration.check import Pair, Result, Severity, check
from migration.checks.results import Evidence, failed, table
from migration.fences.foreign import SYSTEM_ACCOUNTS
from migration.model import Side

_CLIENTS = "SELECT user, SUBSTRING_INDEX(host, ':', 1), COUNT(*) FROM information_schema.processlist GROUP BY 1, 2"
_NOT_CLIENTS = frozenset({"event_scheduler", "system user"})


def connected(pair: Pair) -> Evidence:
    """Who is connected to the source now, as evidence: this program, replication and RDS itself left out."""
    spec = pair.spec
    ours = {spec.source.user, spec.source.replication_user, spec.target.replication_user, *spec.spared}
    left_out = SYSTEM_ACCOUNTS | _NOT_CLIENTS | ours
    rows = [row for row in pair.source.rows(_CLIENTS) if str(row[0]) not in left_out]
    return table(("user", "host", "sessions"), rows)


@check(
    "rds-endpoint",
    "applications use a name that can be changed",
    Side.CLOUD,
    Severity.NOTICE,
    why="The new instance has another endpoint; an application in which the old one is written down fails for ever.",
    asks=f"rds:DescribeDBInstances: Endpoint; {_CLIENTS}",
    page=REPLICAS,
)
@answered
def endpoint(pair: Pair) -> Result:
    """Always tells who is connected: whether an address is written down somewhere nobody can ask."""
    host = instance(pair).host
    return failed(
        "it changes with the cutover",
        connected(pair),
        f"See that each of these finds its database by a name of your own (a CNAME that lives for seconds, or a "
        f"setting that is read anew), not by {host}. The endpoint of {account(pair).replica_id} is shown once it is "
        "there; hooks can change the name at the switch.",
    )
