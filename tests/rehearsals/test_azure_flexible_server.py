"""A migration to a Flexible Server on a simulated Azure over real servers, from the command line to each end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.rehearsals.command import cutover

TARGET = "mysqltarget"
OLD = ("--source-engine", "mysql-5.6", "--target-engine", "mysql-5.7")
NEWER = ("--source-engine", "mysql-5.7", "--target-engine", "mysql-9.7")
OFFLINE, TEST = ("--scenario", "way=offline"), ("--scenario", "way=test")
MADE = ("--scenario", "target=made", "--scenario", "service=none")
ELSEWHERE = ("--scenario", "source=elsewhere", "--scenario", "service=running")
LARGER = ("--choose", "copy_size=Standard_D2ds_v4")
CLOSED = ("--choose", "source_closed=make it read-only as well")
STOPPED = ("--choose", "service_after=stop it")
CASES = [
    pytest.param((), True, id="online"),
    pytest.param((*LARGER, *STOPPED), True, id="online, larger for the copy", marks=pytest.mark.long),
    pytest.param(OLD, True, id="online, from 5.6", marks=pytest.mark.long),
    pytest.param(NEWER, True, id="online, to the newest", marks=pytest.mark.long),
    pytest.param((*MADE,), True, id="online, all made", marks=pytest.mark.long),
    pytest.param((*ELSEWHERE, "--positioning", "file"), True, id="online, elsewhere, file", marks=pytest.mark.long),
    pytest.param((*OFFLINE, *LARGER), True, id="offline", marks=pytest.mark.long),
    pytest.param((*OFFLINE, *CLOSED), True, id="offline, read-only", marks=pytest.mark.long),
    pytest.param(TEST, False, id="test", marks=pytest.mark.long),
    pytest.param((*TEST, *MADE, "--choose", "scratch_copy=keep it"), False, id="test, kept", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("words", "moves"), CASES)
def test_nothing_is_lost(engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], moves: bool) -> None:
    result = tmp_path / "result.json"

    answer = cutover(
        "rehearse", "azure_flexible_server", "--unattended", "--seconds", "0.5", "--rate", "100", *words,
        "--json", str(result), seconds=300,
    )  # fmt: skip

    assert answer.returncode == 0, answer.stderr
    told = json.loads(result.read_text())
    assert told["outcome"] == "completed"
    if not moves:
        # A test: no attempt was made, and the clients wrote on the source all the while.
        assert told["cutover"] is None
        return
    assert told["cutover"]["lost_writes"] == 0
    assert told["cutover"]["both_writable_ms"] == 0
    assert told["cutover"]["write_gap_ms"] > 0
    assert told["target"]["name"] == TARGET


@pytest.mark.long
def test_cancelled_the_source_is_as_before(engine_names: tuple[str, ...], tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    answer = cutover(
        "rehearse", "azure_flexible_server", "--unattended", "--cancel", "--seconds", "0.5", "--rate", "100",
        "--json", str(result), seconds=300,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert json.loads(result.read_text())["outcome"] == "cancelled"


def test_what_the_service_does_not_have_is_said() -> None:
    answer = cutover("rehearse", "azure_flexible_server", "--unattended", "--target-engine", "mysql-5.6")
    assert answer.returncode == 2
    assert "Flexible Server has MySQL 5.7, 8.0, and mysql-5.6 stands for 5.6" in answer.stderr
