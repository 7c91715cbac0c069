"""Two primaries on a simulated RDS, application servers moved one at a time, from the command line to each end."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.campaigns.kill_runner import Case, on_rds, run
from tests.rehearsals.command import cutover

ROOT = Path(__file__).parents[2]
RUNBOOK = "rds_active_active"
OLD = ("--source-engine", "mysql-5.7", "--target-engine", "mysql-5.7")
MARIADB = ("--positioning", "file", "--source-engine", "mariadb-10.11", "--target-engine", "mariadb-10.11")
SHAPE = ("--choose", "node_class=db.m5.xlarge", "--choose", "storage_type=io1", "--choose", "iops=6000")
DELETED = ("--choose", "release=delete it after a last snapshot")
CASES = [
    pytest.param((*OLD, *SHAPE, "--rollback"), "rolled_back", id="gtid, other shape, back"),
    pytest.param(("--rate", "1000"), "completed", id="newest, a write a ms", marks=pytest.mark.long),
    pytest.param(("--rollback",), "rolled_back", id="newest, back", marks=pytest.mark.long),
    pytest.param((*OLD, "--positioning", "file"), "completed", id="file", marks=pytest.mark.long),
    pytest.param((*MARIADB, "--rollback"), "rolled_back", id="mariadb, file, back", marks=pytest.mark.long),
    pytest.param((*OLD, *DELETED), "completed", id="deleted", marks=pytest.mark.long),
    pytest.param((*OLD, "--cancel"), "cancelled", id="cancelled", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("words", "outcome"), CASES)
def test_nobodys_writes_stand_still_and_both_sides_are_equal_in_the_end(
    engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], outcome: str
) -> None:
    result = tmp_path / "result.json"

    answer = cutover(
        "rehearse", RUNBOOK, "--unattended", "--seconds", "0.5", "--rate", "100", *words,
        "--json", str(result), seconds=400,
    )  # fmt: skip

    # The verdict of this runbook: no acknowledged write lost, and every row of both sides equal before they part.
    assert answer.returncode == 0, answer.stderr
    told = json.loads(result.read_text())
    assert told["outcome"] == outcome
    found = [one["result"]["verdict"] for one in told["checks"] if one["check"] == "content"]
    if outcome != "cancelled":
        assert found == ["passed"]
    for switch in filter(None, (told["cutover"], told["rollback"])):
        assert switch["lost_writes"] == 0
        assert switch["write_gap_ms"] == 0
        # Both sides took writes, as this runbook means it.
        assert switch["both_writable_ms"] > 0
    # Each application server is told as the host that the server saw it come from.
    moved = {line.rpartition("the application server ")[2] for line in answer.stderr.splitlines() if " is on " in line}
    if outcome != "cancelled":
        second = told["target"]["name"]
        assert {f"127.0.9.{number} is on {second}" for number in range(2, 6)} <= moved
    assert "has stopped applying" not in answer.stderr


@pytest.fixture
def killer_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


# Each number is a record of a runner's journal, counted from its own start, at which it dies; the next one goes on.
KILLS = [
    (14, 6, 6, 6, 6),
    (28, 12, 5, 5, 5),
    (40, 8, 8, 8, 8),
    (62, 8, 8, 8, 8),
    (78, 7, 7, 7, 7),
    (96, 5, 5, 5, 5),
    (108, 4, 4, 4, 4),
]


@pytest.mark.long
@pytest.mark.parametrize("records", KILLS, ids=str)
def test_a_killed_runner_is_resumed(
    engine_names: tuple[str, ...], killer_can_be_imported: None, records: tuple[int, ...]
) -> None:
    spec = replace(on_rds(RUNBOOK), source_engine="mysql-5.7", target_engine="mysql-5.7")
    ended = run([Case("before" if at % 2 else "after", at) for at in records], RUNBOOK, spec)
    assert not ended.problem
    assert ended.killed
    assert ended.runners == len(records) + 1
