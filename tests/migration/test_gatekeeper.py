"""What a gate lets pass and what it refuses.

Cancelling takes the target's databases away: it must be refused from the first moment they may hold a write.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from migration.decisions import Choice, Decision, decide
from migration.gatekeeper import Cancelled, Gatekeeper
from migration.inbox import Inbox
from migration.journal import Journal, JournalReader, Kind, Record
from migration.model import Direction, MigrationSpec, Positioning, Secrets, ServerSpec, Side
from migration.records import Scribe
from migration.runbook import Migration
from migration.runbooks.mysql_replication import CUT_OVER, PLAN, RUNBOOK
from migration.story import Story
from migration.view import LagSample, Option
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from tests.support.moving import Moving, moving
from tests.support.waiting import until

END = ServerSpec("source", "127.0.0.1", 3306, "admin", "repl")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.create(tmp_path / "journal.db")
    spec = MigrationSpec("m", "mysql_replication", "TEST", END, END)
    journal.append(Kind.CREATED, "m", spec.to_json())
    yield journal
    journal.close()


def migration(journal: Journal, inbox: Inbox) -> Migration:
    """A migration in which no server is asked anything."""
    spec = MigrationSpec("m", "mysql_replication", "TEST", END, END)
    nobody = cast(Any, None)
    secrets = Secrets(*(Secret("") for _ in range(4)))
    return Migration(spec, secrets, nobody, nobody, Positioning.GTID, Scribe(journal), inbox)


def cancel(journal: Journal) -> None:
    """Decide to cancel while the runner waits between two items; no server is asked for that."""
    inbox = Inbox(journal.path, 0, lambda: False)
    m = migration(journal, inbox)
    decide(journal.path, Decision(Choice.CANCEL))
    try:
        Gatekeeper(RUNBOOK, m, inbox).between()
    finally:
        inbox.close()


BIG, SMALL = Option("big", "what the source has"), Option("small", "half of it")


def choose(journal: Journal, options: tuple[Option, ...], *wanted: str) -> Story:
    """Ask at a gate for one of the options while these are decided, one after the other; what the journal says then."""
    inbox = Inbox(journal.path, journal.records()[-1].seq, lambda: False)
    m = migration(journal, inbox)
    gate = replace(PLAN, id="size", consequence=lambda m: "", options=lambda m: options)
    for one in wanted:
        decide(journal.path, Decision(Choice.CONFIRM, "size", typed=one))
    try:
        Gatekeeper(RUNBOOK, m, inbox).hold(gate)
    finally:
        inbox.close()
    return m.story()


def test_one_of_what_can_be_chosen_is_taken_and_kept(journal: Journal) -> None:
    story = choose(journal, (BIG, SMALL), "huge", "", "small")
    assert story.chosen == {"size": "small"}
    refused = [str(record.body["why"]) for record in journal.records() if record.kind is Kind.REFUSED]
    assert refused == ["'huge' is none of what can be chosen at size", "'' is none of what can be chosen at size"]
    (opened,) = [record for record in journal.records() if record.kind is Kind.GATE_OPENED]
    assert opened.body["options"] == [["big", "what the source has"], ["small", "half of it"]]


@pytest.mark.parametrize(("options", "chosen"), [((), {}), ((BIG,), {"size": "big"})])
def test_where_there_is_nothing_to_choose_nobody_is_asked(
    journal: Journal, options: tuple[Option, ...], chosen: dict[str, str]
) -> None:
    story = choose(journal, options)
    assert story.chosen == chosen
    assert story.done("size")
    assert not [record for record in journal.records() if record.kind is Kind.GATE_OPENED]


def test_a_server_that_was_placed_is_where_it_was_placed(journal: Journal) -> None:
    scribe = Scribe(journal)
    scribe.placed(Side.TARGET, "pc-1", "", 0)
    scribe.placed(Side.TARGET, "pc-1", "pc-1.example", 3306)
    with contextlib.closing(Inbox(journal.path, 0, lambda: False)) as inbox:
        spec = migration(journal, inbox).story().spec
    assert spec is not None
    assert spec.source == END
    assert (spec.target.name, spec.target.address) == ("pc-1", "pc-1.example:3306")


def attempt(journal: Journal) -> Scribe:
    scribe = Scribe(journal)
    parts = [("fence", "fence the old side")]
    scribe.attempt(1, Direction.CUTOVER, old="source", new="target", actor="a", budget_s=10, parts=parts)
    return scribe


@pytest.mark.parametrize("result", ["open", "past the point", "switched", "unknown"])
def test_cancel_is_refused_once_the_writes_may_have_moved(journal: Journal, result: str) -> None:
    scribe = attempt(journal)
    if result != "open":
        scribe.no_return(1, "position")
    if result in ("switched", "unknown"):
        scribe.attempt_ended(1, result, "")

    cancel(journal)

    (refusal,) = [record for record in journal.records() if record.kind is Kind.REFUSED]
    assert "roll back instead of cancelling" in refusal.body["why"]


def test_cancel_is_taken_before_the_first_attempt_and_after_one_that_was_given_up(journal: Journal) -> None:
    with pytest.raises(Cancelled):
        cancel(journal)
    attempt(journal).attempt_ended(1, "aborted", "")
    with pytest.raises(Cancelled):
        cancel(journal)


@pytest.fixture(scope="module")
def pair(engine_names: tuple[str, ...]) -> Iterator[Moving]:
    with moving("mariadb-10.11", "mariadb-10.11") as made:
        yield made


def lag(seconds: float) -> LagSample:
    return LagSample(time.time(), seconds, False, "gtid", "", None, 0, "transactions", 0.0, 0.0)


def held(pair: Moving, *lags: float) -> list[str]:
    """Confirm at the cutover gate while the lag reads so, the last reading for ever; what comes of it.

    What is refused is cancelled.
    """
    journal = pair.m.scribe.journal
    before = journal.records()[-1].seq

    def refused() -> list[str]:
        return [str(one.body["why"]) for one in journal.records(before) if one.kind is Kind.REFUSED]

    def readings() -> Iterator[LagSample]:
        yield from map(lag, lags)
        while True:
            if refused():
                decide(pair.journal, Decision(Choice.CANCEL))
            yield lag(lags[-1])

    with contextlib.closing(Inbox(pair.journal, before, lambda: False)) as inbox:
        inbox.newest_lag = partial(next, readings())
        decide(pair.journal, Decision(Choice.CONFIRM, "cutover", typed="source"))
        with contextlib.suppress(Cancelled):
            m = replace(pair.m, desk=inbox)
            return [Gatekeeper(RUNBOOK, m, inbox).hold(CUT_OVER).choice.value]
    return refused()


def plans(pair: Moving, since: int) -> list[str]:
    return [one.subject for one in records(pair, Kind.PLAN, since)]


def records(pair: Moving, kind: Kind, since: int) -> list[Record]:
    with JournalReader(pair.journal) as reader:
        return [one for one in reader.records(since) if one.kind is kind]


def test_only_the_plan_that_still_holds_is_run_and_what_drifted_is_said(pair: Moving) -> None:
    """A database is made between the showing of the plan and its approval."""
    since = pair.m.scribe.journal.records()[-1].seq

    def hold() -> Choice:
        with contextlib.closing(Inbox(pair.journal, since, lambda: False)) as inbox:
            return Gatekeeper(RUNBOOK, replace(pair.m, desk=inbox), inbox).hold(PLAN).choice

    with ThreadPoolExecutor(1) as pool, contextlib.closing(Server(pair.sandbox.endpoints().source)) as operator:
        held = pool.submit(hold)
        try:
            until(lambda: plans(pair, since) or held.done(), "the plan")
            [shown] = plans(pair, since)
            operator.change("CREATE DATABASE made_meanwhile")
            decide(pair.journal, Decision(Choice.CONFIRM, "plan", shown=shown))
            until(lambda: records(pair, Kind.REFUSED, since) or held.done(), "the refusal")
            [refused] = records(pair, Kind.REFUSED, since)
            assert "the plan has changed since it was shown (copy the databases: " in refused.body["why"]
            assert "+ target: CREATE DATABASE, CREATE TABLE for made_meanwhile, shop" in refused.body["why"]
            [_, anew] = plans(pair, since)
            assert anew != shown
            decide(pair.journal, Decision(Choice.CONFIRM, "plan", shown=shown))
            until(lambda: len(records(pair, Kind.REFUSED, since)) == 2, "the second refusal")
            decide(pair.journal, Decision(Choice.CONFIRM, "plan", shown=anew))
            assert held.result(30) is Choice.CONFIRM
        finally:
            decide(pair.journal, Decision(Choice.CANCEL))
            operator.change("DROP DATABASE IF EXISTS made_meanwhile")
    assert plans(pair, since) == [shown, anew]


def test_what_does_not_hold_is_refused_and_says_what_to_do(pair: Moving) -> None:
    assert held(pair, 99.0) == ["target is 99.0 s behind, limit 5 s; decide again once it holds"]
