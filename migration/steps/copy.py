"""Filling the target from the source, and telling it from where to follow.

The last thing the step does is to configure the replication channel, with the snapshot's position in it.
So a target that has the channel has the whole copy, and one that has not is filled again from the start.
"""

from __future__ import annotations

import time

from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.mysql import replication, seed
from providers.mysql.endpoint import Account
from providers.mysql.literals import quote_name
from providers.mysql.position import FilePosition

_MB_PER_S = 20.0  # of row data, with two streams on two cores
_REPORT_S = 0.2


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    names = ", ".join(m.databases())
    how = "START TRANSACTION WITH CONSISTENT SNAPSHOT"
    # A provider that keeps SUPER to itself lets nobody write unlogged.
    logged = "unlogged" if m.target.dialect.sets_globals else "logged"
    lock = (
        () if m.source.version.mariadb else (f"{m.source.name}: FLUSH TABLES WITH READ LOCK (some ms), UNLOCK TABLES",)
    )
    return (
        *(() if m.by_file else (f"{m.target.name}: {m.target.dialect.reset_binary_log}",)),
        f"{m.target.name}: CREATE DATABASE, CREATE TABLE for {names}",
        *lock,
        f"{m.source.name}: {how}, SELECT every row",
        f"{m.target.name}: INSERT every row, {logged}; CREATE views, routines, triggers, events (switched off)",
        f"{m.target.name}: {m.target.dialect.change_source} {m.source.name}, from the snapshot's position",
    )


def estimate(m: Migration) -> Estimate:
    """How long it takes, from the size of the data."""
    names = m.databases()
    if not names:
        return Estimate(1.0, "no data")
    marks = ", ".join(["%s"] * len(names))
    size = int(
        m.source.value(
            f"SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables "
            f"WHERE table_schema IN ({marks})",
            names,
        )
    )
    return Estimate(1.0 + size / _MB_PER_S / 1e6, f"{size / 1e6:.1f} MB of data and indexes at {_MB_PER_S:.0f} MB/s")


def probe(m: Migration) -> Observation:
    """Whether the target has the copy: then it knows its source and where to go on."""
    if replication.follows(m.target, m.source) is not None:
        return done(f"{m.target.name} has the data and knows {m.source.name} as its source")
    return not_done(f"{m.target.name} does not know {m.source.name} as its source")


def apply(m: Migration) -> None:
    """Copy everything and configure the channel.

    Raises:
        StepFailed: the target has data of its own.
        Halted: the operator stopped it; the copy begins again next time.
        ServerError: a server refused something, in its own words.
    """
    if m.target.replica_status() is not None:
        raise StepFailed(
            f"{m.target.name} is a replica of another server; end that with {m.target.dialect.reset_replica} "
            "if it is not needed, then go on."
        )
    _make_room(m)
    if not m.by_file:
        m.scribe.statement(m.target.name, "copy", m.target.dialect.reset_binary_log, m.target.session.thread_id)
        replication.empty_log(m.target)
    names = m.databases()
    for name in names:
        m.scribe.statement(m.target.name, "copy", _created(name), m.target.session.thread_id)
    try:
        filled = seed.fill(m.source, m.target, names, m.by_file, _Reporter(m).report, m.desk.halted)
    except seed.Stopped:
        raise Halted from None
    m.scribe.note(f"copied {m.source.name} as of {filled.position}, its writes were held up {filled.held_ms:.1f} ms")
    for sql in replication.set_start(m.target, filled.position):
        m.scribe.note(f"{m.target.name}: {sql}")
    start = filled.position if isinstance(filled.position, FilePosition) else None
    channel = replication.plan_channel(m.target, m.source, _account(m), start)
    shown = replication.shown_change_source(m.target, channel)
    m.scribe.statement(m.target.name, "copy", shown, m.target.session.thread_id)
    replication.configure(m.target, channel)


def undo(m: Migration) -> None:
    """Forget the channel and drop the databases that this migration created on the target."""
    replication.forget(m.target)
    seed.drop_databases(m.target, _ours(m))


def _account(m: Migration) -> Account:
    return Account(m.spec.source.replication_user, m.secrets.source_replication)


def _created(database: str) -> str:
    return f"CREATE DATABASE {quote_name(database)}"


def _ours(m: Migration) -> tuple[str, ...]:
    """The databases on the target that this migration created, by its journal."""
    statements_run = set(m.ran(m.target, "copy"))
    return tuple(name for name in m.target.databases() if _created(name) in statements_run)


def _make_room(m: Migration) -> None:
    """Remove what an earlier, unfinished copy left; refuse to touch anything else."""
    ours = _ours(m)
    foreign = sorted(set(m.target.databases()) & set(m.databases()) - set(ours))
    if foreign:
        raise StepFailed(
            f"{m.target.name} already has {', '.join(foreign)}, which this migration did not create; "
            "drop or rename it there, then go on."
        )
    if ours:
        m.scribe.note(f"{m.target.name}: dropping what an unfinished copy left: {', '.join(ours)}")
        seed.drop_databases(m.target, ours)


class _Reporter:
    """Writes the progress to the journal, at most a few times a second."""

    def __init__(self, m: Migration) -> None:
        self._m = m
        self._last = 0.0

    def report(self, progress: seed.CopyProgress) -> None:
        now = time.monotonic()
        if now - self._last < _REPORT_S and progress.tables_done < progress.tables:
            return
        self._last = now
        self._m.scribe.progress(
            "copy",
            done=progress.rows,
            total=progress.total_rows,
            unit="rows",
            note=f"{progress.tables_done} of {progress.tables} tables done",
        )
