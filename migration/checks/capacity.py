"""Whether the target is large enough, and the logs last long enough."""

from __future__ import annotations

from migration.check import Fix, Pair, Result, Severity, check
from migration.checks import facts
from migration.checks.binlog import keep_longer, kept_seconds
from migration.checks.results import count, failed, not_applicable, passed, set_global, table
from migration.checks.sides import number, setting, sides
from migration.checks.sight import channel_from_source
from migration.model import Side
from providers.mysql.server import Server

_MIB = 1 << 20
# A copy was measured at 40 MB/s on two cores; over a network, and with indexes to build, count on a quarter of it.
_COPIED_PER_S = 10 * _MIB
_BEGIN_S = 60
# The data again, and a fifth: a copy fills pages less well, and replication writes logs beside it.
_ROOM = 1.2
_HOUR_S = 3600
_ONE_SESSION_A_THREAD = "one-thread-per-connection"
_THREADS, _FEW_THREADS = "thread_cache_size", 8
_LARGEST_SHOWN = 5


@check(
    "sizing",
    "target is set as large",
    Side.TARGET,
    Severity.WARNING,
    why="A target with fewer connections or a smaller buffer pool is full, or slow, when the whole load comes to it.",
    asks="SHOW GLOBAL VARIABLES: max_connections, innodb_buffer_pool_size, thread_cache_size; Max_used_connections",
    page="MySQL manual, Configuring InnoDB Buffer Pool Size; How MySQL Uses Threads for Client Connections",
)
def sizing(pair: Pair) -> Result:
    """Fails where the target takes fewer clients than the source, keeps less in memory, or keeps no threads."""
    (_, source), (_, target) = sides(pair)
    rows: list[tuple[str, int, int]] = [
        (name, number(pair, source, name) or 0, number(pair, target, name) or 0)
        for name in ("max_connections", "innodb_buffer_pool_size", _THREADS)
    ]
    small = [
        name for name, ours, theirs in rows if theirs < (_threads_needed(pair, ours) if name == _THREADS else ours)
    ]
    most = source.rows("SHOW GLOBAL STATUS LIKE 'Max_used_connections'")
    evidence = (*table(("setting", "source", "target"), rows), ("most connections used", str(most[0][1]), ""))
    if not small:
        return passed("as large, or larger", evidence)
    return failed(
        count(len(small), "setting is smaller", "settings are smaller"),
        evidence,
        f"Raise {', '.join(small)} on the target, in the configuration file as well, or make sure that it is enough: "
        "right after the cutover all clients connect at once, and the target's buffer pool holds what was replicated, "
        "not what is read.",
        *_larger(target, {row[0]: row[1] for row in rows if row[0] in small}),
    )


def _threads_needed(pair: Pair, ours: int) -> int:
    """How many idle threads the target should keep: few are enough, none makes every login slower."""
    by_thread = setting(pair, pair.target, "thread_handling") == _ONE_SESSION_A_THREAD
    return min(ours, _FEW_THREADS) if by_thread else 0


def _larger(target: Server, wanted: dict[str, int]) -> list[Fix]:
    """What can be set without knowing the machine's memory."""
    return [
        set_global(Side.TARGET, target, name, str(value), "sessions opened on the target from now on")
        for name, value in wanted.items()
        if name != "innodb_buffer_pool_size"
    ]


@check(
    "data-size",
    "how much there is to copy",
    Side.SOURCE,
    Severity.NOTICE,
    why="The target's disk has to hold the data, its own binary log and the relay log; most servers cannot tell.",
    asks="data_length + index_length of information_schema.tables; SHOW BINARY LOGS; Innodb_os_log_written and Uptime",
    page="MySQL manual, The INFORMATION_SCHEMA TABLES Table",
)
def data_size(pair: Pair) -> Result:
    """Tells the sizes, where the target has no copy yet; there is nothing that a server could be asked beyond."""
    if pair.other is not None and channel_from_source(pair) is not None:
        return not_applicable("the target has its copy")
    tables = facts.tables(pair)
    size = sum(one.size for one in tables)
    logs = sum(int(row[1]) for row in pair.source.rows("SHOW BINARY LOGS"))
    rows: list[tuple[str, str]] = [
        ("tables", str(len(tables))),
        ("data and indexes, estimated", _mib(size)),
        ("copy, at 10 MiB/s", f"{_copy_seconds(size) / _HOUR_S:.1f} h"),
        ("binary logs there are", _mib(logs)),
        ("redo written an hour since the start", _mib(_redo_per_hour(pair.source))),
    ]
    largest = sorted(tables, key=lambda one: -one.size)[:_LARGEST_SHOWN]
    rows += [(f"{one.base}.{one.name}", _mib(one.size)) for one in largest]
    return failed(
        _mib(size),
        table(("what", "size"), rows),
        "Make sure that the target's disk has this much free, a fifth more, and room for the binary log of the days "
        "that it is kept. Where the target can be asked for its disk, the check of it has done so.",
    )


