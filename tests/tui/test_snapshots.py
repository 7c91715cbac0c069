"""Every screen at both sizes and in each kind of colours, as pictures; each journal is real, the clock stands."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import says, until
from textual.pilot import Pilot
from textual.widgets import Input
from tui_stories import CURED, NOW, PLAN, Clock, Teller

from migration.model import Direction, Side, Stage
from migration.runbooks import mysql_replication
from migration.sessions import create
from tui.app import CutoverApp
from tui.start import (
    ConnectForm,
    OpenConnect,
    OpenMigration,
    OpenRehearsal,
    OpenSessions,
    ProbeLine,
    RehearsalFailed,
)


def seats(teller: Teller) -> None:
    """Who had the operator's seat, handed it over, and is no longer there."""
    teller.plan()
    teller.at(55).scribe.seat_taken("ana@bastion", "4100-1-00000000", 4100, "the first to open it")
    teller.at(20).scribe.seat_taken("ben@bastion", "4200-1-00000000", 4200, "handed over by ana@bastion")
    teller.clock.now = NOW


SIZES = ((80, 24), (120, 36))
# Beside the theme of most terminals: the terminal's own sixteen colours, and none.
COLOURS = {"": {}, " sixteen": {"TERM": "linux"}, " none": {"NO_COLOR": "1"}}
LOOKS = [
    pytest.param(
        (size, environment),
        id=f"{size[0]}x{size[1]}{colours}",
        # The colours are those of the smaller screen.
        marks=(pytest.mark.long,) if environment and size == SIZES[1] else (),
    )
    for colours, environment in COLOURS.items()
    for size in SIZES
]
in_each_look = pytest.mark.parametrize("size", LOOKS, indirect=True)
# Name: how the journal comes about, the keys to press, a text that shows when it is there.
MIGRATIONS: dict[str, tuple[Callable[[Teller], object], tuple[str, ...], str]] = {
    "checks": (lambda t: t.checks(), (), "Next is off"),
    "checks_fine": (lambda t: t.checks(CURED), (), "Nothing blocks"),
    "check_detail": (lambda t: t.checks(), ("enter",), "Fix on the source"),
    "fix_all": (lambda t: t.checks(), ("F",), "Nothing is changed yet"),
    "check_waive": (lambda t: t.checks(), ("down", "enter", "w", *"known"), "Why is this acceptable"),
    "choose": (lambda t: t.choosing(), ("down",), "8 cores, 32 GB"),
    "plan": (lambda t: t.plan(), ("down",), "Nothing runs yet"),
    "statements": (lambda t: t.plan(), ("s",), "CREATE USER"),
    "copy": (lambda t: t.copy(), (), "61.4 %"),
    "lag": (lambda t: t.lag(), (), "Ready when you are"),
    "lag_unknown": (lambda t: t.lag(reading_age=9), (), "no reading for 9 s"),
    "cutover_confirm": (lambda t: t.lag(), ("c", *"orders-d"), "Not started"),
    "cutover_locked": (lambda t: t.lag(held=False), ("c",), "Locked"),
    "cutover_progress": (lambda t: t.lag().switching(3), (), "CUTTING OVER"),
    "cutover_past": (lambda t: t.lag().switching(5), (), "Past the point"),
    "rolling_back": (lambda t: t.after().switching(2, direction=Direction.ROLLBACK, number=2), (), "ROLLING BACK"),
    "after": (lambda t: t.after(), (), "Can I still go back"),
    "after_deadline": (lambda t: t.after(until=NOW + 29.2 * 86400), (), "way back ends in 29 d 04 h"),
    "rollback": (lambda t: t.after(), ("R", *"slow", "enter", *"orders-"), "Not started"),
    "drain_clients": (lambda t: t.after(), ("D", *"orders-"), "Not started"),
    "complete": (lambda t: t.after(), ("C", *"compl"), "Not started"),
    "cancel": (lambda t: t.lag(), ("x",), "Not started"),
    "end": (lambda t: t.ended(), (), "Journal"),
    "help": (lambda t: t.lag(), ("question_mark",), "Keys here"),
    "log": (lambda t: t.lag(), ("l",), "plan 9f31c2d0a4b7e6f1 made"),
    "servers": (lambda t: t.lag(), ("1",), "Identity"),
    "seat": (seats, ("O",), "its screen has ended"),
    "attempts": (lambda t: t.after(), ("6",), "Attempts"),
    "no_runner": (lambda t: t.lag().seat.release(), (), "No runner"),
}


def wait_for(text: str, keys: tuple[str, ...]) -> Callable[[Pilot[None]], object]:
    async def before(pilot: Pilot[None]) -> None:
        if keys:
            app = pilot.app
            await until(pilot, lambda: getattr(app, "view", None) is not None and not loading(app.screen))
        await pilot.press(*keys)
        await says(pilot, text)

    return before


def loading(screen: object) -> bool:
    return type(screen).__name__ == "LoadingScreen"


@pytest.fixture
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """The size of the terminal, which has the colours of this look."""
    size, environment = request.param
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return size


@in_each_look
@pytest.mark.parametrize("name", MIGRATIONS)
def test_migration(snap_compare, tell, opened, name, size):
    story, keys, text = MIGRATIONS[name]
    teller = tell()
    story(teller)
    assert snap_compare(opened(teller), terminal_size=size, run_before=wait_for(text, keys))


