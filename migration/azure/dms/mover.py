"""The switch: offline or online, whichever was chosen. There is no way back from either."""

from __future__ import annotations

from types import ModuleType
from typing import cast

from migration.azure.dms import by_copy, by_following
from migration.azure.dms.way import offline
from migration.cutover.attempt import CONTENT, Switchover
from migration.model import Direction
from migration.runbook import Estimate, Migration, Mover
from migration.view import Condition

__all__ = ["arms", "estimate", "keep", "parts", "ready", "settle", "statements", "switch"]


def _mover(m: Migration) -> Mover:
    module: ModuleType = by_copy if offline(m) else by_following
    return cast(Mover, module)


def parts(m: Migration) -> tuple[tuple[str, str], ...]:
    """See `Mover`."""
    return tuple(one for one in _mover(m).parts(m) if one[0] != CONTENT or m.prover is not None)


def statements(m: Migration) -> tuple[str, ...]:
    """What will be done."""
    return _mover(m).statements(m)


def estimate(m: Migration) -> Estimate:
    """How long writes are off."""
    return _mover(m).estimate(m)


def arms(m: Migration) -> bool:
    """Nothing opens by itself."""
    return False


def keep(m: Migration, direction: Direction) -> None:
    """The accounts of the target stay locked by themselves."""


def ready(m: Migration, direction: Direction) -> tuple[Condition, ...]:
    """See `Mover`. There is no move back."""
    return () if direction is Direction.ROLLBACK else _mover(m).ready(m, direction)


def switch(m: Migration, s: Switchover) -> None:
    """See `Mover`."""
    m.scribe.attempt(
        s.number, s.direction,
        old=s.old.name, new=s.new.name, actor=s.actor, budget_s=m.spec.limits.fence_s, parts=parts(m),
    )  # fmt: skip
    _mover(m).switch(m, s)


def settle(m: Migration, s: Switchover) -> bool:
    """See `Mover`."""
    return _mover(m).settle(m, s)
