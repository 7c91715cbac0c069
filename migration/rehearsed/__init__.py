"""Rehearsals in which the cloud is simulated on this machine.

A file here is about the runbook of its name: which simulated cloud it gets, and what its two sides are there.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, cast

from migration.model import Secrets
from providers.sandbox.client import Sandbox
from providers.sandbox.cloud import CloudSpec


class NoScenario(Exception):
    """What was asked of a simulated cloud cannot be had; one sentence with what can."""


class Rehearsed(Protocol):
    """A runbook's simulated cloud. A module with these names is one.

    `ENGINES`: source and target where nobody chose them. `CHOICES`: what may be chosen of the cloud, the default first.
    """

    ENGINES: tuple[str, str]
    CHOICES: Mapping[str, tuple[str, ...]]

    def cloud(self, chosen: Mapping[str, str]) -> CloudSpec:
        """The cloud; `chosen` has a value for each of `CHOICES`."""
        ...

    def needs(self, cloud: CloudSpec) -> tuple[tuple[str, ...], Callable[[Sandbox], None] | None]:
        """What an unattended rehearsal accepts of findings, and what it does where a step fails that must."""
        ...

    def sides(self, sandbox: Sandbox) -> dict[str, Any]:
        """Fields of a `MigrationSpec`: the source as the application knows it, the target, and the cloud.

        Raises:
            SandboxFailed: the sandbox has no cloud.
        """
        ...

    def secrets(self, sandbox: Sandbox) -> Secrets:
        """The passwords of both sides and the credentials of the cloud.

        Raises:
            SandboxGone: its supervisor has ended.
        """
        ...


def of(runbook: str) -> Rehearsed | None:
    """The simulated cloud of a runbook, None where only servers take part."""
    if runbook not in {module.name for module in pkgutil.iter_modules(__path__)}:
        return None
    return cast(Rehearsed, importlib.import_module(f"{__name__}.{runbook}"))


def engines(runbook: str, usual: tuple[str, str]) -> tuple[str, str]:
    """Source and target of a rehearsal where nobody chose them."""
    found = of(runbook)
    return usual if found is None else found.ENGINES


def positioning(runbook: str, asked: str) -> str:
    """How positions are known where nobody chose that: a runbook may work in one way only."""
    return getattr(of(runbook), "POSITIONING", asked) if asked == "auto" else asked


def scenario(runbook: str, wanted: Sequence[str]) -> CloudSpec | None:
    """The simulated cloud of a runbook's rehearsal, None where only servers take part.

    Args:
        runbook: its name.
        wanted: what is to be unlike the default, each as `NAME=VALUE`.

    Raises:
        NoScenario: there is no such name or value.
    """
    found = of(runbook)
    if found is None:
        if wanted:
            raise NoScenario(f"The runbook {runbook} has no simulated cloud, so there is no scenario to choose.")
        return None
    chosen = {name: values[0] for name, values in found.CHOICES.items()}
    for one in wanted:
        name, _, value = one.partition("=")
        if value not in found.CHOICES.get(name, ()):
            known = "; ".join(f"{name}={'|'.join(values)}" for name, values in found.CHOICES.items())
            raise NoScenario(f"{one!r} is no scenario; use {known}.")
        chosen[name] = value
    return found.cloud(chosen)
