"""Blue/Green deployments: a green copy that follows, guardrails, and a switch that is undone when it takes too long.

Blue's own replicas are not copied and switched with it, as RDS does: an instance that has some is refused.
"""

from __future__ import annotations

import re
from dataclasses import replace

from providers.mysql.errors import ServerError
from providers.mysql.position import Position
from providers.sandbox.api.refusals import Refused
from providers.sandbox.aws_api.cloud import Cloud
from providers.sandbox.aws_api.instances import Given, remove, scratch, shaped
from providers.sandbox.aws_api.refusals import (
    no_deployment,
    wrong_combination,
    wrong_deployment_state,
    wrong_state,
    wrong_value,
)
from providers.sandbox.aws_api.state import AVAILABLE, Deployment, Group, Instance, new_key

KIND = "blue-green-deployment"
_LEAST_TIMEOUT_S, _MOST_TIMEOUT_S = 30, 3600
_DEFAULT_TIMEOUT_S = 300
_LAG_S = 60
_TASKS = ("CREATING_READ_REPLICA_OF_SOURCE", "DB_ENGINE_VERSION_UPGRADE", "CONFIGURE_BACKUPS")


def find(cloud: Cloud, deployment_id: str) -> Deployment:
    """A deployment.

    Raises:
        Refused: there is none of that id.
    """
    found = cloud.deployments.get(deployment_id)
    if found is None:
        raise no_deployment(deployment_id)
    return found


def create(cloud: Cloud, given: Given) -> Deployment:
    """Begin to make the green side."""
    with cloud.lock:
        name = str(given["BlueGreenDeploymentName"])
        if any(one.name == name for one in cloud.deployments.values()):
            raise Refused(400, "BlueGreenDeploymentAlreadyExistsFault", f"BlueGreenDeployment {name} already exists.")
        blue = cloud.usable(str(given["Source"]))
        _require_blue(cloud, blue)
        shape = {key.removeprefix("Target"): value for key, value in given.items() if key.startswith("Target")}
        fresh = replace(
            blue,
            id=f"{blue.id}-green-{new_key()[-6:].lower()}",
            key=new_key(),
            source=blue.key,
            status="creating",
            created=cloud.clock.now(),
            reachable=False,
            deletion_protected=False,
            pending={},
        )
        made = shaped(cloud, fresh, shape)
        tasks = dict.fromkeys((task for task in _TASKS if task != _TASKS[1] or made.version != blue.version), "PENDING")
        deployment = Deployment(name, blue.key, made.key, cloud.clock.now(), tasks=tasks)
        blue.deployment = made.deployment = deployment.id
        cloud.instances[made.key] = made
        cloud.deployments[deployment.id] = deployment
    cloud.spawn(lambda: _provide(cloud, deployment, made))
    return deployment


def begin(cloud: Cloud, group: str) -> None:
    """Make a deployment of the account's one instance, as its owner did by hand, with this group for green."""
    blue = cloud.instance(cloud.scenario.instance_id)
    settings = {**cloud.groups[blue.group].settings, "event_scheduler": ("OFF", "pending-reboot")}
    cloud.groups[group] = Group(group, cloud.groups[blue.group].family, "of green", settings)
    given = {"BlueGreenDeploymentName": "by-hand", "Source": blue.id, "TargetDBParameterGroupName": group}
    create(cloud, given)


def _require_blue(cloud: Cloud, blue: Instance) -> None:
    if blue.deployment:
        raise wrong_state(f"The DB instance {blue.id} is already part of a Blue/Green deployment.")
    if not blue.backup_days:
        raise wrong_state(f"Automated backups must be enabled for {blue.id} to create a Blue/Green deployment.")
    if blue.source or cloud.replicas(blue):
        raise wrong_combination(f"{blue.id} follows an instance or is followed by one, which is not simulated here.")
    if _follows(cloud, blue.key):
        raise Refused(
            400, "SourceDatabaseNotSupportedFault", f"The DB instance {blue.id} replicates from an external source."
        )


