"""The short form of `python -m tests.campaigns.kill_runner`: a runner killed here and there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.campaigns.kill_runner import Case, on_polardb, run, topology

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def killer_can_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))


# One place in each stretch of the record: checks, plan, copy, attach, way back, compare, the switch and its way back.
@pytest.mark.campaign
@pytest.mark.parametrize("record", [2, 7, 12, 17, 22, 27, 32, 37, 42, 47, 52, 58, 64, 70])
def test_a_killed_runner_is_resumed(engine_names: tuple[str, ...], record: int) -> None:
    when = "before" if record % 4 else "after"

    ended = run(Case(when, record), topology("mariadb-10.11", "mariadb-10.11"))

    assert not ended.problem
    assert ended.killed
    assert ended.runners == 2


# The order, the choices, the way back, and the end; the campaign has the others.
@pytest.mark.campaign
@pytest.mark.parametrize("record", [20, 36, 61, 76])
def test_a_killed_runner_is_resumed_on_a_cloud(engine_names: tuple[str, ...], record: int) -> None:
    when = "before" if record % 4 else "after"

    ended = run(Case(when, record), on_polardb())

    assert not ended.problem
    assert ended.killed
    assert ended.runners == 2
