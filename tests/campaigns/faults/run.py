"""One run of the campaign: from its plan to what was violated."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from migration.journal import Kind as RecordKind
from providers.mysql.errors import ServerError
from providers.sandbox.topology import WHICH
from tests.campaigns.faults.bench import EVENT_TABLE, TABLE, Bench, write_journal
from tests.campaigns.faults.clients import Clients, Try
from tests.campaigns.faults.judge import Seen, judge, stalls
from tests.campaigns.faults.operator import Operator
from tests.campaigns.faults.plan import FENCE_S, Anchor, Plan
from tests.campaigns.faults.scene import Scene

_POLL_S = 0.01
_GATE_S = 20.0
_PATIENCE_S = 2.0
_HANGING_S = 75.0
_RESUMES = 40
_AGAIN_S = 0.3


@dataclass(frozen=True)
class Ended:
    """What became of a run. Times in seconds; `stall_s` the longest time without any write under a fence."""

    seed: int
    plan: str
    pair: str
    kinds: tuple[str, ...]
    fired: int
    result: str
    reason: str
    runners: int
    stall_s: float
    writes: int
    seconds: float
    problems: tuple[str, ...]
    directory: str
    repaired: str


def run(bench: Bench, clients: Clients, plan: Plan, directory: Path, *, keep: bool) -> Ended:
    """Carry out one plan on a bench that is ready for it; artefacts stay where something was violated."""
    began = time.monotonic()
    directory.mkdir(parents=True)
    journal = directory / "journal" / "journal.db"
    write_journal(bench, journal, plan.direction, armed=plan.armed)
    operator = Operator(journal, bench.secrets(), plan.direction)
    scene = Scene(bench, plan, operator, directory)
    ended_well = False
    try:
        clients.begin()
        result, reason = _play(operator, scene, plan)
        scene.end()
        _settle(bench, scene, result)
        tries = clients.end()
        seen = _seen(bench, scene, operator, result, reason, tries)
        problems = [*judge(seen), *(words for _, words in scene.events if words.startswith("VIOLATION"))]
        if problems or keep:
            _write_artefacts(directory, scene, operator, tries, problems)
        ended_well = not problems and not keep
        longest = max((stall.length_s(seen.ended_at) for stall in stalls(seen)), default=0.0)
        return Ended(
            plan.seed, plan.line(), plan.pair.name, tuple(fault.kind.value for fault in plan.faults), scene.fired,
            result, reason, len(operator.runners), round(longest, 4), sum(one.code == 0 for one in tries),
            round(time.monotonic() - began, 2), tuple(problems), "" if ended_well else str(directory), "",
        )  # fmt: skip
    finally:
        scene.end()
        operator.close()
        if ended_well:
            shutil.rmtree(directory, ignore_errors=True)


def _play(operator: Operator, scene: Scene, plan: Plan) -> tuple[str, str]:
    """From the runner's start to the attempt's end; how that was, and why."""
    operator.start()
    if not _until(lambda: operator.ready, _GATE_S):
        return "no gate", "the gate did not open before anything went wrong"
    scene.arm()
    if any(fault.anchor is Anchor.GATE for fault in plan.faults):
        scene.begin(Anchor.GATE)
        _until(lambda: not operator.ready, max(fault.late_s for fault in plan.faults) + 0.1)
    return _decide_and_follow(operator, scene, plan)


def _decide_and_follow(operator: Operator, scene: Scene, plan: Plan) -> tuple[str, str]:
    decided: float | None = None
    asked = time.monotonic()
    resume_at: float | None = None
    while time.monotonic() - asked < _HANGING_S and len(operator.runners) < _RESUMES:
        attempt = operator.attempt
        if attempt is not None and attempt.result != "running":
            return attempt.result, attempt.reason
        if decided is not None and attempt is None and operator.refusal:
            return "refused", operator.refusal
        patient = time.monotonic() - asked < _PATIENCE_S
        if decided is None and (operator.ready or (operator.gate is not None and not patient)):
            operator.decide()
            decided = time.monotonic()
            scene.begin(Anchor.START)
        if operator.runner_alive:
            resume_at = None
        elif resume_at is None:
            resume_at = time.monotonic() + (plan.resume_s if len(operator.runners) == 1 else _AGAIN_S)
        elif time.monotonic() >= resume_at:
            if attempt is None:
                # What was decided was decided for the one that died.
                decided = None
            scene.say("resume")
            operator.start()
        time.sleep(_POLL_S)
    return "hanging", f"no end after {_HANGING_S:.0f} s and {len(operator.runners)} runners"


def _settle(bench: Bench, scene: Scene, result: str) -> None:
    """Give the servers the time that they may take until one takes writes and the other does not."""
    taker, other = (scene.new, scene.old) if result == "switched" else (scene.old, scene.new)

    def as_told() -> bool:
        with contextlib.suppress(ServerError):
            states = {which: bench.sessions[which].read_only().clients for which in WHICH}
            if result == "unknown":
                return states[taker] is not states[other]
            return states[other] and not states[taker]
        return False

    latest = max([*scene.excused.values(), time.monotonic()])
    _until(as_told, latest + FENCE_S + 1.5 - time.monotonic())
    time.sleep(0.05)


def _seen(bench: Bench, scene: Scene, operator: Operator, result: str, reason: str, tries: list[Try]) -> Seen:
    ended_at = time.monotonic()
    offset = time.monotonic() - time.time()
    closed = tuple(bench.sessions[which].read_only().clients for which in WHICH)
    rows = tuple(
        frozenset(int(row[0]) for row in bench.sessions[which].rows(f"SELECT n FROM {TABLE}")) for which in WHICH
    )
    old = bench.sessions[scene.old]
    events = old.rows(f"SELECT UNIX_TIMESTAMP(at) FROM {EVENT_TABLE} WHERE server = %s", (old.identity.server_id,))
    operator.look()
    passed = [one.at + offset for one in operator.records if one.kind is RecordKind.NO_RETURN and one.actor == "runner"]
    notes = [str(one.body["text"]) for one in operator.records if one.kind is RecordKind.NOTE]
    first = 0 if scene.old == "source" else 1
    of_run = passed[first:]
    return Seen(
        old=WHICH.index(scene.old),
        result=result,
        reason=reason,
        closed=(closed[0], closed[1]),
        rows=(rows[0], rows[1]),
        tries=tries,
        bystanders=scene.bystanders.acknowledged,
        event_at=[float(row[0]) + offset for row in events],
        fence_s=FENCE_S,
        more_s=more_s(),
        xa_told=scene.plan.armed and any("prepared XA" in text for text in notes),
        excused={WHICH.index(which): at for which, at in scene.excused.items()},
        no_return_at=of_run[-1] if of_run else None,
        runner_killed_at=scene.runner_killed_at,
        ended_at=ended_at,
    )


def more_s() -> float:
    """A second; up to one more where the machine has so much to do that nobody gets a turn in time."""
    waiting = os.getloadavg()[0] / (os.cpu_count() or 1)
    return 1.0 + min(1.0, max(0.0, waiting - 2.0) * 0.25)


def _write_artefacts(directory: Path, scene: Scene, operator: Operator, tries: list[Try], problems: list[str]) -> None:
    offset = time.time() - time.monotonic()
    operator.look()
    lines = [(at + offset, f"CAMPAIGN {words}") for at, words in scene.events]
    lines += [
        (one.at, f"{one.actor:9} {one.kind.value} {one.subject} {json.dumps(one.body)[:400]}")
        for one in operator.records
    ]
    lines += [(one.ended + offset, f"CLIENT {WHICH[one.where]} {one.code} {one.number}") for one in changes(tries)]
    text = [scene.plan.line(), *problems, *scene.bystanders.notes, ""]
    start = min((at for at, _ in lines), default=0.0)
    text += [f"{at - start:9.4f} {words}" for at, words in sorted(lines)]
    (directory / "story.txt").write_text("\n".join(text) + "\n")
    (directory / "tries.json").write_text(json.dumps([asdict(one) for one in tries]))
    for which in WHICH:
        with contextlib.suppress(OSError):
            shutil.copy(scene.bench.server(which).log, directory / f"{which}.error.log")


def changes(tries: list[Try]) -> list[Try]:
    """The tries at which a server answered otherwise than before, and the last of each."""
    found: list[Try] = []
    last: dict[int, Try] = {}
    for one in tries:
        if one.where not in last or last[one.where].code != one.code:
            if one.where in last:
                found.append(last[one.where])
            found.append(one)
        last[one.where] = one
    return [*found, *last.values()]


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
