"""The rows of both servers: compared while clients write, proved equal behind the fence, and what differs told."""

from __future__ import annotations

import contextlib
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from migration import rehearsal
from migration.decisions import Choice, Decision, decide
from migration.rehearsal import Rehearsal
from migration.sessions import launch
from migration.view import AttemptView, MigrationView
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError
from providers.mysql.position import Position
from providers.mysql.server import Server
from providers.sandbox import client
from providers.sandbox.client import Sandbox
from providers.sandbox.spec import TopologySpec
from tests.rehearsals import driving
from tests.rehearsals.driving import approve

PAIRS = (
    pytest.param(("mariadb-10.11", "mariadb-10.11"), id="mariadb"),
    pytest.param(("mysql-9.7", "mysql-9.7"), id="9.7", marks=pytest.mark.long),
    pytest.param(("mysql-5.6", "mysql-9.7"), id="5.6-to-9.7", marks=pytest.mark.long),
)
ROWS_AT_ONCE = 250
PROVED = "content proved equal at the cutover in "
# Of writes that the target may be behind, and that is asked for so often: on a busy machine it applies them at less
# than half the rate at which clients can make them, and would never be near enough.
BEHIND = 20
PATIENCE_S = 180.0


def until(made: Rehearsal, holds: Callable[[MigrationView], bool]) -> MigrationView:
    return driving.until(made, holds, PATIENCE_S)


def at_gate(made: Rehearsal, gate: str) -> MigrationView:
    return until(made, lambda view: view.gate is not None and view.gate.id == gate)


@pytest.fixture(params=PAIRS)
def sandbox(request: pytest.FixtureRequest, engine_names: tuple[str, ...]) -> Iterator[Sandbox]:
    source, target = request.param
    sandbox = client.start(TopologySpec(source, target, rows=2000, rate=20, attached=True))
    sandbox.workload("start")
    yield sandbox
    sandbox.stop()


@contextlib.contextmanager
def run(sandbox: Sandbox) -> Iterator[Rehearsal]:
    """A rehearsal whose plan is approved; cancelled in the end where it has not ended.

    What is taken down in the end is not told as a difference.
    """
    made = rehearsal.enrol(sandbox, "mysql_replication", keep=True)
    launch(made.journal, made.secrets())
    approve(made)
    yield made
    if until(made, lambda view: view.gate is not None or view.end is not None).end is None:
        decide(made.journal, Decision(Choice.CANCEL))
    view = until(made, lambda view: view.end is not None and not view.runner_alive)
    assert [line.text for line in view.log if line.text.startswith("comparing the rows")] == []
    assert [one.word for one in view.findings if one.check == "content"] == ["OK"]


def red(view: MigrationView) -> list[str]:
    """The conditions of the open gate that do not hold."""
    return [condition.text for condition in view.gate.conditions if not condition.ok] if view.gate else []


def ready(made: Rehearsal, gate: str) -> str:
    """Wait until everything holds at a gate; the word that confirms it."""

    def holds(view: MigrationView) -> bool:
        here = view.gate is not None and view.gate.id == gate and view.gate.measured_at is not None
        return here and not red(view)

    view = until(made, holds)
    assert view.gate is not None
    return view.gate.word


def moved(made: Rehearsal, decision: Decision) -> AttemptView:
    """Decide to move the writes; the attempt as it ended."""
    before = len(until(made, lambda view: True).attempts)
    decide(made.journal, decision)
    view = until(made, lambda view: len(view.attempts) > before and view.attempts[-1].result != "running")
    return view.attempts[-1]


def confirm(made: Rehearsal) -> AttemptView:
    """Move the writes, once everything holds."""
    return moved(made, Decision(Choice.CONFIRM, "cutover", typed=ready(made, "cutover")))


def roll_back(made: Rehearsal) -> AttemptView:
    """Move them back, once everything holds."""
    return moved(made, Decision(Choice.ROLL_BACK, "observe", typed=ready(made, "observe"), reason="a test"))


def complete(made: Rehearsal, gate: str) -> None:
    """End it where it is."""
    at_gate(made, gate)
    decide(made.journal, Decision(Choice.COMPLETE, gate, typed="complete"))


def proof(attempt: AttemptView) -> str:
    """What the part that proves the rows equal has to say."""
    (part,) = [part for part in attempt.steps if part.id == "content"]
    return part.note


@contextlib.contextmanager
def changing(sandbox: Sandbox) -> Iterator[Counter[str]]:
    """5,000 rows a second change on whichever server takes writes; how many statements it was on which."""
    ends = sandbox.endpoints()
    stop, done = threading.Event(), Counter[str]()

    def change() -> None:
        for here, there in itertools.cycle(((ends.source, ends.target), (ends.target, ends.source))):
            # A client's account: an administrator's could write through the fence.
            place = replace(here, account=ends.app)
            with (
                contextlib.suppress(ServerError),
                contextlib.closing(Connection(place)) as session,
                following(here, there, stop) as keep_near,
            ):
                while not stop.wait(ROWS_AT_ONCE / 5000):
                    first = done.total() * ROWS_AT_ONCE % 1500
                    session.run(
                        "UPDATE shop.customers SET credit = credit + 1 WHERE id BETWEEN %s AND %s",
                        (first, first + ROWS_AT_ONCE - 1),
                    )
                    done[here.name] += 1
                    if not done[here.name] % BEHIND:
                        keep_near()
            if stop.is_set():
                return

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def following(here: Endpoint, there: Endpoint, stop: threading.Event) -> Iterator[Callable[[], None]]:
    """What waits until a server has what the other one had when it was called the last time."""
    with contextlib.closing(Server(here)) as source, contextlib.closing(Server(there)) as target:
        written: list[Position] = []

        def keep_near() -> None:
            while written and not stop.is_set() and not target.wait_for(written[0], 1.0):
                pass
            written[:] = [source.gtid_end()]

        yield keep_near


def test_a_cutover_and_its_way_back_under_many_changes_prove_the_rows_equal(sandbox: Sandbox) -> None:
    with changing(sandbox) as done, run(sandbox) as made:
        for move in (confirm, roll_back):
            attempt = move(made)
            assert (attempt.result, proof(attempt)[: len(PROVED)]) == ("switched", PROVED)
        complete(made, "cutover")
    assert set(done) == {"source", "target"}


def turn_title(sandbox: Sandbox) -> None:
    """Turn a title on the target round, behind everybody's back; a second time makes it what it was."""
    with contextlib.closing(Server(sandbox.endpoints().target)) as target:
        statements = ["SET SESSION sql_log_bin = 0", "UPDATE shop.products SET title = REVERSE(title) WHERE id = 7"]
        if target.variable("super_read_only") == "ON":
            statements.insert(1, "SET GLOBAL super_read_only = OFF")
            statements.append("SET GLOBAL super_read_only = ON")
        target.change("; ".join(statements))


def test_a_row_that_differs_keeps_the_writes(sandbox: Sandbox) -> None:
    turn_title(sandbox)
    with run(sandbox) as made:
        until(made, lambda view: "rows differ: shop.products id = 7 changed" in red(view))
        view = at_gate(made, "cutover")
        finding = next(one for one in view.findings if one.check == "content")
        assert (finding.word, finding.result.evidence[1]) == ("FAIL", ("shop.products", "id = 7", "changed", "title"))
        assert view.gate is not None
        decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed=view.gate.word))
        until(made, lambda view: any(line.text.startswith("refused: rows differ") for line in view.log))
        # Once it is as on the source again, nothing is in the way.
        turn_title(sandbox)
        assert confirm(made).result == "switched"
        complete(made, "observe")
