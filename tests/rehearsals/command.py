"""The `cutover` command as a user calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

CUTOVER = str(Path(sys.executable).with_name("cutover"))


def cutover(
    *arguments: str, env: dict[str, str] | None = None, seconds: float = 180
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [CUTOVER, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=seconds, env=env
    )


def said_once(answer: subprocess.CompletedProcess[str]) -> str:
    """The one sentence of a command that failed: nothing else on standard error, and no traceback."""
    lines = [line for line in answer.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("cutover: ")
    return lines[0]


def watch_json(migration: str) -> dict[str, Any]:
    """What `cutover watch --json` says."""
    answer = cutover("watch", migration, "--json")
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found
