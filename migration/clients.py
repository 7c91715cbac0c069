"""What the clients see of a switch. Only a rehearsal can tell: there the clients are ours."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from migration.model import MigrationSpec, ServerSpec
from migration.view import FiguresView
from providers.sandbox.client import Sandbox, SandboxFailed
from providers.sandbox.figures import WorkloadFigures

_SETTLE_S = 5.0
_POLL_S = 0.05


class ClientsSilent(Exception):
    """Whoever measures the clients does not answer; the migration itself is not touched by it."""


class Clients(Protocol):
    """Whoever can tell what the clients see. Every method may raise `ClientsSilent`."""

    def protected(self) -> None:
        """The target refuses writes and follows: clients may learn its address."""
        ...

    def told(self, new: ServerSpec) -> None:
        """Clients that are refused at their own address may turn to this one."""
        ...

    def parting(self) -> None:
        """The two servers are about to part: that both take writes from here on is as it should be."""
        ...

    def suspend(self) -> None:
        """Stop them, as their operator does: nothing but that keeps them from writing anywhere."""
        ...

    def resume(self, new: ServerSpec | None) -> None:
        """Start them again after `suspend`, with another address where one is given."""
        ...

    def renew(self) -> None:
        """Let every application server open its sessions anew, as its operator does."""
        ...

    def move_next(self, new: ServerSpec) -> None:
        """Point one more application server to this side, as its operator does; nothing where all are there."""
        ...

    def switched(self, switches: int) -> FiguresView | None:
        """What they saw of the newest of so many switches; None where nobody can tell."""
        ...

    def final(self) -> FiguresView | None:
        """The final account, with lost writes looked for."""
        ...

    def over(self) -> None:
        """The migration has ended."""
        ...

    def gone(self) -> bool:
        """Whether the whole world of the migration has been taken down: only a rehearsal's can be."""
        ...


class RealClients:
    """Clients of a real migration: they tell nothing."""

    def protected(self) -> None:
        """Nothing to do."""

    def told(self, new: ServerSpec) -> None:
        """Nothing to do."""

    def parting(self) -> None:
        """Nothing to do."""

    def suspend(self) -> None:
        """The operator does."""

    def resume(self, new: ServerSpec | None) -> None:
        """The operator does."""

    def renew(self) -> None:
        """The operator does."""

    def move_next(self, new: ServerSpec) -> None:
        """The operator does."""

    def switched(self, switches: int) -> FiguresView | None:
        """Nobody can tell."""
        return None

    def final(self) -> FiguresView | None:
        """Nobody can tell."""
        return None

    def over(self) -> None:
        """Nothing to do."""

    def gone(self) -> bool:
        """Real servers come back."""
        return False


@contextlib.contextmanager
def _heard() -> Iterator[None]:
    try:
        yield
    except SandboxFailed as error:
        raise ClientsSilent(str(error)) from error


class RehearsalClients:
    """The workload of a sandbox."""

    def __init__(self, run_dir: Path, keep: bool) -> None:
        self._sandbox = Sandbox(run_dir)
        self._keep = keep

    def protected(self) -> None:
        """Let the clients know both addresses."""
        with _heard():
            self._sandbox.workload("arm")

    def told(self, new: ServerSpec) -> None:
        """Both addresses are known to the clients since `protected`."""

    def parting(self) -> None:
        """They part only once the migration is over."""

    def suspend(self) -> None:
        """Stop them; whoever watched which server takes writes stops as well, since no server is fenced."""
        with _heard():
            self._sandbox.workload("suspend")

    def resume(self, new: ServerSpec | None) -> None:
        """Let them go on."""
        with _heard():
            if new is not None:
                self._sandbox.workload("move", host=new.host, port=new.port)
            self._sandbox.workload("restart")

    def renew(self) -> None:
        """One after the other; nobody watches any more which server takes writes, since soon both do."""
        with _heard():
            self._sandbox.workload("renew")

    def move_next(self, new: ServerSpec) -> None:
        """The first that is not there yet."""
        with _heard():
            self._sandbox.workload("move_next", host=new.host, port=new.port)

    def switched(self, switches: int) -> FiguresView | None:
        """Wait until the clients have moved, then tell; None while they are suspended."""
        deadline = time.monotonic() + _SETTLE_S
        with _heard():
            if self._sandbox.workload("suspended"):
                return None
            while len(self._sandbox.figures().switches) < switches and time.monotonic() < deadline:
                time.sleep(_POLL_S)
            return self._account()

    def final(self) -> FiguresView | None:
        """Stop the clients for a moment and look for every acknowledged write."""
        with _heard():
            return self._account()

    def over(self) -> None:
        """Take the sandbox down, unless it is to stay."""
        if not self._keep:
            with _heard():
                self._sandbox.stop()

    def gone(self) -> bool:
        """The run directory goes with the sandbox."""
        return not self._sandbox.run_dir.exists()

    def _account(self) -> FiguresView:
        self._sandbox.workload("pause")
        try:
            return _view(self._sandbox.verify_lost())
        finally:
            self._sandbox.workload("resume")


def _view(figures: WorkloadFigures) -> FiguresView:
    return FiguresView(
        write_gap_ms=figures.write_gap_ms or 0.0,
        acknowledged_writes=figures.acknowledged_writes,
        lost_writes=figures.lost_writes or 0,
        both_writable_ms=figures.both_writable_ms,
    )


class CloudRehearsalClients(RehearsalClients):
    """The workload of a sandbox with a simulated cloud: it writes through the application's own address there."""

    def told(self, new: ServerSpec) -> None:
        """Let them know the new address."""
        with _heard():
            self._sandbox.repoint(new.host, new.port)

    def parting(self) -> None:
        """End the watch over who takes writes."""
        with _heard():
            self._sandbox.workload("disarm")


def clients_of(spec: MigrationSpec) -> Clients:
    """The clients of a migration."""
    if not spec.sandbox:
        return RealClients()
    kind = RehearsalClients if spec.cloud is None else CloudRehearsalClients
    return kind(Path(spec.sandbox), spec.keep_sandbox)
