"""Simulated clouds in a sandbox: what the supervisor asks of one, and which there are.

A cloud's own modules are loaded when a sandbox has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from providers.mysql.endpoint import Account
from providers.sandbox.cloud_spec import CloudSpec
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning


@dataclass(frozen=True)
class Ground:
    """The servers on which a cloud stands: the source runs and has its data, the spares have not been started.

    `forward` is what a spare logs in to the source with, `reverse` the source to a spare.
    """

    source: SandboxServer
    spares: tuple[SandboxServer, ...]
    forward: Account
    reverse: Account
    positioning: Positioning


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
        """What a client needs, secrets included, as `CloudAccess.from_json` takes it."""
        ...

    def halt(self) -> None:
        """Begin nothing more: afterwards the servers can be taken down under it."""
        ...

    def close(self) -> None:
        """End, when the servers are down."""
        ...


def server_of(spec: CloudSpec) -> type[SandboxServer]:
    """The kind of server that this cloud runs, made like a plain one."""
    from providers.sandbox.aliyun_api.servers import CloudServer

    return CloudServer


def start(spec: CloudSpec, ground: Ground) -> RunningCloud:
    """Start the cloud.

    Raises:
        ServerError: the source refuses what the spec plants in it.
    """
    from providers.sandbox.aliyun_api.rehearsed import RehearsedAliyun

    return RehearsedAliyun(spec, ground)
