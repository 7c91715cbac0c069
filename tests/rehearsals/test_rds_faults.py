"""Faults of AWS's API in whole rehearsals: said in its words, nothing half done, and gone on from when cured."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration.journal import JournalReader, Kind, Record
from tests.rehearsals.command import rehearsed

NAME = "rds_promote_first"
OLD = ("--source-engine", "mysql-5.7", "--target-engine", "mysql-5.7")
MOST_MS = 2_500
FENCE_FAILURES = 4
# Each with the step that it hits and what AWS is quoted with there.
FAULTS = [
    pytest.param("expired", "promote", "ExpiredToken", id="expired", marks=pytest.mark.long),
    pytest.param("throttled", "without_guard", "Throttling", id="throttled", marks=pytest.mark.long),
    pytest.param("failing", "replica", "ServiceUnavailable", id="failing", marks=pytest.mark.long),
    pytest.param("answers-lost", "promote", "", id="answers lost", marks=pytest.mark.long),
    pytest.param("promotion-fails", "promote", "promotion failed", id="promotion fails", marks=pytest.mark.long),
    pytest.param("replica-stops", "follow", "replication error", id="replica stops", marks=pytest.mark.long),
]


def records(journal: str) -> tuple[Record, ...]:
    with JournalReader(Path(journal)) as reader:
        return reader.records()


@pytest.mark.parametrize(("fault", "step", "words"), FAULTS)
def test_it_is_gone_on_from_when_it_is_cured(
    engine_names: tuple[str, ...], tmp_path: Path, fault: str, step: str, words: str
) -> None:
    told = rehearsed(tmp_path, NAME, *OLD, "--scenario", f"fault={fault}")
    assert told["outcome"] == "completed"
    assert told["cutover"]["write_gap_ms"] <= MOST_MS
    hit = [
        str(one.body["note"])
        for one in records(told["journal"])
        if one.kind is Kind.OUTCOME and one.subject == step and one.body["outcome"] != "done"
    ]
    assert hit
    assert any(words in note for note in hit)
    # Nobody's way of getting it done was to do it twice.
    intents = [one for one in records(told["journal"]) if one.kind is Kind.INTENT and one.subject == "replica"]
    assert len(intents) == (2 if step == "replica" else 1)


@pytest.mark.long
def test_a_fence_that_aws_does_not_raise_leaves_the_source_open(engine_names: tuple[str, ...], tmp_path: Path) -> None:
    told = rehearsed(tmp_path, NAME, *OLD, "--scenario", "fault=fence-fails")
    assert told["outcome"] == "completed"
    assert told["cutover"]["write_gap_ms"] <= MOST_MS
    given_up = [
        str(one.body["text"])
        for one in records(told["journal"])
        if one.kind is Kind.NOTE and "was not closed by its provider" in str(one.body["text"])
    ]
    # Each of them left the source open at once, and the next one was tried.
    assert len(given_up) == FENCE_FAILURES
    assert all("ServiceUnavailable" in words and "it is open and writes go on" in words for words in given_up)
