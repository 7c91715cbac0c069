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


def rehearsed(tmp_path: Path, runbook: str, *words: str) -> dict[str, Any]:
    """Carry a runbook out to its end, with clients that write all the while, and what came of it."""
    told, _ = rehearsed_aloud(tmp_path, runbook, *words)
    for switch in filter(None, (told["cutover"], told["rollback"])):
        assert switch["lost_writes"] == 0
        assert switch["both_writable_ms"] == 0
    return told


def rehearsed_aloud(tmp_path: Path, runbook: str, *words: str) -> tuple[dict[str, Any], str]:
    """The same, whatever the clients saw, and what was said meanwhile."""
    result = tmp_path / "result.json"
    answer = cutover(
        "rehearse", runbook, "--unattended", "--seconds", "0.5", "--rate", "100", *words,
        "--json", str(result), seconds=400,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    told: dict[str, Any] = json.loads(result.read_text())
    return told, answer.stderr


def watch_json(migration: str) -> dict[str, Any]:
    """What `cutover watch --json` says."""
    answer = cutover("watch", migration, "--json")
    assert answer.returncode == 0, answer.stderr
    found: dict[str, Any] = json.loads(answer.stdout)
    return found
