"""What the accounts of a server may do, from its lists of grants, and what of it another server lacks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from migration.check import Pair
from migration.checks.logins import Key, Login, logins
from migration.checks.sight import require
from providers.mysql.server import Server

EVERYTHING = "ALL PRIVILEGES"
# What every server since MySQL 5.6 has; an account with all of it was granted ALL.
_STATIC = frozenset({
    "SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "RELOAD", "SHUTDOWN", "PROCESS", "FILE", "REFERENCES",
    "INDEX", "ALTER", "SHOW DATABASES", "SUPER", "CREATE TEMPORARY TABLES", "LOCK TABLES", "EXECUTE", "CREATE VIEW",
    "REPLICATION SLAVE", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "CREATE USER", "EVENT", "TRIGGER",
    "CREATE TABLESPACE",
})  # fmt: skip
_COLUMNS = {
    "grant": "GRANT OPTION", "create tmp table": "CREATE TEMPORARY TABLES", "show db": "SHOW DATABASES",
    "repl slave": "REPLICATION SLAVE", "repl client": "REPLICATION CLIENT",
}  # fmt: skip
# What takes a privilege's place on servers that do not know it. MySQL 8.4 manual, "What Is New in MySQL 8.4"; MariaDB
# manual, GRANT: "Global Privileges"; MySQL before 8.0 has SUPER for all that was taken out of it.
_SUCCESSORS = {
    "SET_USER_ID": ("SET_ANY_DEFINER", "SET USER", "SUPER"),
    "SET_ANY_DEFINER": ("SET_USER_ID", "SET USER", "SUPER"),
    "SET USER": ("SET_ANY_DEFINER", "SET_USER_ID", "SUPER"),
    "REPLICATION CLIENT": ("BINLOG MONITOR",),
    "BINLOG MONITOR": ("REPLICATION CLIENT",),
    "SLAVE MONITOR": ("REPLICATION CLIENT", "REPLICATION SLAVE"),
    "CONNECTION ADMIN": ("CONNECTION_ADMIN", "SUPER"),
    "BINLOG ADMIN": ("BINLOG_ADMIN", "SUPER"),
    "READ_ONLY ADMIN": ("CONNECTION_ADMIN", "SUPER"),
    "REPLICATION SLAVE ADMIN": ("REPLICATION_SLAVE_ADMIN", "SUPER"),
    "REPLICATION MASTER ADMIN": ("REPLICATION SLAVE", "SUPER"),
    "BINLOG REPLAY": ("BINLOG_ADMIN", "SUPER"),
    "FEDERATED ADMIN": ("SUPER",),
    "CONNECTION_ADMIN": ("CONNECTION ADMIN", "SUPER"),
    "BINLOG_ADMIN": ("BINLOG ADMIN", "SUPER"),
    "REPLICATION_SLAVE_ADMIN": ("REPLICATION SLAVE ADMIN", "SUPER"),
    "SYSTEM_VARIABLES_ADMIN": ("SUPER",),
}  # fmt: skip


class Right(NamedTuple):
    """One privilege: on everything (`base` empty), a database (`thing` empty), or something within it.

    `thing` is a table, a column as `table.column`, or a routine, whose `kind` is PROCEDURE or FUNCTION.
    """

    privilege: str
    base: str = ""
    thing: str = ""
    kind: str = ""

    @property
    def level(self) -> str:
        """Where it holds, as evidence shows it."""
        if not self.base:
            return "*.*"
        return f"{self.kind} {self.base}.{self.thing or '*'}".lstrip()


Rights = Mapping[Key, frozenset[Right]]


def rights(pair: Pair, server: Server) -> Rights:
    """What every account and role of a server was granted, roles' privileges not counted in.

    Raises:
        PrivilegeMissing: the account may not read all of the server's lists.
    """
    return pair.once(("rights", server.name), lambda: _ask(pair, server))


def _ask(pair: Pair, server: Server) -> Rights:
    found: dict[Key, set[Right]] = defaultdict(set)
    # Who may not read the system database gets a shorter list of global privileges without a word.
    require(server, "SELECT", ("mysql",))
    keys = {login.shown: login.key for login in logins(pair, server).values()}
    keys |= {name: login.key for login in logins(pair, server).values() if login.role for name in _role_names(login)}
    for grantee, privilege in server.rows(
        "SELECT grantee, privilege_type FROM information_schema.user_privileges WHERE privilege_type <> 'USAGE'"
    ):
        if key := keys.get(str(grantee)):
            found[key].add(Right(str(privilege).upper()))
    for row in server.named("SELECT * FROM mysql.db"):
        cells = {str(name).lower(): str(value) for name, value in row.items()}
        key = cells["user"], cells["host"].casefold()
        found[key] |= {Right(_privilege(name), cells["db"]) for name, value in cells.items() if value == "Y"}
    for user, host, right in _within(server):
        found[user, host.casefold()].add(right)
    return {key: frozenset(held) for key, held in found.items()}


def _role_names(login: Login) -> tuple[str, ...]:
    # MariaDB's roles have no host.
    return f"'{login.user}'@''", f"'{login.user}'", login.user


def _privilege(column: str) -> str:
    """The privilege that a column such as `Create_view_priv` stands for."""
    words = column.removesuffix("_priv").replace("_", " ")
    return _COLUMNS.get(words, words.upper())


def _within(server: Server) -> Iterable[tuple[str, str, Right]]:
    """The grants on tables, columns and routines: account, its host and the right."""
    for sql in (
        "SELECT user, host, db, table_name, '', table_priv FROM mysql.tables_priv WHERE table_priv <> ''",
        "SELECT user, host, db, CONCAT(table_name, '.', column_name), '', column_priv FROM mysql.columns_priv",
        "SELECT user, host, db, routine_name, routine_type, proc_priv FROM mysql.procs_priv",
    ):
        for user, host, base, thing, kind, privileges in server.rows(sql):
            for privilege in str(privileges).split(","):
                yield str(user), str(host), Right(_set_word(privilege), str(base), str(thing), str(kind))


def _set_word(privilege: str) -> str:
    return "GRANT OPTION" if privilege == "Grant" else privilege.upper()


def known(pair: Pair, server: Server) -> frozenset[str]:
    """The privileges that a server has, as it spells them in its lists of grants."""

    def ask() -> frozenset[str]:
        names = {str(row[0]).upper() for row in server.rows("SHOW PRIVILEGES")}
        held = {right.privilege for every in rights(pair, server).values() for right in every}
        # MariaDB lists some by another spelling than it grants them by.
        return frozenset(names | held | {"GRANT OPTION", "CREATE TEMPORARY TABLES"})

    return pair.once(("privileges", server.name), ask)


def successors(pair: Pair, privilege: str) -> tuple[str, ...]:
    """What an account of the target may have instead of a privilege of the source: the best first."""
    there = known(pair, pair.target)
    return tuple(name for name in _SUCCESSORS.get(privilege, ()) if name in there)


def holds_everything(held: frozenset[Right]) -> bool:
    """Whether an account was granted ALL on everything."""
    return {right.privilege for right in held if not right.base} >= _STATIC


def lacking(pair: Pair, ours: frozenset[Right], theirs: frozenset[Right], there: frozenset[str]) -> tuple[Right, ...]:
    """What of an account's rights the one on the target lacks, in order; `there` are the databases of the target.

    Privileges that the target does not know are left out, and those on what is within a database it has not got yet.
    """
    if holds_everything(theirs):
        return ()
    if holds_everything(ours):
        return (Right(EVERYTHING),)
    words = known(pair, pair.target)
    wide = [right for right in theirs if not right.thing]
    return tuple(
        right
        for right in sorted(ours - theirs)
        if right.privilege in words and _asked_for(pair, right, there) and not _covered(right, theirs, wide)
    )


def _asked_for(pair: Pair, right: Right, there: frozenset[str]) -> bool:
    if right.thing and right.base not in there:
        return False
    chosen = pair.spec.databases
    return not right.base or not chosen or any(base_matches(right.base, name) for name in chosen)


def _covered(right: Right, theirs: frozenset[Right], wide: list[Right]) -> bool:
    """Whether an account has this right by another name, or for more than is asked."""
    names = {right.privilege, *_SUCCESSORS.get(right.privilege, ())}
    if any(other.privilege in names and (not other.base or base_matches(other.base, right.base)) for other in wide):
        return True
    return any(Right(right.privilege, right.base, thing) in theirs for thing in _around(right.thing))


def _around(thing: str) -> tuple[str, ...]:
    """The table of a column: every beginning of `table.column` that could be one, since both may hold dots."""
    parts = thing.split(".")
    return tuple(".".join(parts[:end]) for end in range(1, len(parts)))


def base_matches(pattern: str, base: str) -> bool:
    r"""Whether the database of a grant, in which `%` and `_` stand for others unless a `\` is before them, covers one.

    Names are compared without regard to capitals, since servers differ in that.
    """
    parts = re.findall(r"\\?.", pattern, re.DOTALL)
    regex = "".join(".*" if part == "%" else "." if part == "_" else re.escape(part[-1]) for part in parts)
    plain = re.sub(r"\\([%_])", r"\1", base)
    return re.fullmatch(regex, plain, re.IGNORECASE | re.DOTALL) is not None
