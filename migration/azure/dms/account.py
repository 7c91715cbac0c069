"""The operator's subscription as a migration by Database Migration Service uses it: target, service, project."""

from __future__ import annotations

from dataclasses import replace

from migration import clouds
from migration.azure.account import HELD, Account, client_of, told
from migration.azure.services import FLEXIBLE, SINGLE, Service, service_of
from migration.model import CloudSpec, MigrationSpec, Secrets
from migration.runbook import CloudFailed, Migration
from providers.azure import datamigration
from providers.azure.client import Client
from providers.azure.datamigration import Service as MigrationService
from providers.azure.errors import NotFound
from providers.azure.places import Place, place_of
from providers.azure.records import Server

# What every migration of this kind has to have.
DMS_HELD = "subscription with a migration service"
# Names of options, as `cutover migrate --option NAME=VALUE` takes them.
TARGET, SERVICE, SUBNET, SKU, PROJECT = "target", "service", "subnet", "service_sku", "project"
DEFAULT_SKU = "Premium_4vCores"
_DEFAULT_SERVICE = "cutover-dms"
_START = "start the migration service "
_START_S, _LOOK_S = 1800.0, 1.0
_TAIL_CHARS = 8


class DmsAccount(Account):
    """Calls about the target, the source where it is Azure's, and the migration service between them.

    The id in the migration is the source's; that of a server elsewhere is any name. The target is in the options.

    Attributes:
        target: the Flexible Server, which may still have to be made.
        origin: the source with its service; None where it is no server of Azure's.
        dms: the migration service.
    """

    def __init__(self, spec: CloudSpec, client: Client) -> None:
        """Raises CloudFailed where the options name no Flexible Server as the target."""
        wanted = spec.options.get(TARGET, "")
        service = service_of(wanted)
        if service is None or service.name != FLEXIBLE:
            raise CloudFailed(
                f"{wanted!r} is no Flexible Server; give the target's id as --option target=ID, as `az resource show "
                "--query id` prints it: /subscriptions/.../providers/Microsoft.DBforMySQL/flexibleServers/NAME."
            )
        super().__init__(replace(spec, resource=wanted), client)
        self.spec = spec
        self.target: Place = self.source
        self.origin = _origin(spec.resource)
        self.dms = _service(spec.options.get(SERVICE, _DEFAULT_SERVICE), self.target)

    @property
    def sku(self) -> str:
        """The size of a migration service that is to be made."""
        return self.spec.options.get(SKU, DEFAULT_SKU)

    def source_server(self) -> Server | None:
        """The source as its service describes it; None where it is elsewhere.

        Raises:
            CloudFailed: it cannot be asked, or there is none.
        """
        if self.origin is None:
            return None
        service, place = self.origin
        found = self.read(lambda client: service.server(client, place))
        if found is None:
            raise CloudFailed(f"There is no server {place}: check its name, resource group and subscription.")
        return found

    def migration_service(self) -> MigrationService | None:
        """The migration service as it is now; None where there is none of this name."""
        try:
            return self.read(lambda client: datamigration.service(client, self.dms))
        except CloudFailed as error:
            if absent(error):
                return None
            raise

    def starting(self) -> str:
        """How a finding offers to start the migration service."""
        return f"{_START}{self.dms}"

    def run(self, statement: str) -> None:
        """See `Cloud`: starting the migration service is all that is offered."""
        if statement != self.starting():
            super().run(statement)
        running = self.begin(datamigration.start_service(self.dms))
        seen = running.wait(_START_S, _LOOK_S)
        if seen.outcome != "done":
            raise CloudFailed(f"{self.dms} was not started: {seen.words} {seen.code}. Start it in the portal.")


def absent(error: CloudFailed) -> bool:
    """Whether the provider knows of nothing by the name that it was asked about."""
    return isinstance(error.__cause__, NotFound)


def open_account(spec: MigrationSpec, secrets: Secrets) -> DmsAccount:
    """The account that a migration was given.

    Raises:
        CloudFailed: the migration names none, or there are no credentials.
    """
    given = clouds.named(spec, HELD)
    with told():
        return DmsAccount(given, client_of(given, secrets))


def of(m: Migration) -> DmsAccount:
    """The account of a migration.

    Raises:
        CloudFailed: it has none.
    """
    return clouds.account(m, DmsAccount, DMS_HELD)


def project_of(m: Migration) -> str:
    """The project's name: one for each migration, unless one was asked for."""
    return of(m).spec.options.get(PROJECT) or f"cutover-{tail_of(m)}"


def tail_of(m: Migration) -> str:
    """What tells the tasks of this migration from those of others."""
    return "".join(one for one in m.spec.id.lower() if one.isalnum())[-_TAIL_CHARS:]


def _origin(resource: str) -> tuple[Service, Place] | None:
    service, place = service_of(resource), place_of(resource)
    if service is None or place is None or service.name not in (SINGLE, FLEXIBLE):
        return None
    return service, place


def _service(wanted: str, target: Place) -> Place:
    """By its id, or by its name where it is in the target's group."""
    return place_of(wanted) or replace(target, name=wanted)
