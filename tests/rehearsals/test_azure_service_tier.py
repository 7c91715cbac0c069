"""A change of service tier on a simulated Azure over real servers, from the command line to each end."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rehearsals.command import cutover, rehearsed
from tests.rehearsals.killing import Asked, Place, killed

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
    told = rehearsed(tmp_path, "azure_service_tier", *words)
    assert told["outcome"] == outcome
    if outcome == "completed":
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


CLASSIC = Asked("azure_service_tier", {"ending": "same name"}, {"release": "delete it"})
ON_FLEXIBLE = Asked("azure_service_tier", {"service": "flexible"}, {"release": "delete it"}, engine="mysql-5.7")


@pytest.mark.long
@pytest.mark.parametrize(
    ("asked", "places"),
    [
        pytest.param(
            CLASSIC,
            (
                ("replica", "sent"), ("catch_up", "done"), ("fence", "done"), ("signal", "begun"),
                ("move_writes", "no_return"),
            ),
            id="classic, until it is promoted",
        ),
        pytest.param(
            CLASSIC,
            (
                ("applications", "begun"), ("back_up", "sent"), ("name_freed", "sent"), ("restored", "sent"),
                ("released", "sent"),
            ),
            id="classic, the old name",
        ),
        pytest.param(
            ON_FLEXIBLE,
            (
                ("replica", "sent"), ("drain", "begun"), ("prove", "done"), ("promote", "sent"), ("released", "sent"),
            ),
            id="flexible",
        ),
    ],
)  # fmt: skip
def test_a_killed_runner_is_resumed(engine_names: tuple[str, ...], asked: Asked, places: tuple[Place, ...]) -> None:
    changes = killed(asked, places).changes()
    # What the provider was at was picked up, not ordered again; a signal database is dropped whenever it is found.
    servers = {what: times for what, times in changes.items() if what[0] != "Databases_Delete"}
    assert set(servers.values()) == {1}, servers
