"""Alibaba Cloud: RDS for MySQL to PolarDB for MySQL, the one-click upgrade.

The procedure, as the provider's pages "Upgrade RDS for MySQL to POLARDB for MySQL with one click" (2019) and "Upgrade
steps" (2026) have it: meet the prerequisites, order a cluster that is filled from the instance and follows it, add
endpoints, switch with or without an exchange of endpoints, move the business's DTS tasks, watch, complete, release the
instance. Until it is complete one can switch back, for as long as the provider allows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from migration.aliyun import addresses, checks, choices, close, create, endpoints, fill, mover, release, sync, tasks
from migration.aliyun.account import of, open_account
from migration.aliyun.follow import ProvidersWord
from migration.aliyun.route import route_of
from migration.check import Check, Route
from migration.checks import again_on_route, on_route
from migration.decisions import Choice
from migration.model import Side, Stage
from migration.runbook import Gate, Runbook, Step, Switch
from migration.runbooks.mysql_replication import CHECKS, COMPARE, PLAN
from migration.steps import set_aside

APPROVE = replace(
    PLAN,
    consequence=lambda m: (
        f"A PolarDB cluster is ORDERED, filled from {m.source.name} and billed as the provider says; clients on "
        f"{m.source.name} go on writing. From now on change none of its parameters, and no tables while it is copied."
    ),
)
ORDER = Step(
    id="order",
    title="order the cluster",
    side=Side.CLOUD,
    why="Migrate from RDS makes a cluster with the data of the instance, read-only, that follows it from then on.",
    how=create,
    undo=fill.undo,
    undo_says="end migration",
)
FILL = Step(
    id=fill.STEP,
    title="let the provider fill it",
    side=Side.CLOUD,
    why="The switch is possible once the cluster has everything and follows the instance.",
    how=fill,
    undo_says="-",
)
CATCH_UP = Step(
    id="catch_up",
    title="catch up",
    side=Side.CLOUD,
    why="The provider switches only below 60 s of delay, and writes stop for as long as the cluster is behind.",
    how=sync,
    undo_says="-",
)
ADD_ENDPOINTS = Step(
    id="endpoints_added",
    title="add endpoints",
    side=Side.CLOUD,
    why="Only an address that has a partner on the cluster is exchanged; one that is added later is not.",
    how=endpoints,
    undo_says="-",
)
CUT_OVER = Gate(
    id="cutover",
    title="move the writes",
    why="Until now nothing has changed for clients. You decide when it does.",
    question=lambda m: f"Move the writes from {m.source.name} to {m.target.name} now?",
    consequence=lambda m: (
        f"The provider makes {m.source.name} read-only and {m.target.name} writable and reverses the replication, "
        f"{m.story().chosen.get('endpoints', 'without endpoints')}, usually within 5 minutes. Once asked, it cannot be "
        "stopped."
    ),
    word=lambda m: m.source.name,
    choices=(Choice.CONFIRM, Choice.WAIVE, Choice.CANCEL),
)
MOVE_WRITES = Switch(
    id="move_writes",
    title="switch over",
    why="The provider fences, drains and opens; its state is read before and after, and the pair of modes decides.",
    undo_says="rollback",
    how=mover,
)
MOVE_TASKS = Step(
    id="tasks_moved",
    title="move the DTS tasks",
    side=Side.CLOUD,
    why="A task of the business that still reads from the instance, or writes to it, would stand still or break.",
    how=tasks.FORWARD,
    undo_says="with rollback",
)
TASKS_BACK = Step(
    id="tasks_back",
    title="move the DTS tasks back",
    side=Side.CLOUD,
    why="After a rollback, and before the migration is ended, they have to follow the writes.",
    how=tasks.BACK,
)
OBSERVE = Gate(
    id="observe",
    title="keep it or go back",
    why="The instance follows the cluster: going back now loses nothing. The provider ends this by itself one day.",
    question=lambda m: f"Do the applications work well on {m.target.name}?",
    consequence=lambda m: "Rolling back keeps every write. Completing ends the synchronisation: no rollback after it.",
    word=lambda m: m.target.name,
    choices=(Choice.ROLL_BACK, Choice.COMPLETE),
)
COMPLETE = Step(
    id="close",
    title="complete the migration",
    side=Side.CLOUD,
    why="The synchronisation ends for good, and with it the way back and the provider's deadline.",
    how=close.COMPLETE,
)
END_ON_SOURCE = Step(
    id="close_after_rollback",
    title="cancel the migration",
    side=Side.CLOUD,
    why="The writes are back on the instance; the cluster becomes one of its own and is billed.",
    how=close.AFTER_ROLLBACK,
)
TRIGGERS = Step(
    id="set_aside",
    title="create triggers and events again",
    side=Side.TARGET,
    why="What was dropped because DTS does not carry it belongs to the application all the same.",
    how=set_aside.ON_TARGET,
)
TRIGGERS_BACK = Step(
    id="set_aside_back",
    title="create triggers and events again",
    side=Side.SOURCE,
    why="What was dropped because DTS does not carry it belongs to the application all the same.",
    how=set_aside.ON_SOURCE,
)
CONFIRM_RELEASE = Gate(
    id="release_confirm",
    title="release the source",
    why="What is released cannot be had back but from its backups.",
    question=lambda m: f"Release {of(m).instance_id} for good?",
    consequence=lambda m: f"{of(m).instance_id} is DELETED with its data. Its clients, if it still has any, break.",
    word=lambda m: of(m).instance_id,
    choices=(Choice.CONFIRM,),
    when=release.wanted,
)
RELEASE = Step(
    id="released",
    title="release the source",
    side=Side.CLOUD,
    why="An instance that nobody needs any more is billed all the same.",
    how=release,
)


def _on_either(catalogue: Callable[[Route], tuple[Check, ...]]) -> tuple[Check, ...]:
    """The checks of both ways, each once: which way it is shows only once the source is looked at."""
    found = (*catalogue(Route.PHYSICAL), *catalogue(Route.LOGICAL))
    return tuple({check.id: check for check in found}.values())


RUNBOOK = Runbook(
    name="rds_to_polardb",
    title="Alibaba Cloud: RDS for MySQL to PolarDB, one-click upgrade",
    checks=(*checks.every(), *(check for check in _on_either(on_route) if check.id != "aliyun-root")),
    activity=(*_on_either(again_on_route), *(check for check in checks.every() if check.again)),
    route=route_of,
    stages={
        Stage.PREPARE: (
            choices.VERSION, CHECKS, choices.BILLING, choices.NODE_CLASS, choices.STORAGE_ENGINE, APPROVE,
        ),
        Stage.CREATE: (ORDER, FILL),
        Stage.SYNC: (
            CATCH_UP, choices.ADD_ENDPOINTS, ADD_ENDPOINTS, choices.ENDPOINTS, choices.TASKS, COMPARE,
        ),
        Stage.CUTOVER: (CUT_OVER, MOVE_WRITES),
        Stage.OBSERVE: (MOVE_TASKS, OBSERVE),
        Stage.COMPLETE: (choices.BINLOG, COMPLETE, TRIGGERS, choices.RELEASE, CONFIRM_RELEASE, RELEASE),
    },
    finish_on_source=(TASKS_BACK, END_ON_SOURCE, TRIGGERS_BACK),
    follows_from=FILL.id,
    cloud=open_account,
    follow=ProvidersWord,
    new_address=addresses.new_address,
)  # fmt: skip
