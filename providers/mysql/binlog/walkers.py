"""Functions that walk over the rows of an event and take out the keys only, written for one table at a time.

What a row event holds is known when its table map has been read: which columns are how long, and where the key's
columns stand. A function written for just that costs a few bytecodes a row, where going through the columns would
cost a loop. Source of the layout: MySQL source code documentation, "Rows_log_event": for each row a bitmap of NULLs
over the columns that are present, then their values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

Key = tuple[bytes, ...]
Add = Callable[[Key | None], None]
Walker = Callable[[bytes, int, int, Add, Callable[[], None]], int]
"""`walk(buffer, start, end, add, moved)`: calls `add` with each key, None where a key is not all there, and `moved`
where an update has changed a key; gives back where the last row ended, which is `end` unless it was misread."""

# Generated functions that are kept: a few for each table that is written to.
_KEPT = 2048


class Width(NamedTuple):
    """How long a column's value is: `size` bytes, or, where `counted`, as many as its first `size` bytes say."""

    counted: bool
    size: int


def columns_in(bitmap: bytes, columns: int) -> tuple[int, ...]:
    """The columns whose bit is set."""
    return tuple(number for number in range(columns) if bitmap[number >> 3] >> (number & 7) & 1)


@lru_cache(_KEPT)
def single(widths: tuple[Width, ...], keys: tuple[int, ...], present: tuple[int, ...]) -> Walker:
    """The walker over rows of one image: those of inserts and of deletes."""
    parts = [f"k{key}" for key in keys] if set(keys) <= set(present) else []
    lines = _image(widths, keys, present, "k", f"key = {_plain(parts)}", f"key = {_checked(parts)}")
    return _compiled([*lines, "  add(key)"])


@lru_cache(_KEPT)
def double(widths: tuple[Width, ...], keys: tuple[int, ...], before: tuple[int, ...], after: tuple[int, ...]) -> Walker:
    """The walker over rows of two images: those of updates.

    A key's column that is not in the second image has kept its value.
    """
    parts = [f"k{key}" for key in keys] if set(keys) <= set(before) else []
    lines = _image(widths, keys, before, "k", f"old = {_plain(parts)}", f"old = {_checked(parts)}")
    if not set(keys) & set(after):
        return _compiled([*lines, *_image(widths, keys, after, "n", "", ""), "  add(old)"])
    parts = [f"n{key}" if key in after else f"k{key}" for key in keys] if {*before, *after} >= set(keys) else []
    # What the second image has taken over from the first may be NULL there.
    new = f"new = {_plain(parts) if set(keys) <= set(after) else _checked(parts)}"
    lines += _image(widths, keys, after, "n", new, f"new = {_checked(parts)}")
    return _compiled([*lines, "  add(old)", "  if new != old:", "   add(new)", "   moved()"])


def unread(buffer: bytes, start: int, end: int, add: Add, moved: Callable[[], None]) -> int:
    """The walker over rows of one image whose keys cannot be told."""
    add(None)
    return end


def unread_pair(buffer: bytes, start: int, end: int, add: Add, moved: Callable[[], None]) -> int:
    """The walker over rows of two images whose keys cannot be told, nor whether they are the same."""
    moved()
    add(None)
    return end


def _compiled(body: Sequence[str]) -> Walker:
    source = "\n".join(["def walk(b, p, end, add, moved):", " while p < end:", *body, " return p"])
    made: dict[str, Any] = {}
    # Only numbers of the table map are in the source, never a name.
    exec(source, made)  # noqa: S102
    walker: Walker = made["walk"]
    return walker


def _plain(parts: Sequence[str]) -> str:
    return f"({', '.join(parts)},)" if parts else "None"


def _checked(parts: Sequence[str]) -> str:
    """The key, None where a column of it is NULL."""
    return f"None if {' or '.join(f'{part} is None' for part in parts)} else {_plain(parts)}" if parts else "None"


def _image(
    widths: Sequence[Width], keys: Sequence[int], present: Sequence[int], side: str, plain: str, checked: str
) -> list[str]:
    """Walk over one image: `{side}{column}` become the values of the key's columns.

    `plain` is done at the end of a row without NULLs, `checked` of one with some.
    """
    size = (len(present) + 7) // 8
    mask = (1 << len(present)) - 1
    if size == 1:
        nulls = f"b[p] & {mask}"
    elif size == 2:
        nulls = f"(b[p] | b[p + 1] << 8) & {mask}"
    else:
        nulls = f"int.from_bytes(b[p:p + {size}], 'little') & {mask}"
    return [
        f"  nulls = {nulls}",
        "  if nulls:",
        *_with_nulls(widths, keys, present, side, size),
        f"   {checked}",
        "  else:",
        *_without_nulls(widths, keys, present, side, size),
        f"   {plain}",
    ]


def _without_nulls(
    widths: Sequence[Width], keys: Sequence[int], present: Sequence[int], side: str, size: int
) -> list[str]:
    # `ahead`: how far the place is behind what has been walked over; columns of fixed width cost nothing.
    lines, ahead = [], size
    for column in present:
        width = widths[column]
        if not width.counted:
            if column in keys:
                lines.append(f"   {side}{column} = b[p + {ahead}:p + {ahead + width.size}]")
            ahead += width.size
            continue
        start = ahead + width.size
        if column in keys:
            lines.append(f"   n = {_count('p', ahead, width.size)}")
            lines.append(f"   {side}{column} = b[p + {start}:p + {start} + n]")
            lines.append(f"   p += {start} + n")
        else:
            lines.append(f"   p += {start} + {_count('p', ahead, width.size)}")
        ahead = 0
    return [*lines, f"   p += {ahead}"]


def _with_nulls(
    widths: Sequence[Width], keys: Sequence[int], present: Sequence[int], side: str, size: int
) -> list[str]:
    lines = [f"   p += {size}"]
    for bit, column in enumerate(present):
        width = widths[column]
        if column in keys:
            lines.append(f"   {side}{column} = None")
        lines.append(f"   if not nulls & {1 << bit}:")
        if not width.counted:
            lines += [f"    {side}{column} = b[p:p + {width.size}]"] if column in keys else []
            lines.append(f"    p += {width.size}")
            continue
        lines.append(f"    n = {width.size} + {_count('p', 0, width.size)}")
        lines += [f"    {side}{column} = b[p + {width.size}:p + n]"] if column in keys else []
        lines.append("    p += n")
    return lines


def _count(place: str, ahead: int, size: int) -> str:
    """The little-endian number of `size` bytes that stands `ahead` of a place."""
    parts = [f"b[{place} + {ahead + byte}]" + (f" << {8 * byte}" if byte else "") for byte in range(size)]
    return f"({' | '.join(parts)})"
