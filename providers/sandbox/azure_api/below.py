"""What belongs to a Single or Flexible Server: databases, parameters, firewall rules, backups; what a region has."""

from __future__ import annotations

import datetime
from collections.abc import Callable

from providers.mysql.literals import quote_name
from providers.sandbox.api.refusals import Refused
from providers.sandbox.api.sessions import opened
from providers.sandbox.azure_api import parameters
from providers.sandbox.azure_api.cloud import Cloud, Machine, is_replica
from providers.sandbox.azure_api.fleet import ask
from providers.sandbox.azure_api.gateway import Answer, Json, Request, Route
from providers.sandbox.azure_api.operations import Work
from providers.sandbox.azure_api.scenario import SUBSCRIPTION
from providers.sandbox.azure_api.servers import Style, resource_id

_LOCATION = "/subscriptions/{subscriptionId}/providers/Microsoft.DBforMySQL/locations/{locationName}/capabilities"
_SCHEMATA = (
    "SELECT schema_name, default_character_set_name, default_collation_name FROM information_schema.schemata "
    "ORDER BY schema_name"
)
Act = Callable[[Request], Answer]


def routes(cloud: Cloud, style: Style) -> list[Route]:
    """What is asked below servers."""
    own = _Below(cloud, style)
    database, rule = f"{style.path}/databases/{{databaseName}}", f"{style.path}/firewallRules/{{firewallRuleName}}"
    setting = f"{style.path}/configurations/{{configurationName}}"
    flexible = style.kind == "flexible"
    rows: dict[str, tuple[str, str, Act]] = {
        "Databases_Get": ("GET", database, own.database),
        "Databases_ListByServer": ("GET", f"{style.path}/databases", own.databases),
        "Databases_CreateOrUpdate": ("PUT", database, own.create_database),
        "Databases_Delete": ("DELETE", database, own.drop_database),
        "Configurations_Get": ("GET", setting, own.parameter),
        "Configurations_ListByServer": ("GET", f"{style.path}/configurations", own.parameters),
        "Configurations_Update" if flexible else "Configurations_CreateOrUpdate": (
            "PATCH" if flexible else "PUT",
            setting,
            own.set_parameter,
        ),
        "FirewallRules_Get": ("GET", rule, own.rule),
        "FirewallRules_ListByServer": ("GET", f"{style.path}/firewallRules", own.rules),
        "FirewallRules_CreateOrUpdate": ("PUT", rule, own.put_rule),
        "FirewallRules_Delete": ("DELETE", rule, own.delete_rule),
    }
    if flexible:
        rows["Backups_ListByServer"] = ("GET", f"{style.path}/backups", own.backups)
        rows["LocationBasedCapabilities_List"] = ("GET", _LOCATION, own.capabilities)
    return [Route(f"{style.kind}:{name}", style.version, *row) for name, row in rows.items()]


def create_database(cloud: Cloud, machine: Machine, name: str, charset: str, collation: str) -> None:
    """Create a database on the real server of one that follows nobody; one that is there stays.

    Raises:
        Refused: the server is a replica, or the real one refuses it.
    """
    if is_replica(machine):
        raise Refused(400, "OperationNotAllowed", f"The server '{machine.name}' is a replica and read only.")
    if not all(word.replace("_", "").isalnum() for word in (charset, collation) if word):
        raise Refused(400, "InvalidParameterValue", "Invalid value given for parameter charset or collation.")
    options = f" CHARACTER SET {charset}" if charset else ""
    options += f" COLLATE {collation}" if collation else ""
    with opened(machine.server) as session:
        session.change(f"CREATE DATABASE IF NOT EXISTS {quote_name(name)}{options}")


def drop_database(machine: Machine, name: str) -> None:
    """Drop a database on the real server.

    Raises:
        Refused: the server is a replica.
    """
    if is_replica(machine):
        raise Refused(400, "OperationNotAllowed", f"The server '{machine.name}' is a replica and read only.")
    with opened(machine.server) as session:
        session.change(f"DROP DATABASE IF EXISTS {quote_name(name)}")


def schemata(machine: Machine) -> dict[str, tuple[str, str]]:
    """The databases of the real server with their character sets and collations."""
    return {str(name): (str(charset), str(collation)) for name, charset, collation in ask(machine.server, _SCHEMATA)}


