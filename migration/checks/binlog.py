"""What the two servers write into their binary logs, and how long they keep it."""

from __future__ import annotations

from collections.abc import Callable

from migration.check import Pair, Result, Severity, check
from migration.checks.results import Evidence, failed, not_applicable, passed, set_global, table
from migration.checks.sight import channel_from_source, channels
from migration.model import Positioning, Side
from providers.mysql.gtid import GtidSet
from providers.mysql.server import Server

_NEW_SESSIONS = "sessions opened from now on; those open now keep their setting until they reconnect"
_FULL_IMAGES = ("FULL", "FULL_NODUP")
_DAY_S = 86_400
_FILTER_VARIABLES = (
    "replicate_do_db", "replicate_ignore_db", "replicate_do_table", "replicate_ignore_table",
    "replicate_wild_do_table", "replicate_wild_ignore_table",
)  # fmt: skip


def _sides(pair: Pair) -> tuple[tuple[Side, Server], tuple[Side, Server]]:
    return (Side.SOURCE, pair.source), (Side.TARGET, pair.target)


def _is_on(server: Server, setting: str) -> bool:
    return (server.variable(setting) or "").upper() in ("ON", "1")


@check(
    "binary-log",
    "binary log is on",
    Side.BOTH,
    Severity.BLOCKER,
    why="The target learns of every change from the source's binary log, for a way back the source from the target's.",
    asks="SHOW GLOBAL VARIABLES: log_bin, log_replica_updates (log_slave_updates)",
)
def binary_log(pair: Pair) -> Result:
    """Fails where a binary log is off, or the target does not log what it replicates."""
    needed = [
        (Side.SOURCE, pair.source, "log_bin"),
        (Side.TARGET, pair.target, "log_bin"),
        (Side.TARGET, pair.target, pair.target.dialect.updates_logged),
    ]
    rows = [(side.value, setting, "ON" if _is_on(server, setting) else "OFF") for side, server, setting in needed]
    evidence = table(("side", "setting", "value"), rows)
    off = [f"{setting} on the {side}" for side, setting, value in rows if value == "OFF"]
    if not off:
        return passed("on, on both", evidence)
    return failed(
        f"off: {off[0]}" + (f", {len(off) - 1} more" if len(off) > 1 else ""),
        evidence,
        f"In the configuration file of the server set log_bin = binlog and {pair.target.dialect.updates_logged} = ON "
        "(on a managed server: turn automatic backups or the binary log on), then restart it. The source needs it to "
        "be followed, the target for the way back.",
    )


def _same_on_both(setting: str, wanted: tuple[str, ...], why_remedy: str) -> Callable[[Pair], Result]:
    """A check that a dynamic setting has a wanted value on both servers; its fix is for the first that has not."""

    def run(pair: Pair) -> Result:
        values = [(side, server, server.variable(setting)) for side, server in _sides(pair)]
        evidence = table(("side", setting), [(side.value, value or "not known here") for side, _, value in values])
        wrong = [(side, server) for side, server, value in values if value is not None and value not in wanted]
        if not wrong:
            return passed(wanted[0], evidence)
        side, server = wrong[0]
        found = " / ".join(str(value or "-") for _, _, value in values)
        return failed(found, evidence, why_remedy, set_global(side, server, setting, wanted[0], _NEW_SESSIONS))

    return run


binlog_format = _same_on_both(
    "binlog_format",
    ("ROW",),
    "Set binlog_format = ROW, in the configuration file as well, and let the clients reconnect before the copy is "
    "made: a session that is open now keeps writing the old format.",
)
row_image = _same_on_both(
    "binlog_row_image",
    _FULL_IMAGES,
    "Set binlog_row_image = FULL, in the configuration file as well, and let the clients reconnect.",
)


