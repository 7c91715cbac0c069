"""Alibaba Cloud: RDS for MySQL to PolarDB for MySQL, the one-click upgrade.

The procedure, as the provider's pages "Upgrade RDS for MySQL to POLARDB for MySQL with one click" (2019) and "Upgrade
steps" (2026) have it: meet the prerequisites, order a cluster that is filled from the instance and follows it, add
endpoints, switch with or without an exchange of endpoints, move the business's DTS tasks, watch, complete, release the
instance. Until it is complete one can switch back, for as long as the provider allows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from migration.aliyun import (
    addresses,
    checks,
    choices,
    clone,
    close,
    create,
    endpoints,
    fill,
    heartbeat,
    mover,
    purchase,
    release,
    sizes,
    sync,
    tasks,
)
from migration.aliyun.account import of, open_account
from migration.aliyun.checks.compared import BY_VERSION, Compared
from migration.aliyun.follow import ProvidersWord
from migration.aliyun.route import route_of
from migration.aliyun.state import look
from migration.aliyun.versions import expected
from migration.check import Check, Route, Severity
from migration.checks import again_on_route, on_route
from migration.checks.sight import sessions
from migration.decisions import Choice
from migration.model import Side, Stage
from migration.runbook import CloudFailed, Gate, Migration, Runbook, Step, Switch
from migration.runbooks.mysql_replication import CHECKS, COMPARE, PLAN
from migration.steps import set_aside
from migration.view import Guide
from providers.mysql.errors import ServerError

# What the provider's evaluation judges otherwise than servers that replicate: it asks for engines and primary keys in
# its own way, and notes of events no more than that DTS does not carry them.
_JUDGED: Mapping[str, Mapping[Route, Severity | None]] = {
    "engines": {Route.LOGICAL: None},
    "primary-keys": {Route.LOGICAL: None},
    "events": {Route.LOGICAL: Severity.WARNING},
}
# Asked by a check of the provider's.
_ASKED_ALREADY = "aliyun-root"
# What the provider says that the cluster has: the source's accounts and "necessary parameters", and a binary log.
# Which parameters those are is not published, so that what only may matter is shown and holds nothing up.
_INHERITED = {
    "accounts-present": Severity.WARNING,
    "accounts-alike": Severity.WARNING,
    "accounts-grants": Severity.WARNING,
    "lower-case-table-names": Severity.WARNING,
    "session-defaults": Severity.WARNING,
    "packet": Severity.WARNING,
    "binary-log": Severity.WARNING,
    "sql-mode": Severity.NOTICE,
    "param-drift": Severity.NOTICE,
}


def _on_either(catalogue: Callable[[Route], tuple[Check, ...]]) -> tuple[Check, ...]:
    """The checks of both ways, each once: which way it is shows only once the source is looked at."""
    found = (*catalogue(Route.PHYSICAL), *catalogue(Route.LOGICAL))
    return tuple({check.id: check for check in found}.values())


def _of_the_server() -> tuple[Check, ...]:
    """What is asked of the source itself, as serious as it is on the provider's ways."""
    return tuple(
        replace(check, routes={**check.routes, **_JUDGED.get(check.id, {})})
        for check in _on_either(on_route)
        if check.id != _ASKED_ALREADY
    )


def _inherited() -> tuple[Check, ...]:
    """What compares the cluster with its source, as serious as that is where the provider made the cluster."""
    return tuple(
        replace(check, routes=dict.fromkeys((Route.PHYSICAL, Route.LOGICAL), _INHERITED[check.id]))
        for check in _on_either(on_route)
        if check.id in _INHERITED
    )


def _by_version() -> tuple[Check, ...]:
    """What rests on the cluster's version: judged by the one that was chosen, and once more by the one that came."""
    return tuple(check for check in _on_either(on_route) if check.id in BY_VERSION)


# Asked at the gate as well, every few seconds.
ONCE_THERE = (*_inherited(), *(check for check in checks.every() if check.again))


def _deadline(m: Migration) -> str:
    """Until when the provider lets one go back, as far as it tells."""
    try:
        expires = look(m).expires
    except CloudFailed:
        expires = None
    if expires is None:
        return "The provider does not tell now when it ends the migration by itself."
    return f"The provider ends the migration by itself on {expires:%Y-%m-%d at %H:%M} UTC."


def _way_back(m: Migration) -> str:
    """What applications have to do after a rollback."""
    if addresses.wanted(m):
        return "applications keep their address."
    return f"give applications the address of {m.source.name} again as soon as it has the writes."


