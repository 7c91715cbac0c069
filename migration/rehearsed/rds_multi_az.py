"""The simulated RDS for a change in place: an instance, with a standby or without, that keeps its endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from migration.model import Secrets
from migration.rehearsed import rds_promote_first
from providers.sandbox import cloud as clouds
from providers.sandbox.aws_api.spec import USUAL, AwsCloud
from providers.sandbox.client import Sandbox

ENGINES = rds_promote_first.ENGINES
_THERE = "there"
CHOICES = {"standby": ("none", _THERE), "failover": ("2s", "60s")}
# Within how many seconds the simulated RDS shows an order: it does at once.
_UNSEEN_S = "5"
# As RDS has them by default: a failover keeps what was on the disk.
_DURABLE = {"sync_binlog": "1", "innodb_flush_log_at_trx_commit": "1"}


def cloud(chosen: Mapping[str, str]) -> AwsCloud:
    """See `Rehearsed`. The standby has a server of its own, so that it shows which of the two clients write on."""
    durations = replace(USUAL.durations, failover=float(chosen["failover"].removesuffix("s")))
    there = chosen["standby"] == _THERE
    return AwsCloud(replace(USUAL, durations=durations, multi_az=there, settings=_DURABLE, standby_apart=True))


def needs(cloud: clouds.CloudSpec) -> tuple[tuple[str, ...], Callable[[Sandbox], None] | None]:
    """See `Rehearsed`."""
    return (), None


def sides(sandbox: Sandbox) -> dict[str, Any]:
    """The instance, which is the target, too, and the cloud.

    Raises:
        SandboxFailed: the sandbox has no cloud.
    """
    usual = rds_promote_first.sides(sandbox)
    options = {**usual["cloud"].options, "unseen_s": _UNSEEN_S}
    return {**usual, "target": usual["source"], "cloud": replace(usual["cloud"], options=options)}


def secrets(sandbox: Sandbox) -> Secrets:
    """As for the runbook that promotes first.

    Raises:
        SandboxGone: its supervisor has ended.
    """
    return rds_promote_first.secrets(sandbox)
