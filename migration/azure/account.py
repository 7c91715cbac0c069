"""The operator's subscription with Azure, as the steps and checks of a migration use it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from migration.azure.services import CLASSIC, Service, service_of
from migration.model import CloudSpec, MigrationSpec, Secrets
from migration.placing import Place as Address
from migration.runbook import Cloud, CloudFailed, CloudSilent, Migration
from providers.azure import clouds, operations
from providers.azure.calls import Write
from providers.azure.client import Client, Running
from providers.azure.credentials import Credential, StaticToken, default_credential
from providers.azure.errors import AzureError, Unanswered
from providers.azure.places import Place, place_of
from providers.azure.records import Server
from providers.mysql.server import Server as MySqlServer

T = TypeVar("T")
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

    def write_switch(self, server: MySqlServer) -> None:
        """See `Cloud`. What these services have for it is not used: the operator stops the applications."""

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Make what the client raises what steps raise."""
    try:
        yield
    except Unanswered as error:
        raise CloudSilent(str(error)) from error
    except AzureError as error:
        raise CloudFailed(str(error)) from error


def open_account(spec: MigrationSpec, secrets: Secrets) -> Account:
    """The account that a migration was given.

    Raises:
        CloudFailed: the migration names none, or there are no credentials.
    """
    if spec.cloud is None:
        raise CloudFailed(f"The migration {spec.id} names no subscription with Azure; begin it again with one.")
    with told():
        cloud = _cloud(spec.cloud)
        return Account(spec.cloud, Client(cloud, _credential(spec.cloud, cloud, secrets)))


def _cloud(spec: CloudSpec) -> clouds.Cloud:
    if spec.endpoint:
        return clouds.at(spec.endpoint)
    service = service_of(spec.resource)
    usual = clouds.CHINA if service is not None and service.name == CLASSIC else clouds.PUBLIC
    wanted = spec.options.get("cloud", usual.name)
    if wanted not in clouds.CLOUDS:
        raise CloudFailed(f"Azure has no cloud {wanted!r}: use {', '.join(clouds.CLOUDS)}.")
    return clouds.CLOUDS[wanted]


def _credential(spec: CloudSpec, cloud: clouds.Cloud, secrets: Secrets) -> Credential:
    if spec.access == _GIVEN:
        return StaticToken(secrets.cloud["token"])
    return default_credential(cloud)


def of(m: Migration) -> Account:
    """The account of a migration.

    Raises:
        CloudFailed: it has none.
    """
    if not isinstance(m.cloud, Account):
        raise CloudFailed("This migration has no subscription with Azure.")
    return m.cloud


def commands(*writes: Write[T]) -> tuple[str, ...]:
    """What the plan shows of calls."""
    return tuple(write.shown() for write in writes)
