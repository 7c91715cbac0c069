"""What a later version of the server, or one of the other family, no longer does as the source does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from migration.check import Pair, Result, Severity, check
from migration.checks import facts, logins, objects
from migration.checks.jumps import modes
from migration.checks.jumps.functions import Function, missing
from migration.checks.jumps.plugins import BY_NAME, NATIVE, OLD
from migration.checks.jumps.settings import CHANGED, GONE, Gone, usual_on
from migration.checks.jumps.text import bare, called, groups_are_ordered
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.checks.sight import require
from migration.model import Side
from providers.mysql.server import Server

# MySQL 8.0.13 release notes: GROUP BY takes no ASC and DESC any more.
_GROUPS_UNORDERED = 8, 0, 13
_OLD_PASSWORD_DIGITS = 16


@check(
    "removed-functions",
    "target has every function used",
    Side.SOURCE,
    Severity.BLOCKER,
    why="A view, trigger or routine that calls a function the server no longer has fails, and so does what uses it.",
    asks="texts of views, routines, triggers and events, generated columns, checks and index expressions; the "
    "target's loadable functions",
    page="MySQL 8.0 Reference Manual, What Is New in MySQL 8.0: Features Removed; MySQL 9.6, Legacy Hashing Component",
)
def removed_functions(pair: Pair) -> Result:
    """Fails where something on the source calls a function that the target does not have.

    Functions that somebody has made on the source are not meant: they move with their database.
    """
    gone = missing(pair.source.version, pair.target_version)
    if not gone:
        return passed("none is gone")
    uses = [(kind, where, name) for kind, where, text, mode in _texts(pair) for name in called(bare(text, mode), gone)]
    if uses:
        # None is foreseen on a target that is still to be created.
        loaded = frozenset() if pair.other is None else _loadable(pair.other)
        uses = [use for use in uses if use[2] not in loaded]
    if not uses:
        return passed("none is used")
    return failed(
        count(len({name for *_, name in uses}), "is not there", "are not there"),
        table(("kind", "name", "calls", "use instead"), [(*use, _instead(gone, use[2])) for use in uses]),
        "Rewrite these before the migration, and what the application itself sends likewise: the target refuses to "
        "create such a view or column, and a routine or trigger fails when it is next used. Functions of your own "
        "with such a name, called with their database or in backticks, are not meant.",
    )


def _instead(gone: Mapping[str, Function], name: str) -> str:
    return gone[name].instead_of(name)


def _texts(pair: Pair) -> Iterator[tuple[str, str, str, str]]:
    """Every text in the databases that calls functions: kind, name, text and sql_mode."""
    for item in objects.stored(pair):
        if not item.body:
            # A routine's text is hidden from who may not see it, and so would be what it calls.
            require(pair.source, "SELECT")
        yield item.kind.lower(), item.qualified, item.body, item.mode
    for each in facts.columns(pair):
        if each.formula:
            yield "column", f"{each.base}.{each.table}.{each.name}", each.formula, ""
    for base, name, clause in _constraints(pair):
        yield "check", f"{base}.{name}", clause, ""
    for base, on, name, expression in _indexes(pair):
        yield "index", f"{base}.{on}.{name}", expression, ""


def _constraints(pair: Pair) -> list[tuple[str, str, str]]:
    if not pair.source.version.mariadb and not pair.source.version.mysql_from(8, 0, 16):
        return []
    rows = facts.ask_moved(
        pair,
        "SELECT constraint_schema, constraint_name, check_clause FROM information_schema.check_constraints",
        "constraint_schema",
        "SELECT",
    )
    return sorted((str(base), str(name), str(clause)) for base, name, clause in rows)


def _indexes(pair: Pair) -> list[tuple[str, str, str, str]]:
    if not pair.source.version.mysql_from(8, 0, 13):
        return []
    rows = facts.ask_moved(
        pair,
        "SELECT table_schema, table_name, index_name, expression FROM information_schema.statistics",
        "table_schema",
        "SELECT",
        "AND expression IS NOT NULL",
    )
    return sorted((str(base), str(on), str(name), str(text)) for base, on, name, text in rows)


def _loadable(server: Server) -> frozenset[str]:
    """The functions that a library or a component adds to a server, in capitals."""
    if server.version.mysql_from(8, 0):
        rows = server.rows("SELECT udf_name FROM performance_schema.user_defined_functions")
    else:
        rows = server.rows("SELECT name FROM mysql.func")
    return frozenset(str(name).upper() for (name,) in rows)


@check(
    "group-by-order",
    "no GROUP BY gives an order",
    Side.SOURCE,
    Severity.BLOCKER,
    why="MySQL 8.0.13 and later know no GROUP BY ... ASC or DESC: what contains it cannot be created there.",
    asks="texts of views, routines, triggers and events",
    page="MySQL 8.0.13 Release Notes; MySQL 8.0 Reference Manual, What Is New in MySQL 8.0: Features Removed",
)
def group_by_order(pair: Pair) -> Result:
    """Fails where a stored text orders by GROUP BY and the target does not know that."""
    if pair.source.version.mysql_from(*_GROUPS_UNORDERED) or not pair.target_version.mysql_from(*_GROUPS_UNORDERED):
        return not_applicable("as on the source")
    rows = [
        (item.kind.lower(), item.base, item.name)
        for item in objects.stored(pair)
        if groups_are_ordered(bare(item.body, item.mode))
    ]
    if not rows:
        return passed("none")
    return failed(
        count(len(rows), "does", "do"),
        table(("kind", "database", "name"), rows),
        "Write ORDER BY behind the GROUP BY in each of these. See to the application's own statements, too: there "
        "even a GROUP BY without a word no longer sorts.",
    )


@check(
    "obsolete-sql-modes",
    "no sql_mode has been dropped",
    Side.SOURCE,
    Severity.NOTICE,
    why="A mode that the target does not know cannot be set there, by an application either.",
    asks="SHOW GLOBAL VARIABLES LIKE 'sql_mode'; the mode of each routine, trigger and event",
    page="MySQL 8.0 Reference Manual, What Is New in MySQL 8.0: Features Removed",
)
def obsolete_sql_modes(pair: Pair) -> Result:
    """Fails where the source or something on it has a mode that the target does not know."""
    unknown = modes.unknown(pair.source.version, pair.target_version) - modes.HARMLESS
    if not unknown:
        return passed("none")
    everywhere = facts.variables(pair, pair.source).get("sql_mode", "")
    rows = [("server", "", found)] if (found := _modes(everywhere, unknown)) else []
    rows += _modes_of_objects(pair, unknown - modes.foreign(pair.source.version, pair.target_version))
    if not rows:
        return passed("none is used")
    return failed(
        count(len(rows), "has a mode that is dropped", "have a mode that is dropped"),
        table(("kind", "name", "mode"), rows),
        "Nothing to do for what is copied: these modes are left out there. An application that sets one when it "
        "connects is refused (error 1231): take it out of its settings and of the target's configuration file.",
    )


@check(
    "foreign-sql-modes",
    "target knows objects' sql_mode",
    Side.SOURCE,
    Severity.BLOCKER,
    why="An object is created in the sql_mode it was written in, which the other family may not know.",
    asks="the sql_mode of each routine, trigger and event",
    page="MariaDB documentation, SQL_MODE; MySQL Reference Manual, Server SQL Modes",
)
def foreign_sql_modes(pair: Pair) -> Result:
    """Fails where an object was made in a mode that the other family lacks or means something else by."""
    foreign = modes.foreign(pair.source.version, pair.target_version)
    if not foreign:
        return not_applicable("as on the source")
    rows = _modes_of_objects(pair, foreign)
    if not rows:
        return passed("none is used")
    return failed(
        count(len(rows), "cannot be created there", "cannot be created there"),
        table(("kind", "name", "mode"), rows),
        "Write these anew without the mode (SET sql_mode, then CREATE OR REPLACE), or drop them on the source for the "
        "time of the migration. ORACLE means another language in MariaDB, so such a routine has to be written again.",
    )


def _modes(value: str, wanted: frozenset[str]) -> str:
    return ", ".join(sorted(wanted.intersection(value.split(","))))


def _modes_of_objects(pair: Pair, wanted: frozenset[str]) -> list[tuple[str, str, str]]:
    return [
        (item.kind.lower(), item.qualified, found)
        for item in (*objects.routines(pair), *objects.triggers(pair), *objects.events(pair))
        if (found := _modes(item.mode, wanted))
    ]


@check(
    "removed-variables",
    "settings are carried over",
    Side.SOURCE,
    Severity.WARNING,
    why="A setting that somebody has made on the source has no effect where the server does not know it.",
    asks="SHOW GLOBAL VARIABLES on both",
    page="MySQL Reference Manual, Server and Status Variables and Options Added, Deprecated, or Removed",
)
def removed_variables(pair: Pair) -> Result:
    """Fails where a variable was set on the source that the target lacks, and nothing else does its work there.

    Of a target that is still to be created, what does the work instead cannot be looked at: it has to be set there.
    """
    source = facts.variables(pair, pair.source)
    target = None if pair.other is None else facts.variables(pair, pair.other)
    rows = []
    for setting in GONE:
        value = source.get(setting.name)
        known = setting.known_to(pair.target_version) if target is None else setting.name in target
        if value is None or known or value == usual_on(setting.usual, pair.source.version):
            continue
        there = None if target is None else target.get(setting.instead)
        if there is None or not setting.carried(value, there):
            rows.append((setting.name, value, setting.gone, _there(pair, setting, there), setting.notice))
    if not rows:
        return passed("none is missing")
    return failed(
        count(len(rows), "is not carried over", "are not carried over"),
        table(("setting", "source", "gone from", "on the target", "so"), rows),
        "Set on the target what does the same there, in the configuration file as well; where nothing does, see "
        "whether the application can do without.",
    )


def _there(pair: Pair, setting: Gone, value: str | None) -> str:
    if value is None and pair.other is None and setting.instead:
        return f"{setting.instead}, which is to be set"
    return "nothing does the same" if value is None else f"{setting.instead} = {value}"


@check(
    "changed-defaults",
    "new defaults are expected",
    Side.BOTH,
    Severity.NOTICE,
    why="What nobody has set is what the version sets, and an application may rest on it without knowing.",
    asks="SHOW GLOBAL VARIABLES on both",
    page="MySQL 8.0 Reference Manual, Changes in MySQL 8.0; MariaDB documentation, Server System Variables",
)
def changed_defaults(pair: Pair) -> Result:
    """Fails where a default that applications notice differs between the versions, and so do the values."""
    source, target = (facts.variables(pair, server) for server in (pair.source, pair.target))
    rows = []
    for setting in CHANGED:
        before, after = (usual_on(setting.usual, server.version) for server in (pair.source, pair.target))
        if before is None or after is None or before == after:
            continue
        values = source.get(setting.name, before), target.get(setting.name, after)
        if _spelt(values[0]) != _spelt(values[1]):
            rows.append((setting.name, *values, setting.notice))
    if not rows:
        return passed("as on the source")
    return failed(
        count(len(rows), "setting differs", "settings differ"),
        table(("setting", "source", "target", "what an application notices"), rows),
        "Replication is not affected. See whether the application sets these itself; if not, test it against the "
        "target, or set the source's values there, in the configuration file as well.",
    )


def _spelt(value: str) -> str:
    """A value as later servers write it: they call the character set utf8 by its full name."""
    return "utf8mb3" if value == "utf8" else value


@check(
    "utf8mb3",
    "no text is utf8mb3",
    Side.SOURCE,
    Severity.NOTICE,
    why="utf8mb3 (utf8) has no place for emoji and many other characters, and a later MySQL will drop it.",
    asks="SELECT ... COUNT(*) FROM information_schema.columns, grouped by character set",
    page="MySQL Reference Manual, The utf8mb3 Character Set",
)
def utf8mb3(pair: Pair) -> Result:
    """Fails where there are columns of the old three-byte UTF-8 and the target is the first to warn of them."""
    if pair.source.version.mysql_from(8, 0) or not pair.target_version.mysql_from(8, 0):
        return not_applicable("as on the source")
    rows = facts.ask_moved(
        pair,
        "SELECT table_schema, COUNT(*) FROM information_schema.columns",
        "table_schema",
        "SELECT",
        "AND character_set_name IN ('utf8', 'utf8mb3') GROUP BY table_schema ORDER BY table_schema",
    )
    if not rows:
        return passed("none")
    return failed(
        count(sum(int(number) for _, number in rows), "column", "columns"),
        table(("database", "columns, views' among them"), rows),
        "Nothing to do for the migration: it works as before. Afterwards convert the tables (ALTER TABLE ... CONVERT "
        "TO CHARACTER SET utf8mb4), and mind that an index holds fewer characters then.",
    )


@check(
    "authentication-plugins",
    "target has every login method",
    Side.BOTH,
    Severity.WARNING,
    why="An account whose login method the target does not have, or has switched off, cannot be made there as it is.",
    asks="the accounts in mysql.user (MariaDB: mysql.global_priv); information_schema.plugins on the target",
    page="MySQL Reference Manual, Authentication Plugins",
)
def authentication_plugins(pair: Pair) -> Result:
    """Fails where an account of the source that is not on the target has only login methods the target lacks."""
    usable = logins.methods_of(pair, pair.target)
    found = [
        (login.shown, methods)
        for login in logins.missing(pair)
        if (methods := _methods(login)) and not methods & usable
    ]
    if not found:
        return passed("every one is there")
    states = _states(pair.target)
    rows = [
        (account, method, states.get(method, "not there").lower(), _advice(method))
        for account, methods in found
        for method in sorted(methods)
    ]
    return failed(
        count(len(found), "account", "accounts"),
        table(("account", "login method", "on the target", "make it there with"), rows),
        "Make these accounts on the target with another login method before the cutover, and see that their clients' "
        "drivers know it; mysql_native_password can be switched on again in MySQL 8.4 (mysql_native_password = ON in "
        "the configuration file), not later. An account that nobody uses may stay behind.",
    )


def _methods(login: logins.Login) -> frozenset[str]:
    """By what an account logs in; a password of before MySQL 4.1 is a method of its own, whatever stands there."""
    return frozenset(
        OLD if plugin == NATIVE and len(kept) == _OLD_PASSWORD_DIGITS else plugin for plugin, kept in login.methods
    )


def _states(server: Server) -> dict[str, str]:
    rows = server.rows(
        "SELECT plugin_name, plugin_status FROM information_schema.plugins WHERE plugin_type = 'AUTHENTICATION'"
    )
    return {str(name): str(status) for name, status in rows}


def _advice(method: str) -> str:
    return BY_NAME[method].remedy if method in BY_NAME else "a login method that the target has"
