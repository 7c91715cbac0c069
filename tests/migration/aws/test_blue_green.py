"""A Blue/Green deployment over real servers: made or picked up, switched over, taken back, and followed back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import pytest

from migration.aws import group, retention
from migration.aws.account import own_group
from migration.aws.blue_green import blue_and_green, choices, create, follow, release, state, switchover, way_back
from migration.aws.blue_green.account import Deployed, open_account
from migration.aws.state import require_replica, source
from migration.aws.switch import OPEN, setting
from migration.check import Finding, Pair, Verdict
from migration.checks.run import run_check
from migration.cutover import native
from migration.cutover.attempt import Aborted, Switchover, plan_switch
from migration.fences.choose import write_switch
from migration.journal import Kind
from migration.model import Direction, Positioning, ServerSpec
from migration.runbook import Action, CameAbout, CloudSilent, Migration, StepFailed
from providers.aws import bluegreen, instances, watching
from providers.aws.records import Shape
from providers.mysql import replication
from providers.mysql.errors import StatementFailed
from providers.mysql.server import Server
from providers.sandbox.aws_api.faults import dropped_answer, forbidden, unavailable
from providers.sandbox.aws_api.scenario import Scenario
from tests.migration.aws.conftest import FAST, Rent, Tenant
from tests.support.waiting import until

WAYS = [
    pytest.param("mysql-9.7", Positioning.GTID, id="mysql-9.7-gtid"),
    pytest.param("mysql-5.7", Positioning.FILE, id="mysql-5.7-file"),
    pytest.param("mariadb-10.11", Positioning.FILE, id="mariadb-10.11-file", marks=pytest.mark.long),
]
CHECKS = {one.id: one for one in blue_and_green.every()}
MAKING = (retention.ON_SOURCE, group.Own(), create.ORDER, create.READY, retention.ON_TARGET)
SWITCH = "rds:SwitchoverBlueGreenDeployment"


class Deploying:
    """A tenant whose account is that of a Blue/Green deployment, opened anew whenever a server is placed."""

    def __init__(self, one: Tenant, ending: ExitStack) -> None:
        self.one = one
        self._ending = ending
        self.m = replace(one.m, cloud=self._opened(one.m))

    def _opened(self, m: Migration) -> Deployed:
        account = open_account(m.story().spec or m.spec, m.secrets)
        self._ending.callback(account.close)
        return account

    @property
    def account(self) -> Deployed:
        assert isinstance(self.m.cloud, Deployed)
        return self.m.cloud

    def carry(self, how: Action) -> None:
        """Carry a step out as the runner does: look, act, look again; what was placed is connected to."""
        assert how.statements(self.m)
        if how.probe(self.m).outcome == "not_done":
            how.apply(self.m)
        self.connect()
        seen = how.probe(self.m)
        assert seen.outcome == "done", seen

    def connect(self) -> None:
        """As the runner when it finds that servers were placed."""
        spec = self.m.story().spec
        assert spec is not None
        if spec == self.m.spec:
            return
        source, target = self._server(spec.source), self._server(spec.target)
        self.m = replace(self.m, spec=spec, cloud=self._opened(self.m), source=source, other=target)

    def _server(self, spec: ServerSpec) -> Server:
        server = Server(spec.endpoint(self.m.secrets.source))
        self._ending.callback(server.close)
        return server

    def attempt(self) -> Switchover:
        return plan_switch(self.m, len(self.m.story().attempts) + 1, Direction.CUTOVER, "test")

    def find(self, check: str) -> Finding:
        """Run a check as the runner does."""
        m = self.m
        return run_check(Pair(m.source, m.other, m.spec, m.secrets, m.positioning, cloud=m.cloud), CHECKS[check])

    def red(self) -> list[str]:
        """What keeps from switching over, but for the lag, which nobody measures here."""
        asked = switchover.ready(self.m, Direction.CUTOVER)
        return [one.text for one in asked if not one.ok and "the lag of" not in one.text]

    def result(self) -> str:
        return self.m.story().attempts[-1].result

    def calls(self, action: str) -> int:
        return [call.action for call in self.one.simulator.calls].count(action)


@pytest.fixture
def ending() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def deploying(rent: Rent, ending: ExitStack) -> Deploying:
    """A deployment that is ready."""
    return deployed(rent, ending)


def deployed(
    rent: Rent, ending: ExitStack, engine: str = "mysql-5.7", positioning: Positioning = Positioning.FILE
) -> Deploying:
    made = Deploying(rent(engine, None, positioning, "rds_blue_green"), ending)
    for how in MAKING:
        made.carry(how)
    return made


def opened(server: Server) -> bool:
    return not server.read_only().clients


@pytest.mark.parametrize(("engine", "positioning"), WAYS)
def test_old_blue_follows_green_from_the_switch_on_and_green_old_blue(
    engine: str, positioning: Positioning, rent: Rent, ending: ExitStack
) -> None:
    one = deployed(rent, ending, engine, positioning)
    green = one.m.spec.target.name
    assert green.startswith("m1-green-")
    assert one.red() == []
    one.m.source.change("INSERT INTO shop.notes VALUES (2, 'before')")

    s = one.attempt()
    switchover.switch(one.m, s)
    assert one.result() == "switched"
    one.connect()
    # What each is called was exchanged; who is who in the journal was not.
    assert (one.account.instance_id, one.account.replica_id) == ("m1-old1", "m1")
    assert (one.m.source.name, one.m.target.name) == ("m1", green)
    assert opened(one.m.target)
    assert not opened(one.m.source)
    one.m.target.change("INSERT INTO shop.notes VALUES (3, 'after the switch')")

    for how in (way_back.CLOSED, way_back.WAY_BACK, way_back.WAY_FORTH):
        one.carry(how)
    until(lambda: one.m.source.rows("SELECT 1 FROM shop.notes WHERE id = 3"), "what was written since")
    assert one.m.source.rows("SELECT id FROM shop.notes ORDER BY id") == ((1,), (2,), (3,))
    assert replication.follows(one.m.target, one.m.source) is not None
    shown = one.m.ran(one.m.source, way_back.BACK)[0]
    told = [place for event in state.events(one.m, watching.INSTANCE) if (place := bluegreen.coordinates(event))]
    assert (str(told[0].offset) in shown and told[0].file in shown) is (positioning is Positioning.FILE)
    # From here on the servers move the writes, both ways.
    assert switchover.parts(one.m) == native.parts(one.m)
    assert all(one.ok for one in switchover.ready(one.m, Direction.ROLLBACK) if "the lag of" not in one.text)
    switch = write_switch(one.m, one.m.source)
    assert switch is not None
    assert switch.closed()


def test_without_the_event_old_blue_begins_where_greens_log_was_before_the_switch(
    rent: Rent, ending: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(way_back, "_EVENT_S", 0.5)
    one = deployed(rent, ending)
    switchover.switch(one.m, one.attempt())
    one.connect()
    one.one.simulator.cloud.events.clear()
    one.m.target.change("INSERT INTO shop.notes VALUES (3, 'after the switch')")
    one.carry(way_back.WAY_BACK)
    until(lambda: one.m.source.rows("SELECT 1 FROM shop.notes WHERE id = 3"), "what was written since")
    assert "no event" in "".join(str(record.body) for record in one.m.scribe.journal.records())


def test_calls_whose_answers_are_lost_are_found_to_have_been_made_and_not_made_again(
    rent: Rent, ending: ExitStack
) -> None:
    one = Deploying(rent("mysql-5.7", None, Positioning.FILE, "rds_blue_green"), ending)
    one.carry(group.Own())
    for action in ("rds:CreateBlueGreenDeployment", SWITCH):
        one.one.simulator.access.control.add(dropped_answer(action))
    with pytest.raises(CloudSilent):
        create.ORDER.apply(one.m)
    assert create.ORDER.probe(one.m).outcome == "done"
    one.carry(create.READY)
    switchover.switch(one.m, one.attempt())
    assert one.result() == "switched"
    assert one.calls("rds:CreateBlueGreenDeployment") == one.calls(SWITCH) == 1


def test_a_switchover_that_times_out_leaves_blue_with_the_writes_and_can_be_asked_for_again(
    deploying: Deploying,
) -> None:
    one = deploying
    one.one.simulator.access.control.delay_switches()
    moving = threading.Timer(1.0, lambda: one.one.simulator.clock.advance(300))
    moving.start()
    with pytest.raises(Aborted, match="timed out"):
        switchover.switch(one.m, one.attempt())
    moving.join()
    assert one.result() == "aborted"
    assert one.m.spec == one.m.story().spec
    # Every session was ended; a read opens it again.
    assert opened(one.m.source)
    one.m.source.change("INSERT INTO shop.notes VALUES (2, 'blue has the writes')")
    until(lambda: one.m.target.rows("SELECT 1 FROM shop.notes WHERE id = 2"), "green, following as before")
    assert one.red() == []
    switchover.switch(one.m, one.attempt())
    assert one.result() == "switched"


def test_a_green_that_stopped_is_not_switched_to(deploying: Deploying) -> None:
    one = deploying
    one.one.simulator.break_replication(one.account.replica_id)
    with pytest.raises(Aborted, match="keeps the writes"):
        switchover.switch(one.m, one.attempt())
    assert one.calls(SWITCH) == 0
    assert any("follows m1" in words for words in one.red())
    # Where RDS is asked all the same, its own guardrail says so.
    found = state.require(one.m)
    s = one.attempt()
    one.m.scribe.attempt(
        s.number, s.direction, old=s.old.name, new=s.new.name, actor="test", budget_s=1.0, parts=switchover.parts(one.m)
    )
    one.m.scribe.no_return(s.number, "the call")
    with pytest.raises(follow.NotMoved, match="guardrail"):
        follow.order(one.m, s, found)
    assert opened(one.m.source)


def test_a_call_that_is_not_seen_is_given_up_and_taken_up_where_it_came_about_late(
    deploying: Deploying, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "_UNSEEN_S", 1.0)
    one = deploying
    one.one.simulator.access.control.add(unavailable(SWITCH))
    with pytest.raises(Aborted, match="has not begun"):
        switchover.switch(one.m, one.attempt())
    assert opened(one.m.source)
    # The call that was lost takes effect after all.
    one.account.send(bluegreen.switch_over(state.id_of(state.require(one.m)), 60))
    until(lambda: state.require(one.m).status == bluegreen.SWITCHED, "the late switch", 60)
    with pytest.raises(CameAbout, match="was given up") as late:
        until(lambda: switchover.ready(one.m, Direction.CUTOVER) and None, "the gate that sees it", every=0.1)
    s = one.attempt()
    given_up = late.value.given_up
    one.m.scribe.attempt(
        s.number, given_up.direction,
        old=given_up.old, new=given_up.new, actor=given_up.actor, budget_s=1.0, parts=late.value.parts,
    )  # fmt: skip
    one.m.scribe.no_return(s.number, "the provider's state")
    assert switchover.settle(one.m, s)
    assert one.result() == "switched"
    assert one.calls(SWITCH) == 2


def test_a_dead_runners_attempt_ends_as_rds_says(deploying: Deploying, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "_UNSEEN_S", 1.0)
    one = deploying

    def left_open() -> Switchover:
        s = one.attempt()
        one.m.scribe.attempt(
            s.number, s.direction,
            old=s.old.name, new=s.new.name, actor="test", budget_s=1.0, parts=switchover.parts(one.m),
        )  # fmt: skip
        return s

    assert not switchover.settle(one.m, left_open())
    assert "before the point of no return" in one.m.story().attempts[-1].reason
    s = left_open()
    one.m.scribe.no_return(s.number, "the call")
    assert not switchover.settle(one.m, s)
    assert "before RDS was asked" in one.m.story().attempts[-1].reason
    assert one.calls(SWITCH) == 0
    s = left_open()
    one.m.scribe.no_return(s.number, "the call")
    call = follow.write(one.m, state.require(one.m))
    one.m.scribe.statement("Amazon RDS", "switchover", call.shown(), 0)
    one.account.send(call)
    assert switchover.settle(one.m, s)
    assert one.calls(SWITCH) == 1
    one.connect()
    assert opened(one.m.target)


def test_before_the_switch_blue_is_opened_by_leaving_read_only_to_rds(deploying: Deploying) -> None:
    one = deploying
    switch = write_switch(one.m, one.m.source)
    assert switch is not None
    switch.close()
    until(lambda: not opened(one.m.source), "blue, closed")
    assert switch.closed()
    switch.open()
    until(lambda: opened(one.m.source), "blue, open")
    assert not switch.closed()
    assert "read_only" not in group.changed(one.m, "m1-own")
    # What would let old blue, or keep green from, taking writes after the switch is seen.
    one.account.send(setting("m1-own", OPEN))
    until(lambda: any("m1-own is 0" in words for words in one.red()), "the gate that sees it", every=0.1)


def test_addresses_are_found_by_who_answers_also_where_there_are_older_ones(deploying: Deploying) -> None:
    one = deploying
    before = {place for place in one.account.places(one.m.spec)}
    assert before == {
        (one.m.spec.source.host, one.m.spec.source.port),
        (one.m.spec.target.host, one.m.spec.target.port),
    }
    switchover.switch(one.m, one.attempt())
    # A runner that died before it could put down where each is now knows by the highest number.
    again = open_account(one.m.spec, one.m.secrets)
    with closing(again):
        assert (again.instance_id, again.replica_id) == ("m1-old1", "m1")
        assert len(again.places(one.m.spec)) == 2


def test_a_deployment_that_is_there_is_picked_up_with_its_own_group(rent: Rent, ending: ExitStack) -> None:
    there = Scenario(parameter_group="m1-own", green_group="m1-theirs", durations=FAST)
    one = Deploying(rent("mysql-5.7", there, Positioning.FILE, "rds_blue_green"), ending)
    assert choices.DEPLOYMENT.options is not None
    (option,) = choices.DEPLOYMENT.options(one.m)
    until(lambda: one.find("rds-deployment").result.verdict is Verdict.PASSED, "the deployment, seen", 60, 0.2)
    assert option.value in one.find("rds-deployment").result.found
    one.m.scribe.gate_passed(state.GATE, 0, "confirm", option.value)
    assert not choices.NODE_CLASS.when(one.m)
    for how in (state.UnlessPicked(group.Own()), create.ORDER, create.READY):
        one.carry(how)
    assert one.calls("rds:CreateBlueGreenDeployment") == one.calls("rds:CreateDBParameterGroup") == 0
    assert state.green_group(one.m) == "m1-theirs"
    assert one.red() == []
    create.ORDER.undo(one.m)
    assert state.require(one.m).status == bluegreen.AVAILABLE


def test_a_deployment_whose_green_shares_blues_group_is_refused(rent: Rent, ending: ExitStack) -> None:
    one = Deploying(rent("mysql-5.7", None, Positioning.FILE, "rds_blue_green"), ending)
    assert one.find("rds-deployment").result.found == "none"
    blue = one.account.read(lambda client: instances.instance(client, "m1"))
    assert blue.arn
    made = one.account.send(bluegreen.create("by-hand", blue.arn, Shape(), None))
    assert made.deployment_id
    found = until(lambda: _finding(one, Verdict.FAILED), "green, seen", 60, 0.2)
    assert "the group of blue" in found.result.found
    deployment = made.deployment_id
    until(lambda: _is(one, deployment, bluegreen.AVAILABLE), "the deployment, ready", 60, 0.2)
    one.account.send(bluegreen.delete_with_green(deployment))
    until(lambda: not one.find("rds-deployment").blocks, "no deployment", 60, 0.2)


def _is(one: Deploying, deployment: str, status: str) -> bool:
    found = one.account.read(lambda client: bluegreen.find(client, deployment))
    return found is not None and found.status == status


def _finding(one: Deploying, verdict: Verdict) -> Finding | None:
    found = one.find("rds-deployment")
    return found if found.result.verdict is verdict else None


def test_without_permission_every_check_of_the_deployment_is_unknown(rent: Rent, ending: ExitStack) -> None:
    one = Deploying(rent("mysql-5.7", None, Positioning.FILE, "rds_blue_green"), ending)
    assert not one.find("rds-blue-external").blocks
    assert one.find("rds-name-lifetime").word == "NOTE"
    one.one.simulator.faults.add(forbidden("*"))
    for name in ("rds-deployment", "rds-blue-alone", "rds-name-lifetime"):
        assert one.find(name).result.verdict is Verdict.UNKNOWN, name


def test_a_deployment_that_cannot_come_about_ends_the_wait(rent: Rent, ending: ExitStack) -> None:
    one = Deploying(rent("mysql-5.7", None, Positioning.FILE, "rds_blue_green"), ending)
    one.carry(group.Own())
    one.carry(create.ORDER)
    (found,) = one.one.simulator.cloud.deployments.values()
    found.status = bluegreen.INVALID
    with pytest.raises(StepFailed, match="INVALID_CONFIGURATION"):
        create.READY.apply(one.m)


def test_the_deployment_is_deleted_only_where_old_blue_is_to_go_and_no_instance_with_it(deploying: Deploying) -> None:
    one = deploying
    switchover.switch(one.m, one.attempt())
    one.connect()
    assert release.probe(one.m).outcome == "done"
    assert state.look(one.m) is not None
    one.m.scribe.gate_passed("release", 0, "confirm", "delete it after a last snapshot")
    one.carry(release)
    assert state.look(one.m) is None
    assert {found.instance_id for found in one.account.read(instances.instances)} == {"m1", "m1-old1"}
    assert one.m.scribe.journal.records()[0].kind is Kind.CREATED
    with pytest.raises(StatementFailed):
        one.m.source.change("INSERT INTO shop.notes VALUES (9, 'closed')")


def test_green_has_what_was_chosen_and_the_call_the_timeout(rent: Rent, ending: ExitStack) -> None:
    one = Deploying(rent("mysql-5.7", None, Positioning.FILE, "rds_blue_green"), ending)
    chosen = {
        state.GATE: state.NEW, "version": "5.7.45", "node_class": "db.r6g.large", "storage_type": "io1", "iops": "6000",
        follow.TIMEOUT: "60",
    }  # fmt: skip
    for gate, value in chosen.items():
        one.m.scribe.gate_passed(gate, 0, "confirm", value)
    assert choices.VERSION.when(one.m)
    one.carry(group.Own())
    assert "TargetEngineVersion=5.7.45" in create.ORDER.statements(one.m)[0]
    for how in (create.ORDER, create.READY):
        one.carry(how)
    found = state.require(one.m)
    assert state.tasks(found) == (3, 3, "all tasks done")
    green = require_replica(one.m)
    assert (green.version, green.node_class, green.storage_type, green.iops) == ("5.7.45", "db.r6g.large", "io1", 6000)
    assert own_group(green) == state.green_group(one.m) == group.name_of(one.m)
    assert "SwitchoverTimeout=60" in follow.write(one.m, found).shown()
    # Blue is as it was.
    assert source(one.m).node_class == "db.m5.large"
