"""The operator's subscription as data-in replication into a Flexible Server uses it."""

from __future__ import annotations

from dataclasses import replace

from migration import clouds
from migration.azure.account import HELD, Account, client_of, told
from migration.azure.services import FLEXIBLE, service_of
from migration.model import CloudSpec, MigrationSpec, Secrets
from migration.runbook import CloudFailed
from providers.azure.client import Client
from providers.azure.places import Place, place_of
from providers.mysql.server import Server as MySqlServer

# Names of options, as `cutover migrate --option NAME=VALUE` takes them.
TARGET, PORT = "target", "target_port"


class DataInAccount(Account):
    """Calls about the target, which is the account's server, and about the source where it is a Flexible Server.

    The id in the migration is the source's; that of a server elsewhere is any name. The target is in the options.

    Attributes:
        origin: where the source is; None where it is no Flexible Server.
    """

    def __init__(self, spec: CloudSpec, client: Client) -> None:
        """Raises CloudFailed where the options name no Flexible Server as the target."""
        wanted = spec.options.get(TARGET, "")
        service = service_of(wanted)
        if service is None or service.name != FLEXIBLE:
            raise CloudFailed(
                f"{wanted!r} is no Flexible Server; give the target's id as --option {TARGET}=ID: "
                "/subscriptions/.../providers/Microsoft.DBforMySQL/flexibleServers/NAME."
            )
        super().__init__(replace(spec, resource=wanted), client)
        self.spec = spec
        given = service_of(spec.resource)
        self.origin = place_of(spec.resource) if given is not None and given.name == FLEXIBLE else None

    def place_of(self, server: MySqlServer) -> Place | None:
        """See `Account`. The target is known by its host alone: a source elsewhere may have any name."""
        for place in filter(None, (self.origin, self.source)):
            found = self.server(place)
            if found is not None and found.host == server.endpoint.host:
                return place
        return self.origin if self.origin is not None and server.name == self.origin.name else None


def open_account(spec: MigrationSpec, secrets: Secrets) -> DataInAccount:
    """The account that a migration was given.

    Raises:
        CloudFailed: the migration names none, or no target, or there are no credentials.
    """
    given = clouds.named(spec, HELD)
    with told():
        return DataInAccount(given, client_of(given, secrets))
