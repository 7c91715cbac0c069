"""The accounts of a server: how they log in, what they may do, and which of them are the server's own.

All of it comes from a handful of lists, however many accounts there are; no statement is made for each of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from migration.check import Pair
from migration.checks.accounts import host_matches
from providers.mysql.server import Server

NATIVE = "mysql_native_password"
_OLD = "mysql_old_password"
# Their stored form is made from the password alone, so two of them can be compared. The others add a random part.
_COMPARABLE = frozenset({NATIVE, _OLD, "ed25519"})
_PASSWORDS = _COMPARABLE | {"caching_sha2_password", "sha256_password", "parsec"}
# MySQL manual, "Reserved Accounts"; MariaDB's own; the last line are those of the providers, from their manuals.
_RESERVED = frozenset({"mysql.sys", "mysql.session", "mysql.infoschema", "mariadb.sys"})
PROVIDERS = frozenset({
    "rdsadmin", "rdsrepladmin", "rds_superuser_role", "aliyun_root", "azure_superuser", "cloudsqladmin",
    "cloudsqlimport", "cloudsqlexport", "cloudsqlreplica", "cloudsqlsuperuser", "rdsbackup", "rdsmetric", "rdsrepl",
    "rdsproxy",
})  # fmt: skip
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})
# Measured on MySQL 9.7: with read_only alone an administrator's account may still make accounts.
ON_A_REPLICA = (
    "Where the target follows the source already: leave read_only on, set super_read_only OFF for the moment where it "
    "is ON, and put SET sql_log_bin = 0 before the statements."
)
_TLS = ("", "ANY", "X509", "SPECIFIED")

Key = tuple[str, str]


@dataclass(frozen=True)
class Login:
    """An account. `methods`: plugin and what the server keeps of the password, one or (MariaDB) several.

    What is kept is a secret: it is compared and never shown. `tls` is what the account has to use: nothing, ANY,
    X509 or SPECIFIED.
    """

    user: str
    host: str
    methods: tuple[tuple[str, str], ...] = field(repr=False)
    tls: str
    locked: bool
    expired: bool
    role: bool
    default_role: str = ""

    @property
    def key(self) -> Key:
        """What names it on a server."""
        return self.user, self.host.casefold()

    @property
    def shown(self) -> str:
        """As it is written in statements."""
        return f"'{self.user}'@'{self.host}'"

    @property
    def plugins(self) -> tuple[str, ...]:
        """By which methods it logs in."""
        return tuple(plugin for plugin, _ in self.methods)

    @property
    def by_name(self) -> bool:
        """Whether its host is one by name, so that the server has to find the name of whoever connects."""
        host = self.host.casefold()
        # Addresses of IPv6 have letters too, and colons.
        return host != "localhost" and ":" not in host and re.search("[a-z]", host) is not None


def logins(pair: Pair, server: Server) -> Mapping[Key, Login]:
    """Every account and role of a server.

    Raises:
        PrivilegeMissing: the account may not read the server's list of them.
    """

    def ask() -> dict[Key, Login]:
        found = _mariadb(server) if server.version.mariadb else _mysql(pair, server)
        return {login.key: login for login in found}

    return pair.once(("logins", server.name), ask)


def _mysql(pair: Pair, server: Server) -> list[Login]:
    # Its columns differ from version to version: those that are not there say nothing.
    granted = {role for role, _ in role_edges(pair, server)}
    found = []
    for row in server.named("SELECT * FROM mysql.user"):
        cells = {str(name).lower(): value for name, value in row.items()}
        kept = str(cells.get("authentication_string") or cells.get("password") or "")
        plugin = str(cells.get("plugin") or (_OLD if len(kept) == 16 else NATIVE))
        locked, expired = cells.get("account_locked") == "Y", cells.get("password_expired") == "Y"
        user, host = str(cells["user"]), str(cells["host"])
        # CREATE ROLE makes an account that is locked and has an expired password, which is empty.
        role = user in granted or (locked and expired and not kept)
        found.append(Login(user, host, ((plugin, kept),), str(cells.get("ssl_type") or ""), locked, expired, role))
    return found


def _mariadb(server: Server) -> list[Login]:
    rows = server.rows("SELECT user, host, priv FROM mysql.global_priv")
    return [_from_json(str(user), str(host), json.loads(str(priv))) for user, host, priv in rows]


def _from_json(user: str, host: str, priv: Mapping[str, Any]) -> Login:
    """An account as MariaDB keeps it; `auth_or` lists its methods, an empty one standing for the outer.

    A password that is kept as `invalid` lets nobody in.
    """
    methods = tuple(
        (str(one.get("plugin") or NATIVE), str(one.get("authentication_string") or ""))
        for one in (other or priv for other in priv.get("auth_or", [{}]))
        if one.get("authentication_string") != "invalid"
    )
    return Login(
        user,
        host,
        methods,
        _TLS[int(priv.get("ssl_type", 0))],
        bool(priv.get("account_locked", False)) or not methods,
        priv.get("password_last_changed") == 0,
        bool(priv.get("is_role", False)),
        str(priv.get("default_role") or ""),
    )


def role_edges(pair: Pair, server: Server) -> frozenset[tuple[str, Key]]:
    """Which role is granted to which account or role; roles by their names."""

    def ask() -> frozenset[tuple[str, Key]]:
        if server.version.mariadb:
            sql = "SELECT role, user, host FROM mysql.roles_mapping"
        elif server.version.mysql_from(8, 0):
            sql = "SELECT from_user, to_user, to_host FROM mysql.role_edges"
        else:
            return frozenset()
        # MariaDB also lists who made a role, which is no use of it.
        return frozenset((str(role), (str(user), str(host).casefold())) for role, user, host in server.rows(sql))

    return pair.once(("role edges", server.name), ask)


def default_roles(pair: Pair, server: Server) -> frozenset[tuple[str, Key]]:
    """Which role is active for which account as soon as it logs in."""

    def ask() -> frozenset[tuple[str, Key]]:
        if server.version.mysql_from(8, 0):
            rows = server.rows("SELECT default_role_user, user, host FROM mysql.default_roles")
            return frozenset((str(role), (str(user), str(host).casefold())) for role, user, host in rows)
        every = logins(pair, server).values()
        return frozenset((login.default_role, login.key) for login in every if login.default_role)

    return pair.once(("default roles", server.name), ask)


def is_own(login: Login, server: Server) -> bool:
    """Whether an account belongs to the server or to whoever runs it, and is no application's."""
    if login.user.casefold() in _RESERVED | PROVIDERS:
        return True
    here = LOCAL | {server.identity.hostname.casefold()}
    return login.user in ("root", "mysql") and login.host.casefold() in here


