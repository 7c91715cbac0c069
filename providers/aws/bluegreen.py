"""Blue/Green deployments: a copy of an instance that follows it, and the switch to it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from providers.aws.actions import RDS
from providers.aws.answer import Answer
from providers.aws.calls import Look, Write, call
from providers.aws.client import Client
from providers.aws.errors import NotFound
from providers.aws.records import Shape
from providers.aws.watching import Event
from providers.mysql.position import FilePosition

PROVISIONING = "PROVISIONING"
AVAILABLE = "AVAILABLE"
SWITCHING = "SWITCHOVER_IN_PROGRESS"
SWITCHED = "SWITCHOVER_COMPLETED"
SWITCH_FAILED = "SWITCHOVER_FAILED"
INVALID = "INVALID_CONFIGURATION"
DELETING = "DELETING"
# RDS User Guide, "Updating the parent node for consumers": told of the instance by the name that green had before.
_COORDINATES = re.compile(
    r"Binary log coordinates in green environment after switchover: file (?P<file>\S+) and position (?P<offset>\d+)"
)


@dataclass(frozen=True)
class Task:
    """One thing that RDS does to make the green side; `status` is PENDING, IN_PROGRESS, COMPLETED or FAILED."""

    name: str | None
    status: str | None


@dataclass(frozen=True)
class Member:
    """One pair of instances, by ARN, and how far its switch is."""

    blue_arn: str | None
    green_arn: str | None
    status: str | None


@dataclass(frozen=True)
class Deployment:
    """A deployment. `details` is what RDS says of its status, such as why a switch failed."""

    deployment_id: str | None
    name: str | None
    blue_arn: str | None
    green_arn: str | None
    status: str | None
    details: str | None
    members: tuple[Member, ...]
    tasks: tuple[Task, ...]
    created: datetime | None


def deployments(client: Client) -> tuple[Deployment, ...]:
    """The region's deployments."""
    request = call(RDS, "DescribeBlueGreenDeployments", f"region {client.region}", {})
    return tuple(_deployment(item) for item in client.pages(request, "BlueGreenDeployments"))


def find(client: Client, deployment_id: str) -> Deployment | None:
    """One deployment as it is now, None where there is none of this id."""
    given = {"BlueGreenDeploymentIdentifier": deployment_id}
    request = call(RDS, "DescribeBlueGreenDeployments", f"deployment {deployment_id}", given)
    try:
        found = client.pages(request, "BlueGreenDeployments")
    except NotFound:
        return None
    return _deployment(found[0]) if found else None


def named(client: Client, name: str) -> tuple[Deployment, ...]:
    """The deployments of this name: one at the most, unless one was deleted a moment ago."""
    given: dict[str, object] = {"Filters": [{"Name": "blue-green-deployment-name", "Values": [name]}]}
    request = call(RDS, "DescribeBlueGreenDeployments", f"deployment {name}", given)
    return tuple(_deployment(item) for item in client.pages(request, "BlueGreenDeployments"))


def name_of(arn: str) -> str:
    """The name of an instance, from its ARN."""
    return arn.rpartition(":")[2]


def coordinates(event: Event) -> FilePosition | None:
    """Where green's own binary log was when it took over, if that is what an event tells."""
    found = _COORDINATES.search(event.message or "")
    return None if found is None else FilePosition(found["file"], int(found["offset"]))


def create(name: str, blue_arn: str, shape: Shape, version: str | None) -> Write[Deployment]:
    """Make a green copy of an instance, with another shape and engine version; None: the same version."""

    def look(client: Client) -> bool | None:
        return any(one.blue_arn == blue_arn for one in named(client, name))

    parameters = {
        "BlueGreenDeploymentName": name,
        "Source": blue_arn,
        "TargetEngineVersion": version,
        **shape.parameters("Target"),
    }
    return _write("CreateBlueGreenDeployment", name, parameters, look)


def switch_over(deployment_id: str, timeout_s: int) -> Write[Deployment]:
    """Let green take blue's place and name. After `timeout_s` (30 to 3600) RDS gives up and undoes it.

    Replication ends with it: RDS offers no way back.
    """

    def look(client: Client) -> bool | None:
        found = find(client, deployment_id)
        if found is None or found.status not in (AVAILABLE, SWITCHING, SWITCHED):
            # After a failure nothing tells this switch from an earlier one.
            return None
        return found.status != AVAILABLE

    given: dict[str, object] = {
        "BlueGreenDeploymentIdentifier": deployment_id,
        "SwitchoverTimeout": timeout_s,
    }
    return _write("SwitchoverBlueGreenDeployment", deployment_id, given, look)


def delete(deployment_id: str) -> Write[Deployment]:
    """Forget a deployment; the instances of both sides stay. Before a switch, green goes on following blue."""
    given: dict[str, object] = {"BlueGreenDeploymentIdentifier": deployment_id}
    return _write("DeleteBlueGreenDeployment", deployment_id, given, _gone(deployment_id))


def delete_with_green(deployment_id: str) -> Write[Deployment]:
    """Forget a deployment that was not switched, and delete its green instances."""
    given: dict[str, object] = {"BlueGreenDeploymentIdentifier": deployment_id, "DeleteTarget": True}
    return _write("DeleteBlueGreenDeployment", deployment_id, given, _gone(deployment_id))


def _gone(deployment_id: str) -> Look:
    def look(client: Client) -> bool | None:
        found = find(client, deployment_id)
        return found is None or found.status == DELETING

    return look


def _write(action: str, about: str, given: dict[str, object], look: Look) -> Write[Deployment]:
    request = call(RDS, action, f"deployment {about}", given)
    return Write(request, lambda answer: _deployment(answer.part("BlueGreenDeployment") or Answer({})), look)


def _deployment(answer: Answer) -> Deployment:
    return Deployment(
        deployment_id=answer.text("BlueGreenDeploymentIdentifier"),
        name=answer.text("BlueGreenDeploymentName"),
        blue_arn=answer.text("Source"),
        green_arn=answer.text("Target"),
        status=answer.text("Status"),
        details=answer.text("StatusDetails"),
        members=tuple(
            Member(item.text("SourceMember"), item.text("TargetMember"), item.text("Status"))
            for item in answer.parts("SwitchoverDetails") or ()
        ),
        tasks=tuple(Task(item.text("Name"), item.text("Status")) for item in answer.parts("Tasks") or ()),
        created=answer.time("CreateTime"),
    )
