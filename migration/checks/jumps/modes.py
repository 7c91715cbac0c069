"""Words of sql_mode that some servers know and others refuse.

The copy leaves the modes that MySQL 8.0 has dropped out when it creates an object there (`providers.mysql.schema`), and
a MySQL 8.0 replica leaves them out of what it applies; an application that sets one itself is refused.
"""

from __future__ import annotations

from dataclasses import dataclass

from migration.checks.jumps.spans import Span, mariadb, mysql
from providers.mysql.version import Version


@dataclass(frozen=True)
class Mode:
    """Modes that the versions of the spans know, and no others do."""

    names: frozenset[str]
    known: tuple[Span, ...]
    page: str


_REMOVED = "MySQL 8.0 Reference Manual, What Is New in MySQL 8.0: Features Removed"

MODES: tuple[Mode, ...] = (
    Mode(
        frozenset({
            "DB2", "MAXDB", "MSSQL", "MYSQL323", "MYSQL40", "NO_AUTO_CREATE_USER", "NO_FIELD_OPTIONS",
            "NO_KEY_OPTIONS", "NO_TABLE_OPTIONS", "ORACLE", "POSTGRESQL",
        }),
        (mysql(until=(8, 0, 11)), mariadb()),
        _REMOVED,
    ),
    Mode(frozenset({"TIME_TRUNCATE_FRACTIONAL"}), (mysql((8, 0, 11)),), "MySQL Reference Manual, Server SQL Modes"),
    Mode(
        frozenset({
            "EMPTY_STRING_IS_NULL", "IGNORE_BAD_TABLE_OPTIONS", "SIMULTANEOUS_ASSIGNMENT", "TIME_ROUND_FRACTIONAL",
        }),
        (mariadb(),),
        "MariaDB documentation, SQL_MODE",
    ),
)  # fmt: skip

# What no MySQL knows any more from 8.0 on.
DROPPED = MODES[0].names

# A default of MySQL 5.7 and of MariaDB, so nearly every object has it; it says nothing but that GRANT makes no account.
HARMLESS = frozenset({"NO_AUTO_CREATE_USER"})

# In MariaDB it changes the language of stored programs, in MySQL before 8.0 it was a collection of other modes.
PL_SQL = "ORACLE"


def unknown(source: Version, target: Version) -> frozenset[str]:
    """The modes that the source knows and the target refuses."""
    return frozenset(
        name
        for mode in MODES
        if any(span.covers(source) for span in mode.known) and not any(span.covers(target) for span in mode.known)
        for name in mode.names
    )


def foreign(source: Version, target: Version) -> frozenset[str]:
    """The modes with which an object cannot be created on the target, since they mean something else or nothing there.

    Those that MySQL 8.0 has dropped are not among them: they are left out.
    """
    if not source.mariadb and not target.mariadb:
        return frozenset()
    of_its_own = {PL_SQL} if source.mariadb and not target.mariadb else set()
    return (unknown(source, target) - DROPPED) | of_its_own
