"""Who the two servers are, and whether one can follow the other."""

from __future__ import annotations

import time
from datetime import UTC

from migration.check import Fix, Pair, Result, Severity, check
from migration.checks import facts
from migration.checks.jumps.pairs import caution, refusal
from migration.checks.results import Evidence, count, failed, not_applicable, passed, set_global, table
from migration.checks.sides import sides
from migration.checks.sight import require
from migration.model import Side
from providers.mysql.server import Server

_APART_S = 0.5
_READINGS = 5
_FOUND_CHARS = 40
# A name that is in every set of time zone tables.
_ANY_ZONE = "Europe/London"


def _who(pair: Pair) -> Evidence:
    return table(
        ("side", "server", "address", "version", "identity"),
        [
            (side.value, server.name, server.endpoint.address, server.version, server.identity.uid)
            for side, server in ((Side.SOURCE, pair.source), (Side.TARGET, pair.target))
        ],
    )


@check(
    "same-server",
    "source and target are two servers",
    Side.BOTH,
    Severity.BLOCKER,
    why="A server cannot be copied onto itself: the copy would destroy what it reads.",
    asks="SELECT @@server_uuid (MariaDB: @@server_uid) on both",
)
def same_server(pair: Pair) -> Result:
    """Fails where source and target are one server under two names."""
    if pair.source.identity.uid != pair.target.identity.uid:
        return passed("two servers", _who(pair))
    return failed(
        "one and the same",
        _who(pair),
        f"{pair.source.endpoint.address} and {pair.target.endpoint.address} lead to one server: give the target's own "
        "address. Where a copied data directory gave two servers one identity, delete auto.cnf (MySQL) or the server "
        "uid (MariaDB) on the target and restart it.",
    )


@check(
    "version-pair",
    "target can follow the source",
    Side.BOTH,
    Severity.BLOCKER,
    why="A replica has to understand every event that its source writes; not every version understands every other.",
    asks="SELECT @@version, @@version_comment on both",
)
def version_pair(pair: Pair) -> Result:
    """Fails where the target cannot follow the source, whatever is set."""
    reason = refusal(pair.source.version, pair.target.version)
    found = f"{pair.source.version} → {pair.target.version}"
    if not reason:
        return passed(found, _who(pair))
    return failed(
        found,
        _who(pair),
        f"{reason} Choose a target of the source's family, of its series or a newer one; from MariaDB to a new MySQL "
        "go through a MySQL 5.7 in between.",
    )


@check(
    "version-gap",
    "versions are neighbours",
    Side.BOTH,
    Severity.WARNING,
    why="The further two versions are apart, the more of what the application does may work differently.",
    asks="SELECT @@version, @@version_comment on both",
)
def version_gap(pair: Pair) -> Result:
    """Fails where the pair works, but not without care."""
    words = caution(pair.source.version, pair.target.version)
    found = f"{pair.source.version} → {pair.target.version}"
    if not words:
        return passed(found)
    return failed(
        found,
        _who(pair),
        f"{words} Rehearse with this pair of versions, and let the application's tests run against the target.",
    )


@check(
    "server-ids",
    "server_id differs and is not 0",
    Side.BOTH,
    Severity.BLOCKER,
    why="A replica leaves out every change that bears its own server_id, so equal numbers mean that nothing arrives.",
    asks="SELECT @@GLOBAL.server_id on both",
)
def server_ids(pair: Pair) -> Result:
    """Fails where a server has no replication number, or both have one and the same."""
    source, target = _server_id(pair.source), _server_id(pair.target)
    evidence = table(("side", "server_id"), [("source", source), ("target", target)])
    found = f"{source} / {target}"
    if source != target and source and target:
        return passed(found, evidence)
    side, server = (Side.SOURCE, pair.source) if source == 0 else (Side.TARGET, pair.target)
    return failed(
        found,
        evidence,
        "Give each server a server_id of its own, other than 0 and other than any replica's, and write it into the "
        "configuration file as well, or a restart takes it back.",
        _other_id(side, server, taken={source, target}),
    )


def _server_id(server: Server) -> int:
    return int(server.value("SELECT @@GLOBAL.server_id"))


