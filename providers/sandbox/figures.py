"""What the workload's clients saw: write gap, overlap, losses."""

from __future__ import annotations

import itertools
import statistics
import threading
from array import array
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

_RING = 4_000
_RATE_WINDOW_NS = 2 * 10**9
_LISTED = 20


@dataclass(frozen=True)
class Spell:
    """A time during which one server took writes, by its clients' evidence (monotonic nanoseconds).

    It reaches from the first answer of success to the start of the last statement that succeeded, so it is
    never longer than the truth. `first_write` and `last_write` are answers to writes of rows, 0 if none.
    """

    server: int
    first_ack: int
    last_start: int
    first_write: int
    last_write: int


@dataclass(frozen=True)
class Switch:
    """The clients' move from one server to the other.

    `write_gap_ms` is the time from the last acknowledged write on the old server to the first on the new
    one, `both_writable_ms` the time during which both took writes. `after_s` counts from the workload's start.
    """

    old: str
    new: str
    after_s: float
    write_gap_ms: float
    both_writable_ms: float


@dataclass(frozen=True)
class WorkloadFigures:
    """All figures since the workload's start; lost writes are None until they have been looked for.

    `write_gap_ms` is that of the latest switch. `normal_distance_ms` is the median time between two
    acknowledged writes: a gap of that size is no gap at all. `unknown_outcomes` counts writes whose answer
    never came, `unknown_resolved` those of them whose outcome is known by now. `follower_servers` tells on
    which server each following client is, `errors` how often each code came from each server.
    """

    acknowledged_writes: int
    acknowledged_per_s: float
    write_gap_ms: float | None
    normal_distance_ms: float | None
    both_writable_ms: float
    lost_writes: int | None
    lost_ids: tuple[int, ...]
    unknown_outcomes: int
    unknown_resolved: int
    follower_servers: tuple[str, ...]
    errors: Mapping[str, Mapping[str, int]]
    switches: tuple[Switch, ...]
    armed: bool
    paused: bool

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> WorkloadFigures:
        """The reverse of `as_json`."""
        switches = tuple(Switch(**switch) for switch in content["switches"])
        servers, lost = tuple(content["follower_servers"]), tuple(content["lost_ids"])
        return WorkloadFigures(**{**content, "switches": switches, "follower_servers": servers, "lost_ids": lost})


