"""Settings that differ between the servers and that an application would notice."""

from __future__ import annotations

from collections.abc import Mapping

from migration.check import Fix, Pair, Result, Route, Severity, check
from migration.checks import facts, objects
from migration.checks.results import count, failed, passed, set_global, table
from migration.checks.sides import is_on, known_as, number, setting, sides
from migration.model import Side
from providers.mysql.server import Server

_NAMES_SETTING = "lower_case_table_names"
_NEW_SESSIONS = "sessions opened on the target from now on"
_REPLICA_PACKET = ("replica_max_allowed_packet", "slave_max_allowed_packet")
_LARGEST = 1 << 30
_ISOLATION = ("transaction_isolation", "tx_isolation")
# What sessions begin with, by the names it has.
_SESSION_DEFAULTS = (_ISOLATION, ("autocommit",), ("auto_increment_increment",), ("auto_increment_offset",))
# What an application can notice: other values, other errors, other limits. What has a check of its own is not here.
_NOTICED = frozenset({
    "character_set_server", "collation_server", "completion_type", "cte_max_recursion_depth", "default_storage_engine",
    "default_week_format", "div_precision_increment", "explicit_defaults_for_timestamp", "foreign_key_checks",
    "ft_max_word_len", "ft_min_word_len", "group_concat_max_len", "init_connect",
    "innodb_default_row_format", "innodb_ft_enable_stopword", "innodb_ft_max_token_size", "innodb_ft_min_token_size",
    "innodb_lock_wait_timeout", "innodb_rollback_on_timeout", "innodb_strict_mode", "interactive_timeout",
    "lc_time_names", "local_infile", "log_bin_trust_function_creators", "low_priority_updates", "max_execution_time",
    "max_join_size", "max_sort_length", "max_sp_recursion_depth", "max_statement_time", "max_user_connections",
    "net_read_timeout", "net_write_timeout", "ngram_token_size", "old_passwords", "query_cache_type",
    "sql_auto_is_null", "sql_big_selects", "sql_generate_invisible_primary_key", "sql_quote_show_create",
    "sql_safe_updates", "sql_select_limit", "unique_checks",
    "updatable_views_with_limit", "wait_timeout",
})  # fmt: skip
# Who a server is, where it keeps its files, how large its machine is; and what other checks look at.
_OF_ITS_OWN = frozenset({
    "auto_increment_increment", "auto_increment_offset", "autocommit", "binlog_checksum", "binlog_format",
    "binlog_row_image", "event_scheduler", "expire_logs_days", "binlog_expire_logs_seconds", "external_user",
    "general_log", "hostname", "innodb_buffer_pool_chunk_size", "innodb_buffer_pool_instances",
    "innodb_buffer_pool_size", "innodb_flush_log_at_trx_commit", "innodb_page_size", "innodb_read_io_threads",
    "innodb_write_io_threads", "insert_id", "last_insert_id", "license", "lower_case_table_names",
    "max_allowed_packet", "max_connections", "open_files_limit", "port", "proxy_user", "pseudo_thread_id",
    "rand_seed1", "rand_seed2", "read_only", "relay_log", "socket", "sql_mode", "super_read_only", "sync_binlog",
    "system_time_zone", "table_open_cache", "thread_cache_size", "time_zone", "timestamp", "transaction_isolation",
    "tx_isolation", "identity", "in_transaction", "error_count", "warning_count", "system_versioning_asof",
})  # fmt: skip
_OWN_PREFIXES = (
    "admin_", "character_sets_dir", "gtid_", "have_", "log_bin", "mysqlx", "performance_schema", "relay_log_",
    "report_", "rpl_", "server_", "ssl_", "version", "wsrep_", "innodb_version", "skip_",
)  # fmt: skip
_OWN_ENDINGS = ("_dir", "dir", "_file", "_error", "_basename", "_index", "_path", "_file_path", "_home_dir")


@check(
    "packet",
    "target takes as large packets",
    Side.TARGET,
    Severity.WARNING,
    why="A statement or row that fits into a packet on the source must fit on the target, too.",
    asks="SHOW GLOBAL VARIABLES LIKE 'max_allowed_packet' on both",
)
def packet(pair: Pair) -> Result:
    """Fails where the target takes smaller statements and rows than the source."""
    source, target = (int(server.variable("max_allowed_packet") or 0) for server in (pair.source, pair.target))
    evidence = table(("side", "max_allowed_packet"), [("source", source), ("target", target)])
    found = f"{_mib(source)} / {_mib(target)}"
    if target >= source:
        return passed(found, evidence)
    return failed(
        found,
        evidence,
        "Set max_allowed_packet on the target to the source's value, in the configuration file as well.",
        set_global(Side.TARGET, pair.target, "max_allowed_packet", str(source), _NEW_SESSIONS),
    )


