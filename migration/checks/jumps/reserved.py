"""Words that are reserved in some versions and not in others.

A reserved word is a name only in backticks. Words that every known version reserves are not listed, nor those that
were reserved in versions before the first release of a series only. What the lists say of MySQL 5.6, 5.7 and 9.7 and
of MariaDB 10.5, 10.11 and 11.8 was tried on such servers; information_schema.KEYWORDS is not reliable for it (MySQL
bugs 114874 and 118844).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migration.checks.jumps.spans import Span, mariadb, mysql
from providers.mysql.version import Version

_MYSQL_PAGE = "MySQL Reference Manual, Keywords and Reserved Words"
_MARIADB_PAGE = "MariaDB documentation, Reserved Words"


@dataclass(frozen=True)
class Reserved:
    """Words that are reserved in the versions of `span`, as `page` says."""

    span: Span
    page: str
    words: frozenset[str]


def _mysql(span: Span, words: str) -> Reserved:
    return Reserved(span, _MYSQL_PAGE, frozenset(words.split()))


def _mariadb(span: Span, words: str) -> Reserved:
    return Reserved(span, _MARIADB_PAGE, frozenset(words.split()))


RESERVED: tuple[Reserved, ...] = (
    _mysql(mysql(), "DATABASE GET IO_AFTER_GTIDS IO_BEFORE_GTIDS OPTION SCHEMA"),
    _mysql(mysql(until=(8, 4, 0)), "MASTER_BIND MASTER_SSL_VERIFY_SERVER_CERT"),
    _mysql(mysql((5, 7, 6)), "GENERATED OPTIMIZER_COSTS STORED VIRTUAL"),
    _mysql(
        mysql((8, 0, 11)),
        "CUBE CUME_DIST DENSE_RANK EMPTY EXCEPT FIRST_VALUE FUNCTION GROUPING GROUPS JSON_TABLE LAG LAST_VALUE LEAD "
        "NTH_VALUE NTILE OF OVER PERCENT_RANK RANK RECURSIVE ROW ROWS ROW_NUMBER SYSTEM WINDOW",
    ),
    _mysql(mysql((8, 0, 11), (8, 0, 12)), "ADMIN"),
    _mysql(mysql((8, 0, 11), (8, 0, 16)), "PERSIST PERSIST_ONLY"),
    _mysql(mysql((8, 0, 14)), "LATERAL"),
    _mysql(mysql((8, 0, 17), (8, 0, 19)), "ARRAY MEMBER"),
    _mysql(mysql((8, 0, 31)), "INTERSECT"),
    _mysql(mysql((8, 4, 0)), "QUALIFY TABLESAMPLE"),
    # The manuals of 8.4 to 9.6 have these as well; 9.7 takes them as names.
    _mysql(mysql((8, 4, 0), (9, 7, 0)), "MANUAL PARALLEL"),
    _mysql(mysql((9, 2, 0)), "LIBRARY"),
    _mysql(mysql((9, 4, 0)), "EXTERNAL"),
    # Of what MariaDB's page lists, GENERAL, IGNORE_SERVER_IDS, MASTER_HEARTBEAT_PERIOD, OPTION, SLOW and WINDOW are
    # taken as names of columns and tables.
    _mariadb(
        mariadb(),
        "CURRENT_ROLE DELETE_DOMAIN_ID DO_DOMAIN_IDS EXCEPT IGNORE_DOMAIN_IDS INTERSECT OVER PAGE_CHECKSUM "
        "PARSE_VCOL_EXPR RECURSIVE REF_SYSTEM_ID RETURNING ROWS STATS_AUTO_RECALC STATS_PERSISTENT STATS_SAMPLE_PAGES",
    ),
    _mariadb(mariadb(until=(10, 6, 0)), "DATABASE SCHEMA"),
    _mariadb(mariadb((10, 6, 0)), "OFFSET"),
    _mariadb(mariadb((10, 7, 1)), "ROW_NUMBER"),
    _mariadb(mariadb(until=(11, 8, 0)), "MASTER_SSL_VERIFY_SERVER_CERT"),
    _mariadb(mariadb((11, 7, 1)), "VECTOR"),
    _mariadb(mariadb((11, 8, 0)), "SQL_AFTER_GTIDS SQL_BEFORE_GTIDS"),
    _mariadb(mariadb((12, 3, 1)), "CONVERSION TO_DATE"),
)


def reserved(version: Version) -> Mapping[str, Reserved]:
    """The listed words that a version reserves, in capitals, each with its rule."""
    return {word: rule for rule in RESERVED if rule.span.covers(version) for word in rule.words}


def newly_reserved(source: Version, target: Version) -> Mapping[str, Reserved]:
    """The words that the target reserves and the source does not."""
    before = reserved(source)
    return {word: rule for word, rule in reserved(target).items() if word not in before}
