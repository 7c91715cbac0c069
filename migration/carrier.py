"""Carrying a runbook out, item by item: look, act, look again; and what to do when that fails."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator

from migration import fixing
from migration.clients import Clients, ClientsSilent
from migration.cutover import Aborted, Switchover, plan_switch
from migration.decisions import Choice
from migration.gatekeeper import Cancelled, Gatekeeper, Passed, after_rollback
from migration.hooks import Hooks
from migration.inbox import Inbox
from migration.journal import Kind
from migration.model import Direction, End, Outcome, Stage
from migration.runbook import (
    CameAbout,
    CloudFailed,
    CloudSilent,
    Gate,
    Halted,
    Item,
    Migration,
    Runbook,
    Step,
    StepFailed,
    Switch,
    not_done,
)
from migration.sampler import Sampler
from migration.view import AttemptView
from providers.mysql.errors import ConnectionLost, ServerError, Unreachable

_AGAIN_S = 0.5
# The sequence number of no decision.
_NOBODY = 0


class ServersChanged(Exception):
    """A server was created, or addresses were exchanged: connect as the journal has it now, and go on."""


class Carrier:
    """Carries one runbook out to one of its ends."""

    def __init__(self, runbook: Runbook, m: Migration, inbox: Inbox, sampler: Sampler, clients: Clients) -> None:
        self._runbook = runbook
        self._mover = runbook.switch.how
        self._m = m
        self._inbox = inbox
        self._sampler = sampler
        self._clients = clients
        self._gatekeeper = Gatekeeper(runbook, m, inbox)
        self._hooks = Hooks(m)
        self._actor = "operator"

    def carry_out(self) -> End:
        """Go on from where the journal stands until the migration has ended.

        Raises:
            JournalError: the journal cannot be written any more; nothing further was done.
            ServersChanged: see there.
            ServerError: a server answers in a way that only a person can resolve.
        """
        with contextlib.closing(self._hooks):
            try:
                self._settle_open_attempt()
                self._reopen_gates()
                while True:
                    end = self._pass_through()
                    if end is not None:
                        return end
            except Cancelled:
                return self._cancel()

    def _pass_through(self) -> End | None:
        """One pass over the items; None when an item sent us back to an earlier stage."""
        stage: Stage | None = None
        for of_stage, item in self._runbook.items():
            story = self._m.story()
            if story.spec is not None and story.spec != self._m.spec:
                raise ServersChanged
            if story.done(item.id) or not _arises(item, self._m):
                continue
            if of_stage is not stage and story.stage is not of_stage:
                self._m.scribe.stage(of_stage)
            stage = of_stage
            self._hooks.stage(stage)
            self._gatekeeper.between()
            if isinstance(item, Step):
                self._carry(item)
            elif isinstance(item, Switch):
                if not self._move(Direction.CUTOVER):
                    return None
            else:
                outcome = self._pass(item)
                if not isinstance(outcome, Passed):
                    return outcome
        return self._end(End.COMPLETED, "the target has the writes")

    def _pass(self, gate: Gate) -> Passed | End | None:
        """Hold at a gate. Passed to go on, an End where it ends here, None to look at the items anew.

        Raises:
            ServersChanged: the provider has moved the writes meanwhile, in an attempt that was given up.
        """
        rolled_back = self._rolled_back()
        if gate.id == "cutover" and rolled_back:
            gate = after_rollback(gate)
        try:
            passed = self._gatekeeper.hold(gate)
        except CameAbout as late:
            take_up(self._m, gate, late)
            raise ServersChanged from late
        except (ServerError, StepFailed) as error:
            self._gatekeeper.hold_retry(gate.title, str(error))
            return None
        self._actor = passed.actor
        if passed.choice is Choice.COMPLETE:
            with self._tolerated():
                self._clients.parting()
        if passed.choice is Choice.ROLL_BACK:
            self._m.scribe.note(f"rolling back because: {passed.reason}", "warn")
            self._move(Direction.ROLLBACK)
            return None
        if passed.choice is Choice.COMPLETE and gate.id == "cutover":
            for step in self._runbook.finish_on_source:
                self._carry(step)
            return self._end(End.ROLLED_BACK, "the source has the writes")
        if over := gate.ends(self._m):
            return self._end(End.COMPLETED, over)
        return passed

    def _rolled_back(self) -> bool:
        attempts = [attempt for attempt in self._m.story().attempts if attempt.result == "switched"]
        return bool(attempts) and attempts[-1].direction is Direction.ROLLBACK

    def _carry(self, step: Step) -> None:
        """Do one step: look whether it is done, act, and look again."""
        while True:
            try:
                if self._attempt(step):
                    return
            except Halted:
                self._gatekeeper.between()
            except (ConnectionLost, Unreachable) as error:
                # What was under way is unknown: the next round looks before it acts.
                self._m.scribe.outcome(step.id, Outcome.UNKNOWN, str(error))
                self._wait_for_servers()
            except CloudSilent as error:
                self._m.scribe.outcome(step.id, Outcome.UNKNOWN, str(error))
                if self._came_about(step, str(error)):
                    return
            except (StepFailed, ServerError) as error:
                self._m.scribe.outcome(step.id, Outcome.NOT_DONE, str(error))
                self._gatekeeper.hold_retry(step.title, str(error))

    def _came_about(self, step: Step, why: str) -> bool:
        """Whether what a provider did not answer to was done; else a person decides whether to send it again."""
        try:
            seen = step.how.probe(self._m)
        except (StepFailed, ServerError) as error:
            seen = not_done(str(error))
        self._m.scribe.outcome(step.id, seen.outcome, seen.note)
        if seen.outcome is not Outcome.DONE:
            self._gatekeeper.hold_retry(step.title, f"{why} It was looked for: {seen.note}.")
        return seen.outcome is Outcome.DONE

    def _attempt(self, step: Step) -> bool:
        m = self._m
        before = step.how.probe(m)
        if before.outcome is Outcome.DONE:
            m.scribe.outcome(step.id, Outcome.DONE, before.note)
        else:
            m.scribe.intent(step.id, step.how.statements(m))
            step.how.apply(m)
            after = step.how.probe(m)
            if after.outcome is not Outcome.DONE:
                raise StepFailed(f"After the step it is still not done: {after.note}.")
            m.scribe.outcome(step.id, Outcome.DONE, after.note)
        if step.id == self._runbook.follows_from:
            with self._tolerated():
                self._clients.protected()
        return True

    @contextlib.contextmanager
    def _tolerated(self) -> Iterator[None]:
        """What the clients have to tell is worth having, and no reason to stop."""
        try:
            yield
        except ClientsSilent as error:
            self._m.scribe.note(f"what the clients saw is not known: {error}", "error")

    def _wait_for_servers(self) -> None:
        said = ""
        while True:
            try:
                for server in self._m.servers:
                    server.value("SELECT 1")
            except ServerError as error:
                if str(error) != said:
                    said = str(error)
                    self._m.scribe.note(f"waiting: {said}", "error")
                self._gatekeeper.between()
                time.sleep(_AGAIN_S)
            else:
                return

    def _move(self, direction: Direction) -> bool:
        """Move the writes; False when they did not move and the gate before it is open again."""
        number = len(self._m.story().attempts) + 1
        attempt = plan_switch(self._m, number, direction, self._actor)
        with self._hooks.around_fence(attempt) as objection:
            if objection:
                self._objected(attempt, objection)
                return False
            return self._switch(attempt)

    def _switch(self, attempt: Switchover) -> bool:
        new = self._runbook.new_address(self._m)
        if new is not None:
            with self._tolerated():
                self._clients.told(new)
        try:
            self._mover.switch(self._m, attempt)
        except Aborted as aborted:
            self._m.scribe.note(str(aborted), "error")
            self._stay(attempt, str(aborted))
            return False
        except (ServerError, CloudFailed) as error:
            self._m.scribe.note(f"past the point of no return: {error}", "error")
            self._wait_for_servers()
            return self._settle(attempt)
        self._after_move(attempt)
        return True

    def _objected(self, attempt: Switchover, objection: str) -> None:
        """A hook keeps the attempt from beginning: it is told as one that was given up."""
        old, new = attempt.old.name, attempt.new.name
        why = f"{old} keeps the writes: {objection}. Nothing was changed; see to that, then try again."
        self._m.scribe.attempt(
            attempt.number, attempt.direction,
            old=old, new=new, actor=attempt.actor, budget_s=self._m.spec.limits.fence_s,
            parts=self._mover.parts(self._m),
        )  # fmt: skip
        self._m.scribe.attempt_ended(attempt.number, "aborted", why)
        self._stay(attempt, why)

    def _stay(self, attempt: Switchover, why: str) -> None:
        """The writes have not moved."""
        self._hooks.aborted(attempt, why)
        self._back_to_gate(attempt)

    def _back_to_gate(self, attempt: Switchover) -> None:
        self._m.scribe.rewind(Stage.CUTOVER if attempt.direction is Direction.CUTOVER else Stage.OBSERVE)

    def _after_move(self, attempt: Switchover) -> None:
        direction = attempt.direction
        self._sampler.point(direction)
        if self._m.prover is not None and self._runbook.reversible:
            self._m.prover.point(direction)
        self._hooks.switched(attempt)
        switched = sum(attempt.result == "switched" for attempt in self._m.story().attempts)
        with self._tolerated():
            figures = self._clients.switched(switched)
            if figures is not None:
                self._m.scribe.figures(figures)
        if direction is Direction.ROLLBACK:
            self._m.scribe.rewind(Stage.CUTOVER)
        else:
            self._m.scribe.outcome(self._runbook.switch.id, Outcome.DONE, f"{self._m.target.name} has the writes")

    def _settle_open_attempt(self) -> None:
        """A runner before us died inside an attempt: bring it to its end by what the servers say."""
        attempts = self._m.story().attempts
        if not attempts:
            return
        last = attempts[-1]
        if last.result == "running":
            self._wait_for_servers()
            self._settle(plan_switch(self._m, last.number, last.direction, last.actor))
        elif last.result == "switched":
            self._sampler.point(last.direction)
            self._catch_up_records(last)

    def _reopen_gates(self) -> None:
        """A runner before us died between a decision and what it was for: the decision has to be taken again.

        A gate stays passed only once the item after it has begun; a switch, only once it is done. What was
        decided may have been the other way (a rollback), and what was confirmed may no longer hold.
        """
        story = self._m.story()
        asked = [(stage, item) for stage, item in self._runbook.items() if _arises(item, self._m)]
        for (stage, item), (_, following) in itertools.pairwise(asked):
            if not isinstance(item, Gate) or not story.done(item.id):
                continue
            went_on = story.done(following.id) if isinstance(following, Switch) else story.begun(following.id)
            if not went_on:
                self._m.scribe.note(f"{item.title}: the runner died before it could act on the decision", "warn")
                self._m.scribe.rewind(stage)
                return

    def _settle(self, attempt: Switchover) -> bool:
        """Whether the writes have moved, by what the servers say."""
        try:
            switched = self._mover.settle(self._m, attempt)
        except Aborted as aborted:
            self._m.scribe.attempt_ended(attempt.number, "unknown", str(aborted))
            self._hooks.unknown(attempt, str(aborted))
            self._back_to_gate(attempt)
            return False
        if switched:
            self._after_move(attempt)
        else:
            self._stay(attempt, self._m.story().attempts[-1].reason)
        return switched

    def _catch_up_records(self, last: AttemptView) -> None:
        """The runner died after the switch and before its last records of it."""
        recorded = self._m.story().done(self._runbook.switch.id)
        if recorded is (last.direction is Direction.ROLLBACK):
            self._after_move(plan_switch(self._m, last.number, last.direction, last.actor))

    def _cancel(self) -> End:
        """Take back what was done, last first."""
        with self._tolerated():
            self._clients.parting()
        begun = {record.subject for record in self._m.scribe.journal.records() if record.kind is Kind.INTENT}
        for _, item in reversed(self._runbook.items()):
            if isinstance(item, Step) and item.undo is not None and item.id in begun:
                self._undo(item)
        self._m.restore_all()
        fixing.create_again(self._m, self._m.source)
        return self._end(End.CANCELLED, "everything that was set up has been taken back")

    def _undo(self, step: Step) -> None:
        self._m.scribe.intent(step.id, (f"undo: {step.undo_says}",))
        assert step.undo is not None
        while True:
            try:
                step.undo(self._m)
                break
            except CloudFailed as error:
                self._m.scribe.outcome(step.id, Outcome.NOT_DONE, str(error))
                # Whatever is decided, what was begun has to be taken back.
                with contextlib.suppress(Cancelled):
                    self._gatekeeper.hold_retry(f"undo: {step.title}", str(error))
        self._m.scribe.undone(step.id, step.undo_says)

    def _end(self, end: End, note: str) -> End:
        with self._tolerated():
            figures = self._clients.final()
            if figures is not None:
                self._m.scribe.final_figures(figures)
        self._m.scribe.ended(end, note)
        self._hooks.ended(end)
        return end


def _arises(item: Item, m: Migration) -> bool:
    return not isinstance(item, Gate) or item.when(m)


def take_up(m: Migration, gate: Gate, late: CameAbout) -> None:
    """Take up a move that came about after it was given up, at the gate before it: as an attempt to be settled."""
    given_up, number = late.given_up, len(m.story().attempts) + 1
    choice = Choice.CONFIRM if given_up.direction is Direction.CUTOVER else Choice.ROLL_BACK
    m.scribe.note(str(late), "warn")
    # In this order: a runner that dies in between finds the gate open again, or the attempt, and nothing else.
    m.scribe.gate_passed(gate.id, _NOBODY, choice.value)
    m.scribe.attempt(
        number, given_up.direction,
        old=given_up.old, new=given_up.new, actor=given_up.actor, budget_s=given_up.budget_s, parts=late.parts,
    )  # fmt: skip
    m.scribe.no_return(number, "the provider's state")
