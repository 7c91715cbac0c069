"""A rehearsal: a migration between two servers of this machine, with clients that write all the while."""

from __future__ import annotations

import contextlib
import secrets as random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from migration import rehearsed, runbooks
from migration.check import Verdict
from migration.decisions import Choice, Decision, decide
from migration.model import NO_WISHES, Direction, End, MigrationSpec, Positioning, Proof, Secrets, ServerSpec, Wishes
from migration.prover import CHECK as CONTENT
from migration.sessions import RunnerAtWork, SessionError, create, launch, read_spec
from migration.view import AttemptView, FiguresView, GateView, MigrationView
from migration.watch import Watch
from providers.mysql.endpoint import Endpoint
from providers.sandbox.client import Sandbox, SandboxFailed
from providers.sandbox.client import start as start_sandbox
from providers.sandbox.spec import TopologySpec

ENVIRONMENT = "REHEARSAL"
_POLL_S = 0.02
_RESTARTS = 5
_AGAIN_S = 1.0
_DEFAULT_DEADLINE_S = 300.0

Say = Callable[[str], None]
Launch = Callable[[Path, Secrets], int]


class RehearsalFailed(Exception):
    """The rehearsal did not come to the end that was asked for; one sentence."""


@dataclass(frozen=True)
class Rehearsal:
    """A rehearsal that has been set up: its servers run, its journal exists."""

    journal: Path
    sandbox: Sandbox

    def secrets(self) -> Secrets:
        """The passwords of its servers, from the supervisor."""
        return sandbox_secrets(self.sandbox, read_spec(self.journal))


def sandbox_secrets(sandbox: Sandbox, spec: MigrationSpec) -> Secrets:
    """The passwords of a sandbox's servers and of the accounts that a migration uses there, as a runner wants them.

    Raises:
        SandboxGone: its supervisor has ended.
    """
    clouded = rehearsed.of(spec.runbook)
    if clouded is not None:
        return clouded.secrets(sandbox)
    ends = sandbox.endpoints()
    back = ends.reverse if spec.target.replication_user == ends.reverse.user else ends.forward
    return Secrets(ends.source.account.password, ends.target.account.password, ends.forward.password, back.password)


def _server(endpoint: Endpoint, replication_user: str) -> ServerSpec:
    return ServerSpec(endpoint.name, endpoint.host, endpoint.port, endpoint.account.user, replication_user)


def set_up(
    topology: TopologySpec, runbook: str, say: Say, *, keep: bool = False, wishes: Wishes = NO_WISHES
) -> Rehearsal:
    """Start the servers and the clients, and make the journal.

    Raises:
        SandboxFailed: the servers did not start.
        SessionError, JournalError: the journal could not be made; the servers are taken down again.
    """
    with contextlib.ExitStack() as undo:
        sandbox = start_sandbox(topology, lambda progress: say(progress.message))
        undo.callback(sandbox.stop)
        sandbox.workload("start")
        made = enrol(sandbox, runbook, keep=keep, wishes=wishes)
        undo.pop_all()
    return made


def enrol(
    sandbox: Sandbox,
    runbook: str,
    *,
    keep: bool = False,
    databases: tuple[str, ...] = (),
    wishes: Wishes = NO_WISHES,
) -> Rehearsal:
    """Make the journal of a rehearsal on a sandbox that is up.

    With a bridge the way back has the ordinary account for replication, which an old source could not use.

    Raises:
        SessionError, JournalError: the journal could not be made.
    """
    clouded = rehearsed.of(runbook)
    stamp = datetime.now(UTC).strftime("%m%d-%H%M%S")
    spec = MigrationSpec(
        id=f"rehearsal-{stamp}-{random.token_hex(2)}",
        runbook=runbook,
        environment=ENVIRONMENT,
        **(_sides(sandbox, wishes) if clouded is None else clouded.sides(sandbox)),
        databases=databases,
        sandbox=str(sandbox.run_dir),
        keep_sandbox=keep,
        **_for_sandbox(wishes, sandbox).fields(),
    )
    return Rehearsal(create(spec), sandbox)


def _sides(sandbox: Sandbox, wishes: Wishes) -> dict[str, Any]:
    ends = sandbox.endpoints()
    back = ends.reverse if wishes.bridge is None else ends.forward
    return {"source": _server(ends.source, ends.forward.user), "target": _server(ends.target, back.user)}


