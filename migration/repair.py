"""Rows that differ, as SQL that makes the target's like the source's. It is written to a file and never applied here.

Each row is read from the source when the file is made. Values stand in it so that they arrive exactly: bytes in
hexadecimal, text in quotes only where no `sql_mode` and no client can take it for something else, FLOAT with all of its
digits. MySQL manual, "Hexadecimal Literals", "Character Set Introducers", "REPLACE Statement".
"""

from __future__ import annotations

import contextlib
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TextIO

from migration.verify.model import Difference, Kind, Outcome, Table
from providers.mysql.connection import Connection
from providers.mysql.errors import ConnectionLost, StatementFailed
from providers.mysql.literals import quote_name, quote_text
from providers.mysql.server import Server

_NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "decimal"})
_FLOATS = frozenset({"float", "double"})
_MEMBERS = frozenset({"enum", "set"})
_TIMES = frozenset({"date", "time", "datetime", "timestamp", "year"})
_TEXT_FORM = frozenset({"json", "uuid", "inet4", "inet6"})
_LARGE = ("blob", "text", "json", "geometry", "point", "linestring", "polygon", "collection", "vector")
_UTF8 = frozenset({"utf8", "utf8mb3", "utf8mb4"})
# Their printable ASCII is ASCII, with no byte of it inside another character.
_LIKE_ASCII = frozenset({"ascii", "latin1"})
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_FLOAT = re.compile(r"-?\d+(\.\d+)?(e[+-]?\d+)?")
_BITS = re.compile(r"b'([01]+)'|0x([0-9a-f]+)")
_HEX = re.compile(r"0x((?:[0-9a-f]{2})*)")
_CUT = re.compile(r"… \(\d+ bytes\)\Z")
_ROWS_AT_ONCE = 50
_USUAL_PACKET = 16 << 20
_ANSWER_S = 600.0
_KEYLESS = "without a key rows cannot be told apart; copy the table again, or give it a primary key"
_GONE = "the source has no such row any more, or its key cannot be written as text"
_Cells = tuple[tuple[bytes | None, ...], ...]


@dataclass(frozen=True)
class Repaired:
    """What stands in the file: rows that are put right, differences that are not, and in how many tables they are."""

    replaced: int
    deleted: int
    left_out: int
    tables: int


@dataclass(frozen=True)
class _Column:
    """A column of the source: `type` is the data type's name in lower case, `charset` None where it holds no text."""

    name: str
    type: str
    charset: str | None
    generated: bool

    @property
    def select(self) -> tuple[str, ...]:
        """How to read it: a member of an ENUM or SET by name and by number."""
        name = quote_name(self.name)
        if self.type in _MEMBERS:
            return name, f"CAST({name} AS UNSIGNED)"
        # A FLOAT's own text keeps six digits only; `+ 0e0` would lose the sign of zero.
        return (f"{name} * 1e0",) if self.type in _FLOATS else (name,)


class _CannotTell(Exception):
    """A key's value as it was shown does not say which value it is; the message says why."""


def write_repair(out: TextIO, source: Server, target: Server, outcome: Outcome, made: datetime) -> Repaired:
    """Write the repair of an outcome's differences.

    Args:
        out: where to, a file in UTF-8.
        source: read from, row by row.
        target: asked for its columns and triggers only.
        outcome: whose differences; those it does not list are not repaired.
        made: when this is, with a time zone.

    Raises:
        ServerError: a server is gone. That a table cannot be read is said in the file instead.
    """
    ordered = sorted(outcome.differences, key=lambda one: (one.table, one.key))
    out.writelines(line + "\n" for line in _header(source, target, outcome, made))
    repairs: list[_TableRepair] = []
    folds = bool(target.value("SELECT @@lower_case_table_names"))
    with contextlib.closing(_reader(source)) as reader:
        for table, found in groupby(ordered, key=lambda one: one.table):
            there = (table[0].lower(), table[1].lower()) if folds else table
            repair = _TableRepair(reader, table, target, there)
            out.writelines(line + "\n" for line in repair.lines(tuple(found)))
            repairs.append(repair)
    out.write("\n-- The end.\n")
    return Repaired(
        sum(one.replaced for one in repairs),
        sum(one.deleted for one in repairs),
        sum(one.left_out for one in repairs),
        len(repairs),
    )