def _other_id(side: Side, server: Server, taken: set[int]) -> Fix:
    free = next(number for number in range(max(taken) % 4_000_000_000 + 1, 2**32) if number not in {*taken, 0, 1})
    return set_global(side, server, "server_id", str(free), "replication connections made from now on; no client")


@check(
    "server-id-default",
    "server_id is not the default 1",
    Side.BOTH,
    Severity.WARNING,
    why="A number that nobody chose is likely to be used twice.",
    asks="SELECT @@GLOBAL.server_id on both",
)
def server_id_default(pair: Pair) -> Result:
    """Fails where a server has the number that every server has that nobody set one for."""
    numbers = {"source": _server_id(pair.source), "target": _server_id(pair.target)}
    default = [side for side, number in numbers.items() if number == 1]
    evidence = table(("side", "server_id"), numbers.items())
    if not default:
        return passed("set on both", evidence)
    return failed(
        f"1 on the {' and the '.join(default)}",
        evidence,
        "server_id 1 is what a server has by default, so another replica may have it too and the two would throw each "
        "other off. Make sure that no other server of this replication group has it, or set another one.",
    )


@check(
    "databases",
    "databases to move are there",
    Side.SOURCE,
    Severity.BLOCKER,
    why="What is not there cannot be moved; a misspelt name would be left behind unnoticed.",
    asks="SHOW DATABASES",
)
def databases(pair: Pair) -> Result:
    """Fails where a database that is to be moved is not there, or there is nothing to move."""
    require(pair.source, "SELECT", pair.spec.databases)
    there = pair.source.databases()
    absent = [name for name in pair.spec.databases if name not in there]
    if absent:
        return failed(
            count(len(absent), "is not there", "are not there"),
            table(("database", "on the source"), [(n, "no" if n in absent else "yes") for n in pair.spec.databases]),
            "Write the names as SHOW DATABASES on the source writes them, or leave them out to move every database.",
        )
    moved = pair.spec.databases or there
    if not moved:
        return failed("none", (), "The source has no database of its own: make sure that it is the right server.")
    return passed(count(len(moved), "database", "databases"), table(("database",), [(name,) for name in moved]))


@check(
    "source-takes-writes",
    "source takes writes",
    Side.SOURCE,
    Severity.WARNING,
    why="A source that refuses writes is a replica of something, or somebody has fenced it for a reason.",
    asks="SELECT @@GLOBAL.read_only, @@GLOBAL.super_read_only",
    page="MySQL manual, read_only",
)
def source_takes_writes(pair: Pair) -> Result:
    """Fails where the source is read-only before anything was done to it."""
    state = pair.source.read_only()
    if not state.clients:
        return passed("it does")
    return failed(
        "it is read-only",
        table(("setting", "value"), [("read_only", "ON"), ("super_read_only", "ON" if state.everyone else "OFF")]),
        "Make sure that this is the server on which the applications write, and find out who closed it. The cutover "
        "begins only while the source takes writes: SET GLOBAL read_only = OFF, once it may.",
    )


@check(
    "source-after-restart",
    "a restart does not close the source",
    Side.SOURCE,
    Severity.WARNING,
    why="A source that a restart brings back read-only takes no more writes, and nobody knows why.",
    asks="SELECT ... FROM performance_schema.persisted_variables",
    page="MySQL manual, Persisted System Variables",
)
def source_after_restart(pair: Pair) -> Result:
    """Fails where a MySQL 8.0 or later takes writes now and has persisted that it must not."""
    source = pair.source
    if not source.version.mysql_from(8, 0, 11):
        return not_applicable("it persists no settings")
    persisted = _persisted_read_only(source)
    if source.read_only().clients or not any(persisted.values()):
        return passed("it comes back as it is")
    names = [name for name, on in persisted.items() if on]
    return failed(
        "it comes back read-only",
        table(("persisted setting", "value"), [(name, "ON") for name in names]),
        "Forget what is persisted (RESET PERSIST read_only, and super_read_only), unless the source is meant to come "
        "back closed.",
        *(
            Fix(
                Side.SOURCE,
                f"RESET PERSIST IF EXISTS {name}",
                f"SET PERSIST_ONLY {name} = ON",
                name,
                "ON after a restart",
                "as configured after a restart",
                "the server's next start",
            )
            for name in names
        ),
    )


