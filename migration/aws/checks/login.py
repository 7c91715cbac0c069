"""The account this program logs in with: RDS's master user, or one with the same rights."""

from __future__ import annotations

from migration.aws.checks.asking import EXTERNAL, MASTER_USER, answered, instance
from migration.check import Pair, Result, Severity, check
from migration.checks.replicators import may_replicate
from migration.checks.results import failed, passed, table
from migration.model import Side
from providers.mysql.endpoint import Account

# What starts, stops and configures replication, ends sessions and keeps binary logs.
_CALLED = ("rds_start_replication", "rds_stop_replication", "rds_kill", "rds_set_configuration")
_THERE = "SELECT routine_name FROM information_schema.routines WHERE routine_schema = 'mysql'"


@check(
    "rds-procedures",
    "RDS's procedures can be called",
    Side.SOURCE,
    Severity.BLOCKER,
    why="What takes SUPER elsewhere is done by procedures in schema mysql, which the master user may call.",
    asks=_THERE,
    page=MASTER_USER,
)
def procedures_there(pair: Pair) -> Result:
    """Fails where this account does not see them."""
    seen = {str(row[0]) for row in pair.source.rows(_THERE)}
    lacking = [name for name in _CALLED if name not in seen]
    user = pair.source.endpoint.account.user
    if not lacking:
        return passed(f"{user} sees them")
    return failed(
        f"{user} lacks {', '.join(lacking)}",
        table(("procedure",), [(name,) for name in lacking]),
        f"Use the instance's master user, or grant EXECUTE on mysql.* to {user}. Where it is the master user, set its "
        "password anew in the console, which gives it its rights back.",
    )


@check(
    "rds-master-user",
    "master user is used",
    Side.CLOUD,
    Severity.WARNING,
    why="It is the account whose rights RDS looks after; another may lack one in the middle of the cutover.",
    asks="rds:DescribeDBInstances: MasterUsername",
    page=MASTER_USER,
)
@answered
def master_user(pair: Pair) -> Result:
    """Fails where another account is used."""
    master, user = instance(pair).master_user, pair.source.endpoint.account.user
    evidence = table(("master user", "used here"), [(master, user)])
    if master == user:
        return passed(user, evidence)
    return failed(
        f"{user}, not {master}",
        evidence,
        f"Log in as {master}; or see that {user} has every right of a master user, and that no application uses it: "
        "it is not locked out when writes are stopped.",
    )


@check(
    "rds-replication-account",
    "account for replication",
    Side.SOURCE,
    Severity.BLOCKER,
    why="After the promotion each side logs in to the other with it; RDS's own replication account is RDS's alone.",
    asks="log in with the account from this machine; SHOW GRANTS",
    page=EXTERNAL,
)
def replication_account(pair: Pair) -> Result:
    """Fails where the account given for replication cannot log in to the source, or not replicate."""
    user, server = pair.spec.source.replication_user, pair.source
    remedy = (
        f"On {server.name}, as its master user: CREATE USER '{user}'@'%' IDENTIFIED BY ... REQUIRE SSL; GRANT "
        f"REPLICATION SLAVE ON *.* TO '{user}'@'%'. The replica gets it with the data."
    )
    return may_replicate(server, Account(user, pair.secrets.source_replication), remedy)
