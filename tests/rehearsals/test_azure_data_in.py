"""Flexible Servers that follow by data-in replication, on a simulated Azure over real servers, to each end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from migration.model import End
from tests.rehearsals.command import cutover, rehearsed
from tests.rehearsals.killing import Asked, Place, killed

PROMOTION_MS = 5_000
# A busy machine must not fail a test: what is shown is that the promotion is not waited for. Where nothing else runs a
# second is the bound.
GAP_MS, QUIET_GAP_MS = PROMOTION_MS / 2, 1_000
FILE = ("--positioning", "file")
NEWEST = ("--source-engine", "mysql-9.7", "--target-engine", "mysql-9.7")
FLEXIBLE = ("--scenario", "source=flexible")
NEWER = ("--target-engine", "mysql-9.7")


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        pytest.param(("--rollback",), "rolled_back", id="gtid, back"),
        pytest.param((*FILE, "--rollback"), "rolled_back", id="file, back", marks=pytest.mark.long),
        pytest.param((*NEWEST, "--rollback"), "rolled_back", id="newest, back", marks=pytest.mark.long),
        pytest.param(("--choose", "release=delete it"), "completed", id="deleted", marks=pytest.mark.long),
        pytest.param(("--cancel",), "cancelled", id="cancelled", marks=pytest.mark.long),
    ],
)
def test_promoted_first_nobody_waits_for_the_promotion(
    engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], outcome: str
) -> None:
    told = rehearsed(tmp_path, "azure_flexible_promote_first", *words)
    assert told["outcome"] == outcome
    if told["cutover"]:
        assert told["cutover"]["write_gap_ms"] <= GAP_MS


@pytest.mark.long
def test_while_the_promotion_takes_a_minute_writes_stop_for_a_second_at_most(
    engine_names: tuple[str, ...], tmp_path: Path
) -> None:
    told = rehearsed(tmp_path, "azure_flexible_promote_first", "--scenario", "promotion=60s")
    assert told["cutover"]["write_gap_ms"] <= QUIET_GAP_MS


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        pytest.param(("--rollback",), "rolled_back", id="same version, back", marks=pytest.mark.long),
        pytest.param(NEWER, "completed", id="newer version", marks=pytest.mark.long),
        pytest.param((*FLEXIBLE, "--rollback"), "rolled_back", id="from Azure, back", marks=pytest.mark.long),
        pytest.param((*FLEXIBLE, *NEWER), "completed", id="from Azure, newer version", marks=pytest.mark.long),
        pytest.param((*NEWEST, "--rollback"), "rolled_back", id="newest, back", marks=pytest.mark.long),
        pytest.param(("--cancel",), "cancelled", id="cancelled", marks=pytest.mark.long),
    ],
)
def test_any_mysql_moves_to_a_flexible_server_and_back(
    engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], outcome: str
) -> None:
    told = rehearsed(tmp_path, "azure_data_in", *words)
    assert told["outcome"] == outcome
    assert told["positioning"] == "file"


def test_by_gtid_the_checks_say_what_to_do(engine_names: tuple[str, ...], tmp_path: Path) -> None:
    answer = cutover("rehearse", "azure_data_in", "--unattended", "--positioning", "gtid", seconds=120)
    assert answer.returncode != 0
    assert "azure-data-in-positions" in answer.stderr


PROMOTE_FIRST = Asked("azure_flexible_promote_first", end=End.ROLLED_BACK)
DATA_IN = Asked("azure_data_in", end=End.ROLLED_BACK)
FROM_AZURE = replace(DATA_IN, scenario={"source": "flexible"})
BACK = "rollback"


@pytest.mark.long
@pytest.mark.parametrize(
    "places",
    [
        (("replica", "sent"), ("replica", "done"), ("guard", "sent"), ("promote", "sent"), ("promote", "done")),
        (
            ("keep_logs", "sent"), ("protect_accounts", "done"), ("without_guard", "sent"), ("reattach", "done"),
            ("way_back", "done"),
        ),
        (("compare", "done"), ("ready", "done"), ("move_writes", "no_return"), ("keep", "begun")),
        (("reattach", "begun"), ("events", "begun"), ("reverse", "done"), ("end_replication", "begun")),
        (
            ("fence", "sent", BACK), ("move_writes", "no_return", BACK), ("events", "begun", BACK),
            ("reverse", "done", BACK),
        ),
    ],
    ids=str,
)  # fmt: skip
def test_promoted_first_a_killed_runner_is_resumed(engine_names: tuple[str, ...], places: tuple[Place, ...]) -> None:
    changes = killed(PROMOTE_FIRST, places).changes()
    # What the provider was at was picked up, not ordered again.
    assert sum(number for (name, _), number in changes.items() if name == "Servers_Create") == 1
    assert sum(number for (name, _), number in changes.items() if name == "Servers_Update") == 1


@pytest.mark.long
@pytest.mark.parametrize(
    ("asked", "places"),
    [
        pytest.param(
            DATA_IN,
            (
                ("keep_logs_back", "sent"), ("protect_accounts", "begun"), ("copy", "begun"), ("copy", "done"),
                ("attach", "done"),
            ),
            id="until it follows",
        ),
        pytest.param(
            DATA_IN,
            (("way_back", "begun"), ("ready", "done"), ("keep", "begun"), ("end_replication", "begun")),
            id="the move",
        ),
        pytest.param(
            DATA_IN,
            (
                ("ready", "done", BACK), ("fence", "sent", BACK), ("move_writes", "no_return", BACK),
                ("end_replication", "begun"),
            ),
            id="the way back",
        ),
        pytest.param(
            FROM_AZURE,
            (
                ("fence", "sent", BACK), ("move_writes", "no_return", BACK), ("keep", "begun", BACK),
                ("reverse", "done", BACK),
            ),
            id="the way back to Azure",
        ),
    ],
)  # fmt: skip
def test_data_in_a_killed_runner_is_resumed(
    engine_names: tuple[str, ...], asked: Asked, places: tuple[Place, ...]
) -> None:
    killed(asked, places)
