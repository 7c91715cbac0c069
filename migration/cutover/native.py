"""The servers' own way to move the writes: the switch of a runbook in which nothing but servers takes part."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from migration import bridging
from migration.cutover import keep as keeping
from migration.cutover import signal
from migration.cutover.armed import worth_arming
from migration.cutover.attempt import CONTENT, parts
from migration.cutover.settle import settle
from migration.cutover.switch import switch
from migration.fences.choose import closing_words, shut
from migration.model import Direction, Positioning
from migration.runbook import Estimate, Migration
from migration.view import Condition, LagSample
from providers.mysql import replication
from providers.mysql.errors import ServerError
from providers.mysql.server import Server

__all__ = ["arms", "estimate", "keep", "parts", "ready", "settle", "statements", "switch"]

# From the fence to the opening, worst of the rehearsed pairs on two busy cores, rounded up.
_SWITCH_S = 0.1
_MARKS = ("<end of log>", "<offset or seconds>", "<seconds>")


def estimate(m: Migration) -> Estimate:
    """How long clients cannot write."""
    basis = f"under {_SWITCH_S:g} s where both are healthy; stops by itself after {m.spec.limits.fence_s:g} s"
    return Estimate(_SWITCH_S, basis)


def arms(m: Migration) -> bool:
    """Whether the new side opens by itself."""
    return worth_arming(m)


def keep(m: Migration, direction: Direction) -> None:
    """The side without writes forgets read_only with a restart where it cannot persist it: close it again.

    A bridge that has ended is started again.

    Raises:
        StepFailed: it cannot be; the message says why.
    """
    # A server that is away is seen in the conditions, and looked at again the next time.
    with contextlib.suppress(ServerError):
        keeping.close_again(m, m.end_of(direction)[1])
    with contextlib.suppress(ServerError):
        bridging.ensure(m)


def ready(m: Migration, direction: Direction) -> tuple[Condition, ...]:
    """Whether the writes could move in this direction now."""
    old, new = m.end_of(direction)
    conditions = [lag_condition(m.desk.lag(), new.name, m.spec.limits.lag_s)]
    if m.prover is not None:
        conditions.append(m.prover.condition())
    asks: tuple[Callable[[], Condition], ...] = (
        lambda: _follows(new, old),
        lambda: _follows(old, new),
        lambda: Condition(shut(m, new), f"{new.name} refuses client writes"),
        lambda: Condition(not shut(m, old), f"{old.name} takes client writes"),
    )
    for ask in asks:
        try:
            conditions.append(ask())
        except ServerError as error:
            conditions.append(Condition(False, str(error)))
    return tuple(conditions)


def lag_condition(sample: LagSample | None, name: str, limit: float) -> Condition:
    """Whether a reading of the lag is below the limit, in seconds; what is not known is not."""
    if sample is None or sample.lag_s is None:
        return Condition(False, f"the lag of {name} is not known" + (f": {sample.reason}" if sample else " yet"))
    words = f"{name} is {'at least ' if sample.at_least else ''}{sample.lag_s:.1f} s behind, limit {limit:g} s"
    return Condition(not sample.at_least and sample.lag_s < limit, words)


def _follows(replica: Server, source: Server) -> Condition:
    status = replication.follows(replica, source)
    if status is None:
        return Condition(False, f"{replica.name} does not follow {source.name}")
    return Condition(
        status.running, f"{replica.name} follows {source.name}" + (f": {status.trouble}" if status.trouble else "")
    )


def statements(m: Migration) -> tuple[str, ...]:
    """What will run, from the fence to the opening."""
    if m.other is None:
        return _words(m)
    if m.positioning is Positioning.SIGNAL:
        return _signal_statements(m)
    return _armed_statements(m) if m.armed else _plain_statements(m)


def _words(m: Migration) -> tuple[str, ...]:
    """The same while the target, and so what it says, is not known."""
    old, new = m.source, m.spec.target.name
    end = old.dialect.source_status if m.by_file else old.dialect.gtid_end
    return (
        f"{old.name}: {closing_words(m, old)}; {end}",
        f"{new}: wait for <end of log>",
        "journal: point of no return, synced to disk",
        f"{new}: opened to clients",
    )


def _armed_statements(m: Migration) -> tuple[str, ...]:
    old, new = m.source, m.target
    return (
        f"{new.name}: {new.dialect.wait_gtid % ('<marker>', '<seconds>')}, then {new.dialect.unfence} by itself",
        "journal: point of no return, synced to disk",
        f"{old.name}: {old.dialect.fence}; commit <marker>, an empty transaction",
        f"{new.name}: {new.dialect.read_only_state}",
        *(f"{old.name}: {sql}" for sql in (old.dialect.persist_read_only,) if sql),
    )


def _signal_statements(m: Migration) -> tuple[str, ...]:
    old, new = m.source, m.target
    everyone = (old.dialect.fence,) if old.dialect.has_super_read_only else ()
    return (
        f"{old.name}: CREATE DATABASE `{signal.DATABASE}`, dropped again at the end",
        f"{old.name}: {'; '.join((old.dialect.fence_clients, signal.writing('<token>'), *everyone))}",
        f"{new.name}: look each millisecond until <token> is there",
        f"{old.name}: {old.dialect.read_only_state}; {old.dialect.source_status}; SHOW BINLOG EVENTS since the fence",
        "journal: point of no return, synced to disk",
        f"{new.name}: {new.dialect.unfence}",
        *(f"{old.name}: {sql}" for sql in (old.dialect.persist_read_only,) if sql),
    )


def _plain_statements(m: Migration) -> tuple[str, ...]:
    titles = dict(parts(m))
    old, new = m.source, m.target
    wait = new.dialect.wait_file if m.by_file else new.dialect.wait_gtid
    end = old.dialect.source_status if m.by_file else old.dialect.gtid_end
    return (
        f"{new.name}: {wait % tuple(_MARKS[: wait.count('%s')])} ({titles['ready']})",
        f"{old.name}: {closing_words(m, old)}; {end}",
        f"{new.name}: {wait % tuple(_MARKS[: wait.count('%s')])}",
        *(
            (f"both: rows touched since they were compared are read again ({titles[CONTENT]})",)
            if CONTENT in titles
            else ()
        ),
        f"{old.name}: {old.dialect.read_only_state}; {end} ({titles['prove']})",
        "journal: point of no return, synced to disk",
        f"{new.name}: {new.dialect.unfence}",
        *(f"{old.name}: {sql}" for sql in (old.dialect.persist_read_only,) if sql),
    )
