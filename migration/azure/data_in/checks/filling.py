"""What filling a Flexible Server from elsewhere asks of both sides."""

from __future__ import annotations

from migration.azure.checks.asking import RETIREMENT, account, answered
from migration.azure.data_in.checks.service import DATA_IN, HOW_TO, PARAMETERS
from migration.azure.services import SINGLE, service_of
from migration.check import Pair, Result, Severity, check
from migration.checks.results import count, failed, passed, table
from migration.model import Positioning, Side

_TRUST = "log_bin_trust_function_creators"
_INVISIBLE = "sql_generate_invisible_primary_key"
_OPERATOR = "operator"
_KEYLESS = (
    "SELECT t.table_schema, t.table_name FROM information_schema.tables t LEFT JOIN "
    "information_schema.table_constraints c ON c.table_schema = t.table_schema AND c.table_name = t.table_name "
    "AND c.constraint_type = 'PRIMARY KEY' WHERE t.table_type = 'BASE TABLE' AND c.constraint_name IS NULL "
    "AND t.table_schema IN ({}) ORDER BY 1, 2"
)
_STORED = (
    "SELECT routine_schema, routine_name FROM information_schema.routines WHERE routine_schema IN ({0}) UNION ALL "
    "SELECT trigger_schema, trigger_name FROM information_schema.triggers WHERE trigger_schema IN ({0})"
)
_LEAST = (5, 7)


@check(
    "azure-data-in-positions",
    "positions are files",
    Side.TARGET,
    Severity.BLOCKER,
    why="The administrator may not tell the target what it has already, which following by GTID begins with.",
    asks="the positioning of this migration",
    page=HOW_TO,
)
def positions(pair: Pair) -> Result:
    """Fails where positions are GTIDs."""
    if pair.positioning is not Positioning.GTID:
        return passed("by file and offset")
    return failed(
        "by GTID",
        (),
        "Begin again with --positioning file. (GTIDs may be on all the same. With high availability the target follows "
        "by GTID only: turn that on once the migration has ended.)",
    )


@check(
    "azure-source-version",
    "source is new enough",
    Side.SOURCE,
    Severity.BLOCKER,
    why="A Flexible Server follows MySQL 5.7 and later; no MariaDB.",
    asks="SELECT VERSION()",
    page=DATA_IN,
)
def version(pair: Pair) -> Result:
    """Fails for an older MySQL, and for a MariaDB."""
    found = pair.source.version
    if found.mysql_from(*_LEAST):
        return passed(str(found))
    return failed(
        str(found),
        (),
        "Upgrade the source to MySQL 5.7 first, or move it by Database Migration Service (runbook "
        "azure_flexible_server).",
    )


@check(
    "azure-function-creators",
    "routines and triggers can be made",
    Side.TARGET,
    Severity.BLOCKER,
    why="Without SUPER a server with a binary log lets nobody make functions and triggers, unless it is told to.",
    asks=f"{_TRUST} on the target; routines and triggers on the source",
    page=PARAMETERS,
)
def creators(pair: Pair) -> Result:
    """Fails where there are some, and the target's parameter is off."""
    names = pair.spec.databases or pair.source.databases()
    marks = ", ".join(["%s"] * len(names)) or "NULL"
    rows = pair.source.rows(_STORED.format(marks), (*names, *names))
    evidence = table(("database", "name"), rows)
    if not rows:
        return passed("there are none")
    if (pair.target.variable(_TRUST) or "OFF").upper() in ("ON", "1"):
        return passed(f"{_TRUST} is on", evidence)
    return failed(
        count(len(rows), "cannot be made", "cannot be made"),
        evidence,
        f"Set the target's server parameter {_TRUST} to ON (server parameters, in the portal).",
    )


@check(
    "azure-invisible-keys",
    "tables stay as they are",
    Side.TARGET,
    Severity.BLOCKER,
    why="From 8.0 on the service gives a table without a primary key an invisible one, and it differs from its source.",
    asks=f"{_INVISIBLE} on the target; tables without a primary key on the source",
    page=DATA_IN,
)
def invisible_keys(pair: Pair) -> Result:
    """Fails where there are such tables, and the target would add keys."""
    if (pair.target.variable(_INVISIBLE) or "OFF").upper() not in ("ON", "1"):
        return passed("none are added")
    names = pair.spec.databases or pair.source.databases()
    rows = pair.source.rows(_KEYLESS.format(", ".join(["%s"] * len(names)) or "NULL"), names)
    if not rows:
        return passed("every table has a primary key")
    return failed(
        count(len(rows), "table has none", "tables have none"),
        table(("database", "table"), rows),
        f"Set the target's server parameter {_INVISIBLE} to OFF meanwhile (server parameters, in the portal), or "
        "give these tables a primary key.",
    )


@check(
    "azure-definers",
    "who objects run as",
    Side.TARGET,
    Severity.NOTICE,
    why="The administrator may not make views, routines, triggers and events in another's name.",
    asks="the definers of routines, triggers, views and events on the source",
    page=HOW_TO,
)
def definers(pair: Pair) -> Result:
    """Fails where an object has another definer than the account used on the target."""
    ours = pair.target.endpoint.account.user
    rows = pair.source.rows(
        "SELECT definer, COUNT(*) FROM (SELECT definer, routine_schema AS base FROM information_schema.routines "
        "UNION ALL SELECT definer, trigger_schema FROM information_schema.triggers "
        "UNION ALL SELECT definer, table_schema FROM information_schema.views "
        "UNION ALL SELECT definer, event_schema FROM information_schema.events) AS every "
        "WHERE base NOT IN ('mysql', 'sys', 'information_schema', 'performance_schema') GROUP BY definer"
    )
    others = [row for row in rows if str(row[0]).rpartition("@")[0] != ours]
    if not others:
        return passed("the account that is used here")
    return failed(
        f"{ours} becomes the definer",
        table(("definer on the source", "objects"), others),
        f"On the target they run with the rights of {ours}. Make those anew whose rights matter, as the account they "
        "are to run as, once the writes have moved.",
    )


@check(
    "azure-source-retired",
    "source can be fenced and followed back",
    Side.SOURCE,
    Severity.WARNING,
    why="Single Server was retired on 2024-09-16, and has no parameter that makes it read-only.",
    asks="the service in the resource's id, where that is the source's",
    page=RETIREMENT,
)
@answered
def retired(pair: Pair) -> Result:
    """Fails where the source is a Single Server."""
    service = service_of(account(pair).spec.resource)
    if service is None or service.name != SINGLE:
        return passed("no Single Server" if service is None else service.title)
    if pair.spec.fence == _OPERATOR:
        return failed(
            service.title,
            table(("service", "what is known"), [(service.title, service.retired)]),
            "You stop the applications yourself. The way back is the same procedures; that a retired server still lets "
            "itself be attached is not known: the step arm the way back shows it before anything is moved.",
        )
    return failed(
        f"{service.title}: no fence",
        table(("service", "what is known"), [(service.title, service.retired)]),
        "Begin again with --fence operator: you stop the applications yourself.",
    )
