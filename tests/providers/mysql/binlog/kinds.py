"""Types of columns: how they are declared, and SQL literals of their values."""

from __future__ import annotations

from datetime import date

from hypothesis import strategies as st

# Columns of every kind that stand before, between and behind the key's; all of them may be NULL.
OTHERS = {
    "o_tiny": "TINYINT", "o_medium": "MEDIUMINT UNSIGNED", "o_big": "BIGINT", "o_float": "FLOAT",
    "o_double": "DOUBLE", "o_decimal": "DECIMAL(30,11)", "o_bit": "BIT(13)", "o_year": "YEAR", "o_date": "DATE",
    "o_time": "TIME(3)", "o_datetime": "DATETIME(6)", "o_stamp": "TIMESTAMP(1) NULL",
    "o_enum": "ENUM('a','b')", "o_set": "SET('a','b','c')", "o_char": "CHAR(200) CHARACTER SET utf8mb4",
    "o_varchar": "VARCHAR(300) CHARACTER SET latin1", "o_binary": "BINARY(5)", "o_varbinary": "VARBINARY(40)",
    "o_tinytext": "TINYTEXT", "o_text": "TEXT", "o_mediumblob": "MEDIUMBLOB", "o_longtext": "LONGTEXT",
    "o_point": "GEOMETRY",
}  # fmt: skip
VALUES = {
    "o_tiny": "-7", "o_medium": "9", "o_big": "-1", "o_float": "1.5", "o_double": "-2.25", "o_decimal": "-123456.789",
    "o_bit": "b'1010101010101'", "o_year": "1999", "o_date": "'2020-02-29'", "o_time": "'-12:34:56.789'",
    "o_datetime": "'2020-02-29 01:02:03.456789'", "o_stamp": "'2020-02-29 01:02:03.5'", "o_enum": "'b'",
    "o_set": "'a,c'", "o_char": "'ä'", "o_varchar": "REPEAT('x',260)", "o_binary": "X'0102'",
    "o_varbinary": "X'00'", "o_tinytext": "'t'", "o_text": "REPEAT('y',400)", "o_mediumblob": "REPEAT('z',700)",
    "o_longtext": "'long'", "o_point": "POINT(1,2)",
}  # fmt: skip


def _quoted(text: str, charset: str, codec: str) -> str:
    return f"_{charset} X'{text.encode(codec).hex()}'"


def _texts(charset: str, codec: str, alphabet: str) -> st.SearchStrategy[str]:
    return st.text(st.sampled_from(alphabet), max_size=8).map(lambda text: _quoted(text, charset, codec))


def _ints(bits: int, unsigned: bool = False) -> st.SearchStrategy[str]:
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return st.integers(low, high).map(str)


def _clock(fsp: int) -> st.SearchStrategy[str]:
    """A time of day, with as many digits behind its seconds."""
    fraction = st.integers(0, 10**fsp - 1).map(lambda number: f".{number:0{fsp}d}") if fsp else st.just("")
    moment = st.tuples(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), fraction)
    return moment.map(lambda parts: "{:02d}:{:02d}:{:02d}{}".format(*parts))


def _times(fsp: int) -> st.SearchStrategy[str]:
    sign_and_hours = st.tuples(st.sampled_from(["", "-"]), st.integers(0, 837), _clock(fsp))
    return sign_and_hours.map(lambda parts: f"'{parts[0]}{parts[1]:03d}{parts[2][2:]}'")


def _datetimes(fsp: int, first: int = 1, last: int = 9999) -> st.SearchStrategy[str]:
    day = st.dates(date(first, 1, 1), date(last, 12, 31))
    moment = st.tuples(day, _clock(fsp)).map(lambda parts: f"'{parts[0].isoformat()} {parts[1]}'")
    return st.one_of(moment, st.just("'0000-00-00 00:00:00'"))


def _decimals(precision: int, scale: int) -> st.SearchStrategy[str]:
    digits = st.text(st.sampled_from("0123456789"), min_size=precision, max_size=precision)
    whole = precision - scale
    plain = digits.map(lambda text: f"{text[:whole] or '0'}.{text[whole:]}" if scale else text)
    return st.tuples(st.sampled_from(["", "-"]), plain).map("".join)


Kind = tuple[str, st.SearchStrategy[str]]