def _mib(size: float) -> str:
    return f"{size / _MIB:,.1f} MiB"


def _redo_per_hour(server: Server) -> float:
    """How many bytes of changes InnoDB has written an hour, since the server was started."""
    status = {
        str(name).lower(): int(value)
        for name, value in server.rows("SHOW GLOBAL STATUS WHERE Variable_name IN ('Innodb_os_log_written', 'Uptime')")
    }
    return status.get("innodb_os_log_written", 0) * _HOUR_S / max(1, status.get("uptime", 1))


def _copy_seconds(size: int) -> int:
    """How long the copy of so many bytes may take, in seconds; rather too long than too short."""
    return _BEGIN_S + size // _COPIED_PER_S


@check(
    "target-disk",
    "target's disk has room",
    Side.TARGET,
    Severity.BLOCKER,
    why="A target whose disk is full stops in the middle of the copy, or later while it replicates.",
    asks="information_schema.disks of a MariaDB with the DISKS plugin; sizes of information_schema.tables",
    page="MariaDB documentation, DISKS Plugin",
)
def target_disk(pair: Pair) -> Result:
    """Fails where the target can tell how much room there is, and it is too little."""
    if channel_from_source(pair) is not None:
        return not_applicable("the target has its copy")
    free = _free_bytes(pair, pair.target)
    if free is None:
        return not_applicable("the target cannot tell")
    needed = int(sum(one.size for one in facts.tables(pair)) * _ROOM)
    evidence = table(
        ("what", "size"), [("free on the target", _mib(free)), ("needed, with a fifth more", _mib(needed))]
    )
    if free >= needed:
        return passed(f"{_mib(free)} free", evidence)
    return failed(
        f"{_mib(needed - free)} too little",
        evidence,
        "Give the target a larger disk, or move fewer databases. The binary log that it keeps comes on top of that.",
    )


def _free_bytes(pair: Pair, server: Server) -> int | None:
    """What is free where the data directory is; None where the server has no such table."""
    there = server.value(
        "SELECT COUNT(*) FROM information_schema.plugins WHERE plugin_name = 'DISKS' AND plugin_status = 'ACTIVE'"
    )
    if not int(there):
        return None
    directory = setting(pair, server, "datadir") or "/"
    mounts = [
        (len(str(path)), int(free_kib))
        for path, free_kib in server.rows("SELECT path, available FROM information_schema.disks")
        if directory.startswith(str(path).rstrip("/") + "/")
    ]
    return max(mounts)[1] << 10 if mounts else None


@check(
    "retention-copy",
    "binary log outlasts the copy",
    Side.SOURCE,
    Severity.WARNING,
    why="The target goes on at the moment the copy began: if the source has deleted its log since, all was in vain.",
    asks="SHOW GLOBAL VARIABLES: binlog_expire_logs_seconds, expire_logs_days; sizes of information_schema.tables",
    page="MySQL manual, binlog_expire_logs_seconds",
)
def retention_copy(pair: Pair) -> Result:
    """Fails where the source deletes its log sooner than twice the time that the copy may take."""
    if pair.other is not None and channel_from_source(pair) is not None:
        return not_applicable("the target has its copy")
    kept_s = kept_seconds(pair, pair.source)
    if kept_s is None:
        return passed("it is kept without end")
    # Twice: the target has to catch up with what was written meanwhile, too.
    needed_s = 2 * _copy_seconds(sum(one.size for one in facts.tables(pair)))
    evidence = table(
        ("what", "hours"),
        [
            ("binary log is kept", f"{kept_s / _HOUR_S:.1f}"),
            ("copy and catching up, at most", f"{needed_s / _HOUR_S:.1f}"),
        ],
    )
    if kept_s >= needed_s:
        return passed(f"{kept_s / _HOUR_S:.1f} h, {needed_s / _HOUR_S:.1f} h needed", evidence)
    return failed(
        f"{kept_s / _HOUR_S:.1f} h, {needed_s / _HOUR_S:.1f} h needed",
        evidence,
        "Let the source keep its binary log for longer until the migration is complete, if its disk has room for that.",
        keep_longer(pair, Side.SOURCE, pair.source, needed_s),
    )
