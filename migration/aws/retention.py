"""Keeping binary logs for as long as the other side may need them: RDS removes them as soon as it does not itself."""

from __future__ import annotations

from migration import notes
from migration.model import Side
from migration.runbook import Estimate, Migration, Observation, done, not_done
from providers.aws import procedures
from providers.aws.procedures import Procedure
from providers.mysql.server import Server

# Long enough for a rehearsal of the cutover on the next day; it costs storage.
HOURS = 48
_WAS = "retention_was"
_NOBODY = "NULL"


class Retention:
    """Keeping those of one side; see `migration.runbook.Action`."""

    def __init__(self, side: Side) -> None:
        self._side = side

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run."""
        name = m.source.name if self._side is Side.SOURCE else m.spec.target.name
        return (f"{name}: {procedures.keep_binary_logs(HOURS).shown()}",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(0.1, "one procedure; the logs that are kept take storage")

    def probe(self, m: Migration) -> Observation:
        """Whether they are kept long enough."""
        server = m.on(self._side)
        kept = procedures.kept_hours(server)
        words = f"{server.name} keeps binary logs for {kept} h" if kept else f"{server.name} keeps no binary logs"
        return done(words) if kept is not None and kept >= HOURS else not_done(words)

    def apply(self, m: Migration) -> None:
        """Keep them; what was in force is put down for the way back.

        Raises:
            ServerError: the server refused, or its answer was lost.
        """
        server = m.on(self._side)
        kept = procedures.kept_hours(server)
        if not notes.every(m, server.name, _WAS):
            m.scribe.statement(server.name, _WAS, _NOBODY if kept is None else str(kept), 0)
        _run(m, server, procedures.keep_binary_logs(HOURS))

    def undo(self, m: Migration) -> None:
        """Give it back the hours that it had."""
        server = m.on(self._side)
        said = notes.every(m, server.name, _WAS)
        if said:
            kept = said[0]
            _run(
                m, server, procedures.purge_binary_logs() if kept == _NOBODY else procedures.keep_binary_logs(int(kept))
            )


def _run(m: Migration, server: Server, procedure: Procedure) -> None:
    m.scribe.statement(server.name, "retention", procedure.shown(), server.session.thread_id)
    procedures.run(server, procedure)


ON_SOURCE, ON_TARGET = Retention(Side.SOURCE), Retention(Side.TARGET)