def _provide(cloud: Cloud, deployment: Deployment, made: Instance) -> None:
    copy = scratch(cloud, made.key)

    def work() -> bool:
        deployment.tasks[_TASKS[0]] = "IN_PROGRESS"
        position = cloud.servers.copy_data(deployment.blue, copy)
        cloud.build(made.key, copy.rename, (deployment.blue, position))
        return True

    if cloud.persist(f"the deployment {deployment.name}", work) is None:
        return
    if not cloud.pause(cloud.durations.green):
        return
    if cloud.faults.takes_replica():
        cloud.done(f"the fault of {made.id}", lambda: cloud.servers.break_replication(made.key))
    with cloud.lock:
        deployment.tasks = dict.fromkeys(deployment.tasks, "COMPLETED")
        deployment.status = "AVAILABLE"
    cloud.set_status(made.key, AVAILABLE)
    cloud.open(made)
    words = (
        "Blue/green deployment tasks completed. You can make more modifications to the green environment databases or "
        "switch over the deployment."
    )
    cloud.tell(deployment.id, words, "creation", kind=KIND)


def switch(cloud: Cloud, given: Given) -> Deployment:
    """Begin the switch to green."""
    seconds = int(str(given.get("SwitchoverTimeout") or _DEFAULT_TIMEOUT_S))
    if not _LEAST_TIMEOUT_S <= seconds <= _MOST_TIMEOUT_S:
        raise wrong_value(
            f"The switchover timeout must be between {_LEAST_TIMEOUT_S} and {_MOST_TIMEOUT_S} seconds and is {seconds}."
        )
    with cloud.lock:
        deployment = find(cloud, str(given["BlueGreenDeploymentIdentifier"]))
        if deployment.status not in ("AVAILABLE", "SWITCHOVER_FAILED"):
            raise wrong_deployment_state(f"BlueGreenDeployment {deployment.id} is {deployment.status}.")
        for key in (deployment.blue, deployment.green):
            if cloud.instances[key].status != AVAILABLE:
                raise wrong_deployment_state(f"{cloud.instances[key].id} is {cloud.instances[key].status}.")
        deployment.status, deployment.details = "SWITCHOVER_IN_PROGRESS", None
    late = cloud.faults.takes_switch()
    deadline = cloud.clock.now() + seconds
    between = _between(cloud, deployment)
    cloud.tell(deployment.id, f"Switchover from {between} started.", "notification", kind=KIND)
    cloud.spawn(lambda: _switch(cloud, deployment, deadline, late))
    return deployment


def _switch(cloud: Cloud, deployment: Deployment, deadline: float, late: bool) -> None:
    blue, green = cloud.instances[deployment.blue], cloud.instances[deployment.green]
    objection = cloud.persist("the guardrails", lambda: _objection(cloud, blue.key, green.key))
    if objection is None:
        return
    if objection:
        _failed(cloud, deployment, f"Switchover was canceled by a guardrail: {objection}")
        return
    between = _between(cloud, deployment)
    cloud.tell(deployment.id, f"Switchover from primary {between} started.", "notification", kind=KIND)
    cloud.shut(blue)
    cloud.shut(green)
    end = cloud.persist(f"the fence of {blue.id}", lambda: _fenced(cloud, blue.key))
    if end is None:
        return
    if late or not _arrives(cloud, green.key, end, deadline):
        # Nothing has changed until now but that blue is closed.
        while late and cloud.clock.now() < deadline and cloud.rest():
            pass
        cloud.done(f"the rollback of {blue.id}", lambda: _as_its_group_says(cloud, blue))
        cloud.open(blue)
        cloud.open(green)
        _failed(cloud, deployment, "Switchover timed out and was rolled back.")
        return
    if not cloud.pause(cloud.durations.switch):
        return
    cloud.done(f"the end of replication on {green.id}", lambda: cloud.servers.detach(green.key))
    place = cloud.persist(f"the log of {green.id}", lambda: _log(cloud, green.key))
    with cloud.lock:
        name, green_name, blue.id = blue.id, green.id, _old_name(cloud, blue.id)
        green.id, green.source, green.deployment, blue.deployment = name, None, None, None
        blue.fenced = True
    cloud.done(f"the opening of {green.id}", lambda: _as_its_group_says(cloud, green))
    cloud.open(green)
    cloud.open(blue)
    if place:
        # It is told of the name that green had.
        cloud.tell(green_name, f"Binary log coordinates in green environment after switchover: {place}", "notification")
    renamed = f"Renamed {name} to {blue.id} and {green_name} to {name}."
    cloud.tell(deployment.id, f"Switchover from primary {between} completed. {renamed}", "notification", kind=KIND)
    cloud.tell(deployment.id, "Switchover completed on blue/green deployment.", "notification", kind=KIND)
    with cloud.lock:
        deployment.status = "SWITCHOVER_COMPLETED"


