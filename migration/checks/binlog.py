"""What the two servers write into their binary logs, and how long they keep it."""

from __future__ import annotations

from collections.abc import Callable

from migration.check import Fix, Pair, Result, Route, Severity, check
from migration.checks.results import failed, passed, set_global, table
from migration.checks.sides import is_on, known_as, looked_at, number, setting, sides
from migration.model import Side
from providers.mysql.server import Server
from providers.mysql.version import Version

_NEW_SESSIONS = "sessions opened from now on; those open now keep their setting until they reconnect"
_EVERY_COMMIT = "every commit on the source, which then waits for the disk"
_FULL_IMAGES = ("FULL", "FULL_NODUP")
_DAY_S = 86_400


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
    needed = [(side, server, "log_bin") for side, server in looked_at(pair)]
    if pair.other is not None:
        needed.append((Side.TARGET, pair.other, pair.other.dialect.updates_logged))
    rows = [(side.value, name, "ON" if is_on(pair, server, name) else "OFF") for side, server, name in needed]
    evidence = table(("side", "setting", "value"), rows)
    off = [f"{name} on the {side}" for side, name, value in rows if value == "OFF"]
    if not off:
        return passed("on", evidence)
    return failed(
        f"off: {off[0]}" + (f", {len(off) - 1} more" if len(off) > 1 else ""),
        evidence,
        "In the configuration file of the server set log_bin = binlog and "
        f"{(pair.other or pair.source).dialect.updates_logged} = ON "
        "(on a managed server: turn automatic backups or the binary log on), then restart it. The source needs it to "
        "be followed, the target for the way back.",
    )


def _wanted_on_both(pair: Pair, name: str, wanted: tuple[str, ...], remedy: str) -> Result:
    """Whether a dynamic setting has one of the wanted values on both servers; the fix gives it the first."""
    values = [(side, server, setting(pair, server, name)) for side, server in looked_at(pair)]
    evidence = table(("side", name), [(side.value, value or "not known here") for side, _, value in values])
    wrong = [(side, server) for side, server, value in values if value is not None and value.upper() not in wanted]
    if not wrong:
        return passed(wanted[0], evidence)
    found = " / ".join(str(value or "-") for _, _, value in values)
    fixes = [set_global(side, server, name, wanted[0], _NEW_SESSIONS) for side, server in wrong]
    return failed(found, evidence, remedy, *fixes)


@check(
    "binlog-format",
    "binary log format is ROW",
    Side.BOTH,
    Severity.BLOCKER,
    why="A statement that is repeated, rather than its rows copied, can give other rows on the target.",
    asks="SHOW GLOBAL VARIABLES LIKE 'binlog_format'",
    page="MySQL manual, Advantages and Disadvantages of Statement-Based and Row-Based Replication",
)
def binlog_format(pair: Pair) -> Result:
    """Fails where a server logs statements."""
    return _wanted_on_both(
        pair,
        "binlog_format",
        ("ROW",),
        "Set binlog_format = ROW, in the configuration file as well, and let the clients reconnect before the copy is "
        "made: a session that is open now keeps writing the old format.",
    )


