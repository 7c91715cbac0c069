"""Which calls are made, in which service, and what the caller must be allowed to do for each.

`docs/azure-roles.md` shows the roles that `role` makes of this table. Names of actions are the `operationId`s of
Microsoft's descriptions of each version; those of the 2015-09-01 service, which has none, are of our own making.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from providers.calling.tiers import Tier

_GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/"
_DMS_GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{groupName}/providers/"
_VERBS = {"GET": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}
# To be replaced by the operator: a role is valid below one or more resource groups.
SCOPE_PLACEHOLDER = "/subscriptions/YOUR-SUBSCRIPTION/resourceGroups/YOUR-RESOURCE-GROUP"
NEW_VERSION = "2020-01-01"


@dataclass(frozen=True)
class Product:
    """A service: its name here, its api-version, the provider's namespace, and what it is called on screens."""

    name: str
    version: str
    namespace: str
    title: str


FLEXIBLE = Product("flexible", "2021-05-01", "Microsoft.DBforMySQL", "Flexible Server")
SINGLE = Product("single", "2017-12-01", "Microsoft.DBforMySQL", "Single Server")
CLASSIC = Product("classic", "2015-09-01", "Microsoft.MySql", "MySQL Database on Azure")
DMS = Product("datamigration", "2021-06-30", "Microsoft.DataMigration", "Database Migration Service")


@dataclass(frozen=True)
class Action:
    """One call.

    Attributes:
        functions: the functions of this package that send it, as `file.function`.
        path: below the management endpoint, its parameters in braces.
        sdk: the method of the vendor's client, as `group.method`; empty where there is no such client.
        version: the api-version it is sent with.
        documented: whether the provider describes it; else it follows from how its other resources are addressed.
    """

    product: Product
    name: str
    tier: Tier
    functions: tuple[str, ...]
    method: str
    path: str
    sdk: str
    version: str
    documented: bool = True

    @property
    def permission(self) -> str:
        """What a role must allow for it: the resource's type and what the method does, as Resource Manager forms it."""
        kind = re.sub(r"/\{\w+\}", "", self.path.rpartition("/providers/")[2])
        return f"{kind}/{_VERBS[self.method]}"

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters of the path, in its order."""
        return tuple(re.findall(r"\{(\w+)\}", self.path))


ACTIONS: dict[tuple[str, str], Action] = {}


def _add(product: Product, tier: Tier, base: str, rows: Mapping[str, tuple[str, str, str]], version: str = "") -> None:
    """Add actions: name to method with the rest of the path, the SDK's method, and the functions that send it."""
    for name, (request, sdk, functions) in rows.items():
        method, _, rest = request.partition(" ")
        ACTIONS[product.name, name] = Action(
            product,
            name,
            tier,
            tuple(f"{product.name}.{function}" for function in functions.split()),
            method,
            base + rest,
            sdk,
            version or product.version,
            documented=not name.startswith("Undescribed"),
        )


_ONE = "/{serverName}"
_RULE = "/{serverName}/firewallRules/{firewallRuleName}"
_DATABASE = "/{serverName}/databases/{databaseName}"
_SETTING = "/{serverName}/configurations/{configurationName}"

# What both services of Microsoft.DBforMySQL have below the same names.
_SERVERS = {
    "Servers_Get": (f"GET {_ONE}", "servers.get", "server"),
    "Servers_ListByResourceGroup": ("GET ", "servers.list_by_resource_group", "servers"),
    "Replicas_ListByServer": (f"GET {_ONE}/replicas", "replicas.list_by_server", "replicas"),
}
_BELOW = {
    "Databases_Get": (f"GET {_DATABASE}", "databases.get", "database"),
    "Databases_ListByServer": (f"GET {_ONE}/databases", "databases.list_by_server", "databases"),
    "Configurations_Get": (f"GET {_SETTING}", "configurations.get", "configuration"),
    "Configurations_ListByServer": (f"GET {_ONE}/configurations", "configurations.list_by_server", "configurations"),
    "FirewallRules_Get": (f"GET {_RULE}", "firewall_rules.get", "firewall_rule"),
    "FirewallRules_ListByServer": (f"GET {_ONE}/firewallRules", "firewall_rules.list_by_server", "firewall_rules"),
}
_POWER = {
    "Servers_Start": (f"POST {_ONE}/start", "servers.begin_start", "start_server"),
    "Servers_Stop": (f"POST {_ONE}/stop", "servers.begin_stop", "stop_server"),
}
_DATABASES = {
    "Databases_CreateOrUpdate": (f"PUT {_DATABASE}", "databases.begin_create_or_update", "create_database"),
    "Databases_Delete": (f"DELETE {_DATABASE}", "databases.begin_delete", "drop_database"),
}
_RULES = {
    "FirewallRules_CreateOrUpdate": (f"PUT {_RULE}", "firewall_rules.begin_create_or_update", "allow_addresses"),
    "FirewallRules_Delete": (f"DELETE {_RULE}", "firewall_rules.begin_delete", "forget_addresses"),
}
_DELETE = {"Servers_Delete": (f"DELETE {_ONE}", "servers.begin_delete", "delete_server")}

