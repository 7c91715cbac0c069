"""Damages as data: a table, its rows, what is done to it on the target alone, and what must be found.

`{t}` stands for the table in every statement. The kinds of damage come first, then each type as a value and as a key,
then schemas as odd as servers allow. Rows are made on the source and replicated; the harm is done on the target with
its binary log off, so that only reading the rows can find it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migration.verify.model import Difference, Kind, Table
from providers.mysql.literals import quote_name
from providers.mysql.version import Version

DATABASE = "damages"
ODD_DATABASE = "dam`ages 2"
OPTIONS = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci"

Fits = Callable[[Version], bool]


@dataclass(frozen=True)
class Found:
    """A difference as it must be told, without its table; the order of `columns` is of no importance."""

    kind: Kind
    key: tuple[tuple[str, str], ...]
    columns: tuple[str, ...] = ()
    rows: int = 1

    def of(self, table: Table) -> Difference:
        return Difference(table, self.kind, self.key, tuple(sorted(self.columns)), self.rows)


@dataclass(frozen=True)
class Damage:
    """One table with one kind of damage. `fits`: of a server that can hold such a table."""

    name: str
    make: tuple[str, ...]
    harm: tuple[str, ...]
    found: tuple[Found, ...]
    fits: Fits
    database: str = DATABASE

    @property
    def table(self) -> Table:
        return self.database, self.name

    def statements(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        name = f"{quote_name(self.database)}.{quote_name(self.name)}"
        return tuple(text.replace("{t}", name) for text in texts)

    def expected(self) -> tuple[Difference, ...]:
        return tuple(found.of(self.table) for found in self.found)


def anywhere(version: Version) -> bool:
    return True


def mysql(version: Version) -> bool:
    return not version.mariadb


def mysql_8(version: Version) -> bool:
    return version.mysql_from(8, 0, 30)


def mysql_9(version: Version) -> bool:
    return version.mysql_from(9)


def mariadb(version: Version) -> bool:
    return version.mariadb


def newer(version: Version) -> bool:
    """Everything but MySQL 5.6."""
    return version.mariadb or version.mysql_from(5, 7)


def newest(version: Version) -> bool:
    return version.mariadb or version.mysql_from(8, 0, 30)


def changed(key: dict[str, str], *columns: str) -> Found:
    return Found(Kind.CHANGED, tuple(key.items()), columns)


def missing(key: dict[str, str]) -> Found:
    return Found(Kind.MISSING, tuple(key.items()))


def extra(key: dict[str, str]) -> Found:
    return Found(Kind.EXTRA, tuple(key.items()))


def too_few(rows: int = 1) -> Found:
    """Rows of a table without a usable key."""
    return Found(Kind.MISSING, (), (), rows)


def too_many(rows: int = 1) -> Found:
    return Found(Kind.EXTRA, (), (), rows)


def damage(name: str, columns: str, rows: str, harm: str, *found: Found, fits: Fits = anywhere) -> Damage:
    """A damage of one statement, to a table made by its columns and the rows of one INSERT (none where empty)."""
    make = [f"CREATE TABLE {{t}} ({columns}) {OPTIONS}"]
    if rows:
        make.append(f"INSERT INTO {{t}} VALUES {rows}")
    return Damage(name, tuple(make), (harm,), found, fits)


def _value(name: str, kind: str, before: str, after: str, fits: Fits = anywhere) -> Damage:
    """One value of three in a column of a type becomes another."""
    return damage(
        name,
        f"id INT NOT NULL PRIMARY KEY, v {kind}",
        f"(1, {before}), (2, {before}), (3, {before})",
        f"UPDATE {{t}} SET v = {after} WHERE id = 2",
        changed({"id": "2"}, "v"),
        fits=fits,
    )


def _key(name: str, kind: str, *keys: tuple[str, str], fits: Fits = anywhere) -> Damage:
    """Of four keys of a type, as SQL and as shown, the second's row is changed, the third's gone, the fourth's new."""
    sql, shown = zip(*keys, strict=True)
    create = f"CREATE TABLE {{t}} (k {kind} NOT NULL, n INT NOT NULL, v INT NOT NULL, PRIMARY KEY (k)) {OPTIONS}"
    rows = ", ".join(f"({key}, {number}, 0)" for number, key in enumerate(sql[:3], 1))
    return Damage(
        f"key {name}",
        (create, f"INSERT INTO {{t}} VALUES {rows}"),
        (
            "UPDATE {t} SET v = -1 WHERE n = 2",
            "DELETE FROM {t} WHERE n = 3",
            f"INSERT INTO {{t}} VALUES ({sql[3]}, 4, 0)",
        ),
        (changed({"k": shown[1]}, "v"), missing({"k": shown[2]}), extra({"k": shown[3]})),
        fits,
    )


