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
    MigrationSpec,
    Outcome,
    Positioning,
    Secrets,
    Side,
    Stage,
    Writes,
)
from migration.pair_lock import PairLock
from migration.records import Scribe
from migration.story import Story
from migration.view import LagSample
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server

if TYPE_CHECKING:
    from migration.prover import Prover

_ADJUSTED = "adjusted"


class StepFailed(Exception):
    """A step did not reach what it is for. The message says what happened, on which server, and what to do."""


class Halted(Exception):
    """The operator asked to stop what is under way."""


class NotProved(Exception):
    """The rows differ, or could not be proved equal; the message says which, on which server, and what to do."""


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

    `positioning` is resolved: never `auto`. `armed`: whether the new side opens by itself on a marker. `lock` keeps
    other programs off the pair; None where nobody took it yet. `prover`: None where rows are not compared.
    """

    spec: MigrationSpec
    secrets: Secrets
    source: Server
    target: Server
    positioning: Positioning
    scribe: Scribe
    desk: Desk
    lock: PairLock | None = None
    armed: bool = False
    prover: Prover | None = None

    def story(self) -> Story:
        """What the journal says so far."""
        story = Story()
        for record in self.scribe.journal.records():
            story.tell(record)
        return story

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

    `undo` takes it back; `undo_says` names that in a word or two, empty where there is no way back.
    """

    id: str
    title: str
    side: Side
    why: str
    how: Action
    undo: Callable[[Migration], None] | None = None
    undo_says: str = ""
    writes: Writes = Writes.ON


@dataclass(frozen=True)
class Gate:
    """A point where the operator must decide.

    `word` gives what has to be typed to confirm, empty where a plain confirmation is enough.
    `conditions` is measured again and again while the gate is open; it cannot be passed while one is red.
    """

    id: str
    title: str
    why: str
    question: Callable[[Migration], str]
    consequence: Callable[[Migration], str]
    word: Callable[[Migration], str]
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Switch:
    """The cutover itself, with everything inside its window."""

    id: str
    title: str
    why: str
    undo_says: str


Item = Step | Gate | Switch


@dataclass(frozen=True)
class Runbook:
    """One documented procedure.

    `checks` run before anything is created; `activity` are those that run again right before the switch.
    `stages` holds the items of each stage in order. `finish_on_source` ends a migration that was rolled
    back. `route` decides what a finding means.
    """

    name: str
    title: str
    checks: tuple[Check, ...]
    activity: tuple[Check, ...]
    route: Route
    stages: Mapping[Stage, tuple[Item, ...]]
    finish_on_source: tuple[Step, ...]

    def items(self) -> tuple[tuple[Stage, Item], ...]:
        """All items with their stages, in order."""
        return tuple((stage, item) for stage in Stage for item in self.stages.get(stage, ()))
