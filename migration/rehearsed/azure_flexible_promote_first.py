"""Azure's simulated subscription with a Flexible Server whose replica is promoted first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from migration.model import Secrets
from migration.rehearsed import azure_service_tier
from providers.sandbox import cloud as clouds
from providers.sandbox import passwords
from providers.sandbox.azure_api.spec import AzureCloud
from providers.sandbox.client import Sandbox

ENGINES = ("mysql-5.7", "mysql-5.7")
CHOICES = {"promotion": ("5s", "60s")}
# The service takes some seconds for a parameter, such as the one that makes a server read-only.
_PARAMETER_S = 0.5


def cloud(chosen: Mapping[str, str]) -> AzureCloud:
    """See `Rehearsed`."""
    seconds = float(chosen["promotion"].removesuffix("s"))
    usual = AzureCloud().scenario
    durations = replace(usual.durations, promote=seconds, parameter=_PARAMETER_S)
    return AzureCloud("flexible", scenario=replace(usual, durations=durations))


def needs(cloud: clouds.CloudSpec) -> tuple[tuple[str, ...], Callable[[Sandbox], None] | None]:
    """See `Rehearsed`."""
    return (), None


def sides(sandbox: Sandbox) -> dict[str, Any]:
    """The source as the application knows it, the replica that is still to be created, and the subscription.

    Raises:
        SandboxFailed: the sandbox has no cloud.
    """
    found, replication = azure_service_tier.sides(sandbox), passwords.REPLICATION
    return {
        "source": replace(found["source"], replication_user=replication),
        "target": replace(found["target"], replication_user=replication),
        "cloud": found["cloud"],
    }


def secrets(sandbox: Sandbox) -> Secrets:
    """The passwords of the administrator and of replication, the same on both sides, and the token.

    Raises:
        SandboxGone: its supervisor has ended.
    """
    known, replication = azure_service_tier.secrets(sandbox), sandbox.endpoints().forward.password
    return replace(known, source_replication=replication, target_replication=replication)
