"""Blue/Green deployments over real servers: the switch, its guardrails, its timeout, and what is left."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from providers.aws import bluegreen, instances, parameters, watching
from providers.aws.errors import AlreadyExists, Refused, WrongState
from providers.aws.records import Shape
from providers.mysql.errors import ServerError, StatementFailed
from providers.mysql.position import FilePosition
from providers.sandbox import passwords
from providers.sandbox.aws_api.scenario import Scenario
from providers.sandbox.options import Positioning
from tests.providers.sandbox.aws_api.conftest import FAST, Rented, Simulate, until
from tests.support.sql import session
from tests.support.writing import Writer


def deployed(one: Rented) -> tuple[str, str]:
    """A deployment that is ready: its id, and green's name."""
    blue = instances.instance(one.client, one.id)
    assert blue.arn
    made = one.client.send(bluegreen.create("shop", blue.arn, Shape(node_class="db.m5.xlarge"), None))
    assert made.deployment_id
    assert made.status == bluegreen.PROVISIONING
    ready = one.wait_deployment(made.deployment_id, bluegreen.AVAILABLE)
    assert {task.status for task in ready.tasks} == {"COMPLETED"}
    assert ready.green_arn
    green = ready.green_arn.rpartition(":")[2]
    one.wait(green)
    return made.deployment_id, green


@pytest.mark.parametrize(
    ("engine", "positioning"),
    [("mysql-9.7", Positioning.GTID), pytest.param("mysql-5.7", Positioning.FILE, marks=pytest.mark.long)],
)
def test_a_switch_exchanges_names_and_ends_replication(
    engine: str, positioning: Positioning, simulate: Simulate
) -> None:
    one = simulate(engine, Scenario(parameter_group="m1-own", durations=FAST), positioning)
    deployment, green = deployed(one)
    before = one.endpoint(one.id)
    held = session(before)
    with Writer(one.endpoint(one.id, passwords.load().application)) as writer:
        until(lambda: len(writer.acknowledged) > 50, "writes")
        one.client.send(bluegreen.switch_over(deployment, 60))
        found = one.wait_deployment(deployment, bluegreen.SWITCHED, bluegreen.SWITCH_FAILED)
        count = len(writer.acknowledged)
        until(lambda: len(writer.acknowledged) > count + 50, "writes after the switch")
    rows = {row[0] for row in one.ask(one.id, "SELECT id FROM shop.notes")}
    assert set(writer.acknowledged) <= rows
    assert (found.status, found.details) == (bluegreen.SWITCHED, None)
    assert [member.status for member in found.members] == [bluegreen.SWITCHED]
    assert instances.find(one.client, green) is None
    new, old = instances.instance(one.client, one.id), instances.instance(one.client, "m1-old1")
    assert (new.node_class, new.source_id, new.host, new.port) == ("db.m5.xlarge", None, before.host, before.port)
    assert found.green_arn == new.arn
    assert found.blue_arn == old.arn
    # Whoever was connected to blue is not.
    with pytest.raises(ServerError):
        held.value("SELECT 1")
    held.close()
    with pytest.raises(StatementFailed, match="1290"):
        one.ask("m1-old1", "INSERT INTO shop.notes VALUES (900001, 'no')")
    with pytest.raises(Refused):
        one.client.send(bluegreen.delete_with_green(deployment))
    one.client.send(bluegreen.delete(deployment))
    assert new.created
    events = watching.events(one.client, watching.DEPLOYMENT, deployment, new.created)
    said = [event.message for event in events]
    assert f"Switchover from primary m1 to {green} completed. Renamed m1 to m1-old1 and {green} to m1." in said
    assert "Switchover completed on blue/green deployment." in said
    # From there on everything in green's log was written after the switch.
    place = coordinates(one, green)
    logged = one.ask("m1", f"SHOW BINLOG EVENTS IN '{place.file}' FROM {place.offset}")
    assert {row[3] for row in logged} == {one.ask("m1", "SELECT @@server_id")[0][0]}
    # A restart does not open the old one again, which is still closed by what its group says.
    one.client.send(instances.reboot("m1-old1"))
    one.wait("m1-old1")
    with pytest.raises(StatementFailed, match="1290"):
        one.ask("m1-old1", "INSERT INTO shop.notes VALUES (900001, 'no')")
    opened = [parameters.Setting("read_only", "0", parameters.Apply.NOW)]
    one.client.send(parameters.modify("m1-own", opened))
    until(lambda: one.ask("m1-old1", "SELECT @@GLOBAL.read_only") == ((0,),), "the old one open")


def coordinates(one: Rented, green: str) -> FilePosition:
    """Where green's log was at the switch, by the event that RDS has for it."""
    since = datetime.now(UTC) - timedelta(hours=1)
    told = watching.events(one.client, watching.INSTANCE, green, since)
    found = [place for event in told if (place := bluegreen.coordinates(event)) is not None]
    assert len(found) == 1
    return found[0]


def test_a_switch_that_takes_too_long_is_undone(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    deployment, green = deployed(one)
    one.simulator.access.control.delay_switches()
    one.client.send(bluegreen.switch_over(deployment, 30))
    with pytest.raises(WrongState):
        one.client.send(bluegreen.switch_over(deployment, 30))
    one.simulator.clock.advance(30)
    found = one.wait_deployment(deployment, bluegreen.SWITCH_FAILED)
    assert "timed out" in str(found.details)
    one.ask(one.id, "INSERT INTO shop.notes VALUES (2, 'still here')")
    one.wait_row(green, 2)
    one.client.send(bluegreen.switch_over(deployment, 60))
    one.wait_deployment(deployment, bluegreen.SWITCHED)
    assert one.ask(one.id, "SELECT id FROM shop.notes ORDER BY id") == ((1,), (2,))


def test_a_guardrail_keeps_from_switching_to_a_green_that_does_not_follow(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    deployment, green = deployed(one)
    one.simulator.break_replication(green)
    one.client.send(bluegreen.switch_over(deployment, 60))
    found = one.wait_deployment(deployment, bluegreen.SWITCH_FAILED)
    assert "guardrail" in str(found.details)
    one.ask(one.id, "INSERT INTO shop.notes VALUES (2, 'open all the time')")


def test_a_deployment_that_is_not_wanted_goes_with_its_green(simulate: Simulate) -> None:
    one = simulate("mariadb-10.11")
    deployment, green = deployed(one)
    assert [found.deployment_id for found in bluegreen.named(one.client, "shop")] == [deployment]
    assert bluegreen.named(one.client, "other") == ()
    blue = instances.instance(one.client, one.id)
    assert blue.arn
    with pytest.raises(AlreadyExists):
        one.client.send(bluegreen.create("shop", blue.arn, Shape(), None))
    with pytest.raises(WrongState):
        one.client.send(instances.delete(green, None))
    one.client.send(bluegreen.delete_with_green(deployment))
    one.wait_gone(green)
    assert instances.instance(one.client, one.id).status == "available"
    with pytest.raises(Refused):
        one.client.send(bluegreen.switch_over(deployment, 60))