def _persisted_read_only(server: Server) -> dict[str, bool]:
    """What a MySQL 8.0 or later has persisted of its two switches."""
    rows = server.rows(
        "SELECT variable_name, variable_value FROM performance_schema.persisted_variables "
        "WHERE variable_name IN ('read_only', 'super_read_only')"
    )
    return {str(name): str(value).upper() in ("ON", "1") for name, value in rows}


@check(
    "read-only-kept",
    "read_only outlives a restart",
    Side.BOTH,
    Severity.NOTICE,
    why="The side that must not write takes writes again after a restart, where read_only was set at run time only.",
    asks="performance_schema.variables_info and persisted_variables (MySQL 8.0 and later)",
    page="MySQL manual, The variables_info Table",
)
def read_only_kept(pair: Pair) -> Result:
    """Fails where it cannot be known, or is known not to be so, that a closed server comes back closed."""
    rows = [(side.value, server.name, words) for side, server in sides(pair) if (words := _forgets(server))]
    if not rows:
        return passed("it is, or can be made so")
    return failed(
        f"not on the {' and the '.join(row[0] for row in rows)}",
        table(("side", "server", "why"), rows),
        "Put read_only = ON into the configuration file of the side that must not write: of the target until the "
        "cutover, of the source afterwards. The runner closes such a server again as soon as it sees it open.",
    )


def _forgets(server: Server) -> str:
    """Why a restart may open this server; empty where it does not, or it is open anyway and can persist otherwise."""
    if not server.version.mysql_from(8, 0, 11):
        return "cannot persist read_only; what its configuration file says is not known here"
    if not server.read_only().clients:
        return ""
    # Before a restart a setting that was just persisted counts as set at run time.
    dynamic = server.value(
        "SELECT COUNT(*) FROM performance_schema.variables_info "
        "WHERE variable_name = 'read_only' AND variable_source = 'DYNAMIC'"
    )
    if not int(dynamic) or any(_persisted_read_only(server).values()):
        return ""
    return "read_only was set at run time and is not persisted"


@check(
    "clock",
    "the servers' clocks agree",
    Side.BOTH,
    Severity.WARNING,
    why="NOW() jumps by the difference at the cutover, and every time in the logs of the two has to be converted.",
    asks="SELECT UTC_TIMESTAMP(6) on both, several times, against this machine's clock",
    page="MySQL manual, UTC_TIMESTAMP()",
)
def clock(pair: Pair) -> Result:
    """Fails where the clocks are further apart than half a second, beyond what the way there and back can explain."""
    (source, source_sure), (target, target_sure) = (_ahead(server) for _, server in sides(pair))
    apart, unsure = target - source, source_sure + target_sure
    evidence = table(
        ("side", "ahead of this machine", "give or take"),
        [
            ("source", f"{source:+.3f} s", f"{source_sure:.3f} s"),
            ("target", f"{target:+.3f} s", f"{target_sure:.3f} s"),
        ],
    )
    if abs(apart) - unsure <= _APART_S:
        return passed(f"within {abs(apart) + unsure:.2f} s", evidence)
    return failed(
        f"target {abs(apart):.1f} s {'ahead' if apart > 0 else 'behind'}",
        evidence,
        "Let both machines take their time from the same source (chrony, ntpd), and wait until they agree.",
    )


def _ahead(server: Server) -> tuple[float, float]:
    """How far a server's clock is ahead of this machine's, and how far that may be off, in seconds.

    The answer was made at some moment between question and answer; the shortest of a few round trips says most.
    """
    readings = []
    for _ in range(_READINGS):
        asked, wall = time.monotonic(), time.time()
        told = server.value("SELECT UTC_TIMESTAMP(6)")
        took = time.monotonic() - asked
        readings.append((took / 2, told.replace(tzinfo=UTC).timestamp() - wall - took / 2))
    half, ahead = min(readings)
    return ahead, half