def _reader(source: Server) -> Connection:
    """A session whose answers are the bytes that are stored."""
    reader = source.connect()
    reader.allow_answer_s(_ANSWER_S)
    reader.run("SET SESSION sql_mode = '', character_set_results = NULL")
    reader.raw.decoders = {}
    reader.raw.use_unicode = False
    return reader


def _header(source: Server, target: Server, outcome: Outcome, made: datetime) -> Iterator[str]:
    host, port, number = target.identity.hostname, target.identity.port, target.identity.server_id
    yield from _comment(
        f"Repair by `cutover verify`, made {made.isoformat(timespec='seconds')}.",
        f"It makes rows of {target.name} ({target.endpoint.address}) like those of {source.name} "
        f"({source.endpoint.address}), as these were when this file was made.",
        "Nothing of it was applied to any server. It holds data of your tables: keep it as safe as them.",
        "",
        "Find out first why the rows differ. Then, while nobody writes to these rows on the source and the target has "
        "caught up, run it on the target with the mysql client, and verify again. Never use --force.",
        "Triggers of the target fire; foreign keys do nothing. It stays out of the target's binary log, so that it "
        "does not come back to the source when that follows the target; for that the account needs SUPER, "
        "SYSTEM_VARIABLES_ADMIN or BINLOG ADMIN.",
    )
    listed = sum(max(1, one.rows) for one in outcome.differences)
    if listed < outcome.found:
        yield from _comment(f"NOT COMPLETE: of {outcome.found:,} differences {listed:,} are known here.")
    yield ""
    yield "SET NAMES utf8mb4;"
    yield (
        "SET SESSION time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES', "
        "foreign_key_checks = 0;"
    )
    yield from _comment("Fails (1242, more than 1 row) where it is run on another server than the target.")
    yield (
        f"SET @target = IF(CONCAT(@@hostname, ':', @@port, ':', @@server_id) = "
        f"{_text(f'{host}:{port}:{number}')}, 1, (SELECT 1 UNION ALL SELECT 2));"
    )
    yield "SET SESSION sql_log_bin = 0;"


class _TableRepair:
    """The repair of one table. The counts are known when all of its lines were taken."""

    def __init__(self, reader: Connection, table: Table, target: Server, there: Table) -> None:
        """`there`: the table on the target, which may keep names in lower case."""
        self._reader = reader
        self._table = table
        self._target = target
        self._there = there
        self.replaced = self.deleted = self.left_out = 0

    def lines(self, found: Sequence[Difference]) -> Iterator[str]:
        yield ""
        yield from _comment(f"{_quoted(self._table)}: {len(found):,} differing")
        try:
            columns = _columns(self._reader, self._table)
            yield from self._repair(found, columns, _written(self._target, self._there))
        except ConnectionLost:
            raise
        except StatementFailed as error:
            yield "ROLLBACK;"
            self.replaced = self.deleted = self.left_out = 0
            yield from self._leave_out(found, f"a server did not let it be read: {error}")

    def _repair(
        self, found: Sequence[Difference], columns: Mapping[str, _Column], written: frozenset[str]
    ) -> Iterator[str]:
        """`written`: the columns of the target that can be written, in lower case."""
        keyless = [one for one in found if not one.key]
        whole = "the table as a whole; create, copy or drop it yourself"
        for one in keyless:
            yield from self._leave_out([one], _KEYLESS if one.rows else whole)
        known: list[tuple[Difference, str]] = []
        for one in found:
            if not one.key:
                continue
            try:
                known.append((one, _where(one, columns)))
            except _CannotTell as error:
                yield from self._leave_out([one], str(error))
        if not known:
            return
        triggers = _triggers(self._target, self._there)
        if triggers:
            yield from _comment(f"TRIGGERS of the target that fire: {', '.join(triggers)}")
        both = [column for column in columns.values() if not column.generated and column.name.lower() in written]
        yield from self._statements(known, both)

    def _statements(self, known: Sequence[tuple[Difference, str]], columns: Sequence[_Column]) -> Iterator[str]:
        """Deletions first: a key may be equal, to the collation, to that of a row which is put in its place."""
        yield "START TRANSACTION;"
        present = []
        for (one, where), rows in zip(known, self._read("1", known, _ROWS_AT_ONCE), strict=True):
            if rows:
                present.append((one, where))
            elif one.kind is Kind.MISSING:
                yield from self._leave_out([one], _GONE)
            else:
                self.deleted += 1
                yield f"DELETE FROM {_quoted(self._there)} WHERE {where};"
        names = ", ".join(quote_name(column.name) for column in columns)
        wanted = ", ".join(text for column in columns for text in column.select)
        large = any(kind in column.type for column in columns for kind in _LARGE)
        for (one, _), rows in zip(present, self._read(wanted, present, 1 if large else _ROWS_AT_ONCE), strict=True):
            if not rows:
                yield from self._leave_out([one], _GONE)
                continue
            self.replaced += 1
            statement = (
                f"REPLACE INTO {_quoted(self._there)} ({names}) VALUES ({', '.join(_literals(columns, rows[0]))});"
            )
            if len(statement) > _USUAL_PACKET:
                yield from _comment(f"{_key(one)} needs a max_allowed_packet of {len(statement):,} bytes or more.")
            yield statement
        yield "COMMIT;"

    def _read(self, wanted: str, known: Sequence[tuple[Difference, str]], at_once: int) -> Iterator[_Cells]:
        """The source's row of each key, in as many round trips as `at_once` makes it; none where there is no such."""
        name = _quoted(self._table)
        for start in range(0, len(known), at_once):
            wheres = [where for _, where in known[start : start + at_once]]
            yield from self._reader.results([f"SELECT {wanted} FROM {name} WHERE {where}" for where in wheres])

    def _leave_out(self, found: Sequence[Difference], why: str) -> Iterator[str]:
        self.left_out += len(found)
        for one in found:
            rows = "" if one.rows <= 1 else f" ({one.rows:,} rows)"
            yield from _comment(f"NOT REPAIRED: {_key(one)}, {one.kind.value}{rows}: {why}")


