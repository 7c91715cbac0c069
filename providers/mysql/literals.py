"""Rows as SQL literals, byte for byte: what leaves one server enters the other unchanged.

Both sessions use the `binary` character set, so no text is converted on the way. MySQL manual, "String
Literals" and "Conversion of JSON"; MariaDB documentation, "Character Set and Collation Overview".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_NUMBERS = {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year"}
# Types whose text form is converted when it comes as text, and taken for their inner form when it comes as bytes.
_TEXT_FORM = {"json", "uuid", "inet4", "inet6"}

Encode = Callable[[bytes], bytes]


def quote_name(name: str) -> str:
    """An identifier in backticks."""
    return "`" + name.replace("`", "``") + "`"


def quote_text(text: str) -> str:
    """A string literal, whatever sql_mode is: hexadecimal, in the character set of our sessions."""
    return f"_utf8mb4 0x{text.encode().hex()}" if text else "''"


def _quoted(value: bytes) -> bytes:
    return b"'" + value.replace(b"\\", b"\\\\").replace(b"'", b"\\'") + b"'"


def _bare(value: bytes) -> bytes:
    return value


def _text(value: bytes) -> bytes:
    return b"CONVERT(" + _quoted(value) + b" USING utf8mb4)"


@dataclass(frozen=True)
class Column:
    """A stored column of a table; `type` is the data type's name in lower case."""

    name: str
    type: str

    @property
    def select(self) -> str:
        """How to read it. A FLOAT is widened first: its own text keeps six digits only."""
        return f"{quote_name(self.name)} + 0e0" if self.type == "float" else quote_name(self.name)

    @property
    def encode(self) -> Encode:
        """How to write a value of it."""
        if self.type in _NUMBERS:
            return _bare
        return _text if self.type in _TEXT_FORM else _quoted


def encode_rows(columns: Sequence[Column], rows: Sequence[Sequence[bytes | None]]) -> bytes:
    """The VALUES list of an INSERT."""
    encoders = [column.encode for column in columns]
    lines = []
    for row in rows:
        cells = [b"NULL" if cell is None else encode(cell) for encode, cell in zip(encoders, row, strict=True)]
        lines.append(b"(" + b",".join(cells) + b")")
    return b",".join(lines)
