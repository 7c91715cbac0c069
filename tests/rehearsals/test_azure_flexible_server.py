"""A migration to a Flexible Server on a simulated Azure over real servers, from the command line to each end."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from migration.decisions import Choice, Decision, decide
from migration.journal import Kind
from migration.rehearsal import Rehearsal
from providers.sandbox.azure_api.access import Access
from tests.rehearsals.command import cutover, rehearsed
from tests.rehearsals.driving import at_gate, until
from tests.rehearsals.killing import Asked, Ended, Place, disturbed, killed
from tests.support import waiting

TARGET = "mysqltarget"
OLD = ("--source-engine", "mysql-5.6", "--target-engine", "mysql-5.7")
NEWER = ("--source-engine", "mysql-5.7", "--target-engine", "mysql-9.7")
OFFLINE, TEST = ("--scenario", "way=offline"), ("--scenario", "way=test")
MADE = ("--scenario", "target=made", "--scenario", "service=none")
ELSEWHERE = ("--scenario", "source=elsewhere", "--scenario", "service=running")
LARGER = ("--choose", "copy_size=Standard_D2ds_v4")
CLOSED = ("--choose", "source_closed=make it read-only as well")
STOPPED = ("--choose", "service_after=stop it")
CASES = [
    pytest.param((), True, id="online"),
    pytest.param((*LARGER, *STOPPED), True, id="online, larger for the copy", marks=pytest.mark.long),
    pytest.param(OLD, True, id="online, from 5.6", marks=pytest.mark.long),
    pytest.param(NEWER, True, id="online, to the newest", marks=pytest.mark.long),
    pytest.param((*MADE,), True, id="online, all made", marks=pytest.mark.long),
    pytest.param((*ELSEWHERE, "--positioning", "file"), True, id="online, elsewhere, file", marks=pytest.mark.long),
    pytest.param((*OFFLINE, *LARGER), True, id="offline", marks=pytest.mark.long),
    pytest.param((*OFFLINE, *CLOSED), True, id="offline, read-only", marks=pytest.mark.long),
    pytest.param(TEST, False, id="test", marks=pytest.mark.long),
    pytest.param((*TEST, *MADE, "--choose", "scratch_copy=keep it"), False, id="test, kept", marks=pytest.mark.long),
]


@pytest.mark.parametrize(("words", "moves"), CASES)
def test_nothing_is_lost(engine_names: tuple[str, ...], tmp_path: Path, words: tuple[str, ...], moves: bool) -> None:
    told = rehearsed(tmp_path, "azure_flexible_server", *words)
    assert told["outcome"] == "completed"
    if not moves:
        # A test: no attempt was made, and the clients wrote on the source all the while.
        assert told["cutover"] is None
        return
    assert told["cutover"]["write_gap_ms"] > 0
    assert told["target"]["name"] == TARGET


@pytest.mark.long
def test_cancelled_the_source_is_as_before(engine_names: tuple[str, ...], tmp_path: Path) -> None:
    assert rehearsed(tmp_path, "azure_flexible_server", "--cancel")["outcome"] == "cancelled"


def test_what_the_service_does_not_have_is_said() -> None:
    answer = cutover("rehearse", "azure_flexible_server", "--unattended", "--target-engine", "mysql-5.6")
    assert answer.returncode == 2
    assert "Flexible Server has MySQL 5.7, 8.0, and mysql-5.6 stands for 5.6" in answer.stderr


# A task waits for a second before it begins, and completing a database takes as long.
SERVICE = "azure-dms-service"
LOOK, LOOKS_S = "datamigration:Tasks_Get", 0.5
SLOWLY = Asked(
    "azure_flexible_server",
    chosen={"copy_size": "Standard_D2ds_v4", "service_after": "stop it"},
    durations={"task": 1.0, "complete": 1.0},
)
EVERYTHING_MADE = replace(SLOWLY, scenario={"target": "made", "service": "none"}, chosen={})
SLOW_OFFLINE = replace(SLOWLY, scenario={"way": "offline", "service": "running"})


def asked_for_once(ended: Ended) -> None:
    """Whatever the provider was at when a runner died was picked up, not ordered again."""
    times = ended.changes()
    assert set(times.values()) == {1}, times


@pytest.mark.long
@pytest.mark.parametrize(
    ("asked", "places"),
    [
        pytest.param(
            SLOWLY, (("service_started", "sent"), ("copy", "sent"), ("move_writes", "sent")), id="each operation"
        ),
        pytest.param(
            SLOWLY,
            (
                ("service_started", "sent"), ("project", "done"), ("connections", "sent"), ("scaled_up", "sent"),
                ("copy", "done"),
            ),
            id="before it follows",
        ),
        pytest.param(
            EVERYTHING_MADE,
            (("service", "sent"), ("target", "sent"), ("connections", "done"), ("close_target", "done")),
            id="what is made",
        ),
        pytest.param(
            SLOWLY,
            (("catch_up", "done"), ("compare", "done"), ("ready", "done"), ("fence", "done"), ("drain", "begun")),
            id="until it is quiet",
        ),
        pytest.param(
            SLOWLY,
            (
                ("prove", "done"), ("move_writes", "no_return"), ("move_writes", "sent"), ("complete", "done"),
                ("applications", "begun"),
            ),
            id="in the switch",
        ),
        pytest.param(SLOWLY, (("scaled_back", "sent"), ("service_end", "sent")), id="after it"),
        pytest.param(
            SLOW_OFFLINE,
            (("ready", "done"), ("fence", "done"), ("copy", "sent"), ("copy", "done"), ("arrived", "done")),
            id="offline, the copy",
        ),
        pytest.param(
            SLOW_OFFLINE,
            (
                ("content", "begun"), ("prove", "begun"), ("move_writes", "no_return"), ("applications", "begun"),
                ("applications", "done"),
            ),
            id="offline, the switch",
        ),
    ],
)  # fmt: skip
def test_a_killed_runner_is_resumed(engine_names: tuple[str, ...], asked: Asked, places: tuple[Place, ...]) -> None:
    asked_for_once(killed(asked, places))


@pytest.mark.long
def test_a_service_that_pauses_itself_is_started_on_the_operators_word(engine_names: tuple[str, ...]) -> None:
    ended = disturbed(replace(SLOWLY, scenario={"service": "running"}, seconds=3.0), _paused_twice)
    started_again = ("Services_Start", "dms/start")
    assert {what: times for what, times in ended.changes().items() if times > 1} == {started_again: 2}
    kinds = [(one.kind, one.subject) for one in ended.records]
    started = [one.seq for one in ended.records if one.kind is Kind.STATEMENT and one.body["step"] == "service_started"]
    assert ended.records[kinds.index((Kind.GATE_PASSED, "retry"))].seq < started[0]
    assert (Kind.FIX, "azure-dms-service") in kinds


def _paused_twice(made: Rehearsal, access: Access) -> None:
    """While it tests the connections, where the runner asks, and at the gate, where a finding offers it."""
    until(made, lambda view: any(step.item.id == "connections" and step.started_at for step in view.steps))
    decide(made.journal, Decision(Choice.PAUSE))
    waiting.until(lambda: _rests(access), "a runner that rests", 30)
    access.control.pause("dms")
    decide(made.journal, Decision(Choice.CONTINUE))
    at_gate(made, "cutover")
    access.control.pause("dms")
    until(made, lambda view: any(one.check == SERVICE and one.result.fixes for one in view.findings))
    decide(made.journal, Decision(Choice.FIX, SERVICE))


def _rests(access: Access) -> bool:
    """Whether no task is looked at any more."""
    before = access.control.calls()
    time.sleep(LOOKS_S)
    return all(one.action != LOOK for one in access.control.calls()[len(before) :])
