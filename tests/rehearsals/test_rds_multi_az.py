"""An RDS instance that is changed on its standby first, on a simulated account, from the command line to each end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rehearsals.command import cutover
from tests.rehearsals.test_rds import rehearsed

FAILOVER_MS = 2_000
NAME = "rds_multi_az"
OLD = ("--source-engine", "mysql-5.7", "--target-engine", "mysql-5.7")
THERE = ("--scenario", "standby=there")
OTHER = ("--choose", "node_class=db.m5.xlarge")
SHAPE = (*OTHER, "--choose", "storage_type=io1", "--choose", "iops=6000")


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        pytest.param((*OLD, *OTHER, "--rollback"), "rolled_back", id="converted, other class, back"),
        pytest.param(
            (*SHAPE, "--choose", "standby_after=take it away"),
            "completed",
            id="newest, converted, other class and storage, Single-AZ again",
            marks=pytest.mark.long,
        ),
        pytest.param(THERE, "completed", id="there, only a failover", marks=pytest.mark.long),
        pytest.param((*THERE, "--rollback"), "rolled_back", id="there, a failover and back", marks=pytest.mark.long),
        pytest.param(
            (*THERE, *OLD, *OTHER, "--positioning", "file"), "completed", id="there, by file", marks=pytest.mark.long
        ),
        pytest.param(("--cancel",), "cancelled", id="converted, cancelled", marks=pytest.mark.long),
    ],
)
def test_what_clients_were_told_is_done_is_there_after_the_failover(
    engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], outcome: str
) -> None:
    told = rehearsed(tmp_path, NAME, *words)
    assert told["outcome"] == outcome
    for switch in filter(None, (told["cutover"], told["rollback"])):
        # What clients measured, and what this program did, from outside.
        assert switch["write_gap_ms"] >= FAILOVER_MS
        assert switch["window_ms"] >= FAILOVER_MS / 2
        assert switch["acknowledged_writes"] > 0


@pytest.mark.long
def test_the_minute_that_is_said_first_is_what_is_measured(engine_names: tuple[str, ...], tmp_path: Path) -> None:
    told = rehearsed(tmp_path, NAME, *THERE, *OTHER, "--scenario", "failover=60s")
    assert 60_000 <= told["cutover"]["write_gap_ms"] <= 120_000


def test_mariadb_cannot_be_rehearsed(engine_names: tuple[str, ...]) -> None:
    maria = ("--positioning", "file", "--source-engine", "mariadb-10.11", "--target-engine", "mariadb-10.11")
    answer = cutover("rehearse", NAME, "--unattended", *maria)
    assert answer.returncode != 0
    assert "rds-same-server" in answer.stderr
