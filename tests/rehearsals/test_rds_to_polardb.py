"""RDS for MySQL to PolarDB on a simulated cloud over real servers, from the command line to each end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rehearsals.command import cutover

LOGICAL = ("--scenario", "method=logical", "--target-engine", "mysql-9.7")
WITHOUT = ("--choose", "endpoints=without endpoints")
HEARTBEAT = ("--choose", "heartbeat=a heartbeat")
OF_2019 = ("--scenario", "rules=2019", "--source-engine", "mysql-5.6", "--target-engine", "mysql-5.6")
CASES = [
    pytest.param((*WITHOUT,), "completed", id="physical, without endpoints", marks=pytest.mark.long),
    pytest.param(("--rollback",), "rolled_back", id="physical, with endpoints, back"),
    pytest.param(("--cancel",), "cancelled", id="physical, cancelled", marks=pytest.mark.long),
    pytest.param((*OF_2019, *WITHOUT, "--rollback"), "rolled_back", id="rules of 2019, back", marks=pytest.mark.long),
    pytest.param(
        (*LOGICAL, "--scenario", "precheck=fail", "--scenario", "task=src"),
        "completed",
        id="logical, precheck",
        marks=pytest.mark.long,
    ),
    pytest.param(
        (*LOGICAL, *WITHOUT, "--scenario", "task=src", "--rollback"),
        "rolled_back",
        id="logical, task, back",
        marks=pytest.mark.long,
    ),
    pytest.param(
        ("--choose", "binlog=turn the binary log off", "--choose", "release=release it"),
        "completed",
        id="physical, released",
        marks=pytest.mark.long,
    ),
    pytest.param(("--choose", "creation=a copy, once"), "completed", id="a clone", marks=pytest.mark.long),
    pytest.param(
        (*LOGICAL, *WITHOUT, "--choose", "billing=Serverless", "--choose", "dts_rate=20 MB/s"),
        "completed",
        id="logical, nodes that grow, slowed down",
        marks=pytest.mark.long,
    ),
    pytest.param(
        (
            *WITHOUT,
            *HEARTBEAT,
            "--choose",
            "billing=Prepaid",
            "--choose",
            "period=2 years",
            "--choose",
            "zone=cn-hangzhou-i",
        ),
        "completed",
        id="physical, a subscription in another zone",
        marks=pytest.mark.long,
    ),
    pytest.param(
        (*LOGICAL, *HEARTBEAT, "--rollback"), "rolled_back", id="logical, a heartbeat, back", marks=pytest.mark.long
    ),
    pytest.param(
        (*LOGICAL, "--scenario", "answers=lost", "--scenario", "precheck=fail", "--rollback"),
        "rolled_back",
        id="logical, answers lost, back",
        marks=pytest.mark.long,
    ),
]


@pytest.mark.parametrize(("words", "outcome"), CASES)
def test_nothing_is_lost(engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], outcome: str) -> None:
    result = tmp_path / "result.json"

    answer = cutover(
        "rehearse", "rds_to_polardb", "--unattended", "--seconds", "0.5", "--rate", "100", *words,
        "--json", str(result), seconds=300,
    )  # fmt: skip

    assert answer.returncode == 0, answer.stderr
    told = json.loads(result.read_text())
    assert told["outcome"] == outcome
    for switch in filter(None, (told["cutover"], told["rollback"])):
        assert switch["lost_writes"] == 0
        assert switch["both_writable_ms"] == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("rds_to_polardb", "--scenario", "weather=bad"), "'weather=bad' is no scenario; use method=physical|logical"),
        (("mysql_replication", "--scenario", "rules=2019"), "has no simulated cloud"),
        (("rds_to_polardb", "--scenario", "rules=2019"), "use mysql-5.6 as the source, or the rules of 2026"),
        (("rds_to_polardb", "--rollback", "--cancel"), "cancelled before the cutover, or rolled back after it"),
        (("rds_to_polardb", "--choose", "endpoints"), "given as GATE=VALUE"),
    ],
)
def test_what_cannot_be_rehearsed_is_said(words: tuple[str, ...], said: str) -> None:
    answer = cutover("rehearse", "--unattended", *words)
    assert answer.returncode == 2
    assert said in answer.stderr
