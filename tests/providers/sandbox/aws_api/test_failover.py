"""A standby on a server of its own: it takes the endpoint, with everything that was acknowledged, and gives it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from providers.aws import instances, watching
from providers.aws.errors import Refused
from providers.aws.instances import When
from providers.aws.records import Shape
from providers.aws.watching import INSTANCE
from providers.sandbox import engines
from providers.sandbox.aws_api.faults import Trouble
from providers.sandbox.aws_api.scenario import Scenario
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning
from tests.providers.sandbox.aws_api.conftest import FAST, Rented, Simulate, until

ENGINE = "mysql-5.7"
THERE = Scenario(durations=FAST, multi_az=True, standby_apart=True)


def spare(place: Path) -> SandboxServer:
    made = SandboxServer(engines.find(ENGINE), place / "standby", name="standby", positioning=Positioning.GTID)
    made.reserve()
    return made


def told(one: Rented) -> list[str]:
    since = datetime.now(UTC) - timedelta(hours=1)
    return [event.message or "" for event in watching.events(one.client, INSTANCE, one.id, since)]


def port(one: Rented) -> object:
    """Of the server that answers at the endpoint."""
    return one.ask(one.id, "SELECT @@port")[0][0]


def test_the_endpoint_leads_to_the_standby_and_back_with_all_that_was_written(
    simulate: Simulate, tmp_path: Path
) -> None:
    standby = spare(tmp_path)
    try:
        one = simulate(ENGINE, THERE, spares=(standby,))
        uid = one.ask(one.id, "SELECT @@server_uuid, @@server_id")
        before = instances.instance(one.client, one.id)
        assert port(one) == one.source.port
        for number, at in ((2, standby), (3, one.source)):
            zone = instances.instance(one.client, one.id).zone
            one.ask(one.id, f"INSERT INTO shop.notes VALUES ({number}, 'acknowledged')")
            one.client.send(instances.fail_over(one.id))
            until(lambda zone=zone: instances.instance(one.client, one.id).zone != zone, "another zone")
            after = one.wait(one.id)
            assert (after.host, after.port) == (before.host, before.port)
            assert port(one) == at.port
            assert (number,) in one.ask(one.id, "SELECT id FROM shop.notes")
            assert one.ask(one.id, "SELECT @@server_uuid, @@server_id") == uid
        assert told(one).count("Multi-AZ instance failover completed") == 2
    finally:
        standby.destroy()


def test_a_class_is_pending_until_the_standby_has_taken_over(simulate: Simulate, tmp_path: Path) -> None:
    standby = spare(tmp_path)
    try:
        one = simulate(ENGINE, replace(THERE, durations=replace(FAST, modify=0.5)), spares=(standby,))
        one.client.send(instances.modify(one.id, Shape(node_class="db.m5.xlarge"), When.NOW))
        ordered = instances.instance(one.client, one.id)
        assert ordered.status == "modifying"
        assert (ordered.node_class, ordered.pending_value("DBInstanceClass")) == ("db.m5.large", "db.m5.xlarge")
        with pytest.raises(Refused):
            one.client.send(instances.fail_over(one.id))
        after = one.wait(one.id)
        assert (after.node_class, after.pending) == ("db.m5.xlarge", ())
        assert port(one) == standby.port
        said = told(one)
        order = [
            said.index(words)
            for words in (
                "Applying modification to database instance class",
                "Multi-AZ instance failover started",
                "Multi-AZ instance failover completed",
                "Finished applying modification to database instance class",
            )
        ]
        assert order == sorted(order)
    finally:
        standby.destroy()


def test_a_failover_can_be_abandoned(simulate: Simulate) -> None:
    one = simulate(ENGINE, replace(THERE, standby_apart=False, trouble=Trouble(failovers=1)))
    before = instances.instance(one.client, one.id)
    one.client.send(instances.fail_over(one.id))
    after = instances.instance(one.client, one.id)
    assert (after.status, after.zone) == ("available", before.zone)
    assert any(words.startswith("Abandoning user requested failover") for words in told(one))


def test_a_conversion_ends_no_session(simulate: Simulate) -> None:
    one = simulate(ENGINE, Scenario(durations=replace(FAST, frozen=0.2)))
    with_session = one.server(one.id)
    number = with_session.session.thread_id
    one.client.send(instances.modify(one.id, Shape(multi_az=True), When.NOW))
    until(lambda: instances.instance(one.client, one.id).multi_az, "a standby")
    one.wait(one.id)
    assert with_session.value("SELECT CONNECTION_ID()") == number
    with_session.close()
    assert "Finished applying modification to convert to a Multi-AZ DB instance" in told(one)