def _columns(reader: Connection, table: Table) -> dict[str, _Column]:
    sql = (
        "SELECT column_name, data_type, character_set_name, extra FROM information_schema.columns WHERE "
        f"table_schema = {quote_text(table[0])} AND table_name = {quote_text(table[1])} ORDER BY ordinal_position"
    )
    found = {}
    for row in reader.rows(sql):
        name, kind, charset, extra = ("" if cell is None else cell.decode() for cell in row)
        found[name] = _Column(name, kind.lower(), charset.lower() or None, _is_generated(extra))
    return found


def _is_generated(extra: str) -> bool:
    """Whether the server works the value out itself; MariaDB before 10.2 says VIRTUAL and PERSISTENT."""
    words = extra.upper().split()
    return bool({"GENERATED", "VIRTUAL", "PERSISTENT"} & set(words))


def _written(server: Server, table: Table) -> frozenset[str]:
    """The columns of the target that a statement may give values to, in lower case."""
    rows = server.rows(
        "SELECT column_name, extra FROM information_schema.columns WHERE table_schema = %s AND table_name = %s", table
    )
    return frozenset(str(name).lower() for name, extra in rows if not _is_generated(str(extra)))


def _triggers(server: Server, table: Table) -> tuple[str, ...]:
    rows = server.rows(
        "SELECT trigger_name FROM information_schema.triggers WHERE event_object_schema = %s AND "
        "event_object_table = %s AND event_manipulation <> 'UPDATE' ORDER BY 1",
        table,
    )
    return tuple(str(name) for (name,) in rows)


def _literals(columns: Sequence[_Column], cells: Sequence[bytes | None]) -> tuple[str, ...]:
    """A row of the source as SQL."""
    found, at = [], iter(cells)
    for column in columns:
        value = next(at)
        number = next(at) if column.type in _MEMBERS else None
        if value is None:
            found.append("NULL")
        elif number is not None and not value:
            # A value that is no member and the member '' look alike.
            found.append(number.decode("ascii"))
        else:
            found.append(_literal(column, value))
    return tuple(found)


