"""Folding a journal's records and samples into a `MigrationView`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from migration import endings
from migration.attempts import begun, with_part
from migration.check import Finding, Fix
from migration.journal import Kind, Record, Sample
from migration.model import End, MigrationSpec, Outcome, Side, Stage, from_to
from migration.records import read_guide, read_plan
from migration.seat import told
from migration.story_samples import MEASURES
from migration.story_samples import SAMPLE_KINDS as SAMPLE_KINDS
from migration.view import (
    AttemptView,
    ClientView,
    FiguresView,
    FixView,
    GateView,
    LagSample,
    LagView,
    LogLine,
    MigrationView,
    Option,
    Plan,
    ProgressView,
    RollbackView,
    SeatView,
    ServerView,
    StepState,
    StepView,
    WaiverView,
)

_LAG_HISTORY = 900
_LOG_LINES = 300
_REFUSALS = 20
_STEP_STATE = {Outcome.DONE: StepState.DONE, Outcome.NOT_DONE: StepState.FAILED, Outcome.UNKNOWN: StepState.UNKNOWN}
_STAGES = tuple(Stage)


@dataclass
class _Progress:
    """How far one step is, while folding."""

    state: StepState = StepState.TODO
    started_at: float | None = None
    ended_at: float | None = None
    note: str = ""


@dataclass
class Story:
    """What the records so far add up to. Feed it with `tell` and `measure`, then ask for `view`."""

    spec: MigrationSpec | None = None
    created_at: float = 0.0
    last_seq: int = 0
    last_sample: int = 0
    pid: int | None = None
    stage: Stage = Stage.PREPARE
    paused: bool = False
    plan: Plan | None = None
    approved: bool = False
    gate: GateView | None = None
    figures: FiguresView | None = None
    end: End | None = None
    ended_at: float | None = None
    progress: ProgressView | None = None
    rollback: RollbackView = field(default_factory=lambda: RollbackView(None, "not measured yet", None, None))
    clients: tuple[ClientView, ...] = ()
    findings_at: float | None = None
    primary: str = ""
    positioning: str = ""
    armed: bool | None = None
    seat: SeatView = field(default_factory=SeatView)
    chosen: dict[str, str] = field(default_factory=dict)
    _servers: dict[str, dict[str, str]] = field(default_factory=dict)
    _read_only: dict[str, bool | None] = field(default_factory=dict)
    _findings: dict[str, Finding] = field(default_factory=dict)
    _waivers: dict[str, WaiverView] = field(default_factory=dict)
    _fixes: dict[tuple[str, Side, str], FixView] = field(default_factory=dict)
    _steps: dict[str, _Progress] = field(default_factory=dict)
    _attempts: list[AttemptView] = field(default_factory=list)
    _decisions: dict[int, Record] = field(default_factory=dict)
    _refusals: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=_REFUSALS))
    _pauses: dict[int, bool] = field(default_factory=dict)
    _lag: deque[LagSample] = field(default_factory=lambda: deque(maxlen=_LAG_HISTORY))
    _below_since: float | None = None
    _log: deque[LogLine] = field(default_factory=lambda: deque(maxlen=_LOG_LINES))

    @classmethod
    def of(cls, records: Iterable[Record]) -> Story:
        """What these records, in order, add up to."""
        story = cls()
        for record in records:
            story.tell(record)
        return story

    def tell(self, record: Record) -> None:
        """Take in one record; they must come in order."""
        self.last_seq = record.seq
        handler: Callable[[Story, Record], None] | None = _HANDLERS.get(record.kind)
        if handler is not None:
            handler(self, record)

    def measure(self, sample: Sample) -> None:
        """Take in one sample; they must come in order."""
        self.last_sample = max(self.last_sample, sample.seq)
        MEASURES[sample.kind](self, sample)

    def done(self, step: str) -> bool:
        """Whether a step or gate is finished, as far as the journal knows."""
        progress = self._steps.get(step)
        return progress is not None and progress.state is StepState.DONE

    def begun(self, step: str) -> bool:
        """Whether anything is known of a step or gate since the last rewind."""
        return step in self._steps

    @property
    def attempts(self) -> tuple[AttemptView, ...]:
        """All attempts to move the writes, oldest first."""
        return tuple(self._attempts)

    def waived(self) -> frozenset[str]:
        """The checks that an operator accepted as they are."""
        return frozenset(self._waivers)

    def findings(self) -> tuple[Finding, ...]:
        """The newest finding of every check, in the order of their first run."""
        return tuple(self._findings.values())

    def fixes(self) -> tuple[FixView, ...]:
        """Every change that was made for a check."""
        return tuple(self._fixes.values())

    def decision(self, seq: int) -> Record | None:
        """A decision by its sequence number."""
        return self._decisions.get(seq)

    def view(self, runner_alive: bool) -> MigrationView:
        """The frozen view of everything told so far."""
        if self.spec is None:
            raise ValueError("a story begins with its created record")
        return MigrationView(
            spec=self.spec,
            created_at=self.created_at,
            source=self._server("source"),
            target=self._server("target"),
            primary=self.primary or self.spec.source.name,
            positioning=self.positioning,
            stage=self.stage,
            headline=self._headline(runner_alive),
            runner_alive=runner_alive,
            runner_pid=self.pid,
            paused=self.paused,
            findings=self.findings(),
            findings_at=self.findings_at,
            waivers=tuple(self._waivers.values()),
            fixes=self.fixes(),
            plan=self.plan,
            approved=self.approved,
            steps=self._step_views(),
            gate=self.gate,
            progress=self.progress,
            lag=LagView(
                self._lag[-1] if self._lag else None, tuple(self._lag), self.spec.limits.lag_s, self._below_since
            ),
            attempts=self.attempts,
            rollback=self.rollback,
            seat=self.seat,
            refusals=tuple(self._refusals),
            figures=self.figures,
            clients=self.clients,
            log=tuple(self._log),
            end=self.end,
            ended_at=self.ended_at,
            last_seq=self.last_seq,
        )

    def _server(self, side: str) -> ServerView:
        assert self.spec is not None
        spec = self.spec.source if side == "source" else self.spec.target
        side = "source" if self.spec.in_place else side
        seen = self._servers.get(side, {})
        return ServerView(
            spec.name, spec.address, seen.get("version", ""), seen.get("identity", ""), self._read_only.get(side)
        )

    def _step_views(self) -> tuple[StepView, ...]:
        if self.plan is None:
            return ()
        views = []
        for item in self.plan.items:
            progress = self._steps.get(item.id, _Progress())
            views.append(StepView(item, progress.state, progress.started_at, progress.ended_at, progress.note))
        return tuple(views)

    def _headline(self, runner_alive: bool) -> str:
        assert self.spec is not None
        if self.end is not None:
            return endings.in_words(self.end, self.spec, self.attempts)
        if not runner_alive:
            return f"No runner is at work; `cutover resume {self.spec.id}` starts one and looks at the servers first."
        if self.paused:
            return "Paused: the runner takes no new step until you continue."
        if self.gate is not None:
            red = [condition.text for condition in self.gate.conditions if not condition.ok]
            return f"Waiting: {red[0]}" if red else f"Waiting for you: {self.gate.question}"
        for step in self._step_views():
            if step.state is StepState.RUNNING:
                return f"Running: {step.item.title}"
        return "The runner is starting." if self.plan is None else "The runner goes on to the next step."

    def say(self, at: float, text: str, level: str = "info") -> None:
        """Add a line to the log."""
        self._log.append(LogLine(at, level, text))


def _created(story: Story, record: Record) -> None:
    story.spec = MigrationSpec.from_json(record.body)
    story.created_at = record.at
    servers = from_to(story.spec.source.name, story.spec.target.name)
    story.say(record.at, f"migration {story.spec.id} created: {servers}")


def _runner(story: Story, record: Record) -> None:
    story.pid = int(record.body["pid"])
    reason = record.body.get("reason", "")
    story.say(record.at, f"runner {story.pid} {record.subject}" + (f": {reason}" if reason else ""))


def _servers(story: Story, record: Record) -> None:
    story._servers = {"source": dict(record.body["source"]), "target": dict(record.body["target"])}
    story.positioning = str(record.body["positioning"])
    story.armed = record.body["armed"]


def _placed(story: Story, record: Record) -> None:
    assert story.spec is not None
    body, side = record.body, record.subject
    was = story.spec.source if side == "source" else story.spec.target
    user = str(body.get("user", was.user))
    now = replace(was, name=body["name"], host=body["host"], port=int(body["port"]), user=user)
    if now.name != was.name:
        # It is another server, whose identity shows once it is there.
        story._servers.pop(side, None)
    if story.primary == was.name:
        story.primary = now.name
    spec = story.spec
    story.spec = replace(spec, source=now) if side == "source" else replace(spec, target=now)
    story.say(record.at, f"the {side} is {now.name} at {now.address}")


def _stage(story: Story, record: Record) -> None:
    story.stage = Stage(record.subject)
    if record.body["rewound"] and story.plan is not None:
        later = _STAGES[_STAGES.index(story.stage) :]
        for item in story.plan.items:
            if item.stage in later:
                story._steps.pop(item.id, None)
    story.say(record.at, f"stage {record.subject}" + (" again" if record.body["rewound"] else ""))


def _finding(story: Story, record: Record) -> None:
    finding = Finding.from_json(record.body)
    story._findings[finding.check] = finding
    story.findings_at = record.at


def _plan(story: Story, record: Record) -> None:
    story.plan = read_plan(record.subject, record.body)
    story.approved = False
    story.say(record.at, f"plan {record.subject} made, {len(story.plan.items)} steps")


def _gate_opened(story: Story, record: Record) -> None:
    body = record.body
    story.gate = GateView(
        id=record.subject,
        title=body["title"],
        question=body["question"],
        consequence=body["consequence"],
        word=body["word"],
        choices=tuple(body["choices"]),
        opened_at=record.at,
        conditions=(),
        measured_at=None,
        options=tuple(Option(*one) for one in body.get("options", ())),
        why=body.get("why", ""),
        guide=read_guide(body),
    )
    progress = story._steps.setdefault(record.subject, _Progress())
    progress.state, progress.started_at, progress.ended_at = StepState.WAITING, record.at, None
    story.say(record.at, f"waiting: {body['question']}")


def _gate_passed(story: Story, record: Record) -> None:
    story.gate = None
    progress = story._steps.setdefault(record.subject, _Progress(started_at=record.at))
    progress.state, progress.ended_at = StepState.DONE, record.at
    if record.subject == "plan" and record.body["choice"] == "confirm":
        story.approved = True
    decision = story.decision(int(record.body["decision"]))
    who = decision.actor if decision else "nobody"
    chosen = record.body.get("chosen", "")
    if chosen:
        story.chosen[record.subject] = chosen
    story.say(record.at, f"{who} decided {chosen or record.body['choice']} at {record.subject}")


def _decision(story: Story, record: Record) -> None:
    story._decisions[record.seq] = record
    choice = record.body["choice"]
    if choice in ("pause", "continue"):
        story.paused = story._pauses[record.seq] = choice == "pause"
        story.say(record.at, f"{record.actor}: {choice}")
    if choice == "waive" and record.body["reason"].strip():
        story._waivers[record.subject] = WaiverView(record.subject, record.body["reason"], record.actor, record.at)
        story.say(record.at, f"{record.actor} accepted {record.subject}: {record.body['reason']}", "warn")


def _refused(story: Story, record: Record) -> None:
    decision = story.decision(int(record.body["decision"]))
    story._refusals.append((int(record.body["decision"]), str(record.body["why"])))
    waiver = story._waivers.get(record.subject)
    if decision is not None and waiver is not None and waiver.at == decision.at:
        del story._waivers[record.subject]
    if decision is not None and story._pauses.pop(decision.seq, None) is not None:
        story.paused = next(reversed(story._pauses.values()), False)
    story.say(record.at, f"refused: {record.body['why']}", "warn")


def _seat(story: Story, record: Record) -> None:
    story.seat, sentence = told(story.seat, record)
    story.say(record.at, sentence)


def _intent(story: Story, record: Record) -> None:
    if "attempt" in record.body:
        story._attempts[-1] = with_part(story._attempts[-1], record.subject, StepState.RUNNING, record.at)
        return
    progress = story._steps.setdefault(record.subject, _Progress())
    progress.state, progress.ended_at, progress.note = StepState.RUNNING, None, ""
    progress.started_at = record.at


def _outcome(story: Story, record: Record) -> None:
    body = record.body
    state = _STEP_STATE[Outcome(body["outcome"])]
    if "attempt" in body:
        story._attempts[-1] = with_part(
            story._attempts[-1], record.subject, state, body["began"], body["ended"], body["note"]
        )
        return
    progress = story._steps.setdefault(record.subject, _Progress())
    if body.get("undone"):
        state = StepState.UNDONE
    progress.state, progress.ended_at, progress.note = state, record.at, body["note"]
    if progress.started_at is None:
        progress.started_at = record.at
    level = "info" if state in (StepState.DONE, StepState.UNDONE) else "error"
    story.say(record.at, f"{record.subject}: {state.value}" + (f", {body['note']}" if body["note"] else ""), level)


def _attempt(story: Story, record: Record) -> None:
    body = record.body
    story._attempts.append(begun(record))
    story.say(record.at, f"{body['direction']} {record.subject} begins: {from_to(body['old'], body['new'])}")


def _no_return(story: Story, record: Record) -> None:
    story._attempts[-1] = replace(story._attempts[-1], past_no_return=True)
    story.say(record.at, f"point of no return at {record.body['position']}")


def _return(story: Story, record: Record) -> None:
    story._attempts[-1] = replace(story._attempts[-1], past_no_return=False)
    story.say(record.at, f"back before the point of no return: {record.body['why']}", "warn")


def _lease_expired(story: Story, record: Record) -> None:
    story.say(record.at, f"the watchdog lifts the fence of attempt {record.subject}: {record.body['why']}", "error")


def _attempt_ended(story: Story, record: Record) -> None:
    result, reason = record.body["result"], record.body["reason"]
    story._attempts[-1] = replace(story._attempts[-1], ended_at=record.at, result=result, reason=reason)
    if result == "switched":
        story.primary = story._attempts[-1].new
    level = "info" if result == "switched" else "error"
    story.say(
        record.at,
        f"{story._attempts[-1].direction.value} {record.subject} {result}" + (f": {reason}" if reason else ""),
        level,
    )


def _fix(story: Story, record: Record) -> None:
    body = record.body
    fix, state = Fix.from_json(body["fix"]), body["state"]
    story._fixes[record.subject, fix.side, fix.setting] = FixView(
        record.subject, fix, record.at, state in ("undone", "created again")
    )
    back = not state.startswith("appl")
    place = "the side with the writes" if state.startswith("creat") else fix.side
    story.say(record.at, f"{state} on {place}: {fix.undo if back else fix.statement}")


def _measured(story: Story, record: Record) -> None:
    story.figures = FiguresView(**record.body)
    if record.subject != "final" and story._attempts:
        story._attempts[-1] = replace(story._attempts[-1], figures=story.figures)


def _note(story: Story, record: Record) -> None:
    story.say(record.at, record.body["text"], record.subject)


def _ended(story: Story, record: Record) -> None:
    story.end, story.ended_at, story.gate = End(record.subject), record.at, None
    story.say(record.at, f"ended: {record.subject}")


_HANDLERS: dict[Kind, Callable[[Story, Record], None]] = {
    Kind.CREATED: _created,
    Kind.RUNNER: _runner,
    Kind.SERVERS: _servers,
    Kind.PLACED: _placed,
    Kind.STAGE: _stage,
    Kind.FINDING: _finding,
    Kind.PLAN: _plan,
    Kind.GATE_OPENED: _gate_opened,
    Kind.GATE_PASSED: _gate_passed,
    Kind.DECISION: _decision,
    Kind.REFUSED: _refused,
    Kind.SEAT: _seat,
    Kind.INTENT: _intent,
    Kind.OUTCOME: _outcome,
    Kind.ATTEMPT: _attempt,
    Kind.NO_RETURN: _no_return,
    Kind.RETURN: _return,
    Kind.LEASE_EXPIRED: _lease_expired,
    Kind.ATTEMPT_ENDED: _attempt_ended,
    Kind.FIX: _fix,
    Kind.MEASURED: _measured,
    Kind.NOTE: _note,
    Kind.ENDED: _ended,
}
