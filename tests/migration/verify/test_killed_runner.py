"""A runner that is killed while it compares rows, and while it follows them: the next goes on from there."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest

from migration.rehearsal import Rehearsal
from migration.sessions import launch
from migration.verify.chunks import Range, Span, from_json
from migration.verify.journal import About, Kept, read
from migration.verify.model import Table
from migration.view import MigrationView
from providers.mysql.server import Server
from providers.sandbox import client
from providers.sandbox.client import Sandbox
from providers.sandbox.spec import TopologySpec
from tests.migration.verify.following import unlogged
from tests.rehearsals.driving import until
from tests.rehearsals.test_proof import PROVED, complete, confirm, proof, ready, roll_back, run
from tests.support.waiting import until as eventually

pytestmark = pytest.mark.long

BULK: Table = ("shop", "bulk")
LAST = 1 << 18
PLANTED = (1, LAST)


@pytest.fixture
def sandbox(engine_names: tuple[str, ...]) -> Iterator[Sandbox]:
    sandbox = client.start(TopologySpec("mariadb-10.11", "mariadb-10.11", rows=2000, rate=50, attached=True))
    with contextlib.closing(Server(sandbox.endpoints().source)) as source:
        source.change("CREATE TABLE shop.bulk (id INT PRIMARY KEY AUTO_INCREMENT, pad VARCHAR(200)) ENGINE=InnoDB")
        source.change("INSERT INTO shop.bulk VALUES (1, REPEAT('p', 150))")
        for power in range(LAST.bit_length() - 1):
            source.change(f"INSERT INTO shop.bulk SELECT id + {1 << power}, pad FROM shop.bulk")
    with contextlib.closing(Server(sandbox.endpoints().target)) as target:
        eventually(lambda: target.value("SELECT 1 FROM shop.bulk WHERE id = %s", (LAST,)), "the target has all", 60)
    sandbox.workload("start")
    yield sandbox
    sandbox.stop()


def write(sandbox: Sandbox, pad: str) -> None:
    """Into two rows of the target, behind everybody's back."""
    with contextlib.closing(Server(sandbox.endpoints().target)) as target, unlogged(target) as session:
        for number in PLANTED:
            session.run(f"UPDATE shop.bulk SET pad = {pad} WHERE id = {number}")


def kept(made: Rehearsal, forward: bool) -> Kept | None:
    """What a next runner would go on from."""
    path = made.journal.with_name(f"rows-{forward:d}")
    with contextlib.suppress(FileNotFoundError, ValueError):
        head = json.loads(path.read_bytes().partition(b"\n")[0])
        return read(path, About(head["source"], head["target"], head["request"]))
    return None


def begun(made: Rehearsal) -> bool:
    """Whether it is written down that some rows of the large table were compared."""
    found = kept(made, True)
    return found is not None and bool(found.done.get(BULK))


def once(parts: Sequence[Range]) -> bool:
    """Whether spans cover all of an integer key, and no two the same row."""
    spans = sorted((part for part in parts if isinstance(part, Span)), key=lambda span: span.low)
    joined = all(other.low == one.high + 1 for one, other in pairwise(spans))
    return len(spans) == len(parts) and joined and (spans[0].low, spans[-1].high) == (-(1 << 31), (1 << 31) - 1)


def held_once(made: Rehearsal, forward: bool) -> None:
    """All rows of the large table are compared once, as is written down."""
    found = kept(made, forward)
    assert found is not None
    stretches = found.done[BULK]
    assert once([from_json(one.range) for one in stretches]), stretches
    assert sum(one.rows for one in stretches) == LAST


def kill(made: Rehearsal) -> None:
    pid = until(made, lambda view: True).runner_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(made, lambda view: not view.runner_alive)


def another(made: Rehearsal) -> None:
    """Start a runner; returns when it has opened a gate."""
    at = time.time()
    launch(made.journal, made.secrets())
    until(made, lambda view: view.gate is not None and view.gate.opened_at > at)


def differing(view: MigrationView) -> set[tuple[str, ...]]:
    """What the checks list of rows that differ."""
    rows = [one.result.evidence[1:] for one in view.findings if one.check == "content" and one.word == "FAIL"]
    return {row for some in rows for row in some}


def test_what_a_killed_runner_has_compared_is_proved_by_the_next_and_counted_once(sandbox: Sandbox) -> None:
    write(sandbox, "'planted'")
    with run(sandbox) as made:
        until(made, lambda view: begun(made))
        kill(made)
        path = made.journal.with_name("rows-1")
        before = path.read_bytes().rpartition(b"\n")[0]
        another(made)
        expected = {("shop.bulk", f"id = {number}", "changed", "pad") for number in PLANTED}
        until(made, lambda view: differing(view) == expected)
        # The next has gone on from what was written down, and has not begun anew.
        assert path.read_bytes().startswith(before)
        held_once(made, True)
        write(sandbox, "REPEAT('p', 150)")
        attempt = confirm(made)
        assert (attempt.result, proof(attempt)[: len(PROVED)]) == ("switched", PROVED)
        ready(made, "observe")
        kill(made)
        another(made)
        attempt = roll_back(made)
        assert (attempt.result, proof(attempt)[: len(PROVED)]) == ("switched", PROVED)
        held_once(made, False)
        complete(made, "cutover")
