"""System variables that a later server, or one of the other family, has not or sets differently by itself.

Only those are listed that an application or an operator notices. Values are written as SHOW GLOBAL VARIABLES does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migration.checks.jumps.spans import Span, mariadb, mysql
from providers.mysql.version import Version

_DAY_S = 86_400
_MYSQL_PAGE = "MySQL Reference Manual, Server System Variables"
_MARIADB_PAGE = "MariaDB documentation, Server System Variables"
_CHANGES_PAGE = "MySQL 8.0 Reference Manual, Changes in MySQL 8.0"
_REMOVED_PAGE = "MySQL 8.0 Reference Manual, What Is New in MySQL 8.0: Features Removed"


@dataclass(frozen=True)
class Usual:
    """What a variable is in the versions of `span` where nobody has set it."""

    span: Span
    value: str


def usual_on(usual: tuple[Usual, ...], version: Version) -> str | None:
    """The value a version sets by itself; None where it does not know the variable, nor behave by it."""
    return next((each.value for each in usual if each.span.covers(version)), None)


@dataclass(frozen=True)
class Changed:
    """A variable whose default differs between versions. `notice`: what an application sees of it, as a clause."""

    name: str
    usual: tuple[Usual, ...]
    notice: str
    page: str


_LOGIN_METHOD = (
    Usual(mysql(until=(8, 0, 11)), "mysql_native_password"),
    Usual(mysql((8, 0, 11)), "caching_sha2_password"),
    Usual(mariadb(), "mysql_native_password"),
)

CHANGED: tuple[Changed, ...] = (
    Changed(
        "explicit_defaults_for_timestamp",
        (
            Usual(mysql(until=(8, 0, 11)), "OFF"),
            Usual(mysql((8, 0, 11)), "ON"),
            Usual(mariadb(until=(10, 10, 1)), "OFF"),
            Usual(mariadb((10, 10, 1)), "ON"),
        ),
        "where it is OFF, the first TIMESTAMP of a new table is NOT NULL, set at every change, and NULL means now",
        _CHANGES_PAGE,
    ),
    Changed(
        "character_set_server",
        (
            Usual(mysql(until=(8, 0, 11)), "latin1"),
            Usual(mysql((8, 0, 11)), "utf8mb4"),
            Usual(mariadb(until=(11, 6, 0)), "latin1"),
            Usual(mariadb((11, 6, 0)), "utf8mb4"),
        ),
        "a database made without naming a character set gets this one, and its text takes other room in an index",
        _CHANGES_PAGE,
    ),
    Changed(
        "default_authentication_plugin",
        _LOGIN_METHOD,
        "a new account gets this login method, which old drivers do not know",
        _CHANGES_PAGE,
    ),
    Changed(
        "innodb_autoinc_lock_mode",
        (Usual(mysql(until=(8, 0, 11)), "1"), Usual(mysql((8, 0, 11)), "2"), Usual(mariadb(), "1")),
        "with 2 the numbers that one INSERT of many rows gets can have gaps when others write at the same time",
        _CHANGES_PAGE,
    ),
    Changed(
        "event_scheduler",
        (Usual(mysql(until=(8, 0, 11)), "OFF"), Usual(mysql((8, 0, 11)), "ON"), Usual(mariadb(), "OFF")),
        "where it is ON, scheduled events run, those too that have waited on the source without ever running",
        _CHANGES_PAGE,
    ),
    Changed(
        "local_infile",
        (Usual(mysql(until=(8, 0, 11)), "ON"), Usual(mysql((8, 0, 11)), "OFF"), Usual(mariadb(), "ON")),
        "where it is OFF, LOAD DATA LOCAL is refused",
        "MySQL Reference Manual, Security Considerations for LOAD DATA LOCAL",
    ),
    Changed(
        "innodb_strict_mode",
        (Usual(mysql(until=(5, 7, 7)), "OFF"), Usual(mysql((5, 7, 7)), "ON"), Usual(mariadb(), "ON")),
        "where it is ON, CREATE TABLE with options that do not go together is an error and no longer a warning",
        "MySQL 5.7 Reference Manual, What Is New in MySQL 5.7",
    ),
    Changed(
        "group_concat_max_len",
        (Usual(mysql(), "1024"), Usual(mariadb(), "1048576")),
        "GROUP_CONCAT cuts off what is longer, with nothing but a warning",
        _MYSQL_PAGE,
    ),
    Changed(
        "innodb_snapshot_isolation",
        (Usual(mysql(), "OFF"), Usual(mariadb(until=(11, 6, 2)), "OFF"), Usual(mariadb((11, 6, 2)), "ON")),
        "where it is ON, writing a row that another has changed meanwhile fails (error 1020) in REPEATABLE READ",
        "MariaDB documentation, InnoDB System Variables",
    ),
)


def _same(source: str, target: str) -> bool:
    return source == target


def _kept_as_long(days: str, seconds: str) -> bool:
    return int(seconds) == 0 or int(seconds) >= float(days) * _DAY_S


def _first_factor(plugin: str, policy: str) -> bool:
    return policy.partition(",")[0] == plugin


def _milliseconds(seconds: str, milliseconds: str) -> bool:
    return float(seconds) * 1000 == float(milliseconds)


def _seconds(milliseconds: str, seconds: str) -> bool:
    return _milliseconds(seconds, milliseconds)


@dataclass(frozen=True)
class Gone:
    """A variable that not every server has.

    `there`: the versions that have it; of a target that can be asked, that is asked. `usual`: where it is this, nobody
    misses it. `instead`: the variable that does its work on the target, if there is one, and `carried`: whether that
    one's value there (second) does what the source's (first) did.
    """

    name: str
    there: tuple[Span, ...]
    usual: tuple[Usual, ...]
    instead: str
    notice: str
    page: str
    carried: Callable[[str, str], bool] = _same

    @property
    def gone(self) -> str:
        """From where on it is missing, for evidence, such as `MySQL 8.0.11` or `MariaDB only`."""
        ended = next((span for span in self.there if span.until is not None), None)
        return f"{self.there[0].family} only" if ended is None else ended.end

    def known_to(self, version: Version) -> bool:
        """Whether a version has it."""
        return any(span.covers(version) for span in self.there)


_UNTIL_8 = (mysql(until=(8, 0, 11)), mariadb())


def _everywhere(value: str) -> tuple[Usual, ...]:
    return Usual(mysql(), value), Usual(mariadb(), value)


def _of_mariadb(name: str, value: str, notice: str) -> Gone:
    return Gone(name, (mariadb(),), (Usual(mariadb(), value),), "", notice, _MARIADB_PAGE)


GONE: tuple[Gone, ...] = (
    Gone(
        "tx_isolation", _UNTIL_8, _everywhere("REPEATABLE-READ"), "transaction_isolation",
        "transactions see and lock other rows than they did", _REMOVED_PAGE,
    ),
    Gone(
        "tx_read_only", _UNTIL_8, _everywhere("OFF"), "transaction_read_only",
        "transactions may write that might not", _REMOVED_PAGE,
    ),
    Gone(
        "innodb_locks_unsafe_for_binlog", _UNTIL_8, _everywhere("OFF"), "transaction_isolation",
        "gaps between rows are locked again; READ-COMMITTED does without", _REMOVED_PAGE,
        lambda source, target: source == "OFF" or target == "READ-COMMITTED",
    ),
    Gone(
        "query_cache_type", _UNTIL_8, _everywhere("OFF"), "",
        "what the query cache answered is worked out anew each time", _REMOVED_PAGE,
    ),
    Gone(
        "show_compatibility_56", (mysql((5, 7, 6), (8, 0, 11)),), (Usual(mysql((5, 7, 8)), "OFF"),), "",
        "information_schema has no GLOBAL_STATUS and GLOBAL_VARIABLES", _REMOVED_PAGE,
    ),
    Gone(
        "expire_logs_days", (mysql(until=(8, 2, 0)), mariadb()),
        (Usual(mysql(), "0"), Usual(mariadb(until=(10, 6, 1)), "0"), Usual(mariadb((10, 6, 1)), "0.000000")),
        "binlog_expire_logs_seconds",
        "the binary log is deleted earlier", "MySQL 8.4 Reference Manual, What Is New in MySQL 8.4", _kept_as_long,
    ),
    Gone(
        "default_authentication_plugin", (mysql(until=(8, 4, 0)),), _LOGIN_METHOD, "authentication_policy",
        "a new account gets another login method", "MySQL 8.4 Reference Manual, What Is New in MySQL 8.4",
        _first_factor,
    ),
    Gone(
        "max_execution_time", (mysql((5, 7, 8)),), (Usual(mysql(), "0"),), "max_statement_time",
        "a SELECT may run as long as it likes; there it is in seconds, and for all statements", _MYSQL_PAGE, _seconds,
    ),
    Gone(
        "max_statement_time", (mariadb(),), (Usual(mariadb(), "0.000000"),), "max_execution_time",
        "a statement may run as long as it likes; there it is in milliseconds, and for SELECT only", _MARIADB_PAGE,
        _milliseconds,
    ),
    _of_mariadb("idle_transaction_timeout", "0", "a transaction that does nothing is kept for ever"),
    _of_mariadb("idle_readonly_transaction_timeout", "0", "a transaction that does nothing is kept for ever"),
    _of_mariadb("idle_write_transaction_timeout", "0", "a transaction that does nothing keeps its locks for ever"),
    _of_mariadb("innodb_encrypt_tables", "OFF", "the tables' files are not encrypted"),
    Gone(
        "encrypt_binlog", (mariadb(),), (Usual(mariadb(), "OFF"),), "binlog_encryption",
        "the binary log is not encrypted", _MARIADB_PAGE,
    ),
)  # fmt: skip
