"""The plan: a runbook's items as they will be carried out on these two servers, before anything runs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any

from migration.model import Side, Stage, Writes
from migration.runbook import Gate, Item, Migration, Runbook, Step
from migration.view import Plan, PlanItem

_HASH_CHARS = 6
# How many of the statements that came or went are told of one step.
_TOLD = 2
_WORDS = {"title": "name", "side": "where", "why": "reason", "writes": "writes", "undo": "undo", "kind": "kind"}


def make_plan(runbook: Runbook, m: Migration) -> Plan:
    """Ask every item what it will run and how long it is likely to take.

    The hash covers what will be done and to whom, and neither the estimates nor the guides.

    Raises:
        ServerError: a server could not be asked.
    """
    items = tuple(_plan_item(stage, item, m) for stage, item in runbook.items() if not _is_before(stage, item))
    what = [_hashed(item) for item in items]
    who = [*(server.identity.uid for server in m.servers), m.positioning.value]
    digest = hashlib.sha256(json.dumps([who, what], sort_keys=True).encode()).hexdigest()
    return Plan(digest[:_HASH_CHARS], m.positioning.value, items)


def drift(was: Plan, now: Plan) -> tuple[str, ...]:
    """What a plan does otherwise than one that was shown, one sentence each; empty where both are the same."""
    if was.hash == now.hash:
        return ()
    before, after = ({item.id: item for item in plan.items} for plan in (was, now))
    found = [f"{was.positioning} → {now.positioning} for positions"] if was.positioning != now.positioning else []
    found += [f"gone: {item.title}" for item in was.items if item.id not in after]
    found += [f"new: {item.title}" for item in now.items if item.id not in before]
    for item in now.items:
        if item.id in before:
            found += _changes(before[item.id], item)
    both = [plan_item.id for plan_item in was.items if plan_item.id in after]
    if both != [plan_item.id for plan_item in now.items if plan_item.id in before]:
        found.append("the steps are in another order")
    return tuple(found) or ("a server is another one than before",)


def _changes(was: PlanItem, now: PlanItem) -> list[str]:
    found = []
    for field, word in _WORDS.items():
        old, new = str(getattr(was, field)), str(getattr(now, field))
        if old != new:
            found.append(f"{now.title}: {word} {old or '-'} → {new or '-'}")
    gone = [one for one in was.statements if one not in now.statements]
    come = [one for one in now.statements if one not in was.statements]
    if gone or come:
        said = [*(f"- {one}" for one in gone[:_TOLD]), *(f"+ {one}" for one in come[:_TOLD])]
        left = len(gone) + len(come) - len(said)
        more = f" and {left} more" if left else ""
        found.append(f"{now.title}: {'; '.join(said)}{more}")
    elif was.statements != now.statements:
        found.append(f"{now.title}: its statements are in another order")
    return found


def _hashed(item: PlanItem) -> dict[str, Any]:
    body = asdict(replace(item, estimate_s=None, basis=""))
    del body["guide"]
    return body


def _is_before(stage: Stage, item: Item) -> bool:
    """Whether it is a question that is answered before there is a plan."""
    return stage is Stage.PREPARE and isinstance(item, Gate)


def _plan_item(stage: Stage, item: Item, m: Migration) -> PlanItem:
    if isinstance(item, Gate):
        return PlanItem(
            item.id,
            "gate",
            stage,
            item.title,
            Side.BOTH,
            item.why,
            Writes.ON,
            None,
            "you decide when",
            "",
            (),
            item.guide,
        )
    estimate = item.how.estimate(m)
    is_step = isinstance(item, Step)
    return PlanItem(
        item.id,
        "step" if is_step else "switch",
        stage,
        item.title,
        item.side if isinstance(item, Step) else Side.BOTH,
        item.why,
        item.writes if isinstance(item, Step) else Writes.SWITCH,
        estimate.seconds,
        estimate.basis,
        item.undo_says,
        item.how.statements(m),
        item.guide,
    )
