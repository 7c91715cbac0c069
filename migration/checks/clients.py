"""Whether the accounts of the applications are on the target, and let their clients in."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable

from migration.check import Pair, Result, Route, Severity, check
from migration.checks.accounts import host_matches
from migration.checks.logins import (
    ON_A_REPLICA,
    PROVIDERS,
    Login,
    locked_out,
    logins,
    missing,
    pairs_of,
    to_carry,
)
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.model import Side
from providers.mysql.errors import PrivilegeMissing
from providers.mysql.server import Server

_LISTS = "mysql.user (MariaDB: mysql.global_priv) on both"
_CARRY = (
    "Nothing carries accounts over: the copy leaves the server's own databases out. Make them on the target before the "
    "copy begins, since it takes no writes afterwards"
)
_LATER = (
    "Where the versions differ, put SET sql_log_bin = 0 before statements that make accounts on the source from now "
    "on, and make them on the target too: one that the target does not know stops replication."
)
_AFTER_A_COPY = {Route.PHYSICAL: Severity.NOTICE}


@check(
    "accounts-present",
    "source's accounts are on the target",
    Side.BOTH,
    Severity.BLOCKER,
    why="A client whose account is not on the target is locked out the moment it is sent there, connected now or not.",
    asks=_LISTS,
    routes=_AFTER_A_COPY,
    page="MySQL manual: Copying MySQL Databases to Another Machine",
)
def accounts_present(pair: Pair) -> Result:
    """Fails where an account that somebody can log in with is not on the target."""
    every = to_carry(pair)
    lost = missing(pair)
    if not lost:
        return passed(f"all {len(every)} are there" if every else "there are none to carry")
    seen = _uses(pair)
    rows = [(login.shown, " or ".join(login.plugins), seen(login)) for login in lost]
    return failed(
        f"{len(lost)} of {len(every)} are missing",
        table(("account", "login method", "used since the source started"), rows),
        f"{_CARRY}, as {_how_to_copy(pair.source)}. An account that is left behind on purpose: drop or "
        f"lock it on the source, or accept this with the reason. {ON_A_REPLICA} {_LATER}",
    )


def _how_to_copy(source: Server) -> str:
    if source.version.mysql_from(5, 7) or source.version.mariadb:
        return "SHOW CREATE USER and SHOW GRANTS write them on the source"
    return "SHOW GRANTS writes them on the source (a target from 8.0 on wants CREATE USER before GRANT)"


def _uses(pair: Pair) -> Callable[[Login], str]:
    """How often an account was used since the source started, as far as its performance schema has counted."""
    by_user: dict[str, list[tuple[str, int]]] = defaultdict(list)
    # Good to know beside each account, and no more: where it may not be seen the check is as true without it.
    with contextlib.suppress(PrivilegeMissing):
        for user, host, connections in pair.source.rows(
            "SELECT user, host, total_connections FROM performance_schema.accounts WHERE user IS NOT NULL"
        ):
            by_user[str(user)].append((str(host), int(connections)))

    def seen(login: Login) -> str:
        if not by_user:
            return "not known"
        times = sum(number for host, number in by_user[login.user] if host_matches(login.host, host))
        return count(times, "connection", "connections") if times else "never"

    return seen


@check(
    "accounts-alike",
    "accounts log in as on the source",
    Side.BOTH,
    Severity.BLOCKER,
    why="An account of the same name with another password, or a locked one, locks its clients out all the same.",
    asks=_LISTS,
    routes=_AFTER_A_COPY,
    page="MySQL manual: Account Locking, Server Handling of Expired Passwords",
)
def accounts_alike(pair: Pair) -> Result:
    """Fails where an account's clients could not log in to the target although the account is there."""
    rows, unproven = [], []
    both = pairs_of(pair)
    for login, other in both:
        words = locked_out(login, other)
        if words:
            rows.append((login.shown, other.shown, words))
        elif words is None:
            methods = f"{' or '.join(login.plugins)} → {' or '.join(other.plugins)}"
            unproven.append((login.shown, other.shown, f"passwords cannot be compared: {methods}"))
    heads = ("account", "on the target", "found")
    if not both:
        return not_applicable("no account is on both")
    if not rows:
        found = f"{len(both) - len(unproven)} alike" + (f", {len(unproven)} cannot be told" if unproven else "")
        return passed(found, table(heads, unproven) if unproven else ())
    return failed(
        count(len(rows), "would be locked out", "would be locked out"),
        table(heads, [*rows, *unproven]),
        "On the target, ALTER USER gives the account its password (IDENTIFIED WITH the method AS what SHOW CREATE USER "
        "shows on the source), ACCOUNT UNLOCK or PASSWORD EXPIRE NEVER. "
        f"{ON_A_REPLICA}",
    )


