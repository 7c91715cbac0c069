"""RDS instances on a simulated account over real servers, from the command line to each end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rehearsals.command import cutover, rehearsed

PROMOTION_MS = 5_000
# A busy machine must not fail a test: what is shown is that the promotion is not waited for. Where nothing else runs a
# second is the bound.
GAP_MS, QUIET_GAP_MS = PROMOTION_MS / 2, 1_000
OLD = ("--source-engine", "mysql-5.7", "--target-engine", "mysql-5.7")
FILE = ("--positioning", "file", *OLD)
MARIADB = ("--positioning", "file", "--source-engine", "mariadb-10.11", "--target-engine", "mariadb-10.11")
SHAPE = ("--choose", "storage_type=io1", "--choose", "iops=6000", "--choose", "multi_az=yes")


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        pytest.param((*OLD, *SHAPE, "--rollback"), "rolled_back", id="gtid, other shape, back"),
        pytest.param(("--rollback",), "rolled_back", id="newest, back", marks=pytest.mark.long),
        pytest.param(FILE, "completed", id="file", marks=pytest.mark.long),
        pytest.param(
            ("--choose", "release=delete it after a last snapshot"), "completed", id="deleted", marks=pytest.mark.long
        ),
        pytest.param(("--cancel",), "cancelled", id="cancelled", marks=pytest.mark.long),
        pytest.param(MARIADB, "completed", id="mariadb, file", marks=pytest.mark.long),
    ],
)
def test_promoted_first_nobody_waits_for_the_promotion(
    engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], outcome: str
) -> None:
    told = rehearsed(tmp_path, "rds_promote_first", *words)
    assert told["outcome"] == outcome
    if told["cutover"]:
        assert told["cutover"]["write_gap_ms"] <= GAP_MS


@pytest.mark.long
def test_while_the_promotion_takes_a_minute_writes_stop_for_a_second_at_most(
    engine_names: tuple[str, ...], tmp_path: Path
) -> None:
    told = rehearsed(tmp_path, "rds_promote_first", "--scenario", "promotion=60s")
    assert told["cutover"]["write_gap_ms"] <= QUIET_GAP_MS


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        pytest.param(FILE, "completed", id="file", marks=pytest.mark.long),
        pytest.param((*FILE, "--rollback"), "rolled_back", id="file, back", marks=pytest.mark.long),
        pytest.param((), "completed", id="newest", marks=pytest.mark.long),
    ],
)
def test_promoted_while_nobody_writes_nothing_is_lost_either(
    engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], outcome: str
) -> None:
    told = rehearsed(tmp_path, "rds_read_replica", *words)
    assert told["outcome"] == outcome
    # What the other runbook is for.
    assert told["cutover"]["write_gap_ms"] >= PROMOTION_MS


def test_a_replica_of_another_version_is_refused() -> None:
    answer = cutover("rehearse", "rds_promote_first", "--unattended", "--source-engine", "mysql-5.7")
    assert answer.returncode == 2
    assert "RDS makes a read replica of the source's own version" in answer.stderr
