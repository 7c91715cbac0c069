"""How a migration ended, in the one sentence that every screen and report begins with."""

from __future__ import annotations

from collections.abc import Iterable

from migration.model import End, MigrationSpec
from migration.view import AttemptView

_NOT_MOVED = "Complete: nothing was moved, and the source has the writes, as before."
_MOVED = {
    End.COMPLETED: "Complete: the target has the writes and replication has ended.",
    End.ROLLED_BACK: "Rolled back: the source has the writes and replication has ended.",
    End.CANCELLED: "Cancelled: the source has the writes, as before.",
}
_IN_PLACE = {
    End.COMPLETED: "Complete: {} stays as it is now, and has the writes.",
    End.ROLLED_BACK: "Rolled back: {} was changed back, and has the writes.",
    End.CANCELLED: "Cancelled: {} has the writes, as before.",
}


def in_words(end: End, spec: MigrationSpec, attempts: Iterable[AttemptView]) -> str:
    """How it ended, after these attempts to move the writes."""
    if end is End.COMPLETED and not any(attempt.result == "switched" for attempt in attempts):
        return _NOT_MOVED
    return _IN_PLACE[end].format(spec.source.name) if spec.in_place else _MOVED[end]
