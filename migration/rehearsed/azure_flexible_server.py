"""Azure's simulated subscription: a Single Server or one elsewhere, a Flexible Server, and a migration service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, cast

from migration.azure.dms import account, target
from migration.azure.dms.way import OFFLINE, ONLINE, TEST, WAY
from migration.model import CloudSpec, Limits, Secrets, ServerSpec
from providers.mysql.endpoint import Secret
from providers.sandbox import cloud as clouds
from providers.sandbox.api.versions import version_of
from providers.sandbox.azure_api.access import Access
from providers.sandbox.azure_api.spec import AzureCloud
from providers.sandbox.client import Sandbox
from providers.sandbox.passwords import ADMINISTRATOR

ENGINES = ("mysql-5.7", "mysql-5.7")
CHOICES = {
    WAY: (ONLINE, OFFLINE, TEST),
    "service": ("stopped", "running", "none"),
    "source": ("single", "elsewhere"),
    "target": ("there", "made"),
}
_TARGET, _SERVICE = "mysqltarget", "dms"
# Another region and another group than the source's.
_GROUP, _REGION = "another", "northeurope"
_LAG_S = 60.0
# The simulated cloud is as much faster than the real one, and its clients write at least every so often.
_POLL_S, _STILL_S = "0.1", "0.3"


def cloud(chosen: Mapping[str, str]) -> AzureCloud:
    """See `Rehearsed`."""
    made = AzureCloud()
    there = chosen["target"] == "there"
    scenario = replace(
        made.scenario,
        migration_service=cast(Literal["none", "running", "stopped"], chosen["service"]),
        target=_TARGET if there else "",
        target_group=_GROUP,
        target_location=_REGION,
    )
    kind = cast(Literal["single", "elsewhere"], chosen["source"])
    return replace(made, service=kind, scenario=scenario, options=dict(chosen))


def needs(cloud: clouds.CloudSpec) -> tuple[tuple[str, ...], Callable[[Sandbox], None] | None]:
    """See `Rehearsed`."""
    return (), None


def sides(sandbox: Sandbox) -> dict[str, Any]:
    """The source as the application knows it, the target that is looked up or made, and the subscription.

    Raises:
        SandboxFailed: the sandbox has no cloud.
    """
    access, spec = Access.from_json(sandbox.cloud()), _spec(sandbox)
    user = access.administrator.user
    here = f"/subscriptions/{access.subscription_id}/resourceGroups/{access.resource_group}/providers"
    there = f"/subscriptions/{access.subscription_id}/resourceGroups/{_GROUP}/providers"
    version = version_of(sandbox.status().spec.resolve().target)
    options = {
        WAY: spec.options[WAY],
        account.TARGET: f"{there}/Microsoft.DBforMySQL/flexibleServers/{_TARGET}",
        account.SERVICE: f"{here}/Microsoft.DataMigration/services/{_SERVICE}",
        account.SUBNET: f"{here}/Microsoft.Network/virtualNetworks/net/subnets/default",
        target.REGION: _REGION,
        target.SIZE: "Standard_D2ds_v4",
        target.TIER: "GeneralPurpose",
        target.VERSION: version,
        target.PORT: str(access.port),
        "poll_s": _POLL_S,
        "still_s": _STILL_S,
    }
    single = spec.service == "single"
    resource = f"{here}/Microsoft.DBforMySQL/servers/{access.server}" if single else access.server
    return {
        "source": ServerSpec(access.server, access.host, access.port, user, ADMINISTRATOR),
        "target": ServerSpec("new server", "", 0, user, ADMINISTRATOR),
        "limits": Limits(lag_s=_LAG_S),
        "cloud": CloudSpec(access.location, resource, "given", access.url, options),
    }


def secrets(sandbox: Sandbox) -> Secrets:
    """The administrator's password, the same on both sides, and the token.

    Raises:
        SandboxGone: its supervisor has ended.
    """
    access, none = Access.from_json(sandbox.cloud()), Secret("")
    password = access.administrator.password
    return Secrets(password, password, none, none, {"token": access.token})


def _spec(sandbox: Sandbox) -> AzureCloud:
    found = sandbox.status().spec.cloud
    assert isinstance(found, AzureCloud)
    return found
