"""A MySQL elsewhere, or a Flexible Server, and an empty Flexible Server of Azure's simulated subscription."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from migration.azure.data_in.account import PORT, TARGET
from migration.model import CloudSpec, Secrets, ServerSpec
from providers.azure import flexible
from providers.azure.places import Place
from providers.mysql.endpoint import Account
from providers.sandbox import cloud as clouds
from providers.sandbox.azure_api.access import Access
from providers.sandbox.azure_api.spec import AzureCloud
from providers.sandbox.client import Sandbox

ENGINES = ("mysql-5.7", "mysql-5.7")
# The administrator of the target may not say what it has already, as following by GTID wants it.
POSITIONING = "file"
CHOICES = {"source": ("elsewhere", "flexible")}
_TARGET = "flexible-target"
# The service takes some seconds for a parameter, such as the one that makes a server read-only.
_PARAMETER_S = 0.5
_POLL_S = "0.1"


def cloud(chosen: Mapping[str, str]) -> AzureCloud:
    """See `Rehearsed`."""
    usual = AzureCloud().scenario
    scenario = replace(usual, target=_TARGET, durations=replace(usual.durations, parameter=_PARAMETER_S))
    return AzureCloud("flexible" if chosen["source"] == "flexible" else "elsewhere", scenario=scenario)


def needs(cloud: clouds.CloudSpec) -> tuple[tuple[str, ...], Callable[[Sandbox], None] | None]:
    """See `Rehearsed`."""
    return (), None


def sides(sandbox: Sandbox) -> dict[str, Any]:
    """The source as its operator knows it, the Flexible Server, and the subscription.

    Raises:
        SandboxFailed: the sandbox has no cloud.
    """
    access, ends = Access.from_json(sandbox.cloud()), sandbox.endpoints()
    spot = Place(access.subscription_id, access.resource_group, _TARGET)
    options = {TARGET: flexible.resource_id(spot), PORT: str(access.port), "poll_s": _POLL_S}
    source = flexible.resource_id(replace(spot, name=access.server)) if _from_azure(sandbox) else "source"
    return {
        "source": ServerSpec(
            "source", access.host, access.port, _source_login(sandbox, access).user, ends.forward.user
        ),
        "target": ServerSpec("new target", "", 0, access.administrator.user, ends.reverse.user),
        "cloud": CloudSpec(access.location, source, "given", access.url, options),
    }


def secrets(sandbox: Sandbox) -> Secrets:
    """The passwords of the two administrators and of replication, and the token.

    Raises:
        SandboxGone: its supervisor has ended.
    """
    access, ends = Access.from_json(sandbox.cloud()), sandbox.endpoints()
    return Secrets(
        _source_login(sandbox, access).password,
        access.administrator.password,
        ends.forward.password,
        ends.reverse.password,
        {"token": access.token},
    )


def _source_login(sandbox: Sandbox, access: Access) -> Account:
    """The administrator of the source: the service's own, or one with SUPER."""
    return access.administrator if _from_azure(sandbox) else sandbox.endpoints().source.account


def _from_azure(sandbox: Sandbox) -> bool:
    found = sandbox.status().spec.cloud
    assert isinstance(found, AzureCloud)
    return found.service == "flexible"
