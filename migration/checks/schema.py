"""What is in the databases that are to be moved, and needs care."""

from __future__ import annotations

from migration.check import Pair, Result, Severity, check
from migration.checks import facts
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.checks.sight import channel_from_source, require
from migration.model import Side
from providers.mysql.schema import uncopied_tables
from providers.mysql.server import Server

_TRANSACTIONAL = "InnoDB"


@check(
    "primary-keys",
    "every table has a primary key",
    Side.SOURCE,
    Severity.WARNING,
    why="Without a key the target looks through the whole table for each row that changes, and falls far behind.",
    asks="information_schema.tables and information_schema.statistics",
)
def primary_keys(pair: Pair) -> Result:
    """Fails where a table has neither a primary key nor a unique key without NULL."""
    tables = facts.tables(pair)
    parts: dict[tuple[str, str, str], bool] = {}
    rows = facts.ask_moved(
        pair,
        "SELECT table_schema, table_name, index_name, nullable FROM information_schema.statistics",
        "table_schema",
        "SELECT",
        "AND non_unique = 0",
    )
    for base, name, index, nullable in rows:
        parts[base, name, index] = parts.get((base, name, index), True) and nullable != "YES"
    keyed = {(base, name) for (base, name, _), certain in parts.items() if certain}
    without = [(t.base, t.name, t.engine, t.rows) for t in tables if (t.base, t.name) not in keyed]
    if not without:
        return passed(f"all {len(tables)} tables have one")
    return failed(
        f"{len(without)} of {len(tables)} without",
        table(("database", "table", "engine", "rows, estimated"), without),
        "Give each a primary key (ALTER TABLE ... ADD PRIMARY KEY), the large ones first. Small ones may stay: the "
        "target then reads the whole table for every row that changes, and falls behind if that is often.",
    )


@check(
    "only-rows",
    "the copy can carry every table",
    Side.SOURCE,
    Severity.BLOCKER,
    why="A copy of a system-versioned table loses its history, and a sequence is not in the rows at all.",
    asks="SELECT ... FROM information_schema.tables WHERE table_type NOT IN ('BASE TABLE', 'VIEW')",
)
def only_rows(pair: Pair) -> Result:
    """Fails where a table holds more than rows: a history, or a sequence's state."""
    if channel_from_source(pair) is not None:
        return not_applicable("the target has its copy")
    names = facts.moved(pair)
    require(pair.source, "SELECT", names)
    found = uncopied_tables(pair.source, names)
    if not found:
        return passed("rows only")
    return failed(
        count(len(found), "holds more than rows", "hold more than rows"),
        table(("table", "kind"), found),
        "The copy carries rows. Move these databases by a physical backup (mariadb-backup) and attach the target "
        "yourself, or leave them out; a target that already follows is taken as it is.",
    )


@check(
    "engines",
    "every table is InnoDB",
    Side.SOURCE,
    Severity.WARNING,
    why="Only InnoDB tables can be copied as of one moment while they are written.",
    asks="SELECT ... engine FROM information_schema.tables",
)
def engines(pair: Pair) -> Result:
    """Fails where a table is not InnoDB."""
    tables = facts.tables(pair)
    others = [t for t in tables if t.engine != _TRANSACTIONAL]
    if not others:
        return passed(f"all {len(tables)} are InnoDB")
    return failed(
        count(len(others), "is not InnoDB", "are not InnoDB"),
        table(
            ("database", "table", "engine", "rows, estimated"),
            [(t.base, t.name, t.engine or "unreadable", t.rows) for t in others],
        ),
        "Convert them (ALTER TABLE ... ENGINE = InnoDB) before the copy. Other engines take no part in transactions: "
        "what is written to them while the copy is made can be on the target twice or not at all. A MEMORY table is "
        "empty after a restart.",
    )


@check(
    "triggers",
    "triggers",
    Side.SOURCE,
    Severity.NOTICE,
    why="A trigger must not do its work twice, once on each server.",
    asks="SELECT ... FROM information_schema.triggers",
)
def triggers(pair: Pair) -> Result:
    """Fails where there are triggers; with row format the target does not fire them for replicated changes."""
    rows = facts.ask_moved(
        pair,
        "SELECT trigger_schema, trigger_name, event_object_table, action_timing, event_manipulation, definer "
        "FROM information_schema.triggers",
        "trigger_schema",
        "TRIGGER",
        "ORDER BY 1, 2",
    )
    if not rows:
        return passed("none")
    return failed(
        count(len(rows), "trigger", "triggers"),
        table(("database", "trigger", "table", "when", "event", "definer"), rows),
        "Nothing to do where the binary log format is ROW: what a trigger changed on the source is copied, and it "
        "fires on the target from the promotion on. See that the account each is defined by is on the target.",
    )


@check(
    "events",
    "scheduled events",
    Side.SOURCE,
    Severity.NOTICE,
    why="An event must run on one server only, and be switched on where the writes are.",
    asks="SELECT ... FROM information_schema.events",
)
def events(pair: Pair) -> Result:
    """Fails where events are switched on; the cutover switches them over."""
    rows = facts.ask_moved(
        pair,
        "SELECT event_schema, event_name, status, definer FROM information_schema.events",
        "event_schema",
        "EVENT",
        "AND status = 'ENABLED' ORDER BY 1, 2",
    )
    if not rows:
        return passed("none is switched on")
    return failed(
        count(len(rows), "is switched on", "are switched on"),
        table(("database", "event", "status", "definer"), rows),
        "Nothing to do here: on the target they are created switched off, and the cutover switches them over. See that "
        "event_scheduler is ON on the target, and that the account each is defined by is there.",
    )


@check(
    "collations-known",
    "target knows every collation",
    Side.BOTH,
    Severity.BLOCKER,
    why="A table whose collation the target does not know cannot be created there.",
    asks="collations of columns and databases on the source, and those that the target has",
)
def collations_known(pair: Pair) -> Result:
    """Fails where a column or database has a collation that the target does not know."""
    if pair.source.version == pair.target.version:
        return not_applicable("the same version")
    used = {
        *((b, t, c, name) for b, t, c, name in facts.ask_moved(
            pair,
            "SELECT table_schema, table_name, column_name, collation_name FROM information_schema.columns",
            "table_schema",
            "SELECT",
            "AND collation_name IS NOT NULL",
        )),
        *((b, "", "", name) for b, name in facts.ask_moved(
            pair,
            "SELECT schema_name, default_collation_name FROM information_schema.schemata",
            "schema_name",
            "SELECT",
        )),
    }  # fmt: skip
    known = _collations(pair.target)
    rows = sorted(row for row in used if row[3] not in known)
    if not rows:
        return passed("all are known there")
    return failed(
        count(len({row[3] for row in rows}), "is not known there", "are not known there"),
        table(("database", "table", "column", "collation"), rows),
        "Convert these to a collation that both servers have, such as utf8mb4_unicode_ci (ALTER TABLE ... CONVERT TO "
        "CHARACTER SET ... COLLATE ...): the target would refuse to create them. Mind that another collation may sort "
        "and compare differently.",
    )


def _collations(server: Server) -> frozenset[str]:
    if server.version.mariadb_from(10, 10, 1):
        # Collations that go with several character sets have their full names only here.
        rows = server.rows("SELECT full_collation_name FROM information_schema.collation_character_set_applicability")
    else:
        rows = server.rows("SELECT collation_name FROM information_schema.collations")
    return frozenset(str(row[0]) for row in rows)
