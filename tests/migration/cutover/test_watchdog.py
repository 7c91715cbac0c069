"""The lease: a fence does not outlive its runner by more than a second, nor its deadline by more than another."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration.cutover import settle
from migration.journal import JournalReader, Kind
from migration.model import Secrets
from providers.mysql.server import Server
from tests.support.moving import Moving, moving
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module", params=["mariadb-10.11", "mysql-9.7"])
def pair(request: pytest.FixtureRequest, engine_names: tuple[str, ...]) -> Iterator[Moving]:
    with moving(request.param, request.param) as made:
        yield made


@pytest.fixture
def fresh(pair: Moving) -> Iterator[Moving]:
    """The pair with a journal of this test's own, and the source taking writes afterwards."""
    from migration import rehearsal
    from migration.sessions import read_spec
    from tests.support.moving import migration_over

    made = rehearsal.enrol(pair.sandbox, "mysql_replication", keep=True)
    m = migration_over(made.journal, read_spec(made.journal), made.secrets(), pair.desk)
    yield Moving(pair.sandbox, made.journal, m, pair.desk)
    m.source.change(m.source.dialect.unfence)
    m.target.change(m.target.dialect.fence)
    m.source.close()
    m.target.close()


class Runner:
    """A process that has fenced the source and waits."""

    def __init__(self, journal: Path, secrets: Secrets, upto: str, deadline_s: float) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.migration.cutover.fencer", str(journal), upto, str(deadline_s)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ},
        )  # fmt: skip
        self.tell(json.dumps(secrets.reveal()))
        assert self.hears() == "there"

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hears(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextlib.contextmanager
def fenced(made: Moving, upto: str = "fenced", deadline_s: float = 30.0) -> Iterator[Runner]:
    runner = Runner(made.journal, made.m.secrets, upto, deadline_s)
    try:
        assert made.m.source.read_only().clients
        yield runner
    finally:
        runner.process.kill()
        runner.process.wait()


def until_open(server: Server, seconds: float) -> float:
    """How long it takes until a server takes writes, in seconds."""
    began = time.monotonic()
    while server.read_only().clients:
        assert time.monotonic() - began < seconds, f"{server.name} is still fenced after {seconds} s"
        time.sleep(0.005)
    return time.monotonic() - began


def kinds(journal: Path) -> list[Kind]:
    with JournalReader(journal) as reader:
        return [record.kind for record in reader.records()]


def test_a_killed_runner_leaves_the_fence_for_less_than_a_second(fresh: Moving) -> None:
    with fenced(fresh) as runner:
        runner.process.kill()
        assert until_open(fresh.m.source, 1.0) < 1.0

    assert Kind.LEASE_EXPIRED in kinds(fresh.journal)
    assert settle(fresh.m, fresh.attempt()) is False
    assert fresh.m.target.read_only().clients


def test_a_sleeping_runner_is_barred_from_going_on(fresh: Moving) -> None:
    with fenced(fresh, deadline_s=0.5) as runner:
        runner.process.send_signal(signal.SIGSTOP)
        assert until_open(fresh.m.source, 2.0) < 1.5
        runner.process.send_signal(signal.SIGCONT)
        runner.tell("go on")
        assert runner.hears() == "no_return False"

    assert Kind.NO_RETURN not in kinds(fresh.journal)
    assert fresh.m.target.read_only().clients


def test_past_the_point_of_no_return_the_watchdog_goes_forward(fresh: Moving) -> None:
    with fenced(fresh, "no_return") as runner:
        runner.process.kill()
        until_open(fresh.m.target, 5.0)

    assert fresh.m.source.read_only().clients
    assert Kind.LEASE_EXPIRED not in kinds(fresh.journal)
    assert settle(fresh.m, fresh.attempt()) is True


def test_a_runner_that_is_late_past_the_point_of_no_return_keeps_its_fence(fresh: Moving) -> None:
    with fenced(fresh, "no_return", deadline_s=0.2):
        time.sleep(1.5)
        assert fresh.m.source.read_only().clients
        assert fresh.m.target.read_only().clients


def test_a_fence_that_still_waits_is_killed_too(fresh: Moving) -> None:
    """A runner that dies while its fence waits for a lock: the fence must not fall later."""
    blocker = fresh.m.source.connect()
    with fenced(fresh, deadline_s=30.0) as runner:
        fresh.m.source.change(fresh.m.source.dialect.unfence)
        blocker.run("LOCK TABLES shop.ledger WRITE")
        zombie = fresh.m.source.connect()
        zombie.raw._execute_command(3, "SET GLOBAL read_only = ON")  # type: ignore[attr-defined]
        runner.process.kill()
        runner.process.wait()
        # Long before its own deadline, after which it would be lifted anyway.
        until(lambda: not fencing(fresh.m.source), "the fence that waits to be killed", 10)
    blocker.close()
    assert not fresh.m.source.read_only().clients


def fencing(server: Server) -> bool:
    return any("read_only = ON" in str(row[7]) for row in server.rows("SHOW FULL PROCESSLIST"))
