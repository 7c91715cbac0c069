"""The short form of `python -m tests.campaigns.kill_runner`: a runner killed here and there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.campaigns.kill_runner import RUNBOOKS, Case, run

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def killer_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


def killed_one_after_the_other(records: tuple[int, ...], runbook: str) -> None:
    """Each runner but the last is killed at its record, counted from its own start."""
    ended = run([Case("before" if record % 4 else "after", record) for record in records], runbook, RUNBOOKS[runbook]())

    assert not ended.problem
    assert ended.killed
    assert ended.runners == len(records) + 1


# One place in each stretch of the record: checks, plan, copy, attach, compare; then the attempt, behind the point of no
# return, after the attempt, the same of the way back, and the end. The campaign has the others.
@pytest.mark.campaign
@pytest.mark.parametrize(
    "records", [pytest.param((2, 7, 12, 13, 12), marks=pytest.mark.long), (38, 12, 14, 14, 16)], ids=str
)
def test_a_killed_runner_is_resumed(engine_names: tuple[str, ...], records: tuple[int, ...]) -> None:
    killed_one_after_the_other(records, "mysql_replication")


# The order, the choices, the end of the attempt, the way back, and the end.
@pytest.mark.campaign
@pytest.mark.parametrize("records", [(20, 13, 27, 17, 16)], ids=str)
def test_a_killed_runner_is_resumed_on_a_cloud(engine_names: tuple[str, ...], records: tuple[int, ...]) -> None:
    killed_one_after_the_other(records, "rds_to_polardb")
