"""What there is to say of a migration: what happened since the last look, and what a gate asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from migration.check import Finding, Verdict
from migration.model import Direction
from migration.view import AttemptView, GateView, LagSample, MigrationView, Plan, StepState
from tui.explained import Explained, parts
from tui.places import moving
from tui.text import amount, clock, duration, plural

_LEVELS = {"info": "", "warn": "WARN ", "error": "FAIL "}
_LAG_EVERY_S = 60.0
_PROGRESS_EVERY_S = 10.0
_BEFORE = 20

Tell = Callable[[float, str], None]


class Told:
    """Remembers what was said, so that everything is said once."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._log_at = 0.0
        self._lines_then: set[str] = set()
        self._lag = ""
        self._lag_at = 0.0
        self._progress_at = 0.0
        self._red: tuple[str, ...] | None = None
        self._alive = True
        self._parts: dict[tuple[int, str], StepState] = {}
        self._begun = False

    def news(self, view: MigrationView, now: float) -> None:
        """Say what has happened since the last call; `now` in seconds since 1970."""
        if not self._begun:
            self._begin(view, now)
        for line in view.log:
            self._line(line.at, _LEVELS.get(line.level, "") + line.text)
        self._say_parts(view)
        self._say_lag(view)
        self._say_progress(view, now)
        self._say_conditions(view.gate, now)
        if self._alive and not view.runner_alive and view.end is None:
            self._tell(now, f"FAIL No runner is at work: run `cutover resume {view.spec.id}`.")
        self._alive = view.runner_alive

    def _begin(self, view: MigrationView, now: float) -> None:
        """Of what was before, only the end is told."""
        self._begun = True
        old = view.log[:-_BEFORE] if len(view.log) > _BEFORE else ()
        if old:
            self._tell(now, f"{plural(len(old), 'line')} of the log before these are in `cutover report`.")
            self._log_at = old[-1].at
            self._lines_then = {_LEVELS.get(line.level, "") + line.text for line in old if line.at == self._log_at}
        if view.attempt is not None and moving(view) is None:
            self._parts = {(view.attempt.number, part.id): part.state for part in view.attempt.steps}

    def _line(self, at: float, text: str) -> None:
        if at < self._log_at or (at == self._log_at and text in self._lines_then):
            return
        if at > self._log_at:
            self._log_at, self._lines_then = at, set()
        self._lines_then.add(text)
        self._tell(at, text)

    def _say_parts(self, view: MigrationView) -> None:
        attempt = view.attempt
        for part in attempt.steps if attempt is not None else ():
            key = (attempt.number if attempt else 0, part.id)
            if part.state is self._parts.get(key, StepState.TODO):
                continue
            self._parts[key] = part.state
            at = (part.started_at if part.state is StepState.RUNNING else part.ended_at) or view.created_at
            note = f": {part.note}" if part.note else ""
            self._tell(at, f"{part.title}, {part.state.value}{note}")

    def _say_lag(self, view: MigrationView) -> None:
        sample = view.lag.latest
        if sample is None or view.end is not None:
            return
        state = _lag_state(sample, view.lag.limit_s)
        if state == self._lag and sample.at - self._lag_at < _LAG_EVERY_S:
            return
        self._lag, self._lag_at = state, sample.at
        figure = f" at {sample.lag_s:.1f} s" if sample.lag_s is not None else ""
        self._tell(sample.at, f"lag{figure}: {state}")

    def _say_progress(self, view: MigrationView, now: float) -> None:
        progress = view.progress
        running = next((step for step in view.steps if step.state is StepState.RUNNING), None)
        if progress is None or running is None or progress.step != running.item.id:
            return
        if now - self._progress_at < _PROGRESS_EVERY_S:
            return
        self._progress_at = now
        of = f" of {amount(progress.total, progress.unit)}" if progress.total else ""
        self._tell(now, f"{running.item.title}: {amount(progress.done, progress.unit)}{of} {progress.note}".rstrip())

    def _say_conditions(self, gate: GateView | None, now: float) -> None:
        """What a gate waits for, whenever another condition begins or ceases to hold: not whenever a figure changes."""
        if gate is None or gate.measured_at is None:
            self._red = None
            return
        red = tuple(str(number) for number, one in enumerate(gate.conditions) if not one.ok)
        if red == self._red or not gate.conditions:
            return
        self._red = red
        waits = "; ".join(one.text for one in gate.conditions if not one.ok)
        self._tell(now, f"WAIT {waits}" if red else "OK everything holds that this gate asks for")


