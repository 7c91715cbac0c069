"""Changing an instance on its standby first, over a real server that fails and comes back with what it had."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from migration.aws import state
from migration.aws.multi_az import change, in_place, mover, standby
from migration.check import Finding, Pair
from migration.checks.run import run_check
from migration.cutover.attempt import Aborted, plan_switch
from migration.model import Direction
from migration.runbook import CameAbout, CloudFailed, Migration
from migration.view import StepState, SwitchStep
from providers.aws import instances
from providers.aws.instances import When
from providers.aws.records import Instance, Shape
from providers.mysql.errors import ServerError
from providers.sandbox.aws_api.faults import Trouble, dropped_answer, forbidden
from providers.sandbox.aws_api.scenario import Scenario
from tests.migration.aws.conftest import FAST, Rent, Tenant
from tests.support.waiting import until

CHECKS = {one.id: one for one in in_place.every()}
DURABLE = {"sync_binlog": "1", "innodb_flush_log_at_trx_commit": "1"}
# Long enough to be seen by whoever logs in ten times a second.
SEEN_S = 0.5
HAD = Scenario(parameter_group="m1-own", durations=replace(FAST, failover=SEEN_S), settings=DURABLE, multi_az=True)
OTHER = "db.m5.xlarge"


def account(rent: Rent, scenario: Scenario = HAD, node_class: str = OTHER, **more: str) -> Tenant:
    """An account in which everything was chosen, up to the gate before the failover."""
    one = rent("mysql-5.7", scenario, runbook="rds_multi_az")
    assert one.m.spec.cloud is not None
    options = {**one.m.spec.cloud.options, "unseen_s": "0.5"}
    one.account.spec = replace(one.m.spec.cloud, options=options)
    one.m = replace(one.m, in_place=True)
    for gate, chosen in {"node_class": node_class, **more}.items():
        one.m.scribe.gate_passed(gate, 0, "confirm", chosen)
    one.carry(change.AS_IT_WAS)
    return one


def looked_at(one: Tenant) -> Instance:
    return state.source(one.m)


def moved(m: Migration, direction: Direction = Direction.CUTOVER) -> None:
    mover.switch(m, plan_switch(m, len(m.story().attempts) + 1, direction, "tester"))


def red(m: Migration, direction: Direction = Direction.CUTOVER) -> list[str]:
    return [one.text for one in mover.ready(m, direction) if not one.ok]


def part(m: Migration, name: str) -> SwitchStep:
    """A part of the newest attempt."""
    return next(one for one in m.story().attempts[-1].steps if one.id == name)


def noted(m: Migration, name: str) -> str:
    """What the newest attempt says of one of its parts."""
    return part(m, name).note


def writes(one: Tenant, number: int) -> None:
    one.m.source.change(f"INSERT INTO shop.notes VALUES ({number}, 'written')")


def written(one: Tenant) -> set[int]:
    return {row[0] for row in one.m.source.rows("SELECT id FROM shop.notes")}


def find(one: Tenant, check: str) -> Finding:
    m = one.m
    return run_check(Pair(m.source, m.other, m.spec, m.secrets, m.positioning, cloud=m.cloud), CHECKS[check])


def test_the_change_comes_with_a_failover_that_is_measured_and_goes_back_with_another(rent: Rent) -> None:
    one = account(rent)
    m, before = one.m, looked_at(one)
    writes(one, 10)
    assert red(m) == []
    assert mover.estimate(m).seconds == 120

    moved(m)
    after = looked_at(one)
    assert (after.node_class, after.host, after.port) == (OTHER, before.host, before.port)
    assert after.zone != before.zone
    assert {1, 10} <= written(one)
    assert m.story().attempts[-1].result == "switched"
    assert "nobody could write for" in noted(m, "fence")
    seconds = float(noted(m, "fence").split("for ")[1].split(" s")[0])
    assert SEEN_S <= seconds < 60
    assert "has everything up to" in noted(m, "promote")

    writes(one, 11)
    assert red(m, Direction.ROLLBACK) == []
    moved(m, Direction.ROLLBACK)
    assert looked_at(one).node_class == before.node_class
    assert {1, 10, 11} <= written(one)
    sent = [call.action for call in one.simulator.calls if call.action == "rds:ModifyDBInstance"]
    assert len(sent) == 2


def test_with_the_class_that_it_has_it_only_fails_over(rent: Rent) -> None:
    one = account(rent, node_class="db.m5.large")
    before = looked_at(one)
    assert "RebootDBInstance" in mover.statements(one.m)[2]
    moved(one.m)
    assert looked_at(one).zone != before.zone
    moved(one.m, Direction.ROLLBACK)
    assert looked_at(one).zone == before.zone
    assert [call.action for call in one.simulator.calls].count("rds:RebootDBInstance") == 2


def test_storage_is_changed_while_clients_work_and_there_is_no_way_back(rent: Rent) -> None:
    one = account(rent, node_class="db.m5.large", storage_type="io1", iops="3000")
    pid, before = one.source.pid, looked_at(one)
    assert mover.estimate(one.m).seconds == 0
    moved(one.m)
    after = looked_at(one)
    assert (after.storage_type, after.iops, after.zone) == ("io1", 3000, before.zone)
    assert one.source.pid == pid
    assert any("six hours" in text for text in red(one.m, Direction.ROLLBACK))


def test_a_standby_is_made_and_taken_away_again_without_an_outage(rent: Rent) -> None:
    one = account(rent, replace(HAD, multi_az=False))
    pid = one.source.pid
    assert any("NO standby" in text for text in red(one.m))
    assert standby.lacking(one.m)
    one.carry(standby.MADE)
    assert looked_at(one).multi_az
    assert red(one.m) == []
    standby.MADE.undo(one.m)
    until(lambda: looked_at(one).multi_az is False, "no standby any more")
    assert one.source.pid == pid
    assert standby.TAKEN_AWAY.probe(one.m).outcome == "done"


def test_a_standby_that_was_there_is_never_taken_away(rent: Rent) -> None:
    one = account(rent)
    assert not standby.lacking(one.m)
    standby.MADE.undo(one.m)
    assert standby.TAKEN_AWAY.probe(one.m).outcome == "done"
    assert looked_at(one).multi_az


def test_what_is_pending_would_come_along_and_keeps_it(rent: Rent) -> None:
    one = account(rent)
    one.account.send(instances.modify("m1", Shape(allocated_gb=200), When.IN_WINDOW))
    assert any("AllocatedStorage" in text for text in red(one.m))
    assert find(one, "rds-storage-busy").blocks
    with pytest.raises(Aborted, match="AllocatedStorage"):
        moved(one.m)
    assert one.m.story().attempts[-1].result == "aborted"
    assert looked_at(one).allocated_gb == 100


def test_a_refused_order_leaves_everything_as_it_was(rent: Rent) -> None:
    one = account(rent)
    one.simulator.faults.add(forbidden("rds:ModifyDBInstance"))
    with pytest.raises(Aborted, match="AccessDenied"):
        moved(one.m)
    attempt = one.m.story().attempts[-1]
    assert (attempt.result, attempt.past_no_return) == ("aborted", False)
    assert looked_at(one).node_class == "db.m5.large"
    one.simulator.faults.clear()
    assert red(one.m) == []


def test_an_order_whose_answer_was_lost_is_not_sent_again(rent: Rent) -> None:
    one = account(rent)
    one.simulator.faults.add(dropped_answer("rds:ModifyDBInstance"))
    moved(one.m)
    assert looked_at(one).node_class == OTHER
    assert [call.action for call in one.simulator.calls].count("rds:ModifyDBInstance") == 1


def test_a_failover_that_rds_abandons_is_given_up_with_its_words(rent: Rent) -> None:
    one = account(rent, replace(HAD, trouble=Trouble(failovers=1)), "db.m5.large")
    before = looked_at(one)
    with pytest.raises(Aborted, match="Abandoning user requested failover"):
        moved(one.m)
    assert one.m.story().attempts[-1].result == "aborted"
    assert looked_at(one).zone == before.zone
    # The next one is not.
    moved(one.m)
    assert looked_at(one).zone != before.zone


def test_what_comes_about_after_it_was_given_up_is_taken_up(rent: Rent) -> None:
    one = account(rent)
    one.simulator.faults.add(forbidden("rds:ModifyDBInstance"))
    with pytest.raises(Aborted):
        moved(one.m)
    one.simulator.faults.clear()
    # As a call that was refused on its way back, or another operator's.
    one.account.send(change.order(one.m, Direction.CUTOVER))
    until(lambda: not looked_at(one).pending, "the change")
    until(lambda: state.works(looked_at(one)), "an available instance")
    with pytest.raises(CameAbout, match="which was given up"):
        mover.ready(one.m, Direction.CUTOVER)


def test_who_comes_after_a_dead_runner_sees_it_through(rent: Rent) -> None:
    one = account(rent)
    m = one.m
    s = plan_switch(m, 1, Direction.CUTOVER, "tester")
    m.scribe.attempt(1, s.direction, old="m1", new="m1", actor="tester", budget_s=120, parts=mover.parts(m))
    assert mover.settle(m, s) is False
    assert m.story().attempts[-1].result == "aborted"

    s = plan_switch(m, 2, Direction.CUTOVER, "tester")
    m.scribe.attempt(2, s.direction, old="m1", new="m1", actor="tester", budget_s=120, parts=mover.parts(m))
    m.scribe.statement("RDS", "zone", looked_at(one).zone or "", 0)
    assert m.scribe.no_return(2, "the order to RDS")
    # It died before the call went out: nothing comes of it, and that is found out.
    assert mover.settle(m, s) is False
    assert m.story().attempts[-1].result == "aborted"

    s = plan_switch(m, 3, Direction.CUTOVER, "tester")
    m.scribe.attempt(3, s.direction, old="m1", new="m1", actor="tester", budget_s=120, parts=mover.parts(m))
    m.scribe.statement("RDS", "zone", looked_at(one).zone or "", 0)
    assert m.scribe.no_return(3, "the order to RDS")
    one.account.send(change.order(m, s.direction))
    assert mover.settle(m, s) is True
    assert looked_at(one).node_class == OTHER
    assert [call.action for call in one.simulator.calls].count("rds:ModifyDBInstance") == 1


def test_that_clients_can_write_is_not_said_before_it_was_seen(rent: Rent) -> None:
    one = account(rent)
    m, servers, key = one.m, one.simulator.cloud.servers, one.simulator.cloud.instance("m1").key
    s = plan_switch(m, 1, Direction.CUTOVER, "tester")
    m.scribe.attempt(1, s.direction, old="m1", new="m1", actor="tester", budget_s=120, parts=mover.parts(m))
    m.scribe.statement("RDS", "zone", looked_at(one).zone or "", 0)
    assert m.scribe.no_return(1, "the order to RDS")
    one.account.send(change.order(m, s.direction))
    until(lambda: looked_at(one).node_class == OTHER and state.works(looked_at(one)), "RDS to have done it")

    # RDS says that all is done to whoever comes after a dead runner, and the server does not answer.
    servers.freeze(key)
    with ThreadPoolExecutor(1) as pool:
        settled = pool.submit(mover.settle, m, s)
        try:
            until(lambda: part(m, "fence").state is StepState.RUNNING, "the first look")
            assert part(m, "promote").state is StepState.TODO
        finally:
            servers.thaw(key)
        assert settled.result(30.0) is True
    assert "away already when this program looked for the first time" in noted(m, "fence")
    assert "takes writes" in noted(m, "promote")


def test_an_account_that_is_as_it_should_be_has_nothing_that_blocks(rent: Rent) -> None:
    one = account(rent)
    found = {name: find(one, name) for name in CHECKS}
    assert {name: finding.result for name, finding in found.items() if finding.blocks} == {}
    assert found["rds-convert-in-place"].word == "OK"
    assert found["rds-endpoint-kept"].word == "NOTE"


def test_what_a_failover_would_lose_is_found(rent: Rent) -> None:
    one = account(rent, replace(HAD, multi_az=False, settings={}))
    one.m.source.change("CREATE TABLE shop.old (id INT PRIMARY KEY) ENGINE = MyISAM")
    assert find(one, "rds-durable").word == "FAIL"
    assert find(one, "engines").word == "FAIL"
    told = find(one, "rds-convert-in-place")
    assert told.word == "WARN"
    assert "rds_promote_first" in told.result.remedy
    one.simulator.faults.add(forbidden("rds:DescribeDBInstances"))
    assert find(one, "rds-convert-in-place").word == "UNKNOWN"


def test_mariadb_is_refused_since_another_machine_has_another_uid(rent: Rent) -> None:
    one = rent("mariadb-10.11", HAD, runbook="rds_multi_az")
    assert find(one, "rds-same-server").blocks


def test_an_api_that_does_not_answer_is_no_reason_to_go(rent: Rent) -> None:
    one = account(rent)
    one.simulator.faults.add(forbidden("rds:DescribeDBInstances"))
    assert any("AccessDenied" in text for text in red(one.m))
    with pytest.raises(CloudFailed):
        change.AS_IT_WAS.apply(one.m)


def test_while_the_standby_takes_over_nobody_gets_in(rent: Rent) -> None:
    one = account(rent, replace(HAD, durations=replace(HAD.durations, failover=3.0)), "db.m5.large")
    one.account.send(change.order(one.m, Direction.CUTOVER))
    refused = until(lambda: _refusal(one), "the outage")
    assert refused
    began = time.monotonic()
    until(lambda: not _refusal(one), "the end of it")
    assert time.monotonic() - began > 1


def _refusal(one: Tenant) -> str:
    try:
        one.m.source.connect().close()
    except ServerError as error:
        return str(error)
    return ""
