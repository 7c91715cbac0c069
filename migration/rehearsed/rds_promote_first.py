"""The simulated RDS: an instance, and a replica that is still to be made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from migration.model import CloudSpec, Secrets, ServerSpec
from providers.mysql.endpoint import Secret
from providers.sandbox import cloud as clouds
from providers.sandbox import passwords
from providers.sandbox.aws_api.access import Access
from providers.sandbox.aws_api.spec import USUAL, AwsCloud
from providers.sandbox.client import Sandbox

ENGINES = ("mysql-9.7", "mysql-9.7")
CHOICES = {"promotion": ("5s", "60s")}
# The simulated cloud is as much faster than the real one.
_POLL_S = "0.2"
# The master user of a MariaDB may not list who reads its binary log.
_UNSEEN = ("sub-replicas", "log-readers")


def cloud(chosen: Mapping[str, str]) -> AwsCloud:
    """See `Rehearsed`."""
    seconds = float(chosen["promotion"].removesuffix("s"))
    return AwsCloud(replace(USUAL, durations=replace(USUAL.durations, promote=seconds)))


def needs(cloud: clouds.CloudSpec) -> tuple[tuple[str, ...], Callable[[Sandbox], None] | None]:
    """See `Rehearsed`."""
    return _UNSEEN, None


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
