"""An RDS instance that is changed on its standby first, on a simulated account, from the command line to each end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from migration.model import Direction, End
from providers.sandbox.aws_api.spec import AwsCloud
from providers.sandbox.spec import TopologySpec
from tests.rehearsals.command import cutover, rehearsed
from tests.rehearsals.on_rds import Asked, Place, back, carried, old

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


# The parts of an attempt: before the order nothing has begun, and whoever comes after it looks what became of it.
KILLS: dict[str, tuple[Place, ...]] = {
    "before the order": (("ready", "begun"), ("ready", "done"), ("move_writes", "no_return"), ("order", "begun")),
    "behind the order": (
        ("order", "done"), ("standby", "begun"), ("promote", "begun"), ("promote", "done"), ("settled", "begun"),
    ),
    "at the order": (("move_writes", "sent"), ("standby", "done"), ("settled", "done")),
    "in the outage": (("fence", "begun"),),
    "right after the outage": (("fence", "done"),),
}  # fmt: skip
BACK = {f"{name}, back": back(places) for name, places in KILLS.items()}


@pytest.mark.long
@pytest.mark.parametrize("places", (KILLS | BACK).values(), ids=KILLS | BACK)
def test_a_runner_that_dies_in_a_part_of_the_failover_is_gone_on_from_without_a_second_order(
    engine_names: tuple[str, ...], places: tuple[Place, ...]
) -> None:
    ended = carried(Asked(NAME, slow(), places, chosen=(("node_class", "db.m5.xlarge"),), end=End.ROLLED_BACK))
    assert ended.runners == len(places) + 1
    switched = [one for one in ended.view.attempts if one.result == "switched"]
    assert [one.direction for one in switched] == [Direction.CUTOVER, Direction.ROLLBACK]
    # One order each way, besides those that make the standby and take it away.
    assert ended.taken()["ModifyDBInstance"] == 4
    assert {one.past_no_return for one in ended.view.attempts if one.result == "aborted"} <= {False}


def slow() -> TopologySpec:
    """A failover that a runner can be seen to die in."""
    usual = old(NAME)
    assert isinstance(usual.cloud, AwsCloud)
    durations = replace(usual.cloud.scenario.durations, failover=3.0)
    return replace(usual, cloud=replace(usual.cloud, scenario=replace(usual.cloud.scenario, durations=durations)))


@pytest.mark.long
def test_mariadb_cannot_be_rehearsed(engine_names: tuple[str, ...]) -> None:
    maria = ("--positioning", "file", "--source-engine", "mariadb-10.11", "--target-engine", "mariadb-10.11")
    answer = cutover("rehearse", NAME, "--unattended", *maria)
    assert answer.returncode != 0
    assert "rds-same-server" in answer.stderr
