"""What a runbook is made of: steps, gates and the switch, in stages.

A runbook is data that reads top to bottom like the procedure it carries out. The runner knows how to carry
out any of them; a runbook knows nothing of the runner.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from migration.check import Check, Fix, Route
from migration.decisions import Choice
from migration.journal import Kind
from migration.model import (
    Direction,
    MigrationSpec,
    Outcome,
    Positioning,
    Secrets,
    ServerSpec,
    Side,
    Stage,
    Writes,
)
from migration.pair_lock import PairLock
from migration.records import Scribe
from migration.story import Story
from migration.view import AttemptView, Condition, Guide, LagSample, Option, RollbackView
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server
from providers.mysql.version import Version

if TYPE_CHECKING:
    from migration.cutover.attempt import Switchover
    from migration.prover import Prover

_ADJUSTED = "adjusted"


class StepFailed(Exception):
    """A step did not reach what it is for. The message says what happened, on which server, and what to do."""


class Halted(Exception):
    """The operator asked to stop what is under way."""


class NotProved(Exception):
    """The rows differ, or could not be proved equal; the message says which, on which server, and what to do."""


class TargetUnknown(StepFailed):
    """The target is still to be created."""


class CloudFailed(StepFailed):
    """A provider refused a call or did not answer; the provider's own code and words are in the message."""


class CloudAbsent(CloudFailed):
    """A provider knows of nothing by the name that it was asked about."""


class CloudSilent(CloudFailed):
    """Whether a provider carried a call out is not known."""


class CameAbout(Exception):
    """A provider has carried out a move of the writes in an attempt that was given up; the message says which.

    `parts`: what is left to be done of it, as `Mover.parts` has them.
    """

    def __init__(self, words: str, given_up: AttemptView, parts: tuple[tuple[str, str], ...]) -> None:
        super().__init__(words)
        self.given_up = given_up
        self.parts = parts


class ProviderSwitch(Protocol):
    """What a provider has to keep clients from writing on a server. Takes seconds to minutes to have effect.

    Both changes may be asked for again and again. Where the provider refuses or cannot be asked they raise
    `ServerError`.
    """

    def close(self) -> None:
        """Ask the provider to make the server read-only; returns once it has taken the order."""
        ...

    def open(self) -> None:
        """Ask the provider to let clients write again; returns once it has taken the order."""
        ...

    def closed(self) -> bool | None:
        """What the provider says the switch is set to; None where it cannot say."""
        ...


class Cloud(Protocol):
    """A provider's side of a migration. Each runbook knows what else its own can do."""

    def run(self, statement: str) -> None:
        """Make a change that a finding offered, as its `Fix` has it: the provider's own command line.

        Raises:
            CloudFailed: it was refused, or is not known to be done.
        """
        ...

    def places(self, spec: MigrationSpec) -> tuple[tuple[str, int], ...]:
        """Every address that the provider lists of either server, host and port, whichever it leads to now.

        Raises:
            CloudFailed: it cannot be asked.
        """
        ...

    def write_switch(self, server: Server) -> ProviderSwitch | None:
        """What makes one of the two servers read-only; None where the provider has nothing to be used for it."""
        ...

    def close(self) -> None:
        """Close what was opened."""
        ...


class Desk(Protocol):
    """What a step can ask of the operator's side while it works."""

    def halted(self) -> bool:
        """Whether the operator asked to stop: to pause, abort or cancel."""
        ...

    def lag(self) -> LagSample | None:
        """The newest reading of how far the side without writes is behind; None while there is none."""
        ...


