"""Azure's simulated subscription: a server of one of its services, and a replica that is still to be created."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

from migration.azure.state import ENDING, NEW_NAME, SAME_NAME
from migration.model import CloudSpec, Limits, Secrets, ServerSpec
from providers.mysql.endpoint import Secret
from providers.sandbox import cloud as clouds
from providers.sandbox.azure_api.access import Access
from providers.sandbox.azure_api.spec import AzureCloud
from providers.sandbox.client import Sandbox
from providers.sandbox.passwords import ADMINISTRATOR

ENGINES = ("mysql-5.6", "mysql-5.6")
CHOICES = {
    "service": ("classic", "flexible", "single"),
    ENDING: (NEW_NAME, SAME_NAME),
}
_TYPES = {
    "classic": "Microsoft.MySql/servers",
    "single": "Microsoft.DBforMySQL/servers",
    "flexible": "Microsoft.DBforMySQL/flexibleServers",
}
# What cannot be looked at without SELECT on everything.
_UNSEEN = (
    "databases", "accounts-grants", "server-names", "primary-keys", "engines", "table-options", "key-types",
    "counter-headroom", "foreign-key-parents", "foreign-key-names", "definers", "orphaned-objects", "schema-change",
    "only-rows", "administrators", "administrators-at-work",
)  # fmt: skip
_LAG_S = 60.0
# The simulated cloud is as much faster than the real one, and its clients write at least every so often.
_POLL_S, _STILL_S = "0.1", "0.3"


def cloud(chosen: Mapping[str, str]) -> AzureCloud:
    """See `Rehearsed`."""
    return AzureCloud(cast(Literal["classic", "flexible", "single"], chosen["service"]), chosen[ENDING])


def needs(cloud: clouds.CloudSpec) -> tuple[tuple[str, ...], Callable[[Sandbox], None] | None]:
    """See `Rehearsed`. On the classic service an administrator sees the databases' own tables and no more."""
    assert isinstance(cloud, AzureCloud)
    return (_UNSEEN if cloud.service == "classic" else ()), None


def sides(sandbox: Sandbox) -> dict[str, Any]:
    """The source as the application knows it, the replica that is still to be created, and the subscription.

    Raises:
        SandboxFailed: the sandbox has no cloud.
    """
    access, spec = Access.from_json(sandbox.cloud()), _spec(sandbox)
    user = access.administrator.user
    # What the platform itself does on a server is no client's doing.
    group = f"/subscriptions/{access.subscription_id}/resourceGroups/{access.resource_group}"
    options = {ENDING: spec.ending, "poll_s": _POLL_S, "still_s": _STILL_S}
    return {
        "source": ServerSpec(access.server, access.host, access.port, user, ADMINISTRATOR),
        "target": ServerSpec("new replica", "", 0, user, ADMINISTRATOR),
        "limits": Limits(lag_s=_LAG_S),
        "cloud": CloudSpec(
            access.location, f"{group}/providers/{_TYPES[spec.service]}/{access.server}", "given", access.url, options
        ),
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