@check(
    "row-image",
    "rows are logged in full",
    Side.BOTH,
    Severity.WARNING,
    why="With every column in the log the target finds each row for certain, and a difference is noticed at once.",
    asks="SHOW GLOBAL VARIABLES LIKE 'binlog_row_image'",
    routes={Route.LOGICAL: Severity.BLOCKER},
    page="MySQL manual, binlog_row_image",
)
def row_image(pair: Pair) -> Result:
    """Fails where a server leaves columns out of its log."""
    return _wanted_on_both(
        pair,
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
    kept = [(side, server, kept_seconds(pair, server)) for side, server in looked_at(pair)]
    rows = [(side.value, "without end" if kept_s is None else f"{kept_s / 3600:g} h") for side, _, kept_s in kept]
    evidence = table(("side", "kept"), rows)
    short = [(side, server) for side, server, kept_s in kept if kept_s is not None and kept_s < _DAY_S]
    found = " / ".join(words for _, words in rows)
    if not short:
        return passed(found, evidence)
    return failed(
        found,
        evidence,
        "Keep the binary log for at least 24 hours, and longer than copy and rollback may take: what is deleted before "
        "the other server has read it makes a new copy necessary. Mind the disk space.",
        *(keep_longer(pair, side, server, _DAY_S) for side, server in short),
    )


def kept_seconds(pair: Pair, server: Server) -> int | None:
    """How long binary logs are kept, in seconds; None without end. Days before MySQL 8.0 and MariaDB 10.6."""
    if setting(pair, server, "binlog_expire_logs_auto_purge") == "OFF":
        return None
    seconds = number(pair, server, "binlog_expire_logs_seconds") or 0
    return seconds or int(float(setting(pair, server, "expire_logs_days") or 0) * _DAY_S) or None


def keep_longer(pair: Pair, side: Side, server: Server, seconds: int) -> Fix:
    """The fix that makes a server keep its binary log for so long, at least."""
    name = known_as(pair, server, "binlog_expire_logs_seconds", "expire_logs_days")
    wanted = seconds if name == "binlog_expire_logs_seconds" else -(-seconds // _DAY_S)
    return set_global(side, server, name, str(wanted), "the server's disk space; no client")


def _unread(pair: Pair, names: tuple[str, ...], reads: Callable[[Version, Version], bool]) -> list[tuple[Side, Server]]:
    """The servers whose log has, by a setting that is on, what the reader of that log does not understand.

    A tool that reads the source's log as a replica understands none of it, whatever the target is.
    """
    if pair.route is Route.LOGICAL:
        ends = [(Side.SOURCE, pair.source, True)]
    else:
        (_, source), (_, target) = sides(pair)
        ends = [
            (Side.SOURCE, source, not reads(source.version, target.version)),
            (Side.TARGET, target, not reads(target.version, source.version)),
        ]
    return [(side, server) for side, server, unread in ends if unread and _set(pair, server, names)]


def _set(pair: Pair, server: Server, names: tuple[str, ...]) -> str:
    """The name of the setting that is on, empty where none is."""
    values = ((name, (setting(pair, server, name) or "").upper()) for name in names)
    return next((name for name, value in values if value in ("ON", "1") or "PARTIAL_JSON" in value), "")


def _told(pair: Pair, unread: list[tuple[Side, Server]], names: tuple[str, ...], off: str, remedy: str) -> Result:
    """The result for what `_unread` found."""
    if not unread:
        return passed("nothing the reader does not know")
    wrong = [(side, server, _set(pair, server, names)) for side, server in unread]
    return failed(
        f"on the {' and the '.join(side.value for side, _ in unread)}",
        table(("side", "setting", "value"), [(side.value, n, setting(pair, server, n)) for side, server, n in wrong]),
        remedy,
        *(set_global(side, server, name, off, _NEW_SESSIONS) for side, server, name in wrong),
    )


@check(
    "row-value-options",
    "log has whole JSON values",
    Side.BOTH,
    Severity.BLOCKER,
    why="With PARTIAL_JSON the log has only what changed in a JSON value: older servers and tools cannot read that.",
    asks="SHOW GLOBAL VARIABLES LIKE 'binlog_row_value_options'",
    page="MySQL manual, binlog_row_value_options",
)
def row_value_options(pair: Pair) -> Result:
    """Fails where a server logs parts of JSON values for a reader that needs whole ones."""
    names = ("binlog_row_value_options",)
    unread = _unread(pair, names, lambda _, reader: reader.mysql_from(8, 0, 3))
    remedy = (
        "Set binlog_row_value_options = '', in the configuration file as well, and let the clients reconnect before "
        "the copy is made."
    )
    return _told(pair, unread, names, "", remedy)


@check(
    "log-compression",
    "log is written uncompressed",
    Side.BOTH,
    Severity.BLOCKER,
    why="Compressed transactions can be read by newer servers of the same family only, and by few tools.",
    asks="SHOW GLOBAL VARIABLES: binlog_transaction_compression, log_bin_compress",
    page="MySQL manual, Binary Log Transaction Compression; MariaDB documentation, Compressing Events",
)
def log_compression(pair: Pair) -> Result:
    """Fails where a server compresses its log and the reader cannot undo that."""
    names = ("binlog_transaction_compression", "log_bin_compress")

    def reads(writer: Version, reader: Version) -> bool:
        return reader.mariadb if writer.mariadb else reader.mysql_from(8, 0, 20)

    remedy = (
        "Switch the compression off, in the configuration file as well, and let the clients reconnect before the copy "
        "is made: sessions that are open now go on compressing."
    )
    return _told(pair, _unread(pair, names, reads), names, "OFF", remedy)


@check(
    "order-commits",
    "commits are made in the log's order",
    Side.BOTH,
    Severity.WARNING,
    why="Otherwise a copy taken at a place of the log may hold a transaction that the log has only behind it.",
    asks="SHOW GLOBAL VARIABLES LIKE 'binlog_order_commits'",
    page="MySQL manual, binlog_order_commits",
)
def order_commits(pair: Pair) -> Result:
    """Fails where a server commits in another order than it logs."""
    name = "binlog_order_commits"
    values = [(side, server, setting(pair, server, name)) for side, server in looked_at(pair)]
    evidence = table(("side", name), [(side.value, value or "not known here") for side, _, value in values])
    wrong = [(side, server) for side, server, value in values if value is not None and not is_on(pair, server, name)]
    if not wrong:
        return passed("the same order", evidence)
    reach = "commits from now on, which may be a little slower"
    return failed(
        f"not on the {' and the '.join(side.value for side, _ in wrong)}",
        evidence,
        "Set binlog_order_commits = ON, in the configuration file as well, until the migration is complete.",
        *(set_global(side, server, name, "ON", reach) for side, server in wrong),
    )


@check(
    "durability",
    "source keeps what it acknowledged",
    Side.SOURCE,
    Severity.WARNING,
    why="After a crash of its machine the source may lack what the target already has; then the two differ for good.",
    asks="SHOW GLOBAL VARIABLES: sync_binlog, innodb_flush_log_at_trx_commit",
    page="MySQL manual, Replication and Binary Logging Options and Variables, sync_binlog",
)
def durability(pair: Pair) -> Result:
    """Fails where the source acknowledges a commit before it is on the disk."""
    # MariaDB's 3 waits for the disk at every commit, too, and once more.
    safe = {"sync_binlog": ("1",), "innodb_flush_log_at_trx_commit": ("1", "3")}
    values = {name: setting(pair, pair.source, name) or "-" for name in safe}
    evidence = table(("setting on the source", "value"), values.items())
    loose = [name for name, value in values.items() if value not in safe[name]]
    if not loose:
        return passed("each commit reaches the disk", evidence)
    return failed(
        ", ".join(f"{_SHORT[name]} = {values[name]}" for name in loose),
        evidence,
        "Set both to 1 until the migration is complete, if the disk can bear it. As they are now, a crash of the "
        "source's machine (not of its process alone) before the cutover means that the target has to be copied anew.",
        *(set_global(Side.SOURCE, pair.source, name, "1", _EVERY_COMMIT) for name in loose),
    )


_SHORT = {"sync_binlog": "sync_binlog", "innodb_flush_log_at_trx_commit": "flush_log"}


@check(
    "checksum",
    "log events have a checksum",
    Side.BOTH,
    Severity.NOTICE,
    why="Without one, an event that was damaged on its way or on a disk is applied as it is.",
    asks="SHOW GLOBAL VARIABLES LIKE 'binlog_checksum' on both",
    page="MySQL manual, binlog_checksum",
)
def checksum(pair: Pair) -> Result:
    """Fails where a server writes its log without checksums."""
    name = "binlog_checksum"
    values = [(side, server, setting(pair, server, name) or "NONE") for side, server in looked_at(pair)]
    evidence = table(("side", name), [(side.value, value) for side, _, value in values])
    bare = [(side, server) for side, server, value in values if value.upper() == "NONE"]
    if not bare:
        return passed("on", evidence)
    reach = "events from now on; the server begins a new log file"
    return failed(
        f"none on the {' and the '.join(side.value for side, _ in bare)}",
        evidence,
        "Set binlog_checksum = CRC32: every server that can take part reads it.",
        *(set_global(side, server, name, "CRC32", reach) for side, server in bare),
    )
