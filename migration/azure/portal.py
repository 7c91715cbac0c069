"""What only a person can do: press a button in the portal. In a rehearsal there is none, and this does it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from migration.azure.account import of
from migration.runbook import CloudFailed, Migration
from providers.azure.places import Place
from providers.sandbox.api.control import ControlRefused
from providers.sandbox.azure_api.access import Access
from providers.sandbox.client import Sandbox, SandboxFailed


class Portal(Protocol):
    """Whoever sits at the portal."""

    def promote(self, place: Place) -> None:
        """See to it that a subordinate is made a master; returns at once.

        Raises:
            CloudFailed: it is known that this will not happen.
        """
        ...


class _Person:
    """The operator, who was told what to do and is waited for."""

    def promote(self, place: Place) -> None:
        """Nothing to do."""


class _Rehearsed:
    """The simulated portal of a sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def promote(self, place: Place) -> None:
        """Press it."""
        try:
            Access.from_json(self._sandbox.cloud()).control.promote(place.name)
        except (SandboxFailed, ControlRefused, OSError) as error:
            raise CloudFailed(f"The simulated portal did not promote {place.name}: {error}") from error


def portal_of(m: Migration) -> Portal:
    """Who sits at the portal in this migration."""
    return _Rehearsed(Sandbox(Path(m.spec.sandbox))) if m.spec.sandbox else _Person()


def instructions(m: Migration) -> str:
    """What the person has to do, and where."""
    account = of(m)
    return (
        f"Open the portal's page of {account.replica.name} (MySQL Database on Azure), choose Replicate, then Upgrade, "
        "and confirm. It takes some seconds; this program sees it by itself. How the portal promotes is in no "
        "published interface, so this program cannot do it for you."
    )
