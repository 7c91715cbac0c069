"""Kill the runner before and after every record of its journal, one unattended rehearsal each.

    python -m tests.campaigns.kill_runner [--runbook NAME] [--source NAME] [--target NAME] [--first N] [--last N]
        [--every N] [--kills N] [--jobs N]

With several kills a rehearsal each runner but the last is killed, at about equal distances. Each run must end as asked,
with no acknowledged write lost and never two servers taking writes.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from migration import rehearsal, rehearsed
from migration.journal import JournalReader, Kind
from migration.model import End
from migration.rehearsal import RehearsalFailed, Script
from migration.sessions import launch
from migration.view import MigrationView
from providers.sandbox.aliyun_api.scenario import Durations, Scenario
from providers.sandbox.aliyun_api.spec import AliyunCloud
from providers.sandbox.aws_api.spec import AwsCloud
from providers.sandbox.spec import TopologySpec

KILLER = "tests.campaigns.killed_runner"
# How much faster than the real cloud: a copy takes 2 s.
PACE = 300.0
ROOT = Path(__file__).resolve().parents[2]
# What a runner writes before it goes on where the one before it was killed.
RESUMED = 4
SCRIPT = Script(seconds=0.2, end=End.ROLLED_BACK, deadline_s=240)


@dataclass(frozen=True)
class Case:
    """Where to kill: before or after the runner's N-th record."""

    when: str
    record: int


@dataclass(frozen=True)
class Ended:
    """How a run went.

    `records` that runners appended, without findings; how many runners it took; whether all were killed that were to be
    (the number of records varies by a few, so the last ones are not always reached); what is wrong with it.
    """

    records: int
    runners: int
    killed: bool
    problem: str


def topology(source: str, target: str) -> TopologySpec:
    return TopologySpec(source, target, rows=2000, rate=100, clients=2)


def on_polardb() -> TopologySpec:
    """A simulated Alibaba Cloud that is in a hurry."""
    cloud = AliyunCloud(scenario=Scenario(durations=Durations().at_pace(PACE)))
    return replace(topology("mysql-5.7", "mysql-5.7"), cloud=cloud)


def on_rds(runbook: str) -> TopologySpec:
    """A simulated RDS that is in a hurry."""
    clouded = rehearsed.of(runbook)
    assert clouded is not None
    usual = clouded.cloud({name: values[0] for name, values in clouded.CHOICES.items()})
    assert isinstance(usual, AwsCloud)
    durations = replace(usual.scenario.durations, promote=1.0, failover=1.0, parameter=0.2)
    return replace(
        topology(*clouded.ENGINES), cloud=replace(usual, scenario=replace(usual.scenario, durations=durations))
    )


# What each runbook is rehearsed on.
RUNBOOKS: Mapping[str, Callable[[], TopologySpec]] = {
    "mysql_replication": lambda: topology("mariadb-10.11", "mariadb-10.11"),
    "rds_to_polardb": on_polardb,
    "rds_promote_first": lambda: on_rds("rds_promote_first"),
    "rds_multi_az": lambda: on_rds("rds_multi_az"),
    "rds_active_active": lambda: on_rds("rds_active_active"),
    "rds_blue_green": lambda: on_rds("rds_blue_green"),
}


def run(cases: Sequence[Case], runbook: str, spec: TopologySpec) -> Ended:
    """One rehearsal whose first runner is killed at the first case, the next one at the next, and so on."""
    clouded = rehearsed.of(runbook)
    accepted = () if clouded is None or spec.cloud is None else clouded.needs(spec.cloud)[0]
    prepared = rehearsal.set_up(spec, runbook, lambda _: None)
    try:
        order = prepared.journal.with_name("kill.json")
        if cases:
            order.write_text(json.dumps([asdict(case) for case in cases]))
        problem = ""
        try:
            script = replace(SCRIPT, accepted=accepted, deadline_s=SCRIPT.deadline_s * max(1, len(cases)))
            view = rehearsal.run_unattended(prepared, script, lambda _: None, functools.partial(launch, module=KILLER))
            problem = judge(view)
        except RehearsalFailed as error:
            problem = str(error)
        with JournalReader(prepared.journal) as reader:
            records = reader.records()
        runners = sum(record.kind is Kind.RUNNER and record.subject == "started" for record in records)
        written = sum(record.kind not in (Kind.DECISION, Kind.FINDING) for record in records) - 1
        return Ended(written, runners, not order.exists(), problem)
    finally:
        _end_runner(prepared.journal)
        prepared.sandbox.stop()


def judge(view: MigrationView) -> str:
    """What is wrong with how it ended; empty where nothing is."""
    if rehearsal.passed(view, SCRIPT):
        return ""
    return f"ended {view.end}, figures {view.figures}, attempts {[a.figures for a in view.attempts]}"


def _end_runner(journal: Path) -> None:
    with JournalReader(journal) as reader:
        pids = [int(r.body["pid"]) for r in reader.records() if r.kind is Kind.RUNNER]
    for pid in pids[-1:]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def chains(first: int, last: int, every: int, kills: int) -> Iterator[tuple[Case, ...]]:
    """Whom to kill where, one rehearsal each: together every record, as far as `every` is 1."""
    distance = max(1, (last - first + 1) // kills)
    for number in range(first, first + distance if kills > 1 else last + 1, every):
        for when in ("before", "after"):
            yield (Case(when, number), *(Case(when, distance + RESUMED) for _ in range(kills - 1)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runbook", choices=tuple(RUNBOOKS), default="mysql_replication")
    parser.add_argument("--source", default="")
    parser.add_argument("--target", default="")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--last", type=int)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--kills", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    asked = parser.parse_args()
    # The killed runner is part of the tests, which are not installed.
    os.environ["PYTHONPATH"] = str(ROOT)
    spec = RUNBOOKS[asked.runbook]()
    spec = replace(
        spec, source_engine=asked.source or spec.source_engine, target_engine=asked.target or spec.target_engine
    )
    undisturbed = run((), asked.runbook, spec)
    print(f"undisturbed: {undisturbed.records} records, {undisturbed.problem or 'ok'}", flush=True)
    bad = 0
    todo = list(chains(asked.first, asked.last or undisturbed.records, asked.every, asked.kills))
    with ThreadPoolExecutor(asked.jobs) as pool:
        for chain, ended in zip(todo, pool.map(lambda chain: run(chain, asked.runbook, spec), todo), strict=True):
            bad += bool(ended.problem)
            reached = f"ok, {ended.runners} runners" + ("" if ended.killed else ", the last place was not reached")
            print(f"{chain[0].when:6} {chain[0].record:4}: {ended.problem or reached}", flush=True)
    print(f"{len(todo) - bad} passed, {bad} failed")
    return 1 if bad or undisturbed.problem else 0


if __name__ == "__main__":
    sys.exit(main())
