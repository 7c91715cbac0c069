"""Where an answer ends: told by a nonce that was asked for behind it, or by walking over its packets."""

from __future__ import annotations

import secrets
import struct
from typing import Protocol

from providers.mysql.packets.wire import MOST, Buffer, length_encoded, packed

EOF_SIZE = 9
"""Bytes of the packet that ends a result's columns, and its rows."""
_OK, _EOF, _ERR = 0x00, 0xFE, 0xFF
_LENGTH = struct.Struct("<I")


class Ending(Protocol):
    """How a reader knows that an answer is complete."""

    @property
    def request(self) -> bytes:
        """What is sent behind every request."""

    @property
    def behind(self) -> int:
        """Bytes that stand behind the answer, and do not belong to it."""

    def begin(self) -> None:
        """A new answer is expected."""

    def complete(self, buffer: Buffer, have: int) -> bool:
        """Whether the answer is complete, with `have` bytes of it in the buffer; asked after every reading."""


class Nonce:
    """Every request is followed by a query for a number that nobody can guess: its answer ends the answer.

    So no packet of the answer has to be looked at. `behind` is learned from the first answer to that query.
    """

    def __init__(self) -> None:
        word = secrets.token_hex(16).encode()
        self.request = packed(b"\x03SELECT '" + word + b"' AS a")
        self.behind = 0
        self._row = bytes((len(word),)) + word
        self._least = len(self._row) + EOF_SIZE

    def learn(self, answer: Buffer, have: int) -> bool:
        """Take the first answer to the query alone; False where it is not what was asked for."""
        self.behind = have
        return self.complete(answer, have)

    def begin(self) -> None:
        """Nothing is kept from answer to answer."""

    def complete(self, buffer: Buffer, have: int) -> bool:
        """Whether the nonce's row and the packet that ends it are the last that came."""
        return (
            have >= self._least
            and buffer[have - 5] == _EOF
            and buffer[have - 9] == 5
            and buffer[have - self._least : have - EOF_SIZE] == self._row
        )


class Walk:
    """Goes from packet to packet as they come: for connections that do not take a request behind a request."""

    request = b""
    behind = 0

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Start before the first packet."""
        self._at = 0
        self._columns = -1
        self._goes_on = False

    def complete(self, buffer: Buffer, have: int) -> bool:
        """Whether the packet that ends the answer has come."""
        at, unpack = self._at, _LENGTH.unpack_from
        while at + 4 <= have:
            size = unpack(buffer, at)[0] & MOST
            if at + 4 + size > have:
                break
            first, began = buffer[at + 4] if size else -1, at
            at += 4 + size
            if self._columns:
                if self._head(buffer, began, first):
                    return True
                continue
            if first >= _EOF and not self._goes_on and (first == _ERR or size < EOF_SIZE):
                return True
            self._goes_on = size == MOST
        self._at = at
        return False

    def _head(self, buffer: Buffer, at: int, first: int) -> bool:
        """Take a packet that comes before the rows; whether it is the answer's only or last one."""
        if self._columns < 0:
            if first in (_OK, _EOF, _ERR):
                return True
            self._columns = length_encoded(buffer, at + 4)[0] + 1  # and the packet that ends them
            return False
        self._columns -= 1
        return first == _ERR