def _for_sandbox(wishes: Wishes, sandbox: Sandbox) -> Wishes:
    """The wishes on servers that were set up for one positioning, with the sandbox's own account left alone."""
    signal = wishes.positioning is Positioning.SIGNAL
    positioning = wishes.positioning if signal else Positioning(sandbox.status().positioning)
    administrator = sandbox.endpoints().source.account.user
    return replace(wishes, positioning=positioning, spared=(*wishes.spared, administrator))


@dataclass(frozen=True)
class Script:
    """What an unattended rehearsal does at the gates.

    `seconds`: how long clients write before the cutover, and on the other side before what follows.
    `end`: complete, go back after the cutover, or cancel before it. `deadline_s`: when to give up. `chosen`: what to
    choose at the gates that have options, by gate; what is proposed elsewhere. `accepted`: findings that block and are
    accepted. `cure`: what to do where a step fails, once, before it is tried again; without it the rehearsal fails.
    """

    seconds: float = 2.0
    end: End = End.COMPLETED
    deadline_s: float = _DEFAULT_DEADLINE_S
    chosen: Mapping[str, str] = field(default_factory=dict)
    accepted: tuple[str, ...] = ()
    cure: Callable[[Sandbox], None] | None = None


def run_unattended(rehearsal: Rehearsal, script: Script, say: Say, launch_runner: Launch = launch) -> MigrationView:
    """Carry a rehearsal through, deciding at each gate, and start the runner again where it dies.

    Raises:
        RehearsalFailed: it did not come to the end that was asked for.
    """
    driver = _Driver(rehearsal, script, say, launch_runner)
    with Watch(rehearsal.journal) as watch:
        return driver.drive(watch)


class _Driver:
    """The operator of an unattended rehearsal."""

    def __init__(self, rehearsal: Rehearsal, script: Script, say: Say, launch_runner: Launch) -> None:
        self._rehearsal = rehearsal
        self._script = script
        self._say = say
        self._launch = launch_runner
        self._decided: float | None = None
        self._sent_at = 0.0
        self._log_seen = 0.0
        self._cured = False

    def drive(self, watch: Watch) -> MigrationView:
        deadline = time.monotonic() + self._script.deadline_s
        starts = 0
        while True:
            view = watch.view()
            self._report(view)
            if view.end is not None:
                return view
            if time.monotonic() > deadline:
                raise RehearsalFailed(
                    f"The rehearsal did not end within {self._script.deadline_s:.0f} s: {view.headline}"
                )
            if not view.runner_alive:
                if starts > _RESTARTS:
                    raise RehearsalFailed(f"The runner ended {starts} times: {view.log[-1].text if view.log else ''}")
                starts += self._start()
            elif view.gate is not None and (view.gate.opened_at != self._decided or self._refused(view)):
                self._answer(view, view.gate)
            time.sleep(_POLL_S)

    def _start(self) -> bool:
        """Start a runner; False where its seat is taken after all, by a watchdog that is not done yet."""
        try:
            self._launch(self._rehearsal.journal, self._rehearsal.secrets())
        except RunnerAtWork:
            return False
        except SessionError as error:
            self._say(str(error))
        except SandboxFailed as error:
            raise RehearsalFailed(str(error)) from error
        return True

    def _report(self, view: MigrationView) -> None:
        for line in view.log:
            if line.at > self._log_seen:
                self._log_seen = line.at
                self._say(line.text)

    def _answer(self, view: MigrationView, gate: GateView) -> None:
        decision = self._decision(view, gate)
        if decision is not None:
            # After a finding was accepted the gate is still open.
            self._decided = None if decision.choice is Choice.WAIVE else gate.opened_at
            self._sent_at = time.time()
            decide(self._rehearsal.journal, decision)

    def _refused(self, view: MigrationView) -> bool:
        """Whether the runner refused the last decision; some time later, since what was in the way may pass."""
        return time.time() - self._sent_at > _AGAIN_S and bool(view.refusal(self._sent_at))

    def _decision(self, view: MigrationView, gate: GateView) -> Decision | None:
        """What to decide at an open gate; None while it is not time yet."""
        if gate.id == "checks":
            return self._about_findings(view, gate)
        if gate.id == "plan" and view.plan is not None:
            return Decision(Choice.CONFIRM, gate.id, shown=view.plan.hash)
        if gate.options:
            proposed = gate.options[0].value
            return Decision(Choice.CONFIRM, gate.id, typed=self._script.chosen.get(gate.id, proposed))
        if gate.id == "retry":
            return self._try_again(gate)
        if gate.id not in ("cutover", "observe"):
            return Decision(Choice.CONFIRM, gate.id, typed=gate.word)
        return self._about_writes(gate)

    def _about_findings(self, view: MigrationView, gate: GateView) -> Decision:
        accepted = [finding.check for finding in view.blocking if finding.check in self._script.accepted]
        if accepted:
            return Decision(Choice.WAIVE, accepted[0], reason="rehearsed")
        if view.blocking:
            names = ", ".join(f"{finding.check} ({finding.result.found})" for finding in view.blocking)
            raise RehearsalFailed(f"The checks found what blocks the migration: {names}.")
        return Decision(Choice.CONFIRM, gate.id)

    def _try_again(self, gate: GateView) -> Decision:
        if self._script.cure is None or self._cured:
            raise RehearsalFailed(gate.consequence)
        self._cured = True
        self._script.cure(self._rehearsal.sandbox)
        return Decision(Choice.CONFIRM, gate.id)

    def _about_writes(self, gate: GateView) -> Decision | None:
        if time.time() - gate.opened_at < self._script.seconds:
            return None
        forward = gate.id == "cutover" and Choice.COMPLETE.value not in gate.choices
        if forward and self._script.end is End.CANCELLED:
            return Decision(Choice.CANCEL, gate.id)
        back = gate.id == "observe" and self._script.end is End.ROLLED_BACK
        if back and Choice.ROLL_BACK.value not in gate.choices:
            raise RehearsalFailed("This runbook has no way back after its switch: rehearse it without a rollback.")
        if not forward and not back:
            return Decision(Choice.COMPLETE, gate.id, typed="complete")
        if not gate.ready:
            return None
        if forward:
            return Decision(Choice.CONFIRM, gate.id, typed=gate.word)
        return Decision(Choice.ROLL_BACK, gate.id, typed=gate.word, reason="rehearsed")


