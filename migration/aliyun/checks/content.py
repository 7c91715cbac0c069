"""What is in the databases of the source, where the provider's evaluation judges it otherwise than replication does."""

from __future__ import annotations

from migration.aliyun.checks.asking import LOGICAL_ONLY
from migration.check import Pair, Result, Severity, check
from migration.checks import facts
from migration.checks.results import count, failed, passed, table
from migration.model import Side

_EVALUATION = "https://www.alibabacloud.com/help/en/polardb/polardb-for-mysql/user-guide/migration-assessment"
# As the evaluation and information_schema have them.
_ENGINES = frozenset({"innodb", "xengine", "x-engine"})
_PRIMARY = "PRIMARY"


@check(
    "rds-engines",
    "every table is InnoDB or X-Engine",
    Side.SOURCE,
    Severity.BLOCKER,
    why="The provider's evaluation and precheck refuse a source with tables of any other engine.",
    asks="SELECT ... engine FROM information_schema.tables",
    routes=LOGICAL_ONLY,
    page=_EVALUATION,
)
def engines(pair: Pair) -> Result:
    """Fails where a table is of an engine that DTS does not carry to a cluster."""
    tables = facts.tables(pair)
    others = [one for one in tables if one.engine.lower() not in _ENGINES]
    if not others:
        return passed(f"all {len(tables)} are")
    return failed(
        count(len(others), "is of another engine", "are of other engines"),
        table(
            ("database", "table", "engine", "rows, estimated"),
            [(one.base, one.name, one.engine or "unreadable", one.rows) for one in others],
        ),
        "Convert them on the source (ALTER TABLE ... ENGINE = InnoDB), which writes each table anew and locks it "
        "meanwhile, or drop what nobody needs.",
    )


@check(
    "rds-primary-keys",
    "every table has a PRIMARY KEY",
    Side.SOURCE,
    Severity.WARNING,
    why="Without one a row can be on the cluster twice: DTS reads again what it has read where it is restarted.",
    asks="information_schema.tables and information_schema.statistics",
    routes=LOGICAL_ONLY,
    page=_EVALUATION,
)
def primary_keys(pair: Pair) -> Result:
    """Fails where a table has no primary key; a unique key is none for the provider's evaluation."""
    tables, keys = facts.tables(pair), facts.keys(pair)
    keyed = {(key.base, key.table) for key in keys if key.name == _PRIMARY}
    unique = {(key.base, key.table) for key in keys if key.unique}
    without = [
        (one.base, one.name, one.rows, "it has a unique key" if (one.base, one.name) in unique else "")
        for one in tables
        if (one.base, one.name) not in keyed
    ]
    if not without:
        return passed(f"all {len(tables)} tables have one")
    return failed(
        f"{len(without)} of {len(tables)} without",
        table(("database", "table", "rows, estimated", "note"), without),
        "Give each a primary key (ALTER TABLE ... ADD PRIMARY KEY). Where one stays without, rows that are on the "
        "cluster twice are found when all rows are compared before the switch.",
    )
