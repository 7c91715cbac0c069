"""What is true of a migration, as one frozen value built from its journal.

Screens, `cutover watch`, `--json` and the report all read this and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from migration.check import Finding, Fix
from migration.model import Direction, End, MigrationSpec, Side, Stage, Writes

# The part of an attempt in which application servers are moved while both sides take writes.
MOVING_SERVERS = "application_servers"
# The switch of which it is a part.
MOVE_APPLICATIONS = "move_applications"


class StepState(StrEnum):
    """Where a step stands. `waiting` is a gate that waits for the operator."""

    TODO = "todo"
    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    UNDONE = "undone"


@dataclass(frozen=True)
class Guide:
    """What a first-timer is told of a step or gate, besides why it is there and what will run.

    `undo`: what of it can be taken back, and how. `mistakes`: what people get wrong about it. Both are plain sentences
    of ours, without a name of anybody's server.
    """

    undo: str
    mistakes: str


@dataclass(frozen=True)
class PlanItem:
    """One line of the plan.

    `kind` is `step`, `gate` or `switch` (the cutover itself). `estimate_s` is None where nobody can say;
    `basis` tells what the estimate rests on. `undo` says in words how it is taken back, empty where it
    cannot be. `statements` is what will run, secrets left out. `guide` is None in journals that are older than it.
    """

    id: str
    kind: str
    stage: Stage
    title: str
    side: Side
    why: str
    writes: Writes
    estimate_s: float | None
    basis: str
    undo: str
    statements: tuple[str, ...]
    guide: Guide | None = None


@dataclass(frozen=True)
class Plan:
    """The ordered plan. Only the plan whose `hash` was approved is run."""

    hash: str
    positioning: str
    items: tuple[PlanItem, ...]


@dataclass(frozen=True)
class StepView:
    """How far one plan item is. Times are seconds since the epoch; `note` is what was observed."""

    item: PlanItem
    state: StepState
    started_at: float | None
    ended_at: float | None
    note: str

    @property
    def took_s(self) -> float | None:
        """How long it took, None while it has not ended."""
        if self.started_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.started_at


@dataclass(frozen=True)
class ServerView:
    """A server as it was last seen. `read_only` is None where it is not known."""

    name: str
    address: str
    version: str
    identity: str
    read_only: bool | None


@dataclass(frozen=True)
class Condition:
    """One thing that must hold before a gate may be passed, measured by the runner."""

    ok: bool
    text: str


@dataclass(frozen=True)
class Option:
    """Something that can be chosen at a gate: the provider's or program's own word for it, and what it means."""

    value: str
    meaning: str


@dataclass(frozen=True)
class GateView:
    """The gate that is open now.

    `word` is what the operator must type, empty where a plain confirmation is enough. `choices` are the
    decisions that are taken here (values of `decisions.Choice`). `conditions` were measured at
    `measured_at`. `consequence` says what happens next and what can no longer be undone. `options`: what can be
    chosen here, the first of them proposed; the decision names its value as `typed`. `why`: why one is asked here.
    """

    id: str
    title: str
    question: str
    consequence: str
    word: str
    choices: tuple[str, ...]
    opened_at: float
    conditions: tuple[Condition, ...]
    measured_at: float | None
    options: tuple[Option, ...] = ()
    why: str = ""
    guide: Guide | None = None

    @property
    def ready(self) -> bool:
        """Whether the conditions were measured and every one holds."""
        return self.measured_at is not None and all(condition.ok for condition in self.conditions)


@dataclass(frozen=True)
class LagSample:
    """One reading of the lag.

    `lag_s` is None where it is not known, and `reason` says why. `at_least` marks a lower bound: the
    target is further behind than the runner has been watching. `server_says_s` is the server's own
    figure, shown beside and never deciding. `behind` is in transactions (GTID) or bytes (file), None
    where unknown; `written_per_s` and `applied_per_s` are in the same unit.
    """

    at: float
    lag_s: float | None
    at_least: bool
    method: str
    reason: str
    server_says_s: float | None
    behind: int | None
    unit: str
    written_per_s: float | None
    applied_per_s: float | None


@dataclass(frozen=True)
class LagView:
    """The lag over time. `history` is oldest first, at most the last 15 minutes at one reading a second."""

    latest: LagSample | None
    history: tuple[LagSample, ...]
    limit_s: float
    below_since: float | None


@dataclass(frozen=True)
class ProgressView:
    """How far the running step is: `done` of `total` in `unit`; `total` 0 means unknown."""

    step: str
    done: int
    total: int
    unit: str
    note: str
    at: float


@dataclass(frozen=True)
class SwitchStep:
    """One part of a cutover or rollback: fence, drain, prove, promote, and what follows."""

    id: str
    title: str
    state: StepState
    started_at: float | None
    ended_at: float | None
    note: str


@dataclass(frozen=True)
class FiguresView:
    """What the clients saw, as measured by the rehearsal's workload or the probe table."""

    write_gap_ms: float
    acknowledged_writes: int
    lost_writes: int
    both_writable_ms: float


