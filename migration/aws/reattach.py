"""Letting the promoted instance follow the old primary again, from where it was when it was promoted."""

from __future__ import annotations

from migration.aws import promote, state
from migration.aws.account import of
from migration.runbook import Estimate, Migration, Observation, done, not_done
from providers.mysql import replication
from providers.mysql.channel import Channel
from providers.mysql.endpoint import Account

_RUNNING_S = 30.0


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    words = m.source.dialect
    place = "<what it had executed when it was promoted>" if m.by_file else "by GTID, from what it lacks"
    return (
        f"{of(m).replica_id}: {words.change_source} {m.source.name}, {place}",
        f"{of(m).replica_id}: {words.start_replica}",
    )


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(1.0, "one login from the new instance to the source; catching up comes after it")


def probe(m: Migration) -> Observation:
    """Whether it follows the source by the servers' own replication, not by RDS's."""
    found = state.require_replica(m)
    if found.source_id is not None:
        return not_done(f"{found.instance_id} is still RDS's replica of {found.source_id}")
    status = replication.follows(m.target, m.source)
    if status is None:
        return not_done(f"{m.target.name} does not follow {m.source.name}")
    if not status.running:
        return not_done(f"replication on {m.target.name}: {status.trouble}")
    return done(f"{m.target.name} follows {m.source.name}")


def apply(m: Migration) -> None:
    """Configure and start the channel.

    Raises:
        StepFailed: the place to begin at is not known.
        ServerError: the login fails, the source has purged what is needed, or replication does not run.
    """
    replication.stop(m.target)
    channel = _channel(m)
    shown = replication.shown_change_source(m.target, channel)
    m.scribe.statement(m.target.name, "reattach", shown, m.target.session.thread_id)
    replication.configure(m.target, channel)
    m.change(m.target, "reattach", m.target.dialect.start_replica)
    replication.wait_running(m.target, _RUNNING_S)


def _channel(m: Migration) -> Channel:
    account = Account(m.spec.source.replication_user, m.secrets.source_replication)
    return replication.plan_channel(m.target, m.source, account, promote.place(m) if m.by_file else None)


def undo(m: Migration) -> None:
    """Stop following, and forget the channel."""
    if replication.follows(m.target, m.source) is not None:
        replication.forget(m.target)
