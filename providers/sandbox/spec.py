"""What a rehearsal consists of, and which pairs of engines can replicate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from providers.sandbox import cloud as clouds
from providers.sandbox.catalogue import Engine
from providers.sandbox.cloud import CloudSpec
from providers.sandbox.engines import find
from providers.sandbox.options import Positioning

BOTH = (Positioning.GTID, Positioning.FILE)
FILE_ONLY = (Positioning.FILE,)


class UnsupportedPair(Exception):
    """These two engines cannot be source and target of one another, or not with this positioning."""


@dataclass(frozen=True)
class TopologySpec:
    """A source with data, a target, and clients that write.

    `rows` is the number of rows loaded in all, `rate` the writes per second of all follower clients
    together. With `attached` the target starts out as the source's replica. With a `cloud` the source belongs to a
    simulated one, which starts the target when it is asked for it.
    """

    source_engine: str
    target_engine: str
    positioning: Literal["auto", "gtid", "file"] = "auto"
    rows: int = 20_000
    rate: int = 200
    clients: int = 4
    attached: bool = False
    cloud: CloudSpec | None = None

    def resolve(self) -> Pair:
        """The engines and the positioning to use.

        Raises:
            UnknownEngine: an engine has no such name.
            UnsupportedPair: the pair cannot replicate this way; the sentence says why.
            ValueError: a number is out of range, or the cloud would not migrate so.
        """
        for name, value, least in (("rows", self.rows, 0), ("rate", self.rate, 1), ("clients", self.clients, 1)):
            if value < least:
                raise ValueError(f"{name} must be at least {least} and is {value}.")
        source, target = find(self.source_engine), find(self.target_engine)
        if self.cloud is not None:
            if self.attached:
                raise ValueError("The cloud attaches its target itself: leave attached out.")
            self.cloud.check(source, target)
        possible = positionings(source, target)
        if self.positioning == "auto":
            return Pair(source, target, possible[0])
        wanted = Positioning(self.positioning)
        if wanted not in possible:
            raise UnsupportedPair(
                f"{source.title} and {target.title} keep different kinds of transaction identifiers, so "
                f"{self.target_engine} can follow {self.source_engine} by file and position only: "
                f"use positioning file."
            )
        return Pair(source, target, wanted)

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {**self.__dict__, "cloud": None if self.cloud is None else clouds.as_json(self.cloud)}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> TopologySpec:
        """The reverse of `as_json`."""
        cloud = content.get("cloud")
        return TopologySpec(**{**content, "cloud": None if cloud is None else clouds.from_json(cloud)})


@dataclass(frozen=True)
class Pair:
    """Two engines that can replicate, and how."""

    source: Engine
    target: Engine
    positioning: Positioning


def positionings(source: Engine, target: Engine) -> tuple[Positioning, ...]:
    """How `target` can follow `source`, the best way first; proved by running every pair.

    Raises:
        UnsupportedPair: not at all, or there would be no way back.
    """
    if source.family == target.family:
        _require_not_older(source, target)
        return BOTH
    if source.family == "mysql" and source.at_least(8, 0):
        raise UnsupportedPair(
            f"{target.title} cannot log in to {source.title} as a replica without its login plugin, nor read all of "
            f"its events: choose a MySQL of the same series or newer as the target."
        )
    if target.family == "mysql" and target.at_least(8, 0):
        raise UnsupportedPair(
            f"{target.title} refuses the row events that {source.title} writes (error 13121, version 1 row events): "
            f"choose mysql-5.7 or a MariaDB as the target."
        )
    return FILE_ONLY


def _require_not_older(source: Engine, target: Engine) -> None:
    # MariaDB 11.8 and 10.11 read each other's events.
    if target.version >= source.version or (source.family == "mariadb" and target.at_least(10, 11)):
        return
    raise UnsupportedPair(
        f"{target.title} is older than {source.title} and MySQL-family servers are only moved to the same series or "
        f"a newer one: exchange source and target, or choose another target."
    )
