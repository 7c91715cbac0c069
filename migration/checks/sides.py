"""What the topics share when they look at both servers in the same way."""

from __future__ import annotations

from migration.check import Pair
from migration.checks import facts
from migration.model import Side
from providers.mysql.server import Server

_ON = frozenset({"ON", "1", "YES", "TRUE"})


def sides(pair: Pair) -> tuple[tuple[Side, Server], tuple[Side, Server]]:
    """Both servers, the source first.

    Raises:
        NoTarget: only a source is looked at.
    """
    return (Side.SOURCE, pair.source), (Side.TARGET, pair.target)


def looked_at(pair: Pair) -> tuple[tuple[Side, Server], ...]:
    """The source, and the target where one is looked at as well."""
    return ((Side.SOURCE, pair.source),) if pair.other is None else sides(pair)


def setting(pair: Pair, server: Server, *names: str) -> str | None:
    """The value of a global variable under the first of these names that the server knows; None where it has none."""
    every = facts.variables(pair, server)
    return next((every[name] for name in names if name in every), None)


def number(pair: Pair, server: Server, *names: str) -> int | None:
    """The same for a variable that is a whole number."""
    value = setting(pair, server, *names)
    return None if value is None else int(float(value))


def is_on(pair: Pair, server: Server, *names: str) -> bool:
    """Whether a switch is on; False where the server has none of these names."""
    return (setting(pair, server, *names) or "").upper() in _ON


def known_as(pair: Pair, server: Server, *names: str) -> str:
    """The name under which the server has a variable: the first that it knows, or the first of all."""
    every = facts.variables(pair, server)
    return next((name for name in names if name in every), names[0])
