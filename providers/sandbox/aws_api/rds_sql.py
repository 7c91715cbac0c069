"""The procedures of RDS as real stored procedures, and an account that needs them: it has no SUPER.

Their names, arguments, refusals and messages are those of the RDS User Guide ("RDS for MySQL stored procedure
reference"). They run with the rights of `rdsadmin`, which nobody can log in as.

One thing is stricter here and another is told differently: the real master user has RELOAD and is refused FLUSH TABLES
WITH READ LOCK all the same, with 1045; servers that are not RDS's own can only refuse it (1227) to who lacks RELOAD.

Not here: the procedures for channels, for skipping a GTID or a log file, for following until a GTID, for TLS keys.
"""

from __future__ import annotations

from collections.abc import Iterator

from providers.mysql.endpoint import Account
from providers.mysql.literals import quote_name
from providers.mysql.server import Server

DEFINER = "rdsadmin"
# RDS User Guide, "Master user account privileges", less RELOAD (see above).
_PRIVILEGES = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, "
    "CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, "
    "CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER"
)
_IS_REPLICA = "Permission Denied: This instance is a RDS Read Replica."
_RUNNING = "You can''t modify replication because replication is running. First call mysql.rds_stop_replication."
_RETENTION = "For binlog retention hours the value must be between 1 and 168 inclusive or be NULL"


def install(server: Server, master: Account) -> None:
    """Make the master user and the procedures; may be done again. Nothing of it enters the binary log.

    Raises:
        ServerError: the server refuses something.
    """
    session = server.connect()
    try:
        session.run("SET SESSION sql_log_bin = 0")
        for statement in _statements(server, master):
            session.run(statement, shown=statement.split("'")[0][:80])
    finally:
        session.close()


def keep_replica(server: Server) -> None:
    """Let the procedures know that RDS itself keeps this server a replica: they refuse to change what it follows."""
    _mark(server, "1")


def let_go(server: Server) -> None:
    """The reverse of `keep_replica`."""
    _mark(server, "0")


def _mark(server: Server, value: str) -> None:
    session = server.connect()
    try:
        session.run("SET SESSION sql_log_bin = 0")
        session.run("UPDATE mysql.rds_configuration SET value = %s WHERE name = 'read replica'", (value,))
    finally:
        session.close()


def _statements(server: Server, master: Account) -> Iterator[str]:
    version = server.version
    lockable = version.mysql_from(5, 7) or version.mariadb_from(10, 4, 2)
    password = master.password.reveal().replace("'", "''")
    exists = {str(row[0]) for row in server.rows("SELECT user FROM mysql.user")}
    if DEFINER not in exists:
        yield f"CREATE USER {DEFINER}@localhost IDENTIFIED BY '{password}x'" + (" ACCOUNT LOCK" if lockable else "")
        yield f"GRANT ALL ON *.* TO {DEFINER}@localhost WITH GRANT OPTION"
    name = f"{quote_name(master.user)}@'%'"
    if master.user in exists:
        old = not version.mysql_from(5, 7) and not version.mariadb
        head = f"SET PASSWORD FOR {name} = PASSWORD(" if old else f"ALTER USER {name} IDENTIFIED BY "
        yield f"{head}'{password}'" + (")" if old else "")
    else:
        yield f"CREATE USER {name} IDENTIFIED BY '{password}'"
        yield f"GRANT {_PRIVILEGES} ON *.* TO {name} WITH GRANT OPTION"
        if version.mariadb_from(10, 5):
            yield f"GRANT SLAVE MONITOR, BINLOG MONITOR ON *.* TO {name}"
        if version.mysql_from(8, 0, 23):
            yield (
                "GRANT FLUSH_OPTIMIZER_COSTS, FLUSH_STATUS, FLUSH_USER_RESOURCES, APPLICATION_PASSWORD_ADMIN, "
                f"XA_RECOVER_ADMIN ON *.* TO {name}"
            )
    yield (
        "CREATE TABLE IF NOT EXISTS mysql.rds_configuration "
        "(name VARCHAR(100) PRIMARY KEY, value VARCHAR(100), description VARCHAR(300)) ENGINE=InnoDB"
    )
    yield (
        "INSERT IGNORE INTO mysql.rds_configuration VALUES ('binlog retention hours', NULL, 'binlog retention hours "
        "specifies the duration in hours before binary logs are automatically deleted.'), ('read replica', '0', '')"
    )
    for name, body in _procedures(server):
        yield f"DROP PROCEDURE IF EXISTS mysql.{name}"
        yield f"CREATE DEFINER=`{DEFINER}`@`localhost` PROCEDURE mysql.{name}{body}"


def _procedures(server: Server) -> Iterator[tuple[str, str]]:
    """Names, and what follows them in CREATE PROCEDURE."""
    yield from _following(server)
    yield from _running(server)
    yield "rds_kill", _body("(IN thread BIGINT)", "KILL thread;")
    yield "rds_kill_query", _body("(IN thread BIGINT)", "KILL QUERY thread;")
    yield (
        "rds_set_configuration",
        _body(
            "(IN name VARCHAR(30), IN value INT)",
            f"""
  DECLARE logging INT DEFAULT @@sql_log_bin;
  IF CAST(name AS BINARY) = 'binlog retention hours' AND value NOT BETWEEN 1 AND 168 THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{_RETENTION}';
  END IF;
  SET @@sql_log_bin = 0;
  UPDATE mysql.rds_configuration AS kept SET kept.value = value
    WHERE CAST(kept.name AS BINARY) = CAST(name AS BINARY) AND CAST(name AS BINARY) <> 'read replica';
  SET @@sql_log_bin = logging;""",
        ),
    )
    shown = "SELECT name, value, description FROM mysql.rds_configuration WHERE name <> 'read replica';"
    yield "rds_show_configuration", _body("()", shown)


