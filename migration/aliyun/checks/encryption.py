"""Encryption of files and of connections: forbidden by the rules of 2019, and a matter of equal endpoints since."""

from __future__ import annotations

from migration.aliyun import addresses
from migration.aliyun.checks.asking import (
    BOTH_WAYS,
    FAQ,
    account,
    answered,
    moving,
    unsaid,
)
from migration.check import Pair, Result, Severity, check
from migration.checks.results import Evidence, count, failed, not_applicable, passed, table
from migration.model import Side
from providers.aliyun import rds

_STATES = {True: "on", False: "off", None: "unknown"}


@check(
    "rds-encryption-off",
    "neither TDE nor SSL (rules of 2019)",
    Side.CLOUD,
    Severity.BLOCKER,
    why="By the rules of 2019 the provider migrates no instance whose files or connections are encrypted.",
    asks="rds:DescribeDBInstanceTDE, rds:DescribeDBInstanceSSL",
    routes=BOTH_WAYS,
    page="Upgrade RDS for MySQL to POLARDB for MySQL with one click (2019), Prerequisites",
)
@answered
def encryption_off(pair: Pair) -> Result:
    """Fails under the rules of 2019 where TDE or SSL is on."""
    if account(pair).rules != "2019":
        return not_applicable("allowed by the rules of 2026")
    (tde, ssl), evidence = _encryption(pair)
    on = [name for name, state in (("TDE", tde), ("SSL", ssl)) if state]
    if not on:
        return (
            passed("both are off", evidence) if None not in (tde, ssl) else unsaid("whether TDE or SSL is on", evidence)
        )
    return failed(
        f"{' and '.join(on)} on",
        evidence,
        "SSL is turned off in the RDS console (Data Security, SSL Encryption; the instance restarts, so clients lose "
        "their connections, and those that insist on TLS cannot log in). TDE cannot be turned off again: restore the "
        "data to an instance without it. Or go by the rules of 2026, which allow both, if your region offers them.",
    )


@check(
    "rds-encryption",
    "what is encrypted on the source",
    Side.CLOUD,
    Severity.NOTICE,
    why="The cluster is not said to take TDE and SSL over: what is encrypted now may not be afterwards.",
    asks="rds:DescribeDBInstanceTDE, rds:DescribeDBInstanceSSL",
    routes=BOTH_WAYS,
    page=FAQ,
)
@answered
def encryption(pair: Pair) -> Result:
    """Tells under the rules of 2026 where TDE or SSL is on."""
    if account(pair).rules == "2019":
        return not_applicable("the rules of 2019 forbid it")
    (tde, ssl), evidence = _encryption(pair)
    on = [name for name, state in (("TDE", tde), ("SSL", ssl)) if state]
    if not on:
        return passed("nothing", evidence) if None not in (tde, ssl) else unsaid("whether TDE or SSL is on", evidence)
    return failed(
        f"{' and '.join(on)} on",
        evidence,
        "Once the cluster is there, turn on the same in the PolarDB console (Settings and Management, Security). SSL: "
        "before the switch, on every endpoint that is to be exchanged with one that has it; clients that check "
        "certificates need the cluster's CA. TDE: it restarts the cluster, so before the switch as well.",
    )


@check(
    "polardb-endpoints",
    "every address has its partner",
    Side.CLOUD,
    Severity.NOTICE,
    why="A switch with endpoints exchanges only addresses of one network, one VPC and the same SSL state.",
    asks="polardb:DescribeDBClusterMigration: RdsEndpointList, DBClusterEndpointList",
    routes=BOTH_WAYS,
    again=True,
    page=FAQ,
)
@answered
def endpoints(pair: Pair) -> Result:
    """Fails where an address of the source would not be exchanged, once there is a cluster."""
    found = moving(pair)
    if found is None:
        return not_applicable("there is no cluster yet")
    rows = addresses.table(found)
    left = [row for row in rows if row.ours is None]
    evidence = table(
        ("of the source", "network", "SSL", "of the cluster", "why not"),
        [
            (
                row.theirs.host, row.theirs.network, _STATES[row.theirs.ssl], row.ours.host if row.ours else "-",
                row.why,
            )
            for row in rows
        ],
    )  # fmt: skip
    if not left:
        return passed(f"all {len(rows)}", evidence)
    return failed(
        count(len(left), "address stays", "addresses stay"),
        evidence,
        "Before the switch: add the endpoint that is missing to the cluster, or turn SSL on or off on it so that both "
        "are alike (PolarDB console, Database Connections). Clients of an address that is not exchanged have to be "
        "given another one. Where the switch is made without endpoints, nothing has to be done.",
    )


def _encryption(pair: Pair) -> tuple[tuple[bool | None, bool | None], Evidence]:
    """Whether TDE and SSL are on, and the evidence."""
    asked = account(pair)
    tde = pair.once("rds tde", lambda: asked.read(lambda client: rds.tde(client, asked.instance_id)))
    ssl = pair.once("rds ssl", lambda: asked.read(lambda client: rds.ssl(client, asked.instance_id)))
    rows = [("TDE", _STATES[tde.enabled], tde.unsupported or ""), ("SSL", _STATES[ssl.enabled], ssl.unsupported or "")]
    rows += [("TDE of", str(name), _STATES[on]) for name, on in tde.databases or () if on]
    return (tde.enabled, ssl.enabled), table(("what", "state", "note"), rows)
