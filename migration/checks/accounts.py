"""Whether replication, this program and the clients can log in, and may do what they need to."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from migration.check import Pair, Result, Severity, Verdict, check
from migration.checks.results import Evidence, count, failed, passed, table
from migration.checks.sight import channel_from_source, clients, holds, parse_grants, privileges_on
from migration.model import Positioning, Side
from providers.mysql.bridge.need import login_obstacle
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Account
from providers.mysql.errors import AccessDenied, PrivilegeMissing, StatementFailed
from providers.mysql.replication import plan_channel
from providers.mysql.server import Server

# MySQL manual, CHANGE REPLICATION SOURCE TO, SOURCE_PASSWORD.
_LONGEST_PASSWORD = 32
_NO_SUCH_TABLE = 1146
_CHANNEL_REFUSED = 3139
_DENIED = frozenset({1044, 1045})
_ABSENT_TABLE = "`mysql`.`cutover_asks_for_the_privilege`"
_COPY = (
    "SELECT", "INSERT", "CREATE", "DROP", "ALTER", "INDEX", "REFERENCES", "CREATE VIEW", "CREATE ROUTINE", "TRIGGER",
    "EVENT",
)  # fmt: skip
_REPLICATION_WHY = "The other server logs in with this account to fetch every change; if it cannot, nothing arrives."
_REPLICATION_ASKS = (
    "log in with the account from this machine; SHOW REPLICAS or SHOW SLAVE HOSTS (MariaDB: SHOW GRANTS); its plugin "
    "in mysql.user"
)


@check(
    "replication-account-source",
    "target can log in to source",
    Side.SOURCE,
    Severity.BLOCKER,
    why=_REPLICATION_WHY,
    asks=_REPLICATION_ASKS,
)
def replication_account_source(pair: Pair) -> Result:
    """Fails where the target could not replicate from the source with the account given for it."""
    account = Account(pair.spec.source.replication_user, pair.secrets.source_replication)
    return _replication_login(pair.source, pair.target, account, _straight(pair.target))


@check(
    "replication-account-target",
    "source can log in to target",
    Side.TARGET,
    Severity.BLOCKER,
    why="After the cutover the old source follows the new one with this account; without it there is no way back.",
    asks=_REPLICATION_ASKS,
)
def replication_account_target(pair: Pair) -> Result:
    """Fails where the source could not replicate from the target, on the way back."""
    account = Account(pair.spec.target.replication_user, pair.secrets.target_replication)
    login = _straight(pair.source) if pair.spec.bridge is None else _over_bridge
    return _replication_login(pair.target, pair.source, account, login)


Login = Callable[[str, bool, bool], str]


def _straight(replica: Server) -> Login:
    """Why this replica cannot log in by a method, over TLS or not, with a password or an empty one; else empty."""
    return lambda plugin, encrypted, has_password: login_obstacle(
        plugin, replica.version, encrypted=encrypted, has_password=has_password
    )


def _over_bridge(_plugin: str, _encrypted: bool, _has_password: bool) -> str:
    """The bridge logs in by any method."""
    return ""


def _replication_login(server: Server, replica: Server, account: Account, login: Login) -> Result:
    """Log in to `server` as `replica` would, as far as that can be done from this machine."""
    password = account.password.reveal()
    if not replica.version.mariadb and len(password) > _LONGEST_PASSWORD:
        return _account_failed(
            "its password is too long",
            account,
            server,
            f"{len(password)} characters",
            f"A replication password may have {_LONGEST_PASSWORD} characters on MySQL: give the account a shorter one.",
        )
    try:
        connection = Connection(replace(server.endpoint, account=account))
    except AccessDenied as error:
        return _refused(server, account, error)
    with contextlib.closing(connection):
        name = str(connection.value("SELECT CURRENT_USER()"))
        lacks = _lacks_replication(server, connection)
    if lacks:
        return _account_failed(
            "it may not replicate",
            account,
            server,
            lacks,
            f"On {server.name}: GRANT REPLICATION SLAVE ON *.* to the account {name}.",
        )
    plugin = _plugin(server, name)
    encrypted = plan_channel(replica, server, account, None).encrypted
    if trouble := login(plugin, encrypted, bool(password)):
        return _account_failed(
            f"not with {plugin}",
            account,
            server,
            trouble,
            "Make another account for replication whose login method the replica knows (mysql_native_password up to "
            "MySQL 8.4; sha256_password with an empty password for a MySQL 5.6 replica, limited to that host), "
            "turn on TLS where it is that which is missing, or lead the way back over the bridge (--bridge).",
        )
    return passed("it logs in and may replicate", _account_evidence(name, server, plugin or "mysql_native_password"))


def _account_evidence(name: str, server: Server, words: str) -> Evidence:
    return table(("account", "server", "found"), [(name, server.name, words)])


def _account_failed(found: str, account: Account, server: Server, words: str, remedy: str) -> Result:
    return failed(found, _account_evidence(account.user, server, words), remedy)


def _refused(server: Server, account: Account, error: AccessDenied) -> Result:
    """Refused here: from another machine the account may still be welcome."""
    hosts = [str(row[0]) for row in server.rows("SELECT host FROM mysql.user WHERE user = %s", (account.user,))]
    evidence = table(
        ("account", "on the server", "what it said"), [(account.user, f"'{account.user}'@'{h}'", error) for h in hosts]
    )
    if not hosts:
        return _account_failed(
            "there is no such account",
            account,
            server,
            str(error),
            f"On {server.name} create the account for replication, with the password given here, and GRANT REPLICATION "
            "SLAVE ON *.* to it.",
        )
    here = str(server.value("SELECT USER()")).rpartition("@")[2]
    if any(host_matches(pattern, here) for pattern in hosts):
        return failed("it is refused", evidence, f"Check its password: {error}")
    return Result(
        Verdict.UNKNOWN,
        "it may not log in from here",
        evidence,
        f"The account may log in from other hosts only than {here}, on which this program runs: log in with it from "
        "the replica's host to be sure, or allow it from here as well.",
    )


def host_matches(pattern: str, host: str) -> bool:
    """Whether an account's host part covers a client's host: `%` and `_`, or an address with a netmask."""
    if "/" in pattern:
        try:
            return ipaddress.ip_address(host) in ipaddress.ip_network(pattern, strict=False)
        except ValueError:
            return False
    parts = (".*" if c == "%" else "." if c == "_" else re.escape(c) for c in pattern or "%")
    return re.fullmatch("".join(parts), host, re.IGNORECASE) is not None


def _lacks_replication(server: Server, connection: Connection) -> str:
    """What the server says where the account of this session may not replicate; empty where it may."""
    if server.version.mariadb:
        held = parse_grants([str(row[0]) for row in connection.rows("SHOW GRANTS")])
        return "" if holds(held, "REPLICATION SLAVE") else "REPLICATION SLAVE is not among its grants"
    try:
        connection.rows("SHOW REPLICAS" if server.version.mysql_from(8, 0, 22) else "SHOW SLAVE HOSTS")
    except PrivilegeMissing as error:
        return str(error)
    return ""


def _plugin(server: Server, name: str) -> str:
    user, _, host = name.rpartition("@")
    rows = server.rows("SELECT plugin FROM mysql.user WHERE user = %s AND host = %s", (user, host))
    return str(rows[0][0] or "") if rows else ""


@dataclass(frozen=True)
class _Probe:
    """A statement that changes nothing and that the server only runs, or refuses with `refusal`, if it may be run."""

    side: Side
    purpose: str
    statement: str
    refusal: int = 0


def _lasting_probes(side: Side, server: Server) -> list[_Probe]:
    """What is needed from the first check to the end of the migration.

    What a provider keeps to itself is done by its own means, which its own checks ask for.
    """
    setting = "super_read_only" if server.dialect.has_super_read_only else "read_only"
    own = [
        _Probe(side, "stop and allow writes", f"SET GLOBAL {setting} = @@GLOBAL.{setting}"),
        _replication_probe(side, server),
    ]
    return [
        *(own if server.dialect.sets_globals else ()),
        _Probe(side, "see replication", server.dialect.replica_status),
        _Probe(side, "see the binary log", server.dialect.source_status),
        _Probe(side, "see sessions", "SELECT COUNT(*) FROM information_schema.innodb_cmp"),
    ]


def _copy_probes(pair: Pair) -> list[_Probe]:
    """What is needed until the copy is made; a MariaDB source needs no lock for it."""
    probes = []
    if pair.target.dialect.sets_globals:
        statement = "SET SESSION sql_log_bin = @@SESSION.sql_log_bin"
        probes.append(_Probe(Side.TARGET, "load without logging", statement))
    if not pair.source.version.mariadb:
        statement = f"FLUSH TABLES {_ABSENT_TABLE} WITH READ LOCK"
        probes.append(_Probe(Side.SOURCE, "lock for the copy's start", statement, _NO_SUCH_TABLE))
    return probes


def _replication_probe(side: Side, server: Server) -> _Probe:
    if not server.version.mysql_from(8, 0):
        # Needs the same privilege as CHANGE MASTER and STOP SLAVE.
        statement = "SET GLOBAL slave_net_timeout = @@GLOBAL.slave_net_timeout"
        return _Probe(side, "control replication", statement)
    # The server checks the privilege first, and then that no such option goes to a channel of this name.
    statement = f"{server.dialect.change_source} {server.dialect.source_word}_DELAY = 0 "
    return _Probe(side, "control replication", f"{statement}FOR CHANNEL 'group_replication_applier'", _CHANNEL_REFUSED)


@check(
    "privileges",
    "accounts have the privileges",
    Side.BOTH,
    Severity.BLOCKER,
    why="A privilege that turns out to be missing half-way would stop the migration there.",
    asks="statements that change nothing, such as SET GLOBAL read_only = @@GLOBAL.read_only",
)
def privileges(pair: Pair) -> Result:
    """Fails where the accounts may not do what the migration needs; by doing it without effect."""
    probes = _lasting_probes(Side.SOURCE, pair.source) + _lasting_probes(Side.TARGET, pair.target)
    copied = _follows(pair)
    if not copied:
        probes += _copy_probes(pair)
    rows = []
    for probe in probes:
        server = pair.source if probe.side is Side.SOURCE else pair.target
        if words := _denied(server, probe):
            rows.append((probe.side.value, server.endpoint.account.user, probe.purpose, words))
    if not copied:
        rows += _missing_for_the_copy(pair)
    if not rows:
        return passed("complete", table(("side", "account"), [(side.value, user) for side, user in _accounts(pair)]))
    return failed(
        count(len(rows), "is missing", "are missing"),
        table(("side", "account", "needed to", "what the server said"), rows),
        "Grant what the server names to the account, on *.*; on a managed server use its administrator's account.",
    )


def _missing_for_the_copy(pair: Pair) -> list[tuple[str, str, str, str]]:
    held = privileges_on(pair.target)
    # Emptying the binary log needs RELOAD, and is done where the target's GTIDs are to be the source's.
    needed = (*_COPY, "RELOAD") if pair.positioning is Positioning.GTID else _COPY
    user = pair.target.endpoint.account.user
    return [
        (Side.TARGET.value, user, "make the copy", f"{privilege} is missing on *.*")
        for privilege in needed
        if not holds(held, privilege)
    ]


def _follows(pair: Pair) -> bool:
    """Whether the target is known to follow the source, so that no copy will be made."""
    try:
        return channel_from_source(pair) is not None
    except PrivilegeMissing:
        return False


def _accounts(pair: Pair) -> tuple[tuple[Side, str], ...]:
    return (Side.SOURCE, pair.source.endpoint.account.user), (Side.TARGET, pair.target.endpoint.account.user)


def _denied(server: Server, probe: _Probe) -> str:
    """The server's words where the account may not do this; empty where it may."""
    try:
        server.rows(probe.statement)
    except PrivilegeMissing as error:
        return str(error)
    except StatementFailed as error:
        if error.code in _DENIED:
            return str(error)
        if error.code != probe.refusal:
            raise
    return ""


