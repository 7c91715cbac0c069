"""The way back over the bridge: what would stop an old source arrives there; a bridge that dies is started again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration import bridging
from migration.check import Pair, Verdict
from migration.checks.accounts import replication_account_target
from migration.checks.parameters import collation
from migration.cutover import switch
from migration.model import BridgeSpec, Direction
from migration.steps import finish, way_back
from providers.mysql.bridge.lock import living
from providers.mysql.connection import Connection
from providers.mysql.server import Server
from providers.sandbox import passwords
from tests.support.moving import Moving, moving
from tests.support.waiting import until

NEW = "SET NAMES utf8mb4 COLLATE utf8mb4_0900_ai_ci"


@pytest.fixture(scope="module", params=["mysql-5.6", "mysql-5.7"])
def made(request: pytest.FixtureRequest, engine_names: tuple[str, ...]) -> Iterator[Moving]:
    with moving(request.param, "mysql-9.7", bridge=BridgeSpec()) as one:
        yield one


def write_with_a_new_collation(server: Server, first: int) -> None:
    application = Connection(replace(server.endpoint, account=passwords.load().application))
    try:
        application.run(NEW)
        application.run("CREATE TABLE IF NOT EXISTS shop.words (id INT PRIMARY KEY, word VARCHAR(20))")
        for number in range(first, first + 20):
            application.run(f"INSERT INTO shop.words VALUES ({number}, 'é{number}')")
    finally:
        application.close()


def words(server: Server) -> int:
    return int(server.value("SELECT COUNT(*) FROM shop.words"))


def test_there_and_back_with_a_collation_the_source_does_not_know(made: Moving) -> None:
    m = made.m
    switch(m, made.attempt(Direction.CUTOVER))
    write_with_a_new_collation(m.target, 1)
    assert m.source.wait_for(m.end_position(m.target), 20), m.source.replica_status()

    place = living(bridging.lock_file(m))
    assert place is not None
    os.kill(place.pid, signal.SIGKILL)
    until(lambda: not bridging.running(m), "the bridge is gone")
    write_with_a_new_collation(m.target, 100)
    assert bridging.ensure(m)
    assert not bridging.ensure(m)
    again = living(bridging.lock_file(m))
    assert again is not None
    assert (again.host, again.port) == (place.host, place.port)
    assert m.source.wait_for(m.end_position(m.target), 20), m.source.replica_status()
    assert words(m.source) == 40

    switch(m, made.attempt(Direction.ROLLBACK))
    assert not m.source.read_only().clients
    assert way_back.probe(m).note.startswith(m.source.name)


def test_the_checks_say_what_the_bridge_is_for(made: Moving) -> None:
    m = made.m
    bridged = Pair(m.source, m.target, m.spec, m.secrets, m.positioning)
    straight = replace(bridged, spec=replace(m.spec, bridge=None))
    assert replication_account_target.run(bridged).verdict is Verdict.PASSED
    assert collation.run(bridged).verdict is Verdict.PASSED
    old = not m.source.version.mysql_from(5, 7)
    refused = replication_account_target.run(straight)
    assert (refused.verdict is not Verdict.PASSED) == old
    if old:
        assert "--bridge" in refused.remedy


def test_what_ends_replication_ends_the_bridge(made: Moving) -> None:
    finish.apply(made.m)
    assert living(bridging.lock_file(made.m)) is None
