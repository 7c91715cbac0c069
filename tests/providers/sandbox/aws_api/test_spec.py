"""The simulated RDS as part of a sandbox: its description, and what it makes of the sandbox's servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from providers.aws import instances
from providers.aws.records import Shape
from providers.sandbox import cloud as clouds
from providers.sandbox import engines
from providers.sandbox.aws_api.scenario import Scenario
from providers.sandbox.aws_api.spec import USUAL, AwsCloud
from providers.sandbox.launcher import SandboxServer
from tests.providers.sandbox.aws_api.conftest import FAST, Simulate, until


def test_the_description_survives_its_journey_to_the_supervisor() -> None:
    spec = AwsCloud(Scenario(instance_id="other", durations=FAST))
    assert clouds.from_json(clouds.as_json(spec)) == spec


def test_a_replica_has_its_sources_version() -> None:
    AwsCloud().check(engines.find("mysql-5.7"), engines.find("mysql-5.7"))
    with pytest.raises(ValueError, match="same engine"):
        AwsCloud().check(engines.find("mysql-5.7"), engines.find("mysql-9.7"))
    assert USUAL.parameter_group


def test_the_first_instance_is_made_of_the_spare_which_outlives_the_simulation(
    simulate: Simulate, tmp_path: Path
) -> None:
    spare = SandboxServer(engines.find("mysql-5.7"), tmp_path / "target", name="target")
    spare.reserve()
    try:
        one = simulate("mysql-5.7", spares=(spare,))
        one.client.send(instances.create_replica("m1-r1", one.id, Shape()))
        one.wait("m1-r1")
        assert spare.running
        assert one.simulator.cloud.servers.server(one.simulator.cloud.instance("m1-r1").key) is spare
        port = spare.port
        one.client.send(instances.create_replica("m1-r2", one.id, Shape()))
        one.wait("m1-r2")
        one.client.send(instances.delete("m1-r1", None))
        one.wait_gone("m1-r1")
        until(lambda: not spare.running, "the end of the deleted instance's server")
        # Its owner still knows where it was.
        assert spare.port == port
        assert one.simulator.answered == len(one.simulator.calls)
    finally:
        spare.destroy()
