"""Ranges of numbers that keys begin with: what is kept of keys that are too many to be kept one by one.

A range holds all the numbers that it was made of, and others between them; rows of those are read in vain, and never
the other way round.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from itertools import pairwise

Ranges = tuple[tuple[int, int], ...]
"""In ascending order, both ends included; none touches another."""

_MOST, _LEAST = 1_000, 16
# A range is to stand for so many keys at least, or nothing would be gained.
_KEYS_A_RANGE = 64
# As many ranges as this are not put together yet.
_UNITED = 4 * _MOST


def ranges_of(numbers: Iterable[int], apart: int) -> Ranges:
    """Ranges that hold these numbers; two that are no more than `apart` from each other are in one."""
    found = sorted(numbers)
    return _cut(found, found, apart, max(_LEAST, min(_MOST, len(found) // _KEYS_A_RANGE)))


def united(one: Ranges, other: Ranges) -> Ranges:
    """Ranges that hold both."""
    lows, highs = list[int](), list[int]()
    for low, high in sorted((*one, *other)):
        if highs and low <= highs[-1] + 1:
            highs[-1] = max(highs[-1], high)
        else:
            lows.append(low)
            highs.append(high)
    return _cut(lows, highs, 1, len(lows) if len(lows) <= _UNITED else _MOST)


def _cut(lows: Sequence[int], highs: Sequence[int], apart: int, most: int) -> Ranges:
    """At most so many ranges that hold those with these ends, which are in order: cut where the gaps are widest."""

    def gap(at: int) -> int:
        return lows[at] - highs[at - 1]

    # There may be very many: no list of all gaps is made.
    wide = heapq.nlargest(most - 1, (at for at in range(1, len(lows)) if gap(at) > apart), key=gap)
    cuts = [0, *sorted(wide), len(lows)]
    return tuple((lows[first], highs[last - 1]) for first, last in pairwise(cuts) if last > first)