@check(
    "replica-packet",
    "replicas take as large packets",
    Side.BOTH,
    Severity.WARNING,
    why="A replica stops at a change that is larger than it takes from its source.",
    asks="SHOW GLOBAL VARIABLES: max_allowed_packet, replica_max_allowed_packet (slave_max_allowed_packet) on both",
    routes={Route.LOGICAL: None},
    page="MySQL manual, replica_max_allowed_packet",
)
def replica_packet(pair: Pair) -> Result:
    """Fails where a replica, on either way, takes smaller packets than clients may send to its source."""
    (_, source), (_, target) = sides(pair)
    rows, fixes = [], []
    for side, replica, writer in ((Side.TARGET, target, source), (Side.SOURCE, source, target)):
        sent = number(pair, writer, "max_allowed_packet") or 0
        taken = number(pair, replica, *_REPLICA_PACKET)
        rows.append((side.value, _mib(taken) if taken is not None else "-", _mib(sent)))
        if taken is not None and taken < sent:
            name = known_as(pair, replica, *_REPLICA_PACKET)
            fixes.append(set_global(side, replica, name, str(_LARGEST), "replication threads started from now on"))
    evidence = table(("replica", "takes", "the other server's clients send"), rows)
    if not fixes:
        return passed(" / ".join(row[1] for row in rows), evidence)
    return failed(
        f"less on the {' and the '.join(fix.side.value for fix in fixes)}",
        evidence,
        "Set replica_max_allowed_packet (slave_max_allowed_packet before MySQL 8.0.26 and on MariaDB) to 1 GiB, as it "
        "is by default, in the configuration file as well; stop and start the replica afterwards.",
        *fixes,
    )


def _mib(size: int) -> str:
    return f"{size / (1 << 20):g} MiB"


@check(
    "sql-mode",
    "sql_mode is the same",
    Side.BOTH,
    Severity.NOTICE,
    why="The mode decides whether a doubtful value is taken, mended or refused.",
    asks="SHOW GLOBAL VARIABLES LIKE 'sql_mode' on both",
)
def sql_mode(pair: Pair) -> Result:
    """Fails where the servers' default SQL modes differ."""
    source, target = _modes(pair.source), _modes(pair.target)
    both = table(("side", "sql_mode"), [("source", ",".join(sorted(source))), ("target", ",".join(sorted(target)))])
    only = [("only on the source", mode) for mode in sorted(source - target)]
    only += [("only on the target", mode) for mode in sorted(target - source)]
    if not only:
        return passed("the same", both)
    return failed(
        count(len(only), "mode differs", "modes differ"),
        (*both, *only),
        "Replication is not affected. See whether the application sets its own sql_mode when it connects; if not, a "
        "statement that the source takes may be an error on the target: test it there, or set the source's modes.",
    )


def _modes(server: Server) -> set[str]:
    return set(filter(None, (server.variable("sql_mode") or "").split(",")))


@check(
    "collation",
    "source can read the way back",
    Side.TARGET,
    Severity.WARNING,
    why="The collation of each session travels in the binary log, and an older server stops at one it does not know.",
    asks="SHOW GLOBAL VARIABLES: collation_server, default_collation_for_utf8mb4",
)
def collation(pair: Pair) -> Result:
    """Fails where sessions on the target would write what the source cannot read on the way back."""
    back = pair.source.version
    if not pair.target.version.mysql_from(8, 0) or back.mysql_from(8, 0):
        return passed("no new default collation")
    names = ("collation_server", "default_collation_for_utf8mb4")
    values = [(name, pair.target.variable(name) or "-") for name in names]
    new = [name for name, value in values if "_0900_" in value]
    evidence = table(("setting on the target", "value"), values)
    if pair.spec.bridge is not None:
        return passed("the bridge replaces new ones", evidence)
    if not new:
        return passed("an old one, on the target", evidence)
    return failed(
        "utf8mb4_0900 on the target",
        evidence,
        f"{back} stops replicating at the first change of a session with a utf8mb4_0900 collation, so there would be "
        "no way back. Set collation_server and default_collation_for_utf8mb4 to utf8mb4_general_ci on the target, "
        "and let clients that choose a collation themselves (drivers of MySQL 8.0 and later do) choose that one; or "
        "lead the way back over the bridge (--bridge), which replaces such collations on their way.",
        set_global(Side.TARGET, pair.target, new[0], "utf8mb4_general_ci", "sessions opened on the target from now on"),
    )