class Recorder:
    """Collects what the clients see; every method may be called from any thread."""

    def __init__(self, servers: Sequence[str], now_ns: int) -> None:
        self.servers = tuple(servers)
        self._began = now_ns
        self._lock = threading.Lock()
        self._spells: list[Spell] = []
        self._current: list[int | None] = [None] * len(self.servers)
        self._refused_at = [0] * len(self.servers)
        self._ids = array("q")
        self._recent: deque[int] = deque(maxlen=_RING)
        self._errors: tuple[Counter[int], ...] = tuple(Counter() for _ in self.servers)
        self._unknown: set[int] = set()
        self._resolved = 0
        self._latest = (0, 0)

    def acknowledged(self, server: int, start: int, ack: int, write: int) -> None:
        """A write of a row was acknowledged; `write` is its id in the ledger."""
        with self._lock:
            self._ids.append(write)
            self._recent.append(ack)
            self._latest = max(self._latest, (ack, server))
            self._accept(server, start, ack, is_write=True)
            if write in self._unknown:
                self._unknown.discard(write)
                self._resolved += 1

    def accepted(self, server: int, start: int, ack: int) -> None:
        """A statement that changes no row, but would be refused by a fenced server, succeeded."""
        with self._lock:
            self._accept(server, start, ack, is_write=False)

    def refused(self, server: int, start: int, code: int) -> None:
        """The server refused a write, or was not there."""
        with self._lock:
            self._errors[server][code] += 1
            current = self._current[server]
            if current is None:
                self._refused_at[server] = min(start, self._refused_at[server])
            elif start > self._spells[current].last_start:
                self._current[server] = None
                self._refused_at[server] = start

    def left(self, server: int, at: int) -> None:
        """Every client has gone elsewhere, though the server refused none of them."""
        with self._lock:
            current = self._current[server]
            if current is not None and at > self._spells[current].last_start:
                self._current[server] = None
                self._refused_at[server] = at

    def failed(self, server: int, code: int) -> None:
        """An error that says nothing about whether the server takes writes."""
        with self._lock:
            self._errors[server][code] += 1

    def outcome_unknown(self, write: int) -> None:
        """A write was sent and its answer never came."""
        with self._lock:
            self._unknown.add(write)

    def resolved(self, writes: set[int]) -> None:
        """The outcome of these writes is known now, whichever it was."""
        with self._lock:
            self._resolved += len(self._unknown & writes)
            self._unknown -= writes

    def unknown(self) -> set[int]:
        """Writes whose outcome is not known."""
        with self._lock:
            return set(self._unknown)

    def acknowledged_ids(self) -> array[int]:
        """The ledger ids of all acknowledged writes, sorted."""
        with self._lock:
            return array("q", sorted(self._ids))

    def writer(self) -> int:
        """The server that acknowledged the latest write."""
        with self._lock:
            return self._latest[1]

    def figures(self, now_ns: int, lost: Sequence[int] | None, followers: Sequence[int]) -> WorkloadFigures:
        """Everything as of `now_ns`; `lost` are the ids found missing, None if nobody has looked."""
        with self._lock:
            recent = list(self._recent)
            switches = self._switches()
            return WorkloadFigures(
                acknowledged_writes=len(self._ids),
                acknowledged_per_s=sum(ack > now_ns - _RATE_WINDOW_NS for ack in recent) * 1e9 / _RATE_WINDOW_NS,
                write_gap_ms=switches[-1].write_gap_ms if switches else None,
                normal_distance_ms=_median_distance_ms(recent),
                both_writable_ms=_overlap_ns(self._spells) / 1e6,
                lost_writes=None if lost is None else len(lost),
                lost_ids=tuple((lost or ())[:_LISTED]),
                unknown_outcomes=len(self._unknown) + self._resolved,
                unknown_resolved=self._resolved,
                follower_servers=tuple(self.servers[number] for number in followers),
                errors={
                    name: {str(code): count for code, count in sorted(counter.items())}
                    for name, counter in zip(self.servers, self._errors, strict=True)
                },
                switches=switches,
                armed=False,
                paused=False,
            )

    def _accept(self, server: int, start: int, ack: int, *, is_write: bool) -> None:
        current = self._current[server]
        if current is None and start < self._refused_at[server]:
            # It began before the first refusal that ended the latest spell, so it belongs to that one. One that
            # began later waited while the server was closed, and belongs to the next.
            current = self._latest_spell(server)
        if current is None:
            written = ack if is_write else 0
            self._spells.append(Spell(server, ack, start, written, written))
            self._current[server] = len(self._spells) - 1
            return
        spell = self._spells[current]
        if is_write:
            spell = replace(spell, first_write=spell.first_write or ack, last_write=max(spell.last_write, ack))
        self._spells[current] = replace(
            spell, first_ack=min(spell.first_ack, ack), last_start=max(spell.last_start, start)
        )

    def _latest_spell(self, server: int) -> int | None:
        return max((n for n, spell in enumerate(self._spells) if spell.server == server), default=None)

    def _switches(self) -> tuple[Switch, ...]:
        found: list[Switch] = []
        current: int | None = None
        # Clients are where they write: a server that would take writes, but got none, is no place they moved to.
        written = [spell for spell in self._spells if spell.first_write]
        for spell in sorted(written, key=lambda spell: spell.first_ack):
            if current is not None and spell.server != current:
                found.append(self._switch(current, spell))
            current = spell.server
        return tuple(found)

    def _switch(self, old: int, new: Spell) -> Switch:
        before = [spell for spell in self._spells if spell.server == old and spell.first_ack <= new.first_ack]
        last = max(spell.last_write for spell in before)
        both = _overlap_ns([new, *(spell for spell in self._spells if spell.server == old)])
        return Switch(
            old=self.servers[old],
            new=self.servers[new.server],
            after_s=(new.first_ack - self._began) / 1e9,
            write_gap_ms=max(0, new.first_write - last) / 1e6,
            both_writable_ms=both / 1e6,
        )


def _overlap_ns(spells: Sequence[Spell]) -> int:
    """For how long two servers took writes at the same time."""
    total = 0
    for number, one in enumerate(spells):
        for other in spells[number + 1 :]:
            if one.server != other.server:
                total += max(0, min(one.last_start, other.last_start) - max(one.first_ack, other.first_ack))
    return total


def _median_distance_ms(acks: Sequence[int]) -> float | None:
    ordered = sorted(acks)
    distances = [after - before for before, after in itertools.pairwise(ordered)]
    return statistics.median(distances) / 1e6 if distances else None
