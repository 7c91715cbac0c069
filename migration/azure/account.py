"""The operator's subscription with Azure, as the steps and checks of a migration use it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import TypeVar

from migration import clouds
from migration.azure.services import CLASSIC, FLEXIBLE, Service, service_of
from migration.azure.write_switch import ParameterSwitch, switch_for
from migration.model import CloudSpec, MigrationSpec, Secrets
from migration.placing import Place as Address
from migration.runbook import Cloud, CloudFailed, Migration, ProviderSwitch
from providers.azure import clouds as national
from providers.azure import operations
from providers.azure.calls import Write
from providers.azure.client import Client, Running
from providers.azure.credentials import Credential, StaticToken, default_credential
from providers.azure.errors import Unanswered
from providers.azure.places import Place, place_of
from providers.azure.records import Server
from providers.mysql.errors import StatementFailed
from providers.mysql.server import Server as MySqlServer

T = TypeVar("T")
# What every migration of this cloud has to have.
HELD = "subscription with Azure"
PRODUCT = "Azure"
_GIVEN = "given"
_TAIL = "-tier"


class Account(Cloud):
    """Calls about one server, and about what is made of it in the same resource group.

    What the methods raise is a `CloudFailed`, and a `CloudSilent` where a write may have been carried out.

    Attributes:
        service: to which the server belongs.
        source: the server whose tier changes; `replica` where its successor is, or will be.
    """

    def __init__(self, spec: CloudSpec, client: Client) -> None:
        """Raises CloudFailed where the resource is no MySQL server's id."""
        self.spec = spec
        self.client = client
        service, place = service_of(spec.resource), place_of(spec.resource)
        if service is None or place is None:
            raise CloudFailed(
                f"{spec.resource!r} is no server of MySQL on Azure; give its id, as `az resource show --query id` "
                "prints it: /subscriptions/.../providers/Microsoft.DBforMySQL/flexibleServers/NAME."
            )
        self.service: Service = service
        self.source: Place = place
        self.replica: Place = replace(place, name=spec.options.get("replica") or f"{place.name}{_TAIL}")
        self._places: dict[tuple[str, str], Place] = {}
        self._switches: dict[str, ParameterSwitch] = {}

    def read(self, ask: Callable[[Client], T]) -> T:
        """Ask something: `ask` is a function of `providers.azure` with everything but the client filled in."""
        with told():
            return ask(self.client)

    def server(self, place: Place) -> Server | None:
        """A server as it is now; None where there is none of this name."""
        return self.read(lambda client: self.service.server(client, place))

    def begin(self, write: Write[T]) -> Running[T]:
        """Send a write, once."""
        with told():
            return self.client.begin(write)

    def resume(self, write: Write[T]) -> Running[None]:
        """Follow a write of an earlier run by what its resource shows."""
        return self.client.resume(operations.accepted(operations.intended(write), None))

    def run(self, statement: str) -> None:
        """See `Cloud`. No check of these runbooks offers a call."""
        raise CloudFailed(f"This program has no way to carry out {statement!r} on Azure.")

    def places(self, spec: MigrationSpec) -> tuple[Address, ...]:
        """See `Cloud`. Names are never exchanged here."""
        return ()

    def write_switch(self, server: MySqlServer) -> ProviderSwitch | None:
        """See `Cloud`: the server parameter `read_only` of a Flexible Server, where it can be set.

        Raises:
            StatementFailed: the provider cannot be asked.
        """
        if server.name not in self._switches:
            try:
                place = self.place_of(server)
                found = None if place is None else switch_for(self, server.name, place)
            except CloudFailed as error:
                raise StatementFailed(server.name, str(error)) from error
            if found is None:
                return None
            # What it remembers of its last order must not be lost.
            self._switches[server.name] = found
        return self._switches[server.name]

    def place_of(self, server: MySqlServer) -> Place | None:
        """Where one of the two servers is; None where it is no Flexible Server of this migration.

        Raises:
            CloudFailed: the provider cannot be asked.
        """
        known = (server.name, server.endpoint.host)
        if self.service.name == FLEXIBLE and known not in self._places:
            for place in (self.source, self.replica):
                found = None if server.name == place.name else self.server(place)
                if server.name == place.name or (found is not None and found.host == server.endpoint.host):
                    self._places[known] = place
        return self._places.get(known)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def told() -> AbstractContextManager[None]:
    """Make what the client raises what steps raise."""
    return clouds.told(Unanswered)


def open_account(spec: MigrationSpec, secrets: Secrets) -> Account:
    """The account that a migration was given.

    Raises:
        CloudFailed: the migration names none, or there are no credentials.
    """
    given = clouds.named(spec, HELD)
    with told():
        return Account(given, client_of(given, secrets))


def client_of(spec: CloudSpec, secrets: Secrets) -> Client:
    """What calls are made with.

    Raises:
        CloudFailed: there is no such cloud.
        AzureError: there are no credentials for it.
    """
    cloud = _cloud(spec)
    return Client(cloud, _credential(spec, cloud, secrets))


def _cloud(spec: CloudSpec) -> national.Cloud:
    if spec.endpoint:
        return national.at(spec.endpoint)
    service = service_of(spec.resource)
    usual = national.CHINA if service is not None and service.name == CLASSIC else national.PUBLIC
    wanted = spec.options.get("cloud", usual.name)
    if wanted not in national.CLOUDS:
        raise CloudFailed(f"Azure has no cloud {wanted!r}: use {', '.join(national.CLOUDS)}.")
    return national.CLOUDS[wanted]


def _credential(spec: CloudSpec, cloud: national.Cloud, secrets: Secrets) -> Credential:
    if spec.access == _GIVEN:
        return StaticToken(secrets.cloud["token"])
    return default_credential(cloud)


def of(m: Migration) -> Account:
    """The account of a migration.

    Raises:
        CloudFailed: it has none.
    """
    return clouds.account(m, Account, HELD)


def commands(*writes: Write[T]) -> tuple[str, ...]:
    """What the plan shows of calls."""
    return tuple(write.shown() for write in writes)