@dataclass(frozen=True)
class Migration:
    """What steps work with: the two servers, what the operator asked for, and the journal.

    `other` is the target, None while it is still to be created. `positioning` is resolved: never `auto`. `armed`:
    whether the new side opens by itself on a marker. `lock` keeps other programs off the pair; None where nobody took
    it yet. `prover`: None where rows are not compared. `cloud`: None where servers are all there is. `in_place`: the
    target is the source itself, once it is changed, and `other` stays None.
    """

    spec: MigrationSpec
    secrets: Secrets
    source: Server
    other: Server | None
    positioning: Positioning
    scribe: Scribe
    desk: Desk
    lock: PairLock | None = None
    armed: bool = False
    prover: Prover | None = None
    cloud: Cloud | None = None
    in_place: bool = False

    @property
    def target(self) -> Server:
        """The target.

        Raises:
            TargetUnknown: it is still to be created.
        """
        if self.in_place:
            return self.source
        if self.other is None:
            raise TargetUnknown(f"{self.spec.target.name} is not there yet; it is made in a step of this migration.")
        return self.other

    @property
    def servers(self) -> tuple[Server, ...]:
        """The source, and the target where it is there."""
        return (self.source,) if self.other is None else (self.source, self.other)

    def story(self) -> Story:
        """What the journal says so far."""
        return Story.of(self.scribe.journal.records())

    def chosen(self, gate: str) -> str:
        """What was chosen at a gate; empty where nothing was."""
        return self.story().chosen.get(gate, "")

    def spec_now(self) -> MigrationSpec:
        """What was asked for, with the servers where steps have put them since."""
        return self.story().spec or self.spec

    def databases(self) -> tuple[str, ...]:
        """The databases to move."""
        return self.spec.databases or self.source.databases()

    @property
    def by_file(self) -> bool:
        """Whether positions are file and offset rather than GTIDs."""
        return self.positioning is not Positioning.GTID

    def end_position(self, server: Server) -> Position:
        """Where the binary log of a server ends now."""
        return server.end_of_log() if self.by_file else server.gtid_end()

    @property
    def position_kind(self) -> type[Position]:
        """The notation of positions."""
        return FilePosition if self.by_file else type(self.source.gtid_end())

    def change(self, server: Server, step: str, sql: str, *, shown: str = "") -> None:
        """Journal a statement, with the session it runs in, and run it.

        Raises:
            ServerError: as `Server.change`.
        """
        self.scribe.statement(server.name, step, shown or sql, server.session.thread_id)
        server.change(sql, shown=shown)

    def ran(self, server: Server, step: str) -> tuple[str, ...]:
        """The statements that the journal says were sent to a server for a step, in order."""
        records = self.scribe.journal.records()
        return tuple(
            str(record.body["sql"])
            for record in records
            if record.kind is Kind.STATEMENT and record.subject == server.name and record.body["step"] == step
        )

    def adjust(self, server: Server, variable: str, value: str) -> None:
        """Set a global variable for the duration of the migration; `restore` takes it back.

        Does nothing where the server has no such variable or it has the value already.
        """
        was = server.variable(variable)
        if was is None or was == value:
            return
        side = Side.SOURCE if server is self.source else Side.TARGET
        fix = Fix(
            side, f"SET GLOBAL {variable} = {value}", f"SET GLOBAL {variable} = {was}", variable, was, value, ""
        )  # fmt: skip
        self.scribe.fix(_ADJUSTED, "applying", fix)
        server.change(fix.statement)
        self.scribe.fix(_ADJUSTED, "applied", fix)

    def adjusted(self) -> tuple[Fix, ...]:
        """What `adjust` set and `restore` has not taken back."""
        return tuple(one.fix for one in self.story().fixes() if one.check == _ADJUSTED and not one.undone)

    def restore(self, server: Server, variable: str) -> None:
        """Take back what `adjust` set on one server, where it did."""
        side = Side.SOURCE if server is self.source else Side.TARGET
        for fix in self.adjusted():
            if (fix.side, fix.setting) == (side, variable):
                self._take_back(fix)

    def restore_all(self) -> None:
        """Take back everything that `adjust` set."""
        for fix in self.adjusted():
            self._take_back(fix)

    def _take_back(self, fix: Fix) -> None:
        self.scribe.fix(_ADJUSTED, "undoing", fix)
        self.on(fix.side).change(fix.undo)
        self.scribe.fix(_ADJUSTED, "undone", fix)

    def on(self, side: Side) -> Server:
        """The server of a side that is one."""
        return self.source if side is Side.SOURCE else self.target

    def end_of(self, direction: Direction) -> tuple[Server, Server]:
        """Who has the writes before a move in this direction, and who after it."""
        return (self.source, self.target) if direction is Direction.CUTOVER else (self.target, self.source)


@dataclass(frozen=True)
class Observation:
    """What a probe saw."""

    outcome: Outcome
    note: str


def done(note: str) -> Observation:
    """It is done already."""
    return Observation(Outcome.DONE, note)


def not_done(note: str) -> Observation:
    """It is not done."""
    return Observation(Outcome.NOT_DONE, note)


@dataclass(frozen=True)
class Estimate:
    """How long a step is likely to take, in seconds, and what that rests on; None where nobody can say."""

    seconds: float | None
    basis: str


class Action(Protocol):
    """How a step is done. A module with these functions is one: see `migration.steps`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What `apply` will run, for the plan."""
        ...

    def probe(self, m: Migration) -> Observation:
        """Whether it is done already; asked before and after `apply`, of the servers and not of the journal."""
        ...

    def apply(self, m: Migration) -> None:
        """Do it."""
        ...

    def estimate(self, m: Migration) -> Estimate:
        """How long it is likely to take."""
        ...


@dataclass(frozen=True)
class Step:
    """One thing that is done.

    `undo` takes it back; `undo_says` names that in a word or two, empty where there is no way back. `guide`: what a
    first-timer is told of it; of gates and switches, too.
    """

    id: str
    title: str
    side: Side
    why: str
    how: Action
    undo: Callable[[Migration], None] | None = None
    undo_says: str = ""
    writes: Writes = Writes.ON
    guide: Guide | None = None


