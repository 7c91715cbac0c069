"""The plan: a runbook's items as they will be carried out on these two servers, before anything runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from migration.cutover import parts, signal
from migration.cutover.attempt import CONTENT
from migration.model import Positioning, Side, Stage, Writes
from migration.runbook import Gate, Item, Migration, Runbook, Step
from migration.view import Plan, PlanItem

_HIDDEN = frozenset({"checks", "plan"})
_HASH_CHARS = 6
# From the fence to the opening, worst of the rehearsed pairs on two busy cores, rounded up.
_SWITCH_S = 0.1


def make_plan(runbook: Runbook, m: Migration) -> Plan:
    """Ask every item what it will run and how long it is likely to take.

    The hash covers what will be done and to whom, and not the estimates.

    Raises:
        ServerError: a server could not be asked.
    """
    items = tuple(_plan_item(stage, item, m) for stage, item in runbook.items() if item.id not in _HIDDEN)
    what = [{**asdict(item), "estimate_s": None, "basis": ""} for item in items]
    who = [m.source.identity.uid, m.target.identity.uid, m.positioning.value]
    digest = hashlib.sha256(json.dumps([who, what], sort_keys=True).encode()).hexdigest()
    return Plan(digest[:_HASH_CHARS], m.positioning.value, items)


def _plan_item(stage: Stage, item: Item, m: Migration) -> PlanItem:
    if isinstance(item, Step):
        estimate = item.how.estimate(m)
        return PlanItem(
            item.id,
            "step",
            stage,
            item.title,
            item.side,
            item.why,
            item.writes,
            estimate.seconds,
            estimate.basis,
            item.undo_says,
            item.how.statements(m),
        )
    if isinstance(item, Gate):
        return PlanItem(
            item.id, "gate", stage, item.title, Side.BOTH, item.why, Writes.ON, None, "you decide when", "", ()
        )
    return PlanItem(
        item.id,
        "switch",
        stage,
        item.title,
        Side.BOTH,
        item.why,
        Writes.SWITCH,
        _SWITCH_S,
        f"under {_SWITCH_S:g} s where both are healthy; stops by itself after {m.spec.limits.fence_s:g} s",
        item.undo_says,
        _switch_statements(m),
    )


def _switch_statements(m: Migration) -> tuple[str, ...]:
    if m.positioning is Positioning.SIGNAL:
        return _signal_statements(m)
    return _armed_statements(m) if m.armed else _plain_statements(m)


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
        f"{old.name}: {old.dialect.fence}; {end}",
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


_MARKS = ("<end of log>", "<offset or seconds>", "<seconds>")
