"""Who is connected to the source now, and whether the target will take these clients."""

from __future__ import annotations

from collections import Counter, defaultdict

from migration.check import Pair, Result, Severity, Verdict, check
from migration.checks.logins import (
    LOCAL,
    logins,
)
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.checks.sight import Session, clients
from migration.model import Side
from providers.mysql.errors import PrivilegeMissing


@check(
    "clients-tls",
    "clients speak TLS as target wants",
    Side.BOTH,
    Severity.BLOCKER,
    why="A target that takes encrypted connections only, or newer versions of TLS only, turns other clients away.",
    asks="require_secure_transport and tls_version on the target; performance_schema.status_by_thread on the source",
    page="MySQL manual: Configuring MySQL to Use Encrypted Connections",
)
def clients_tls(pair: Pair) -> Result:
    """Fails where a client that is on the source now would be turned away for how it connects."""
    target = pair.target
    required = (target.variable("require_secure_transport") or "OFF").upper() in ("ON", "1")
    spoken = _spoken(pair)
    if spoken is None:
        return _not_told(pair) if required else passed("the target takes both")
    offered = target.offers_tls()
    taken = frozenset(part.strip() for part in (target.variable("tls_version") or "").split(",") if part.strip())

    def refused(version: str) -> str:
        if not version:
            return "no TLS, which the target requires" if required else ""
        if not offered:
            return f"{version}; the target offers no TLS"
        return f"{version}, which the target refuses" if taken and version not in taken else ""

    rows = [
        (user, host, number, words)
        for (user, host, version), number in sorted(spoken.items())
        if (words := refused(version))
    ]
    if not rows:
        return passed("the target requires TLS" if required else "the target takes both")
    return failed(
        count(len(rows), "client would be turned away", "clients would be turned away")[:40],
        table(("user", "from", "sessions", "speaks"), rows),
        f"Turn TLS on in these clients (the target takes {', '.join(sorted(taken)) or 'none'}), or set "
        "require_secure_transport OFF on the target until all of them do.",
    )


def _not_told(pair: Pair) -> Result:
    """The answer where the target wants TLS and the source does not say who speaks it."""
    users = sorted({(session.user, session.host) for session in clients(pair, pair.source)})
    if not users:
        return passed("no client is there now")
    return Result(
        Verdict.UNKNOWN,
        "target requires TLS; clients: not known",
        table(("user", "from"), users),
        "The source does not tell whether its clients use TLS (MySQL 5.6, or the performance schema is off): look at "
        "how they are configured, or turn require_secure_transport OFF on the target until they all use it.",
    )


def _spoken(pair: Pair) -> Counter[tuple[str, str, str]] | None:
    """The clients' sessions by user, host and version of TLS, empty without; None where the source does not tell."""
    source = pair.source
    tells = source.version.mysql_from(5, 7) or source.version.mariadb_from(10, 5, 2)
    if not tells or source.variable("performance_schema") != "ON":
        return None
    versions = {
        int(row[0]): str(row[1] or "")
        for row in source.rows(
            "SELECT t.processlist_id, s.variable_value FROM performance_schema.threads AS t "
            "JOIN performance_schema.status_by_thread AS s ON s.thread_id = t.thread_id "
            "WHERE t.processlist_id IS NOT NULL AND s.variable_name = 'Ssl_version'"
        )
    }
    found: Counter[tuple[str, str, str]] = Counter()
    for session in clients(pair, source):
        if session.id in versions and session.host not in ("localhost", ""):
            found[session.user, session.host, versions[session.id]] += 1
    return found


@check(
    "clients-local",
    "clients on the source's own machine",
    Side.BOTH,
    Severity.WARNING,
    why="A client that reaches the source as localhost comes to the target from the source's address.",
    asks="SHOW FULL PROCESSLIST on the source; mysql.user on the target",
)
def clients_local(pair: Pair) -> Result:
    """Fails where a client of the source's machine has an account on the target for that one's own machine only."""
    if pair.source.identity.hostname == pair.target.identity.hostname:
        return not_applicable("both are on one machine")
    users = sorted({session.user for session in clients(pair, pair.source) if session.host in LOCAL})
    open_to_others = {login.user for login in logins(pair, pair.target).values() if login.host not in LOCAL}
    rows = [(user,) for user in users if user not in open_to_others]
    if not rows:
        return passed("none, or let in from elsewhere" if users else "there is none now")
    return failed(
        count(len(rows), "user", "users"),
        table(("user",), rows),
        "Make their accounts on the target for the address of the source's machine, and give the clients the target's "
        "address: a socket does not lead there.",
    )


@check(
    "client-inventory",
    "clients to send to the target",
    Side.SOURCE,
    Severity.NOTICE,
    why="Whoever is not sent to the target stays on the old server and gets errors from the cutover on.",
    asks="SHOW FULL PROCESSLIST and performance_schema.session_connect_attrs on the source",
    page="MySQL manual: Performance Schema Connection Attribute Tables",
)
def client_inventory(pair: Pair) -> Result:
    """Tells who is connected to the source from where."""
    groups: dict[tuple[str, str], list[Session]] = defaultdict(list)
    for session in clients(pair, pair.source):
        groups[session.user, session.host].append(session)
    if not groups:
        return passed("no client is there now")
    programs = _programs(pair)
    rows = [
        (
            user,
            host,
            len(group),
            _few({session.database for session in group}),
            _few({programs.get(session.id, "") for session in group}),
        )
        for (user, host), group in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    users, sessions = len({user for user, _ in groups}), sum(map(len, groups.values()))
    return failed(
        f"{count(sessions, 'session', 'sessions')} of {count(users, 'user', 'users')}",
        table(("user", "from", "sessions", "databases", "programs"), rows),
        "Each of these has to be given the target's address at the cutover, by its configuration, a name or a proxy. "
        "Whoever is not connected just now is not in this list: look at it at several times of the day.",
    )


def _programs(pair: Pair) -> dict[int, str]:
    """What the sessions' clients say they are."""
    try:
        rows = pair.source.rows(
            "SELECT processlist_id, attr_value FROM performance_schema.session_connect_attrs "
            "WHERE attr_name IN ('program_name', '_client_name') ORDER BY attr_name"
        )
    except PrivilegeMissing:
        return {}
    # A program's own name comes after that of its library.
    return {int(session): str(value) for session, value in rows}


def _few(names: set[str]) -> str:
    known_names = sorted(name for name in names if name)
    return ", ".join(known_names[:3]) + (f" and {len(known_names) - 3} more" if len(known_names) > 3 else "")