def _literal(column: _Column, value: bytes) -> str:
    """A value as the text protocol gives it, as SQL."""
    if column.type in _NUMBERS:
        return value.decode("ascii")
    if column.type in _FLOATS:
        text = value.decode("ascii")
        return text if "e" in text else f"{text}e0"
    if column.type in _TIMES:
        return f"'{value.decode('ascii')}'"
    if column.type == "bit":
        return f"b'{int.from_bytes(value, 'big'):b}'"
    if column.type in _TEXT_FORM:
        return _text(value.decode())
    return _bytes_in(column.charset, value)


def _bytes_in(charset: str | None, value: bytes) -> str:
    if not value:
        return "''"
    if charset is None or charset == "binary":
        return f"0x{value.hex()}"
    try:
        if charset in _UTF8:
            return _text(value.decode())
        if charset in _LIKE_ASCII and _harmless(value.decode("ascii")):
            return _text(value.decode("ascii"))
    except UnicodeDecodeError:
        pass
    return f"_{charset} 0x{value.hex()}"


def _harmless(text: str) -> bool:
    return text.isprintable() and "\\" not in text


def _text(text: str) -> str:
    """Text in quotes where it means the same under each `sql_mode`, else in hexadecimal.

    No byte of UTF-8 before a quote can swallow it, in no character set that a client may take the file for: the second
    bytes of characters begin at 0x40, or are digits.
    """
    return "'" + text.replace("'", "''") + "'" if _harmless(text) else quote_text(text)


def _where(one: Difference, columns: Mapping[str, _Column]) -> str:
    """Which row it is, from its key as it was shown.

    Raises:
        _CannotTell: that does not say it.
    """
    parts = []
    for name, shown in one.key:
        column = columns.get(name)
        if column is None:
            raise _CannotTell(f"the source has no column {name} any more")
        parts.append(_equals(column, shown))
    return " AND ".join(parts)


def _equals(column: _Column, shown: str) -> str:
    name = quote_name(column.name)
    if _CUT.search(shown):
        raise _CannotTell("its key is too long to be shown in full")
    if column.type in _NUMBERS or column.type == "year":
        return f"{name} = {_matching(_NUMBER, shown)}"
    if column.type in _FLOATS:
        return f"{name} = {_float(_matching(_FLOAT, shown), column.type)}"
    if column.type == "bit":
        return f"{name} = {_bits(shown)}"
    if column.charset is None and column.type not in _TIMES | _TEXT_FORM:
        return f"{name} = {_hex(shown)}"
    if column.type == "enum" and not shown:
        raise _CannotTell("its key is '', which a member and what is no member have in common")
    if column.charset is None or column.type in _MEMBERS:
        return f"{name} = {_text(shown)}"
    text = _text(shown)
    # The first uses the index and is as exact as the collation, the second is exact in any character set.
    return f"{name} = {text} AND CAST(CONVERT({name} USING utf8mb4) AS BINARY) = CAST({text} AS BINARY)"


def _matching(pattern: re.Pattern[str], shown: str) -> str:
    if not pattern.fullmatch(shown):
        raise _CannotTell(f"its key was shown as {shown}, which is no number")
    return shown


def _float(shown: str, kind: str) -> str:
    number = float(shown)
    if kind == "float":
        # As the server widens it: 0.1 is not the FLOAT 0.1.
        number = struct.unpack("<f", struct.pack("<f", number))[0]
    text = repr(number)
    return text if "e" in text else f"{text}e0"


def _bits(shown: str) -> str:
    match = _BITS.fullmatch(shown)
    if match is None:
        raise _CannotTell(f"its key was shown as {shown}, which is no BIT value")
    return str(int(match[1], 2) if match[1] else int(match[2], 16))


def _hex(shown: str) -> str:
    match = _HEX.fullmatch(shown)
    if match is None:
        raise _CannotTell(f"its key was shown as {shown}, which are no bytes")
    return shown if match[1] else "''"


def _quoted(table: Table) -> str:
    return ".".join(quote_name(name) for name in table)


def _key(one: Difference) -> str:
    return ", ".join(f"{quote_name(name)} = {value}" for name, value in one.key) or "rows"


def _comment(*lines: str) -> Iterator[str]:
    """Comments that stay comments, whatever is in them, and steer no terminal."""
    for line in lines:
        yield "-- " + "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