def _same(*texts: str) -> Iterator[tuple[str, str]]:
    """Keys that are shown as they are written in SQL."""
    return ((text, text) for text in texts)


def _quoted(*texts: str, before: str = "") -> Iterator[tuple[str, str]]:
    """Keys that are written in quotes."""
    return ((f"'{before}{text}'", f"{before}{text}") for text in texts)


PLAIN = "id INT NOT NULL PRIMARY KEY, v INT"
TEXTS = "id INT NOT NULL PRIMARY KEY, a VARCHAR(20), b VARCHAR(20)"

KINDS: tuple[Damage, ...] = (
    damage("missing row", PLAIN, "(1, 1), (2, 2), (3, 3)", "DELETE FROM {t} WHERE id = 2", missing({"id": "2"})),
    damage("extra row", PLAIN, "(1, 1), (3, 3)", "INSERT INTO {t} VALUES (2, 2)", extra({"id": "2"})),
    damage(
        "rows at both ends",
        PLAIN,
        "(5, 1), (6, 2), (7, 3)",
        "INSERT INTO {t} VALUES (-2147483648, 0), (2147483647, 0)",
        extra({"id": "-2147483648"}),
        extra({"id": "2147483647"}),
    ),
    damage("first row missing", PLAIN, "(1, 1), (2, 2)", "DELETE FROM {t} WHERE id = 1", missing({"id": "1"})),
    damage("last row missing", PLAIN, "(1, 1), (2, 2)", "DELETE FROM {t} WHERE id = 2", missing({"id": "2"})),
    damage("empty on the target", PLAIN, "(1, 1)", "DELETE FROM {t}", missing({"id": "1"})),
    damage("empty on the source", PLAIN, "", "INSERT INTO {t} VALUES (1, 1)", extra({"id": "1"})),
    damage("zero key", PLAIN, "(0, 1), (1, 1)", "UPDATE {t} SET v = 2 WHERE id = 0", changed({"id": "0"}, "v")),
    damage(
        "moved key",
        PLAIN,
        "(1, 1), (2, 2), (3, 3)",
        "UPDATE {t} SET id = 77 WHERE id = 2",
        missing({"id": "2"}),
        extra({"id": "77"}),
    ),
    damage(
        "swapped balances",
        "id INT NOT NULL PRIMARY KEY, owner VARCHAR(20), balance DECIMAL(10,2)",
        "(1, 'ann', 100.00), (2, 'bob', 250.00), (3, 'cy', 100.00)",
        "UPDATE {t} SET balance = 350.00 - balance WHERE id IN (1, 2)",
        changed({"id": "1"}, "balance"),
        changed({"id": "2"}, "balance"),
    ),
    damage(
        "swapped rows",
        TEXTS,
        "(1, 'one', 'eins'), (2, 'two', 'zwei'), (3, 'six', 'sechs')",
        "UPDATE {t} SET a = IF(id = 1, 'two', 'one'), b = IF(id = 1, 'zwei', 'eins') WHERE id IN (1, 2)",
        changed({"id": "1"}, "a", "b"),
        changed({"id": "2"}, "a", "b"),
    ),
    damage(
        "same change in a pair of rows",
        PLAIN,
        "(1, 8), (2, 16), (3, 32)",
        "UPDATE {t} SET v = v ^ 1 WHERE id IN (1, 2)",
        changed({"id": "1"}, "v"),
        changed({"id": "2"}, "v"),
    ),
    damage(
        "shifted separator",
        TEXTS,
        "(1, 'a', 'b#c'), (2, 'a', 'b#c')",
        "UPDATE {t} SET a = 'a#b', b = 'c' WHERE id = 2",
        changed({"id": "2"}, "a", "b"),
    ),
    damage(
        "swapped columns",
        TEXTS,
        "(1, 'x', 'y'), (2, 'x', 'y')",
        "UPDATE {t} SET a = 'y', b = 'x' WHERE id = 2",
        changed({"id": "2"}, "a", "b"),
    ),
    damage(
        "shifted NULL",
        TEXTS,
        "(1, 'x', NULL), (2, 'x', NULL)",
        "UPDATE {t} SET a = NULL, b = 'x' WHERE id = 2",
        changed({"id": "2"}, "a", "b"),
    ),
    damage(
        "keyless pair",
        "v INT, w VARCHAR(10)",
        "(1, 'a'), (2, 'b'), (2, 'b')",
        "INSERT INTO {t} VALUES (7, 'x'), (7, 'x')",
        too_many(2),
    ),
    damage(
        "keyless duplicate",
        "v INT, w VARCHAR(10)",
        "(1, 'a'), (1, 'a'), (1, 'a'), (2, 'b')",
        "DELETE FROM {t} WHERE v = 1 LIMIT 1",
        too_few(),
    ),
    damage(
        "keyless pairs exchanged",
        "v INT",
        "(1), (1), (2), (2)",
        "UPDATE {t} SET v = v + 2",
        too_few(2),
        too_few(2),
        too_many(2),
        too_many(2),
    ),
    damage("keyless change", "v INT", "(1), (NULL)", "UPDATE {t} SET v = 0 WHERE v IS NULL", too_few(), too_many()),
    _value("NULL or empty", "VARCHAR(20)", "NULL", "''"),
    _value("NULL or its name", "VARCHAR(20)", "NULL", "'NULL'"),
    _value("NULL or zero", "INT", "NULL", "0"),
    _value("trailing space", "VARCHAR(20)", "'x'", "'x '"),
    _value("leading space", "VARCHAR(20)", "'x'", "' x'"),
    _value("letter case", "VARCHAR(20)", "'Straße'", "'straße'"),
    _value("accent", "VARCHAR(20)", "'cafe'", "'café'"),
    _value("composed letter", "VARCHAR(20)", "_utf8mb4 0xC3A9", "_utf8mb4 0x65CC81"),
    _value("emoji that are equal to the collation", "VARCHAR(20)", "'😀'", "'😁'"),
    _value("control character", "VARCHAR(20)", "'a\\tb'", "'a\\nb'"),
    _value("zero byte", "VARCHAR(20)", "'ab'", "CONCAT('ab', CHAR(0 USING utf8mb4))"),
    _value("enum error or empty member", "ENUM('', 'a')", "''", "'nonsense'"),
    _value("float of more than six digits", "FLOAT", "16777216", "16777218"),
    _value("double of more than fifteen digits", "DOUBLE", "0.1e0", "0.10000000000000002e0"),
    _value("minus zero", "DOUBLE", "0e0", "-0e0", mysql),
    _value("zero date", "DATE", "'0000-00-00'", "NULL"),
    _value("zero month", "DATE", "'2024-00-00'", "'2024-01-01'"),
    _value("zero timestamp", "TIMESTAMP NULL", "'0000-00-00 00:00:00'", "NULL"),
    _value("microsecond", "DATETIME(6)", "'2024-02-29 12:00:00.000000'", "'2024-02-29 12:00:00.000001'"),
    _value("second year zero", "YEAR", "'0000'", "'2000'"),
    _value("last decimal", "DECIMAL(30,10)", "12345678901234567890.0000000001", "12345678901234567890.0000000002"),
    _value("unsigned top", "BIGINT UNSIGNED", "18446744073709551615", "18446744073709551614"),
    _value("sign", "BIGINT", "-9223372036854775808", "9223372036854775807"),
    _value("blob of one byte more", "BLOB", "'\\0'", "'\\0\\0'"),
    _value("last bit", "BIT(64)", "b'1000000000000000000000000000000000000000000000000000000000000000'", "b'0'"),
    # An UPDATE would take the two numbers for equal and change nothing; on MySQL 5.7 a REPLACE does, too.
    damage(
        "number in JSON",
        "id INT NOT NULL PRIMARY KEY, v JSON",
        "(1, '{\"a\": 1}'), (2, '{\"a\": 1}')",
        "REPLACE INTO {t} VALUES (2, '{\"a\": 1.0}')",
        changed({"id": "2"}, "v"),
        fits=mysql_8,
    ),
    _value("string in JSON", "JSON", "'[1]'", "'[\"1\"]'", newer),
    _value("space in JSON", "JSON", "'{\"a\": 1}'", "'{\"a\":1}'", mariadb),
    _value("very long row", "LONGTEXT", "REPEAT('x', 1500000)", "CONCAT(REPEAT('x', 1499999), 'y')"),
    damage(
        "row of several packets",
        "id INT NOT NULL PRIMARY KEY, a LONGBLOB, b LONGBLOB",
        "(1, 'a', 'b'), (2, REPEAT('a', 9000000), REPEAT('b', 9000000)), (3, 'a', 'b')",
        "UPDATE {t} SET b = CONCAT(REPEAT('b', 8999999), 'c') WHERE id = 2",
        changed({"id": "2"}, "b"),
        fits=newest,
    ),
    damage(
        "keys that are equal to the collation",
        "k VARCHAR(20) NOT NULL PRIMARY KEY, v INT",
        "('Ann', 1), ('Bob', 2), ('Cy', 3)",
        "UPDATE {t} SET k = 'BOB' WHERE k = 'Bob'",
        missing({"k": "Bob"}),
        extra({"k": "BOB"}),
    ),
    damage(
        "composite key",
        "a INT NOT NULL, b VARCHAR(10) NOT NULL, v INT, PRIMARY KEY (a, b)",
        "(1, 'x', 1), (1, 'y', 1), (2, 'x', 1), (2, 'y', 1)",
        "UPDATE {t} SET v = IF(a = 1, 2, v), b = IF(a = 2, 'z', b) WHERE b = 'y'",
        changed({"a": "1", "b": "y"}, "v"),
        missing({"a": "2", "b": "y"}),
        extra({"a": "2", "b": "z"}),
    ),
    damage(
        "every column of a row",
        "id INT NOT NULL PRIMARY KEY, a INT, b VARCHAR(20), c DATE, d DOUBLE",
        "(1, 1, 'x', '2024-01-01', 0.5), (2, 1, 'x', '2024-01-01', 0.5)",
        "UPDATE {t} SET a = 2, b = 'y', c = NULL, d = 0.25 WHERE id = 2",
        changed({"id": "2"}, "a", "b", "c", "d"),
    ),
    Damage(
        "many rows",
        (
            f"CREATE TABLE {{t}} (id INT NOT NULL PRIMARY KEY, v VARCHAR(200)) {OPTIONS}",
            "INSERT INTO {t} VALUES (1, REPEAT('v', 200))",
            *(f"INSERT INTO {{t}} SELECT id + {1 << power}, v FROM {{t}}" for power in range(15)),
        ),
        (
            "UPDATE {t} SET v = 'w' WHERE id IN (1, 8191, 8192, 8193, 20000, 32768)",
            "DELETE FROM {t} WHERE id = 10000",
        ),
        (
            *(changed({"id": str(number)}, "v") for number in (1, 8191, 8192, 8193, 20000, 32768)),
            missing({"id": "10000"}),
        ),
        anywhere,
    ),
)

