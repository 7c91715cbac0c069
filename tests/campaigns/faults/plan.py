"""What one run of the campaign does: drawn from its seed and from nothing else."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import StrEnum

from migration.model import Direction, Positioning

FENCE_S = 3.0


class Kind(StrEnum):
    """What goes wrong. `old` has the writes when the run begins, `new` is to have them."""

    NOTHING = "nothing"
    RUNNER_KILLED = "runner killed"
    WATCHDOG_KILLED = "watchdog killed"
    OLD_KILLED = "old server killed"
    NEW_KILLED = "new server killed"
    OLD_RESTARTED = "old server restarted"
    NEW_RESTARTED = "new server restarted"
    CUT_STATEMENT = "connection cut before the statement"
    CUT_ANSWER = "connection cut before the answer"
    SILENT = "connection silent after the statement"
    DEAF = "connection silent before the statement"
    ROAD_CUT = "all connections cut"
    ROAD_SLOW = "link of the operator slow"
    ROAD_HALF_OPEN = "link of the operator half-open"
    LINK_CUT = "link of replication cut"
    LINK_SLOW = "link of replication slow"
    LINK_HALF_OPEN = "link of replication half-open"
    APPLIER_STOPPED = "applier stopped"
    RECEIVER_STOPPED = "receiver stopped"
    APPLIER_BLOCKED = "applier blocked by a row lock"
    FLUSH = "bystander flushes"
    READ_LOCK = "bystander holds a global read lock"
    LOCK_TABLES = "bystander holds LOCK TABLES"
    OPEN_TRANSACTION = "bystander holds a transaction open"
    LONG_UPDATE = "bystander runs a long statement"
    XA_PREPARED = "bystander prepares XA"
    SUPER_EVENT = "event of an administrator writes"
    WRONG_SERVER = "wrong server behind the name"
    SECOND_MIGRATION = "second operator, another journal"
    SECOND_RUNNER = "second runner, same journal"
    LOCK_STOLEN = "second operator steals the lock"


class Anchor(StrEnum):
    """What a fault waits for, besides some milliseconds more."""

    GATE = "gate"  # the gate is open and nothing was decided yet
    START = "start"  # the decision was written
    READY = "ready"  # XA RECOVER on the old side
    REHEARSE = "rehearse"  # the first wait on the new side
    ARM = "arm"  # the new side is told to open by itself
    FENCE = "fence"  # the fence is sent to the old side
    DRAIN = "drain"  # the wait behind the fence
    PROVE = "prove"  # the second reading of the old side
    PROMOTE = "promote"  # the opening of the new side
    RELEASE = "release"  # the opening of the old side


@dataclass(frozen=True)
class PairKind:
    """Two engines and how they name positions."""

    name: str
    source: str
    target: str
    positioning: Positioning
    weight: int


def _pair(source: str, target: str, positioning: Positioning, weight: int) -> PairKind:
    short = f"{source}>{target}" if source != target else source
    return PairKind(f"{short}/{positioning.value}", source, target, positioning, weight)


PAIRS = {
    pair.name: pair
    for pair in (
        _pair("mariadb-10.11", "mariadb-10.11", Positioning.GTID, 40),
        _pair("mysql-9.7", "mysql-9.7", Positioning.GTID, 16),
        _pair("mysql-5.7", "mysql-5.7", Positioning.GTID, 10),
        _pair("mysql-5.6", "mysql-9.7", Positioning.GTID, 10),
        _pair("mysql-5.6", "mysql-5.7", Positioning.GTID, 6),
        _pair("mysql-5.6", "mysql-5.6", Positioning.GTID, 6),
        _pair("mysql-5.7", "mysql-5.7", Positioning.FILE, 4),
        _pair("mariadb-10.11", "mariadb-10.11", Positioning.FILE, 4),
        _pair("mysql-5.7", "mysql-5.7", Positioning.SIGNAL, 4),
        _pair("mariadb-10.11", "mariadb-10.11", Positioning.SIGNAL, 4),
    )
}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    `late_s`: how long after its anchor. `on_old`: on the old side's server or road, else on the new one's; for a link
    of replication, the one by which the new side follows, else the way back. `seconds`: how long it lasts.
    `variant`: a number from which the kind makes further choices. `at_anchor`: a connection is cut at the anchor's own
    packet, else at the one that comes `skip` packets after it.
    """

    kind: Kind
    anchor: Anchor
    late_s: float
    on_old: bool
    seconds: float
    variant: int
    at_anchor: bool
    skip: int

    def line(self) -> str:
        """In one line."""
        side = "old" if self.on_old else "new"
        at = "" if self.at_anchor else f" +{self.skip} packets"
        return f"{self.kind.value} ({side}, {self.anchor.value}+{self.late_s * 1000:.1f} ms{at}, {self.seconds:.2f} s)"


@dataclass(frozen=True)
class Plan:
    """One run. `resume_s`: how long after a runner's death the next one is started."""

    seed: int
    pair: PairKind
    direction: Direction
    armed: bool
    faults: tuple[Fault, ...]
    resume_s: float

    def line(self) -> str:
        """In one line."""
        how = "armed" if self.armed else "near"
        faults = "; ".join(fault.line() for fault in self.faults)
        return f"seed {self.seed}: {self.pair.name} {self.direction.value} {how}: {faults}"


