"""A simulated cloud over the servers of a sandbox."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar


class Simulation(Protocol):
    """A running simulation."""

    @property
    def answered(self) -> int:
        """How many calls it has answered so far."""
        ...

    def halt(self) -> None:
        """Stop answering and begin nothing more."""
        ...

    def close(self) -> None:
        """Take down what it made."""
        ...


S = TypeVar("S", bound=Simulation)


class Rehearsed(Generic[S]):
    """A running simulation over a sandbox's servers; see `RunningCloud`."""

    def __init__(self, simulator: S) -> None:
        self._simulator = simulator

    @property
    def answered(self) -> int:
        """How many calls it has answered so far."""
        return self._simulator.answered

    def halt(self) -> None:
        """Begin nothing more: afterwards the servers can be taken down under it."""
        self._simulator.halt()

    def close(self) -> None:
        """End, when the servers are down."""
        self._simulator.close()