@dataclass(frozen=True)
class AttemptView:
    """One attempt to move the writes.

    `result` is `running`, `switched`, `aborted` or `unknown`. `stopped_at`: when the fence rose;
    `opened_at`: when the new side was opened; `window_ms`: writes off as the runner saw it; `figures`: what
    clients saw of it, None where nobody can tell.
    `past_no_return` is true once the point-of-no-return record stands.
    """

    number: int
    direction: Direction
    old: str
    new: str
    actor: str
    started_at: float
    ended_at: float | None
    result: str
    reason: str
    past_no_return: bool
    fenced_at: float | None
    opened_at: float | None
    budget_s: float
    steps: tuple[SwitchStep, ...]
    figures: FiguresView | None = None

    @property
    def both_open(self) -> bool:
        """Whether both sides are meant to take writes in it, while application servers are moved."""
        return any(step.id == MOVING_SERVERS for step in self.steps)

    @property
    def window_ms(self) -> float | None:
        """Milliseconds between raising the fence and opening the new side."""
        if self.fenced_at is None or self.opened_at is None:
            return None
        return (self.opened_at - self.fenced_at) * 1000


@dataclass(frozen=True)
class RollbackView:
    """Whether one can still go back. `possible` is None where it is not known; `reason` says why.

    `until`: when the provider takes the way back away, in seconds since the epoch; None where nobody does.
    """

    possible: bool | None
    reason: str
    measured_at: float | None
    lag_s: float | None
    until: float | None = None


@dataclass(frozen=True)
class WaiverView:
    """A finding that an operator accepted, and why."""

    check: str
    reason: str
    actor: str
    at: float


@dataclass(frozen=True)
class FixView:
    """A change made on a server to satisfy a check; `undone` once it was taken back, here or on the target."""

    check: str
    fix: Fix
    at: float
    undone: bool


@dataclass(frozen=True)
class ClientView:
    """Who is connected where: sessions by user and host on either server.

    `idle`: those of them on the side without writes that rest outside of any transaction.
    """

    user: str
    host: str
    on_source: int
    on_target: int
    idle: int = 0


@dataclass(frozen=True)
class SeatChange:
    """Who took the operator's seat, at which process, and how it came to that; `how` is a part of a sentence."""

    at: float
    who: str
    pid: int
    how: str


@dataclass(frozen=True)
class SeatView:
    """The operator's seat: who decides.

    `who` is empty while it is free; `terminal` is the id of the screen that holds it, `since` seconds since the epoch.
    `offered_to`: the terminal that may take it as well, and `offered_who` sits there; empty where none may.
    """

    who: str = ""
    terminal: str = ""
    pid: int = 0
    since: float = 0.0
    offered_to: str = ""
    offered_who: str = ""
    changes: tuple[SeatChange, ...] = ()


@dataclass(frozen=True)
class LogLine:
    """One line of the log: `level` is `info`, `warn` or `error`."""

    at: float
    level: str
    text: str


@dataclass(frozen=True)
class MigrationView:
    """Everything an operator can see of one migration.

    `headline` is the one sentence that says what is true now and what it waits for. `primary` is the
    name of the server that has the writes. `refusals`: what the runner did not follow last, by its number, and why.
    `last_seq` is the last journal record this was built from.
    """

    spec: MigrationSpec
    created_at: float
    source: ServerView
    target: ServerView
    primary: str
    positioning: str
    stage: Stage
    headline: str
    runner_alive: bool
    runner_pid: int | None
    paused: bool
    findings: tuple[Finding, ...]
    findings_at: float | None
    waivers: tuple[WaiverView, ...]
    fixes: tuple[FixView, ...]
    plan: Plan | None
    approved: bool
    steps: tuple[StepView, ...]
    gate: GateView | None
    progress: ProgressView | None
    lag: LagView
    attempts: tuple[AttemptView, ...]
    rollback: RollbackView
    seat: SeatView
    refusals: tuple[tuple[int, str], ...]
    figures: FiguresView | None
    clients: tuple[ClientView, ...]
    log: tuple[LogLine, ...]
    end: End | None
    ended_at: float | None
    last_seq: int

    @property
    def attempt(self) -> AttemptView | None:
        """The newest attempt to move the writes."""
        return self.attempts[-1] if self.attempts else None

    def refusal(self, since: float) -> str:
        """What the runner refused to do last, with the reason; empty where nothing since then (seconds since 1970)."""
        refused = [line.text for line in self.log if line.at >= since and line.text.startswith("refused")]
        return refused[-1] if refused else ""

    def why_refused(self, decision: int | None) -> str:
        """Why the runner refused what was handed in under this number; empty where it did not."""
        return next((why for seq, why in reversed(self.refusals) if seq == decision), "")

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings that block and were not waived."""
        waived = {waiver.check for waiver in self.waivers}
        return tuple(finding for finding in self.findings if finding.blocks and finding.check not in waived)
