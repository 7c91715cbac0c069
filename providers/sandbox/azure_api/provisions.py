"""What the service puts on each of its servers: the administrator's privileges, and its stored procedures.

The administrator has the privileges that the service lists and no others, above all not SUPER. On the classic service
databases and users are made through the management API only: there it may do everything inside the databases that are
there, and observe. Names and arguments of
the procedures: "Replicate data into Azure Database for MySQL - Flexible Server".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from providers.mysql.endpoint import Account
from providers.mysql.literals import quote_name
from providers.mysql.server import Server

_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)
_OBSERVING = "PROCESS, SHOW DATABASES, REPLICATION CLIENT, REPLICATION SLAVE"
_TEXT = "VARCHAR(255) CHARACTER SET utf8"
_START = (
    ("log_file", _TEXT, "', {word}_LOG_FILE = ', QUOTE(log_file)"),
    ("log_pos", "BIGINT", "', {word}_LOG_POS = ', log_pos, ', {auto} = 0'"),
)
_NAMES = (
    "az_replication_change_master",
    "az_replication_change_master_with_gtid",
    "az_replication_start",
    "az_replication_stop",
    "az_replication_remove_master",
)
_KILL = "az_kill"
# What a server does not take over from one elsewhere, accounts among it; a read replica takes over everything.
IGNORED = ("mysql.%", "information_schema.%", "performance_schema.%", "sys.%")


def admit(server: Server, accounts: Iterable[Account]) -> None:
    """Create administrators, or give those that there are their privileges, on this server only."""
    # MySQL 8.0 took this out of what everybody may do; the service's list is older than that.
    since = ("XA_RECOVER_ADMIN ON *.*",) if server.version.mysql_from(8, 0) else ()
    _admit(server, accounts, (f"{_PRIVILEGES} ON *.*", *since), " WITH GRANT OPTION")


def admit_users(server: Server, accounts: Iterable[Account]) -> None:
    """The same for the classic service's users."""
    inside = tuple(f"ALL PRIVILEGES ON {quote_name(name).replace('%', '%%')}.*" for name in server.databases())
    _admit(server, accounts, (f"{_OBSERVING} ON *.*", *inside), "")


def admit_to_own(server: Server, accounts: Iterable[Account]) -> None:
    """The same for a server of one's own, from which nobody keeps anything."""
    _admit(server, accounts, ("ALL PRIVILEGES ON *.*",), " WITH GRANT OPTION")


_ADMIT = {"classic": admit_users, "elsewhere": admit_to_own}


def admit_to(kind: str, server: Server, accounts: Iterable[Account]) -> None:
    """Give administrators what they have on a server of this kind."""
    _ADMIT.get(kind, admit)(server, accounts)


def _admit(server: Server, accounts: Iterable[Account], grants: Sequence[str], option: str) -> None:
    session = server.connect()
    plugin = " WITH mysql_native_password" if server.version.mysql_from(8, 0) and not _later(server) else ""
    try:
        session.run("SET SESSION sql_log_bin = 0")
        for account in accounts:
            given = (account.user, account.password.reveal())
            shown = f"the account {account.user}"
            if not session.rows("SELECT 1 FROM mysql.user WHERE user = %s", (account.user,)):
                session.run(f"CREATE USER %s@'%%' IDENTIFIED{plugin} BY %s", given, shown=shown)
            for grant in grants:
                session.run(f"GRANT {grant} TO %s@'%%'{option}", given[:1])
    finally:
        session.close()


def equip(server: Server) -> None:
    """Create the procedures for data-in replication, on this server only."""
    session = server.connect()
    try:
        session.run("SET SESSION sql_log_bin = 0")
        for name in (*_NAMES, _KILL):
            session.run(f"DROP PROCEDURE IF EXISTS mysql.{name}")
        for statement in _procedures(server):
            session.run(statement)
    finally:
        session.close()


def strip(server: Server, names: Sequence[str] = _NAMES) -> None:
    """Take procedures away, all of them where none are named."""
    session = server.connect()
    try:
        session.run("SET SESSION sql_log_bin = 0")
        for name in names:
            session.run(f"DROP PROCEDURE IF EXISTS mysql.{name}")
    finally:
        session.close()


def strip_positions(server: Server) -> None:
    """Take away what follows by file and offset, as on a server with high availability."""
    strip(server, _NAMES[:1])


def ignore(server: Server, patterns: Sequence[str]) -> None:
    """Let a server that follows one elsewhere leave these tables out; MySQL 5.6 cannot be told while it runs."""
    if server.version.mysql_from(5, 7):
        listed = ", ".join(f"'{pattern}'" for pattern in patterns if pattern)
        server.change(f"CHANGE REPLICATION FILTER REPLICATE_WILD_IGNORE_TABLE = ({listed})")


def _later(server: Server) -> bool:
    return server.version.mysql_from(8, 4)


def _procedures(server: Server) -> tuple[str, ...]:
    dialect = server.dialect
    plain = "SQL SECURITY DEFINER BEGIN {}; END"
    return (
        _change(server, _NAMES[0], by_file=True),
        _change(server, _NAMES[1], by_file=False),
        f"CREATE PROCEDURE mysql.{_NAMES[2]}() {plain.format(dialect.start_replica)}",
        f"CREATE PROCEDURE mysql.{_NAMES[3]}() {plain.format(dialect.stop_replica)}",
        f"CREATE PROCEDURE mysql.{_NAMES[4]}() {plain.format(dialect.reset_replica)}",
        f"CREATE PROCEDURE mysql.{_KILL}(IN session BIGINT) {plain.format('KILL session')}",
    )


def _change(server: Server, name: str, *, by_file: bool) -> str:
    """The procedure that configures the channel, with a statement that it puts together of its arguments."""
    word = server.dialect.source_word
    auto = f"{word}_AUTO_POSITION"
    # A password without TLS needs the source's key, from 8.0 on.
    key = f", GET_{word}_PUBLIC_KEY = 1" if server.version.mysql_from(8, 0, 4) else ""
    place = [("host", _TEXT), ("account", _TEXT), ("secret", _TEXT), ("port", "INT")]
    start = [(one, kind) for one, kind, _ in _START] if by_file else []
    given = ", ".join(f"IN {one} {kind}" for one, kind in [*place, *start, ("ca", "TEXT")])
    parts = [
        f"'{server.dialect.change_source} {word}_HOST = ', QUOTE(host)",
        f"', {word}_USER = ', QUOTE(account)",
        f"', {word}_PASSWORD = ', QUOTE(secret)",
        f"', {word}_PORT = ', port",
        f"', {word}_CONNECT_RETRY = 1, {word}_HEARTBEAT_PERIOD = 2{key}'",
        f"IF(ca = '', ', {word}_SSL = 0', ', {word}_SSL = 1')",
    ]
    parts += [text.format(word=word, auto=auto) for _, _, text in _START] if by_file else [f"', {auto} = 1'"]
    body = (
        f"SET @az_replication = CONCAT({', '.join(parts)}); PREPARE az_replication FROM @az_replication; "
        "EXECUTE az_replication; DEALLOCATE PREPARE az_replication; SET @az_replication = NULL;"
    )
    return f"CREATE PROCEDURE mysql.{name}({given}) SQL SECURITY DEFINER BEGIN {body} END"
