"""What is asked before an instance is changed where it is: what a failover would lose, and whom it throws out."""

from __future__ import annotations

from dataclasses import replace

from migration.aws.checks import applications, instance, plans
from migration.aws.checks.asking import MULTI_AZ, answered, unsaid
from migration.aws.checks.asking import instance as described
from migration.check import Check, Pair, Result, Severity, check
from migration.checks import activity, schema
from migration.checks.results import failed, passed, table
from migration.model import Side

_SETTINGS = "https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/CHAP_BestPractices.html"
_SAFE = {"sync_binlog": "1", "innodb_flush_log_at_trx_commit": "1"}


@check(
    "rds-same-server",
    "the server knows itself after a failover",
    Side.SOURCE,
    Severity.BLOCKER,
    why="It has to be told that the server which answers afterwards has the same data.",
    asks="SELECT VERSION()",
    page=MULTI_AZ,
)
def same_server(pair: Pair) -> Result:
    """Fails for MariaDB, whose server_uid is made of the machine's."""
    if not pair.source.version.mariadb:
        return passed("server_uuid is among the data")
    return failed(
        "server_uid is of the machine",
        (),
        "MariaDB makes its server_uid of its machine's addresses, and the standby is another machine. Take the runbook "
        "rds_promote_first, with a standby chosen where one is wanted.",
    )


@check(
    "rds-durable",
    "what is acknowledged is on the disk",
    Side.SOURCE,
    Severity.BLOCKER,
    why="A failover is a crash of the primary: the standby has what was on the disk, and nothing else.",
    asks="SHOW GLOBAL VARIABLES: sync_binlog, innodb_flush_log_at_trx_commit",
    page=_SETTINGS,
)
def durable(pair: Pair) -> Result:
    """Fails where a commit is acknowledged before it is on the disk."""
    values = {name: pair.source.variable(name) or "-" for name in _SAFE}
    loose = [f"{name} = {value}" for name, value in values.items() if value != _SAFE[name]]
    evidence = table(("setting", "value"), values.items())
    if not loose:
        return passed("each commit reaches the disk", evidence)
    return failed(
        ", ".join(loose),
        evidence,
        "Set both to 1 in the parameter group of the instance, where RDS has them by default; they are in force within "
        "seconds. As they are now, a failover loses the last second or so of what clients were told is done.",
    )


@check(
    "rds-convert-in-place",
    "there is a standby",
    Side.CLOUD,
    Severity.WARNING,
    why="AWS highly recommends as a best practice not to convert a production instance to Multi-AZ.",
    asks="rds:DescribeDBInstances: MultiAZ",
    page=MULTI_AZ,
)
@answered
def convert(pair: Pair) -> Result:
    """Fails where the standby is still to be made."""
    found = described(pair)
    if found.multi_az is None:
        return unsaid("whether the instance has a standby")
    if found.multi_az:
        return passed("it has one")
    return failed(
        "it has none",
        (),
        "AWS's advice is to convert a replica and to move there: cancel, and begin the runbook rds_promote_first, with "
        "a standby and the new class chosen: writes then stop for a second or less. Converted in place, the instance "
        "stands still for a moment and is slower while its volume is copied; you are asked for your word.",
    )


@check(
    "rds-endpoint-kept",
    "clients find the standby",
    Side.CLOUD,
    Severity.NOTICE,
    why="A failover ends every session and gives the endpoint another address; its name stays.",
    asks=applications.endpoint.asks,
    page=MULTI_AZ,
)
@answered
def endpoint_kept(pair: Pair) -> Result:
    """Always tells who is connected: how long they keep an address can be asked of nobody."""
    host = described(pair).host
    return failed(
        "its address changes, its name does not",
        applications.connected(pair),
        f"Each of these has to log in again by the name {host}. See that none keeps the address for longer than a "
        "minute: a Java VM does for ever in some configurations (networkaddress.cache.ttl).",
    )


def _here(found: Check, severity: Severity, why: str) -> Check:
    """A check of the servers' own, as serious as it is where nothing is moved."""
    return replace(found, severity=severity, why=why, routes={})


def every() -> tuple[Check, ...]:
    """Every check, in the order in which it is read."""
    return (
        replace(instance.usable, why="RDS takes orders for an available instance only."),
        same_server,
        convert,
        replace(
            instance.storage,
            severity=Severity.BLOCKER,
            why="What is pending is done with the next order that is applied at once, with whatever outage it takes.",
        ),
        plans.maintenance,
        durable,
        _here(schema.engines, Severity.BLOCKER, "A failover is a crash, after which only InnoDB tables are whole."),
        _here(
            activity.long_transactions,
            Severity.WARNING,
            "Large open transactions are rolled back by the standby before anybody gets in: a failover takes longer.",
        ),
        endpoint_kept,
    )
