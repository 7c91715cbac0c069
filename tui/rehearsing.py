"""`cutover rehearse` and `cutover engines`, as far as it goes before the first screen: little is loaded for it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, NoReturn, cast

from migration import runbooks
from providers.sandbox import engines
from providers.sandbox.spec import TopologySpec, UnsupportedPair
from tui import exit_codes

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from migration.rehearsal import Script

SOURCE_ENGINE = "mysql-5.7"
TARGET_ENGINE = "mysql-9.7"
Fail = Callable[[str, int], NoReturn]
Say = Callable[[str], None]


def topology(
    runbook: str,
    engines_wanted: tuple[str, str],
    scenario: Sequence[str],
    positioning: str,
    rate: int,
    attached: bool,
    fail: Fail,
) -> TopologySpec:
    """The servers and the cloud that were asked for; ends the program where they cannot be.

    `engines_wanted`: of source and target, empty for the runbook's own.
    """
    from migration import rehearsed

    # The signal row stands beside positions by file.
    wanted = "file" if positioning == "signal" else rehearsed.positioning(runbook, positioning)
    kind = cast(Literal["auto", "gtid", "file"], wanted)
    usual = rehearsed.engines(runbook, (SOURCE_ENGINE, TARGET_ENGINE))
    source, target = (chosen or own for chosen, own in zip(engines_wanted, usual, strict=True))
    try:
        cloud = rehearsed.scenario(runbook, scenario)
        asked = TopologySpec(source, target, kind, rate=rate, attached=attached, cloud=cloud)
        asked.resolve()
    except (rehearsed.NoScenario, UnsupportedPair, engines.UnknownEngine, ValueError) as error:
        fail(str(error), exit_codes.USAGE)
    return asked


def script(seconds: float, roll_back: bool, cancel: bool, choose: Sequence[str], fail: Fail) -> Script:
    """What an unattended rehearsal does; ends the program where that is not clear."""
    from migration.model import End
    from migration.rehearsal import Script

    if roll_back and cancel:
        fail("A rehearsal is cancelled before the cutover, or rolled back after it.", exit_codes.USAGE)
    chosen = dict(one.partition("=")[::2] for one in choose)
    if not all(chosen.values()):
        fail("What to choose is given as GATE=VALUE.", exit_codes.USAGE)
    end = End.CANCELLED if cancel else End.ROLLED_BACK if roll_back else End.COMPLETED
    return Script(seconds, end, chosen=chosen)


def require_runbook(name: str, fail: Fail) -> None:
    """End the program where there is no such runbook."""
    known = runbooks.names()
    if name not in known:
        fail(f"There is no runbook named {name}; choose one of {', '.join(known)}.", exit_codes.USAGE)


def require_place(fail: Fail) -> None:
    """End the program where no sandbox can be kept, before anything is loaded for it."""
    from providers.sandbox.client import SandboxFailed, place

    try:
        place()
    except SandboxFailed as error:
        fail(str(error), exit_codes.CANNOT_START)


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
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        with Progress(
            TextColumn("{task.fields[engine]:14}"), BarColumn(), TextColumn("{task.description}"),
            console=Console(stderr=True), transient=False,
        ) as bars:  # fmt: skip
            engines.provide(names, _Bars(bars).show)
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
    from providers.sandbox.client import SandboxFailed, running

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


def to_stderr(line: str) -> None:
    """Progress of something that has its result on standard output."""
    sys.stderr.write(line + "\n")