def _lag_state(sample: LagSample, limit_s: float) -> str:
    if sample.lag_s is None:
        return f"UNKNOWN, {sample.reason}"
    if sample.at_least:
        return f"at least so far, the limit is {limit_s:g} s"
    return f"{'below' if sample.lag_s < limit_s else 'above'} the limit of {limit_s:g} s"


def findings(view: MigrationView) -> Iterator[str]:
    """What the checks found, what is wrong first and in full."""
    accepted = {waiver.check for waiver in view.waivers}
    wrong = [one for one in view.findings if one.result.verdict in (Verdict.FAILED, Verdict.UNKNOWN)]
    for one in wrong:
        yield _finding(one, one.check in accepted)
    fine = len(view.findings) - len(wrong)
    yield f"{plural(len(view.findings), 'check')} run, {fine} without a finding, {len(view.blocking)} in the way."


def _finding(one: Finding, accepted: bool) -> str:
    state = "accepted" if accepted else "blocks" if one.blocks else "does not block"
    remedy = f" {one.result.remedy}" if one.result.remedy and not accepted else ""
    return f"{one.word} {one.title}: {one.result.found} ({state}).{remedy}"


def plan(made: Plan) -> Iterator[str]:
    """Every step of the plan in a line, with the two lines that matter."""
    yield f"Plan {made.hash}, positions by {made.positioning}:"
    for number, item in enumerate(made.items, 1):
        if item.kind == "gate":
            yield f"Step {number}: you decide, {item.title}."
            continue
        estimate = "unknown" if item.estimate_s is None else duration(item.estimate_s)
        undo = f"taken back by: {item.undo}" if item.undo else "cannot be taken back"
        takes = f"On {item.side.value}, about {estimate}, writes {item.writes.value}"
        yield f"Step {number}: {item.title}. {takes}, {undo}."
        if item.kind == "switch":
            yield "Behind that step is the point of no free return: new writes exist only on the target."


def guide(one: Explained) -> Iterator[str]:
    """What is told of a step to somebody who does it for the first time."""
    yield f"Guide to: {one.title}."
    for head, text in parts(one):
        yield f"{head}: {text}" if head else text


def statements(made: Plan) -> Iterator[str]:
    """What will run, word for word."""
    for number, item in enumerate(made.items, 1):
        for statement in item.statements:
            yield f"Step {number}, {item.title}: {statement}"


def end(view: MigrationView) -> Iterator[str]:
    """How it came out."""
    yield view.headline
    for attempt in view.attempts:
        kind = "Rollback" if attempt.direction is Direction.ROLLBACK else "Cutover"
        window = f", {attempt.window_ms:,.0f} ms without writes" if attempt.window_ms is not None else ""
        at = clock(attempt.ended_at) if attempt.ended_at else "-"
        yield f"{kind} {attempt.number} {attempt.result} at {at}{window}: {_between(attempt)}."
    if view.figures is not None:
        yield (
            f"Clients saw {view.figures.acknowledged_writes:,} writes acknowledged, {view.figures.lost_writes} of them "
            f"lost; both servers took writes for {view.figures.both_writable_ms:.0f} ms."
        )
    yield f"The report: cutover report {view.spec.id}"


def _between(attempt: AttemptView) -> str:
    return attempt.old if attempt.old == attempt.new else f"{attempt.old} to {attempt.new}"