VALUES: tuple[Damage, ...] = (
    _value("TINYINT", "TINYINT", "-128", "127"),
    _value("TINYINT UNSIGNED", "TINYINT UNSIGNED", "255", "254"),
    _value("SMALLINT", "SMALLINT", "-32768", "32767"),
    _value("SMALLINT UNSIGNED", "SMALLINT UNSIGNED", "65535", "65534"),
    _value("MEDIUMINT", "MEDIUMINT", "-8388608", "8388607"),
    _value("MEDIUMINT UNSIGNED", "MEDIUMINT UNSIGNED", "16777215", "16777214"),
    _value("INT", "INT", "-2147483648", "2147483647"),
    _value("INT UNSIGNED", "INT UNSIGNED", "4294967295", "4294967294"),
    _value("INT ZEROFILL", "INT(8) ZEROFILL", "7", "8"),
    _value("BOOLEAN", "BOOLEAN", "TRUE", "FALSE"),
    _value("FLOAT", "FLOAT", "1.5", "-1.5"),
    _value("FLOAT smallest", "FLOAT", "1.4e-45", "0"),
    _value("DOUBLE", "DOUBLE", "1.7976931348623157e308", "-1.7976931348623157e308"),
    _value("DECIMAL", "DECIMAL(65,30)", "-1.000000000000000000000000000001", "1.000000000000000000000000000001"),
    _value("DECIMAL without scale", "DECIMAL(65,0)", "99999999999999999999999999999999999999", "-1"),
    _value("BIT(1)", "BIT(1)", "b'1'", "b'0'"),
    _value("BIT(17)", "BIT(17)", "b'10000000000000001'", "b'10000000000000000'"),
    _value("DATE", "DATE", "'9999-12-31'", "'1000-01-01'"),
    _value("TIME", "TIME", "'-838:59:59'", "'838:59:59'"),
    _value("TIME(6)", "TIME(6)", "'-00:00:00.000001'", "'00:00:00.000001'"),
    _value("DATETIME", "DATETIME", "'9999-12-31 23:59:59'", "'9999-12-31 23:59:58'"),
    _value("DATETIME(3)", "DATETIME(3)", "'2024-01-01 00:00:00.001'", "'2024-01-01 00:00:00.002'"),
    _value("TIMESTAMP", "TIMESTAMP NULL", "'1970-01-01 00:00:01'", "'1970-01-01 00:00:02'"),
    _value("TIMESTAMP(6)", "TIMESTAMP(6) NULL", "'2024-03-31 02:30:00.5'", "'2024-03-31 03:30:00.5'"),
    _value("YEAR", "YEAR", "1901", "2155"),
    _value("CHAR", "CHAR(255)", "'é'", "'e'"),
    _value("CHAR of binary collation", "CHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", "'a'", "'A'"),
    _value("VARCHAR of latin1", "VARCHAR(20) CHARACTER SET latin1", "_latin1 0x80", "_latin1 0xE9"),
    _value("VARCHAR of three bytes", "VARCHAR(20) CHARACTER SET utf8", "'€'", "'¥'"),
    _value("VARCHAR of utf16", "VARCHAR(20) CHARACTER SET utf16", "'😀'", "'😁'"),
    _value("VARCHAR of gbk", "VARCHAR(20) CHARACTER SET gbk", "_gbk 0xC4E3", "_gbk 0xC4E4"),
    _value("VARCHAR of more than a page", "VARCHAR(10000)", "REPEAT('é', 9999)", "REPEAT('é', 10000)"),
    _value("BINARY", "BINARY(4)", "0x61000000", "0x61000020"),
    _value("VARBINARY", "VARBINARY(4)", "0x6100", "0x610000"),
    _value("TINYBLOB", "TINYBLOB", "0xFF", "0xFE"),
    _value("MEDIUMBLOB", "MEDIUMBLOB", "REPEAT(0xFF, 70000)", "CONCAT(REPEAT(0xFF, 69999), 0xFE)"),
    _value("LONGBLOB", "LONGBLOB", "REPEAT(0x00, 70000)", "REPEAT(0x00, 69999)"),
    _value("TINYTEXT", "TINYTEXT", "'a'", "'A'"),
    _value("TEXT", "TEXT", "''", "NULL"),
    _value("MEDIUMTEXT", "MEDIUMTEXT", "REPEAT('a', 70000)", "CONCAT(REPEAT('a', 69999), 'á')"),
    _value("ENUM", "ENUM('a', 'b', 'c')", "'a'", "'c'"),
    _value("ENUM error", "ENUM('a', 'b')", "'nonsense'", "NULL"),
    _value("SET", "SET('a', 'b', 'c')", "'a,b'", "'a,c'"),
    _value("SET in another order", "SET('c', 'b', 'a')", "'b,a'", "'c,b'"),
    _value("SET of 64", f"SET({', '.join(repr(f'm{number}') for number in range(64))})", "'m63'", "'m62'"),
    _value("POINT", "POINT", "ST_GeomFromText('POINT(1 2)')", "ST_GeomFromText('POINT(2 1)')"),
    _value(
        "GEOMETRY",
        "GEOMETRY",
        "ST_GeomFromText('POLYGON((0 0,0 3,3 0,0 0))')",
        "ST_GeomFromText('POLYGON((0 0,3 0,0 3,0 0))')",
    ),
    _value(
        "GEOMETRY of another system",
        "GEOMETRY",
        "ST_GeomFromText('POINT(1 2)', 0)",
        "ST_GeomFromText('POINT(1 2)', 4326)",
    ),
    _value("UUID", "UUID", "'123e4567-e89b-12d3-a456-426655440000'", "'123e4567-e89b-12d3-a456-426655440001'", mariadb),
    _value("INET4", "INET4", "'192.0.2.1'", "'192.0.2.2'", mariadb),
    _value("INET6", "INET6", "'2001:db8::1'", "'2001:db8::2'", mariadb),
    _value("VARCHAR COMPRESSED", "VARCHAR(2000) COMPRESSED", "REPEAT('a', 2000)", "REPEAT('a', 1999)", mariadb),
    _value("BLOB COMPRESSED", "BLOB COMPRESSED", "REPEAT('a', 2000)", "CONCAT(REPEAT('a', 1999), 'b')", mariadb),
    _value("VECTOR", "VECTOR(2)", "STRING_TO_VECTOR('[1,2]')", "STRING_TO_VECTOR('[1,3]')", mysql_9),
)

