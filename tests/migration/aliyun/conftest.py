"""One source server for the tests of a file, and a simulated account over it for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from migration.aliyun import purchase
from migration.journal import Kind
from migration.model import Limits
from providers.mysql.server import Server
from providers.sandbox.aliyun_api.scenario import Durations, Scenario
from providers.sandbox.launcher import SandboxServer
from tests.migration.aliyun.leased import ENGINE, lease
from tests.migration.aliyun.tenant import AS_LARGE, Rent, Tenant
from tests.support.pairs import running

_USUAL = Scenario(durations=Durations().at_pace(2000))


@pytest.fixture(scope="module")
def rds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """The source: an RDS for MySQL 5.6 with a small database."""
    with running(ENGINE, tmp_path_factory.mktemp("rds")) as started:
        with contextlib.closing(Server(started.endpoint())) as server:
            server.change("CREATE DATABASE shop")
            server.change("CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(80)) ENGINE=InnoDB")
        yield started


@pytest.fixture
def tenant(rds: SandboxServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rent]:
    """Begin a migration as `tenant(scenario)`, before its cluster is ordered; the cloud is in a hurry.

    Its nodes are chosen already: as large as the source.
    """
    with ExitStack() as ending:

        def start(scenario: Scenario = _USUAL) -> Tenant:
            place = tmp_path_factory.mktemp("tenant")
            one = lease(rds, place, ending, scenario, Limits(lag_s=60.0))
            one.m.scribe.journal.append(Kind.CREATED, one.m.spec.id, one.m.spec.to_json())
            tenant = Tenant(one.simulator, one.m, one.desk, ending)
            tenant.chose(purchase.NODE_CLASS, AS_LARGE)
            return tenant

        yield start
