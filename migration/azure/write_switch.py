"""Flexible Server's way to become read-only without SUPER: its server parameter `read_only`.

No page of the provider's lists it among the settable ones; a published run of 2026 between two such servers sets it
with `az mysql flexible-server parameter set --name read_only --value ON` before its cutover. So the server itself is
asked whether it is read-only there. Single Server and the classic service have no such parameter.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol, TypeVar

from migration.runbook import CloudFailed
from providers.azure import flexible
from providers.azure.calls import Write
from providers.azure.client import Client, Running
from providers.azure.errors import AzureError, Conflict
from providers.azure.operations import Outcome
from providers.azure.places import Place
from providers.azure.records import Configuration
from providers.mysql.errors import StatementFailed

READ_ONLY = "read_only"
CLOSED, OPEN = "ON", "OFF"
# A server takes one order at a time; setting a parameter was recorded to take 15 s.
_PATIENCE_S = 45.0
_AGAIN_S = 0.25
T = TypeVar("T")


class Caller(Protocol):
    """Who makes the calls."""

    def read(self, ask: Callable[[Client], T]) -> T:
        """Ask something."""
        ...

    def begin(self, write: Write[T]) -> Running[T]:
        """Send a write, once."""
        ...


class ParameterSwitch:
    """See `migration.runbook.ProviderSwitch`. The parameter is dynamic, and holds over restarts.

    An order is carried out some time after it was taken, so what the parameter shows is believed only once the last
    order is known to have ended: one that is still under way would close a server that was found open.
    """

    def __init__(self, caller: Caller, server: str, place: Place) -> None:
        self._caller = caller
        self._server = server
        self._place = place
        self._last: Running[Configuration] | None = None

    def close(self) -> None:
        """See `ProviderSwitch`."""
        self._order(CLOSED)

    def open(self) -> None:
        """See `ProviderSwitch`."""
        self._order(OPEN)

    def closed(self) -> bool | None:
        """See `ProviderSwitch`. None as well where an order of an earlier run may still be under way."""
        try:
            ended = self._last is not None and self._last.look().outcome is Outcome.DONE
            found = setting(self._caller, self._place)
        except (AzureError, CloudFailed):
            return None
        shown = {CLOSED: True, OPEN: False}.get((found.value or "").upper())
        return shown if ended or shown else None

    def _order(self, value: str) -> None:
        """Have it set; waits where the server is busy with an order before this one."""
        write, until = flexible.set_configuration(self._place, READ_ONLY, value), time.monotonic() + _PATIENCE_S
        while True:
            # Until this one is taken nothing is known to have ended.
            self._last = None
            try:
                self._last = self._caller.begin(write)
            except CloudFailed as error:
                if not isinstance(error.__cause__, Conflict) or time.monotonic() > until:
                    raise StatementFailed(self._server, str(error)) from error
                time.sleep(_AGAIN_S)
            else:
                return


def setting(caller: Caller, place: Place) -> Configuration:
    """The parameter of a server as the provider shows it.

    Raises:
        CloudFailed: the provider cannot be asked, or has no such parameter.
    """
    return caller.read(lambda client: flexible.configuration(client, place, READ_ONLY))


def switch_for(caller: Caller, server: str, place: Place) -> ParameterSwitch | None:
    """The switch of a server that the provider lets one set; None where it does not.

    Raises:
        CloudFailed: as `setting`.
    """
    found = setting(caller, place)
    return None if found.fixed is not False else ParameterSwitch(caller, server, place)
