"""Alibaba Cloud's simulated account: an RDS instance, and a cluster that is still to be ordered."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from migration.model import CloudSpec, Limits, Secrets, ServerSpec
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox import cloud as clouds
from providers.sandbox.aliyun_api.access import AliyunAccess
from providers.sandbox.aliyun_api.scenario import BusinessTask
from providers.sandbox.aliyun_api.spec import AliyunCloud
from providers.sandbox.client import Sandbox

ENGINES = ("mysql-5.7", "mysql-5.7")
CHOICES = {
    "method": ("physical", "logical"),
    "rules": ("2026", "2019"),
    "precheck": ("pass", "fail"),
    "task": ("none", "src", "dest"),
    "answers": ("kept", "lost"),
}
# What is red by the checks where the rows travel logically: the shop has it, and replication here carries it.
_CASCADES = ("foreign-key-cascades",)
# And where a precheck is to fail.
_TRIGGERS = ("triggers",)
_SYSTEM = ("sys", "mysql")
_LAG_S = 60.0
# The simulated cloud is as much faster than the real one.
_POLL_S = "0.2"


def cloud(chosen: Mapping[str, str]) -> AliyunCloud:
    """See `Rehearsed`."""
    usual = AliyunCloud().scenario
    end = chosen["task"]
    tasks = () if end == "none" else (BusinessTask("reporting", rds="src" if end == "src" else "dest"),)
    account = replace(usual, rules="2019" if chosen["rules"] == "2019" else "2026", tasks=tasks)
    return AliyunCloud(
        "logical" if chosen["method"] == "logical" else "physical",
        "fail" if chosen["precheck"] == "fail" else "pass",
        account,
        "lost" if chosen["answers"] == "lost" else "kept",
    )


def needs(cloud: clouds.CloudSpec) -> tuple[tuple[str, ...], Callable[[Sandbox], None] | None]:
    """See `Rehearsed`. A precheck that fails does so over the triggers."""
    assert isinstance(cloud, AliyunCloud)
    if cloud.method == "physical":
        return (), None
    return (_CASCADES, None) if cloud.precheck == "pass" else ((*_CASCADES, *_TRIGGERS), _drop_triggers)


def _drop_triggers(sandbox: Sandbox) -> None:
    with contextlib.closing(Server(sandbox.endpoints().source)) as server:
        for schema, name in server.rows("SELECT trigger_schema, trigger_name FROM information_schema.triggers"):
            if schema not in _SYSTEM:
                server.change(f"DROP TRIGGER `{schema}`.`{name}`")


def sides(sandbox: Sandbox) -> dict[str, Any]:
    """The source as the application knows it, the target that is still to be created, and the cloud.

    Raises:
        SandboxFailed: the sandbox has no cloud.
    """
    cloud = AliyunAccess.from_json(sandbox.cloud())
    user, place = cloud.operator.user, cloud.application
    return {
        "source": ServerSpec(cloud.instance_id, place.host, place.port, user, cloud.system_account),
        "target": ServerSpec("new cluster", "", 0, user, cloud.system_account),
        "limits": Limits(lag_s=_LAG_S),
        "cloud": CloudSpec(
            cloud.region, cloud.instance_id, "given", cloud.url, {"rules": cloud.rules, "poll_s": _POLL_S}
        ),
    }


def secrets(sandbox: Sandbox) -> Secrets:
    """The operator's password, the same on both sides, and the access key.

    Raises:
        SandboxGone: its supervisor has ended.
    """
    cloud, none = AliyunAccess.from_json(sandbox.cloud()), Secret("")
    password = cloud.operator.password
    return Secrets(password, password, none, none, {"key": Secret(cloud.key.id), "secret": cloud.key.secret})
