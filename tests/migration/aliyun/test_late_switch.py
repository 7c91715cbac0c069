"""A whole rehearsal in which the provider carries the switch out after it was given up."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from migration import rehearsal
from migration.model import End
from migration.rehearsal import Rehearsal, Script
from migration.view import MigrationView
from migration.watch import Watch
from providers.sandbox.aliyun_api.access import AliyunAccess
from providers.sandbox.aliyun_api.scenario import Durations, Scenario
from providers.sandbox.aliyun_api.spec import AliyunCloud
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.spec import TopologySpec
from tests.migration.aliyun.tenant import BEFORE, LOOK
from tests.support.waiting import until

HOUR = 3600.0
# The switch takes an hour of the cloud's time, which the test lets pass when it wants.
PACE = replace(Durations().at_pace(300), switch=HOUR, fenced=0.0)
SCRIPT = Script(seconds=0.2, end=End.COMPLETED, deadline_s=120)


def seen(made: Rehearsal, holds: Callable[[MigrationView], bool], what: str) -> None:
    with Watch(made.journal) as watch:
        until(lambda: holds(watch.view()), what, 100)


def is_at_it(view: MigrationView) -> bool:
    return view.progress is not None and ": SWITCHING" in view.progress.note


def test_a_switch_that_comes_after_the_attempt_was_given_up_is_gone_on_with(engine_names: tuple[str, ...]) -> None:
    cloud = AliyunCloud(scenario=Scenario(durations=PACE))
    spec = TopologySpec("mysql-5.7", "mysql-5.7", rows=300, rate=50, clients=2, cloud=cloud)
    made = rehearsal.set_up(spec, "rds_to_polardb", lambda _: None)
    try:
        access = AliyunAccess.from_json(made.sandbox.cloud())
        with ThreadPoolExecutor(1) as pool:
            driven = pool.submit(rehearsal.run_unattended, made, SCRIPT, lambda _: None)
            seen(made, is_at_it, "a switch that has begun")
            # The provider seems to have taken it back; far behind, so that it is not asked for a second time.
            back = {**BEFORE, "DelayedSeconds": 100}
            access.control.add(Fault(Kind.ALTER, LOOK, None, fields=back))
            seen(made, lambda view: any(one.result == "aborted" for one in view.attempts), "an attempt given up")
            access.control.advance(HOUR)
            access.control.clear()
            view = driven.result(timeout=120)
    finally:
        made.sandbox.stop()
    assert [(one.number, one.result) for one in view.attempts] == [(1, "aborted"), (2, "switched")]
    assert rehearsal.passed(view, SCRIPT), (view.end, view.figures)
    assert sum("has carried out cutover 1" in line.text for line in view.log) == 1
    assert view.primary.startswith("pc-")
    # Nothing of an earlier stage is left to do when the cutover's gate opens again.
    assert sum(line.text == "stage create" for line in view.log) == 1