def _connected(m: Migration) -> str:
    """Who is connected to the instance now, its own accounts, replicas and this program left out."""
    try:
        found = [one for one in sessions(m.source) if not one.command.startswith("Binlog Dump")]
    except ServerError as error:
        return f"Who is connected to it could not be asked: {error}"
    users = Counter(f"{one.user} from {one.host}" for one in found if one.user != m.source.endpoint.account.user)
    if not users:
        return "No client is connected to it now."
    listed = ", ".join(f"{user} ({number})" for user, number in users.most_common())
    return f"STILL CONNECTED to it, with how many sessions: {listed}. They break."


APPROVE = replace(
    PLAN,
    consequence=lambda m: (
        f"A PolarDB cluster is ORDERED, filled from {m.source.name} and billed as the provider's page for purchases "
        f"says: {sizes.ordered(m)}. Clients on {m.source.name} go on writing. From now on change no parameter of it, "
        "and no tables while it is copied."
        f"{' It is a CLONE: nothing is synchronised, and nothing is switched.' if clone.wanted(m) else ''}"
    ),
    guide=Guide(
        "Approving can be taken back by cancelling before the switch: the migration is ended at the provider. The "
        "cluster stays, takes writes and is billed, until you release it.",
        "Changing parameters of the instance, or its tables while they are copied: the provider forbids it until "
        "the migration has ended.",
    ),
)
HEARTBEAT = Step(
    id=heartbeat.STEP,
    title="make the heartbeat's row",
    side=Side.SOURCE,
    why="Where it was chosen: what is there before the copy is carried with it, and tells how far behind the other is.",
    how=heartbeat,
    undo=heartbeat.undo,
    undo_says="drop it",
    guide=Guide(
        "Its database is dropped again, by a cancel and at the end.",
        "Leaving the database out of what travels: its row is then not read on the other side.",
    ),
)
ORDER = Step(
    id=create.STEP,
    title="order the cluster",
    side=Side.CLOUD,
    why="Migrate from RDS makes a cluster with the data of the instance, read-only, that follows it from then on.",
    how=create,
    undo=fill.undo,
    undo_says="end migration",
    guide=Guide(
        "The order cannot be taken back. Cancelling ends the migration; the cluster stays and is billed.",
        "Ordering another one in the console because the answer is late: both are billed. The order is sent with a "
        "token that makes it one purchase, and is found by its name.",
    ),
)
CLONED = Step(
    id=clone.STEP,
    title="let the clone be filled",
    side=Side.CLOUD,
    why="A clone has the data of the instance once, and is a cluster of its own as soon as it runs.",
    how=clone,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: it waits until the clone runs.",
        "Expecting it to follow: what is written on the instance from now on is not on the clone.",
    ),
)
CLONE_IS_THERE = Gate(
    id="clone_is_there",
    title="the clone is there",
    why="Nothing keeps it in step, so that no switch can follow.",
    question=lambda m: f"End this migration with {m.spec.target.name} as it is?",
    consequence=clone.as_it_is,
    word=lambda m: "",
    choices=(Choice.CONFIRM,),
    when=clone.wanted,
    ends=clone.ended,
    guide=Guide(
        "Ending here changes nothing for the applications. The clone stays and is billed, until you release it.",
        "Pointing an application at it for good: it lacks everything written since it was filled.",
    ),
)
FILL = Step(
    id=fill.STEP,
    title="let the provider fill it",
    side=Side.CLOUD,
    why="The switch is possible once the cluster has everything and follows the instance.",
    how=fill,
    undo_says="-",
    guide=Guide(
        "Cancelling ends the migration at the provider. The cluster stays and is billed.",
        "Trying a failed precheck again and again. Its reason is shown: see to that first, or it fails the same way.",
    ),
)
CATCH_UP = Step(
    id="catch_up",
    title="catch up",
    side=Side.CLOUD,
    why="The provider switches only below 60 s of delay, and writes stop for as long as the cluster is behind.",
    how=sync,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: it waits for the provider's delay.",
        "Switching as soon as the provider allows it: below 60 seconds it would, but writes stop for as long as the "
        "cluster is behind.",
    ),
)
ADD_ENDPOINTS = Step(
    id="endpoints_added",
    title="add endpoints",
    side=Side.CLOUD,
    why="Only an address that has a partner on the cluster is exchanged; one that is added later is not.",
    how=endpoints,
    undo_says="-",
    guide=Guide(
        "They are not taken away again. Those that nobody uses can be deleted in the console.",
        "Adding one after the switch: it is not exchanged any more.",
    ),
)
COMPARED = Step(
    id="compared",
    title="compare accounts and settings",
    side=Side.BOTH,
    why="What the cluster inherits is looked at while there is time: accounts, settings, whitelist, addresses, tasks.",
    how=Compared((*ONCE_THERE, *_by_version()), FILL.id),
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: both sides are only looked at.",
        "Taking it for a comparison of rows: that is another step. Here it is accounts, settings, whitelists and "
        "addresses, which fail an application just as well.",
    ),
)
CUT_OVER = Gate(
    id="cutover",
    title="move the writes",
    why="Until now nothing has changed for clients. You decide when it does.",
    question=lambda m: f"Move the writes from {m.source.name} to {m.target.name} now?",
    consequence=lambda m: (
        f"The provider makes {m.source.name} read-only and {m.target.name} writable and reverses the replication, "
        f"{m.chosen('endpoints') or 'without endpoints'}, usually within 5 minutes. Once asked, it cannot be "
        f"stopped. {_deadline(m)}"
    ),
    word=lambda m: m.source.name,
    choices=(Choice.CONFIRM, Choice.WAIVE, Choice.FIX, Choice.CANCEL),
    guide=Guide(
        "Until you have typed the name nothing is asked of the provider. Once asked it cannot be stopped; going "
        "back is a rollback, for as long as the provider keeps the migration.",
        "Switching with clients that keep looked-up names for long, or that do not reconnect: every session is "
        "broken, for minutes at the most.",
    ),
)
MOVE_WRITES = Switch(
    id="move_writes",
    title="switch over",
    why="The provider fences, drains and opens; its state is read before and after, and the pair of modes decides.",
    undo_says="rollback",
    how=mover,
    guide=Guide(
        "Once the provider was asked it cannot be stopped. A rollback moves the writes back, with the data written "
        "meanwhile.",
        "Asking again in the console because it takes minutes: it is asked once, and the modes of both sides tell "
        "how far it is.",
    ),
)
MOVE_TASKS = Step(
    id="tasks_moved",
    title="move the DTS tasks",
    side=Side.CLOUD,
    why="A task of the business that still reads from the instance, or writes to it, would stand still or break.",
    how=tasks.FORWARD,
    undo_says="with rollback",
    guide=Guide(
        "A rollback moves them back.",
        "Forgetting tasks of other accounts or regions: only those that the provider lists are moved.",
    ),
)
TASKS_BACK = Step(
    id="tasks_back",
    title="move the DTS tasks back",
    side=Side.CLOUD,
    why="After a rollback, and before the migration is ended, they have to follow the writes.",
    how=tasks.BACK,
    guide=Guide(
        "They can be moved again after another switch.",
        "Ending the migration before they run again: a task that still points to the cluster reads from the wrong "
        "side.",
    ),
)
OBSERVE = Gate(
    id="observe",
    title="keep it or go back",
    why="The instance follows the cluster: going back now loses nothing. The provider ends this by itself one day.",
    question=lambda m: f"Do the applications work well on {m.target.name}?",
    consequence=lambda m: (
        f"Rolling back keeps every write; {_way_back(m)} Completing ends the synchronisation: no rollback after it."
    ),
    word=lambda m: m.target.name,
    choices=(Choice.ROLL_BACK, Choice.COMPLETE),
    guide=Guide(
        "Rolling back keeps every write, until the provider ends the migration by itself on the day that is shown. "
        "Completing ends it at once.",
        "Letting the deadline pass unseen: then both sides take writes and nothing keeps them together. The "
        "countdown stands at the top of every screen.",
    ),
)
COMPLETE = Step(
    id="close",
    title="complete the migration",
    side=Side.CLOUD,
    why="The synchronisation ends for good, and with it the way back and the provider's deadline.",
    how=close.COMPLETE,
    guide=Guide(
        "Nothing takes it back: the synchronisation has ended for good.",
        "Clicking again in the console because it seems to hang. It ends within minutes; it is sent once and waited "
        "for.",
    ),
)
END_ON_SOURCE = Step(
    id="close_after_rollback",
    title="cancel the migration",
    side=Side.CLOUD,
    why="The writes are back on the instance; the cluster becomes one of its own and is billed.",
    how=close.AFTER_ROLLBACK,
    guide=Guide(
        "Nothing takes it back. The instance has the writes, and the cluster becomes one of its own.",
        "Forgetting the cluster: it stays and is billed, until you release it.",
    ),
)
TRIGGERS = Step(
    id="set_aside",
    title="create triggers and events again",
    side=Side.TARGET,
    why="What was dropped because DTS does not carry it belongs to the application all the same.",
    how=set_aside.ON_TARGET,
    guide=Guide(
        "They can be dropped again by hand.",
        "Creating them again by hand, too: then they are there twice, under another name, and run twice.",
    ),
)
TRIGGERS_BACK = Step(
    id="set_aside_back",
    title="create triggers and events again",
    side=Side.SOURCE,
    why="What was dropped because DTS does not carry it belongs to the application all the same.",
    how=set_aside.ON_SOURCE,
    guide=Guide(
        "They can be dropped again by hand.",
        "Creating them again by hand, too: then they are there twice, under another name, and run twice.",
    ),
)
HEARTBEAT_GONE = Step(
    id=heartbeat.GONE_STEP,
    title="take the heartbeat away",
    side=Side.BOTH,
    why="Nothing is synchronised any more, and the row is nobody's.",
    how=heartbeat.GONE,
    guide=Guide(
        "There is nothing to undo: the database was made by this migration.",
        "Dropping it by hand while sides are still in step: the reading is unknown from then on.",
    ),
)
HEARTBEAT_GONE_BACK = replace(HEARTBEAT_GONE, id=heartbeat.GONE_BACK_STEP, how=heartbeat.GONE_BACK)
CONFIRM_RELEASE = Gate(
    id="release_confirm",
    title="release the source",
    why="What is released cannot be had back but from its backups.",
    question=lambda m: f"Release {of(m).instance_id} for good?",
    consequence=lambda m: f"{of(m).instance_id} is DELETED with its data. {_connected(m)}",
    word=lambda m: of(m).instance_id,
    choices=(Choice.CONFIRM,),
    when=release.wanted,
    guide=Guide(
        "What is released can be had back only from its backups, which the provider keeps as its rules say.",
        "Releasing while somebody is still connected: who that is stands above, with how many sessions.",
    ),
)
RELEASE = Step(
    id=release.STEP,
    title="release the source",
    side=Side.CLOUD,
    why="An instance that nobody needs any more is billed all the same.",
    how=release,
    guide=Guide(
        "Only its backups bring it back, as a new instance.",
        "Expecting it to go at once where it is prepaid or protected: the provider refuses that, and the checks say "
        "so.",
    ),
)


