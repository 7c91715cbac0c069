"""RDS's way to make an instance read-only without SUPER: the parameter read_only in a parameter group of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from migration.runbook import CloudFailed
from providers.aws import parameters
from providers.aws.calls import Write
from providers.aws.client import Client
from providers.aws.parameters import Apply, Setting
from providers.mysql.errors import StatementFailed

READ_ONLY = "read_only"
CLOSED, OPEN = "1", "0"
T = TypeVar("T")


class Caller(Protocol):
    """Who makes the calls."""

    def read(self, ask: Callable[[Client], T]) -> T:
        """Ask something."""
        ...

    def send(self, write: Write[T]) -> T:
        """Carry a write out."""
        ...


class GroupSwitch:
    """See `migration.runbook.ProviderSwitch`. The parameter is dynamic: RDS sets it within seconds, without a restart.

    It holds for every instance that uses the group, and over restarts.
    """

    def __init__(self, caller: Caller, server: str, group: str) -> None:
        self._caller = caller
        self._server = server
        self._group = group

    def close(self) -> None:
        """See `ProviderSwitch`."""
        self._set(CLOSED)

    def open(self) -> None:
        """See `ProviderSwitch`."""
        self._set(OPEN)

    def closed(self) -> bool | None:
        """See `ProviderSwitch`. Where nobody set it, an instance that is no replica is open."""
        try:
            changed = self._caller.read(lambda client: parameters.changed(client, self._group))
        except CloudFailed:
            return None
        return next((one.value for one in changed if one.name == READ_ONLY), OPEN) == CLOSED

    def _set(self, value: str) -> None:
        try:
            self._caller.send(setting(self._group, value))
        except CloudFailed as error:
            raise StatementFailed(self._server, str(error)) from error


def setting(group: str, value: str) -> Write[str | None]:
    """The call that sets read_only for every instance of a group."""
    return parameters.modify(group, [Setting(READ_ONLY, value, Apply.NOW)])
