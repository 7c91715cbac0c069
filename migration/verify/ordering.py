"""Keys as numbers that are in the order in which both servers put the keys: for ranges that hold all of some keys.

Integers are numbers. Bytes are, read as digits. Text is where its order is known for certain: in collations whose
order the servers cannot change any more, since their indexes are in it, and of signs of which each counts for itself,
whatever stands beside it. Of any other text there is no number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from migration.verify.catalogue import Listed
from migration.verify.shapes import INTEGERS, Shape, Way
from providers.mysql.packets.wire import FIXED, WireType, counted

# Of longer keys only so much decides where they stand.
_DIGITS = 32
_PRINTABLE = bytes(range(0x21, 0x7F))
_CAPITALS = _PRINTABLE.translate(None, b"abcdefghijklmnopqrstuvwxyz")
# Unicode's default collation: some of its punctuation, which all its versions have in one order, then all the rest.
_UNICODE = b"_-:.@0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# Signs in their order, by character set and by what a collation's name ends with. A space counts less than any of
# them: so a text stands before all that begin with it, whether or not the collation pads with spaces.
_SIGNS = {
    **{(charset, "bin"): _PRINTABLE for charset in ("ascii", "latin1", "utf8mb3", "utf8mb4")},
    **{(charset, "general_ci"): _CAPITALS for charset in ("ascii", "utf8mb3", "utf8mb4")},
    **{
        (charset, name): _UNICODE
        for charset in ("utf8mb3", "utf8mb4")
        for name in ("unicode_ci", "unicode_520_ci", "uca1400_ai_ci")
    },
    ("utf8mb4", "0900_bin"): _PRINTABLE,
    ("utf8mb4", "0900_ai_ci"): _UNICODE,
    ("latin1", "swedish_ci"): _CAPITALS,
}


class Order(Protocol):
    """The values of one column as numbers."""

    def number(self, raw: bytes) -> int | None:
        """Of a value as it stands in a log; None where it has none."""

    def first(self, number: int, column: WireType) -> bytes:
        """A value, as a row has it, that is no greater than any with this number or a greater one."""

    def last(self, number: int, column: WireType) -> bytes:
        """A value, as a row has it, that is no less than any with this number or a smaller one."""


def order_of(shape: Shape) -> Order | None:
    """The order of what the table's key begins with; None where it is not known, or not the same in both logs."""
    if shape.way not in (Way.INTEGER, Way.KEYSET):
        return None
    here, there = shape.key[0].column, shape.key[0].other
    if here.data_type in INTEGERS:
        alike = here.data_type == there.data_type and _unsigned(here) == _unsigned(there)
        return Integers(not _unsigned(here)) if alike else None
    size = max(_size(here), _size(there))
    if here.data_type != there.data_type or not size:
        return None
    if here.data_type in ("binary", "varbinary"):
        return Bytes(size)
    signs = _signs(here) if here.data_type in ("char", "varchar") else None
    return None if signs is None else Texts(signs, size)


def _unsigned(column: Listed) -> bool:
    return "unsigned" in column.column_type


def _size(column: Listed) -> int:
    found = re.search(r"\((\d+)\)", column.column_type)
    return int(found[1]) if found else 0


def _signs(column: Listed) -> bytes | None:
    name = column.collation.replace("_nopad", "").removeprefix(f"{column.charset}_")
    return _SIGNS.get((column.charset, name))


@dataclass(frozen=True)
class Integers:
    """Integers."""

    signed: bool

    def number(self, raw: bytes) -> int | None:
        """The value."""
        return int.from_bytes(raw, "little", signed=self.signed)

    def first(self, number: int, column: WireType) -> bytes:
        """The value."""
        return number.to_bytes(FIXED[column.type], "little", signed=self.signed)

    last = first


@dataclass(frozen=True)
class Bytes:
    """Bytes, up to `size` of them; zero bytes at the end count for nothing here, as the log may leave them out."""

    size: int

    @property
    def _digits(self) -> int:
        return min(self.size, _DIGITS)

    def number(self, raw: bytes) -> int | None:
        """The first bytes as digits."""
        return int.from_bytes(raw[: self._digits].ljust(self._digits, b"\0"), "big")

    def first(self, number: int, column: WireType) -> bytes:
        """Without zero bytes at its end."""
        return counted(number.to_bytes(self._digits, "big").rstrip(b"\0"))

    def last(self, number: int, column: WireType) -> bytes:
        """As long as can be."""
        return counted(number.to_bytes(self._digits, "big").ljust(self.size, b"\xff"))


@dataclass(frozen=True)
class Texts:
    """Text of up to `size` characters, all of them among `signs`, which are in their order."""

    signs: bytes
    size: int

    @property
    def _digits(self) -> int:
        return min(self.size, _DIGITS)

    def number(self, raw: bytes) -> int | None:
        """The first characters' ranks as digits."""
        ranks = raw.translate(_ranks(self.signs))
        if b"\0" in ranks:
            return None
        return int.from_bytes(ranks[: self._digits].ljust(self._digits, b"\0"), "big")

    def first(self, number: int, column: WireType) -> bytes:
        """The shortest that has the number."""
        return counted(self._text(number))

    def last(self, number: int, column: WireType) -> bytes:
        """What is cut off in the number may have been any text."""
        text = self._text(number)
        return counted(text.ljust(self.size, self.signs[-1:]) if len(text) == self._digits else text)

    def _text(self, number: int) -> bytes:
        return bytes(self.signs[rank - 1] for rank in number.to_bytes(self._digits, "big").rstrip(b"\0"))


@lru_cache
def _ranks(signs: bytes) -> bytes:
    """A table that makes each of the signs its rank, from 1 on, and all else 0."""
    ranks = bytearray(256)
    for rank, sign in enumerate(signs, 1):
        ranks[sign] = rank
    for small, capital in zip(range(ord("a"), ord("z") + 1), range(ord("A"), ord("Z") + 1), strict=True):
        # Where only capitals have a rank, small letters are equal to them.
        ranks[small] = ranks[small] or ranks[capital]
    return bytes(ranks)
