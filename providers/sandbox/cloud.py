"""Simulated clouds in a sandbox: what one is described by, and what the supervisor asks of one.

A cloud is a package `<kind>_api` here whose module `spec` has a class of `CloudSpec`s and `from_json`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

from providers.mysql.endpoint import Account
from providers.sandbox.catalogue import Engine
from providers.sandbox.options import Positioning

if TYPE_CHECKING:
    from providers.sandbox.launcher import SandboxServer

_KIND = "kind"


@dataclass(frozen=True)
class Ground:
    """The servers on which a cloud stands: the source runs and has its data, the spares have not been started.

    `forward` is what a spare logs in to the source with, `reverse` the source to a spare. The first spare is the
    server that the rehearsal knows as the target. `run_dir`: a place for whatever else the cloud keeps.
    """

    source: SandboxServer
    spares: tuple[SandboxServer, ...]
    forward: Account
    reverse: Account
    positioning: Positioning
    run_dir: Path


class RunningCloud(Protocol):
    """A simulated cloud over the servers of a sandbox; its methods may be called from any thread."""

    @property
    def application(self) -> tuple[str, int]:
        """Host and port by which the application knows its database."""
        ...

    @property
    def answered(self) -> int:
        """How many calls it has answered so far."""
        ...

    def access(self) -> dict[str, Any]:
        """What a client needs, as JSON values, secrets included; each cloud has a class that reads its own."""
        ...

    def halt(self) -> None:
        """Begin nothing more: afterwards the servers can be taken down under it."""
        ...

    def close(self) -> None:
        """End, when the servers are down."""
        ...


class CloudSpec(Protocol):
    """What a simulated cloud is: a frozen description with nothing that runs."""

    @property
    def kind(self) -> str:
        """The word before `_api` in the name of its package."""
        ...

    @property
    def spares(self) -> int:
        """On how many servers besides the source it stands."""
        ...

    @property
    def with_trigger(self) -> bool:
        """Whether the shop has its trigger."""
        ...

    def check(self, source: Engine, target: Engine) -> None:
        """See whether this cloud would migrate so.

        Raises:
            ValueError: it would not; the sentence says why.
        """
        ...

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        ...

    def server(self) -> type[SandboxServer]:
        """The kind of server that this cloud runs, made like a plain one."""
        ...

    def start(self, ground: Ground) -> RunningCloud:
        """Start the cloud.

        Raises:
            ServerError: the source refuses what the spec plants in it.
        """
        ...


def as_json(spec: CloudSpec) -> dict[str, Any]:
    """A description as JSON values, with its kind."""
    return {_KIND: spec.kind, **spec.as_json()}


def from_json(content: Mapping[str, Any]) -> CloudSpec:
    """The reverse of `as_json`. A cloud's own modules are loaded when a sandbox has it.

    Raises:
        ValueError: there is no such kind of cloud.
    """
    kind, rest = content[_KIND], {name: value for name, value in content.items() if name != _KIND}
    package = importlib.import_module(__package__)
    known = sorted(one.name.removesuffix("_api") for one in pkgutil.iter_modules(package.__path__) if one.ispkg)
    if kind not in known:
        raise ValueError(f"There is no simulated cloud of the kind {kind!r}: use {', '.join(known)}.")
    module = importlib.import_module(f"{__package__}.{kind}_api.spec")
    return cast(CloudSpec, module.from_json(rest))
