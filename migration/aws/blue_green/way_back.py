"""The way back that RDS does not offer: old blue follows green, and green old blue.

Old blue has everything that green had when it took over, and nothing since. By GTID it knows itself what it lacks. By
file it begins where green's own log was at the switch, which RDS tells in an event for that purpose (RDS User Guide,
"Updating the parent node for consumers"). Where the event cannot be had, it begins where green's log was right before
the switch: what comes from there on is old blue's own, which it drops by its number, or was written on green.
"""

from __future__ import annotations

import time

from migration.aws.blue_green import follow, state
from migration.aws.blue_green.account import of
from migration.aws.state import poll_s
from migration.fences.choose import write_switch
from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.aws import bluegreen, watching
from providers.mysql import replication
from providers.mysql.endpoint import Account
from providers.mysql.position import FilePosition
from providers.mysql.server import Server

_RUNNING_S = 30.0
_OPENS_S = 60.0
_LOOK_S = 0.1
# RDS tells its events within a minute or so.
_EVENT_S = 60.0
BACK, FORTH = "way_back", "way_forth"


class Closed:
    """Closing old blue by its own parameter group, which holds over restarts; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (f"{m.source.name}: the provider's switch: read_only = 1 in its parameter group",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(30.0, "RDS sets a dynamic parameter within seconds")

    def probe(self, m: Migration) -> Observation:
        """Whether it is closed, by its group and by its own word."""
        switch = write_switch(m, m.source)
        if switch is not None and not switch.closed():
            return not_done(f"read_only is not set for {m.source.name}")
        closed = m.source.read_only().clients
        return done(f"{m.source.name} is read-only") if closed else not_done(f"{m.source.name} takes writes")

    def apply(self, m: Migration) -> None:
        """Close it, and wait until the server says so.

        Raises:
            ServerError: RDS refuses.
            StepFailed: it does not become read-only.
            Halted: the operator stopped waiting.
        """
        switch = write_switch(m, m.source)
        if switch is not None:
            m.scribe.statement(m.source.name, "close", "the provider's switch: close", 0)
            switch.close()
        until = time.monotonic() + _OPENS_S
        while not m.source.read_only().clients:
            if m.desk.halted():
                raise Halted
            if time.monotonic() > until:
                raise StepFailed(
                    f"{m.source.name}, which RDS calls {of(m).instance_id}, takes writes {_OPENS_S:g} s after it was "
                    "closed; set read_only to 1 in its parameter group, see who wrote there, then try again."
                )
            time.sleep(_LOOK_S)


class Following:
    """One of the two following the other; see `migration.runbook.Action`."""

    def __init__(self, step: str) -> None:
        self._step = step

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run."""
        words = m.source.dialect
        replica, origin = (m.spec.source, m.spec.target) if self._step == BACK else (m.spec.target, m.spec.source)
        place = "<its log at the switch>" if m.by_file else "by GTID, from what it lacks"
        return (
            f"{replica.name}: {words.change_source} {origin.name}, {place}",
            f"{replica.name}: {words.start_replica}",
        )

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(5.0, "one login; by file, RDS's event of the switch is waited for")

    def probe(self, m: Migration) -> Observation:
        """Whether it follows."""
        replica, origin = self._ends(m)
        status = replication.follows(replica, origin)
        if status is None:
            return not_done(f"{replica.name} does not follow {origin.name}")
        if not status.running:
            return not_done(f"replication on {replica.name}: {status.trouble}")
        return done(f"{replica.name} follows {origin.name}")

    def apply(self, m: Migration) -> None:
        """Configure and start the channel.

        Raises:
            StepFailed: it follows another server, or the place to begin at cannot be found out.
            ServerError: the login fails, or replication does not run.
            Halted: the operator stopped waiting.
        """
        replica, origin = self._ends(m)
        status = replica.replica_status()
        if status is not None and replication.follows(replica, origin) is None:
            raise StepFailed(
                f"{replica.name} is a replica of {status.source_host}:{status.source_port}; end that with "
                f"{replica.dialect.reset_replica} if it is not needed, then try again."
            )
        replication.stop(replica)
        begin = _begin(m, replica, origin)
        channel = replication.plan_channel(replica, origin, self._account(m), begin)
        shown = replication.shown_change_source(replica, channel)
        m.scribe.statement(replica.name, self._step, shown, replica.session.thread_id)
        replication.configure(replica, channel)
        m.change(replica, self._step, replica.dialect.start_replica)
        replication.wait_running(replica, _RUNNING_S)

    def _ends(self, m: Migration) -> tuple[Server, Server]:
        """Who follows, and whom."""
        return (m.source, m.target) if self._step == BACK else (m.target, m.source)

    def _account(self, m: Migration) -> Account:
        if self._step == BACK:
            return Account(m.spec.target.replication_user, m.secrets.target_replication)
        return Account(m.spec.source.replication_user, m.secrets.source_replication)


def _begin(m: Migration, replica: Server, origin: Server) -> FilePosition | None:
    """Where in the log of `origin` to begin; None where GTIDs say it."""
    if not m.by_file and not _purged(replica, origin):
        return None
    if origin is m.source:
        # Whatever old blue logs from here on is green's own, which green drops.
        return origin.end_of_log()
    return _at_switch(m)


def _purged(replica: Server, origin: Server) -> bool:
    """Whether the origin has removed from its log what the replica has not: of RDS's own doing on green, maybe."""
    has = replica.value("SELECT @@GLOBAL.gtid_executed")
    return bool(origin.value("SELECT GTID_SUBTRACT(@@GLOBAL.gtid_purged, %s)", (has,)))


def _at_switch(m: Migration) -> FilePosition:
    """Where green's own log was at the switch.

    Raises:
        StepFailed: neither RDS nor the journal tells.
        Halted: the operator stopped waiting.
    """
    until, noted = time.monotonic() + _EVENT_S, follow.log_end(m)
    while time.monotonic() < until:
        told = [
            place
            for event in state.events(m, watching.INSTANCE)
            if event.about == m.spec.target.name and (place := bluegreen.coordinates(event)) is not None
        ]
        if told:
            return told[-1]
        if m.desk.halted():
            raise Halted
        m.scribe.progress(BACK, done=0, total=0, unit="", note="waiting for RDS's event with the coordinates")
        time.sleep(poll_s(of(m)))
    if noted is None:
        raise StepFailed(
            f"RDS tells no event with the binary log coordinates of {m.spec.target.name}, and they were not put down "
            "before the switch. Find the event in the console (Events), set replication up on "
            f"{of(m).instance_id} by mysql.rds_set_external_..., then try again."
        )
    m.scribe.note(f"RDS tells no event with the coordinates; beginning at {noted}, right before the switch", "warn")
    return noted


CLOSED, WAY_BACK, WAY_FORTH = Closed(), Following(BACK), Following(FORTH)