@check(
    "lower-case-table-names",
    "names keep their capitals",
    Side.BOTH,
    Severity.BLOCKER,
    why="Where one server takes Orders and orders for one table and the other for two, changes go astray.",
    asks="SHOW GLOBAL VARIABLES LIKE 'lower_case_table_names' on both; names in information_schema.tables",
)
def lower_case_names(pair: Pair) -> Result:
    """Fails where the servers write names differently and there are names with capitals."""
    setting = _setting(pair)
    if setting[0] == setting[1]:
        return passed(f"{setting[0]} on both")
    capitals = _with_capitals(pair)
    if not capitals:
        return passed("no name has capitals")
    return failed(
        count(len(capitals), "name has capitals", "names have capitals"),
        table(("database", "table or view"), capitals),
        f"{_NAMES_SETTING} is {setting[0]} on the source and {setting[1]} on the target: a name with capitals would "
        "not be found, or two names become one. Set up the target with the source's value (it cannot be changed "
        "later), or rename these.",
    )


@check(
    "lower-case-setting",
    "lower_case_table_names is the same",
    Side.BOTH,
    Severity.WARNING,
    why="An application that is careless about capitals may work on one server and fail on the other.",
    asks="SHOW GLOBAL VARIABLES LIKE 'lower_case_table_names' on both",
)
def lower_case_setting(pair: Pair) -> Result:
    """Fails where the servers write names differently, whatever names there are."""
    source, target = _setting(pair)
    found = f"{source} / {target}"
    if source == target:
        return passed(found)
    return failed(
        found,
        table(("side", _NAMES_SETTING), [("source", source), ("target", target)]),
        "It works as long as nobody uses capitals in a name of a database or table, in statements either. Better "
        "set up the target with the source's value.",
    )


def _setting(pair: Pair) -> tuple[str, str]:
    return _names_setting(pair.source), _names_setting(pair.target)


def _names_setting(server: Server) -> str:
    return server.variable(_NAMES_SETTING) or "0"


def _with_capitals(pair: Pair) -> list[tuple[str, str]]:
    select = "SELECT table_schema, table_name FROM information_schema.tables"
    rows = facts.ask_moved(pair, select, "table_schema", "SELECT", "ORDER BY 1, 2")
    found = [(name, "") for name in facts.moved(pair) if name != name.lower()]
    return found + [(str(base), str(name)) for base, name in rows if name != name.lower()]


@check(
    "param-drift",
    "settings are the same",
    Side.BOTH,
    Severity.WARNING,
    why="What differs between the servers' settings is what the application meets after the cutover.",
    asks="SHOW GLOBAL VARIABLES on both",
    page="MySQL manual, Server System Variables",
)
def param_drift(pair: Pair) -> Result:
    """Fails where a setting differs that an application notices; the others that differ are evidence.

    Left out are a server's own name, numbers, files and sizes, and what a check of its own is about.
    """
    differing = _differing(*(facts.variables(pair, server) for _, server in sides(pair)))
    noticed = [row for row in differing if row[0] in _NOTICED]
    others = [row for row in differing if row[0] not in _NOTICED]
    rows = [(*row, weight) for weight, part in (("yes", noticed), ("no", others)) for row in part]
    evidence = table(("setting", "source", "target", "an application notices"), rows)
    if not noticed:
        return passed(f"{count(len(others), 'other differs', 'others differ')}" if others else "the same", evidence)
    return failed(
        count(len(noticed), "that matters differs", "that matter differ"),
        evidence,
        "Set the ones marked yes on the target as they are on the source, in its configuration file, or make sure "
        "that the application works with the target's values: rehearse it with them.",
    )


