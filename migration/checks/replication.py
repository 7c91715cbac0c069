"""Who follows whom, and how: the channels that there are, and everything else that reads the binary logs."""

from __future__ import annotations

from typing import Any

from migration.check import Pair, Result, Route, Severity, check
from migration.checks.results import count, failed, not_applicable, passed, set_global, table
from migration.checks.sides import is_on, known_as, number, setting, sides
from migration.checks.sight import channel_from_source, channels
from migration.model import Side
from providers.mysql.replication import comes_from
from providers.mysql.server import Server

_FILTER_VARIABLES = (
    "replicate_do_db", "replicate_ignore_db", "replicate_do_table", "replicate_ignore_table",
    "replicate_wild_do_table", "replicate_wild_ignore_table",
)  # fmt: skip
_TABLES_LEFT_OUT = ("replicate_ignore_table", "replicate_wild_ignore_table")
_OWN_DATABASES = ("mysql", "information_schema", "performance_schema", "sys")
# MySQL before 8.0.26 has the names with the older words, as MariaDB has.
_WORKERS = ("replica_parallel_workers", "slave_parallel_workers")
_KEEP_ORDER = ("replica_preserve_commit_order", "slave_preserve_commit_order")
_SEMI_SYNC = ("rpl_semi_sync_source_enabled", "rpl_semi_sync_master_enabled")
_SEMI_SYNC_TIMEOUT = ("rpl_semi_sync_source_timeout", "rpl_semi_sync_master_timeout")
_SEMI_SYNC_ACKS = ("rpl_semi_sync_replica_enabled", "rpl_semi_sync_slave_enabled")


@check(
    "already-replica",
    "neither follows another server",
    Side.BOTH,
    Severity.BLOCKER,
    why="Changes that come from a third server go on arriving when the clients have long been stopped.",
    asks="SHOW REPLICA STATUS (SHOW SLAVE STATUS, SHOW ALL SLAVES STATUS) on both",
)
def already_replica(pair: Pair) -> Result:
    """Fails where the source has a source of its own, or the target one that is not this source."""
    rows = []
    for side, server, peer in (("source", pair.source, pair.target), ("target", pair.target, pair.source)):
        rows += [
            (side, f"{channel.source_host}:{channel.source_port}", channel.io, channel.applier)
            for channel in channels(server)
            if not comes_from(channel, server, peer)
        ]
    if not rows:
        return passed("no other source")
    sides = " and the ".join(sorted({row[0] for row in rows}))
    return failed(
        f"the {sides} follows another server",
        table(("side", "follows", "receiver", "applier"), rows),
        "A source that follows another server does not have the last word on its data, and a target can follow one "
        "source only. Move from the server at the head of the chain; on the target stop the other channel and forget "
        "it (STOP REPLICA; RESET REPLICA ALL) once it is sure that nobody needs it.",
    )


@check(
    "threads",
    "replication runs",
    Side.TARGET,
    Severity.BLOCKER,
    why="A channel that stands still, waits on purpose or leaves things out never becomes equal to its source.",
    asks="SHOW REPLICA STATUS (SHOW SLAVE STATUS)",
    again=True,
)
def threads(pair: Pair) -> Result:
    """Fails where the channel from the source does not run as it should."""
    every = channels(pair.target)
    if not every:
        return not_applicable("the target does not follow yet")
    status = channel_from_source(pair) or every[0]
    faults = []
    if not comes_from(status, pair.target, pair.source):
        faults.append(("source", f"{status.source_host}:{status.source_port}, not seen to be {pair.source.name}"))
    if status.trouble:
        faults.append(("threads", status.trouble))
    if status.delay_s:
        faults.append(("delay", f"{status.delay_s} s on purpose"))
    if status.until not in ("None", ""):
        faults.append(("until", status.until))
    faults += [("filter", text) for text in status.filters if not _spares_data(*text.partition("=")[::2])]
    if len(every) > 1:
        faults.append(("channels", str(len(every))))
    if not faults:
        return passed("both run")
    return failed(
        "it does not run" if status.trouble else f"not as it should: {faults[0][0]}",
        table(("what", "value"), faults),
        "Cure what the server names in its own words, take a delay, a filter or an end condition away, then start the "
        "replica again.",
    )


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
        row for side, server in sides(pair) for row in (*_log_filters(side, server), *_replica_filters(side, server))
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
    return [row for row in found if not _spares_data(*row[1:])]


