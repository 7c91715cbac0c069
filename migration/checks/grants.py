"""Whether the accounts of the applications may do on the target what they do on the source."""

from __future__ import annotations

from collections import defaultdict

from migration.check import Pair, Result, Severity, check
from migration.checks.logins import (
    ON_A_REPLICA,
    PROVIDERS,
    Login,
    default_roles,
    logins,
    pairs_of,
    role_edges,
    to_carry,
)
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.checks.rights import Right, base_matches, known, lacking, rights, successors
from migration.model import Side

_SHOWN_RIGHTS = 6


@check(
    "accounts-grants",
    "accounts may do the same on target",
    Side.BOTH,
    Severity.WARNING,
    why="What an account was not granted on the target fails there for its application, with error 1142 or 1227.",
    asks="information_schema.user_privileges, mysql.db, tables_priv, columns_priv and procs_priv on both",
    page="MySQL manual: Grant Tables",
)
def accounts_grants(pair: Pair) -> Result:
    """Fails where an account or a role has fewer rights on the target than on the source."""
    ours, theirs = rights(pair, pair.source), rights(pair, pair.target)
    there = frozenset(pair.target.databases())
    rows = []
    both = (*pairs_of(pair), *_roles_of_both(pair))
    none: frozenset[Right] = frozenset()
    for login, other in both:
        lost = lacking(pair, ours.get(login.key, none), theirs.get(other.key, none), there)
        if lost:
            rows.append((login.shown, _in_words(lost)))
    if not both:
        return not_applicable("no account is on both")
    if not rows:
        return passed(f"{count(len(both), 'account', 'accounts')} compared")
    return failed(
        count(len(rows), "may do less there", "may do less there"),
        table(("account", "not granted on the target"), rows),
        "Grant it on the target before the cutover (SHOW GRANTS FOR the account on the source writes the statements); "
        f"on tables and routines only once the copy is there: look again then. {ON_A_REPLICA}",
    )


def _roles_of_both(pair: Pair) -> tuple[tuple[Login, Login], ...]:
    there = logins(pair, pair.target)
    roles = (login for login in logins(pair, pair.source).values() if login.role)
    return tuple((login, there[login.key]) for login in roles if login.key in there)


def _in_words(lost: tuple[Right, ...]) -> str:
    """Rights by where they hold: `SELECT, INSERT ON shop.*`."""
    levels: dict[str, list[str]] = defaultdict(list)
    for right in lost:
        levels[right.level].append(right.privilege)
    every = [f"{', '.join(names)} ON {level}" for level, names in levels.items()]
    more = len(every) - _SHOWN_RIGHTS
    return "; ".join(every[:_SHOWN_RIGHTS]) + (f"; and on {more} more" if more > 0 else "")


@check(
    "privileges-known",
    "target knows every privilege",
    Side.BOTH,
    Severity.WARNING,
    why="GRANT of a privilege that the target does not know is refused, and whoever relied on it has to get another.",
    asks="information_schema.user_privileges on both; SHOW PRIVILEGES on the target",
    page="MySQL manual: Privileges Provided by MySQL; What Is New in MySQL 8.4 (SET_USER_ID)",
)
def privileges_known(pair: Pair) -> Result:
    """Fails where an account has a privilege that the target does not know, and not the one that took its place."""
    words = known(pair, pair.target)
    ours, theirs = rights(pair, pair.source), rights(pair, pair.target)
    there = {login.key: other for login, other in pairs_of(pair)}
    rows = []
    for login in to_carry(pair):
        other = there.get(login.key)
        has = {right.privilege for right in theirs.get(other.key, ())} if other else set()
        for right in sorted(ours.get(login.key, ())):
            instead = successors(pair, right.privilege)
            if right.privilege in words or has & set(instead) or (other and not instead):
                continue
            rows.append((login.shown, right.privilege, instead[0] if instead else "nothing: leave it out"))
    if not rows:
        return passed("all are known")
    names = sorted({row[1] for row in rows})
    return failed(
        names[0] if len(names) == 1 else f"{len(names)} are not known",
        table(("account", "privilege", "on the target instead"), rows),
        "Grant what is named instead. SET_USER_ID became SET_ANY_DEFINER and, for definers that do not exist, "
        "ALLOW_NONEXISTENT_DEFINER in MySQL 8.4.",
    )


@check(
    "accounts-roles",
    "roles are on the target",
    Side.BOTH,
    Severity.WARNING,
    why="An account that has its rights through a role has none on a server without it, or where it is not active.",
    asks="mysql.role_edges and mysql.default_roles (MariaDB: mysql.roles_mapping and mysql.global_priv) on both",
    page="MySQL manual: Using Roles; MariaDB manual: Roles Overview",
)
def accounts_roles(pair: Pair) -> Result:
    """Fails where a role, its use by an account, or its being active at login is missing on the target."""
    here, there = role_edges(pair, pair.source), role_edges(pair, pair.target)
    on_target = {login.user for login in logins(pair, pair.target).values() if login.role}
    roles = {login.user for login in logins(pair, pair.source).values() if login.role and login.user not in PROVIDERS}
    shown = {login.key: login.shown for login in to_carry(pair)}
    shown |= {login.key: login.shown for login in logins(pair, pair.source).values() if login.user in roles}
    carried = {login.key: other.key for login, other in pairs_of(pair)}
    rows = [(role, "", "there is no such role") for role in sorted(roles & {role for role, _ in here} - on_target)]
    for what, ours, theirs in (
        ("it is not granted", here, there),
        ("it is not active at login", default_roles(pair, pair.source), default_roles(pair, pair.target)),
    ):
        rows += [
            (role, shown[key], what)
            for role, key in sorted(ours)
            if key in shown and (role, carried.get(key, key)) not in theirs and role in on_target
        ]
    if not rows:
        return passed(count(len(roles), "role", "roles") if roles else "there are none")
    return failed(
        count(len(rows), "is missing", "are missing"),
        table(("role", "account", "on the target"), rows),
        "On the target: CREATE ROLE, GRANT the role its rights and the role to the accounts, SET DEFAULT ROLE. On a "
        "server without roles (MySQL before 8.0) grant the rights to the accounts themselves.",
    )


@check(
    "wildcard-grants",
    "grants on patterns keep their sense",
    Side.BOTH,
    Severity.WARNING,
    why="Where partial_revokes is ON, % and _ in the database of a grant stand for themselves alone.",
    asks="partial_revokes on both; mysql.db on the source",
    page="MySQL manual: Privilege Restriction Using Partial Revokes",
)
def wildcard_grants(pair: Pair) -> Result:
    """Fails where a grant is on a pattern of databases that the target would take for a name."""
    if pair.target.variable("partial_revokes") != "ON" or pair.source.variable("partial_revokes") == "ON":
        return passed("patterns are patterns on both")
    carried = {login.key: login.shown for login in to_carry(pair)}
    ours = rights(pair, pair.source)
    names = pair.source.databases()
    rows = sorted(
        {
            (shown, right.base)
            for key, shown in carried.items()
            for right in ours.get(key, ())
            if not right.thing
            and any(base_matches(right.base, name) and not _named(right.base, name) for name in names)
        }
    )
    if not rows:
        return passed("no grant is on a pattern")
    return failed(
        count(len(rows), "grant on a pattern", "grants on patterns"),
        table(("account", "databases"), rows),
        "On the target grant on each database by its name, or set partial_revokes OFF there.",
    )


def _named(pattern: str, name: str) -> bool:
    return pattern.replace("\\", "").casefold() == name.casefold()
