"""Sets of global transaction identifiers, of both families.

MySQL: `uuid[:tag]:1-5:7,uuid:...` (MySQL manual, "GTID Sets"). MariaDB: `domain-server-sequence,...`, where
the last sequence number of a domain stands for everything before it (MariaDB manual, "Global Transaction ID").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

Interval = tuple[int, int]


def merge(intervals: Iterable[Interval]) -> tuple[Interval, ...]:
    """Intervals in order, those that touch made one."""
    merged: list[Interval] = []
    for first, last in sorted(intervals):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def _subtract(left: tuple[Interval, ...], right: tuple[Interval, ...]) -> tuple[Interval, ...]:
    rest: list[Interval] = []
    for first, last in left:
        at = first
        for cut_first, cut_last in right:
            if cut_last < at or cut_first > last:
                continue
            if cut_first > at:
                rest.append((at, cut_first - 1))
            at = cut_last + 1
        if at <= last:
            rest.append((at, last))
    return tuple(rest)


@dataclass(frozen=True)
class GtidSet:
    """A set of MySQL GTIDs: intervals by source id (`uuid`, or `uuid:tag` since 8.3)."""

    intervals: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the server's notation.

        Raises:
            ValueError: not a GTID set.
        """
        found: dict[str, list[Interval]] = {}
        for part in re.sub(r"\s", "", text).split(","):
            if not part:
                continue
            uuid, *ranges = part.split(":")
            source = uuid.lower()
            for piece in ranges:
                if not piece[:1].isdigit():
                    source = f"{uuid.lower()}:{piece}"
                    continue
                first, _, last = piece.partition("-")
                found.setdefault(source, []).append((int(first), int(last or first)))
            if not ranges:
                raise ValueError(f"not a GTID set: {text!r}")
        return cls({source: merge(ranges) for source, ranges in found.items()})

    def count(self) -> int:
        """How many transactions are in the set."""
        return sum(last - first + 1 for ranges in self.intervals.values() for first, last in ranges)

    def minus(self, other: GtidSet) -> GtidSet:
        """What is in this set and not in the other."""
        rest = {source: _subtract(ranges, other.intervals.get(source, ())) for source, ranges in self.intervals.items()}
        return GtidSet({source: ranges for source, ranges in rest.items() if ranges})

    def plus(self, other: GtidSet) -> GtidSet:
        """What is in either set."""
        found = {source: (*self.intervals.get(source, ()), *ranges) for source, ranges in other.intervals.items()}
        return GtidSet({**self.intervals, **{source: merge(ranges) for source, ranges in found.items()}})

    def within(self, other: GtidSet) -> bool:
        """Whether every transaction of this set is in the other."""
        return not self.minus(other).intervals

    def of_source(self, uuid: str) -> GtidSet:
        """The part that was first committed on the server with this `server_uuid`."""
        own = {s: r for s, r in self.intervals.items() if s.split(":")[0] == uuid.lower()}
        return GtidSet(own)

    def __str__(self) -> str:
        parts = []
        for source, ranges in sorted(self.intervals.items()):
            spans = ":".join(f"{a}-{b}" if a != b else f"{a}" for a, b in ranges)
            parts.append(f"{source}:{spans}")
        return ",".join(parts)


@dataclass(frozen=True)
class MariaGtid:
    """A MariaDB GTID position: by domain the server id and sequence number of the last transaction."""

    domains: Mapping[int, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the server's notation.

        Raises:
            ValueError: not a GTID position.
        """
        domains: dict[int, tuple[int, int]] = {}
        for part in re.sub(r"\s", "", text).split(","):
            if not part:
                continue
            domain, server, sequence = (int(number) for number in part.split("-"))
            if domain not in domains or domains[domain][1] < sequence:
                domains[domain] = (server, sequence)
        return cls(domains)

    def count(self) -> int:
        """The sum of the sequence numbers: grows by one with each transaction of a strict domain."""
        return sum(sequence for _, sequence in self.domains.values())

    def within(self, other: MariaGtid) -> bool:
        """Whether the other position has at least this sequence number in each domain."""
        return all(sequence <= other.domains.get(domain, (0, 0))[1] for domain, (_, sequence) in self.domains.items())

    def behind(self, other: MariaGtid) -> int:
        """How many sequence numbers this position is behind the other."""
        mine = self.domains
        return sum(max(0, seq - mine.get(domain, (0, 0))[1]) for domain, (_, seq) in other.domains.items())

    def __str__(self) -> str:
        return ",".join(f"{domain}-{server}-{seq}" for domain, (server, seq) in sorted(self.domains.items()))
