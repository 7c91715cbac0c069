"""Two real servers, and one made to follow the other by the product's own statements."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from providers.mysql import replication
from providers.mysql.endpoint import Account, Endpoint
from providers.mysql.position import FilePosition, Position
from providers.mysql.server import Server
from providers.sandbox import engines, passwords
from providers.sandbox.launcher import SandboxServer
from providers.sandbox.options import Positioning


@contextlib.contextmanager
def running(
    engine: str,
    run_dir: Path,
    *,
    name: str = "source",
    positioning: Positioning = Positioning.GTID,
    options: Mapping[str, str] | None = None,
) -> Iterator[SandboxServer]:
    """One server of the sandbox, installed where it is missing, and gone afterwards."""
    engines.provide([engine], lambda progress: None)
    server = SandboxServer(engines.find(engine), run_dir, name=name, positioning=positioning, options=options)
    try:
        server.start()
        yield server
    finally:
        server.destroy()


@dataclass(frozen=True)
class Two:
    """Two running servers, the positions' notation between them, and a session to each."""

    source: Server
    target: Server
    kind: type[Position]
    sandbox: tuple[SandboxServer, SandboxServer]

    def end(self, server: Server) -> Position:
        """Where a server's log ends, in this pair's notation."""
        return server.end_of_log() if self.kind is FilePosition else server.gtid_end()

    def attach(self, through: Endpoint | None = None) -> None:
        """Make the empty target follow the source from here on, and wait until it runs.

        `through`: the address by which the target reaches the source, where it is not the source's own.
        """
        position = self.end(self.source)
        if self.kind is not FilePosition:
            replication.empty_log(self.target)
        replication.set_start(self.target, position)
        start = position if isinstance(position, FilePosition) else None
        channel = replication.plan_channel(self.target, self.source, forward_account(), start)
        if through is not None:
            channel = replace(channel, host=through.host, port=through.port)
        replication.configure(self.target, channel)
        replication.start(self.target)
        replication.wait_running(self.target, 10)

    def caught_up(self, seconds: float = 10) -> None:
        """Wait until the target has what the source has now."""
        assert self.target.wait_for(self.end(self.source), seconds), self.target.replica_status()


def forward_account() -> Account:
    """With which a sandbox server logs in to another."""
    return passwords.load().replication


@contextlib.contextmanager
def two(
    source: str, target: str, run_dir: Path, kind: type[Position], options: Mapping[str, str] | None = None
) -> Iterator[Two]:
    """Two servers, not attached."""
    positioning = Positioning.FILE if kind is FilePosition else Positioning.GTID
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(2) as pool:
        started = [
            pool.submit(
                stack.enter_context,
                running(engine, run_dir / name, name=name, positioning=positioning, options=options),
            )
            for name, engine in (("source", source), ("target", target))
        ]
        first, second = (future.result() for future in started)
        sessions = [stack.enter_context(contextlib.closing(Server(one.endpoint()))) for one in (first, second)]
        yield Two(sessions[0], sessions[1], kind, (first, second))
