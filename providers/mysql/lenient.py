"""A text codec for what servers send: UTF-8, with a mark in place of what is not.

Servers do send text that is not: SHOW PROCESSLIST cuts a statement off after 100 bytes, in the middle of a
character where one stands there.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

NAME = "cutover-utf8-lenient"


def _decode(data: Buffer, errors: str = "strict", /) -> tuple[str, int]:
    return codecs.utf_8_decode(data, "replace", True)


def _find(name: str) -> codecs.CodecInfo | None:
    if name.replace("_", "-") != NAME:
        return None
    return codecs.CodecInfo(codecs.utf_8_encode, _decode, name=NAME)


codecs.register(_find)
