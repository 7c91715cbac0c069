"""Server parameters: without SUPER they are the only way to set a variable."""

from __future__ import annotations

import time

from migration.azure.account import commands, of
from migration.azure.operating import follow, poll_s
from migration.runbook import CloudFailed, Halted, Migration, StepFailed
from providers.azure import flexible
from providers.azure.client import Running
from providers.azure.errors import Conflict, NotFound
from providers.azure.places import Place
from providers.azure.records import Configuration
from providers.mysql.server import Server


def read(m: Migration, place: Place, name: str) -> Configuration | None:
    """A parameter of a server; None where the service has none of this name.

    Raises:
        CloudFailed: the provider cannot be asked.
    """
    try:
        return of(m).read(lambda client: flexible.configuration(client, place, name))
    except CloudFailed as error:
        if isinstance(error.__cause__, NotFound):
            return None
        raise


def value(m: Migration, place: Place, name: str) -> str:
    """The value of a parameter; empty where it has none, or there is none of this name.

    Raises:
        CloudFailed: the provider cannot be asked.
    """
    found = read(m, place, name)
    return (found.value or "") if found is not None else ""


def shown(place: Place, name: str, value: str) -> str:
    """What setting one calls."""
    return commands(flexible.set_configuration(place, name, value))[0]


def put(m: Migration, step: str, place: Place, name: str, value: str) -> None:
    """Set a parameter and wait until that has ended. A server that is busy with another order is waited for.

    Raises:
        CloudFailed: it was refused, or failed.
        CloudSilent: whether it was carried out is not known.
        Halted: the operator stopped waiting.
    """
    write = flexible.set_configuration(place, name, value)
    m.scribe.statement(place.name, step, write.shown(), 0)
    while True:
        try:
            running: Running[Configuration] = of(m).begin(write)
            break
        except CloudFailed as error:
            if not isinstance(error.__cause__, Conflict):
                raise
            m.scribe.progress(step, done=0, total=0, unit="", note=str(error))
        if m.desk.halted():
            raise Halted
        time.sleep(poll_s(m))
    follow(m, step, running, write)


def place_of(m: Migration, server: Server) -> Place:
    """Where a server is that has to be a Flexible Server.

    Raises:
        StepFailed: it is none of this migration's.
        CloudFailed: the provider cannot be asked.
    """
    found = of(m).place_of(server)
    if found is None:
        raise StepFailed(f"{server.name} is no Flexible Server that this migration was given the id of.")
    return found
