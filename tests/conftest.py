"""What every test may use: installed engines, a state directory of its own, and real sandboxes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

from providers.sandbox import client, engines
from providers.sandbox.client import Sandbox
from providers.sandbox.spec import TopologySpec

# How long an example takes says more about the machine than about the program.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# A sandbox outlives a killed test run by this much.
_IDLE_LIMIT_S = 600.0

# Packages whose fixtures keep their servers from file to file: all their tests are one worker's.
_TOGETHER = ("tests/migration/checks/pairs/", "tests/providers/mysql/packets/", "tests/providers/mysql/binlog/")
# What takes long, the longest first: only short files may be left when the last ones are dealt out.
_LONG = (
    "tests/rehearsals/",
    "tests/campaigns/",
    *_TOGETHER,
    "tests/migration/cutover/",
    "tests/migration/verify/",
    "tests/migration/",
    "tests/providers/mysql/",
    "tests/providers/sandbox/",
    "tests/tui/",
)
# What needs no server, the longest first: dealt out while the engines are being loaded.
_WITHOUT_ENGINES = tuple(f"tests/tui/test_{name}.py" for name in ("snapshots", "ascii", "sent", "bytes", "confirm"))

SandboxFactory = Callable[..., Sandbox]


class Dealing(LoadFileScheduling):
    """Deals tests out to workers by the file, or by the package that shares servers; long ones first.

    Where all tests run, it loads the engines meanwhile: workers that ask for them wait for one another.
    """

    def __init__(self, config: pytest.Config, log: Producer) -> None:
        super().__init__(config, log)
        self._engines = threading.Thread(target=_load_engines, name="engines", daemon=True)
        if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
            self._engines.start()

    def _split_scope(self, nodeid: str) -> str:
        together = next((package for package in _TOGETHER if nodeid.startswith(package)), None)
        return together or super()._split_scope(nodeid)

    def _assign_work_unit(self, node: WorkerController) -> None:
        # Of equals, the one with the most tests is first in the queue.
        self.workqueue.move_to_end(min(self.workqueue, key=self._turn), last=False)
        super()._assign_work_unit(node)

    def _turn(self, unit: str) -> int:
        """When a unit is dealt out: the place of its kind among the long ones, or after them."""
        if self._engines.is_alive() and unit in _WITHOUT_ENGINES:
            return -1
        return next((place for place, kind in enumerate(_LONG) if unit.startswith(kind)), len(_LONG))


def _load_engines() -> None:
    # Who needs one that could not be loaded tries again, and says why it cannot be had.
    with contextlib.suppress(engines.EngineInstallFailed):
        engines.provide(engines.DEFAULT_ENGINES, lambda _: None)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    """What `--dist loadfile` means here."""
    return Dealing(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session", autouse=True)
def state_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Journals and sandboxes of this test session; sandboxes that a failed test left are taken down."""
    directory = tmp_path_factory.mktemp("state")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUTOVER_STATE", str(directory))
        yield directory
        for left in client.running():
            left.stop()


@pytest.fixture(scope="session")
def engine_names() -> tuple[str, ...]:
    """The default engines, installed into the user's cache when they are not there yet."""
    engines.provide(engines.DEFAULT_ENGINES, lambda _: None)
    return engines.DEFAULT_ENGINES


@pytest.fixture
def sandbox(engine_names: tuple[str, ...]) -> Iterator[SandboxFactory]:
    """Start sandboxes as `sandbox(source, target, positioning="auto", **spec)`; they are stopped after the test."""
    started: list[Sandbox] = []

    def start(source: str, target: str, positioning: Any = "auto", **spec: Any) -> Sandbox:
        wanted = TopologySpec(source, target, positioning, **spec)
        started.append(client.start(wanted, idle_limit_s=_IDLE_LIMIT_S))
        return started[-1]

    yield start
    for one in started:
        one.stop()
