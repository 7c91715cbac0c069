"""A simulated account as the checks see it, for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from migration.check import Route
from providers.sandbox.aliyun_api.scenario import Scenario
from providers.sandbox.api.clock import Clock
from providers.sandbox.launcher import SandboxServer
from tests.migration.aliyun.checks.bench import FAST, Bench
from tests.migration.aliyun.leased import ENGINE, lease

Rent = Callable[..., Bench]


@pytest.fixture
def rent(rds: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rent]:
    """Simulate an account as `rent(scenario, route, clock, target)`; `target`: what engine a cluster is made of."""
    with ExitStack() as ending:

        def start(
            scenario: Scenario | None = None,
            route: Route = Route.LOGICAL,
            clock: Clock | None = None,
            target: str = ENGINE,
        ) -> Bench:
            place = tmp_path_factory.mktemp("rented")
            one = lease(rds, place, ending, scenario or Scenario(), clock=clock, target=target)
            return Bench(one.simulator, one.m, route)

        yield start


@pytest.fixture
def both(rent: Rent) -> Iterator[Bench]:
    """The instance and a cluster that follows it, with a session to each."""
    one = rent(Scenario(public_address=False, durations=FAST), Route.PHYSICAL).ordered().with_server()
    with contextlib.closing(one.m.target):
        yield one
