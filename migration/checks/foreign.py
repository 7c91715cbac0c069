"""Foreign keys: what becomes of them on the way, and whether the target takes them."""

from __future__ import annotations

from migration.check import Pair, Result, Route, Severity, check
from migration.checks import facts
from migration.checks.results import count, failed, not_applicable, passed, set_global, table
from migration.model import Side
from providers.mysql.errors import PrivilegeMissing

_HEADS = ("database", "table", "foreign key", "refers to")
_STRICT = "restrict_fk_on_non_standard_key"
_LONGEST = 64
_CALM = frozenset({"RESTRICT", "NO ACTION"})


@check(
    "foreign-key-parents",
    "parents of foreign keys move along",
    Side.SOURCE,
    Severity.BLOCKER,
    why="Where the parent of a foreign key is not on the target, every new row is refused there, replicated or not.",
    asks="information_schema.key_column_usage on the source",
)
def parents(pair: Pair) -> Result:
    """Fails where a foreign key refers to a database that does not move."""
    found = facts.foreign_keys(pair)
    moved = {name.lower() for name in facts.moved(pair)}
    rows = [(k.base, k.table, k.name, k.refers) for k in found if k.parent_base.lower() not in moved]
    if not rows:
        return passed(f"all {len(found)} have theirs" if found else "there are none")
    if pair.other is not None and facts.has_its_copy(pair):
        return not_applicable("the target has its copy")
    return failed(
        count(len(rows), "parent stays behind", "parents stay behind"),
        table(_HEADS, rows),
        "Move the parent's database along (it is not among those of this migration), or drop the foreign key on the "
        "source (ALTER TABLE ... DROP FOREIGN KEY) and add it again when both are in one place.",
    )


@check(
    "foreign-keys-sound",
    "foreign keys have sound parents",
    Side.SOURCE,
    Severity.NOTICE,
    why="A foreign key whose parent is gone, or is no InnoDB table, refuses each new row, on the source already.",
    asks="information_schema.key_column_usage and .tables on the source",
)
def sound(pair: Pair) -> Result:
    """Fails where the parent of a foreign key is not there, or is of another engine."""
    found = facts.foreign_keys(pair)
    engines = {(t.base.lower(), t.name.lower()): t.engine for t in facts.tables(pair)}
    moved = {name.lower() for name in facts.moved(pair)}
    rows = []
    for key in found:
        engine = engines.get((key.parent_base.lower(), key.parent.lower()))
        if key.parent_base.lower() in moved and engine not in ("InnoDB", "ndbcluster"):
            rows.append((key.base, key.table, key.name, key.refers, engine or "there is no such table"))
    if not rows:
        return passed("all are" if found else "there are none")
    return failed(
        count(len(rows), "has none", "have none"),
        table((*_HEADS, "the parent"), rows),
        "Nothing is lost by it on the way. Mend the parent (ALTER TABLE ... ENGINE = InnoDB), or drop the foreign key.",
    )


@check(
    "foreign-key-targets",
    "foreign keys refer to whole keys",
    Side.BOTH,
    Severity.BLOCKER,
    why="MySQL 8.4 and later refuse a foreign key to columns that are not exactly a unique key of the parent.",
    asks="information_schema.key_column_usage and .statistics; restrict_fk_on_non_standard_key on the target",
    page="MySQL 8.4 Reference Manual, Server System Variables, restrict_fk_on_non_standard_key",
)
def targets(pair: Pair) -> Result:
    """Fails where a foreign key refers to a key that is not unique, or to a part of one, and the target is strict."""
    if facts.has_its_copy(pair):
        return not_applicable("the target has its copy")
    if facts.variables(pair, pair.target).get(_STRICT, "OFF") != "ON":
        return passed("the target takes all of them")
    found = facts.foreign_keys(pair)
    unique = {
        (key.base.lower(), key.table.lower(), tuple(name.lower() for name in key.columns))
        for key in facts.keys(pair)
        if key.unique and not key.prefixed
    }
    moved = {(t.base.lower(), t.name.lower()) for t in facts.tables(pair)}
    rows = []
    for key in found:
        parent = (key.parent_base.lower(), key.parent.lower())
        columns = tuple(name.lower() for name in key.parent_columns)
        if parent in moved and (*parent, columns) not in unique:
            rows.append((key.base, key.table, key.name, key.refers))
    if not rows:
        return passed(f"all {len(found)} do" if found else "there are none")
    return failed(
        count(len(rows), "does not", "do not"),
        table(_HEADS, rows),
        f"Add a unique key on exactly these columns of the parent, or set {_STRICT} = OFF on the target: it still has "
        "the setting to let such keys in.",
        set_global(Side.TARGET, pair.target, _STRICT, "OFF", "sessions opened on the target from now on"),
    )