@dataclass(frozen=True)
class Gate:
    """A point where the operator must decide.

    `word` gives what has to be typed to confirm, empty where a plain confirmation is enough. `options`: what can be
    chosen here; the decision then names one of them, and the story keeps it. Where there are none, or `when` says so,
    nothing is asked; where there is one, it is taken. `ends`: with which words the migration is over once this gate is
    passed, the source having the writes as before; empty where it goes on.
    """

    id: str
    title: str
    why: str
    question: Callable[[Migration], str]
    consequence: Callable[[Migration], str]
    word: Callable[[Migration], str]
    choices: tuple[Choice, ...]
    options: Callable[[Migration], tuple[Option, ...]] | None = None
    when: Callable[[Migration], bool] = lambda m: True
    ends: Callable[[Migration], str] = lambda m: ""
    guide: Guide | None = None


class Mover(Protocol):
    """How the writes are moved, either way. A module with these functions is one: see `migration.cutover.native`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run, for the plan."""
        ...

    def estimate(self, m: Migration) -> Estimate:
        """How long clients cannot write."""
        ...

    def arms(self, m: Migration) -> bool:
        """Whether the new side is to open by itself on a marker."""
        ...

    def ready(self, m: Migration, direction: Direction) -> tuple[Condition, ...]:
        """What must hold before the writes may move in this direction, measured now.

        Raises:
            CameAbout: the writes have moved in an attempt that was given up.
        """
        ...

    def keep(self, m: Migration, direction: Direction) -> None:
        """Before a move in this direction: what the side without writes needs to stay as it is."""
        ...

    def parts(self, m: Migration) -> tuple[tuple[str, str], ...]:
        """The parts of an attempt, with their titles, in order."""
        ...

    def switch(self, m: Migration, s: Switchover) -> None:
        """Carry out one attempt.

        Raises:
            Aborted: nothing has moved, and the old side takes writes; the message says why.
            ServerError, CloudFailed: what is the case has to be looked for, with `settle`.
        """
        ...

    def settle(self, m: Migration, s: Switchover) -> bool:
        """Bring an attempt that was left open to its end, by what is found. True if it switched.

        Raises:
            Aborted: only a person can judge what was found.
            ServerError, CloudFailed: it cannot be looked for now.
        """
        ...


class Follow(Protocol):
    """How far the side without writes is behind, and whether one could go back; asked from a thread of its own."""

    def lag(self, forward: bool) -> LagSample | None:
        """The lag in this direction (`forward`: of the target behind the source); None while there is none."""
        ...

    def rollback(self, newest: LagSample | None) -> RollbackView:
        """Whether one can go back now; `newest` is the last reading of the lag."""
        ...

    def close(self) -> None:
        """Close what was opened."""
        ...


@dataclass(frozen=True)
class Switch:
    """The cutover itself, with everything inside its window."""

    id: str
    title: str
    why: str
    undo_says: str
    how: Mover
    guide: Guide | None = None


Item = Step | Gate | Switch


@dataclass(frozen=True)
class Runbook:
    """One documented procedure.

    `checks` run before anything is created; `activity` are those that run again right before the switch.
    `stages` holds the items of each stage in order. `finish_on_source` ends a migration that was rolled
    back. `route`: how the rows travel, which decides what a finding means. `follows_from`: the step after which
    the target follows and is closed to clients. `cloud` opens the provider's side, `follow` measures the lag where
    the servers' own replication is not what carries the rows. `expected`: the version that a target is to have which
    is still to be created, None where that is not known. `new_address`: where clients have to go with the
    writes; None where the provider leads them there. `reversible`: whether the old side follows the new one after the
    switch, so that the rows of both are still to be compared. `in_place`: nothing is moved: the source is changed where
    it is, and keeps its address. `both_open`: whether, by what was chosen at the gates, both sides are meant to take
    writes for a while. `own_accounts`: the target is not made from the source's data, so that its administrator may be
    another.
    """

    name: str
    title: str
    checks: tuple[Check, ...]
    activity: tuple[Check, ...]
    route: Callable[[Migration], Route]
    stages: Mapping[Stage, tuple[Item, ...]]
    finish_on_source: tuple[Step, ...]
    follows_from: str
    cloud: Callable[[MigrationSpec, Secrets], Cloud] | None = None
    follow: Callable[[Migration], Follow] | None = None
    expected: Callable[[Migration], Version | None] = lambda m: None
    new_address: Callable[[Migration], ServerSpec | None] = lambda m: m.spec.target
    reversible: bool = True
    in_place: bool = False
    both_open: Callable[[Mapping[str, str]], bool] = lambda chosen: False
    own_accounts: bool = False

    @property
    def fenced(self) -> bool:
        """Whether a fence of this program's stops the writes, so that one can be asked for."""
        return self.follow is None and not self.in_place

    @property
    def switch(self) -> Switch:
        """The item that moves the writes."""
        return next(item for _, item in self.items() if isinstance(item, Switch))

    def items(self) -> tuple[tuple[Stage, Item], ...]:
        """All items with their stages, in order."""
        return tuple((stage, item) for stage in Stage for item in self.stages.get(stage, ()))
