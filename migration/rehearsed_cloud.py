"""The two sides of a rehearsal in which the cloud is simulated on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from migration.model import CloudSpec, Limits, Secrets, ServerSpec
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox import cloud_spec
from providers.sandbox.aliyun_api.scenario import BusinessTask
from providers.sandbox.client import Sandbox
from providers.sandbox.cloud_spec import AliyunCloud
from providers.sandbox.spec import TopologySpec

# The engines by default, and what may be chosen of the simulated cloud, the default first.
_RUNBOOK = "rds_to_polardb"
_ENGINES = ("mysql-5.7", "mysql-5.7")
_CHOICES = {
    "method": ("physical", "logical"),
    "rules": ("2026", "2019"),
    "precheck": ("pass", "fail"),
    "task": ("none", "src", "dest"),
}
# What is red by the checks where the rows travel logically: the shop has it, and replication here carries it.
_CASCADES = ("foreign-key-cascades",)
# And where a precheck is to fail.
_TRIGGERS = ("triggers",)
_SYSTEM = ("sys", "mysql")
_LAG_S = 60.0
# The simulated cloud is as much faster than the real one.
_POLL_S = "0.2"


class NoScenario(Exception):
    """What was asked of a simulated cloud cannot be had; one sentence with what can."""


def engines(runbook: str, usual: tuple[str, str]) -> tuple[str, str]:
    """Source and target of a rehearsal where nobody chose them."""
    return _ENGINES if runbook == _RUNBOOK else usual


def scenario(runbook: str, wanted: Sequence[str]) -> cloud_spec.CloudSpec | None:
    """The simulated cloud of a runbook's rehearsal, None where only servers take part.

    Args:
        runbook: its name.
        wanted: what is to be unlike the default, each as `NAME=VALUE`.

    Raises:
        NoScenario: there is no such name or value.
    """
    if runbook != _RUNBOOK:
        if wanted:
            raise NoScenario(f"The runbook {runbook} has no simulated cloud, so there is no scenario to choose.")
        return None
    chosen = {name: values[0] for name, values in _CHOICES.items()}
    for one in wanted:
        name, _, value = one.partition("=")
        if value not in _CHOICES.get(name, ()):
            known = "; ".join(f"{name}={'|'.join(values)}" for name, values in _CHOICES.items())
            raise NoScenario(f"{one!r} is no scenario; use {known}.")
        chosen[name] = value
    return _aliyun(chosen)


def _aliyun(chosen: Mapping[str, str]) -> AliyunCloud:
    usual = AliyunCloud().scenario
    end = chosen["task"]
    tasks = () if end == "none" else (BusinessTask("reporting", rds="src" if end == "src" else "dest"),)
    account = replace(usual, rules="2019" if chosen["rules"] == "2019" else "2026", tasks=tasks)
    return AliyunCloud(
        "logical" if chosen["method"] == "logical" else "physical",
        "fail" if chosen["precheck"] == "fail" else "pass",
        account,
    )


def needs(topology: TopologySpec) -> tuple[tuple[str, ...], Callable[[Sandbox], None] | None]:
    """What an unattended rehearsal accepts of findings, and what it does when a step fails: in a precheck that must."""
    cloud = topology.cloud
    if cloud is None or cloud.method == "physical":
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
    cloud = sandbox.cloud()
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
    cloud, none = sandbox.cloud(), Secret("")
    password = cloud.operator.password
    return Secrets(password, password, none, none, {"key": Secret(cloud.key.id), "secret": cloud.key.secret})
