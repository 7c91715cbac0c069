"""Rehearsals on a simulated Azure whose runners are killed in the midst, and what the provider was asked for."""

from __future__ import annotations

import functools
import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from migration import rehearsal, rehearsed
from migration.journal import JournalReader, Record
from migration.model import End
from migration.rehearsal import Rehearsal, Script
from migration.sessions import launch
from migration.view import MigrationView
from providers.sandbox.azure_api.access import Access
from providers.sandbox.azure_api.gateway import Call
from providers.sandbox.azure_api.spec import AzureCloud
from providers.sandbox.client import Sandbox
from providers.sandbox.spec import TopologySpec

ROOT = Path(__file__).parents[2]
KILLER = "tests.campaigns.killed_at_step"
# What a read is called; whatever else is asked for changes something.
_READS = ("_Get", "_List", "_Check", "Status", "Skus")
_DEADLINE_S = 600.0

Place = tuple[str, ...]
Beside = Callable[[Rehearsal, Access], None]


@dataclass(frozen=True)
class Asked:
    """A rehearsal: its scenario beside what is proposed first, and what the operator chooses.

    `durations` the cloud takes, by name, in seconds. `engine`: of both servers, where it is not the runbook's own.
    """

    runbook: str
    scenario: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)
    durations: Mapping[str, float] = field(default_factory=dict)
    end: End = End.COMPLETED
    seconds: float = 0.2
    engine: str = ""


@dataclass(frozen=True)
class Ended:
    """How it ended: with everything there, and every runner killed that was to be."""

    view: MigrationView
    records: tuple[Record, ...]
    calls: tuple[Call, ...]

    def changes(self) -> Counter[tuple[str, str]]:
        """How often each thing was asked for, and taken, that changes something: the call and what it is about."""
        return Counter(
            (one.action.partition(":")[2], about(one))
            for one in self.calls
            if not any(read in one.action for read in _READS) and one.outcome.startswith("2")
        )


def about(call: Call) -> str:
    """What a call is about: the resource, for a command its database, and for another size that."""
    named = {"Command": ("input", "databaseName"), "Update": ("sku", "name")}.get(call.action.rpartition("_")[2])
    detail = "" if named is None else call.body.get(named[0], {}).get(named[1], "")
    return " ".join(filter(None, ("/".join(call.path.rstrip("/").split("/")[-2:]), detail)))


def killed(asked: Asked, places: Sequence[Place]) -> Ended:
    """Carry it out; each runner but the last dies at its place: step, moment, and the way of the move where it counts.

    Raises AssertionError where something was lost, or a runner did not come to where it was to die.
    """
    return _carried(asked, places, None, None)


def disturbed(asked: Asked, beside: Beside) -> Ended:
    """Carry it out while `beside` is done in a thread of its own; a step that fails is tried again, once."""
    return _carried(asked, (), beside, _cure)


def _carried(
    asked: Asked, places: Sequence[Place], beside: Beside | None, cure: Callable[[Sandbox], None] | None
) -> Ended:
    prepared = rehearsal.set_up(_topology(asked), asked.runbook, lambda _: None, keep=True)
    try:
        access = Access.from_json(prepared.sandbox.cloud())
        order = prepared.journal.with_name("kill.json")
        order.write_text(json.dumps([dict(zip(("step", "when", "way"), place, strict=False)) for place in places]))
        accepted = _rehearsed(asked.runbook).needs(_cloud(asked))[0]
        script = Script(asked.seconds, asked.end, _DEADLINE_S, asked.chosen, accepted, cure)
        with ThreadPoolExecutor(1) as pool, pytest.MonkeyPatch.context() as patched:
            # The killer is part of the tests, which are not installed.
            patched.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
            doing = None if beside is None else pool.submit(beside, prepared, access)
            run = functools.partial(launch, module=KILLER)
            view = rehearsal.run_unattended(prepared, script, lambda _: None, run)
            if doing is not None:
                doing.result()
        assert rehearsal.passed(view, script), (view.end, view.figures)
        assert json.loads(order.read_text()) == []
        with JournalReader(prepared.journal) as reader:
            return Ended(view, reader.records(), access.control.calls())
    finally:
        prepared.sandbox.stop()


def _cure(_: Sandbox) -> None:
    """To try it again is all that is wanted."""


def _rehearsed(runbook: str) -> rehearsed.Rehearsed:
    found = rehearsed.of(runbook)
    assert found is not None
    return found


def _cloud(asked: Asked) -> AzureCloud:
    clouded = _rehearsed(asked.runbook)
    usual = {name: values[0] for name, values in clouded.CHOICES.items()}
    cloud = clouded.cloud({**usual, **asked.scenario})
    assert isinstance(cloud, AzureCloud)
    durations = replace(cloud.scenario.durations, **asked.durations)
    return replace(cloud, scenario=replace(cloud.scenario, durations=durations))


def _topology(asked: Asked) -> TopologySpec:
    source, target = (asked.engine, asked.engine) if asked.engine else _rehearsed(asked.runbook).ENGINES
    how = rehearsed.positioning(asked.runbook, "auto")
    return TopologySpec(source, target, how, rows=2000, rate=100, clients=2, cloud=_cloud(asked))  # type: ignore[arg-type]
