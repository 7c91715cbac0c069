"""Gates: opening them, measuring what must hold, taking decisions and refusing the bad ones."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from migration import fixing
from migration.check import Check, Finding, Pair, Severity, Verdict
from migration.checks.run import arising, run_catalogue, run_checks
from migration.client_drain import end_idle
from migration.decisions import Choice
from migration.inbox import Inbox
from migration.journal import Record
from migration.model import Direction
from migration.planning import drift, make_plan
from migration.runbook import CloudFailed, Gate, Migration, Runbook, StepFailed
from migration.second_person import NotAgreed, SecondPerson, agreed
from migration.view import Condition, Guide, Option
from providers.mysql.errors import ServerError
from providers.mysql.server import Server

_POLL_S = 0.05
_MEASURE_S = 0.5
_ACTIVITY_S = 5.0
_FINDINGS_AGE_S = 600.0
_COMPLETE_WORD = "complete"
_WELL = (Verdict.PASSED, Verdict.NOT_APPLICABLE)
_WORTH_ASKING = 2
# The sequence number of no decision.
_NOBODY = 0
_TRYING_AGAIN = Guide(
    "What was done before the step stands, and nothing of it is lost by waiting here. Before it is tried again, the "
    "step looks at the servers for what is done of it already.",
    "Pressing again and again without reading why it failed. See to what the message names first; while you do, "
    "clients go on as before.",
)
# Which way the writes move where a gate is passed.
_DIRECTIONS = {"cutover": Direction.CUTOVER, "observe": Direction.ROLLBACK}


class Cancelled(Exception):
    """The operator cancels the migration."""


class Refusal(Exception):
    """A decision cannot be followed; the message says why."""


@dataclass(frozen=True)
class Passed:
    """A gate was passed: with which choice, by whom, and why."""

    choice: Choice
    actor: str
    reason: str


class Gatekeeper:
    """Holds the runner at a gate until the operator has decided."""

    def __init__(self, runbook: Runbook, m: Migration, inbox: Inbox) -> None:
        self._runbook = runbook
        self._mover = runbook.switch.how
        self._m = m
        self._inbox = inbox
        self._plan_hash = ""
        self._trouble = ""
        self._options: tuple[Option, ...] = ()
        self._activity: tuple[float, tuple[Finding, ...]] = (0.0, ())
        self._second = SecondPerson(m.spec.id, m.spec.people)

    def hold(self, gate: Gate, *, choices: tuple[Choice, ...] | None = None) -> Passed:
        """Open the gate and wait.

        Raises:
            Cancelled: the operator cancels.
            ServerError: a server failed while it was asked for the gate's sake.
        """
        if gate.id == "checks":
            self._check()
        if gate.id == "plan":
            self._plan_hash = ""
            self._propose()
        offered = choices or gate.choices
        self._options = gate.options(self._m) if gate.options is not None else ()
        if gate.options is not None and len(self._options) < _WORTH_ASKING:
            return self._taken(gate)
        self._open(gate, offered)
        measured = 0.0
        while True:
            if time.monotonic() - measured >= _MEASURE_S:
                self._keep(gate)
                self._m.scribe.conditions(gate.id, self.conditions(gate))
                measured = time.monotonic()
            decision = self._inbox.take()
            if decision is None:
                time.sleep(_POLL_S)
                continue
            passed = self._consider(gate, offered, decision)
            if passed is not None:
                return passed
            measured = 0.0

    def _taken(self, gate: Gate) -> Passed:
        """There is nothing to ask: what can be chosen is."""
        chosen = self._options[0].value if self._options else ""
        self._m.scribe.gate_passed(gate.id, _NOBODY, Choice.CONFIRM.value, chosen)
        return Passed(Choice.CONFIRM, "the runner", "")

    def hold_retry(self, title: str, words: str) -> None:
        """A step failed: wait until the operator wants it tried again.

        Raises:
            Cancelled: the operator cancels.
        """
        choices = (Choice.CONFIRM, Choice.CANCEL) if self._may_cancel() else (Choice.CONFIRM,)
        gate = Gate(
            id="retry",
            title=title,
            why="The step did not reach what it is for; nothing further is done meanwhile.",
            question=lambda m: f"Try again: {title}?",
            consequence=lambda m: words,
            word=lambda m: "",
            choices=choices,
            guide=_TRYING_AGAIN,
        )
        self.hold(gate)

    def between(self) -> None:
        """Between two items: handle what was decided meanwhile, and wait while the migration is paused.

        Raises:
            Cancelled: the operator cancels.
        """
        while True:
            decision = self._inbox.take()
            if decision is None:
                if not self._inbox.paused:
                    return
                time.sleep(_POLL_S)
                continue
            try:
                if not self._common(decision):
                    raise Refusal(f"no gate was open when {decision.body['choice']} was decided")
            except Refusal as refusal:
                self._m.scribe.refused(decision.subject, decision.seq, str(refusal))

    def _may_cancel(self) -> bool:
        """A migration can be cancelled while no attempt has moved the writes, or may have, or is still open.

        What cancelling takes back includes the target's databases: they must not hold a write of a client.
        """
        return all(attempt.result == "aborted" for attempt in self._m.story().attempts)

    def _open(self, gate: Gate, offered: Iterable[Choice]) -> None:
        m = self._m
        self._m.scribe.gate_opened(
            gate.id,
            title=gate.title,
            question=gate.question(m),
            consequence=gate.consequence(m),
            word=gate.word(m),
            choices=[choice.value for choice in offered],
            options=self._options,
            why=gate.why,
            guide=gate.guide,
        )

    def _common(self, decision: Record) -> bool:
        """Decisions that are taken anywhere. True if it was one of them.

        Raises:
            Cancelled: the operator cancels.
            Refusal: it is too late to cancel.
        """
        choice = Choice(decision.body["choice"])
        if choice is Choice.CANCEL:
            if not self._may_cancel():
                raise Refusal("the writes have moved, or may have: roll back instead of cancelling")
            self._stop_comparing()
            raise Cancelled
        if choice in (Choice.PAUSE, Choice.CONTINUE):
            self._inbox.paused = choice is Choice.PAUSE
            return True
        # What there was to abort has stopped when this is read.
        return choice is Choice.ABORT

    def _consider(self, gate: Gate, offered: tuple[Choice, ...], decision: Record) -> Passed | None:
        choice = Choice(decision.body["choice"])
        try:
            if self._common(decision):
                return None
            if choice is Choice.APPROVE:
                self._agree(gate, decision)
                return None
            if choice not in offered:
                raise Refusal(f"{choice.value} is not offered at {gate.id}")
            if choice in (Choice.RECHECK, Choice.WAIVE, Choice.FIX, Choice.UNDO_FIX, Choice.FIX_ALL):
                self._about_checks(choice, decision)
                return None
            if choice is Choice.DRAIN_CLIENTS:
                self._drain_clients(gate, decision)
                return None
            self._admit(gate, choice, decision)
        except Refusal as refusal:
            self._m.scribe.refused(decision.subject, decision.seq, str(refusal))
            return None
        chosen = str(decision.body["typed"]) if self._options else ""
        self._m.scribe.gate_passed(gate.id, decision.seq, choice.value, chosen)
        if choice is Choice.COMPLETE:
            self._stop_comparing()
        if gate.id == "cutover":
            self._second.used()
        return Passed(choice, decision.actor, str(decision.body["reason"]))

    def _agree(self, gate: Gate, decision: Record) -> None:
        """Somebody agrees to the cutover as the second person.

        Raises:
            Refusal: it is not what was asked for, or not a second person.
        """
        if gate.id != "cutover" or decision.subject != gate.id:
            raise Refusal(f"a second person agrees at the cutover's gate, and {gate.id!r} is open")
        word, plan = gate.word(self._m), self._m.story().plan
        if decision.body["typed"] != word:
            raise Refusal(f"{decision.body['typed']!r} was typed and {word!r} confirms")
        if plan is None or decision.body["shown"] != plan.hash:
            raise Refusal("another plan is to be carried out than the one that was agreed to")
        who = self._inbox.who(decision)
        try:
            self._second.agree(who, self._inbox.operator())
        except NotAgreed as error:
            raise Refusal(str(error)) from error
        self._m.scribe.note(agreed(who))

    def _stop_comparing(self) -> None:
        """No switch follows any more, and what is taken down now would look like rows that differ."""
        if self._m.prover is not None:
            self._m.prover.stop()

    def _admit(self, gate: Gate, choice: Choice, decision: Record) -> None:
        """Whether the gate may be passed with this decision.

        Raises:
            Refusal: it may not.
        """
        if decision.subject != gate.id:
            raise Refusal(f"the decision was about {decision.subject!r} and {gate.id!r} is open")
        if gate.id == "checks":
            self._admit_checks()
        if gate.id == "plan":
            self._admit_plan(str(decision.body["shown"]))
        if self._options and decision.body["typed"] not in {option.value for option in self._options}:
            raise Refusal(f"{decision.body['typed']!r} is none of what can be chosen at {gate.id}")
        word = _COMPLETE_WORD if choice is Choice.COMPLETE else gate.word(self._m)
        if word and decision.body["typed"] != word:
            raise Refusal(f"{decision.body['typed']!r} was typed and {word!r} confirms")
        if choice is Choice.ROLL_BACK and not str(decision.body["reason"]).strip():
            raise Refusal("a rollback needs a reason; it goes into the report")
        if gate.id == "cutover" and choice is Choice.CONFIRM:
            lacking = [one.text for one in self._second.conditions(self._inbox.who(decision)) if not one.ok]
            if lacking:
                raise Refusal(lacking[0])
        if choice in (Choice.CONFIRM, Choice.ROLL_BACK):
            red = [condition.text for condition in self.conditions(gate) if not condition.ok]
            if red:
                raise Refusal(f"{red[0]}; decide again once it holds")

    def _admit_checks(self) -> None:
        story = self._m.story()
        if story.findings_at is None or time.time() - story.findings_at > _FINDINGS_AGE_S:
            self._check()
            story = self._m.story()
        waived = story.waived()
        open_ones = [f.check for f in story.findings() if f.blocks and f.check not in waived]
        if open_ones:
            raise Refusal(f"{', '.join(open_ones)} must be cured or accepted with a reason first")

    def _propose(self) -> str:
        """Make the plan as it would be carried out now; what it does otherwise than the one before, empty for nothing.

        Raises:
            ServerError, StepFailed: what it is made of could not be asked.
        """
        was, plan = self._m.story().plan, make_plan(self._runbook, self._m)
        if plan.hash == self._plan_hash:
            return ""
        changed = "" if was is None else "; ".join(drift(was, plan))
        self._plan_hash = plan.hash
        self._m.scribe.plan(plan)
        if changed:
            self._m.scribe.note(f"plan {plan.hash} takes the place of the one that was shown: {changed}", "warn")
        return changed

    def _admit_plan(self, shown: str) -> None:
        """Whether the plan that was shown is the one that would be carried out now.

        Raises:
            Refusal: it is not; the message says what has drifted since.
        """
        if shown != self._plan_hash:
            raise Refusal(f"the plan {shown!r} was approved and {self._plan_hash!r} is the one to run")
        if changed := self._propose():
            raise Refusal(f"the plan has changed since it was shown ({changed}); look at it again and approve that")

    def _drain_clients(self, gate: Gate, decision: Record) -> None:
        """End idle sessions on the side without writes.

        Raises:
            Refusal: that is another side than the operator named, or it could not be done.
        """
        left = self._without_writes(gate)
        if left is None or decision.subject != gate.id:
            raise Refusal(f"the decision was about {decision.subject!r} and {gate.id!r} is open")
        if decision.body["typed"] != left.name:
            raise Refusal(f"{decision.body['typed']!r} was typed and {left.name!r} confirms")
        try:
            end_idle(self._m, left)
        except (ServerError, CloudFailed) as error:
            raise Refusal(str(error)) from error

    def _without_writes(self, gate: Gate) -> Server | None:
        direction = _DIRECTIONS.get(gate.id)
        return None if direction is None else self._m.end_of(direction)[1]

    def _pair(self) -> Pair:
        m = self._m
        route, chosen, expected = self._runbook.route(m), m.story().chosen, self._runbook.expected(m)
        return Pair(m.source, m.other, m.spec, m.secrets, m.positioning, route, m.cloud, chosen, expected)

    def _check(self) -> None:
        pair = self._pair()
        for finding in run_catalogue(pair, arising(self._runbook.checks, pair.route)):
            self._m.scribe.finding(finding)

    def _about_checks(self, choice: Choice, decision: Record) -> None:
        """Check again, accept a finding, or make or take back a change for one.

        Raises:
            Refusal: there is no such finding, no reason, or nothing to change.
        """
        if choice is Choice.RECHECK:
            self._check()
            return
        if choice is Choice.FIX_ALL:
            self._fix_all(decision)
            return
        found = {finding.check: finding for finding in self._m.story().findings()}
        finding = found.get(decision.subject)
        if finding is None:
            raise Refusal(f"there is no check named {decision.subject!r}")
        if choice is Choice.WAIVE:
            if not str(decision.body["reason"]).strip():
                raise Refusal(f"accepting {finding.check} needs a reason; it goes into the report")
            return
        self._change(choice, finding)
        self._check_again(finding.check)

    def _change(self, choice: Choice, finding: Finding) -> None:
        """Make the changes for a finding, or take them back.

        Raises:
            Refusal: there is nothing to change, or a server refused.
        """
        fixes, made = finding.result.fixes, fixing.made(self._m, finding.check)
        try:
            if choice is Choice.FIX and fixes:
                fixing.apply(self._m, finding.check, fixes)
            elif choice is Choice.UNDO_FIX and made:
                fixing.undo(self._m, finding.check)
            else:
                raise Refusal(f"there is nothing to {choice.value.replace('_', ' ')} for {finding.check}")
        except (ServerError, CloudFailed) as error:
            raise Refusal(str(error)) from error

    def _fix_all(self, decision: Record) -> None:
        """Make every change that was listed, and run all checks again, however that ends.

        Raises:
            Refusal: the list has changed since it was shown, or a server refused one.
        """
        listed = fixing.offers(self._m.story().findings())
        if not listed or decision.body["shown"] != fixing.digest(listed):
            raise Refusal("the list of changes is another one by now; look at it again")
        try:
            for one in listed:
                fixing.apply(self._m, one.check, (one.fix,))
        except (ServerError, CloudFailed) as error:
            raise Refusal(str(error)) from error
        finally:
            self._check()

    def _check_again(self, check: str) -> None:
        chosen: tuple[Check, ...] = tuple(c for c in self._runbook.checks if c.id == check)
        for finding in run_checks(self._pair(), chosen):
            self._m.scribe.finding(finding)

    def conditions(self, gate: Gate) -> tuple[Condition, ...]:
        """What must hold at the gates around the switch, measured now."""
        direction = _DIRECTIONS.get(gate.id)
        if direction is None:
            return ()
        ready = self._mover.ready(self._m, direction)
        if direction is Direction.ROLLBACK:
            return ready
        return (*ready, *self._quiet(), *self._second.conditions(self._inbox.operator()))

    def _keep(self, gate: Gate) -> None:
        """What the side without writes needs to stay as it is; why it cannot be had is said once."""
        direction = _DIRECTIONS.get(gate.id)
        if direction is None:
            return
        try:
            self._mover.keep(self._m, direction)
        except StepFailed as error:
            if str(error) != self._trouble:
                self._m.scribe.note(str(error), "error")
            self._trouble = str(error)

    def _quiet(self) -> tuple[Condition, ...]:
        """The checks of activity, asked again every few seconds while the gate is open."""
        at, findings = self._activity
        if time.monotonic() - at >= _ACTIVITY_S:
            pair = self._pair()
            findings = tuple(run_checks(pair, arising(self._runbook.activity, pair.route)))
            self._activity = (time.monotonic(), findings)
            self._tell(findings)
        waived = self._m.story().waived()
        conditions = []
        for finding in findings:
            well = finding.severity is Severity.NOTICE or finding.result.verdict in _WELL
            accepted = finding.check in waived and not well
            words = f"{finding.title}: {finding.result.found}{', accepted' if accepted else ''}"
            conditions.append(Condition(well or accepted, words))
        return tuple(conditions)

    def _tell(self, findings: Iterable[Finding]) -> None:
        """Journal what has turned out otherwise than before: so it can be accepted, and what is offered be made."""
        before = {finding.check: finding.result.verdict for finding in self._m.story().findings()}
        for finding in findings:
            if before.get(finding.check) is not finding.result.verdict:
                self._m.scribe.finding(finding)


def after_rollback(gate: Gate) -> Gate:
    """The cutover gate once the writes are back: go again, or end it on the source."""
    return replace(gate, choices=(Choice.CONFIRM, Choice.WAIVE, Choice.COMPLETE, Choice.DRAIN_CLIENTS))
