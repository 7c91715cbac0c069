"""Whole rehearsals on a cloud that carries every change out and answers to none: nothing is asked for twice."""

from __future__ import annotations

from collections import Counter

import pytest

from migration import rehearsal
from migration.model import End
from migration.rehearsal import Script
from providers.sandbox.aliyun_api.access import AliyunAccess
from providers.sandbox.aliyun_api.scenario import BusinessTask, Durations, Scenario
from providers.sandbox.aliyun_api.spec import AliyunCloud
from providers.sandbox.spec import TopologySpec

TASKS = (BusinessTask("to the warehouse"),)
PACE = Durations().at_pace(300)
ORDER, SWITCH, CLOSE = "polardb:CreateDBCluster", "polardb:ModifyDBClusterMigration", "polardb:CloseDBClusterMigration"
TASK, ADDRESS = "polardb:ModifyDBClusterMigrationEndpoint", "polardb:CreateDBEndpointAddress"
# It changes nothing: DTS is asked whether it would.
TRIAL = "dts:ModifyDtsJobEndpoint"
RELEASE = "rds:DeleteDBInstance"
READS = (":Describe", ":Get", ":List", ":Check")


@pytest.mark.long
@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        pytest.param(
            Script(seconds=0.2, end=End.COMPLETED, deadline_s=200, chosen={"release": "release it"}),
            {SWITCH: 1, CLOSE: 1, TRIAL: 1, TASK: 1, ADDRESS: 1, RELEASE: 1},
            id="completed and released",
        ),
        pytest.param(
            Script(seconds=0.2, end=End.ROLLED_BACK, deadline_s=200),
            {SWITCH: 2, CLOSE: 1, TRIAL: 2, TASK: 2, ADDRESS: 1},
            id="rolled back",
        ),
        pytest.param(Script(seconds=0.2, end=End.CANCELLED, deadline_s=200), {CLOSE: 1, ADDRESS: 1}, id="cancelled"),
    ],
)
def test_every_change_is_asked_for_once_though_no_answer_comes(
    engine_names: tuple[str, ...], script: Script, wanted: dict[str, int]
) -> None:
    cloud = AliyunCloud(scenario=Scenario(durations=PACE, tasks=TASKS), answers="lost")
    spec = TopologySpec("mysql-5.7", "mysql-5.7", rows=300, rate=50, clients=2, cloud=cloud)
    made = rehearsal.set_up(spec, "rds_to_polardb", lambda _: None, keep=True)
    try:
        view = rehearsal.run_unattended(made, script, lambda _: None)
        calls = AliyunAccess.from_json(made.sandbox.cloud()).control.calls()
    finally:
        made.sandbox.stop()
    assert rehearsal.passed(view, script), (view.end, view.figures)
    sent = Counter(call.action for call in calls if not any(read in call.action for read in READS))
    # The order has a token, by which it is one purchase however often it is sent: once more, here.
    assert sent.pop(ORDER) == 2
    assert sent == wanted
    for action, times in wanted.items():
        assert all(call.lost for call in calls if call.action == action), (action, times)