def _between(cloud: Cloud, deployment: Deployment) -> str:
    return f"{cloud.instances[deployment.blue].id} to {cloud.instances[deployment.green].id}"


def _as_its_group_says(cloud: Cloud, one: Instance) -> None:
    cloud.servers.set_variables(one.key, {"read_only": cloud.variables(one)["read_only"]})


def _log(cloud: Cloud, key: str) -> str:
    """Where a server's own log ends, as an event tells it; empty where it keeps none."""
    with cloud.servers.opened(key) as server:
        if server.variable("log_bin") != "ON":
            return ""
        end = server.end_of_log()
    return f"file {end.file} and position {end.offset}"


def _objection(cloud: Cloud, blue: str, green: str) -> str:
    """What a guardrail says against a switch; nothing where none does."""
    status = cloud.servers.status(green)
    if status is None or not status.running:
        return f"replication to green is not healthy ({status.trouble if status else 'there is none'})."
    if status.seconds_behind is None or status.seconds_behind > _LAG_S:
        return "green is too far behind blue."
    if _follows(cloud, blue):
        return "blue is the target of external replication."
    with cloud.servers.opened(green) as server:
        if not server.read_only().clients:
            return "green takes writes."
    return ""


def _follows(cloud: Cloud, key: str) -> bool:
    try:
        return cloud.servers.status(key) is not None
    except ServerError:
        return False


def _fenced(cloud: Cloud, key: str) -> Position:
    cloud.servers.fence(key)
    return cloud.servers.end(key)


def _arrives(cloud: Cloud, green: str, end: Position, deadline: float) -> bool:
    while (seconds := deadline - cloud.clock.now()) > 0:
        try:
            if cloud.servers.has(green, end, min(seconds, 1.0)):
                return True
        except ServerError:
            pass
        if not cloud.rest():
            return False
    return False


def _failed(cloud: Cloud, deployment: Deployment, why: str) -> None:
    between = _between(cloud, deployment)
    words = f"Switchover from primary {between} was canceled due to {why}"
    cloud.tell(deployment.id, words, "failure", kind=KIND)
    cloud.tell(deployment.id, "Switchover canceled on blue/green deployment.", "failure", kind=KIND)
    with cloud.lock:
        deployment.status, deployment.details = "SWITCHOVER_FAILED", why


def _old_name(cloud: Cloud, name: str) -> str:
    numbers = [
        int(found[1])
        for one in cloud.instances.values()
        if (found := re.fullmatch(re.escape(name) + r"-old(\d+)", one.id))
    ]
    return f"{name}-old{max(numbers, default=0) + 1}"


def delete(cloud: Cloud, given: Given) -> Deployment:
    """Forget a deployment, and delete its green side where that is asked for."""
    with cloud.lock:
        deployment = find(cloud, str(given["BlueGreenDeploymentIdentifier"]))
        if deployment.status in ("PROVISIONING", "SWITCHOVER_IN_PROGRESS", "DELETING"):
            raise wrong_deployment_state(f"BlueGreenDeployment {deployment.id} is {deployment.status}.")
        switched = deployment.status == "SWITCHOVER_COMPLETED"
        if given.get("DeleteTarget") and switched:
            raise wrong_combination("You can't specify DeleteTarget if the blue/green deployment was switched over.")
        green = cloud.instances.get(deployment.green)
        target = green if given.get("DeleteTarget") else None
        if target is not None:
            target.status = "deleting"
        for key in (deployment.blue, deployment.green):
            if key in cloud.instances:
                cloud.instances[key].deployment = None
        deployment.status = "DELETING"
    cloud.spawn(lambda: _forget(cloud, deployment, target))
    return deployment


def _forget(cloud: Cloud, deployment: Deployment, target: Instance | None) -> None:
    if target is not None:
        remove(cloud, target)
    elif not cloud.pause(cloud.durations.delete):
        return
    with cloud.lock:
        cloud.deployments.pop(deployment.id, None)
    cloud.tell(deployment.id, "Blue/green deployment deleted.", "deletion", kind=KIND)