_WINDOW = (Anchor.FENCE, Anchor.DRAIN, Anchor.PROVE, Anchor.PROMOTE)
_ARMED_WINDOW = (Anchor.ARM, Anchor.FENCE)
_EARLY = (Anchor.GATE, Anchor.START, Anchor.READY, Anchor.REHEARSE)
# These end an attempt most of the time, so that what comes second hits the way back out of it.
_FIRSTS = (Kind.LOCK_TABLES, Kind.APPLIER_BLOCKED, Kind.APPLIER_STOPPED, Kind.XA_PREPARED, Kind.LINK_HALF_OPEN)
_SECONDS = (
    Kind.RUNNER_KILLED,
    Kind.CUT_STATEMENT,
    Kind.CUT_ANSWER,
    Kind.SILENT,
    Kind.DEAF,
    Kind.ROAD_CUT,
    Kind.OLD_RESTARTED,
    Kind.NEW_KILLED,
)
_WEIGHTS = {
    Kind.NOTHING: 1,
    Kind.RUNNER_KILLED: 5,
    Kind.OLD_KILLED: 3,
    Kind.NEW_KILLED: 3,
    Kind.CUT_STATEMENT: 4,
    Kind.CUT_ANSWER: 4,
    Kind.SILENT: 3,
    Kind.DEAF: 3,
    Kind.ROAD_HALF_OPEN: 3,
}
# These need a moment to take effect, so that at the fence they mostly come too late.
_SLOW_TO_BITE = frozenset(
    {
        Kind.APPLIER_STOPPED,
        Kind.RECEIVER_STOPPED,
        Kind.APPLIER_BLOCKED,
        Kind.LINK_CUT,
        Kind.LINK_SLOW,
        Kind.LINK_HALF_OPEN,
        Kind.FLUSH,
        Kind.READ_LOCK,
        Kind.LOCK_TABLES,
        Kind.OPEN_TRANSACTION,
        Kind.LONG_UPDATE,
        Kind.XA_PREPARED,
        Kind.SECOND_MIGRATION,
        Kind.LOCK_STOLEN,
    }
)
# A fault that is in the way from before the gate is refused there: worth a few runs only.
_AT_GATE = 0.12
_TWO = 0.15
# What a runner sent and what nobody has received yet when it dies may still arrive.
_IN_TRANSIT = (Kind.SILENT, Kind.DEAF, Kind.ROAD_HALF_OPEN)
_LOST_RUNNER = 0.06


def plan_for(seed: int, pair: str = "", kind: str = "") -> Plan:
    """The plan of a seed; `pair` and `kind` narrow it, which makes another plan of the same seed."""
    chance = random.Random(f"faults {seed}")
    pairs = [PAIRS[pair]] if pair else list(PAIRS.values())
    chosen = chance.choices(pairs, [one.weight for one in pairs])[0]
    direction = chance.choice(tuple(Direction))
    armed = chosen.positioning is Positioning.GTID and chance.random() < 0.25
    kinds = [Kind(kind)] if kind else list(Kind)
    shape = chance.random()
    if not kind and shape < _LOST_RUNNER:
        first = replace(_fault(chance, chance.choice(_IN_TRANSIT), armed), late_s=0.0, at_anchor=True)
        second = _fault(chance, Kind.RUNNER_KILLED, armed, first.anchor)
        faults: tuple[Fault, ...] = (first, replace(second, late_s=round(chance.random() * 0.8 * first.seconds, 5)))
    elif not kind and shape < _LOST_RUNNER + _TWO:
        first = _fault(chance, chance.choice(_FIRSTS), armed)
        second = _fault(chance, chance.choice(_SECONDS), armed, Anchor.RELEASE)
        faults = (first, second)
    else:
        faults = (_fault(chance, chance.choices(kinds, [_WEIGHTS.get(one, 2) for one in kinds])[0], armed),)
    return Plan(seed, chosen, direction, armed, faults, round(chance.choice((0.0, 0.1, 0.5, 1.5)), 2))


def _fault(chance: random.Random, kind: Kind, armed: bool, anchor: Anchor | None = None) -> Fault:
    window = _ARMED_WINDOW if armed else _WINDOW
    where = chance.random()
    if anchor is None:
        early = 0.3 if kind in _SLOW_TO_BITE else 0.75
        inside = chance.choice(window if where < early else _EARLY[1:])
        anchor = Anchor.GATE if where < _AT_GATE else inside
    spread = 0.6 if anchor in (Anchor.GATE, Anchor.START) else 0.006
    lengths: tuple[float, ...] = (
        (1.5, 2.5, FENCE_S + 1.5) if anchor in (Anchor.GATE, Anchor.START) else (0.3, 0.8, 1.5, FENCE_S + 1.5)
    )
    if kind in (Kind.LINK_SLOW, Kind.ROAD_SLOW):
        # What is slow for a moment only is waited for.
        lengths = (2.5, FENCE_S + 1.5)
    late_s = 0.0 if chance.random() < 0.3 else chance.random() * spread
    return Fault(
        kind=kind,
        anchor=anchor,
        late_s=round(late_s, 5),
        on_old=chance.random() < 0.5,
        seconds=round(chance.choice(lengths) * (0.8 + 0.4 * chance.random()), 2),
        variant=chance.randrange(1 << 16),
        at_anchor=chance.random() < 0.6,
        skip=chance.randrange(12),
    )