@in_each_look
def test_welcome_back(snap_compare, tell, opened, size):
    teller = tell().lag()
    app = opened(teller, welcome_back=True)
    assert snap_compare(app, terminal_size=size, run_before=wait_for("WELCOME BACK", ()))


@in_each_look
def test_observer(snap_compare, tell, opened, size):
    teller = tell().after()
    assert snap_compare(opened(teller, observer=True), terminal_size=size, run_before=wait_for("OBSERVER", ()))


@in_each_look
def test_guided(snap_compare, tell, clock, size):
    teller = tell().plan()
    told = {item.id: item.guide for _, item in mysql_replication.RUNBOOK.items()}
    items = tuple(replace(item, guide=told["copy"]) for item in PLAN.items)
    teller.scribe.plan(replace(PLAN, items=items))
    app = CutoverApp(OpenMigration(teller.path, welcome_back=False), clock=clock, guide=True)
    keys = ("g",) if size == SIZES[0] else ("down",)
    assert snap_compare(app, terminal_size=size, run_before=wait_for("Changing tables while they", keys))


@in_each_look
def test_confirming_a_gate(snap_compare, tell, opened, size):
    teller = tell().after().at(0.5)
    teller.scribe.stage(Stage.COMPLETE)
    teller.scribe.gate_opened(
        "release_confirm", title="delete the old server", question="Delete orders-db for good?",
        consequence="orders-db is DELETED after a last snapshot. Its clients, if it still has any, break.",
        word="orders-db", choices=("confirm",), why="What is deleted cannot be had back.",
    )  # fmt: skip
    teller.at(0.3).scribe.conditions("release_confirm", [])
    teller.clock.now = NOW
    assert snap_compare(opened(teller), terminal_size=size, run_before=wait_for("is not typed yet", ("r",)))


@in_each_look
def test_sessions(snap_compare, tell, clock, size):
    tell("orders-2026-11").lag()
    tell("crm-2026-11").plan().seat.release()
    tell("billing-2026-10").ended()
    broken = Path("state/migrations/broken/journal.db")
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no database")
    for number, name in enumerate(("broken", "billing-2026-10", "crm-2026-11", "orders-2026-11")):
        touch(Path(f"state/migrations/{name}/journal.db"), number)
    rehearsal = OpenRehearsal(lambda report: Path("never"))
    app = CutoverApp(OpenSessions(rehearsal=rehearsal), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=wait_for("4 migrations", ()))


def touch(path: Path, number: int) -> None:
    os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))


def probed(form: ConnectForm) -> tuple[ProbeLine, ...]:
    return (
        ProbeLine(Side.SOURCE, "OK", "TCP 3306, 12 ms"),
        ProbeLine(Side.SOURCE, "OK", "login, MySQL 8.0.36"),
        ProbeLine(Side.TARGET, "OK", "TCP 3306, 44 ms"),
        ProbeLine(Side.TARGET, "FAIL", "1045 Access denied for user 'migrator'@'10.2.0.17' (using password: YES)"),
        ProbeLine(Side.TARGET, "-", "version not reached"),
    )


FORM = {"user": "migrator", "password": "pw", "replication_user": "repl", "replication_password": "rpw"}


def fill_form(pilot: Pilot[None]) -> None:
    """Every field of the form, as if typed."""
    values = {"migration": "orders-2026-11", "source-name": "orders-db", "source-host": "10.2.0.10"}
    values |= {"target-name": "orders-new", "target-host": "10.9.0.20"}
    values |= {f"{side}-{name}": value for side in ("source", "target") for name, value in FORM.items()}
    for name, value in values.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = value


@in_each_look
def test_connect(snap_compare, clock, size):
    app = CutoverApp(OpenConnect(lambda form: Path("never"), probed), clock=clock)

    async def before(pilot: Pilot[None]) -> None:
        await pilot.press("tab")
        fill_form(pilot)
        await pilot.press("enter")
        await says(pilot, "1045")

    assert snap_compare(app, terminal_size=size, run_before=before)


@in_each_look
def test_rehearsal_start(snap_compare, clock, size):
    def begin(report: Callable[[str], None]) -> Path:
        report("mariadb-10.11 is installed")
        report("source is up on 127.0.0.1:20101 after 0.4 s")
        report("starting the target")
        raise RehearsalFailed("The target did not start: port 20102 is taken. Stop what uses it and try again.")

    app = CutoverApp(OpenRehearsal(begin), clock=clock)
    assert snap_compare(app, terminal_size=size, run_before=wait_for("port 20102 is taken", ()))


def test_too_small(snap_compare, tell, opened):
    teller = tell().lag()
    assert snap_compare(opened(teller), terminal_size=(72, 20), run_before=wait_for("80x24 needed", ()))


def test_bright_theme(snap_compare, tell, clock):
    teller = tell().lag()
    app = CutoverApp(OpenMigration(teller.path, welcome_back=False), clock=clock)
    app.theme = "cutover-light"
    assert snap_compare(app, terminal_size=(80, 24), run_before=wait_for("Ready when you are", ()))


def test_before_anything_was_written(snap_compare, clock: Clock):
    from tui_stories import spec

    path = create(spec())
    app = CutoverApp(OpenMigration(path, welcome_back=False), clock=clock)
    assert snap_compare(app, terminal_size=(80, 24), run_before=wait_for("Both servers are being asked", ()))
