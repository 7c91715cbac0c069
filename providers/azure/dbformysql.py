"""What both services of Microsoft.DBforMySQL, Flexible and Single Server, have below the same names.

Methods that read take a client; those that change something return a `Write`, which the client begins.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from providers.azure import records
from providers.azure.actions import Product
from providers.azure.calls import Body, Goal, Write, call, nothing
from providers.azure.client import Client
from providers.azure.places import Place
from providers.azure.records import Configuration, Database, FirewallRule, Server
from providers.calling.answer import Answer


@dataclass(frozen=True)
class Service:
    """One of the two.

    Attributes:
        kind: the resource type of its servers.
        state: the dotted name of a server's state, with those that are `settled` and those that are `failed`.
        read: makes a server of an answer.
        configure: the name of the action that sets a parameter.
        charset: of a database for which none is given.
    """

    product: Product
    kind: str
    state: str
    settled: tuple[str, ...]
    failed: tuple[str, ...]
    read: Callable[[Answer], Server]
    configure: str
    charset: str

    def resource_id(self, place: Place) -> str:
        """The id by which a replica names its source."""
        return place.resource_id(self.product, self.kind)

    def server(self, client: Client, place: Place) -> Server:
        """One server as it is now.

        Raises:
            NotFound: there is none of this name.
        """
        return self.read(client.read(call(self.product, "Servers_Get", f"server {place}", place.server())))

    def servers(self, client: Client, subscription_id: str, resource_group: str) -> tuple[Server, ...]:
        """The servers of a resource group."""
        path = {"subscriptionId": subscription_id, "resourceGroupName": resource_group}
        about = f"resource group {resource_group}"
        return tuple(map(self.read, client.items(call(self.product, "Servers_ListByResourceGroup", about, path))))

    def replicas(self, client: Client, place: Place) -> tuple[Server, ...]:
        """The replicas that follow a server."""
        return tuple(map(self.read, self.listed(client, "Replicas_ListByServer", place)))

    def databases(self, client: Client, place: Place) -> tuple[Database, ...]:
        """The databases of a server, its own among them."""
        return tuple(map(records.database, self.listed(client, "Databases_ListByServer", place)))

    def database(self, client: Client, place: Place, name: str) -> Database:
        """One database.

        Raises:
            NotFound: there is none of this name.
        """
        path = place.server(databaseName=name)
        return records.database(client.read(call(self.product, "Databases_Get", f"database {name} of {place}", path)))

    def configurations(self, client: Client, place: Place) -> tuple[Configuration, ...]:
        """All parameters of a server."""
        return tuple(map(records.configuration, self.listed(client, "Configurations_ListByServer", place)))

    def configuration(self, client: Client, place: Place, name: str) -> Configuration:
        """One parameter of a server.

        Raises:
            NotFound: this service has none of this name.
        """
        path = place.server(configurationName=name)
        return records.configuration(client.read(call(self.product, "Configurations_Get", f"{name} of {place}", path)))

    def firewall_rules(self, client: Client, place: Place) -> tuple[FirewallRule, ...]:
        """Who may connect over public addresses."""
        return tuple(map(records.firewall_rule, self.listed(client, "FirewallRules_ListByServer", place)))

    def firewall_rule(self, client: Client, place: Place, name: str) -> FirewallRule:
        """One firewall rule.

        Raises:
            NotFound: there is none of this name.
        """
        path = place.server(firewallRuleName=name)
        asked = call(self.product, "FirewallRules_Get", f"rule {name} of {place}", path)
        return records.firewall_rule(client.read(asked))

    def delete_server(self, place: Place) -> Write[None]:
        """Delete a server with its data and backups. Its replicas become servers of their own."""
        path = place.server()
        goal = Goal(self.product.name, "Servers_Get", path, state=self.state, settled=self.settled, gone=True)
        return Write(call(self.product, "Servers_Delete", f"server {place}", path), nothing, goal)

    def create_database(
        self, place: Place, name: str, charset: str | None = None, collation: str | None = None
    ) -> Write[Database]:
        """A database, empty; one that is there stays as it is."""
        path = place.server(databaseName=name)
        body = {"properties": {"charset": charset or self.charset, "collation": collation}}
        request = call(self.product, "Databases_CreateOrUpdate", f"database {name} of {place}", path, body)
        return Write(request, records.database, Goal(self.product.name, "Databases_Get", path))

    def drop_database(self, place: Place, name: str) -> Write[None]:
        """Drop a database with everything in it."""
        path = place.server(databaseName=name)
        request = call(self.product, "Databases_Delete", f"database {name} of {place}", path)
        return Write(request, nothing, Goal(self.product.name, "Databases_Get", path, gone=True))

    def set_configuration(self, place: Place, name: str, value: str) -> Write[Configuration]:
        """Set a parameter. One that is not dynamic takes effect with the next restart only."""
        path = place.server(configurationName=name)
        body = records.properties({"value": value, "source": "user-override"})
        request = call(self.product, self.configure, f"{name} of {place}", path, body)
        goal = Goal(self.product.name, "Configurations_Get", path, {"properties.value": value})
        return Write(request, records.configuration, goal)

    def allow_addresses(self, place: Place, rule: str, first: str, last: str) -> Write[FirewallRule]:
        """Let addresses connect; a rule of this name is replaced."""
        path = place.server(firewallRuleName=rule)
        body = records.properties({"startIpAddress": first, "endIpAddress": last})
        request = call(self.product, "FirewallRules_CreateOrUpdate", f"rule {rule} of {place}", path, body)
        fields = {"properties.startIpAddress": first, "properties.endIpAddress": last}
        return Write(request, records.firewall_rule, Goal(self.product.name, "FirewallRules_Get", path, fields))

    def forget_addresses(self, place: Place, rule: str) -> Write[None]:
        """Delete a firewall rule."""
        path = place.server(firewallRuleName=rule)
        request = call(self.product, "FirewallRules_Delete", f"rule {rule} of {place}", path)
        return Write(request, nothing, Goal(self.product.name, "FirewallRules_Get", path, gone=True))

    def end_replication(self, place: Place) -> Write[Server]:
        """Make a replica a server of its own, which takes writes. It cannot be undone."""
        wanted = {"properties.replicationRole": records.NO_ROLE}
        return self.change("Servers_Update", place, records.properties({"replicationRole": records.NO_ROLE}), wanted)

    def listed(self, client: Client, action: str, place: Place) -> tuple[Answer, ...]:
        """What a server has a list of."""
        return client.items(call(self.product, action, f"server {place}", place.server()))

    def create(
        self, place: Place, location: str, content: Body, sku: Mapping[str, str] | None, wanted: Mapping[str, str]
    ) -> Write[Server]:
        """A new server; `sku` is its size, as the service writes it, `wanted` what it then shows beside that."""
        body: Body = {"location": location, "sku": sku, "properties": content}
        return self.change("Servers_Create", place, body, {**wanted, **({"sku.name": sku["name"]} if sku else {})})

    def change(
        self, action: str, place: Place, body: Body | None, wanted: Mapping[str, str], ready: str = "Ready"
    ) -> Write[Server]:
        """A call that a server takes, done when it shows what is `wanted` and is `ready`."""
        path = place.server()
        goal = Goal(self.product.name, "Servers_Get", path, wanted, self.state, (ready,), self.settled, self.failed)
        return Write(call(self.product, action, f"server {place}", path, body), self.read, goal)
