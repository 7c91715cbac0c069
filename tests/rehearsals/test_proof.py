"""The rows of both servers: compared while clients write, proved equal behind the fence, and what differs told."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration import rehearsal
from migration.decisions import Choice, Decision, decide
from migration.rehearsal import Rehearsal
from migration.sessions import launch
from migration.view import AttemptView, MigrationView
from providers.mysql.errors import ServerError
from providers.mysql.server import Server
from providers.sandbox import client
from providers.sandbox.client import Sandbox
from providers.sandbox.spec import TopologySpec
from tests.rehearsals.driving import approve, at_gate, until

PAIRS = (
    pytest.param(("mariadb-10.11", "mariadb-10.11"), id="mariadb"),
    pytest.param(("mysql-9.7", "mysql-9.7"), id="9.7", marks=pytest.mark.long),
    pytest.param(("mysql-5.6", "mysql-9.7"), id="5.6-to-9.7", marks=pytest.mark.long),
)
ROWS_AT_ONCE = 250
PROVED = "content proved equal at the cutover in "


@pytest.fixture(params=PAIRS)
def sandbox(request: pytest.FixtureRequest, engine_names: tuple[str, ...]) -> Iterator[Sandbox]:
    source, target = request.param
    sandbox = client.start(TopologySpec(source, target, rows=2000, rate=50, attached=True))
    sandbox.workload("start")
    yield sandbox
    sandbox.stop()


@contextlib.contextmanager
def run(sandbox: Sandbox) -> Iterator[Rehearsal]:
    """A rehearsal whose plan is approved; cancelled in the end where it has not ended."""
    made = rehearsal.enrol(sandbox, "mysql_replication", keep=True)
    launch(made.journal, made.secrets())
    approve(made)
    yield made
    if until(made, lambda view: view.gate is not None or view.end is not None).end is None:
        decide(made.journal, Decision(Choice.CANCEL))
        until(made, lambda view: view.end is not None)


def red(view: MigrationView) -> list[str]:
    """The conditions of the open gate that do not hold."""
    return [condition.text for condition in view.gate.conditions if not condition.ok] if view.gate else []


def confirm(made: Rehearsal) -> AttemptView:
    """Move the writes, once everything holds; the attempt as it ended."""
    view = until(made, lambda view: view.gate is not None and view.gate.id == "cutover" and view.gate.ready)
    assert view.gate is not None
    decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed=view.gate.word))
    ended = until(made, lambda view: view.attempt is not None and view.attempt.result != "running").attempt
    assert ended is not None
    return ended


def proof(attempt: AttemptView) -> str:
    """What the part that proves the rows equal has to say."""
    (part,) = [part for part in attempt.steps if part.id == "content"]
    return part.note


@contextlib.contextmanager
def changing(sandbox: Sandbox) -> Iterator[None]:
    """5,000 rows a second change on the source."""
    ends = sandbox.endpoints()
    # A client's account: an administrator's could write through the fence.
    session = Server(replace(ends.source, account=ends.app)).connect()
    stop = threading.Event()

    def change() -> None:
        turn = 0
        while not stop.wait(ROWS_AT_ONCE / 5000):
            turn += 1
            first = turn * ROWS_AT_ONCE % 1500
            with contextlib.suppress(ServerError):
                session.run(
                    "UPDATE shop.customers SET credit = credit + 1 WHERE id BETWEEN %s AND %s",
                    (first, first + ROWS_AT_ONCE - 1),
                )

    thread = threading.Thread(target=change)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        session.close()


@pytest.mark.long
def test_a_cutover_under_many_changes_proves_the_rows_equal(sandbox: Sandbox) -> None:
    with changing(sandbox), run(sandbox) as made:
        attempt = confirm(made)
        assert (attempt.result, proof(attempt)[: len(PROVED)]) == ("switched", PROVED)
        # And again for the way back, with the roles exchanged.
        view = until(made, lambda view: view.gate is not None and view.gate.id == "observe" and view.gate.ready)
        assert view.gate is not None
        decide(made.journal, Decision(Choice.ROLL_BACK, "observe", typed=view.gate.word, reason="a test"))
        view = until(made, lambda view: len(view.attempts) == 2 and view.attempts[-1].result != "running")
        assert view.attempts[-1].result == "switched"
        assert PROVED in proof(view.attempts[-1])
        view = at_gate(made, "cutover")
        assert view.gate is not None
        decide(made.journal, Decision(Choice.COMPLETE, "cutover", typed="complete"))


def test_a_row_that_differs_keeps_the_writes(sandbox: Sandbox) -> None:
    target = Server(sandbox.endpoints().target).connect()
    target.run("SET SESSION sql_log_bin = 0")
    target.run("UPDATE shop.products SET title = 'changed behind everybody''s back' WHERE id = 7")
    with run(sandbox) as made:
        view = until(made, lambda view: view.gate is not None and view.gate.id == "cutover" and bool(red(view)))
        until(made, lambda view: "rows differ: shop.products id = 7 changed" in red(view))
        finding = next(one for one in made_view(made).findings if one.check == "content")
        assert (finding.word, finding.result.evidence[1]) == ("FAIL", ("shop.products", "id = 7", "changed", "title"))
        assert view.gate is not None
        decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed=view.gate.word))
        until(made, lambda view: any(line.text.startswith("refused: rows differ") for line in view.log))
        # Once it is as on the source again, nothing is in the way.
        source = Server(sandbox.endpoints().source)
        title = source.value("SELECT title FROM shop.products WHERE id = 7")
        target.run("UPDATE shop.products SET title = %s WHERE id = 7", (title,))
        attempt = confirm(made)
        assert attempt.result == "switched"
        target.close()
        source.close()
        at_gate(made, "observe")
        decide(made.journal, Decision(Choice.COMPLETE, "observe", typed="complete"))


def made_view(made: Rehearsal) -> MigrationView:
    """The migration as it is now."""
    return until(made, lambda view: True)