def _spares_data(name: str, value: str) -> bool:
    """Whether a filter leaves out the servers' own tables only, as that of a provider's servers does."""
    patterns = value.split(",")
    return name.lower() in _TABLES_LEFT_OUT and all(one.partition(".")[0] in _OWN_DATABASES for one in patterns)


@check(
    "parallel-applier",
    "replicas commit in the log's order",
    Side.BOTH,
    Severity.WARNING,
    why="A replica that applies in parallel and commits out of order shows states that its source never had.",
    asks="SHOW GLOBAL VARIABLES: replica_parallel_workers, replica_preserve_commit_order (slave_...)",
    routes={Route.LOGICAL: None},
    page="MySQL manual, replica_preserve_commit_order; Replication and Transaction Inconsistencies",
)
def parallel_applier(pair: Pair) -> Result:
    """Fails where a MySQL applies in parallel without keeping the order of the commits. MariaDB always keeps it."""
    rows, wrong = [], []
    for side, server in sides(pair):
        if server.version.mariadb:
            continue
        workers, order = number(pair, server, *_WORKERS) or 0, setting(pair, server, *_KEEP_ORDER)
        rows.append((side.value, workers, order or "not known here"))
        if workers > 1 and not is_on(pair, server, *_KEEP_ORDER):
            wrong.append((side, server))
    evidence = table(("side", "workers", "keeps the order"), rows)
    if not wrong:
        return passed("in order", evidence)
    # The setting cannot be changed while an applier runs (error 3017).
    fixes = [
        set_global(side, server, known_as(pair, server, *_KEEP_ORDER), "ON", "the replication applier; no client")
        for side, server in wrong
        if setting(pair, server, *_KEEP_ORDER) is not None and not channels(server)
    ]
    return failed(
        f"not on the {' and the '.join(side.value for side, _ in wrong)}",
        evidence,
        "Set replica_preserve_commit_order = ON (slave_preserve_commit_order before 8.0.26, with "
        "slave_parallel_type = LOGICAL_CLOCK) with the applier stopped; MySQL 5.6 has no such setting: use "
        "slave_parallel_workers = 0 there.",
        *fixes,
    )


@check(
    "sub-replicas",
    "nobody else follows the source",
    Side.SOURCE,
    Severity.WARNING,
    why="A replica of the source goes on following the source, which gets no more writes of its own after the cutover.",
    asks="SHOW REPLICAS (SHOW SLAVE HOSTS) on the source",
    page="MySQL manual, SHOW REPLICAS",
)
def sub_replicas(pair: Pair) -> Result:
    """Fails where the source has replicas besides the target."""
    ours = set() if pair.other is None else {pair.other.identity.server_id}
    others = [row for row in _registered(pair.source) if row[0] not in ours]
    if not others:
        return passed("none, but the target" if ours else "none")
    return failed(
        count(len(others), "other replica", "other replicas"),
        table(("server_id", "host", "port"), others),
        "While there is a way back, the source goes on getting every change from the target, and hands it on to these "
        "as long as it logs what it replicates. Move them to the target (CHANGE REPLICATION SOURCE TO) before the "
        "migration is completed: after that they get nothing more.",
    )


def _registered(server: Server) -> list[tuple[int, str, str]]:
    """The replicas that are connected and have said who they are: server_id, host and port as they tell them.

    Raises:
        PrivilegeMissing: REPLICATION SLAVE is needed (MariaDB: REPLICATION MASTER ADMIN).
    """
    sql = "SHOW REPLICAS" if server.version.mysql_from(8, 0, 22) else "SHOW SLAVE HOSTS"
    return sorted((int(row[0]), str(row[1] or ""), str(row[2])) for row in server.rows(sql))


