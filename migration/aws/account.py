"""The operator's account with AWS, as the steps and checks of a migration use it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from migration import clouds
from migration.aws.switch import GroupSwitch
from migration.model import CloudSpec, MigrationSpec, Secrets
from migration.placing import Place
from migration.runbook import Cloud, CloudFailed, Migration, ProviderSwitch
from providers.aws import instances
from providers.aws.access import Access, Key
from providers.aws.calls import Write
from providers.aws.client import Client
from providers.aws.errors import NotFound, Unanswered
from providers.aws.records import Instance
from providers.mysql.errors import StatementFailed
from providers.mysql.server import Server

T = TypeVar("T")
# What every migration of this cloud has to have.
HELD = "account with AWS"
A = TypeVar("A", bound="Account")
_GIVEN, _PROFILE = "given", "profile:"
_DEFAULT_GROUP = "default."
# RDS's longest name is of 63 characters.
_NAME_CHARS = 48


class Account(Cloud):
    """Calls in one region, about one RDS instance and the replica that a migration makes of it.

    What `read` and `send` raise is a `CloudFailed`: a `CloudAbsent` where there is no such thing, a `CloudSilent` where
    a write may have been carried out.
    """

    def __init__(self, spec: CloudSpec, client: Client, migration: MigrationSpec) -> None:
        self.spec = spec
        self.client = client
        self._migration = migration
        # Once an instance has a group of its own it is not given the default one again.
        self._groups: dict[str, str] = {}

    @property
    def instance_id(self) -> str:
        """The source."""
        return self.spec.resource

    @property
    def replica_id(self) -> str:
        """What the replica of this migration is called."""
        return self.own_id

    @property
    def own_id(self) -> str:
        """The name of what this migration makes: after the source, as the IAM policies want it."""
        mark = hashlib.sha256(self._migration.id.encode()).hexdigest()[:6]
        return f"{self.spec.resource[:_NAME_CHARS].rstrip('-')}-r{mark}"

    def read(self, ask: Callable[[Client], T]) -> T:
        """Ask something: `ask` is a function of `providers.aws` with everything but the client filled in."""
        with _told():
            return ask(self.client)

    def send(self, write: Write[T]) -> T:
        """Carry a write out."""
        with _told():
            return self.client.send(write)

    def run(self, statement: str) -> None:
        """See `Cloud`. No check of RDS offers a change of the provider's."""
        raise CloudFailed(f"This program makes no such change in AWS: {statement}. Make it in the console.")

    def places(self, spec: MigrationSpec) -> tuple[Place, ...]:
        """See `Cloud`. RDS exchanges no endpoints here."""
        return ()

    def write_switch(self, server: Server) -> ProviderSwitch | None:
        """See `Cloud`: read_only in the parameter group of the instance, where it has one of its own.

        Raises:
            StatementFailed: RDS cannot be asked.
        """
        wanted = self.instance_id if server.name == self._migration.source.name else self.replica_id
        if wanted not in self._groups:
            try:
                found = self.read(lambda client: instances.find(client, wanted))
            except CloudFailed as error:
                raise StatementFailed(server.name, str(error)) from error
            group = None if found is None else own_group(found)
            if group is None:
                return None
            self._groups[wanted] = group
        return GroupSwitch(self, server.name, self._groups[wanted])

    def close(self) -> None:
        """Close the connections."""
        self.client.close()


def own_group(found: Instance) -> str | None:
    """The parameter group of an instance; None where that is a default one, which nobody can change."""
    names = [one.name for one in found.parameter_groups or () if one.name]
    return next((name for name in names if not name.startswith(_DEFAULT_GROUP)), None)


def _told() -> AbstractContextManager[None]:
    return clouds.told(Unanswered, NotFound)


def open_account(spec: MigrationSpec, secrets: Secrets) -> Account:
    """The account that a migration was given.

    `access` is `given` where the key comes with the secrets, `profile:NAME`, or empty for the SDK's default chain.

    Raises:
        CloudFailed: the migration names none, or what it says of it cannot be used.
    """
    return opened(Account, spec, secrets)


def opened(kind: type[A], spec: MigrationSpec, secrets: Secrets) -> A:
    """An account as one runbook uses it; raises as `open_account`."""
    given = clouds.named(spec, HELD)
    with _told():
        return kind(given, Client(_access(given, secrets)), spec)


def _access(spec: CloudSpec, secrets: Secrets) -> Access:
    region, endpoint = spec.region or None, spec.endpoint or None
    if spec.access == _GIVEN:
        given = secrets.cloud
        return Access(region, None, endpoint, Key(given["key"], given["secret"], given.get("token")))
    return Access(region, spec.access.removeprefix(_PROFILE) or None, endpoint)


def of(m: Migration) -> Account:
    """The account of a migration.

    Raises:
        CloudFailed: it has none.
    """
    return clouds.account(m, Account, HELD)
