"""Azure: another size, tier or region of a Flexible Server by a read replica that is promoted first and follows again.

The service's own way is to stop the writes, wait for the replica and stop its replication, which takes minutes. Here
the replica is promoted while clients still write on the source, follows the source again by data-in replication, and
the writes are moved behind our own fence, as between any two servers. So the minutes of the promotion stop nobody's
writes, and the old server follows the new one afterwards: one can go back.
"""

from __future__ import annotations

from dataclasses import replace

from migration.azure import release, replica
from migration.azure.account import of, open_account
from migration.azure.data_in import checks, way_back
from migration.azure.data_in.retention import Retention
from migration.azure.promote_first import choices, guarding, promote, reattach
from migration.azure.state import offer
from migration.check import Route
from migration.checks import again_on_route, on_route
from migration.model import Side, Stage
from migration.runbook import Runbook, Step
from migration.runbooks.azure_service_tier import CONFIRM_RELEASE
from migration.runbooks.mysql_replication import (
    CATCH_UP,
    CHECKS,
    COMPARE,
    CUT_OVER,
    END_REPLICATION,
    MOVE_WRITES,
    OBSERVE,
    PLAN,
    WAY_BACK,
)
from migration.steps import closed_accounts

_ON_SOURCE = Retention("keep_logs", lambda m: of(m).source)
_ON_TARGET = Retention("keep_logs_back", lambda m: of(m).replica)

APPROVE = replace(
    PLAN,
    consequence=lambda m: (
        f"A replica of {m.source.name} is CREATED with the size {offer(m).name} and billed as the provider says. "
        f"Clients on {m.source.name} go on writing, but for a restart of it where this is its first replica."
    ),
)
KEEP_LOGS = Step(
    id="keep_logs",
    title="keep binary logs",
    side=Side.CLOUD,
    why="The service removes a binary log once its own replicas have it; after its promotion the new server is none.",
    how=_ON_SOURCE,
    undo=_ON_SOURCE.undo,
    undo_says="as before",
)
REPLICA = Step(
    id=replica.STEP,
    title="create the replica",
    side=Side.CLOUD,
    why="It has the new size, tier and region from its beginning; nothing of the source is changed.",
    how=replica,
    undo=replica.undo,
    undo_says="delete replica",
)
GUARDED = Step(
    id="guard",
    title="keep clients out of it",
    side=Side.TARGET,
    why="The promotion opens a replica; a guard ends every session but this program's at its begin.",
    how=guarding.GUARDED,
    undo=guarding.GUARDED.undo,
    undo_says="no guard",
)
PROMOTE = Step(
    id=promote.STEP,
    title="promote the replica",
    side=Side.CLOUD,
    why="It takes minutes: done now, nobody's writes wait for it.",
    how=promote,
    undo_says="-",
)
PROTECT = Step(
    id="protect_accounts",
    title="lock the clients' accounts",
    side=Side.TARGET,
    why="Locked accounts keep clients out as the guard does, and are unlocked in milliseconds.",
    how=closed_accounts,
    undo=closed_accounts.undo,
    undo_says="unlock",
)
WITHOUT_GUARD = Step(
    id="without_guard",
    title="take the guard away",
    side=Side.CLOUD,
    why="The locked accounts do its work from here on, and setting a parameter takes seconds.",
    how=guarding.WITHOUT_GUARD,
    undo_says="-",
)
REATTACH = Step(
    id="reattach",
    title="follow the source again",
    side=Side.TARGET,
    why="From where it was when it was promoted on, every change of the source reaches it by itself.",
    how=reattach,
    undo=reattach.undo,
    undo_says="detach",
)
KEEP_LOGS_BACK = Step(
    id="keep_logs_back",
    title="keep binary logs there, too",
    side=Side.CLOUD,
    why="The old server reads them to follow, which is the way back.",
    how=_ON_TARGET,
    undo_says="-",
)
ARM_WAY_BACK = replace(WAY_BACK, how=way_back, undo=way_back.undo)
RELEASE = Step(
    id=release.STEP,
    title="delete the old server",
    side=Side.CLOUD,
    why="A server that nobody needs any more is billed all the same.",
    how=release,
)

RUNBOOK = Runbook(
    name="azure_flexible_promote_first",
    title="Azure: size, tier or region of a Flexible Server, by a replica that is promoted first",
    checks=(*checks.promote_first(), *on_route(Route.NATIVE)),
    activity=(*again_on_route(Route.NATIVE), *(check for check in checks.promote_first() if check.again)),
    route=lambda m: Route.NATIVE,
    stages={
        Stage.PREPARE: (CHECKS, choices.CHOOSE_REGION, choices.CHOOSE_TIER, APPROVE, KEEP_LOGS),
        Stage.CREATE: (REPLICA, GUARDED, PROMOTE, PROTECT, WITHOUT_GUARD, REATTACH, KEEP_LOGS_BACK),
        Stage.SYNC: (CATCH_UP, ARM_WAY_BACK, COMPARE),
        Stage.CUTOVER: (CUT_OVER, MOVE_WRITES),
        Stage.OBSERVE: (OBSERVE,),
        Stage.COMPLETE: (END_REPLICATION, choices.CHOOSE_RELEASE, CONFIRM_RELEASE, RELEASE),
    },
    finish_on_source=(END_REPLICATION,),
    follows_from=REATTACH.id,
    cloud=open_account,
)