@check(
    "log-readers",
    "no tool reads the source's log",
    Side.SOURCE,
    Severity.WARNING,
    why="A tool that reads the source's log has to go on at the right place of the target's, or it misses changes.",
    asks="SHOW FULL PROCESSLIST: Binlog Dump; SHOW REPLICAS (SHOW SLAVE HOSTS)",
    page="MySQL manual, Replication Source Thread States",
)
def log_readers(pair: Pair) -> Result:
    """Fails where more sessions read the source's log than there are replicas that have said who they are."""
    # Refused without PROCESS, where the list itself would only be shorter.
    pair.source.rows("SELECT COUNT(*) FROM information_schema.innodb_cmp")
    dumps = [row for row in pair.source.named("SHOW FULL PROCESSLIST") if str(row["Command"]).startswith("Binlog Dump")]
    unnamed = len(dumps) - len(_registered(pair.source))
    if unnamed <= 0:
        return passed("replicas only" if dumps else "nobody does")
    ours = pair.spec.source.replication_user
    suspects = [row for row in dumps if row["User"] != ours]
    # Where every reader uses the replicas' account it cannot be told which of them the tool is.
    shown = suspects if len(suspects) >= unnamed else dumps
    return failed(
        count(unnamed, "reader that is no replica", "readers that are no replicas"),
        table(("session", "user", "from", "seconds"), [_reader(row) for row in shown]),
        "Find out what they are (change data capture, a synchronisation task, a backup of the log). By GTID they can "
        "go on at the target as they are; one that remembers file and position has to be stopped before the cutover "
        "and begun anew at the target's position.",
    )


def _reader(row: dict[str, Any]) -> tuple[object, ...]:
    return row["Id"], row["User"], str(row["Host"]).rpartition(":")[0], row["Time"]


@check(
    "semi-sync",
    "target waits for replicas alike",
    Side.BOTH,
    Severity.WARNING,
    why="With semi-synchronous replication a commit waits for a replica: missing, that promise is gone; without a "
    "replica, every write waits.",
    asks="SHOW GLOBAL VARIABLES LIKE 'rpl_semi_sync%' on both",
    routes={Route.LOGICAL: None},
    page="MySQL manual, Semisynchronous Replication; MariaDB documentation, Semisynchronous Replication",
)
def semi_sync(pair: Pair) -> Result:
    """Fails where the source waits for a replica and the target would not, or would and has none."""
    (_, source), (_, target) = sides(pair)
    promised, wanted = is_on(pair, source, *_SEMI_SYNC), is_on(pair, target, *_SEMI_SYNC)
    timeout_ms = number(pair, target, *_SEMI_SYNC_TIMEOUT) or 0
    evidence = table(
        ("side", "waits for a replica", "timeout in ms"),
        [(side.value, "yes" if on else "no", number(pair, server, *_SEMI_SYNC_TIMEOUT) or "-")
         for (side, server), on in zip(sides(pair), (promised, wanted), strict=True)],
    )  # fmt: skip
    if wanted and not is_on(pair, source, *_SEMI_SYNC_ACKS) and not _acknowledged(target):
        name = known_as(pair, target, *_SEMI_SYNC)
        return failed(
            f"the target waits {timeout_ms / 1000:g} s for nobody",
            evidence,
            "After the cutover the first write on the target would wait for a replica's answer, for as long as the "
            "timeout says. Attach such a replica to the target beforehand, or switch it off until there is one.",
            set_global(Side.TARGET, target, name, "OFF", "commits on the target"),
        )
    if promised and not wanted:
        return failed(
            "the source waits, the target does not",
            evidence,
            "A commit on the source is acknowledged once a replica has it; on the target it would not be. Set the "
            "same up on the target, with its replicas, or accept it until that is done.",
        )
    return passed("both wait" if wanted else "neither waits", evidence)


def _acknowledged(server: Server) -> bool:
    """Whether a replica answers to a server that waits for one."""
    rows = server.rows("SHOW GLOBAL STATUS LIKE 'Rpl_semi_sync_%_clients'")
    return any(int(value) for _, value in rows)