@check(
    "retention",
    "binary log is kept 24 h",
    Side.BOTH,
    Severity.WARNING,
    why="A replica that was away longer than the log is kept has to be copied anew.",
    asks="SHOW GLOBAL VARIABLES: binlog_expire_logs_seconds, expire_logs_days, binlog_expire_logs_auto_purge",
)
def retention(pair: Pair) -> Result:
    """Fails where a server deletes its binary log sooner than after a day."""
    kept = [(side, server, _kept_seconds(server)) for side, server in _sides(pair)]
    rows = [(side.value, "without end" if kept_s is None else f"{kept_s / 3600:g} h") for side, _, kept_s in kept]
    evidence = table(("side", "kept"), rows)
    short = [(side, server) for side, server, kept_s in kept if kept_s is not None and kept_s < _DAY_S]
    found = " / ".join(words for _, words in rows)
    if not short:
        return passed(found, evidence)
    side, server = short[0]
    return failed(
        found,
        evidence,
        "Keep the binary log for at least 24 hours, and longer than copy and rollback may take: what is deleted before "
        "the other server has read it makes a new copy necessary. Mind the disk space.",
        set_global(side, server, "binlog_expire_logs_seconds", str(_DAY_S), "the server's disk space; no client"),
    )


def _kept_seconds(server: Server) -> int | None:
    """How long binary logs are kept, in seconds; None without end. Days before MySQL 8.0 and MariaDB 10.6."""
    if server.variable("binlog_expire_logs_auto_purge") == "OFF":
        return None
    seconds = int(server.variable("binlog_expire_logs_seconds") or 0)
    return seconds or int(float(server.variable("expire_logs_days") or 0) * _DAY_S) or None


@check(
    "gtid",
    "GTID modes fit the positioning",
    Side.BOTH,
    Severity.BLOCKER,
    why="Both servers have to name transactions in the same way, or replication stops at the first one.",
    asks="SHOW GLOBAL VARIABLES: gtid_mode, enforce_gtid_consistency, gtid_strict_mode",
)
def gtid(pair: Pair) -> Result:
    """Fails where the servers' GTID modes do not go with the positioning chosen."""
    source, target = pair.source.version, pair.target.version
    evidence = table(("side", "setting", "value"), [row for side in _sides(pair) for row in _gtid_settings(*side)])
    if source.flavor is not target.flavor:
        return _gtid_of_two_families(pair, evidence)
    if source.mariadb:
        return passed("every transaction has one", evidence)
    modes = [_gtid_mode(pair.source), _gtid_mode(pair.target)]
    found = " / ".join(modes)
    by_gtid = pair.positioning is Positioning.GTID
    if by_gtid and modes != ["ON", "ON"]:
        return failed(
            found,
            evidence,
            "Turn gtid_mode and enforce_gtid_consistency ON on both servers (MySQL 5.6: configuration file and "
            "restart; later: step by step OFF, OFF_PERMISSIVE, ON_PERMISSIVE, ON), or choose file positions.",
        )
    if not by_gtid and "ON" in modes and "OFF" in modes:
        return failed(
            found,
            evidence,
            "A server with gtid_mode ON and one with OFF do not follow each other (errors 1593, 13117): give the "
            "target the source's gtid_mode, in its configuration file, and restart it.",
        )
    return passed(found, evidence)


def _gtid_of_two_families(pair: Pair, evidence: Evidence) -> Result:
    if pair.positioning is Positioning.GTID:
        return failed(
            "two kinds of GTID",
            evidence,
            "MySQL and MariaDB name transactions differently: choose file positions for this pair.",
        )
    mysql = pair.target if pair.source.version.mariadb else pair.source
    if _gtid_mode(mysql) == "ON":
        return failed(
            f"gtid_mode is ON on {mysql.version}",
            evidence,
            f"MariaDB's transactions have no GTID that MySQL knows, so {mysql.version} cannot follow with gtid_mode ON "
            "(error 1593), neither now nor on the way back: turn it OFF there.",
        )
    return passed("off, as this pair needs it", evidence)


def _gtid_mode(server: Server) -> str:
    return (server.variable("gtid_mode") or "OFF").upper()


def _gtid_settings(side: Side, server: Server) -> list[tuple[str, str, str]]:
    names = ("gtid_strict_mode",) if server.version.mariadb else ("gtid_mode", "enforce_gtid_consistency")
    return [(side.value, name, server.variable(name) or "-") for name in names]


