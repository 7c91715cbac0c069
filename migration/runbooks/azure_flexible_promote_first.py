"""Azure: another size, tier or region of a Flexible Server by a read replica that is promoted first and follows again.

The service's own way is to stop the writes, wait for the replica and stop its replication, which takes minutes. Here
the replica is promoted while clients still write on the source, follows the source again by data-in replication, and
the writes are moved behind our own fence, as between any two servers. So the minutes of the promotion stop nobody's
writes, and the old server follows the new one afterwards: one can go back.
"""

from __future__ import annotations

from dataclasses import replace

from migration.azure.account import of, open_account
from migration.azure.data_in import checks
from migration.azure.data_in.retention import Retention
from migration.azure.promote_first import choices, guarding, promote, reattach
from migration.azure.state import offer
from migration.check import Route
from migration.checks import again_on_route, on_route
from migration.model import Side, Stage
from migration.runbook import Runbook, Step
from migration.runbooks import azure_data_in as data_in
from migration.runbooks import azure_service_tier as service_tier
from migration.runbooks.mysql_replication import (
    CATCH_UP,
    CHECKS,
    COMPARE,
    CUT_OVER,
    END_REPLICATION,
    MOVE_WRITES,
    OBSERVE,
    PLAN,
)
from migration.view import Guide

_ON_SOURCE = Retention("keep_logs", lambda m: of(m).source)
_ON_TARGET = Retention("keep_logs_back", lambda m: of(m).replica)

APPROVE = replace(
    PLAN,
    consequence=lambda m: (
        f"A replica of {m.source.name} is CREATED with the size {offer(m).name} and billed as the provider says. "
        f"Clients on {m.source.name} go on writing, but for a restart of it where this is its first replica."
    ),
    guide=Guide(
        "Approving can be taken back by cancelling before the cutover. The replica is deleted while it is one; once "
        "promoted it stays and is billed, until you delete it.",
        "Approving at a busy hour: the first replica of a server restarts the server.",
    ),
)
KEEP_LOGS = replace(
    data_in.KEEP_LOGS,
    why="The service removes a binary log once its own replicas have it; after its promotion the new server is none.",
    how=_ON_SOURCE,
    undo=_ON_SOURCE.undo,
    guide=Guide(
        "Cancelling sets the parameter back to what it was.",
        "Filling the disk: binary logs of two days stay on the source. Without them the new server could not follow "
        "after its promotion.",
    ),
)
REPLICA = replace(
    service_tier.REPLICA,
    why="It has the new size, tier and region from its beginning; nothing of the source is changed.",
    guide=Guide(
        "Cancelling deletes it for as long as it is a replica.",
        "Creating another one in the portal because it seems to take long: both are billed. An answer that was lost "
        "is looked for by name here.",
    ),
)
GUARDED = Step(
    id="guard",
    title="keep clients out of it",
    side=Side.TARGET,
    why="The promotion opens a replica; a guard ends every session but this program's at its begin.",
    how=guarding.GUARDED,
    undo=guarding.GUARDED.undo,
    undo_says="no guard",
    guide=Guide(
        "Cancelling takes the guard away.",
        "Trying a login there with the application's account and taking the refusal for a fault: it is what the "
        "guard is for.",
    ),
)
PROMOTE = Step(
    id=promote.STEP,
    title="promote the replica",
    side=Side.CLOUD,
    why="It takes minutes: done now, nobody's writes wait for it.",
    how=promote,
    undo_says="-",
    guide=Guide(
        "A promotion cannot be taken back. It does not have to be: the source has the writes all the while, and "
        "nothing points to the new server.",
        "Taking it for the cutover. No client is moved by it, and the old server is still the one that counts.",
    ),
)
PROTECT = replace(
    data_in.PROTECT,
    why="Locked accounts keep clients out as the guard does, and are unlocked in milliseconds.",
    guide=Guide(
        "Cancelling unlocks the accounts.",
        "Locking accounts that monitoring uses, and wondering why it fails: name them with --spare.",
    ),
)
WITHOUT_GUARD = Step(
    id="without_guard",
    title="take the guard away",
    side=Side.CLOUD,
    why="The locked accounts do its work from here on, and setting a parameter takes seconds.",
    how=guarding.WITHOUT_GUARD,
    undo_says="-",
    guide=Guide(
        "It is not put back. From here on the locked accounts keep clients out.",
        "Changing init_connect by hand meanwhile: it becomes what it is at the source.",
    ),
)
REATTACH = Step(
    id="reattach",
    title="follow the source again",
    side=Side.TARGET,
    why="From where it was when it was promoted on, every change of the source reaches it by itself.",
    how=reattach,
    undo=reattach.undo,
    undo_says="detach",
    guide=Guide(
        "Cancelling detaches it from the source again. The server itself stays.",
        "Setting data-in replication up by hand, from a place that seems right: it goes on from exactly where the "
        "replica was when it was promoted.",
    ),
)
KEEP_LOGS_BACK = replace(
    data_in.KEEP_LOGS_BACK,
    why="The old server reads them to follow, which is the way back.",
    how=_ON_TARGET,
    undo=None,
    undo_says="-",
    guide=Guide(
        "It is not set back, and does no harm: the logs of two days stay on the new server.",
        "Sizing its storage too tightly: these logs come on top of the data.",
    ),
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
        Stage.SYNC: (CATCH_UP, data_in.ARM_WAY_BACK, COMPARE),
        Stage.CUTOVER: (CUT_OVER, MOVE_WRITES),
        Stage.OBSERVE: (OBSERVE,),
        Stage.COMPLETE: (END_REPLICATION, choices.CHOOSE_RELEASE, service_tier.CONFIRM_RELEASE, service_tier.RELEASE),
    },
    finish_on_source=(END_REPLICATION,),
    follows_from=REATTACH.id,
    cloud=open_account,
)