def _differing(source: Mapping[str, str], target: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The settings that both have, with values that mean something else: name, source's and target's value."""
    return [
        (name, source[name], target[name])
        for name in sorted(source.keys() & target.keys())
        if not _own(name) and _plain(source[name]) != _plain(target[name])
    ]


def _own(name: str) -> bool:
    return (
        name in _OF_ITS_OWN or name.startswith(_OWN_PREFIXES) or (name.endswith(_OWN_ENDINGS) and name not in _NOTICED)
    )


def _plain(value: str) -> str:
    """A value in one notation: versions write switches, numbers and the old name of utf8 differently."""
    value = value.strip().upper()
    if value in ("YES", "ON", "1"):
        return "1"
    if value in ("NO", "OFF", "0", ""):
        return "0"
    value = value.replace("UTF8MB3", "UTF8")
    whole, dot, rest = value.partition(".")
    return whole if dot and whole.isdecimal() and not rest.strip("0") else value


@check(
    "session-defaults",
    "sessions begin alike",
    Side.BOTH,
    Severity.WARNING,
    why="Isolation level, autocommit and the steps of auto_increment decide what an application's statements do.",
    asks="SHOW GLOBAL VARIABLES: transaction_isolation, autocommit, auto_increment_increment, auto_increment_offset",
    page="MySQL manual, Transaction Isolation Levels; auto_increment_increment",
)
def session_defaults(pair: Pair) -> Result:
    """Fails where sessions on the target would begin with another isolation level, autocommit or numbering."""
    (_, source), (_, target) = sides(pair)
    rows: list[tuple[str, str, str]] = []
    fixes: list[Fix] = []
    for names in _SESSION_DEFAULTS:
        ours, theirs = (setting(pair, server, *names) or "-" for server in (source, target))
        rows.append((names[0], ours, theirs))
        if _plain(ours) != _plain(theirs):
            fixes.append(set_global(Side.TARGET, target, known_as(pair, target, *names), ours, _NEW_SESSIONS))
    evidence = table(("setting", "source", "target"), rows)
    if not fixes:
        return passed(rows[0][1], evidence)
    return failed(
        fixes[0].setting + (f" and {len(fixes) - 1} more" if len(fixes) > 1 else ""),
        evidence,
        "Set the target's to the source's, in the configuration file as well. Steps of auto_increment that differ on "
        "purpose, so that two servers can write at once, are not needed here: only one of them does.",
        *fixes,
    )


@check(
    "page-size",
    "InnoDB pages are as large",
    Side.BOTH,
    Severity.WARNING,
    why="Rows and index keys that fit into a larger page may not fit into a smaller one.",
    asks="SHOW GLOBAL VARIABLES LIKE 'innodb_page_size' on both",
    routes={Route.PHYSICAL: Severity.BLOCKER},
    page="MySQL manual, innodb_page_size; InnoDB Limits",
)
def page_size(pair: Pair) -> Result:
    """Fails where the target's pages are smaller; where data files are moved, wherever they differ."""
    source, target = (number(pair, server, "innodb_page_size") or 0 for _, server in sides(pair))
    evidence = table(("side", "innodb_page_size"), [("source", source), ("target", target)])
    found = f"{source >> 10} KiB / {target >> 10} KiB"
    if target == source or (target > source and pair.route is not Route.PHYSICAL):
        return passed(found, evidence)
    return failed(
        found,
        evidence,
        "Set up the target anew with the source's innodb_page_size: it is chosen once, when a data directory is made.",
    )


@check(
    "event-scheduler",
    "target will run the events",
    Side.TARGET,
    Severity.WARNING,
    why="With the scheduler off, the source's events stop at the cutover, and nothing reports it.",
    asks="SHOW GLOBAL VARIABLES LIKE 'event_scheduler' on both; information_schema.events",
    page="MySQL manual, Event Scheduler Configuration",
)
def event_scheduler(pair: Pair) -> Result:
    """Fails where the source runs events that move and the target's scheduler is off."""
    name = "event_scheduler"
    (_, source), (_, target) = sides(pair)
    if not is_on(pair, source, name):
        return passed("the source runs none")
    if is_on(pair, target, name):
        return passed("on, on both")
    events = objects.events(pair)
    if not events:
        return passed("there are no events")
    off = setting(pair, target, name) or "-"
    remedy = (
        "Set event_scheduler = ON on the target, in the configuration file as well: events that came by replication "
    )
    remedy += "stay switched off there until the promotion."
    if off.upper() == "DISABLED":
        remedy = "The target was started with event_scheduler = DISABLED: change its configuration file and restart it."
    fixes = (
        [] if off.upper() == "DISABLED" else [set_global(Side.TARGET, target, name, "ON", "the target's own events")]
    )
    return failed(
        f"{off} on the target",
        table(("event", "definer"), [(event.qualified, event.definer) for event in events]),
        remedy,
        *fixes,
    )


@check(
    "requires-primary-key",
    "target takes tables without keys",
    Side.TARGET,
    Severity.BLOCKER,
    why="A target that refuses tables without a primary key breaks off the copy, or replication, at the first one.",
    asks="sql_require_primary_key (MariaDB: innodb_force_primary_key) of the target; information_schema.tables and "
    "statistics",
    page="MySQL manual, sql_require_primary_key",
)
def requires_primary_key(pair: Pair) -> Result:
    """Fails where the target demands primary keys and a table has none."""
    target = pair.target
    name = known_as(pair, target, "sql_require_primary_key", "innodb_force_primary_key")
    if not is_on(pair, target, name):
        return passed("it does not demand them")
    keyed = {(key.base, key.table) for key in facts.keys(pair) if key.name == "PRIMARY"}
    without = [(one.base, one.name, one.engine) for one in facts.tables(pair) if (one.base, one.name) not in keyed]
    if not without:
        return passed("every table has one")
    return failed(
        count(len(without), "table would be refused", "tables would be refused"),
        table(("database", "table", "engine"), without),
        "Give these tables primary keys on the source, or let the target take them without until they have.",
        set_global(Side.TARGET, target, name, "OFF", _NEW_SESSIONS),
    )