KEYS: tuple[Damage, ...] = (
    _key("TINYINT", "TINYINT", *_same("-128", "-1", "0", "127")),
    _key("TINYINT UNSIGNED", "TINYINT UNSIGNED", *_same("0", "127", "128", "255")),
    _key("SMALLINT", "SMALLINT", *_same("-32768", "-1", "0", "32767")),
    _key("MEDIUMINT", "MEDIUMINT", *_same("-8388608", "-1", "1", "8388607")),
    _key("MEDIUMINT UNSIGNED", "MEDIUMINT UNSIGNED", *_same("1", "8388608", "9000000", "16777215")),
    _key("INT UNSIGNED", "INT UNSIGNED", *_same("1", "2147483648", "3000000000", "4294967295")),
    _key(
        "BIGINT",
        "BIGINT",
        *_same("-9223372036854775808", "-9223372036854775807", "0", "9223372036854775807"),
    ),
    _key(
        "BIGINT UNSIGNED",
        "BIGINT UNSIGNED",
        *_same("1", "9223372036854775808", "18446744073709551614", "18446744073709551615"),
    ),
    _key("DECIMAL", "DECIMAL(20,4)", *_same("-99.5000", "-0.0001", "0.0001", "1234567890123456.0000")),
    _key("DECIMAL of long digits", "DECIMAL(40,0)", *_same(*(f"{first}{'1' * 38}" for first in ("-1", "1", "2", "3")))),
    _key("DOUBLE", "DOUBLE", *_same("-0.5", "0.25", "0.5", "1.5")),
    _key("FLOAT", "FLOAT", *_same("-0.5", "0.25", "0.5", "1.5")),
    _key("CHAR", "CHAR(10)", *_quoted("a", "b", "é!", "zz")),
    _key("VARCHAR", "VARCHAR(40)", *_quoted("8", "Größe", "a b", "😀")),
    _key("VARCHAR empty", "VARCHAR(40)", *_quoted("x", "", "y", "z")),
    _key("VARCHAR of latin1", "VARCHAR(40) CHARACTER SET latin1", *_quoted("a", "é", "ü", "€")),
    _key("VARCHAR of utf16", "VARCHAR(40) CHARACTER SET utf16", *_quoted("a", "é", "ü", "€")),
    _key("VARCHAR of ascii", "VARCHAR(40) CHARACTER SET ascii", *_quoted("a", "b", "c", "d")),
    _key(
        "VARCHAR of binary collation",
        "VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        *_quoted("A", "a", "á", "ä"),
    ),
    _key("BINARY", "BINARY(4)", *_same("0x61000000", "0x61006200", "0x62000000", "0xffffff00")),
    _key("VARBINARY", "VARBINARY(8)", *_same("0x61", "0x6100", "0x610000", "0xfffe00")),
    _key("DATE", "DATE", *_quoted("1000-01-01", "2024-02-29", "2024-03-01", "9999-12-31")),
    _key("TIME", "TIME", *_quoted("-838:59:59", "-00:00:01", "00:00:00", "838:59:59")),
    _key(
        "DATETIME",
        "DATETIME",
        *_quoted("2024-01-01 00:00:00", "2024-01-01 00:00:01", "2024-01-01 01:00:00", "9999-12-31 23:59:59"),
    ),
    _key(
        "DATETIME(6)",
        "DATETIME(6)",
        *_quoted("000000", "000001", "100000", "999999", before="2024-01-01 00:00:00."),
    ),
    _key(
        "TIMESTAMP",
        "TIMESTAMP",
        *_quoted("1970-01-01 00:00:01", "2024-03-31 02:30:00", "2024-10-27 02:30:00", "2038-01-19 03:14:07"),
    ),
    _key("YEAR", "YEAR", *_same("1901", "1999", "2000", "2155")),
    _key("ENUM", "ENUM('z', 'y', 'x', 'w')", *_quoted("z", "y", "x", "w")),
    _key("SET", "SET('c', 'b', 'a')", *_quoted("c", "b", "c,b", "a")),
    _key("BIT", "BIT(12)", *((f"b'{text:012b}'", f"0x{text:04x}") for text in (1, 256, 257, 4095))),
    _key("UUID", "UUID", *_quoted(*(f"{text * 8}-0000-1000-8000-{text * 12}" for text in "1a3f")), fits=mariadb),
    _key("INET6", "INET6", *_quoted("1", "2", "3", "4", before="2001:db8::"), fits=mariadb),
)
