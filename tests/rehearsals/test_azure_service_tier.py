"""A change of service tier on a simulated Azure over real servers, from the command line to each end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rehearsals.command import cutover

NEW = ("--source-engine", "mysql-5.7", "--target-engine", "mysql-5.7")
FLEXIBLE, SINGLE = ("--scenario", "service=flexible", *NEW), ("--scenario", "service=single", *NEW)
SAME = ("--scenario", "ending=same name")
DELETED = ("--choose", "release=delete it")
CASES = [
    pytest.param((*SAME, *DELETED), "completed", id="classic, same name"),
    pytest.param(FLEXIBLE, "completed", id="flexible, new name", marks=pytest.mark.long),
    pytest.param(DELETED, "completed", id="classic, new name", marks=pytest.mark.long),
    pytest.param(("--cancel",), "cancelled", id="classic, cancelled", marks=pytest.mark.long),
    pytest.param((*FLEXIBLE, *SAME, *DELETED), "completed", id="flexible, same name", marks=pytest.mark.long),
    pytest.param((*SINGLE, *DELETED), "completed", id="single, new name", marks=pytest.mark.long),
    pytest.param((*SINGLE, *SAME), "completed", id="single, same name", marks=pytest.mark.long),
    pytest.param((*SAME, "--positioning", "file"), "completed", id="classic, by file", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("words", "outcome"), CASES)
def test_nothing_is_lost(engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], outcome: str) -> None:
    result = tmp_path / "result.json"

    answer = cutover(
        "rehearse", "azure_service_tier", "--unattended", "--seconds", "0.5", "--rate", "100", *words,
        "--json", str(result), seconds=300,
    )  # fmt: skip

    assert answer.returncode == 0, answer.stderr
    told = json.loads(result.read_text())
    assert told["outcome"] == outcome
    if outcome == "completed":
        assert told["cutover"]["lost_writes"] == 0
        assert told["cutover"]["both_writable_ms"] == 0
        # Writes were off for as long as it took, and that was measured.
        assert told["cutover"]["write_gap_ms"] > 0
        same = "ending=same name" in words
        assert told["target"]["name"] == ("mysqldemoserver" if same else "mysqldemoserver-tier")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--scenario", "service=flexible"), "Flexible Server has MySQL 5.7, 8.0, and mysql-5.6 stands for 5.6"),
        (("--target-engine", "mysql-5.7"), "makes a replica of the source's own version"),
    ],
)
def test_what_the_service_does_not_have_is_said(words: tuple[str, ...], said: str) -> None:
    answer = cutover("rehearse", "azure_service_tier", "--unattended", *words)
    assert answer.returncode == 2
    assert said in answer.stderr