_FLEXIBLE = _GROUP + "Microsoft.DBforMySQL/flexibleServers"
_BACKUPS = {"Backups_ListByServer": (f"GET {_ONE}/backups", "backups.list_by_server", "backups")}
_add(FLEXIBLE, Tier.OBSERVE, _FLEXIBLE, {**_SERVERS, **_BACKUPS, **_BELOW})
_add(
    FLEXIBLE,
    Tier.OBSERVE,
    "/subscriptions/{subscriptionId}/providers/Microsoft.DBforMySQL/locations/{locationName}",
    {"LocationBasedCapabilities_List": ("GET /capabilities", "location_based_capabilities.list", "capabilities")},
)
_add(
    FLEXIBLE,
    Tier.MIGRATE,
    _FLEXIBLE,
    {
        "Servers_Create": (f"PUT {_ONE}", "servers.begin_create", "create_server create_replica restore"),
        "Servers_Update": (f"PATCH {_ONE}", "servers.begin_update", "promote_replica resize set_high_availability"),
        **_POWER,
        **_DATABASES,
        "Configurations_Update": (f"PATCH {_SETTING}", "configurations.begin_update", "set_configuration"),
        **_RULES,
    },
)
_add(FLEXIBLE, Tier.RELEASE, _FLEXIBLE, _DELETE)

_SINGLE = _GROUP + "Microsoft.DBforMySQL/servers"
_add(SINGLE, Tier.OBSERVE, _SINGLE, {**_SERVERS, **_BELOW})
_add(
    SINGLE,
    Tier.MIGRATE,
    _SINGLE,
    {
        "Servers_Create": (f"PUT {_ONE}", "servers.begin_create", "create_replica restore"),
        "Servers_Update": (f"PATCH {_ONE}", "servers.begin_update", "stop_replication resize"),
        **_DATABASES,
        "Configurations_CreateOrUpdate": (
            f"PUT {_SETTING}",
            "configurations.begin_create_or_update",
            "set_configuration",
        ),
        **_RULES,
    },
)
_add(SINGLE, Tier.MIGRATE, _SINGLE, _POWER, NEW_VERSION)
_add(SINGLE, Tier.RELEASE, _SINGLE, _DELETE)

_CLASSIC = _GROUP + "Microsoft.MySql/servers"
_add(
    CLASSIC,
    Tier.OBSERVE,
    _CLASSIC,
    {
        "Servers_Get": (f"GET {_ONE}", "", "server"),
        "Undescribed_Backups_List": (f"GET {_ONE}/backups", "", "backups"),
        "Undescribed_Backups_Get": (f"GET {_ONE}/backups/{{backupName}}", "", "backup"),
        "Undescribed_Databases_Get": (f"GET {_DATABASE}", "", "database"),
        "Undescribed_Databases_List": (f"GET {_ONE}/databases", "", "databases"),
    },
)
_add(
    CLASSIC,
    Tier.MIGRATE,
    _CLASSIC,
    {
        "Servers_Create": (f"PUT {_ONE}", "", "create_replica restore"),
        "Servers_Update": (f"PATCH {_ONE}", "", "resize set_options"),
        "Backups_Create": (f"PUT {_ONE}/backups/{{backupName}}", "", "back_up"),
        "Databases_Create": (f"PUT {_DATABASE}", "", "create_database"),
        "Undescribed_Databases_Delete": (f"DELETE {_DATABASE}", "", "drop_database"),
        "FirewallRules_Create": (f"PUT {_RULE}", "", "allow_addresses"),
    },
)
_add(
    CLASSIC,
    Tier.RELEASE,
    _CLASSIC,
    {"Undescribed_Servers_Delete": (f"DELETE {_ONE}", "", "delete_server")},
)

