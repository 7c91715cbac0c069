"""Checksums that each server computes over a range of rows, for links that are too slow for the rows themselves.

Equal rows have equal checksums; unequal ones have equal ones with a probability that `Hash.miss` states, for a chunk
whose rows changed at random. What is hashed of a row is a text from which every value can be told: lengths stand
before the texts, NULLs are marked, floating point numbers have all their digits. Where a server cannot compute it,
since the text is longer than its max_allowed_packet, the checksum becomes a random one, so that the rows are read.
"""

from __future__ import annotations

from dataclasses import dataclass

from migration.verify.shapes import Shape
from migration.verify.signatures import NUMBERED, Select, numbered
from providers.mysql.packets.packets import Packets
from providers.mysql.version import Version

_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")
_BYTES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob", "vector", "uuid", "inet4", "inet6")
# Knuth's multiplier: XOR of plain CRC32s does not see two rows that exchange a value.
_SPREAD = 2654435761
_RANDOM = "CAST(FLOOR(RAND() * 1e18) AS UNSIGNED)"


@dataclass(frozen=True)
class Hash:
    """A checksum over rows of one table. `bits`: of the checksum that count. `chunk_bytes`: of rows for one of them."""

    shape: Shape
    aggregate: str
    bits: int
    chunk_bytes: int = 8 << 20

    @property
    def miss(self) -> float:
        """The probability that a chunk with a difference has the same checksum on both servers."""
        return 2.0**-self.bits

    def over(self, side: int, where: str) -> str:
        """The statement that counts the rows of a range and computes their checksum; `where` with WHERE, or empty."""
        shape = self.shape
        return f"SELECT COUNT(*), {self.aggregate} FROM {shape.quoted(side)}{shape.hint(side)}{where}"

    def rows(self, answer: Packets) -> int:
        """How many rows the checksum is of."""
        for buffer, start, _ in answer.rows():
            # Two columns that are never NULL: a zero byte, two of marks for NULL at most, and the count.
            at = start + 1 + (2 + 9) // 8
            return int.from_bytes(buffer[at : at + 8], "little")
        return 0


def hash_of(shape: Shape, source: Version, target: Version) -> Hash:
    """The strongest checksum that both servers can combine over rows: SHA-256 from MySQL 8.0 on, else CRC32."""
    text = row_text(shape)
    if source.mysql_from(8, 0) and target.mysql_from(8, 0):
        # BIT_XOR over bytes: MySQL manual, "Aggregate Function Descriptions", from 8.0 on.
        # Without the CAST it takes the arguments for longer than it can combine.
        return Hash(shape, f"BIT_XOR(CAST(IFNULL(UNHEX(SHA2({text}, 256)), RANDOM_BYTES(32)) AS BINARY(32)))", 256)
    return Hash(shape, f"BIT_XOR(IFNULL(CRC32({text}) * {_SPREAD}, {_RANDOM}))", 32)


def strong_sum(shape: Shape) -> str:
    """A sum over rows that tells multisets of them apart, with 64 bits."""
    number = f"CAST(CONV(LEFT(SHA2({row_text(shape)}, 256), 16), 16, 10) AS DECIMAL(20, 0))"
    return f"SUM(IFNULL({number}, {_RANDOM}))"


def fingerprint(shape: Shape) -> str:
    """A text of 256 bits that tells rows apart; NULL for a row that is too long."""
    return f"SHA2({row_text(shape)}, 256)"


def row_text(shape: Shape) -> str:
    """SQL for a text from which every value of a row can be told."""
    return text_of(shape.columns)


def text_of(columns: tuple[Select, ...]) -> str:
    """SQL for a text from which every value of these columns can be told; NULL where it is too long."""
    numbers, lengths, texts = [], [], []
    for select in columns:
        content = _content(select)
        if content is None:
            numbers.append(_number(select))
            continue
        lengths.append(f"LENGTH({content})")
        # Only a missing value is left out: one that is too long to be converted must not look like it.
        texts.append(f"IF({select.quoted} IS NULL, '', {content})" if select.column.nullable else content)
    nulls = [f"ISNULL({select.quoted})" for select in columns if select.column.nullable]
    flags = [f"CONCAT({', '.join(nulls)})"] if nulls else []
    front = f"CONCAT_WS('#', '', {', '.join([*numbers, *flags, *lengths])})"
    return f"CONCAT({front}, '#', {', '.join(texts)})" if texts else front


def _number(select: Select) -> str:
    kind = select.column.data_type
    if kind == "float":
        # As text it has six digits; adding would lose the sign of -0.0.
        return f"({select.quoted} * 1e0)"
    return numbered(select.quoted) if kind in NUMBERED else select.quoted


def _content(select: Select) -> str | None:
    """SQL for a value that is text or bytes, None for others."""
    kind = select.column.data_type
    if kind in _TEXTS or kind in _BYTES:
        return f"CAST({select.sql} AS BINARY)"
    if kind == "json":
        return f"CAST(CAST({select.quoted} AS CHAR) AS BINARY)"
    if kind.startswith(("geom", "point", "line", "poly", "multi")):
        return f"HEX({select.quoted})"
    return None