def _following(server: Server) -> Iterator[tuple[str, str]]:
    word = server.dialect.source_word
    renamed = "source" if server.version.mysql_from(8, 4) else "master"
    given = "IN host VARCHAR(255), IN port INT, IN user TEXT, IN passwd TEXT"
    login = (
        f"'{server.dialect.change_source} {word}_HOST = ', QUOTE(TRIM(host)), ', {word}_PORT = ', port, "
        f"', {word}_USER = ', QUOTE(TRIM(user)), ', {word}_PASSWORD = ', QUOTE(TRIM(passwd)), "
        f"', {word}_SSL = ', ssl_on, ', {word}_CONNECT_RETRY = 1'"
    )
    place = f"', {word}_LOG_FILE = ', QUOTE(TRIM(file)), ', {word}_LOG_POS = ', offset_in_file"
    off = ", MASTER_USE_GTID = no" if server.version.mariadb else f", {word}_AUTO_POSITION = 0"
    if not server.dialect.has_gtid:
        off = ""
    by_file = "IN file TEXT, IN offset_in_file BIGINT"
    yield (
        f"rds_set_external_{renamed}",
        _body(f"({given}, {by_file}, IN ssl_on TINYINT)", _change(server, f"{login}, {place}, '{off}'")),
    )
    delayed = f"{login}, {place}, ', {word}_DELAY = ', delay, '{off}'"
    yield (
        f"rds_set_external_{renamed}_with_delay",
        _body(f"({given}, {by_file}, IN ssl_on TINYINT, IN delay INT)", _change(server, delayed)),
    )
    if server.version.mariadb:
        gtid = "SET @rds_gtid = CONCAT('SET GLOBAL gtid_slave_pos = ', QUOTE(TRIM(gtid)));"
        before = f"{gtid} PREPARE rds_command FROM @rds_gtid; EXECUTE rds_command; DEALLOCATE PREPARE rds_command;"
        yield (
            "rds_set_external_master_gtid",
            _body(
                f"({given}, IN gtid TEXT, IN ssl_on TINYINT)",
                _change(server, f"{login}, ', MASTER_USE_GTID = slave_pos'", before),
            ),
        )
    elif server.version.mysql_from(5, 7):
        automatic = f"{login}, ', {word}_DELAY = ', delay, ', {word}_AUTO_POSITION = 1'"
        yield (
            f"rds_set_external_{renamed}_with_auto_position",
            _body(f"({given}, IN ssl_on TINYINT, IN delay INT)", _change(server, automatic)),
        )
    reset = f"{server.dialect.reset_replica}; SELECT 'Slave has been reset' AS message;"
    yield f"rds_reset_external_{renamed}", _body("()", _unless_replica() + reset)


def _running(server: Server) -> Iterator[tuple[str, str]]:
    dialect, word = server.dialect, server.dialect.source_word
    yield (
        "rds_start_replication",
        _body("()", f"{dialect.start_replica}; SELECT 'Slave running normally.' AS Message;"),
    )
    yield (
        "rds_stop_replication",
        _body("()", f"{dialect.stop_replica}; SELECT 'Slave is down or disabled' AS Message;"),
    )
    yield (
        "rds_start_replication_until",
        _body(
            "(IN file TEXT, IN offset_in_file BIGINT)",
            _prepared(
                f"'{dialect.start_replica} UNTIL {word}_LOG_FILE = ', QUOTE(TRIM(file)), "
                f"', {word}_LOG_POS = ', offset_in_file"
            ),
        ),
    )
    counter = "sql_replica_skip_counter" if server.version.mysql_from(8, 0, 26) else "sql_slave_skip_counter"
    yield (
        "rds_skip_repl_error",
        _body(
            "()",
            f"{dialect.stop_replica}; SET GLOBAL {counter} = 1; {dialect.start_replica}; "
            "SELECT 'Statement in error has been skipped' AS Message;",
        ),
    )


def _change(server: Server, concatenated: str, before: str = "") -> str:
    status = "performance_schema.replication_connection_status"
    running = f"SELECT COUNT(*) INTO running FROM {status} WHERE service_state = 'ON';"
    if server.version.mysql_from(8, 0):
        guard = f"{running}\n  IF running > 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{_RUNNING}'; END IF;\n  "
        return "DECLARE running INT;\n  " + _unless_replica() + guard + before + _prepared(concatenated)
    # Elsewhere the server's own refusal has to do.
    return _unless_replica() + before + _prepared(concatenated)


def _unless_replica() -> str:
    asked = "(SELECT value FROM mysql.rds_configuration WHERE name = 'read replica') = '1'"
    return f"IF {asked} THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{_IS_REPLICA}'; END IF;\n  "


def _prepared(concatenated: str) -> str:
    return (
        f"SET @rds_command = CONCAT({concatenated});\n  PREPARE rds_command FROM @rds_command;\n  "
        "SET @rds_command = NULL;\n  EXECUTE rds_command;\n  DEALLOCATE PREPARE rds_command;"
    )


def _body(arguments: str, body: str) -> str:
    return f"{arguments} MODIFIES SQL DATA SQL SECURITY DEFINER\nBEGIN\n  {body}\nEND"
