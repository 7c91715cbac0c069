"""What there is to migrate: how much, of which kinds, and what stays behind."""

from __future__ import annotations

from migration.azure.checks.asking import AZURE, answered
from migration.azure.dms.checks.asking import FAQ, ONLINE_PAGE, is_online
from migration.azure.dms.inventory import CARRIED, EVENT, inventory
from migration.check import Pair, Result, Severity, check
from migration.checks import facts
from migration.checks.binlog import kept_seconds
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.checks.sight import require
from migration.model import Side

_TIB = 1 << 40
_MOST_TABLES = 10_000
_TWO_DAYS_S = 172_800
_SIZES = (
    "SELECT table_schema, SUM(COALESCE(data_length, 0) + COALESCE(index_length, 0)) FROM information_schema.tables "
    "WHERE table_schema IN ({}) GROUP BY table_schema ORDER BY 2 DESC"
)


@check(
    "azure-dms-inventory",
    "what is migrated",
    Side.SOURCE,
    Severity.NOTICE,
    why="The service carries schema, data and programs; accounts, events and settings it does not.",
    asks="information_schema: tables, statistics, referential_constraints, views, routines, triggers, events",
    routes=AZURE,
    page=FAQ,
)
def contents(pair: Pair) -> Result:
    """Fails, as a notice, where something is there that the service does not carry."""
    moved = facts.moved(pair)
    require(pair.source, "SELECT", moved)
    found = inventory(pair.source, moved)
    rows = [(kind, len(found[kind]), "yes") for kind in CARRIED]
    events = sorted(found[EVENT])
    bare = _without_tables(pair)
    rows += [(EVENT, len(events), "NO"), ("database without tables", len(bare), "NO")]
    evidence = table(("what", "how many", "migrated"), rows)
    if not events and not bare:
        return passed(", ".join(f"{kind}: {len(found[kind])}" for kind in CARRIED), evidence)
    return failed(
        f"not migrated: {', '.join([*events, *bare][:3])}",
        (*evidence, *[(one, "1", "NO") for one in (*events, *bare)]),
        "Create these on the target yourself: SHOW CREATE EVENT and SHOW CREATE DATABASE write the statements.",
    )


def _without_tables(pair: Pair) -> list[str]:
    used = {one.base for one in facts.tables(pair)}
    return sorted(set(facts.moved(pair)) - used)


@check(
    "azure-dms-over-1-tb",
    "databases of less than 1 TB",
    Side.SOURCE,
    Severity.BLOCKER,
    why="Beyond 1 TB the provider has to scale its migration agent up first.",
    asks="data_length and index_length in information_schema.tables",
    routes=AZURE,
    page=FAQ,
)
def over_1_tb(pair: Pair) -> Result:
    """Fails where a database has more than 1 TB, or all of them together."""
    moved = facts.moved(pair)
    require(pair.source, "SELECT", moved)
    rows = pair.source.rows(_SIZES.format(", ".join(["%s"] * len(moved)) or "NULL"), moved)
    sizes = [(str(name), int(size or 0)) for name, size in rows]
    whole = sum(size for _, size in sizes)
    evidence = table(("database", "GiB"), [(name, f"{size / (1 << 30):.1f}") for name, size in sizes])
    if whole <= _TIB:
        return passed(f"{whole / (1 << 30):.1f} GiB", evidence)
    return failed(
        f"{whole / _TIB:.1f} TiB",
        evidence,
        "Raise a support ticket with Azure Database Migration Service to have the migration agent scaled up, then "
        "accept this with the ticket's number as the reason.",
    )


@check(
    "azure-dms-tables",
    "fewer than 10,000 tables",
    Side.SOURCE,
    Severity.WARNING,
    why="A task of more than about 10,000 tables has been seen to exceed what the service can store of it.",
    asks="information_schema.tables",
    routes=AZURE,
    page=ONLINE_PAGE,
)
def tables(pair: Pair) -> Result:
    """Fails where there are more."""
    number = len(facts.tables(pair))
    if number <= _MOST_TABLES:
        return passed(count(number, "table", "tables"))
    remedy = "Migrate some of the databases at a time."
    return failed(f"{number:,} tables", table(("tables",), [(number,)]), remedy)


@check(
    "azure-dms-names",
    "names of databases in lower case",
    Side.SOURCE,
    Severity.WARNING,
    why="The service leaves databases out whose names mix capitals and small letters.",
    asks="SHOW DATABASES",
    routes=AZURE,
    page=ONLINE_PAGE,
)
def names(pair: Pair) -> Result:
    """Fails where a name has capitals."""
    mixed = [name for name in facts.moved(pair) if name != name.lower()]
    if not mixed:
        return passed("all are in lower case")
    rows = [(name,) for name in mixed]
    return failed(
        ", ".join(mixed[:3]),
        table(("database",), rows),
        "Migrate these another way (runbook mysql_replication), or give them other names first.",
    )


@check(
    "azure-dms-retention",
    "binary log is kept for two days",
    Side.SOURCE,
    Severity.WARNING,
    why="Changes are read from the log: what is deleted before it was read makes the migration begin anew.",
    asks="SHOW GLOBAL VARIABLES: binlog_expire_logs_seconds, expire_logs_days",
    routes=AZURE,
    page=ONLINE_PAGE,
)
@answered
def retention(pair: Pair) -> Result:
    """Fails where an online migration is wanted and the log is deleted sooner."""
    if not is_online(pair):
        return not_applicable("only an online migration reads it")
    kept = kept_seconds(pair, pair.source)
    if kept is None or kept >= _TWO_DAYS_S:
        return passed("without end" if kept is None else f"{kept / 3600:g} h")
    remedy = "Set the server parameter binlog_expire_logs_seconds to 172800 at least, in the portal."
    return failed(f"{kept / 3600:g} h", table(("kept",), [(f"{kept / 3600:g} h",)]), remedy)
