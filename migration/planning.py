"""The plan: a runbook's items as they will be carried out on these two servers, before anything runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict

from migration.model import Side, Stage, Writes
from migration.runbook import Gate, Item, Migration, Runbook, Step
from migration.view import Plan, PlanItem

_HASH_CHARS = 6


def make_plan(runbook: Runbook, m: Migration) -> Plan:
    """Ask every item what it will run and how long it is likely to take.

    The hash covers what will be done and to whom, and not the estimates.

    Raises:
        ServerError: a server could not be asked.
    """
    items = tuple(_plan_item(stage, item, m) for stage, item in runbook.items() if not _is_before(stage, item))
    what = [{**asdict(item), "estimate_s": None, "basis": ""} for item in items]
    who = [*(server.identity.uid for server in m.servers), m.positioning.value]
    digest = hashlib.sha256(json.dumps([who, what], sort_keys=True).encode()).hexdigest()
    return Plan(digest[:_HASH_CHARS], m.positioning.value, items)


def _is_before(stage: Stage, item: Item) -> bool:
    """Whether it is a question that is answered before there is a plan."""
    return stage is Stage.PREPARE and isinstance(item, Gate)


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
    estimate = item.how.estimate(m)
    return PlanItem(
        item.id,
        "switch",
        stage,
        item.title,
        Side.BOTH,
        item.why,
        Writes.SWITCH,
        estimate.seconds,
        estimate.basis,
        item.undo_says,
        item.how.statements(m),
    )
