"""Column types, and values for each of them as SQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from providers.mysql.packets.rows import placeholder
from providers.mysql.version import Version


def anywhere(version: Version) -> bool:
    """On every server."""
    return True


@dataclass(frozen=True)
class Kind:
    """A column type with values for it as SQL; `charset` and `collation` where it holds text.

    `key`: whether it is used as a primary key here. `read`: how the driver reads the column `v`, for a type that it
    does not know.
    """

    type: str
    values: SearchStrategy[str]
    charset: str | None = None
    collation: str | None = None
    key: bool = True
    read: str = "v"
    only: Callable[[Version], bool] = anywhere

    @property
    def column(self) -> str:
        """The type as a table's definition has it."""
        if self.collation is None:
            return self.type
        return f"{self.type} CHARACTER SET {self.charset} COLLATE {self.collation}"

    @property
    def takes(self) -> str:
        """The SQL that takes a value of it as a parameter."""
        return placeholder(self.charset, self.collation, self.type.lower())

    @property
    def name(self) -> str:
        """What a test is called by."""
        return self.column.lower()


def integers(bits: int) -> list[Kind]:
    name = {8: "TINYINT", 16: "SMALLINT", 24: "MEDIUMINT", 32: "INT", 64: "BIGINT"}[bits]
    half = 1 << bits - 1
    return [
        Kind(name, st.integers(-half, half - 1).map(str)),
        Kind(f"{name} UNSIGNED", st.integers(0, 2 * half - 1).map(str)),
    ]


def text(charset: str, collation: str, codec: str, kind: str = "VARCHAR(40)", letters: str = "") -> Kind:
    """Text that the character set can hold; of these letters only, where Python and servers disagree on others."""
    every = st.characters(
        max_codepoint=0xFFFF if charset in ("utf8", "ucs2") else None, codec=codec, exclude_categories=["Cs"]
    )
    values = st.text(st.sampled_from(letters) if letters else every, max_size=30).map(
        lambda value: f"_{charset} 0x{value.encode(codec).hex()}"
    )
    empty = f"_{charset} ''"
    return Kind(kind, values.map(lambda sql: empty if sql.endswith("0x") else sql), charset, collation)


def octets(kind: str, most: int, key: bool = True) -> Kind:
    return Kind(kind, st.binary(max_size=most).map(lambda value: f"x'{value.hex()}'"), key=key)


def fraction(kind: str, whole: int, scale: int) -> Kind:
    digits = st.integers(-(10 ** (whole + scale)) + 1, 10 ** (whole + scale) - 1)

    def shown(number: int) -> str:
        left, right = divmod(abs(number), 10**scale)
        return f"{'-' if number < 0 else ''}{left}" + (f".{right:0{scale}d}" if scale else "")

    return Kind(kind, digits.map(shown))


def moments(low: datetime, high: datetime, micros: int) -> SearchStrategy[str]:
    def shown(at: datetime) -> str:
        return f"'{at:%Y-%m-%d %H:%M:%S}.{at.microsecond:06d}'" if micros else f"'{at:%Y-%m-%d %H:%M:%S}'"

    return st.datetimes(low, high).map(lambda at: shown(at.replace(year=at.year)))


def years(low: int, high: int) -> tuple[datetime, datetime]:
    return datetime(low, 1, 2), datetime(high, 1, 1)


def lasting(micros: bool) -> SearchStrategy[str]:
    # MySQL 9.7 takes a fraction of a second beyond 838 hours as a value and refuses it as a parameter (1690).
    most = timedelta(hours=838) if micros else timedelta(hours=838, minutes=59, seconds=59)

    def shown(length: timedelta) -> str:
        sign, length = ("-", -length) if length < timedelta() else ("", length)
        minutes, seconds = divmod(length.days * 86400 + length.seconds, 60)
        whole = f"{sign}{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"
        return f"'{whole}.{length.microseconds:06d}'" if micros else f"'{whole}'"

    return st.timedeltas(-most, most).map(shown)


def has_json(version: Version) -> bool:
    return version.mysql_from(5, 7, 8)


def has_vectors(version: Version) -> bool:
    return version.mysql_from(9, 0, 0)


def has_uuid(version: Version) -> bool:
    return version.mariadb_from(10, 7, 0)


def has_inet4(version: Version) -> bool:
    return version.mariadb_from(10, 10, 0)


