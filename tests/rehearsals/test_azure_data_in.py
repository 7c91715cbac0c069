"""Flexible Servers that follow by data-in replication, on a simulated Azure over real servers, to each end."""

from __future__ import annotations

import functools
import json
import os
from pathlib import Path
from typing import Any

import pytest

from migration import rehearsal, rehearsed
from migration.journal import JournalReader, Kind
from migration.model import End
from migration.rehearsal import Script
from migration.sessions import launch
from providers.sandbox.spec import TopologySpec
from tests.rehearsals.command import cutover

PROMOTION_MS = 5_000
# A busy machine must not fail a test: what is shown is that the promotion is not waited for. Where nothing else runs a
# second is the bound.
GAP_MS, QUIET_GAP_MS = PROMOTION_MS / 2, 1_000
FILE = ("--positioning", "file")
NEWEST = ("--source-engine", "mysql-9.7", "--target-engine", "mysql-9.7")
FLEXIBLE = ("--scenario", "source=flexible")
NEWER = ("--target-engine", "mysql-9.7")


ROOT = Path(__file__).parents[2]


def carried(tmp_path: Path, runbook: str, *words: str) -> dict[str, Any]:
    """Carry a runbook out to its end, with clients that write all the while, and what came of it."""
    result = tmp_path / "result.json"
    answer = cutover(
        "rehearse", runbook, "--unattended", "--seconds", "0.5", "--rate", "100", *words,
        "--json", str(result), seconds=400,
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    told: dict[str, Any] = json.loads(result.read_text())
    for switch in filter(None, (told["cutover"], told["rollback"])):
        assert switch["lost_writes"] == 0
        assert switch["both_writable_ms"] == 0
    return told


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
    told = carried(tmp_path, "azure_flexible_promote_first", *words)
    assert told["outcome"] == outcome
    if told["cutover"]:
        assert told["cutover"]["write_gap_ms"] <= GAP_MS


@pytest.mark.long
def test_while_the_promotion_takes_a_minute_writes_stop_for_a_second_at_most(
    engine_names: tuple[str, ...], tmp_path: Path
) -> None:
    told = carried(tmp_path, "azure_flexible_promote_first", "--scenario", "promotion=60s")
    assert told["cutover"]["write_gap_ms"] <= QUIET_GAP_MS


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        pytest.param(("--rollback",), "rolled_back", id="same version, back"),
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
    told = carried(tmp_path, "azure_data_in", *words)
    assert told["outcome"] == outcome
    assert told["positioning"] == "file"


def test_by_gtid_the_checks_say_what_to_do(engine_names: tuple[str, ...], tmp_path: Path) -> None:
    answer = cutover("rehearse", "azure_data_in", "--unattended", "--positioning", "gtid", seconds=120)
    assert answer.returncode != 0
    assert "azure-data-in-positions" in answer.stderr


def killed(runbook: str, places: tuple[tuple[str, str], ...]) -> tuple[rehearsal.MigrationView, tuple[str, ...]]:
    """A rehearsal and its way back whose runners are killed one after the other, and the calls that were made."""
    clouded = rehearsed.of(runbook)
    assert clouded is not None
    cloud = clouded.cloud({name: values[0] for name, values in clouded.CHOICES.items()})
    how = rehearsed.positioning(runbook, "auto")
    source, target = clouded.ENGINES
    spec = TopologySpec(source, target, how, rows=2000, rate=100, clients=2, cloud=cloud)  # type: ignore[arg-type]
    prepared = rehearsal.set_up(spec, runbook, lambda _: None)
    try:
        order = prepared.journal.with_name("kill.json")
        order.write_text(json.dumps([{"step": step, "when": when} for step, when in places]))
        run = functools.partial(launch, module="tests.campaigns.killed_at_step")
        script = Script(seconds=0.2, end=End.ROLLED_BACK, deadline_s=240)
        view = rehearsal.run_unattended(prepared, script, lambda _: None, run)
        assert rehearsal.passed(view, script), (view.end, view.figures)
        assert json.loads(order.read_text()) == []
        with JournalReader(prepared.journal) as reader:
            sent = tuple(
                str(one.body["sql"])
                for one in reader.records()
                if one.kind is Kind.STATEMENT and one.subject == "Azure"
            )
        return view, sent
    finally:
        prepared.sandbox.stop()


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
    ],
    ids=str,
)  # fmt: skip
def test_promoted_first_a_killed_runner_is_resumed(
    engine_names: tuple[str, ...], places: tuple[tuple[str, str], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    _, sent = killed("azure_flexible_promote_first", places)
    # What the provider was at was picked up, not ordered again.
    assert sum('"createMode": "Replica"' in one for one in sent) == 1
    assert sum('"replicationRole": "None"' in one for one in sent) == 1


@pytest.mark.long
@pytest.mark.parametrize(
    "places",
    [
        (
            ("keep_logs_back", "sent"), ("protect_accounts", "begun"), ("copy", "begun"), ("copy", "done"),
            ("attach", "done"),
        ),
        (("way_back", "begun"), ("ready", "done"), ("keep", "begun"), ("end_replication", "begun")),
    ],
    ids=str,
)  # fmt: skip
def test_data_in_a_killed_runner_is_resumed(
    engine_names: tuple[str, ...], places: tuple[tuple[str, str], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    killed("azure_data_in", places)
