"""What is on the target already."""

from __future__ import annotations

from migration.check import Pair, Result, Severity, check
from migration.checks.results import count, failed, passed, shown, table
from migration.checks.sight import channel_from_source, clients, require
from migration.model import Side


@check(
    "target-empty",
    "target holds no data of its own",
    Side.TARGET,
    Severity.BLOCKER,
    why="The copy would meet what is there already, and what is there would be lost or mixed up with it.",
    asks="SHOW DATABASES, and the tables of each",
)
def target_empty(pair: Pair) -> Result:
    """Fails where a target that does not follow the source has databases."""
    if channel_from_source(pair) is not None:
        return passed("it follows the source")
    require(pair.target, "SELECT")
    names = pair.target.databases()
    if not names:
        return passed("empty")
    places = ", ".join(["%s"] * len(names))
    rows = pair.target.rows(
        "SELECT table_schema, COUNT(*), SUM(COALESCE(table_rows, 0)) FROM information_schema.tables "
        f"WHERE table_type = 'BASE TABLE' AND table_schema IN ({places}) GROUP BY table_schema",
        names,
    )
    held = {str(name): (tables, estimate) for name, tables, estimate in rows}
    return failed(
        count(len(names), "database is there", "databases are there"),
        table(("database", "tables", "rows, estimated"), [(name, *held.get(name, (0, 0))) for name in names]),
        "Make sure that this is the right server. Move what is needed elsewhere and drop these databases, or set up an "
        "empty server as the target.",
    )


@check(
    "target-not-written",
    "nobody else is on the target",
    Side.TARGET,
    Severity.WARNING,
    why="Whoever writes on the target before the cutover makes it differ from the source.",
    asks="SHOW FULL PROCESSLIST",
)
def target_not_written(pair: Pair) -> Result:
    """Fails where somebody else has a session on the target."""
    others = clients(pair, pair.target)
    if not others:
        return passed("nobody else is there")
    return failed(
        count(len(others), "other session", "other sessions"),
        table(
            ("session", "user", "from", "database", "command", "seconds", "statement"),
            [(s.id, s.user, s.host, s.database, s.command, s.seconds, shown(s.statement)) for s in others],
        ),
        "Find out who they are. Monitoring may stay; whoever could write has to be kept away until the cutover.",
    )


@check(
    "target-read-only",
    "target refuses writes",
    Side.TARGET,
    Severity.NOTICE,
    why="Until the cutover only the source may take writes.",
    asks="SELECT @@GLOBAL.read_only, @@GLOBAL.super_read_only",
)
def target_read_only(pair: Pair) -> Result:
    """Fails where the target takes writes; the runbook sees to it."""
    state = pair.target.read_only()
    if state.clients:
        return passed("it refuses everybody" if state.everyone else "it refuses clients")
    return failed(
        "it takes writes",
        table(("setting", "value"), [("read_only", "OFF"), ("super_read_only", "ON" if state.everyone else "OFF")]),
        "Nothing to do: the runbook sets read_only on the target when the copy is made, and takes it back at the "
        "promotion.",
    )
