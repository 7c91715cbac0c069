"""A Blue/Green deployment of RDS on a simulated account over real servers, from the command line to each end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from migration.journal import JournalReader, Kind
from tests.campaigns.kill_runner import Case, on_rds, run
from tests.rehearsals.command import rehearsed as carried_out

ROOT = Path(__file__).parents[2]
RUNBOOK = "rds_blue_green"
OLD = ("--source-engine", "mysql-5.7", "--target-engine", "mysql-5.7")
FILE = ("--positioning", "file", *OLD)
MARIADB = ("--positioning", "file", "--source-engine", "mariadb-10.11", "--target-engine", "mariadb-10.11")
THERE = ("--scenario", "deployment=there-already")
SHAPE = ("--choose", "storage_type=io1", "--choose", "iops=6000", "--choose", "switchover_timeout=60")
# The timeout passes as on the real RDS.
SHORT = ("--choose", "switchover_timeout=30")
DELETED = ("--choose", "release=delete it after a last snapshot")
# While RDS takes 0.2 s in the simulation; a busy machine must not fail a test.
GAP_MS = 5_000


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        pytest.param((*FILE, *SHAPE, "--rollback"), "rolled_back", id="file, other shape, back"),
        pytest.param(("--rollback",), "rolled_back", id="gtid, back", marks=pytest.mark.long),
        pytest.param((*MARIADB, "--rollback"), "rolled_back", id="mariadb, back", marks=pytest.mark.long),
        pytest.param((*OLD, *THERE, *DELETED), "completed", id="picked up, deleted", marks=pytest.mark.long),
        pytest.param((*OLD, "--proof", "advised"), "completed", id="RDS's write stop alone", marks=pytest.mark.long),
        pytest.param((*OLD, "--cancel"), "cancelled", id="cancelled", marks=pytest.mark.long),
    ],
)
def test_nothing_is_lost_and_one_can_go_back(
    engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], outcome: str
) -> None:
    told = carried_out(tmp_path, RUNBOOK, *words)
    assert told["outcome"] == outcome
    # While RDS exchanges the names another server answers for a moment, and nothing is wrong.
    with JournalReader(Path(told["journal"])) as reader:
        notes = [one for one in reader.records() if one.kind is Kind.NOTE and "Another server" in one.body["text"]]
    assert [one.body["text"] for one in notes if one.subject == "error"] == []
    if told["cutover"]:
        assert told["cutover"]["write_gap_ms"] <= GAP_MS
    if told["rollback"]:
        # Old blue has an endpoint of its own, which the clients were given.
        assert told["source"]["address"] != told["target"]["address"]


@pytest.mark.long
@pytest.mark.parametrize(
    "fault", ["throttled", "expired", "failing", "answers-lost", "replica-stops", "switchover-times-out"]
)
def test_what_goes_wrong_leaves_nothing_half_done(engine_names: tuple[str, ...], tmp_path: Path, fault: str) -> None:
    told = carried_out(tmp_path, RUNBOOK, *OLD, *SHORT, "--scenario", f"fault={fault}")
    assert told["outcome"] == "completed"
    assert told["cutover"]["lost_writes"] == 0


# Each runner but the last is killed at its record, counted from its own start: at the order, while RDS makes green, and
# at the gate; behind our fence; at the point of no return, around the call and where it has ended; in the way back.
@pytest.mark.long
@pytest.mark.parametrize(
    "records", [(24, 6, 18, 9, 12), (43, 16, 17, 18), (49, 23, 20), (52, 8, 9, 10), (60, 9, 12, 22)], ids=str
)
def test_a_killed_runner_is_resumed(
    engine_names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, records: tuple[int, ...]
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))

    ended = run([Case("before" if record % 4 else "after", record) for record in records], RUNBOOK, on_rds(RUNBOOK))

    assert not ended.problem
    assert ended.killed