def _figures(attempt: AttemptView | None) -> dict[str, Any] | None:
    if attempt is None or attempt.figures is None:
        return None
    seen: FiguresView = attempt.figures
    return {
        "write_gap_ms": round(seen.write_gap_ms, 3),
        "acknowledged_writes": seen.acknowledged_writes,
        "lost_writes": seen.lost_writes,
        "both_writable_ms": round(seen.both_writable_ms, 3),
        "window_ms": None if attempt.window_ms is None else round(attempt.window_ms, 3),
    }


def result(view: MigrationView, journal: Path, outcome: str) -> dict[str, Any]:
    """The outcome of a rehearsal as one JSON document."""
    switched = [attempt for attempt in view.attempts if attempt.result == "switched"]
    forward = [attempt for attempt in switched if attempt.direction is Direction.CUTOVER]
    back = [attempt for attempt in switched if attempt.direction is Direction.ROLLBACK]
    final = view.figures
    cutover = _figures(forward[-1] if forward else None)
    rollback = _figures(back[-1] if back else None)
    if final is not None:
        # What was looked for at the very end holds for everything before it.
        for figures in filter(None, (cutover, rollback)):
            figures["lost_writes"] = max(figures["lost_writes"], final.lost_writes)
    return {
        "outcome": outcome,
        "runbook": view.spec.runbook,
        "positioning": view.positioning,
        "source": {"name": view.source.name, "address": view.source.address, "version": view.source.version},
        "target": {"name": view.target.name, "address": view.target.address, "version": view.target.version},
        "checks": [finding.to_json() for finding in view.findings],
        "cutover": cutover,
        "rollback": rollback,
        "journal": str(journal),
    }


def passed(view: MigrationView, script: Script) -> bool:
    """Whether the rehearsal ended as asked for, with nothing lost and never two servers taking writes.

    Where the runbook means both to take writes, they have to be found equal at the end instead, if writes were moved.
    """
    measured = [attempt.figures for attempt in view.attempts if attempt.figures is not None]
    seen = [figures for figures in (*measured, view.figures) if figures is not None]
    clean = all(figures.lost_writes == 0 for figures in seen)
    if runbooks.find(view.spec.runbook).both_open(script.chosen):
        clean = clean and _equal(view)
    else:
        clean = clean and all(figures.both_writable_ms == 0 for figures in seen)
    return view.end is script.end and view.figures is not None and clean


def _equal(view: MigrationView) -> bool:
    """Whether both servers were found equal, where the writes were moved at all and rows are compared."""
    moved = view.spec.proof is not Proof.OFF and any(attempt.result == "switched" for attempt in view.attempts)
    found = [finding.result.verdict for finding in view.findings if finding.check == CONTENT]
    return not moved or found == [Verdict.PASSED]
