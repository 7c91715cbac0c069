"""How fast a simulated cloud is."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Self


@dataclass(frozen=True)
class Paced:
    """How long things take: every field is in seconds of the simulated cloud's own clock."""

    def at_pace(self, pace: float) -> Self:
        """The same, `pace` times as fast."""
        return type(self)(**{one.name: getattr(self, one.name) / pace for one in fields(self)})