@check(
    "foreign-key-names",
    "foreign keys' names fit the target",
    Side.SOURCE,
    Severity.BLOCKER,
    why="A name above 64 characters, as old servers made them for tables with long names, is refused by newer ones.",
    asks="constraint_name in information_schema.key_column_usage on the source",
    page="MySQL 8.0 Reference Manual, Preparing Your Installation for Upgrade",
)
def names(pair: Pair) -> Result:
    """Fails where the name of a foreign key is too long for the target."""
    rows = [(k.base, k.table, k.name, k.refers) for k in facts.foreign_keys(pair) if _too_long(k)]
    if not rows:
        return passed("none is too long")
    return failed(
        count(len(rows), "is too long", "are too long"),
        table(_HEADS, rows),
        "Drop these foreign keys and add them again with shorter names of your own (ALTER TABLE ... DROP FOREIGN KEY "
        "..., ADD CONSTRAINT ... FOREIGN KEY ...).",
    )


def _too_long(key: facts.ForeignKey) -> bool:
    """Whether a name is longer than its list shows: what InnoDB called after a long table is cut off there."""
    given = f"{key.table}_ibfk_"
    return len(key.name) > _LONGEST or (len(given) >= _LONGEST and key.name == given[:_LONGEST])


@check(
    "foreign-key-cascades",
    "no foreign key changes rows itself",
    Side.SOURCE,
    Severity.BLOCKER,
    why="What a foreign key changes by a cascade is not in the binary log, so a tool that reads it does not see it.",
    asks="update_rule and delete_rule in information_schema.referential_constraints on the source",
    routes={Route.NATIVE: None, Route.PHYSICAL: None},
    page="MySQL 8.4 Reference Manual, InnoDB and FOREIGN KEY Constraints; FOREIGN KEY Constraints",
)
def cascades(pair: Pair) -> Result:
    """Fails where a foreign key has CASCADE, SET NULL or SET DEFAULT."""
    found = facts.foreign_keys(pair)
    if not found:
        return passed("there are none")
    rules = facts.ask_moved(
        pair,
        "SELECT constraint_schema, table_name, constraint_name, referenced_table_name, delete_rule, update_rule "
        "FROM information_schema.referential_constraints",
        "constraint_schema",
        "SELECT",
        "ORDER BY 1, 2, 3",
    )
    if len(rules) < len(found):
        # MariaDB keeps the rules from whoever may only read the tables.
        name, user = pair.source.name, pair.source.endpoint.account.user
        raise PrivilegeMissing(
            name, f"On {name} the account {user} lacks the REFERENCES privilege; GRANT REFERENCES ON *.* to it."
        )
    rows = [row for row in rules if not {str(row[4]), str(row[5])} <= _CALM]
    if not rows:
        return passed("none does")
    return failed(
        count(len(rows), "does", "do"),
        table((*_HEADS, "on delete", "on update"), rows),
        "See in the tool's documentation that it replays cascades on the target (it has to leave foreign_key_checks "
        "on there). If it does not, replace the rule by RESTRICT for the time of the migration and let the "
        "application delete the rows.",
    )
