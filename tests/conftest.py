"""What every test may use: installed engines, a state directory of its own, and real sandboxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from providers.sandbox import client, engines
from providers.sandbox.client import Sandbox
from providers.sandbox.spec import TopologySpec

# A sandbox outlives a killed test run by this much.
_IDLE_LIMIT_S = 600.0

SandboxFactory = Callable[..., Sandbox]


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
    engines.install([engine.name for engine in engines.missing(engines.DEFAULT_ENGINES)], lambda _: None)
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
