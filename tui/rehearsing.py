"""`cutover rehearse` and `cutover engines`, without a terminal or before one is needed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from migration import rehearsal, runbooks
from migration.journal import JournalError
from migration.rehearsal import RehearsalFailed, Script
from migration.sessions import SessionError
from migration.watch import Watch
from providers.sandbox import engines
from providers.sandbox.client import SandboxFailed, running
from providers.sandbox.spec import TopologySpec, UnsupportedPair
from tui import exit_codes
from tui.opening import SANDBOX_ERRORS

Fail = Callable[[str, int], NoReturn]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What an unattended rehearsal was asked for."""

    topology: TopologySpec
    runbook: str
    seconds: float
    rollback: bool
    keep: bool
    json_file: Path | None


def topology(source: str, target: str, positioning: str, rate: int, attached: bool, fail: Fail) -> TopologySpec:
    """The servers that were asked for; ends the program where they cannot be."""
    kind = cast(Literal["auto", "gtid", "file"], positioning)
    asked = TopologySpec(source, target, kind, rate=rate, attached=attached)
    try:
        asked.resolve()
    except (UnsupportedPair, engines.UnknownEngine, ValueError) as error:
        fail(str(error), exit_codes.USAGE)
    return asked


def require_runbook(name: str, fail: Fail) -> None:
    """End the program where there is no such runbook."""
    try:
        runbooks.find(name)
    except LookupError as error:
        fail(str(error.args[0]), exit_codes.USAGE)


def require_engines(names: tuple[str, ...], fail: Fail) -> None:
    """Install the engines that are missing, saying their size first; ends the program where that fails."""
    try:
        lacking = engines.missing(names)
        if not lacking:
            return
        size = sum(engine.download_mb for engine in lacking)
        sys.stderr.write(
            f"{', '.join(engine.name for engine in lacking)}: {size} MB to load, verified, into your cache.\n"
        )
        with Progress(
            TextColumn("{task.fields[engine]:14}"), BarColumn(), TextColumn("{task.description}"),
            console=Console(stderr=True), transient=False,
        ) as bars:  # fmt: skip
            engines.install(names, _Bars(bars).show)
    except (engines.UnknownEngine, engines.EngineInstallFailed) as error:
        fail(str(error), exit_codes.CANNOT_START)


class _Bars:
    """One progress bar for each engine."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def show(self, progress: engines.InstallProgress) -> None:
        """Move the bar of one engine."""
        name = progress.engine
        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task("", total=None, engine=name)
        total = progress.total_mb or None
        done = progress.total_mb if progress.phase == "ready" else progress.done_mb
        self._bars.update(self._tasks[name], total=total, completed=done, description=progress.message)


def engine_rows() -> list[dict[str, Any]]:
    """Every engine with what is there of it."""
    return [
        {
            "name": status.engine.name,
            "title": status.engine.title,
            "state": "installed" if status.installed else "not installed",
            "release": status.release,
            "provided_by": status.provided_by,
            "download_mb": status.engine.download_mb,
            "disk_mb": status.engine.disk_mb,
            "default": status.engine.default,
            "note": status.note,
        }
        for status in engines.status()
    ]


def stop_all(say: Say) -> int:
    """Take down every sandbox of this machine; returns the exit code."""
    found = running()
    for sandbox in found:
        try:
            sandbox.stop()
        except SandboxFailed as error:
            say(str(error))
            return exit_codes.FAILED
        say(f"{sandbox.name} is down")
    if not found:
        say("No rehearsal is running.")
    return exit_codes.OK


def unattended(asked: Asked, say: Say, fail: Fail) -> int:
    """Run a whole rehearsal, deciding at each gate; returns the exit code."""
    script = Script(seconds=asked.seconds, roll_back=asked.rollback)
    try:
        prepared = rehearsal.set_up(asked.topology, asked.runbook, say, keep=asked.keep)
    except (*SANDBOX_ERRORS, SessionError, JournalError) as error:
        fail(str(error), exit_codes.CANNOT_START)
    problem = ""
    try:
        view = rehearsal.run_unattended(prepared, script, say)
    except (RehearsalFailed, JournalError, SandboxFailed) as error:
        problem = str(error)
        with Watch(prepared.journal) as watch:
            view = watch.view()
    finally:
        if not asked.keep:
            prepared.sandbox.stop()
    good = not problem and rehearsal.passed(view, script)
    outcome = "failed" if problem or view.end is None else view.end.value
    document = rehearsal.result(view, prepared.journal, outcome)
    text = json.dumps(document, indent=2) + "\n"
    if asked.json_file is None:
        sys.stdout.write(text)
    else:
        try:
            asked.json_file.write_text(text)
        except OSError as error:
            fail(f"The result cannot be written to {asked.json_file} ({error.strerror}).", exit_codes.FAILED)
    if problem:
        fail(problem, exit_codes.FAILED)
    return exit_codes.OK if good else exit_codes.FAILED


def to_stderr(line: str) -> None:
    """Progress of something that has its result on standard output."""
    sys.stderr.write(line + "\n")