_SERVICES = _DMS_GROUP + "Microsoft.DataMigration/services"
_SERVICE = "/{serviceName}"
_PROJECT = _SERVICE + "/projects/{projectName}"
_TASK = _PROJECT + "/tasks/{taskName}"
_add(
    DMS,
    Tier.OBSERVE,
    _SERVICES,
    {
        "Services_Get": (f"GET {_SERVICE}", "services.get", "service"),
        "Services_ListByResourceGroup": ("GET ", "services.list_by_resource_group", "services"),
        "Services_CheckStatus": (f"POST {_SERVICE}/checkStatus", "services.check_status", "service_status"),
        "Services_ListSkus": (f"GET {_SERVICE}/skus", "services.list_skus", "service_skus"),
        "Projects_Get": (f"GET {_PROJECT}", "projects.get", "project"),
        "Tasks_Get": (f"GET {_TASK}", "tasks.get", "task"),
        "Tasks_List": (f"GET {_PROJECT}/tasks", "tasks.list", "list_tasks"),
    },
)
_add(
    DMS,
    Tier.OBSERVE,
    "/subscriptions/{subscriptionId}/providers/Microsoft.DataMigration",
    {"ResourceSkus_ListSkus": ("GET /skus", "resource_skus.list_skus", "skus")},
)
_add(
    DMS,
    Tier.MIGRATE,
    _SERVICES,
    {
        "Services_CreateOrUpdate": (f"PUT {_SERVICE}", "services.begin_create_or_update", "create_service"),
        "Services_Start": (f"POST {_SERVICE}/start", "services.begin_start", "start_service"),
        "Services_Stop": (f"POST {_SERVICE}/stop", "services.begin_stop", "stop_service"),
        "Projects_CreateOrUpdate": (f"PUT {_PROJECT}", "projects.create_or_update", "create_project"),
        "Tasks_CreateOrUpdate": (f"PUT {_TASK}", "tasks.create_or_update", "create_task"),
        "Tasks_Command": (f"POST {_TASK}/command", "tasks.command", "complete_database"),
        "Tasks_Cancel": (f"POST {_TASK}/cancel", "tasks.cancel", "cancel_task"),
    },
)
_add(
    DMS,
    Tier.RELEASE,
    _SERVICES,
    {
        "Services_Delete": (f"DELETE {_SERVICE}", "services.begin_delete", "delete_service"),
        "Projects_Delete": (f"DELETE {_PROJECT}", "projects.delete", "delete_project"),
        "Tasks_Delete": (f"DELETE {_TASK}", "tasks.delete", "delete_task"),
    },
)

# How a long-running operation is followed; its address comes with the answer that began it.
_FOLLOWED = (
    "Microsoft.DBforMySQL/locations/azureAsyncOperation/read",
    "Microsoft.DBforMySQL/locations/operationResults/read",
    "Microsoft.DataMigration/locations/operationStatuses/read",
    "Microsoft.DataMigration/locations/operationResults/read",
)


def role(tier: Tier) -> dict[str, object]:
    """The custom role for exactly the calls of a tier, as a JSON document. The tiers do not overlap."""
    wanted = [action.permission for action in ACTIONS.values() if action.tier is tier]
    more = _FOLLOWED if tier is Tier.OBSERVE else ()
    return {
        "Name": f"mysql-cutover {tier}",
        "IsCustom": True,
        "Description": f"What the mysql-cutover wizard needs to {tier}",
        "Actions": [*dict.fromkeys(wanted), *more],
        "NotActions": [],
        "DataActions": [],
        "NotDataActions": [],
        "AssignableScopes": [SCOPE_PLACEHOLDER],
    }
