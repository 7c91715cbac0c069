"""Rehearsals on a simulated RDS in which runners are killed, or somebody else changes something in the account."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from migration import rehearsal
from migration.journal import JournalReader, Record
from migration.model import End, Secrets
from migration.rehearsal import Rehearsal, Script
from migration.sessions import launch
from migration.view import MigrationView
from providers.aws.access import Access as Way
from providers.aws.access import Key
from providers.aws.client import Client
from providers.mysql.endpoint import Secret
from providers.sandbox.api.calls import Call
from providers.sandbox.aws_api.access import Access
from providers.sandbox.spec import TopologySpec
from tests.campaigns.kill_runner import on_rds

ROOT = Path(__file__).parents[2]
KILLER = "tests.campaigns.killed_at_step"
_DEADLINE_S = 400.0

Place = tuple[str, ...]
Somebody = Callable[[Client, Rehearsal], None]


@dataclass(frozen=True)
class Asked:
    """A rehearsal.

    Attributes:
        places: where runners die, one after the other: a step or part, the moment, and the way of the move where that
            counts; see the killer.
        between: what somebody does before a runner is started, by how many were started before.
        beside: what somebody does from the beginning on, in a thread of its own.
        seconds: for how long clients write at the gates before and after the move.
        moves: whether the writes are moved whatever the end, until `beside` decides otherwise.
    """

    runbook: str
    topology: TopologySpec
    places: Sequence[Place] = ()
    between: tuple[tuple[int, Somebody], ...] = ()
    beside: Somebody = lambda client, made: None
    chosen: tuple[tuple[str, str], ...] = ()
    end: End = End.COMPLETED
    seconds: float = 0.2
    moves: bool = False


@dataclass(frozen=True)
class Ended:
    """How it ended: as it was asked for, with nothing lost, and every runner killed that was to be."""

    view: MigrationView
    records: tuple[Record, ...]
    calls: tuple[Call, ...]
    runners: int

    def taken(self) -> Counter[str]:
        """How often RDS took each kind of call."""
        return Counter(one.action.partition(":")[2] for one in self.calls if not one.outcome)

    def said(self, words: str) -> bool:
        """Whether the log has a line with these words."""
        return any(words in line.text for line in self.view.log)


def back(places: Sequence[Place]) -> tuple[Place, ...]:
    """The same on the way back."""
    return tuple((*place, "rollback") for place in places)


def old(runbook: str) -> TopologySpec:
    """The servers that start soonest, on an RDS in a hurry."""
    return replace(on_rds(runbook), source_engine="mysql-5.7", target_engine="mysql-5.7")


def client_of(access: Access) -> Client:
    """Another client of the account, as of an operator at the console."""
    return Client(Way(access.region, None, access.url, Key(Secret(access.key.id), access.key.secret)))


def carried(asked: Asked) -> Ended:
    """Carry a rehearsal out.

    Raises AssertionError where something was lost, or a runner did not come to where it was to die.
    """
    prepared = rehearsal.set_up(asked.topology, asked.runbook, lambda _: None, keep=True)
    try:
        access = Access.from_json(prepared.sandbox.cloud())
        order = prepared.journal.with_name("kill.json")
        order.write_text(json.dumps([dict(zip(("step", "when", "way"), one, strict=False)) for one in asked.places]))
        script = Script(asked.seconds, asked.end, _DEADLINE_S, dict(asked.chosen))
        driven = replace(script, end=End.COMPLETED) if asked.moves else script
        starts = 0

        def start(journal: Path, secrets: Secrets) -> int:
            nonlocal starts
            for number, somebody in asked.between:
                if number == starts:
                    somebody(client, prepared)
            starts += 1
            return launch(journal, secrets, module=KILLER)

        with closing(client_of(access)) as client, ThreadPoolExecutor(1) as pool, pytest.MonkeyPatch.context() as patch:
            # The killer is part of the tests, which are not installed.
            patch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
            doing = pool.submit(asked.beside, client, prepared)
            view = rehearsal.run_unattended(prepared, driven, lambda _: None, start)
            doing.result()
        assert rehearsal.passed(view, script), (view.end, view.figures, view.log[-5:])
        assert json.loads(order.read_text()) == []
        with JournalReader(prepared.journal) as reader:
            return Ended(view, reader.records(), access.control.calls(), starts)
    finally:
        prepared.sandbox.stop()