points = st.tuples(st.integers(-90, 90), st.integers(-90, 90))
words = st.sampled_from(["a", "b c", "ü", "日本", "it''s"])

KINDS = [
    *(kind for bits in (8, 16, 24, 32, 64) for kind in integers(bits)),
    Kind("INT(6) UNSIGNED ZEROFILL", st.integers(0, 1 << 32).map(str)),
    Kind("YEAR", st.integers(1901, 2155).map(str)),
    Kind("BOOLEAN", st.sampled_from(["TRUE", "FALSE"])),
    fraction("DECIMAL(65,30)", 35, 30),
    fraction("DECIMAL(20,0)", 20, 0),
    fraction("DECIMAL(9,2)", 7, 2),
    Kind("FLOAT", st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda x: f"{x!r}")),
    Kind("DOUBLE", st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).map(lambda x: f"{x!r}")),
    Kind("DATE", st.dates(date(1, 1, 1)).map(lambda day: f"'{day.isoformat()}'") | st.just("'0000-00-00'")),
    Kind("DATETIME", moments(*years(1, 9999), micros=0) | st.just("'0000-00-00'")),
    Kind("DATETIME(6)", moments(*years(1, 9999), micros=6) | st.just("'2020-02-00 00:00:00.5'")),
    Kind("TIMESTAMP(6) NULL", moments(*years(1970, 2038), micros=6) | st.just("'0000-00-00'"), key=False),
    Kind("TIMESTAMP(3)", moments(*years(1970, 2038), micros=6)),
    Kind("TIMESTAMP", moments(*years(1970, 2038), micros=0)),
    Kind("TIME", lasting(micros=False)),
    Kind("TIME(6)", lasting(micros=True)),
    Kind("BIT(1)", st.integers(0, 1).map(str)),
    Kind("BIT(64)", st.integers(0, (1 << 64) - 1).map(str)),
    Kind("BIT(17)", st.integers(0, (1 << 17) - 1).map(str)),
    text("utf8mb4", "utf8mb4_unicode_ci", "utf-8"),
    text("utf8mb4", "utf8mb4_bin", "utf-8", "CHAR(40)"),
    text("utf8", "utf8_general_ci", "utf-8"),
    text("latin1", "latin1_german2_ci", "cp1252"),
    text("latin1", "latin1_bin", "cp1252", "CHAR(40)"),
    text("ascii", "ascii_general_ci", "ascii"),
    text("cp1251", "cp1251_bulgarian_ci", "cp1251"),
    text("ucs2", "ucs2_general_ci", "utf-16-be"),
    text("sjis", "sjis_japanese_ci", "shift_jis", letters="a\\'あ漢字ｱ表ソ"),
    text("gbk", "gbk_bin", "gbk"),
    octets("BINARY(12)", 12),
    octets("VARBINARY(300)", 300),
    octets("TINYBLOB", 255, key=False),
    octets("LONGBLOB", 2000, key=False),
    Kind("LONGTEXT", text("utf8mb4", "utf8mb4_bin", "utf-8").values, "utf8mb4", "utf8mb4_bin", key=False),
    Kind("ENUM('a','b c','ü','日本','it''s')", words.map(lambda word: f"'{word}'"), "utf8mb4", "utf8mb4_general_ci"),
    Kind("SET('a','b c','ü')", st.integers(0, 7).map(str), "utf8mb4", "utf8mb4_general_ci"),
    Kind("JSON", st.lists(st.integers() | words).map(lambda x: f"'{json.dumps(x, ensure_ascii=False)}'"), key=False,
         only=has_json),
    Kind("POINT", points.map(lambda at: f"ST_GeomFromText('POINT({at[0]} {at[1]})')"), key=False),
    Kind("VECTOR(3)", points.map(lambda at: f"STRING_TO_VECTOR('[{at[0]},{at[1]},0.5]')"), key=False,
         read="CAST(v AS BINARY)", only=has_vectors),
    Kind("UUID", st.uuids().map(lambda one: f"'{one}'"), "ascii", None, only=has_uuid),
    Kind("INET6", st.ip_addresses(v=6).map(lambda one: f"'{one}'"), "ascii", None, only=has_uuid),
    Kind("INET4", st.ip_addresses(v=4).map(lambda one: f"'{one}'"), "ascii", None, only=has_inet4),
]  # fmt: skip
