"""One use of every function that makes calls, and answers made of the SDK's own model of the API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from typing import Any

import botocore.session
from botocore.model import ListShape, OperationModel, Shape, StructureShape

from providers.aws import bluegreen, instances, offers, parameters, snapshots, watching
from providers.aws.calls import Write
from providers.aws.client import Client
from providers.aws.instances import When
from providers.aws.parameters import Apply, Setting
from providers.aws.records import Shape as Wanted
from providers.aws.snapshots import Place

M, R, SNAP, PG, BGD = "m1", "m1-r1", "m1-snap", "m1-params", "bgd-1"
ARN = f"arn:aws:rds:eu-central-1:123456789012:db:{M}"
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
EVERYTHING = Wanted("db.m5.xlarge", "gp3", 12000, 500, 400, True, PG)
GREEN = Wanted("db.m5.xlarge", "gp3", 12000, 500, 400, None, PG)

Sample = Callable[[Client], Any] | Write[Any]

SAMPLES: dict[str, Sample] = {
    "instances.instances": instances.instances,
    "instances.instance": lambda client: instances.instance(client, M),
    "instances.find": lambda client: instances.find(client, M),
    "instances.create_replica": instances.create_replica(R, M, EVERYTHING),
    "instances.promote": instances.promote(R, 7),
    "instances.modify": instances.modify(M, EVERYTHING, When.NOW),
    "instances.keep_backups": instances.keep_backups(M, 7, When.IN_WINDOW),
    "instances.upgrade": instances.upgrade(M, "8.4.7", When.NOW),
    "instances.rename": instances.rename(M, "m1-before"),
    "instances.reboot": instances.reboot(M),
    "instances.fail_over": instances.fail_over(M),
    "instances.delete": instances.delete(R, None),
    "snapshots.snapshots": lambda client: snapshots.snapshots(client, M),
    "snapshots.find": lambda client: snapshots.find(client, SNAP),
    "snapshots.create": snapshots.create(SNAP, R),
    "snapshots.delete": snapshots.delete(SNAP),
    "snapshots.restore": snapshots.restore("m1-two", SNAP, EVERYTHING, Place("default", ("sg-1",))),
    "parameters.groups": parameters.groups,
    "parameters.find": lambda client: parameters.find(client, PG),
    "parameters.parameters": lambda client: parameters.parameters(client, PG),
    "parameters.changed": lambda client: parameters.changed(client, PG),
    "parameters.create": parameters.create(PG, "mysql8.4", "for M2"),
    "parameters.modify": parameters.modify(PG, [Setting("read_only", "1", Apply.NOW)]),
    "parameters.reset": parameters.reset(PG, ["read_only"], Apply.NOW),
    "parameters.delete": parameters.delete(PG),
    "bluegreen.deployments": bluegreen.deployments,
    "bluegreen.find": lambda client: bluegreen.find(client, BGD),
    "bluegreen.named": lambda client: bluegreen.named(client, "shop"),
    "bluegreen.create": bluegreen.create("shop", ARN, GREEN, "8.4.7"),
    "bluegreen.switch_over": bluegreen.switch_over(BGD, 300),
    "bluegreen.delete": bluegreen.delete(BGD),
    "bluegreen.delete_with_green": bluegreen.delete_with_green(BGD),
    "offers.classes": lambda client: offers.classes(client, "mysql", "8.4.7"),
    "offers.versions": lambda client: offers.versions(client, "mysql"),
    "watching.events": lambda client: watching.events(client, watching.INSTANCE, M, WHEN),
    "watching.pending_maintenance": lambda client: watching.pending_maintenance(client, M),
    "watching.replica_lag": lambda client: watching.replica_lag(client, R, WHEN),
}
READS = {name: sample for name, sample in SAMPLES.items() if not isinstance(sample, Write)}
WRITES = {name: sample for name, sample in SAMPLES.items() if isinstance(sample, Write)}


def use(client: Client, sample: Sample) -> Any:
    return client.send(sample) if isinstance(sample, Write) else sample(client)


@cache
def operation(service: str, action: str) -> OperationModel:
    """The SDK's model of an action."""
    return botocore.session.get_session().get_service_model(service).operation_model(action)


def filled(service: str, action: str) -> dict[str, Any]:
    """An answer with a value in every place of the model, but without a next page; texts are the names of places."""
    shape = operation(service, action).output_shape
    found = _value(shape, "", 0) if shape is not None else {}
    return {name: value for name, value in found.items() if name not in ("Marker", "NextToken")}


def _value(shape: Shape, name: str, depth: int) -> Any:
    if isinstance(shape, StructureShape):
        if depth > 8:
            return {}
        return {key: _value(member, key, depth + 1) for key, member in shape.members.items()}
    if isinstance(shape, ListShape):
        return [_value(shape.member, name, depth + 1)]
    plain: dict[str, Any] = {"integer": 3306, "long": 3306, "double": 1.5, "boolean": True, "timestamp": WHEN}
    return plain.get(shape.type_name, "lag" if name == "Id" else name)
