"""Functions that some servers have and others do not.

Which of them are there was asked of MySQL 5.6, 5.7 and 9.7 and of MariaDB 10.5, 10.11 and 11.8. Functions for
administration are left out: nobody stores them in a view.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from migration.checks.jumps.spans import MARIADB_BASE, MYSQL_BASE, Number, Span, mariadb, mysql
from providers.mysql.version import Version

_REMOVED = "MySQL 8.0 Reference Manual, What Is New in MySQL 8.0: Features Removed"
_HASHING = "MySQL 9.6 Reference Manual, Legacy Hashing Component"
_DIFFERENCES = "MariaDB documentation, Function Differences Between MariaDB and MySQL"
_NO_SUCH = "nothing of this name there"

_AES = "AES_ENCRYPT() and AES_DECRYPT()"
_UNTIL_8 = (mysql(until=(8, 0, 11)), mariadb())


@dataclass(frozen=True)
class Function:
    """Functions that the versions of the spans have by themselves. `instead`: what to use where they are missing.

    In `instead`, `*` stands for the function's own name.
    """

    names: frozenset[str]
    native: tuple[Span, ...]
    instead: str
    page: str

    def instead_of(self, name: str) -> str:
        """What to use for one of them."""
        return self.instead.replace("*", name)


def _these(names: str, native: tuple[Span, ...], instead: str, page: str) -> Function:
    return Function(frozenset(names.split()), native, instead, page)


def _mysql(names: str, since: Number) -> Function:
    return _these(names, (mysql(since),), _NO_SUCH, _DIFFERENCES)


def _mariadb(names: str, since: Number) -> Function:
    return _these(names, (mariadb(since),), _NO_SUCH, _DIFFERENCES)


def _both(names: str, from_mysql: Number, from_mariadb: Number) -> Function:
    return _these(names, (mysql(from_mysql), mariadb(from_mariadb)), _NO_SUCH, _DIFFERENCES)


FUNCTIONS: tuple[Function, ...] = (
    _these("DECODE DES_DECRYPT DES_ENCRYPT ENCODE", _UNTIL_8, _AES, _REMOVED),
    _these("ENCRYPT", _UNTIL_8, "SHA2()", _REMOVED),
    _these("PASSWORD", _UNTIL_8, "nothing: ALTER USER sets passwords", _REMOVED),
    _these("OLD_PASSWORD", (mysql(until=(5, 7, 5)), mariadb()), "SHA2()", "MySQL 5.7.5 Release Notes"),
    _these(
        "AREA ASBINARY ASTEXT ASWKB ASWKT BUFFER CENTROID CROSSES DIMENSION ENDPOINT ENVELOPE EXTERIORRING "
        "GEOMCOLLFROMTEXT GEOMCOLLFROMWKB GEOMETRYCOLLECTIONFROMTEXT GEOMETRYCOLLECTIONFROMWKB GEOMETRYFROMTEXT "
        "GEOMETRYFROMWKB GEOMETRYN GEOMETRYTYPE GEOMFROMTEXT GEOMFROMWKB INTERIORRINGN ISCLOSED ISEMPTY ISSIMPLE "
        "LINEFROMTEXT LINEFROMWKB LINESTRINGFROMTEXT LINESTRINGFROMWKB MLINEFROMTEXT MLINEFROMWKB MPOINTFROMTEXT "
        "MPOINTFROMWKB MPOLYFROMTEXT MPOLYFROMWKB MULTILINESTRINGFROMTEXT MULTILINESTRINGFROMWKB MULTIPOINTFROMTEXT "
        "MULTIPOINTFROMWKB MULTIPOLYGONFROMTEXT MULTIPOLYGONFROMWKB NUMGEOMETRIES NUMINTERIORRINGS NUMPOINTS "
        "POINTFROMTEXT POINTFROMWKB POINTN POLYFROMTEXT POLYFROMWKB POLYGONFROMTEXT POLYGONFROMWKB SRID STARTPOINT "
        "TOUCHES X Y",
        _UNTIL_8,
        "ST_*()",
        _REMOVED,
    ),
    _these("CONVEXHULL", (mysql((5, 7, 5), (8, 0, 11)), mariadb()), "ST_*()", _REMOVED),
    _these("DISTANCE", (mysql((5, 7, 5), (8, 0, 11)),), "ST_*()", _REMOVED),
    _these("GLENGTH", _UNTIL_8, "ST_LENGTH()", _REMOVED),
    _these("CONTAINS DISJOINT EQUALS INTERSECTS OVERLAPS WITHIN", _UNTIL_8, "MBR*() or ST_*()", _REMOVED),
    _these("MBREQUAL", _UNTIL_8, "MBREQUALS()", _REMOVED),
    _these(
        "MD5 SHA SHA1",
        (mysql(until=(9, 6, 0)), mariadb()),
        "SHA2(), or INSTALL COMPONENT 'file://component_classic_hashing'",
        _HASHING,
    ),
    _mariadb(
        "BOUNDARY CHR COLUMN_ADD COLUMN_CHECK COLUMN_CREATE COLUMN_DELETE COLUMN_EXISTS COLUMN_GET COLUMN_JSON "
        "COLUMN_LIST CONCAT_OPERATOR_ORACLE DECODE_HISTOGRAM DECODE_ORACLE ISRING JSON_COMPACT JSON_DETAILED "
        "JSON_EXISTS JSON_LOOSE JSON_QUERY LASTVAL LENGTHB LPAD_ORACLE LTRIM_ORACLE MEDIAN NEXTVAL NVL NVL2 "
        "PERCENTILE_CONT PERCENTILE_DISC POINTONSURFACE REPLACE_ORACLE RPAD_ORACLE RTRIM_ORACLE SETVAL ST_BOUNDARY "
        "ST_ISRING ST_POINTONSURFACE ST_RELATE SUBSTR_ORACLE TRIM_ORACLE",
        MARIADB_BASE,
    ),
    _mariadb("ADD_MONTHS ROWNUM SYS_GUID TO_CHAR", (10, 6, 1)),
    _mariadb("JSON_EQUALS JSON_NORMALIZE NATURAL_SORT_KEY SFORMAT", (10, 7, 0)),
    _mariadb("CRC32C", (10, 8, 0)),
    _mariadb("JSON_ARRAY_INTERSECT JSON_KEY_VALUE JSON_OBJECT_FILTER_KEYS JSON_OBJECT_TO_ARRAY", (11, 2, 0)),
    _mariadb("KDF", (11, 3, 0)),
    _mariadb(
        "UUID_V4 UUID_V7 VEC_DISTANCE VEC_DISTANCE_COSINE VEC_DISTANCE_EUCLIDEAN VEC_FROMTEXT VEC_TOTEXT", (11, 7, 0)
    ),
    _both("JSON_VALUE", (8, 0, 21), MARIADB_BASE),
    _both("JSON_OVERLAPS", (8, 0, 17), (10, 9, 0)),
    _both("JSON_SCHEMA_VALID", (8, 0, 17), (11, 1, 0)),
    _both("FORMAT_PICO_TIME", (8, 0, 16), (11, 0, 2)),
    _both("FORMAT_BYTES", (8, 0, 16), (11, 8, 0)),
    _both("RANDOM_BYTES", (5, 6, 17), (10, 10, 0)),
    _both("CURRENT_ROLE REGEXP_INSTR REGEXP_REPLACE REGEXP_SUBSTR", (8, 0, 11), MARIADB_BASE),
    _both(
        "CUME_DIST DENSE_RANK FIRST_VALUE LAG LAST_VALUE LEAD NTH_VALUE NTILE PERCENT_RANK RANK ROW_NUMBER",
        (8, 0, 11),
        MARIADB_BASE,
    ),
    _both("JSON_ARRAYAGG JSON_MERGE_PATCH JSON_MERGE_PRESERVE JSON_OBJECTAGG JSON_PRETTY", (5, 7, 22), MARIADB_BASE),
    _both(
        "JSON_ARRAY JSON_ARRAY_APPEND JSON_ARRAY_INSERT JSON_CONTAINS JSON_CONTAINS_PATH JSON_DEPTH JSON_EXTRACT "
        "JSON_INSERT JSON_KEYS JSON_LENGTH JSON_MERGE JSON_OBJECT JSON_QUOTE JSON_REMOVE JSON_REPLACE JSON_SEARCH "
        "JSON_SET JSON_TYPE JSON_UNQUOTE JSON_VALID",
        (5, 7, 9),
        MARIADB_BASE,
    ),
    _both(
        "MBREQUALS RELEASE_ALL_LOCKS ST_ASGEOJSON ST_CONVEXHULL ST_DISTANCE_SPHERE ST_GEOMFROMGEOJSON "
        "ST_MLINEFROMTEXT ST_MLINEFROMWKB ST_MPOINTFROMTEXT ST_MPOINTFROMWKB ST_MPOLYFROMTEXT ST_MPOLYFROMWKB",
        (5, 7, 6),
        MARIADB_BASE,
    ),
    _mysql("GTID_SUBSET GTID_SUBTRACT VALIDATE_PASSWORD_STRENGTH", MYSQL_BASE),
    _mysql(
        "ANY_VALUE MBRCOVEREDBY MBRCOVERS ST_BUFFER_STRATEGY ST_GEOHASH ST_GEOMCOLLFROMTXT ST_ISVALID "
        "ST_LATFROMGEOHASH ST_LONGFROMGEOHASH ST_MAKEENVELOPE ST_NUMINTERIORRING ST_POINTFROMGEOHASH ST_SIMPLIFY "
        "ST_VALIDATE",
        (5, 7, 6),
    ),
    _mysql("JSON_STORAGE_SIZE", (5, 7, 22)),
    _mysql("BIN_TO_UUID IS_UUID REGEXP_LIKE UUID_TO_BIN", (8, 0, 11)),
)


def missing(source: Version, target: Version) -> Mapping[str, Function]:
    """The functions that the source has and the target does not, by their names in capitals."""
    return {
        name: each
        for each in FUNCTIONS
        if any(span.covers(source) for span in each.native) and not any(span.covers(target) for span in each.native)
        for name in each.names
    }