class _Below:
    def __init__(self, cloud: Cloud, style: Style) -> None:
        self._cloud = cloud
        self._style = style

    def databases(self, request: Request) -> Answer:
        machine = self._cloud.find(self._style.kind, request.names)
        found = [self._database(machine, name, *of) for name, of in schemata(machine).items()]
        return Answer(200, {"value": found})

    def database(self, request: Request) -> Answer:
        machine = self._cloud.find(self._style.kind, request.names)
        name = request.names["databaseName"]
        found = schemata(machine).get(name)
        if found is None:
            raise _none("databases", name)
        return Answer(200, self._database(machine, name, *found))

    def create_database(self, request: Request) -> Answer:
        machine, name = self._cloud.find(self._style.kind, request.names), request.names["databaseName"]
        given = request.body.get("properties", {})
        return self._begin(
            request, machine, "Databases_CreateOrUpdate", "CreateDatabaseManagementOperation",
            lambda: create_database(
                self._cloud, machine, name, given.get("charset", ""), given.get("collation", "")
            ),
        )  # fmt: skip

    def drop_database(self, request: Request) -> Answer:
        machine, name = self._cloud.find(self._style.kind, request.names), request.names["databaseName"]
        if name not in schemata(machine):
            return Answer(204)
        title = "DropDatabaseManagementOperation"
        return self._begin(request, machine, "Databases_Delete", title, lambda: drop_database(machine, name))

    def parameters(self, request: Request) -> Answer:
        machine = self._cloud.find(self._style.kind, request.names)
        return Answer(200, {"value": parameters.listed(self._cloud, machine, resource_id(machine))})

    def parameter(self, request: Request) -> Answer:
        machine = self._cloud.find(self._style.kind, request.names)
        name = request.names["configurationName"]
        return Answer(200, parameters.one(self._cloud, machine, resource_id(machine), name))

    def set_parameter(self, request: Request) -> Answer:
        machine, name = self._cloud.find(self._style.kind, request.names), request.names["configurationName"]
        value = str(request.body.get("properties", {}).get("value", ""))
        parameters.check(self._cloud, machine, name, value)
        action = "Configurations_Update" if self._style.kind == "flexible" else "Configurations_CreateOrUpdate"
        # A server takes one order at a time.
        put = self._cloud.occupy(machine.key, lambda: parameters.put(self._cloud, machine, name, value))
        return self._begin(
            request, machine, action, "UpdateServerParameterManagementOperationV2", put,
            self._cloud.scenario.durations.parameter, give_up=lambda: self._cloud.free(machine),
        )  # fmt: skip

    def rules(self, request: Request) -> Answer:
        machine = self._cloud.find(self._style.kind, request.names)
        return Answer(200, {"value": [self._rule(machine, name) for name in machine.rules]})

    def rule(self, request: Request) -> Answer:
        machine, name = self._cloud.find(self._style.kind, request.names), request.names["firewallRuleName"]
        if name not in machine.rules:
            raise _none("firewallRules", name)
        return Answer(200, self._rule(machine, name))

    def put_rule(self, request: Request) -> Answer:
        machine, name = self._cloud.find(self._style.kind, request.names), request.names["firewallRuleName"]
        given = request.body["properties"]

        def put() -> None:
            rules = {**self._cloud.machines[machine.key].rules}
            rules[name] = (given["startIpAddress"], given["endIpAddress"])
            self._cloud.change(machine.key, rules=rules)

        title = "UpsertElasticServerFirewallRulesManagementOperation"
        return self._begin(request, machine, "FirewallRules_CreateOrUpdate", title, put)

    def delete_rule(self, request: Request) -> Answer:
        machine, name = self._cloud.find(self._style.kind, request.names), request.names["firewallRuleName"]
        if name not in machine.rules:
            return Answer(204)

        def drop() -> None:
            kept = {one: of for one, of in self._cloud.machines[machine.key].rules.items() if one != name}
            self._cloud.change(machine.key, rules=kept)

        title = "DropElasticServerFirewallRulesManagementOperation"
        return self._begin(request, machine, "FirewallRules_Delete", title, drop)

    def backups(self, request: Request) -> Answer:
        machine = self._cloud.find(self._style.kind, request.names)
        made = datetime.datetime.fromtimestamp(machine.created, datetime.UTC)
        name = f"daily_{made:%Y%m%dT%H%M%S}"
        one = {
            "properties": {"backupType": "FULL", "source": "Automatic", "completedTime": made.isoformat()},
            "id": f"{resource_id(machine)}/backups/{name}",
            "name": name,
            "type": f"Microsoft.DBforMySQL/{self._style.type}/backups",
        }
        return Answer(200, {"value": [one]})

    def capabilities(self, request: Request) -> Answer:
        sizes = [
            {"name": name, "vCores": cpus, "supportedIops": 640 * cpus, "supportedMemoryPerVCoreMB": 4096}
            for name, cpus in (("Standard_D2ds_v4", 2), ("Standard_D4ds_v4", 4))
        ]
        editions = [
            {
                "name": "GeneralPurpose",
                "supportedStorageEditions": [
                    {
                        "name": "Premium",
                        "minStorageSize": 20480,
                        "maxStorageSize": 16777216,
                        "minBackupRetentionDays": 7,
                        "maxBackupRetentionDays": 35,
                    }
                ],
                "supportedServerVersions": [{"name": name, "supportedSkus": sizes} for name in ("5.7", "8.0.21")],
            }
        ]
        zone = {
            "zone": "none",
            "supportedHAMode": ["SameZone"],
            "supportedGeoBackupRegions": [],
            "supportedFlexibleServerEditions": editions,
        }
        return Answer(200, {"value": [zone]})

    def _begin(
        self, request: Request, machine: Machine, action: str, title: str, act: Callable[[], None],
        seconds: float | None = None, give_up: Callable[[], None] = lambda: None,
    ) -> Answer:  # fmt: skip
        work = Work(
            f"{machine.kind}:{action}",
            title,
            self._style.version,
            SUBSCRIPTION,
            machine.location,
            self._cloud.scenario.durations.small if seconds is None else seconds,
            act,
            late=True,
            give_up=give_up,
        )
        return self._cloud.operations.begin(work, request.base)

    def _database(self, machine: Machine, name: str, charset: str, collation: str) -> Json:
        return self._resource(machine, "databases", name, {"charset": charset, "collation": collation})

    def _rule(self, machine: Machine, name: str) -> Json:
        first, last = machine.rules[name]
        return self._resource(machine, "firewallRules", name, {"startIpAddress": first, "endIpAddress": last})

    def _resource(self, machine: Machine, kind: str, name: str, properties: Json) -> Json:
        return {
            "id": f"{resource_id(machine)}/{kind}/{name}",
            "name": name,
            "type": f"Microsoft.DBforMySQL/{self._style.type}/{kind}",
            "properties": properties,
        }


def _none(kind: str, name: str) -> Refused:
    return Refused(404, "ResourceNotFound", f"The requested resource of type '{kind}/{name}' was not found.")
