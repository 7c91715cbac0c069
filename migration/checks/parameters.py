"""Settings that differ between the servers and that an application would notice."""

from __future__ import annotations

from migration.check import Pair, Result, Severity, check
from migration.checks.results import count, failed, passed, set_global, table
from migration.checks.sight import moved_databases, require
from migration.model import Side
from providers.mysql.server import Server

_NAMES_SETTING = "lower_case_table_names"


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
        set_global(
            Side.TARGET, pair.target, "max_allowed_packet", str(source), "sessions opened on the target from now on"
        ),
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
    names = moved_databases(pair)
    require(pair.source, "SELECT", names)
    rows = pair.source.rows(
        "SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema IN "
        f"({', '.join(['%s'] * len(names)) or 'NULL'}) ORDER BY 1, 2",
        names,
    )
    found = [(name, "") for name in names if name != name.lower()]
    return found + [(str(base), str(name)) for base, name in rows if name != name.lower()]
