"""Creating again what was dropped for the way: triggers and events that were set aside for a check."""

from __future__ import annotations

from migration import fixing
from migration.model import Side
from migration.runbook import Estimate, Migration, Observation, done, not_done


class Again:
    """Creating it on one side; see `migration.runbook.Action`."""

    def __init__(self, side: Side) -> None:
        self._side = side

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run."""
        return tuple(one.fix.undo for one in reversed(fixing.set_aside(m))) or ("nothing: nothing was set aside",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(1.0, "a statement for each")

    def probe(self, m: Migration) -> Observation:
        """Whether everything that was set aside is there again."""
        left = fixing.set_aside(m)
        return not_done(f"{len(left)} are to be created again") if left else done("nothing is left aside")

    def apply(self, m: Migration) -> None:
        """Create it.

        Raises:
            ServerError: the server refused, or its answer was lost.
        """
        fixing.create_again(m, m.on(self._side))


ON_SOURCE, ON_TARGET = Again(Side.SOURCE), Again(Side.TARGET)
