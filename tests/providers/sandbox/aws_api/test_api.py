"""The API itself: signatures, faults, and answers that are of the SDK's own model."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Mapping
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, Shape, StructureShape

from providers.aws import bluegreen, instances, parameters, snapshots
from providers.aws.actions import ACTIONS
from providers.aws.client import Client
from providers.aws.errors import CredentialsRefused, NoAnswer, PermissionMissing, Throttled, Unanswered
from providers.aws.records import Shape as Wanted
from providers.sandbox.api.faults import Fault, Kind
from providers.sandbox.aws_api import operations, protocol, shapes
from providers.sandbox.aws_api.access import Access
from providers.sandbox.aws_api.faults import expired, forbidden, throttled, unavailable
from providers.sandbox.aws_api.scenario import Scenario
from tests.providers.aws.samples import operation
from tests.providers.sandbox.aws_api.conftest import Rented, Simulate
from tests.support.offered import leaves


@pytest.fixture
def one(simulate: Simulate) -> Rented:
    return simulate("mariadb-10.11")


def test_exactly_the_calls_of_the_client_are_answered() -> None:
    assert {("rds", name) for name in operations.RDS} | {("cloudwatch", name) for name in operations.CLOUDWATCH} == set(
        ACTIONS
    )


def strangers(shape: Shape | None, value: Any, where: str = "") -> list[str]:
    """Places of an answer that the SDK's model has not: its serializer would leave them out without a word."""
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        unknown = [f"{where}.{name}" for name in value if name not in shape.members]
        known = [
            strangers(member, value[name], f"{where}.{name}") for name, member in shape.members.items() if name in value
        ]
        return unknown + [one for found in known for one in found]
    if isinstance(shape, ListShape):
        return [one for item in value for one in strangers(shape.member, item, where)]
    return []


def test_every_answer_is_of_the_model_and_lacks_nothing_that_is_read(one: Rented) -> None:
    client = one.client
    client.send(parameters.create("m1-own", "mariadb10.11", "its own"))
    client.send(snapshots.create("m1-snap", one.id))
    one.wait_snapshot("m1-snap")
    one.wait(one.id)
    blue = instances.instance(client, one.id)
    assert blue.arn
    made = client.send(bluegreen.create("shop", blue.arn, Wanted(), None))
    assert made.deployment_id
    one.wait_deployment(made.deployment_id, bluegreen.AVAILABLE)
    given = {"DBParameterGroupName": "m1-own", "Engine": "mariadb", "Filters": []}
    for name, act in operations.RDS.items():
        if name.startswith("Describe"):
            body = act(one.simulator.cloud, given)
            assert strangers(operation("rds", name).output_shape, body) == []
            assert body[next(iter(body))] or name == "DescribePendingMaintenanceActions"
    lacking = {where for where, value in leaves(instances.instance(client, one.id)) if value is None}
    assert lacking == {"iops", "source_id"}
    (deployment,) = bluegreen.deployments(client)
    assert {where for where, value in leaves(deployment) if value is None} == {"details"}
    (snapshot,) = snapshots.snapshots(client, one.id)
    assert None not in {value for _, value in leaves(snapshot)}
    assert None not in {value for _, value in leaves(parameters.groups(client))}
    assert shapes.moment(0).year == 1970


@pytest.mark.parametrize("what", ["id", "secret", "region"])
def test_who_is_not_the_account_is_refused(what: str, one: Rented) -> None:
    access = one.simulator.access
    good = {"id": access.key.id, "secret": access.key.secret.reveal(), "region": access.region}
    bad = good | {what: {"id": "AKIAOTHEROTHEROTHER1", "secret": "wrong", "region": "us-east-1"}[what]}
    rds = boto3.client(
        "rds",
        endpoint_url=access.url,
        region_name=bad["region"],
        aws_access_key_id=bad["id"],
        aws_secret_access_key=bad["secret"],
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )
    with pytest.raises(ClientError) as caught:
        rds.describe_db_instances()
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert one.simulator.calls == ()


def test_faults_of_calls(one: Rented) -> None:
    control, client = one.simulator.access.control, one.client
    reading, writing = "rds:DescribeDBInstances", "rds:RebootDBInstance"
    control.add(throttled(reading, 2))
    assert instances.instance(client, one.id)
    control.add(throttled(writing, None))
    with pytest.raises(Throttled):
        client.send(instances.reboot(one.id))
    control.clear()
    control.add(unavailable(reading, None))
    with pytest.raises(NoAnswer):
        instances.instance(client, one.id)
    control.clear()
    control.add(expired())
    with pytest.raises(CredentialsRefused):
        instances.instance(client, one.id)
    control.clear()
    control.add(forbidden(writing))
    with pytest.raises(PermissionMissing, match="rds:RebootDBInstance"):
        client.send(instances.reboot(one.id))
    control.clear()
    for kind in (Kind.DROP, Kind.PAGE):
        control.add(Fault(kind, writing, status=502))
        with pytest.raises(Unanswered):
            client.send(instances.reboot(one.id))
    assert instances.instance(client, one.id).status == "available"
    assert [call.outcome for call in control.calls() if call.action == writing] == [
        *(["Throttling"] * 3),
        "AccessDenied",
        "dropped",
        "502",
    ]


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "moto.core.parse", None)
    with pytest.raises(protocol.MotoMissing, match=r"mysql-cutover\[rehearse-aws\]"):
        protocol.require()


def test_what_a_client_needs_survives_as_json(one: Rented) -> None:
    access = one.simulator.access
    assert Access.from_json(json.loads(json.dumps(access.as_json()))) == access
    scenario = Scenario(backup_days=3)
    assert Scenario.from_json(json.loads(json.dumps(scenario.as_json()))) == scenario
    assert access.key.secret.reveal() not in repr(access)
    assert dataclasses.is_dataclass(access)


def test_a_call_that_is_not_simulated_is_refused(one: Rented) -> None:
    client: Client = one.client
    rds = client._session().client("rds")
    with pytest.raises(ClientError) as caught:
        rds.describe_db_clusters()
    assert caught.value.response["Error"]["Code"] == "InvalidAction"
