"""What can go wrong where two sides take writes: keys that both could set, and what each side does by itself."""

from __future__ import annotations

from migration.aws.active_active.settings import FIRST, INCREMENT, OFFSET
from migration.check import Pair, Result, Severity, check
from migration.checks import facts, objects
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.checks.sides import is_on, setting
from migration.model import Side

STRICT = "gtid_strict_mode"
_MANUAL = "https://dev.mysql.com/doc/refman/8.4/en/"
_RULES = "information_schema.referential_constraints"
_QUIET = ("NO ACTION", "RESTRICT")
_AUTO = "SELECT table_schema, table_name, column_name FROM information_schema.columns"


@check(
    "both-same-rows",
    "no row is changed on both sides at once",
    Side.SOURCE,
    Severity.NOTICE,
    why="Replication lets the later of two changes win on each side, and they differ from then on without an error.",
    asks="nothing: what the applications do, no server can tell",
    page=f"{_MANUAL}replication-solutions-scaleout.html",
)
def same_rows(pair: Pair) -> Result:
    """Always tells it: only who knows the applications can judge."""
    return failed(
        "you decide",
        (),
        "Two application servers on two sides must not change one row within the lag: counters, stock, balances and "
        "sessions are such rows. Where they could, move all servers of that application together, within seconds, or "
        "take the runbook rds_promote_first, which never has two open sides. Every row is compared at the end.",
    )


@check(
    "both-keys",
    "keys are made by the servers",
    Side.SOURCE,
    Severity.WARNING,
    why="Only keys that AUTO_INCREMENT makes are kept apart; one that both sides set alike stops replication.",
    asks="information_schema.statistics: unique indexes; information_schema.columns: EXTRA",
    page=f"{_MANUAL}replication-options-source.html",
)
def keys(pair: Pair) -> Result:
    """Fails where a unique key has no AUTO_INCREMENT column."""
    made = {
        (str(base), str(name), str(column))
        for base, name, column in facts.ask_moved(
            pair, _AUTO, "table_schema", "SELECT", "AND extra LIKE '%%auto_increment%%'"
        )
    }
    given = [
        (key.base, key.table, key.name, ", ".join(key.columns))
        for key in facts.keys(pair)
        if key.unique and not any((key.base, key.table, column) in made for column in key.columns)
    ]
    if not given:
        return passed("every unique key is AUTO_INCREMENT")
    return failed(
        f"{count(len(given), 'unique key is', 'unique keys are')} set by applications",
        table(("database", "table", "key", "columns"), given),
        "See that no two application servers set the same value at the same time (a random UUID, or a name that one "
        "server gives, is safe; a number that is looked up and raised is not). Where they could, move those together.",
    )


@check(
    "both-numbers",
    "MariaDB lets both sides number transactions",
    Side.SOURCE,
    Severity.BLOCKER,
    why="Both sides number in one domain; in strict mode a number that the other gave already stops replication.",
    asks=f"{STRICT}, on MariaDB",
    page="https://mariadb.com/kb/en/gtid/#gtid_strict_mode",
)
def numbers(pair: Pair) -> Result:
    """Fails where a MariaDB refuses transactions whose numbers are out of order (its error 1950)."""
    if not pair.source.version.mariadb:
        return not_applicable("no MariaDB: each server of MySQL numbers its own")
    if not is_on(pair, pair.source, STRICT):
        return passed(f"{STRICT} is OFF")
    return failed(
        f"{STRICT} is ON",
        (),
        f"Set {STRICT} to 0 in the parameter group of {pair.source.name}, from which that of the second side is made, "
        "and set it again when both have parted; or take the runbook rds_promote_first, with one open side only.",
    )


@check(
    "both-increments",
    "AUTO_INCREMENT has its usual steps",
    Side.SOURCE,
    Severity.WARNING,
    why="Both settings are changed here, for every application: new keys are four apart from then on.",
    asks=f"{INCREMENT}, {OFFSET}",
    page=f"{_MANUAL}replication-options-source.html",
)
def increments(pair: Pair) -> Result:
    """Fails where somebody has set one of them already."""
    now = {name: setting(pair, pair.source, name) or "" for name in FIRST}
    evidence = table(("setting", "now", "becomes"), [(name, value, FIRST[name]) for name, value in now.items()])
    if all(value == "1" for value in now.values()):
        return passed("they are 1; keys are four apart while both sides are there", evidence)
    return failed(
        ", ".join(now.values()),
        evidence,
        f"Find out who needs that. Here {INCREMENT} becomes {FIRST[INCREMENT]}, and is given back at the end: take "
        "another runbook if something else writes beside these two.",
    )


@check(
    "both-cascades",
    "foreign keys change nothing by themselves",
    Side.SOURCE,
    Severity.WARNING,
    why="What a foreign key cascades is not in the binary log: each side does it to the rows that it has by then.",
    asks=f"{_RULES}: UPDATE_RULE, DELETE_RULE",
    page=f"{_MANUAL}innodb-and-mysql-replication.html",
)
def cascades(pair: Pair) -> Result:
    """Fails where a foreign key cascades or sets NULL."""
    rows = facts.ask_moved(
        pair,
        f"SELECT constraint_schema, table_name, constraint_name, update_rule, delete_rule FROM {_RULES}",
        "constraint_schema",
        "SELECT",
    )
    found = [row for row in rows if str(row[3]) not in _QUIET or str(row[4]) not in _QUIET]
    if not found:
        return passed("none does")
    return failed(
        f"{count(len(found), 'foreign key does', 'foreign keys do')}",
        table(("database", "table", "foreign key", "on update", "on delete"), found),
        "A parent that is deleted on one side while a child is added on the other leaves the two different, or stops "
        "replication. See that parents are deleted on one side only until all application servers are moved.",
    )


@check(
    "both-programs",
    "triggers and events",
    Side.SOURCE,
    Severity.NOTICE,
    why="Triggers run on the side of the write only, events on every side whose scheduler is on.",
    asks="information_schema.triggers, information_schema.events",
    page=f"{_MANUAL}replication-features-invoked.html",
)
def programs(pair: Pair) -> Result:
    """Fails where there are some, to say where they run."""
    found = [*objects.triggers(pair), *objects.events(pair)]
    if not found:
        return passed("none")
    return failed(
        count(len(found), "program", "programs"),
        table(("kind", "name"), [(one.kind.lower(), one.qualified) for one in found]),
        "Nothing to do: with row format a trigger's changes are replicated and not made twice, and the scheduler of "
        "the second side is off until the application servers are there. A trigger that counts in a row of its own "
        "changes that row on both sides at once: see `both-same-rows`.",
    )