@check(
    "host-names",
    "accounts by host name work there",
    Side.BOTH,
    Severity.WARNING,
    why="With skip_name_resolve a server never learns a client's name, so accounts for host names let nobody in.",
    asks=f"skip_name_resolve on both; {_LISTS}",
    page="MySQL manual: DNS Lookups and the Host Cache",
)
def host_names(pair: Pair) -> Result:
    """Fails where accounts are for hosts by their names and the target does not look for names."""
    if pair.target.variable("skip_name_resolve") != "ON" or pair.source.variable("skip_name_resolve") == "ON":
        return passed("names mean the same on both")
    by_address = {login.user for login in logins(pair, pair.target).values() if not login.by_name}
    rows = [(login.shown,) for login in to_carry(pair) if login.by_name and login.user not in by_address]
    if not rows:
        return passed("no account needs a name")
    return failed(
        count(len(rows), "account by a name", "accounts by names"),
        table(("account",), rows),
        "Make accounts for the addresses of these hosts on the target, or start it without skip_name_resolve.",
    )


@check(
    "accounts-tls",
    "accounts need TLS on both or neither",
    Side.BOTH,
    Severity.WARNING,
    why="REQUIRE SSL on one side only either locks clients out after the cutover or lets them send all in clear.",
    asks=_LISTS,
    page="MySQL manual: CREATE USER, SSL/TLS Options",
)
def accounts_tls(pair: Pair) -> Result:
    """Fails where an account has to use TLS, or show a certificate, on one of the servers only."""
    rows = [
        (login.shown, login.tls or "-", other.tls or "-") for login, other in pairs_of(pair) if login.tls != other.tls
    ]
    if not pair.target.offers_tls():
        rows += [(login.shown, login.tls, "the target offers no TLS") for login in missing(pair) if login.tls]
    if not rows:
        return passed("the same")
    return failed(
        count(len(rows), "account differs", "accounts differ"),
        table(("account", "source requires", "target requires"), rows),
        "ALTER USER ... REQUIRE on the target (NONE, SSL, X509) makes both the same. Clients that check the server's "
        "certificate need the target's CA as well.",
    )


@check(
    "anonymous-accounts",
    "target has no anonymous account",
    Side.TARGET,
    Severity.WARNING,
    why="A client from a host that an anonymous account names is taken for it, not for its own account for more hosts.",
    asks="mysql.user on the target",
    page="MySQL manual: Access Control, Stage 1: Connection Verification",
)
def anonymous_accounts(pair: Pair) -> Result:
    """Fails where the target lets somebody in without a name."""
    rows = [(login.shown, " or ".join(login.plugins)) for login in _nameless(logins(pair, pair.target).values())]
    if not rows:
        return passed("there is none")
    return failed(
        count(len(rows), "is there", "are there"),
        table(("account", "login method"), rows),
        "DROP USER ''@'host' for each on the target, unless clients do log in without a name.",
    )


def _nameless(every: Iterable[Login]) -> list[Login]:
    return [login for login in every if not login.user and not login.role and not login.locked]


@check(
    "system-accounts",
    "no provider's accounts on the source",
    Side.SOURCE,
    Severity.NOTICE,
    why="A provider's own accounts belong to its servers; copied along, they open the target or break it.",
    asks="mysql.user on the source",
)
def system_accounts(pair: Pair) -> Result:
    """Tells which accounts of the source are its provider's."""
    rows = [(login.shown,) for login in logins(pair, pair.source).values() if login.user.casefold() in PROVIDERS]
    if not rows:
        return passed("there is none")
    return failed(
        count(len(rows), "is the provider's", "are the provider's"),
        table(("account",), sorted(rows)),
        "Leave them out when you copy accounts; the other checks of accounts do so too.",
    )


@check(
    "aliyun-root",
    "only one of root and aliyun_root",
    Side.SOURCE,
    Severity.BLOCKER,
    why="PolarDB has one of the two as its own; the evaluation before an upgrade refuses a source that has both.",
    asks="mysql.user on the source",
    routes={Route.NATIVE: None, Route.PHYSICAL: None},
    page="Alibaba Cloud: PolarDB, Upgrade steps, Delete extra system accounts",
)
def aliyun_root(pair: Pair) -> Result:
    """Fails where an ApsaraDB RDS has both system accounts."""
    every = logins(pair, pair.source).values()
    found = sorted({login.user for login in every if login.user in ("root", "aliyun_root")})
    if "aliyun_root" not in found:
        return not_applicable("it is no ApsaraDB RDS for MySQL")
    if len(found) == 1:
        return passed(found[0])
    keeps = "aliyun_root" if pair.source.version.mysql_from(5, 7) else "root"
    return failed(
        "both are there",
        table(("account",), [(name,) for name in found]),
        f"Of MySQL {pair.source.version.series} keep {keeps}; see that no application uses the other one, and drop it.",
    )
