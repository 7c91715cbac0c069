"""A source with data and a target, both started here."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from providers.mysql import replication, seed
from providers.mysql.endpoint import Account
from providers.mysql.position import FilePosition
from providers.mysql.server import Server
from providers.sandbox import passwords, shop
from providers.sandbox.catalogue import Engine
from providers.sandbox.cloud import Ground
from providers.sandbox.launcher import SandboxServer, connect
from providers.sandbox.options import Positioning
from providers.sandbox.spec import Pair, TopologySpec

_ATTACH_S = 15.0

Which = Literal["source", "target"]
WHICH: tuple[Which, Which] = ("source", "target")


@dataclass(frozen=True)
class StartProgress:
    """How far the start of a sandbox is; `elapsed_s` since its beginning."""

    phase: Literal["servers", "data", "attach", "cloud", "workload", "ready"]
    message: str
    elapsed_s: float


OnStartProgress = Callable[[StartProgress], None]


class Topology:
    """The two servers of a sandbox below `run_dir`."""

    def __init__(self, spec: TopologySpec, run_dir: Path) -> None:
        self.spec = spec
        self.pair: Pair = spec.resolve()
        self._run_dir = run_dir
        self.servers: dict[Which, SandboxServer] = {
            "source": self._server("source", self.pair.source),
            "target": self._server("target", self.pair.target),
        }
        further = range(2, 1 + (0 if spec.cloud is None else spec.cloud.spares))
        self._further = tuple(self._server(f"spare{number}", self.pair.target) for number in further)

    def _server(self, name: str, engine: Engine) -> SandboxServer:
        kind = SandboxServer if self.spec.cloud is None else self.spec.cloud.server()
        return kind(engine, self._run_dir / name, name=name, positioning=self.pair.positioning)

    def start(self, on_progress: OnStartProgress) -> None:
        """Start both servers, load the shop into the source, and attach the target if the spec says so.

        A target that belongs to a cloud is left for the cloud to start.

        Raises:
            EngineMissing: an engine is not installed.
            ServerFailed: a server did not start.
            ServerError: see `attach`.
        """
        began = time.monotonic()

        def report(phase: Literal["servers", "data", "attach"], message: str) -> None:
            on_progress(StartProgress(phase, message, time.monotonic() - began))

        source, target = self.servers["source"], self.servers["target"]
        alone = self.spec.cloud is not None
        titles = self.pair.source.title + ("" if alone else f" and {self.pair.target.title}")
        report("servers", f"starting {titles}")
        for spare in self._further:
            spare.reserve()
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(target.reserve if alone else target.start)
            source.start()
            owner = source.endpoint(passwords.load().administrator)
            shop.create(
                lambda: connect(owner),
                self.spec.rows,
                lambda rows: report("data", f"{rows} rows are loaded"),
                self._programs(),
            )
            other.result()
        if self.spec.attached:
            report("attach", f"making {target.name} a replica of {source.name}")
            attach(self)

    def ground(self) -> Ground:
        """What a simulated cloud stands on here."""
        return Ground(
            self.servers["source"],
            (self.servers["target"], *self._further),
            self.forward_account(),
            self.reverse_account(),
            self.pair.positioning,
            self._run_dir,
        )

    def _programs(self) -> Sequence[str]:
        carried = self.spec.cloud is None or self.spec.cloud.with_trigger
        return shop.ALL_PROGRAMS if carried else shop.PLAIN_PROGRAMS

    def forward_account(self) -> Account:
        """With which the target logs in to the source."""
        return passwords.load().replication

    def reverse_account(self) -> Account:
        """With which the source, once it is the replica, logs in to the target.

        MySQL 5.6 knows none of the login methods that MySQL 8.0 and later offer, except one that works
        without TLS only if there is no password.
        """
        accounts = passwords.load()
        source, target = self.pair.source, self.pair.target
        old_client = source.family == "mysql" and not source.at_least(5, 7)
        modern_server = target.family == "mysql" and target.at_least(8, 0)
        return accounts.old_replication if old_client and modern_server else accounts.replication

    def kill(self) -> None:
        """Kill all servers."""
        for server in self.every:
            server.kill()

    def destroy(self) -> None:
        """Kill all servers and remove their data."""
        for server in self.every:
            server.destroy()

    @property
    def every(self) -> tuple[SandboxServer, ...]:
        """Source, target, and what else a cloud has."""
        return (*self.servers.values(), *self._further)


def attach(topology: Topology) -> None:
    """Seed the target from the source, start replication and close the target to writes.

    Raises:
        ServerError: a server refused something, in its own words.
    """
    by_file = topology.pair.positioning is Positioning.FILE
    source, target = (Server(topology.servers[which].endpoint()) for which in ("source", "target"))
    try:
        target.change("SET GLOBAL read_only = ON")
        if not by_file:
            replication.empty_log(target)
        filled = seed.fill(source, target, source.databases(), by_file, lambda _: None, lambda: False)
        replication.set_start(target, filled.position)
        start = filled.position if isinstance(filled.position, FilePosition) else None
        replication.configure(target, replication.plan_channel(target, source, topology.forward_account(), start))
        replication.start(target)
        replication.wait_running(target, _ATTACH_S)
        target.change(target.dialect.fence)
    finally:
        source.close()
        target.close()
