"""What is in the databases that are to be moved, and needs care."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping

from migration.check import Pair, Result, Route, Severity, check
from migration.checks import facts
from migration.checks.results import count, failed, not_applicable, passed, set_global, table
from migration.checks.sight import channel_from_source
from migration.model import Side
from providers.mysql.schema import uncopied_tables
from providers.mysql.server import Server

_TRANSACTIONAL = "InnoDB"
# What a table of another engine means for a migration (MySQL manual, "Alternative Storage Engines"; MariaDB
# documentation, "Storage Engines").
_ENGINES = {
    "MyISAM": "no transactions; a crash can damage it",
    "MRG_MYISAM": "only joins MyISAM tables: convert those, and make it a view",
    "MRG_MyISAM": "only joins MyISAM tables: convert those, and make it a view",
    "Aria": "no transactions; MariaDB only",
    "MEMORY": "empty after a restart of either server",
    "FEDERATED": "its rows are on another server, which the target has to reach",
    "CSV": "no keys; a file that anybody can edit",
    "ARCHIVE": "rows are only added, never changed",
    "BLACKHOLE": "keeps no rows: there is nothing to copy",
}
_ENCRYPTED = re.compile(r"encryption='?y|`?encrypted`?='?yes")
_OF_MARIADB = re.compile(r"page_compressed|encryption_key_id|transactional=|page_checksum=|`")
# Pages above this size cannot be compressed (MySQL manual, innodb_page_size).
_LARGEST_COMPRESSED = 16384
_SHOWN = "show_gipk_in_create_table_and_information_schema"
_ADDED = "sql_generate_invisible_primary_key"


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
    unique = [key for key in facts.keys(pair) if key.unique]
    keyed = {(key.base, key.table) for key in unique if not key.nullable}
    doubtful = {(key.base, key.table) for key in unique}
    without = [
        (t.base, t.name, t.engine, t.rows, "a unique key allows NULL" if (t.base, t.name) in doubtful else "")
        for t in tables
        if (t.base, t.name) not in keyed
    ]
    if not without:
        return passed(f"all {len(tables)} tables have one")
    return failed(
        f"{len(without)} of {len(tables)} without",
        table(("database", "table", "engine", "rows, estimated", "note"), without),
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
    if pair.other is not None and channel_from_source(pair) is not None:
        return not_applicable("the target has its copy")
    facts.may_see(pair, "SELECT")
    found = uncopied_tables(pair.source, facts.moved(pair))
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
    asks="SELECT ... engine FROM information_schema.tables; the engines of the target",
    routes={Route.PHYSICAL: Severity.BLOCKER},
    page="MySQL 8.4 Reference Manual, Alternative Storage Engines",
)
def engines(pair: Pair) -> Result:
    """Fails where a table is not InnoDB."""
    tables = facts.tables(pair)
    others = [t for t in tables if t.engine != _TRANSACTIONAL]
    if not others:
        return passed(f"all {len(tables)} are InnoDB")
    missing = _missing_engines(pair)
    return failed(
        count(len(others), "is not InnoDB", "are not InnoDB"),
        table(
            ("database", "table", "engine", "rows, estimated", "what it means"),
            [(t.base, t.name, t.engine or "unreadable", t.rows, _meaning(t.engine, missing)) for t in others],
        ),
        "Convert them (ALTER TABLE ... ENGINE = InnoDB) before the copy. Other engines take no part in transactions: "
        "what is written to them while the copy is made can be on the target twice or not at all. A MEMORY table is "
        "empty after a restart.",
    )


def _meaning(engine: str, missing: Mapping[str, str]) -> str:
    words = [_ENGINES.get(engine, "an engine of its own: see that it is on the target"), missing.get(engine, "")]
    return "; ".join(filter(None, words))


def _missing_engines(pair: Pair) -> dict[str, str]:
    """What is to be said of engines that the target does not have; empty where there is no target."""
    if pair.other is None:
        return {}
    support = {
        str(row[0]): str(row[1]) for row in pair.other.rows("SELECT engine, support FROM information_schema.engines")
    }
    disabled = facts.variables(pair, pair.other).get("disabled_storage_engines", "").lower().split(",")
    words = {}
    for engine in {t.engine for t in facts.tables(pair) if t.engine}:
        if engine.lower() in disabled:
            words[engine] = "the target forbids it (disabled_storage_engines)"
        elif support.get(engine) not in ("YES", "DEFAULT"):
            words[engine] = "the target does not have it: the copy is InnoDB, or refused"
    return words


@check(
    "table-options",
    "target can keep every table's format",
    Side.TARGET,
    Severity.BLOCKER,
    why="A table that is encrypted or compressed needs a server that is set up for it, or nobody can write to it.",
    asks="row_format and create_options in information_schema.tables; the target's settings and keyring",
    page="MySQL 8.4 Reference Manual, InnoDB Data-at-Rest Encryption, InnoDB Table Compression",
)
def table_options(pair: Pair) -> Result:
    """Fails where a table is encrypted or compressed in a way that the target is not ready for."""
    rows = []
    tables = [(t, t.options.lower().replace('"', "'")) for t in facts.tables(pair)]
    encrypted = [t for t, options in tables if _ENCRYPTED.search(options)]
    if encrypted and not _has_keys(pair.target):
        rows += [(t.base, t.name, "encryption", "the target has no keyring") for t in encrypted]
    if reason := _no_compression(pair):
        rows += [(t.base, t.name, t.row_format, reason) for t in facts.tables(pair) if t.row_format == "Compressed"]
    if pair.source.version.mariadb and not pair.target_version.mariadb:
        rows += [
            (t.base, t.name, t.options, "MySQL does not know this")
            for t, options in tables
            if _OF_MARIADB.search(options)
        ]
    if not rows:
        return passed("nothing that needs more")
    return failed(
        count(len({row[:2] for row in rows}), "table needs more", "tables need more"),
        table(("database", "table", "format", "reason"), rows),
        "Set up what is missing on the target (a keyring for encryption; innodb_file_per_table, pages of 16 KiB or "
        "less and writable compressed tables for ROW_FORMAT=COMPRESSED), or take the option away from the table "
        "(ALTER TABLE ... ENCRYPTION='N', ROW_FORMAT=DYNAMIC).",
    )


def _has_keys(target: Server) -> bool:
    """Whether the target can encrypt tables: a keyring of MySQL, or a key management plugin of MariaDB."""
    plugins = "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_status = 'ACTIVE' AND "
    if target.version.mariadb:
        return bool(target.value(plugins + "plugin_type = 'ENCRYPTION'"))
    if target.value(plugins + "plugin_name LIKE 'keyring%'"):
        return True
    if not target.version.mysql_from(8, 0, 24):
        return False
    status = (
        "SELECT status_value FROM performance_schema.keyring_component_status WHERE status_key = 'Component_status'"
    )
    return str(target.value(status)) == "Active"


def _no_compression(pair: Pair) -> str:
    """Why the target cannot write tables of ROW_FORMAT=COMPRESSED; empty where it can."""
    settings = facts.variables(pair, pair.target)
    if settings.get("innodb_read_only_compressed") == "ON":
        return "innodb_read_only_compressed is ON on the target"
    if int(settings.get("innodb_page_size", "16384")) > _LARGEST_COMPRESSED:
        return "the target's pages are too large for it (innodb_page_size)"
    if settings.get("innodb_file_per_table") == "OFF":
        return "innodb_file_per_table is OFF on the target"
    return ""


@check(
    "partitions",
    "target takes every partitioned table",
    Side.TARGET,
    Severity.BLOCKER,
    why="MySQL 8.0 partitions InnoDB tables only, each part in its own file; 8.4 not by the beginning of a column.",
    asks="information_schema.tables, .partitions and .statistics on the source",
    page="MySQL 8.4 Reference Manual, Restrictions and Limitations on Partitioning",
)
def partitions(pair: Pair) -> Result:
    """Fails where a table is partitioned as the target, a newer MySQL, no longer allows."""
    target = pair.target_version
    if not target.mysql_from(8, 0):
        return not_applicable("only MySQL 8.0 and later are strict")
    found = facts.partitioned(pair)
    engines = {(t.base, t.name): t.engine for t in facts.tables(pair)}
    rows = []
    for one in found:
        place = (one.base, one.table)
        if engines.get(place) not in (_TRANSACTIONAL, "ndbcluster"):
            rows.append((*place, f"partitions of {engines.get(place)}"))
        if one.tablespace not in ("", "innodb_file_per_table"):
            rows.append((*place, f"partitions in the shared tablespace {one.tablespace}"))
        if target.mysql_from(8, 4) and (short := _prefixes_in(pair, one)):
            rows.append((*place, f"KEY by the beginning of {', '.join(short)}"))
    if not rows:
        return passed(f"all {len(found)} can be there" if found else "none is partitioned")
    return failed(
        count(len({row[:2] for row in rows}), "table cannot", "tables cannot"),
        table(("database", "table", "what is refused"), rows),
        "Change these on the source: ALTER TABLE ... ENGINE = InnoDB; ALTER TABLE ... REORGANIZE PARTITION ... "
        "TABLESPACE = innodb_file_per_table; PARTITION BY KEY on columns that are in the key as a whole; or ALTER "
        "TABLE ... REMOVE PARTITIONING.",
    )


def _prefixes_in(pair: Pair, one: facts.Partitioned) -> list[str]:
    """The columns by whose beginning a table is partitioned."""
    if "KEY" not in one.method:
        return []
    short = {
        column
        for key in facts.keys(pair)
        if key.unique and (key.base, key.table) == (one.base, one.table)
        for column in key.prefixed
    }
    # KEY () goes by the primary key.
    return sorted(column for column in short if not one.expression or column in one.expression)


@check(
    "key-types",
    "primary keys can be compared",
    Side.SOURCE,
    Severity.WARNING,
    why="A row that is found by an inexact number may not be found again on the target.",
    asks="SELECT ... FROM information_schema.columns WHERE data_type IN ('float', 'double') AND column_key = 'PRI'",
)
def key_types(pair: Pair) -> Result:
    """Fails where a primary key has a FLOAT or DOUBLE."""
    rows = [(*c.place, c.type) for c in facts.columns(pair) if c.kind in ("float", "double") and c.key == "PRI"]
    if not rows:
        return passed("none is inexact")
    return failed(
        count(len(rows), "is inexact", "are inexact"),
        table(("database", "table", "column", "type"), rows),
        "Give these tables a key of whole numbers, DECIMAL or text (ALTER TABLE ... MODIFY). Until then the target "
        "may miss a row that changes and stop, or a comparison of the servers may report one that is equal.",
    )


@check(
    "invisible-keys",
    "no key is added unseen",
    Side.BOTH,
    Severity.BLOCKER,
    why="A key column that one server adds by itself is not on the other, and the columns no longer match.",
    asks="sql_generate_invisible_primary_key, show_gipk_in_create_table_and_information_schema; tables without a key",
    page="MySQL 8.4 Reference Manual, Generated Invisible Primary Keys",
)
def invisible_keys(pair: Pair) -> Result:
    """Fails where the copy of a table without a primary key would get a column more, or a column less."""
    if facts.has_its_copy(pair):
        return not_applicable("the target has its copy")
    hidden = _hidden_keys(pair)
    added = []
    if facts.variables(pair, pair.target).get(_ADDED) == "ON":
        primary = {(key.base, key.table) for key in facts.keys(pair) if key.name == "PRIMARY"}
        added = [(t.base, t.name) for t in facts.tables(pair) if (t.base, t.name) not in primary]
    if not (hidden or added):
        return passed("none would be")
    fixes = []
    if hidden:
        fixes.append(set_global(Side.SOURCE, pair.source, _SHOWN, "ON", "sessions opened on the source from now on"))
    if added:
        fixes.append(set_global(Side.TARGET, pair.target, _ADDED, "OFF", "sessions opened on the target from now on"))
    return failed(
        count(len({*hidden, *added}), "table would differ", "tables would differ"),
        table(
            ("database", "table", "what differs"),
            [
                *((*name, "its key is not copied") for name in hidden),
                *((*name, "the target adds a key") for name in added),
            ],
        ),
        f"Give these tables primary keys; or set {_ADDED} = OFF on the target, so that it adds none, and {_SHOWN} = ON "
        "on the source, so that a key it has added is copied like any column.",
        *fixes,
    )


def _hidden_keys(pair: Pair) -> list[tuple[str, str]]:
    """Tables whose generated key the source does not show, so that nobody copies it."""
    if facts.variables(pair, pair.source).get(_SHOWN, "ON") == "ON":
        return []
    condition, names = facts.in_moved(pair, "table_schema")
    facts.may_see(pair, "SELECT")
    with contextlib.closing(pair.source.connect()) as session:
        session.run(f"SET SESSION {_SHOWN} = ON")
        rows = session.rows(
            f"SELECT table_schema, table_name FROM information_schema.columns WHERE {condition} "
            "AND column_name = 'my_row_id' AND extra LIKE '%%INVISIBLE%%' ORDER BY 1, 2",
            names,
        )
    return [(str(base), str(name)) for base, name in rows]


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
    if pair.source.version == pair.target_version:
        return not_applicable("the same version")
    known = facts.collations(pair, pair.target)
    used = {(*column.place, column.collation) for column in facts.columns(pair) if column.collation}
    used |= {
        (str(base), "", "", str(name))
        for base, name in facts.ask_moved(
            pair,
            "SELECT schema_name, default_collation_name FROM information_schema.schemata",
            "schema_name",
            "SELECT",
        )
    }
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
