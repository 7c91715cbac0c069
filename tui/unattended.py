"""`cutover rehearse --unattended`: a whole rehearsal without a terminal."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from migration import rehearsal, rehearsed
from migration.journal import JournalError
from migration.model import Wishes
from migration.rehearsal import RehearsalFailed, Script
from migration.watch import Watch
from providers.sandbox.client import SandboxFailed
from providers.sandbox.spec import TopologySpec
from tui import exit_codes
from tui.opening import sandbox_errors
from tui.rehearsing import Fail, Say


@dataclass(frozen=True)
class Asked:
    """What an unattended rehearsal was asked for."""

    topology: TopologySpec
    runbook: str
    script: Script
    keep: bool
    json_file: Path | None
    wishes: Wishes


def _end(number: int, _: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def unattended(asked: Asked, say: Say, fail: Fail) -> int:
    """Run a whole rehearsal, deciding at each gate; returns the exit code."""
    clouded, script = rehearsed.of(asked.runbook), asked.script
    if clouded is not None and asked.topology.cloud is not None:
        accepted, cure = clouded.needs(asked.topology.cloud)
        script = replace(script, accepted=accepted, cure=cure)
    try:
        prepared = rehearsal.set_up(asked.topology, asked.runbook, say, keep=asked.keep, wishes=asked.wishes)
    except sandbox_errors() as error:
        fail(str(error), exit_codes.CANNOT_START)
    problem = ""
    # Asked to end, it takes its servers down like at any other end.
    signal.signal(signal.SIGTERM, _end)
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
