from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot
from tui_stories import NOW, Clock, Teller

import migration.journal
import migration.records
import migration.watch
from migration.journal import JournalReader, Kind, Record
from tui.app import CutoverApp
from tui.start import OpenMigration
from tui.widgets.lines import Lines

Opened = Callable[..., CutoverApp]


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory of its own; relative, so that no screen shows this machine's paths."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUTOVER_STATE", "state")
    monkeypatch.setenv("CUTOVER_CONFIG", "config")
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "SSH_CONNECTION", "TEXTUAL_THEME", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still, for the journal's times as well."""
    clock = Clock()
    monkeypatch.setattr(migration.journal, "time", clock)
    monkeypatch.setattr(migration.records, "time", clock)
    monkeypatch.setattr(migration.watch, "time", clock)
    return clock


@pytest.fixture
def tell(clock: Clock) -> Iterator[Callable[..., Teller]]:
    """Makes tellers, and closes their journals in the end."""
    tellers: list[Teller] = []

    def make(name: str = "orders-2026-11", environment: str = "prod") -> Teller:
        clock.now = NOW
        tellers.append(Teller(clock, name, environment))
        return tellers[-1]

    yield make
    for teller in tellers:
        teller.close()


@pytest.fixture
def live() -> Iterator[Teller]:
    """A journal with true times, for another process; its runner is this process."""
    made = Teller(Clock(time.time()))
    made.checks()
    yield made
    made.close()


@pytest.fixture
def opened(clock: Clock) -> Opened:
    """An app on a journal, with the standing clock."""

    def make(teller: Teller, *, observer: bool = False, welcome_back: bool = False) -> CutoverApp:
        return CutoverApp(OpenMigration(teller.path, welcome_back), observer=observer, clock=clock)

    return make


async def until(pilot: Pilot[None], condition: Callable[[], bool], what: str = "") -> None:
    """Wait for a condition on the screen."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, f"{what or 'condition'} never came; the screen was:\n{screen_text(pilot)}"
        await asyncio.sleep(0.01)
    await pilot.pause()


async def shown(pilot: Pilot[None], name: str) -> None:
    """Wait until a screen of that class is on top, has the view, and is painted."""
    await until(pilot, lambda: type(pilot.app.screen).__name__ == name, name)
    await pilot.pause()


async def says(pilot: Pilot[None], text: str) -> None:
    """Wait until the screen holds a text."""
    await until(pilot, lambda: text in screen_text(pilot), repr(text))


def screen_text(pilot: Pilot[None]) -> str:
    """Everything on the screen, as text."""
    return "\n".join(lines.plain for lines in pilot.app.screen.query(Lines) if lines.size)


def foot(pilot: Pilot[None]) -> tuple[str, str]:
    """The status sentence and the key line."""
    _, status, keys = pilot.app.screen.query_one("#foot", Lines).plain.split("\n")
    return status.strip(), keys.strip()


def decisions(path: Path) -> list[Record]:
    """The decisions in a journal."""
    with JournalReader(path) as reader:
        return [record for record in reader.records() if record.kind is Kind.DECISION]


async def decided(pilot: Pilot[None], path: Path, number: int = 1) -> Record:
    """Wait for the numbered decision in the journal and return it."""
    await until(pilot, lambda: len(decisions(path)) >= number, "the decision")
    return decisions(path)[number - 1]
