"""The operator of one run: starts runners, decides once, and follows the journal."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from migration.decisions import Choice, Decision, decide
from migration.journal import JournalReader, Kind, Record
from migration.model import Direction, Secrets
from migration.story import Story
from migration.view import AttemptView, GateView
from providers.sandbox.spawner import spawn
from providers.sandbox.supervisor import module_environment

_GATES = {Direction.CUTOVER: (Choice.CONFIRM, "cutover"), Direction.ROLLBACK: (Choice.ROLL_BACK, "observe")}


class Operator:
    """One journal and the runners that work on it, one after the other."""

    def __init__(self, journal: Path, secrets: Secrets, direction: Direction) -> None:
        self.journal = journal
        self.runners: list[subprocess.Popen[bytes]] = []
        self.records: list[Record] = []
        self._secrets = secrets
        self._direction = direction
        self._reader = JournalReader(journal)
        self._story = Story()
        self._changes = -1
        self._conditions: tuple[float, bool] = (0.0, False)

    def start_runner(self) -> subprocess.Popen[bytes]:
        """Start a runner, as `cutover resume` would, which ends with this process; does not wait for it."""
        with self.journal.with_name("runner.log").open("ab") as log:
            process = spawn(
                [sys.executable, "-m", "migration.runner", str(self.journal)],
                cwd=self.journal.parent, output=log, stdin=subprocess.PIPE, environment=module_environment(),
            )  # fmt: skip
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(json.dumps(self._secrets.reveal()).encode())
            process.stdin.close()
        return process

    def start(self) -> None:
        """Start the runner, or the next one after its death."""
        self.runners.append(self.start_runner())

    @property
    def runner_alive(self) -> bool:
        return bool(self.runners) and self.runners[-1].poll() is None

    def kill_runner(self) -> None:
        """Kill the newest runner (-9), where it lives."""
        if self.runner_alive:
            os.kill(self.runners[-1].pid, signal.SIGKILL)

    def look(self) -> None:
        """Read what is new in the journal."""
        changes = self._reader.changes()
        if changes == self._changes:
            return
        self._changes = changes
        for record in self._reader.records(self._story.last_seq):
            self.records.append(record)
            self._story.tell(record)
        sample = self._reader.newest("conditions")
        if sample is not None:
            self._conditions = (sample.at, all(ok for ok, _ in sample.body["conditions"]))

    @property
    def attempt(self) -> AttemptView | None:
        """The attempt of this run; None before it has begun."""
        self.look()
        before = 0 if self._direction is Direction.CUTOVER else 1
        attempts = self._story.attempts
        return attempts[before] if len(attempts) > before else None

    @property
    def gate(self) -> GateView | None:
        """The open gate of the living runner."""
        self.look()
        gate = self._story.gate
        # The newest gate may be that of a runner that died, while the next one is on its way.
        if gate is None or not self.runner_alive or self._story.pid != self.runners[-1].pid:
            return None
        return gate

    @property
    def ready(self) -> bool:
        """Whether the gate before the switch is open and all its conditions hold."""
        gate = self.gate
        at, good = self._conditions
        return gate is not None and gate.id == _GATES[self._direction][1] and at >= gate.opened_at and good

    @property
    def refusal(self) -> str:
        """Why the decision was not followed, empty where it was."""
        self.look()
        refused = [str(record.body["why"]) for record in self.records if record.kind is Kind.REFUSED]
        return refused[-1] if refused else ""

    def decide(self) -> None:
        """Let the writes move."""
        gate = self.gate
        assert gate is not None
        choice, _ = _GATES[self._direction]
        decide(self.journal, Decision(choice, gate.id, typed=gate.word, reason="campaign"))

    def watchdogs(self) -> list[int]:
        """The process ids of the watchdogs of this journal."""
        return processes_of("migration.cutover.watchdog", str(self.journal))

    def close(self) -> None:
        """Kill every process of this journal."""
        for runner in self.runners:
            runner.kill()
            runner.wait()
        for pid in self.watchdogs():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._reader.close()


def processes_of(module: str, beginning: str) -> list[int]:
    """Python processes that run a module with an argument that begins so."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
            if module in words and any(word.startswith(beginning) for word in words):
                found.append(int(entry.name))
    return found
