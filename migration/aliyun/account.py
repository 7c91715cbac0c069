"""The operator's account with Alibaba Cloud, as the steps and checks of a migration use it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Literal, TypeVar

from migration import clouds
from migration.aliyun.addresses import places
from migration.model import CloudSpec, MigrationSpec, Secrets
from migration.placing import Place
from migration.runbook import Cloud, CloudAbsent, CloudSilent, Migration
from providers.aliyun import polardb
from providers.aliyun.calls import Write
from providers.aliyun.client import Client
from providers.aliyun.command_line import as_command, from_command
from providers.aliyun.credential_sources import find
from providers.aliyun.credentials import Credentials, CredentialSource, from_texts
from providers.aliyun.endpoints import Endpoints, everything_at
from providers.aliyun.errors import NotFound, Unanswered
from providers.aliyun.polardb_records import Migration as Found
from providers.mysql.server import Server

T = TypeVar("T")
# What every migration of this cloud has to have.
HELD = "account with Alibaba Cloud"
Rules = Literal["2019", "2026"]
_GIVEN = "given"


class Account(Cloud):
    """Calls in one region, about one RDS instance.

    What `read` and `send` raise is a `CloudFailed`: a `CloudAbsent` where there is no such thing, a `CloudSilent` where
    a write may have been carried out.
    """

    def __init__(self, spec: CloudSpec, client: Client) -> None:
        self.spec = spec
        self.client = client

    @property
    def instance_id(self) -> str:
        """The source."""
        return self.spec.resource

    @property
    def rules(self) -> Rules:
        """Which edition of the published procedure is kept to."""
        return "2019" if self.spec.options.get("rules") == "2019" else "2026"

    def read(self, ask: Callable[[Client], T]) -> T:
        """Ask something: `ask` is a function of `providers.aliyun` with everything but the client filled in."""
        with _told():
            return ask(self.client)

    def send(self, write: Write[T]) -> T:
        """Carry a write out."""
        with _told():
            return self.client.send(write)

    def migration(self, cluster: str) -> Found:
        """The migration into a cluster as it is now.

        Raises:
            CloudAbsent: the provider knows of none.
            CloudFailed: it cannot be asked about.
        """
        return self.read(lambda client: polardb.migration(client, cluster))

    def run(self, statement: str) -> None:
        """See `Cloud`."""
        self.send(from_command(statement))

    def places(self, spec: MigrationSpec) -> tuple[Place, ...]:
        """See `Cloud`."""
        try:
            return places(self.migration(spec.target.name))
        except CloudAbsent:
            # It has ended: nothing is exchanged any more.
            return ()

    def write_switch(self, server: Server) -> None:
        """See `Cloud`. The provider closes and opens both sides by itself."""

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def _told() -> AbstractContextManager[None]:
    return clouds.told(Unanswered, NotFound)


def open_account(spec: MigrationSpec, secrets: Secrets) -> Account:
    """The account that a migration was given.

    Raises:
        CloudFailed: the migration names none, or there are no credentials where it says.
    """
    given = clouds.named(spec, HELD)
    with _told():
        endpoint, region = given.endpoint, given.region
        places = everything_at(endpoint, region) if endpoint else Endpoints(region)
        return Account(given, Client(places, _credentials(given, secrets)))


def _credentials(spec: CloudSpec, secrets: Secrets) -> CredentialSource:
    if spec.access != _GIVEN:
        return find(spec.access)
    given = secrets.cloud

    def source() -> Credentials:
        token = given["token"].reveal() if "token" in given else None
        return from_texts(given["key"].reveal(), given["secret"].reveal(), token, _GIVEN)

    return source


def of(m: Migration) -> Account:
    """The account of a migration.

    Raises:
        CloudFailed: it has none.
    """
    return clouds.account(m, Account, HELD)


def send_once(m: Migration, write: Write[T]) -> bool:
    """Carry out a write that is looked for afterwards, and say whether it was answered.

    An answer that was lost is told, and no reason to send it again.

    Raises:
        CloudFailed: it was refused.
    """
    try:
        of(m).send(write)
    except CloudSilent as silent:
        m.scribe.note(f"{silent} It is not sent again; what became of it is looked for.", "warn")
        return False
    return True


def commands(*writes: Write[T]) -> tuple[str, ...]:
    """What the plan shows of calls."""
    return tuple(as_command(write) for write in writes)