@check(
    "clients-accounts",
    "clients can log in to target",
    Side.BOTH,
    Severity.WARNING,
    why="A client whose account is not on the target is locked out the moment it is sent there.",
    asks="SHOW FULL PROCESSLIST on the source; SELECT user, host FROM mysql.user on the target",
)
def client_accounts(pair: Pair) -> Result:
    """Fails where a client that is on the source now could not log in to the target."""
    users = sorted({(session.user, session.host) for session in clients(pair, pair.source)})
    if not users:
        return passed("no client is there now")
    patterns: dict[str, list[str]] = {}
    for user, pattern in pair.target.rows("SELECT user, host FROM mysql.user"):
        patterns.setdefault(str(user), []).append(str(pattern))
    rows = [
        (user, host, "not from this host" if user in patterns else "no such account")
        for user, host in users
        if not any(host_matches(pattern, host) for pattern in patterns.get(user, ()))
    ]
    if not rows:
        return passed(f"all {len(users)} are there", table(("user", "from"), users))
    return failed(
        f"{len(rows)} of {len(users)} could not log in",
        table(("user", "from", "on the target"), rows),
        "Create these accounts on the target with the same password, login method and grants (SHOW CREATE USER and "
        "SHOW GRANTS on the source write them). Accounts that are not connected just now are not in this list.",
    )