RUNBOOK = Runbook(
    name="rds_to_polardb",
    title="Alibaba Cloud: RDS for MySQL to PolarDB, one-click upgrade",
    checks=(*checks.every(), *_of_the_server()),
    activity=(*_on_either(again_on_route), *ONCE_THERE),
    route=route_of,
    stages={
        Stage.PREPARE: (
            choices.CREATION, purchase.VERSION, CHECKS, purchase.BILLING, purchase.PERIOD, purchase.RENEWAL,
            purchase.VPC, purchase.ZONE, purchase.VSWITCH, purchase.NODE_CLASS, purchase.SCALE_MIN, purchase.SCALE_MAX,
            purchase.STORAGE_ENGINE, purchase.XENGINE_SHARE, choices.RATE,
            choices.HEARTBEAT, APPROVE,
        ),
        Stage.CREATE: (HEARTBEAT, ORDER, CLONED, CLONE_IS_THERE, FILL),
        Stage.SYNC: (
            CATCH_UP, choices.ADD_ENDPOINTS, ADD_ENDPOINTS, COMPARED, choices.ENDPOINTS, choices.TASKS, COMPARE,
        ),
        Stage.CUTOVER: (CUT_OVER, MOVE_WRITES),
        Stage.OBSERVE: (MOVE_TASKS, OBSERVE),
        Stage.COMPLETE: (
            choices.BINLOG, COMPLETE, TRIGGERS, HEARTBEAT_GONE, choices.RELEASE, CONFIRM_RELEASE, RELEASE,
        ),
    },
    finish_on_source=(TASKS_BACK, END_ON_SOURCE, TRIGGERS_BACK, HEARTBEAT_GONE_BACK),
    follows_from=FILL.id,
    cloud=open_account,
    follow=ProvidersWord,
    expected=expected,
    new_address=addresses.new_address,
)  # fmt: skip
