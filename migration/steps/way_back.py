"""Letting the source follow the target before the cutover, so that the way back is proved beforehand.

While the target is read-only nothing comes over this channel but the source's own changes, and a server
drops those that carry its own number.
"""

from __future__ import annotations

from migration import bridging
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from migration.steps.attach import ready_for_positions
from providers.mysql import replication
from providers.mysql.endpoint import Account
from providers.mysql.errors import StatementFailed
from providers.mysql.gtid import MariaGtid

_RUNNING_S = 15.0
_CATCH_UP_S = 30.0
_TRIES = 50
_OVERTAKEN = 1947


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    bridge = ("here: start the bridge, over which the source logs in to the target",) if m.spec.bridge else ()
    return (
        *bridge,
        f"{m.source.name}: {m.source.dialect.change_source} {m.spec.target.name}",
        f"{m.source.name}: {m.source.dialect.start_replica}",
    )


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(1.0, "one login from the source to the target")


def probe(m: Migration) -> Observation:
    """Whether the source follows exactly this target, over its bridge where it has one."""
    if not bridging.running(m):
        return not_done("the bridge does not run")
    status = replication.follows(m.source, m.target)
    if status is None:
        return not_done(f"{m.source.name} does not follow {m.target.name}")
    if not status.running:
        return not_done(f"replication on {m.source.name}: {status.trouble}")
    return done(f"{m.source.name} follows {m.target.name}")


def apply(m: Migration) -> None:
    """Configure and start the channel on the source.

    Raises:
        StepFailed: the source is a replica of another server, or the bridge does not start.
        ServerError: the login from the source to the target fails, or replication does not run.
    """
    configure(m)
    start(m)


def configure(m: Migration) -> None:
    """Configure the channel on the source; raises as `apply`."""
    bridging.ensure(m)
    status = m.source.replica_status()
    if status is not None and replication.follows(m.source, m.target) is None:
        raise StepFailed(
            f"{m.source.name} is a replica of {status.source_host}:{status.source_port}; "
            f"end that with {m.source.dialect.reset_replica} if it is not needed, then go on."
        )
    replication.stop(m.source)
    ready_for_positions(m, m.source)
    begin = m.target.end_of_log() if m.by_file else None
    if m.source.version.mariadb and not m.by_file:
        _start_here(m)
    account = Account(m.spec.target.replication_user, m.secrets.target_replication)
    channel = bridging.over(m, replication.plan_channel(m.source, m.target, account, begin))
    shown = replication.shown_change_source(m.source, channel)
    m.scribe.statement(m.source.name, "way_back", shown, m.source.session.thread_id)
    replication.configure(m.source, channel)


def start(m: Migration) -> None:
    """Start the channel that was configured; raises as `apply`."""
    m.change(m.source, "way_back", m.source.dialect.start_replica)
    replication.wait_running(m.source, _RUNNING_S)


def _start_here(m: Migration) -> None:
    """Let the channel of a MariaDB source start where its own log ends, once the target has all of that.

    With gtid_strict_mode a start before the end of the own log is refused (error 1947), and the log goes on
    growing while clients write; so the server reads its own end in the same statement.
    """
    for attempt in range(_TRIES):
        try:
            m.change(m.source, "way_back", "SET GLOBAL gtid_slave_pos = @@GLOBAL.gtid_binlog_pos")
            break
        except StatementFailed as error:
            if error.code != _OVERTAKEN or attempt == _TRIES - 1:
                raise
    begin = MariaGtid.parse(str(m.source.value("SELECT @@GLOBAL.gtid_slave_pos")))
    if not m.target.wait_for(begin, _CATCH_UP_S):
        raise StepFailed(
            f"{m.target.name} did not reach {begin} within {_CATCH_UP_S:.0f} s; wait for a small lag, then go on."
        )


def undo(m: Migration) -> None:
    """Stop the source from following, and forget the channel."""
    if replication.follows(m.source, m.target) is not None:
        replication.forget(m.source)
    bridging.stop(m)
