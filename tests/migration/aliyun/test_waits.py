"""What an operator is told while the provider is waited for, and an answer that was lost is looked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from migration.aliyun import choices, close, copying, endpoints, fill, mover, tasks
from migration.aliyun.account import of
from migration.aliyun.state import look
from migration.decisions import Choice
from migration.journal import Kind
from migration.runbook import CloudFailed, Migration, StepFailed
from providers.aliyun import polardb
from providers.aliyun.polardb_records import MigrationStatus as Status
from providers.sandbox.aliyun_api.scenario import BusinessTask, Durations, Scenario
from providers.sandbox.api.faults import Kind as Trouble
from tests.migration.aliyun.tenant import LOOK, MEANWHILE, Rent, Tenant
from tests.support.waiting import until

FAST = Durations().at_pace(2000)
CLOSE, MOVE = "polardb:CloseDBClusterMigration", "polardb:ModifyDBClusterMigrationEndpoint"
ADDRESS = "polardb:CreateDBEndpointAddress"
LIMIT = "dts:ModifyDynamicConfig"
BY_DTS = Scenario(
    storage_type="cloud_essd", public_address=False, durations=replace(FAST, clone=1.0), tasks=(BusinessTask("theirs"),)
)


def usually(one: Tenant, seconds: float) -> None:
    """What the provider says that a switch takes at most."""
    account = of(one.m)
    account.spec = replace(account.spec, options={**account.spec.options, "usual_s": str(seconds)})


def test_a_switch_that_takes_longer_than_the_provider_says_is_told_again_and_again(tenant: Rent) -> None:
    one = tenant()
    cluster = one.following()
    usually(one, 0.1)
    one.shows(times=20, skip=1, **MEANWHILE)
    mover.switch(one.m, one.attempt(1))
    assert one.m.story().attempts[-1].result == "switched"
    told = [note for note in one.notes() if "longer than the" in note]
    # At a tenth of a second, at twice that, and so on: not at every look.
    assert 2 <= len(told) <= 6
    assert told[0].startswith(f"waiting until {cluster} takes the writes of {one.m.spec.source.name}, 0:00:")
    assert "SWITCHING" in told[0]
    assert "Nothing is sent again" in told[0]


def test_a_provider_that_falls_silent_in_a_switch_is_told_of_by_the_time_as_well(tenant: Rent) -> None:
    one = tenant()
    one.following()
    usually(one, 0.1)
    one.goes_wrong(Trouble.REFUSE, LOOK, times=10, skip=1, status=403, code="Forbidden.RAM", message="Not authorized.")
    mover.switch(one.m, one.attempt(1))
    assert any("longer than the" in note and "the provider cannot be asked" in note for note in one.notes())


def limits(one: Tenant) -> list[dict[str, str]]:
    """The limits of each task that carries a migration."""
    return [dict(task.limits) for task in one.simulator.cloud.tasks.values() if task.name != "theirs"]


def test_the_copy_is_told_in_hundredths_and_slowed_down_once_as_was_chosen(tenant: Rent) -> None:
    # Long enough to be shown: that is done once a second.
    one = tenant(replace(BY_DTS, durations=replace(FAST, clone=3.0)))
    assert choices.RATE.options is not None
    offered = [option.value for option in choices.RATE.options(one.m)]
    assert offered == [copying.FULL_SPEED, "50 MB/s", "20 MB/s", "5 MB/s"]
    one.chose(choices.RATE, "20 MB/s")
    one.ordered()
    fill.apply(one.m)
    assert limits(one) == [
        {
            "dts.datamove.blaster.qps.max": "-1",
            "dts.datamove.source.rps.max": "-1",
            "dts.datamove.source.bps.max": str(20 << 20),
        }
    ]
    assert one.called(LIMIT) == 1
    told = [sample.body for sample in one.m.scribe.journal.samples("progress") if sample.body["unit"] == "%"]
    assert told
    assert all(0 <= body["done"] <= body["total"] == 100 for body in told)
    assert any("DTS: Initializing, full copy" in str(body["note"]) for body in told)
    # A runner that begins anew knows that it was asked for.
    fill.apply(one.m)
    assert one.called(LIMIT) == 1


@pytest.mark.parametrize(
    ("trouble", "said"),
    [(Trouble.LOSE, "copies more slowly is not known"), (Trouble.REFUSE, "copies as fast as it can")],
)
def test_a_rate_that_cannot_be_had_is_no_reason_to_stop(tenant: Rent, trouble: Trouble, said: str) -> None:
    one = tenant(BY_DTS)
    one.chose(choices.RATE, "5 MB/s")
    one.goes_wrong(trouble, LIMIT, times=None, status=403, code="Forbidden.RAM", message="Not authorized.")
    one.following()
    assert one.called(LIMIT) == 1
    assert any(said in note for note in one.notes())


def test_where_nobody_chose_it_the_task_is_left_alone(tenant: Rent) -> None:
    one = tenant(BY_DTS)
    one.following()
    assert one.called(LIMIT) == 0
    assert limits(one) == [{}]


def outcomes(one: Tenant, action: str) -> list[str]:
    """What became of each call."""
    return [call.outcome for call in one.simulator.calls if call.action == action]


def switched(one: Tenant) -> None:
    one.following()
    of(one.m).send(polardb.switch_over(one.m.spec.target.name, one.m.spec.source.name))
    until(lambda: look(one.m).status == Status.SWITCHED, "the switch", 30)


def wanting_an_address(one: Tenant) -> None:
    one.following()
    one.chose(choices.ADD_ENDPOINTS, endpoints.ADD)


WITH_PUBLIC = replace(BY_DTS, public_address=True, durations=FAST)
STEPS = [
    pytest.param(CLOSE, switched, close.COMPLETE.apply, id="complete"),
    pytest.param(CLOSE, Tenant.following, fill.undo, id="cancel"),
    pytest.param(MOVE, switched, tasks.FORWARD.apply, id="tasks"),
    pytest.param(ADDRESS, wanting_an_address, endpoints.apply, id="endpoints"),
]


@pytest.mark.parametrize(("action", "before", "apply"), STEPS)
def test_a_write_whose_answer_was_lost_is_looked_for_and_not_sent_again(
    tenant: Rent, action: str, before: Callable[[Tenant], None], apply: Callable[[Migration], None]
) -> None:
    one = tenant(WITH_PUBLIC)
    before(one)
    one.goes_wrong(Trouble.LOSE, action, times=None)
    apply(one.m)
    assert one.called(action) == 1
    assert sum("It is not sent again" in note for note in one.notes()) == 1


@pytest.mark.parametrize(("action", "before", "apply"), STEPS[:-1])
def test_a_write_that_never_arrived_is_told_in_time_and_sent_again_on_the_operators_word_only(
    tenant: Rent, action: str, before: Callable[[Tenant], None], apply: Callable[[Migration], None]
) -> None:
    one = tenant(WITH_PUBLIC)
    before(one)
    usually(one, 0.2)
    one.goes_wrong(Trouble.DROP, action)
    with pytest.raises((CloudFailed, StepFailed)) as failed:
        apply(one.m)
    assert "try again" in str(failed.value)
    assert outcomes(one, action) == ["dropped"]
    # What an operator decides then is sent.
    apply(one.m)
    assert outcomes(one, action) == ["dropped", ""]


def test_a_precheck_is_run_again_once_though_nobody_answers(tenant: Rent) -> None:
    one = tenant(replace(BY_DTS, durations=FAST))
    one.m.source.change("CREATE TRIGGER shop.t BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = 'x'")
    with contextlib.ExitStack() as ending:
        ending.callback(one.m.source.change, "DROP TRIGGER IF EXISTS shop.t")
        one.ordered()
        with pytest.raises(StepFailed) as why:
            fill.apply(one.m)
        one.m.source.change("DROP TRIGGER shop.t")
        one.goes_wrong(Trouble.LOSE, "polardb:ContinueDBClusterMigration", times=None)
        one.decided("retry", Choice.CONFIRM, str(why.value))
        fill.apply(one.m)
    assert one.called("polardb:ContinueDBClusterMigration") == 1
    assert [record.body["step"] for record in one.records(Kind.STATEMENT)] == ["fill"]
