"""What the simulated RDS answers where it refuses a call: the codes are those of its API's model."""

from __future__ import annotations

from providers.sandbox.api.refusals import Refused


def no_instance(instance_id: str) -> Refused:
    """There is no instance of that name."""
    return Refused(404, "DBInstanceNotFound", f"DBInstance {instance_id} not found.")


def no_snapshot(snapshot_id: str) -> Refused:
    """There is no snapshot of that name."""
    return Refused(404, "DBSnapshotNotFound", f"DBSnapshot {snapshot_id} not found.")


def no_group(group: str) -> Refused:
    """There is no parameter group of that name."""
    return Refused(404, "DBParameterGroupNotFound", f"DBParameterGroup not found: {group}")


def no_deployment(deployment_id: str) -> Refused:
    """There is no deployment of that id."""
    return Refused(
        404,
        "BlueGreenDeploymentNotFoundFault",
        f"BlueGreenDeployment {deployment_id} not found.",
    )


def instance_exists(instance_id: str) -> Refused:
    """The name is taken."""
    return Refused(400, "DBInstanceAlreadyExists", f"DB instance already exists: {instance_id}")


def wrong_state(message: str) -> Refused:
    """The instance is in a state in which this cannot be done."""
    return Refused(400, "InvalidDBInstanceState", message)


def wrong_deployment_state(message: str) -> Refused:
    """The deployment is in a state in which this cannot be done."""
    return Refused(400, "InvalidBlueGreenDeploymentStateFault", message)


def wrong_value(message: str) -> Refused:
    """A parameter has a value that is not taken."""
    return Refused(400, "InvalidParameterValue", message)


def wrong_combination(message: str) -> Refused:
    """Parameters, or a parameter and the instance, do not go together."""
    return Refused(400, "InvalidParameterCombination", message)