def to_carry(pair: Pair) -> tuple[Login, ...]:
    """The accounts of the source with which somebody can log in and that the target has to have, in order.

    Not those of this migration, which may be others on the target, and none without a name.
    """
    ours = {pair.spec.source.user, pair.spec.source.replication_user, ""}
    found = (
        login
        for login in logins(pair, pair.source).values()
        if login.user not in ours and not (login.role or login.locked or is_own(login, pair.source))
    )
    return tuple(sorted(found, key=lambda login: login.key))


def counterpart(login: Login, there: Mapping[Key, Login]) -> Login | None:
    """The account of another server that lets in whoever this one does: the same, or one for more hosts."""
    if login.key in there:
        return there[login.key]
    return next(
        (other for other in there.values() if other.user == login.user and host_matches(other.host, login.host)), None
    )


def pairs_of(pair: Pair) -> tuple[tuple[Login, Login], ...]:
    """The accounts to carry that are on the target, with those there."""
    there = logins(pair, pair.target)
    return tuple((login, other) for login in to_carry(pair) if (other := counterpart(login, there)) is not None)


def missing(pair: Pair) -> tuple[Login, ...]:
    """The accounts to carry that the target lacks."""
    there = logins(pair, pair.target)
    return tuple(login for login in to_carry(pair) if counterpart(login, there) is None)


def locked_out(login: Login, other: Login) -> str | None:
    """What keeps a client of this account from using the other one; empty for nothing, None where it cannot be told."""
    if other.locked:
        return "it is locked there"
    if other.expired and not login.expired:
        return "its password has expired there"
    if set(login.methods) & set(other.methods):
        return ""
    ours, theirs = dict(login.methods), dict(other.methods)
    if set(theirs) <= _PASSWORDS and set(ours) <= _PASSWORDS:
        # An empty password is kept as nothing by every method.
        if all(ours.values()) and not any(theirs.values()):
            return "it has no password there"
        if all(theirs.values()) and not any(ours.values()):
            return "it needs a password there"
        if not any(ours.values()) and not any(theirs.values()):
            return ""
    if set(theirs) == set(ours) and set(theirs) <= _COMPARABLE:
        return "it has another password there"
    return None


def methods_of(pair: Pair, server: Server) -> frozenset[str]:
    """The login methods that a server takes now."""

    def ask() -> frozenset[str]:
        rows = server.rows(
            "SELECT plugin_name FROM information_schema.plugins "
            "WHERE plugin_type = 'AUTHENTICATION' AND plugin_status = 'ACTIVE'"
        )
        return frozenset(str(name) for (name,) in rows)

    return pair.once(("methods", server.name), ask)
