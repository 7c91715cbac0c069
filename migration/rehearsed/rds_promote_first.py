"""The simulated RDS: an instance, and a replica that is still to be made."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from migration.model import CloudSpec, Secrets, ServerSpec
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox import cloud as clouds
from providers.sandbox import passwords
from providers.sandbox.aws_api.access import Access
from providers.sandbox.aws_api.faults import NO_TROUBLE, Trouble, dropped_answer, expired, throttled, unavailable
from providers.sandbox.aws_api.spec import USUAL, AwsCloud
from providers.sandbox.client import Sandbox

ENGINES = ("mysql-9.7", "mysql-9.7")
_STOPS = "replica-stops"
# What goes wrong in the midst. From the call that it begins with on, every call does, until the rehearsal's operator
# cures it; what is given a number passes.
_TROUBLES: Mapping[str, Trouble] = {
    "none": NO_TROUBLE,
    "throttled": Trouble((throttled(times=None),), "rds:ResetDBParameterGroup"),
    "failing": Trouble((unavailable(times=None),), "rds:CreateDBInstanceReadReplica"),
    "expired": Trouble((expired(),), "rds:PromoteReadReplica"),
    "answers-lost": Trouble(tuple(dropped_answer(f"rds:{one}ReadReplica") for one in ("CreateDBInstance", "Promote"))),
    "fence-fails": Trouble((replace(unavailable("rds:ModifyDBParameterGroup", 4), skip=2),)),
    "promotion-fails": Trouble(promotions=1),
    _STOPS: Trouble(replicas=1),
}
CHOICES = {"promotion": ("5s", "60s"), "fault": tuple(_TROUBLES)}
# The simulated cloud is as much faster than the real one.
_POLL_S = "0.2"
# The master user of a MariaDB may not list who reads its binary log.
_UNSEEN = ("sub-replicas", "log-readers")


def cloud(chosen: Mapping[str, str]) -> AwsCloud:
    """See `Rehearsed`."""
    seconds, trouble = float(chosen["promotion"].removesuffix("s")), _TROUBLES[chosen["fault"]]
    return AwsCloud(replace(USUAL, durations=replace(USUAL.durations, promote=seconds), trouble=trouble))


def needs(cloud: clouds.CloudSpec) -> tuple[tuple[str, ...], Callable[[Sandbox], None] | None]:
    """See `Rehearsed`."""
    assert isinstance(cloud, AwsCloud)
    return _UNSEEN, None if cloud.scenario.trouble == NO_TROUBLE else _cure


def _cure(sandbox: Sandbox) -> None:
    """What an operator does about it: has AWS's side put right, and a replica go on that has stopped."""
    Access.from_json(sandbox.cloud()).control.clear()
    found = sandbox.status().spec.cloud
    if isinstance(found, AwsCloud) and found.scenario.trouble == _TROUBLES[_STOPS]:
        with contextlib.closing(Server(sandbox.endpoints().target)) as replica:
            replica.change(replica.dialect.start_replica)


def sides(sandbox: Sandbox) -> dict[str, Any]:
    """The source as the application knows it, the target that is still to be created, and the cloud.

    Raises:
        SandboxFailed: the sandbox has no cloud.
    """
    cloud, replication = Access.from_json(sandbox.cloud()), passwords.REPLICATION
    host, port = cloud.application
    return {
        "source": ServerSpec(cloud.instance_id, host, port, cloud.master.user, replication),
        "target": ServerSpec("new instance", "", 0, cloud.master.user, replication),
        "cloud": CloudSpec(cloud.region, cloud.instance_id, "given", cloud.url, {"poll_s": _POLL_S}),
    }


def secrets(sandbox: Sandbox) -> Secrets:
    """The passwords of the master user and of replication, the same on both sides, and the access key.

    Raises:
        SandboxGone: its supervisor has ended.
    """
    cloud, replication = Access.from_json(sandbox.cloud()), sandbox.endpoints().forward.password
    key = {"key": Secret(cloud.key.id), "secret": cloud.key.secret}
    return Secrets(cloud.master.password, cloud.master.password, replication, replication, key)