@check(
    "errant-transactions",
    "target has nothing of its own",
    Side.TARGET,
    Severity.BLOCKER,
    why="What was written on the target only is a difference, and stops replication on the way back.",
    asks="gtid_executed of the target minus that of the source (MariaDB: gtid_binlog_state)",
)
def errant_transactions(pair: Pair) -> Result:
    """Fails where a target that already follows the source has transactions of its own."""
    if pair.positioning is not Positioning.GTID:
        return not_applicable("positions are by file")
    if channel_from_source(pair) is None:
        return not_applicable("the target does not follow yet")
    errant = _errant_mariadb(pair) if pair.target.version.mariadb else _errant_mysql(pair)
    if not errant:
        return passed("none")
    return failed(
        "the target has writes of its own",
        table(("only on the target",), [(errant,)]),
        "Find out what was written on the target (its binary log tells, mysqlbinlog or mariadb-binlog reads it). "
        "Where it does no harm, say so when accepting this; otherwise copy the target anew.",
    )


def _errant_mysql(pair: Pair) -> str:
    # The target first: what it gets between the two readings is then in the source's set as well.
    target, source = pair.target.gtid_executed(), pair.source.gtid_executed()
    if isinstance(target, GtidSet) and isinstance(source, GtidSet):
        return str(target.minus(source))
    return ""


def _errant_mariadb(pair: Pair) -> str:
    own = pair.target.identity.server_id
    target, source = _binlog_state(pair.target), _binlog_state(pair.source)
    return ",".join(
        f"{domain}-{server}-{last}"
        for (domain, server), last in sorted(target.items())
        if server == own and last > source.get((domain, server), 0)
    )


def _binlog_state(server: Server) -> dict[tuple[int, int], int]:
    """The last sequence number of each domain and writer in the binary log (MariaDB)."""
    state: dict[tuple[int, int], int] = {}
    for part in str(server.value("SELECT @@GLOBAL.gtid_binlog_state") or "").split(","):
        if part.strip():
            domain, writer, last = (int(number) for number in part.strip().split("-"))
            state[domain, writer] = last
    return state


@check(
    "filters",
    "nothing is filtered out",
    Side.BOTH,
    Severity.BLOCKER,
    why="What a filter leaves out does not arrive on the target, and nothing reports it.",
    asks="SHOW MASTER STATUS (SHOW BINARY LOG STATUS), SHOW REPLICA STATUS, and the replicate_* settings",
)
def filters(pair: Pair) -> Result:
    """Fails where a server leaves something out of its log, or of what it replicates.

    Before MySQL 8.0 a server tells its replication filters only once there is a channel.
    """
    rows = [
        row for side, server in _sides(pair) for row in (*_log_filters(side, server), *_replica_filters(side, server))
    ]
    if not rows:
        return passed("none")
    return failed(
        f"{len(rows)} set",
        table(("side", "filter", "value"), dict.fromkeys(rows)),
        "Remove binlog_do_db and binlog_ignore_db from the configuration file and restart; remove replication filters "
        "with CHANGE REPLICATION FILTER (MariaDB: SET GLOBAL replicate_... = ''), and from the configuration file. "
        "What was filtered out until now has to be copied anew.",
    )


def _log_filters(side: Side, server: Server) -> list[tuple[str, str, str]]:
    status = server.named(server.dialect.source_status)
    heads = ("Binlog_Do_DB", "Binlog_Ignore_DB")
    return [(side.value, head.lower(), str(row[head])) for row in status for head in heads if row.get(head)]


def _replica_filters(side: Side, server: Server) -> list[tuple[str, str, str]]:
    found = [
        (side.value, name.lower(), value)
        for channel in channels(server)
        for name, _, value in (text.partition("=") for text in channel.filters)
    ]
    if server.version.mariadb:
        found += [(side.value, name, value) for name in _FILTER_VARIABLES if (value := server.variable(name))]
    elif server.version.mysql_from(8, 0):
        rows = server.rows("SELECT filter_name, filter_rule FROM performance_schema.replication_applier_global_filters")
        found += [(side.value, str(name).lower(), str(rule)) for name, rule in rows if rule]
    return found
