"""Whether a runner that begins again compares rows, by what the journal has."""

from __future__ import annotations

import itertools
import time

import pytest

from migration import runbooks
from migration.journal import Kind, Record
from migration.model import Outcome
from migration.prover import worth_comparing
from migration.runbook import Gate, Runbook
from migration.story import Story

ALL = tuple(runbooks.find(name) for name in runbooks.names())


def named(runbook: Runbook) -> str:
    return runbook.name


class Telling:
    """A story as it is told so far."""

    def __init__(self) -> None:
        self.story = Story()
        self._numbers = itertools.count(1)

    def tell(self, kind: Kind, subject: str, **body: object) -> None:
        self.story.tell(Record(next(self._numbers), time.time(), kind, "somebody", subject, body))

    def upto(self, runbook: Runbook, gate: str) -> None:
        """All before the gate is done, and it is open."""
        for _, item in runbook.items():
            if item.id == gate:
                self.open(gate)
                return
            self.tell(Kind.OUTCOME, item.id, outcome=Outcome.DONE.value, note="")

    def open(self, gate: str) -> None:
        self.tell(Kind.GATE_OPENED, gate, title="", question="", consequence="", word="", choices=())


@pytest.mark.parametrize("runbook", [one for one in ALL if one.reversible], ids=named)
def test_until_completing_has_begun_rows_are_compared_and_not_after_it(runbook: Runbook) -> None:
    told = Telling()
    assert worth_comparing(told.story, runbook)
    for gate in (item.id for _, item in runbook.items() if isinstance(item, Gate)):
        if gate == "observe":
            break
        told.upto(runbook, gate)
        assert worth_comparing(told.story, runbook)
    told.upto(runbook, "observe")
    assert worth_comparing(told.story, runbook)
    told.tell(Kind.GATE_PASSED, "observe", decision=0, choice="complete")
    # The decision is asked for again, as nothing was done by it.
    assert worth_comparing(told.story, runbook)
    items = [item for _, item in runbook.items()]
    following = items[[item.id for item in items].index("observe") + 1]
    if isinstance(following, Gate):
        told.open(following.id)
    else:
        told.tell(Kind.INTENT, following.id, statements=[])
    assert not worth_comparing(told.story, runbook)


@pytest.mark.parametrize("runbook", [one for one in ALL if not one.reversible], ids=named)
def test_where_nothing_follows_after_the_switch_rows_are_compared_until_then(runbook: Runbook) -> None:
    told = Telling()
    told.upto(runbook, "cutover")
    assert worth_comparing(told.story, runbook)
    told.tell(Kind.OUTCOME, runbook.switch.id, outcome=Outcome.DONE.value, note="")
    assert not worth_comparing(told.story, runbook)
