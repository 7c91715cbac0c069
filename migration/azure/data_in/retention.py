"""Keeping binary logs for as long as the other side may need them.

By default a Flexible Server removes a log as soon as its own replicas have it: `binlog_expire_logs_seconds` is 0 there
(concepts-server-parameters). After its promotion the new server is none of them.
"""

from __future__ import annotations

from collections.abc import Callable

from migration import notes
from migration.azure.data_in import settings
from migration.runbook import Estimate, Migration, Observation, done, not_done
from providers.azure.places import Place

PARAMETER = "binlog_expire_logs_seconds"
# Long enough for a look on the next day; it costs storage.
SECONDS = 48 * 3600
_WAS = "logs_were"


class Retention:
    """Keeping those of one server; see `migration.runbook.Action`.

    `place` says where it is; None where it is none of the service's, and keeps what its operator has it keep.
    """

    def __init__(self, step: str, place: Callable[[Migration], Place | None]) -> None:
        self._step = step
        self._place = place

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        place = self._place(m)
        if place is None:
            return ("nothing: the server is none of the service's",)
        return (settings.shown(place, PARAMETER, str(SECONDS)),)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(15.0, "recorded: 15 s for a parameter; the logs that are kept take storage")

    def probe(self, m: Migration) -> Observation:
        """Whether they are kept long enough."""
        place = self._place(m)
        if place is None:
            return done("the server is none of the service's; see that it keeps its binary logs")
        kept = settings.value(m, place, PARAMETER)
        words = f"{place.name} keeps binary logs for {kept or 'an unknown number of'} s"
        return done(words) if kept.isdecimal() and int(kept) >= SECONDS else not_done(words)

    def apply(self, m: Migration) -> None:
        """Keep them; what was in force is put down for the way back.

        Raises:
            CloudFailed, CloudSilent, Halted: as `settings.put`.
        """
        place = self._place(m)
        if place is None:
            return
        if not notes.every(m, place.name, _WAS):
            m.scribe.statement(place.name, _WAS, settings.value(m, place, PARAMETER), 0)
        settings.put(m, self._step, place, PARAMETER, str(SECONDS))

    def undo(self, m: Migration) -> None:
        """Give it back the seconds that it had."""
        place = self._place(m)
        if place is not None and (before := notes.every(m, place.name, _WAS)[:1]) and before[0]:
            settings.put(m, self._step, place, PARAMETER, before[0])