@check(
    "time-zone",
    "time zones are the same",
    Side.BOTH,
    Severity.WARNING,
    why="NOW() and every TIMESTAMP are shown in the session's time zone, which is the server's unless the client says.",
    asks="@@GLOBAL.time_zone, @@system_time_zone, and CONVERT_TZ of a winter's and a summer's day",
    page="MySQL manual, MySQL Server Time Zone Support",
)
def time_zone(pair: Pair) -> Result:
    """Fails where the servers' zones differ in winter, in summer or now; other names for the same are well."""
    found = [(side, *_zone(server)) for side, server in sides(pair)]
    evidence = table(
        ("side", "time_zone", "system_time_zone", "from UTC in January", "in July", "now"),
        [(side.value, *names, *offsets) for side, names, offsets in found],
    )
    (_, source, source_offsets), (_, target, target_offsets) = found
    shown = " / ".join(name if name.upper() != "SYSTEM" else system for name, system in (source, target))
    if source_offsets == target_offsets:
        return passed(shown[:_FOUND_CHARS], evidence)
    return failed(
        shown[:_FOUND_CHARS],
        evidence,
        "Set time_zone on the target to the source's, in the configuration file as well. Where it is SYSTEM, that is "
        "the machine's zone: write the zone's name (or an offset such as +01:00) instead.",
    )


def _zone(server: Server) -> tuple[tuple[str, str], tuple[str, ...]]:
    """The names a server has for its zone, and how far that is from UTC in January, in July and now."""
    convert = "TIMESTAMPDIFF(MINUTE, {0}, CONVERT_TZ({0}, '+00:00', @@GLOBAL.time_zone))"
    # A day of the current year for each: laws change, and what they were long ago does not matter here.
    days = [f"CAST(CONCAT(YEAR(UTC_TIMESTAMP()), '-{month}-15 12:00:00') AS DATETIME)" for month in ("01", "07")]
    asked = ", ".join(convert.format(day) for day in (*days, "UTC_TIMESTAMP()"))
    name, system, *offsets = server.rows(f"SELECT @@GLOBAL.time_zone, @@system_time_zone, {asked}")[0]
    return (str(name), str(system)), tuple("-" if minutes is None else _offset(int(minutes)) for minutes in offsets)


def _offset(minutes: int) -> str:
    """`+05:30`, as the servers write it."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@check(
    "time-zone-names",
    "target knows the time zones' names",
    Side.TARGET,
    Severity.WARNING,
    why="Replication stops at a change of a session whose zone the target does not know, and CONVERT_TZ gives NULL.",
    asks="SELECT CONVERT_TZ(..., name) on both; time_zone of information_schema.events",
    page="MySQL manual, Replication and Time Zones; Populating the Time Zone Tables",
)
def time_zone_names(pair: Pair) -> Result:
    """Fails where zones have names on the source, or are used by them, and have none on the target."""
    target = pair.target
    used = {str(pair.source.value("SELECT @@GLOBAL.time_zone")): "the source's own"}
    rows = facts.ask_moved(
        pair, "SELECT DISTINCT time_zone FROM information_schema.events", "event_schema", "EVENT", "ORDER BY 1"
    )
    used.update({str(name): "an event's" for (name,) in rows})
    used[_ANY_ZONE] = "any name"
    known = [name for name in used if name.upper() != "SYSTEM" and _knows_zone(pair.source, name)]
    missing = [(name, used[name]) for name in known if not _knows_zone(target, name)]
    if not missing:
        return passed("all that the source knows" if _ANY_ZONE in known else "the source knows none, either")
    return failed(
        "names are missing" if len(missing) > 1 or missing[0][0] != _ANY_ZONE else "the target knows none",
        table(("time zone", "used as"), missing),
        "Fill the target's time zone tables from its machine's zones (mysql_tzinfo_to_sql, mariadb-tzinfo-to-sql), in "
        "a session with sql_log_bin = 0 if it follows already.",
    )


def _knows_zone(server: Server, name: str) -> bool:
    return server.value("SELECT CONVERT_TZ('2020-01-01 12:00:00', '+00:00', %s)", (name,)) is not None
