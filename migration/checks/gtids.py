"""How the two servers name their transactions, and whether each has what the other would ask for."""

from __future__ import annotations

from migration.check import Pair, Result, Route, Severity, check
from migration.checks.results import Evidence, failed, not_applicable, passed, set_global, table
from migration.checks.sides import is_on, setting, sides
from migration.checks.sight import channel_from_source
from migration.model import Positioning, Side
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.server import Server

# In the order in which a server is switched from one to the next.
_MODES = ("OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")


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
    evidence = table(("side", "setting", "value"), [row for side in sides(pair) for row in _gtid_settings(*side)])
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
    if not by_gtid and _refuse_each_other(*modes):
        return failed(
            found,
            evidence,
            "Servers whose gtid_mode is so far apart do not follow each other (errors 1593, 13117): give the target "
            "the source's gtid_mode, in its configuration file, and restart it.",
        )
    return passed(found, evidence)


def _refuse_each_other(one: str, other: str) -> bool:
    """Whether two MySQL servers with these modes cannot follow each other both ways."""
    low, high = sorted((_MODES.index(one), _MODES.index(other)))
    return (low == 0 and high >= 2) or (high == 3 and low <= 1)


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
    "gtid-strict",
    "MariaDB keeps GTIDs in order",
    Side.BOTH,
    Severity.WARNING,
    why="Without gtid_strict_mode a stray write on a replica goes unnoticed and moves its position past the source's.",
    asks="SHOW GLOBAL VARIABLES LIKE 'gtid_strict_mode' on both",
    routes={Route.LOGICAL: None},
    page="MariaDB documentation, gtid_strict_mode",
)
def gtid_strict(pair: Pair) -> Result:
    """Fails where a MariaDB that is positioned by GTID takes transactions out of order."""
    if pair.positioning is not Positioning.GTID or not (pair.source.version.mariadb and pair.target.version.mariadb):
        return not_applicable("no MariaDB by GTID")
    evidence = _values(pair, "gtid_strict_mode")
    loose = [(side, server) for side, server in sides(pair) if not is_on(pair, server, "gtid_strict_mode")]
    if not loose:
        return passed("ON, on both", evidence)
    reach = "writes whose number is out of order are refused from now on; ordinary clients do none"
    return failed(
        f"OFF on the {' and the '.join(side.value for side, _ in loose)}",
        evidence,
        "Set gtid_strict_mode = ON, in the configuration file as well: a write on the wrong server then stops "
        "replication at once, where it can still be told apart, instead of making the servers differ.",
        *(set_global(side, server, "gtid_strict_mode", "ON", reach) for side, server in loose),
    )


@check(
    "gtid-domain",
    "both MariaDB write in one domain",
    Side.BOTH,
    Severity.NOTICE,
    why="Replicas may apply transactions of two domains in any order, also the last of one server and the first "
    "of the other.",
    asks="SHOW GLOBAL VARIABLES LIKE 'gtid_domain_id' on both",
    routes={Route.LOGICAL: None},
    page="MariaDB documentation, Parallel Replication, out-of-order parallel replication",
)
def gtid_domain(pair: Pair) -> Result:
    """Fails where two MariaDB servers number their transactions in different domains."""
    if not (pair.source.version.mariadb and pair.target.version.mariadb):
        return not_applicable("not two MariaDB servers")
    source, target = (setting(pair, server, "gtid_domain_id") or "0" for _, server in sides(pair))
    evidence = _values(pair, "gtid_domain_id")
    if source == target:
        return passed(f"{source} on both", evidence)
    return failed(
        f"{source} / {target}",
        evidence,
        "With parallel replication, a replica of either server may run the first transactions after the cutover before "
        "the last ones before it. Set the target's gtid_domain_id to the source's, unless both are wanted as they are.",
        set_global(Side.TARGET, pair.target, "gtid_domain_id", source, "transactions written on the target itself"),
    )


def _values(pair: Pair, name: str) -> Evidence:
    return table(("side", name), [(side.value, setting(pair, server, name) or "-") for side, server in sides(pair)])


@check(
    "gtid-tags",
    "both can read every GTID",
    Side.BOTH,
    Severity.BLOCKER,
    why="Servers before MySQL 8.3 do not know tags in GTIDs: they stop replicating at the first one.",
    asks="SELECT @@GLOBAL.gtid_executed on a MySQL of 8.3 or later",
    page="MySQL manual, GTID Format and Storage",
)
def gtid_tags(pair: Pair) -> Result:
    """Fails where a server's transactions have tags and the other is too old for them."""
    (_, source), (_, target) = ends = sides(pair)
    rows = []
    for (side, writer), reader in zip(ends, (target, source), strict=True):
        if writer.version.mysql_from(8, 3) and not reader.version.mysql_from(8, 3):
            rows += [(side.value, *tagged) for tagged in _tagged(writer)]
    if not rows:
        return passed("none")
    return failed(
        f"{len(rows)} on the {rows[0][0]}",
        table(("side", "server_uuid", "tag"), rows),
        "Find out who sets gtid_next = 'AUTOMATIC:tag' and stop that. The binary log keeps such transactions until it "
        "is emptied: set up this server's data anew, or choose a server of MySQL 8.3 or later for the other side.",
    )


def _tagged(server: Server) -> list[tuple[str, str]]:
    executed = server.gtid_executed()
    if not isinstance(executed, GtidSet):
        return []
    parts = (name.partition(":") for name in sorted(executed.intervals))
    return [(uuid, tag) for uuid, _, tag in parts if tag]


@check(
    "needed-logs",
    "source has the logs still needed",
    Side.SOURCE,
    Severity.BLOCKER,
    why="A target whose next transactions have been deleted from the source's log cannot go on and has to be copied "
    "anew.",
    asks="SHOW BINARY LOGS and @@GLOBAL.gtid_purged of the source; SHOW REPLICA STATUS of the target",
    routes={Route.LOGICAL: None},
    page="MySQL manual, PURGE BINARY LOGS",
)
def needed_logs(pair: Pair) -> Result:
    """Fails where the source has deleted what an attached target has not read yet."""
    status = channel_from_source(pair)
    if status is None:
        return not_applicable("the target does not follow yet")
    if status.io == "Yes":
        return passed("it is reading")
    files = [str(row[0]) for row in pair.source.rows("SHOW BINARY LOGS")]
    if status.using_gtid:
        lost = _purged_mariadb(pair, files) if pair.source.version.mariadb else _purged_mysql(pair)
    else:
        lost = status.read.file if status.read.file and status.read.file not in files else ""
    evidence = table(("what", "value"), [("first log there is", files[0] if files else "-"), ("deleted", lost or "-")])
    if not lost:
        return passed("it is there", evidence)
    return failed(
        "deleted before it was read",
        evidence,
        "Copy the target anew. Before that, let the source keep its log for longer (see how long the binary log is "
        "kept), so that this does not happen again.",
    )


def _purged_mysql(pair: Pair) -> str:
    purged = GtidSet.parse(str(pair.source.value("SELECT @@GLOBAL.gtid_purged") or ""))
    executed = pair.target.gtid_executed()
    return str(purged.minus(executed)) if isinstance(executed, GtidSet) else ""


def _purged_mariadb(pair: Pair, files: list[str]) -> str:
    """Where the source's first log begins, if the target has not come that far."""
    begins = str(pair.source.value("SELECT BINLOG_GTID_POS(%s, 4)", (files[0],)) or "") if files else ""
    executed = pair.target.gtid_executed()
    return begins if isinstance(executed, MariaGtid) and not MariaGtid.parse(begins).within(executed) else ""