KINDS: dict[str, Kind] = {
    "tinyint": ("TINYINT", _ints(8)),
    "tinyint unsigned": ("TINYINT UNSIGNED", _ints(8, True)),
    "smallint": ("SMALLINT", _ints(16)),
    "smallint unsigned": ("SMALLINT UNSIGNED", _ints(16, True)),
    "mediumint": ("MEDIUMINT", _ints(24)),
    "mediumint unsigned": ("MEDIUMINT UNSIGNED", _ints(24, True)),
    "int": ("INT", _ints(32)),
    "int unsigned": ("INT UNSIGNED", _ints(32, True)),
    "bigint": ("BIGINT", _ints(64)),
    "bigint unsigned": ("BIGINT UNSIGNED", _ints(64, True)),
    "decimal(10,2)": ("DECIMAL(10,2)", _decimals(10, 2)),
    "decimal(65,30)": ("DECIMAL(65,30)", _decimals(65, 30)),
    "decimal(9,0)": ("DECIMAL(9,0)", _decimals(9, 0)),
    "decimal(5,5)": ("DECIMAL(5,5)", _decimals(5, 5)),
    "decimal(38,0) unsigned": ("DECIMAL(38,0) UNSIGNED", _decimals(38, 0).map(lambda text: text.lstrip("-"))),
    "float": ("FLOAT", st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False).map(repr)),
    "double": ("DOUBLE", st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False).map(repr)),
    "date": ("DATE", st.one_of(st.dates().map(lambda day: f"'{day.isoformat()}'"), st.just("'0000-00-00'"))),
    "time": ("TIME", _times(0)),
    "time(2)": ("TIME(2)", _times(2)),
    "time(3)": ("TIME(3)", _times(3)),
    "time(6)": ("TIME(6)", _times(6)),
    "datetime": ("DATETIME", _datetimes(0)),
    "datetime(1)": ("DATETIME(1)", _datetimes(1)),
    "datetime(4)": ("DATETIME(4)", _datetimes(4)),
    "datetime(6)": ("DATETIME(6)", _datetimes(6)),
    "timestamp": ("TIMESTAMP", _datetimes(0, 1971, 2037)),
    "timestamp(2)": ("TIMESTAMP(2)", _datetimes(2, 1971, 2037)),
    "timestamp(6)": ("TIMESTAMP(6)", _datetimes(6, 1971, 2037)),
    "year": ("YEAR", st.integers(1901, 2155).map(str)),
    "char": ("CHAR(10) CHARACTER SET utf8mb4", _texts("utf8mb4", "utf-8", "abcÄß€😀 ")),
    "char utf8mb4 bin": ("CHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", _texts("utf8mb4", "utf-8", "aAÄß€😀")),
    "char(191)": ("CHAR(191) CHARACTER SET utf8mb4", _texts("utf8mb4", "utf-8", "abc€😀")),
    "varchar utf8mb4": ("VARCHAR(191) CHARACTER SET utf8mb4", _texts("utf8mb4", "utf-8", "abcÄß€😀 ")),
    "varchar utf8": ("VARCHAR(100) CHARACTER SET utf8", _texts("utf8", "utf-8", "abcÄß€ ")),
    "varchar ascii": ("VARCHAR(20) CHARACTER SET ascii", _texts("ascii", "ascii", "abcZ' \\")),
    "varchar latin1": ("VARCHAR(255) CHARACTER SET latin1", _texts("latin1", "cp1252", "abcÄß€é ")),
    "char latin1": ("CHAR(20) CHARACTER SET latin1", _texts("latin1", "cp1252", "abcÄß€é")),
    "varchar cp1251": ("VARCHAR(50) CHARACTER SET cp1251", _texts("cp1251", "cp1251", "abcжЯё ")),
    "varchar utf16": ("VARCHAR(50) CHARACTER SET utf16", _texts("utf16", "utf-16-be", "abÄ€😀 ")),
    "char utf16": ("CHAR(50) CHARACTER SET utf16", _texts("utf16", "utf-16-be", "abÄ€😀")),
    "varchar sjis": ("VARCHAR(50) CHARACTER SET sjis", _texts("sjis", "shift_jis", "abソ表ｱ")),
    "varchar latin1 bin": ("VARCHAR(50) CHARACTER SET latin1 COLLATE latin1_bin", _texts("latin1", "cp1252", "aAäÄ")),
    "binary": ("BINARY(6)", st.binary(max_size=6).map(lambda raw: f"X'{raw.hex()}'")),
    "varbinary": ("VARBINARY(300)", st.binary(max_size=300).map(lambda raw: f"X'{raw.hex()}'")),
    "enum": ("ENUM('a','b','c')", st.sampled_from(["'a'", "'b'", "'c'"])),
    "set": ("SET('a','b','c')", st.sampled_from(["'a'", "'a,b'", "'c'", "''"])),
    "bit": ("BIT(20)", st.integers(0, 2**20 - 1).map(str)),
}  # fmt: skip


COMPOSITE: tuple[tuple[str, ...], ...] = (
    ("int", "varchar utf8mb4"),
    ("varchar latin1", "datetime(6)", "bigint unsigned"),
    ("binary", "decimal(10,2)", "year"),
    ("char utf16", "time(3)"),
)
