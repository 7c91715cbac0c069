"""A first-timer gets through a whole rehearsal of each runbook, in a real terminal, by what the screens say alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration import runbooks
from migration.decisions import operator
from migration.model import MigrationSpec
from migration.sessions import read_spec, sessions
from tests.rehearsals.command import CUTOVER, watch_json
from tests.support.first_timer import FirstTimer, Stuck
from tests.support.lookout import lookout
from tests.support.terminal import terminal

# Which rehearsals every run of the tests plays; the others are `long`.
_IN_THE_GATE = ("mysql_replication",)
_SECONDS = 420.0
# Their gates say so, and nothing that goes back is offered.
_NO_WAY_BACK = ("azure_flexible_server", "azure_service_tier")
# The clients' database in the rehearsals, and one of its tables.
_DATA = ("shop", "ledger")
_NOBODYS = {"source", "target", "127.0.0.1", ""}


def books() -> Iterator[object]:
    """Every runbook there is."""
    for name in runbooks.names():
        marks = () if name in _IN_THE_GATE else (pytest.mark.long,)
        yield pytest.param(name, marks=marks)


def played(runbook: str, state_dir: Path, *words: str, wants: tuple[str, ...] = ()) -> str:
    """Play a rehearsal to its end, and look for its passwords everywhere meanwhile; what was shown."""
    with lookout(state_dir) as seen, terminal([CUTOVER, "rehearse", runbook, *words]) as screen:
        visited = FirstTimer(screen, wants=wants).play(_SECONDS)
        assert screen.process.wait(30) == 0, screen.text()
    # Only what changes is sent: a name can be whole on a screen and in pieces on the line.
    got = "\n".join([screen.received.decode(errors="replace"), *visited])
    assert seen.found(got) == []
    return got


def names(spec: MigrationSpec) -> set[str]:
    """What presenter mode masks of a rehearsal: servers, their addresses, whose login it is, databases and tables."""
    login, _, machine = operator().partition("@")
    ends = {name for server in (spec.source, spec.target) for name in (server.name, server.host)}
    return (ends | {f"{login}@", machine, *_DATA}) - _NOBODYS


@pytest.mark.parametrize("runbook", books())
def test_a_first_timer_gets_through(engine_names: tuple[str, ...], state_dir: Path, runbook: str) -> None:
    played(runbook, state_dir)
    told = watch_json(sessions()[0].id)
    assert told["spec"]["runbook"] == runbook
    assert told["end"] == "completed"
    assert told["figures"]["lost_writes"] == 0
    assert [attempt["result"] for attempt in told["attempts"]] == ["switched"]


@pytest.mark.long
@pytest.mark.parametrize("runbook", [name for name in runbooks.names() if name not in _NO_WAY_BACK])
def test_a_first_timer_goes_back(engine_names: tuple[str, ...], state_dir: Path, runbook: str) -> None:
    played(runbook, state_dir, wants=("Roll back", "Complete"))
    told = watch_json(sessions()[0].id)
    assert told["end"] == "rolled_back"
    assert told["figures"]["lost_writes"] == 0


@pytest.mark.long
@pytest.mark.parametrize("runbook", runbooks.names())
def test_a_first_timer_cancels(engine_names: tuple[str, ...], state_dir: Path, runbook: str) -> None:
    played(runbook, state_dir, wants=("Cancel",))
    assert watch_json(sessions()[0].id)["end"] == "cancelled"


@pytest.mark.long
@pytest.mark.parametrize("runbook", runbooks.names())
def test_a_room_sees_no_name_all_the_while(engine_names: tuple[str, ...], state_dir: Path, runbook: str) -> None:
    got = played(runbook, state_dir, "--presenter")
    assert "PRESENTER" in got
    planted = names(read_spec(sessions()[0].journal))
    assert [name for name in planted if re.search(rf"\b{re.escape(name)}", got)] == []


# A program that shows two rows, what is true and the keys, and ends with as many keys as it is told.
_SCREEN = """
import sys, tty
tty.setraw(0)
print({0!r}, end="\\r\\n")
print({1!r}, end="", flush=True)
sys.stdin.read({2})
"""


def shows(sentence: str, keys: str, *, takes: int = 1) -> list[str]:
    return [sys.executable, "-c", _SCREEN.format(sentence, keys, takes)]


@pytest.mark.parametrize(
    ("sentence", "keys"),
    [
        ("Ready when you are.", " c Cut over…  q Leave"),
        ("Ready. c opens the cutover screen.", " (c Cut over…)  q Leave"),
        ("Ready. c opens the cutover screen.", " x Cancel…  q Leave"),
    ],
    ids=["no key is named", "it is off", "it is not there"],
)
def test_a_first_timer_is_stuck_where_the_screen_does_not_say_how_to_go_on(sentence: str, keys: str) -> None:
    with terminal(shows(sentence, keys)) as screen:
        screen.wait_for("q Leave")
        with pytest.raises(Stuck, match="nothing to do, and nothing happens"):
            FirstTimer(screen, patience_s=0.5).play(20)


def test_a_key_that_does_nothing_is_no_way_on() -> None:
    with terminal(shows("Ready. c opens it.", " c Cut over…  q Leave", takes=9)) as screen:
        screen.wait_for("q Leave")
        with pytest.raises(Stuck, match="c did nothing"):
            FirstTimer(screen, reaction_s=0.5).play(20)


def test_the_key_that_is_named_is_pressed_and_no_time_is_taken_for_one() -> None:
    with terminal(shows("Not taken up yet, 0 s. n goes on.", " s Statements  n Next")) as screen:
        screen.wait_for("n Next")
        player = FirstTimer(screen)
        player.play(20)
        assert player.pressed == ["n"]
