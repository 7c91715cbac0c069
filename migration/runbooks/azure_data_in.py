"""Azure: any MySQL to a Flexible Server that is there, by data-in replication.

The procedure of "How to configure Azure Database for MySQL - Flexible Server data-in replication", with its read-only
dump replaced by a copy as of one moment, and with a way back: lock the clients' accounts on the target, copy the
databases to it, let it follow from the moment of the copy by `mysql.az_replication_change_master`, wait until it has
caught up, let the source follow it in turn, move the writes, watch, and end replication. It is the way from one version
of Flexible Server to another, too.
"""

from __future__ import annotations

from dataclasses import replace

from migration.azure.account import of
from migration.azure.data_in import attach, checks, target, way_back
from migration.azure.data_in.account import open_account
from migration.azure.data_in.retention import Retention
from migration.check import Route
from migration.checks import again_on_route, on_route
from migration.model import Side, Stage
from migration.runbook import Runbook, Step
from migration.runbooks.mysql_replication import (
    ATTACH,
    CATCH_UP,
    CHECKS,
    COMPARE,
    COPY,
    CUT_OVER,
    END_REPLICATION,
    MOVE_WRITES,
    OBSERVE,
    PLAN,
    WAY_BACK,
)
from migration.steps import closed_accounts
from migration.view import Guide

_ON_SOURCE = Retention("keep_logs", lambda m: of(m).place_of(m.source))
_ON_TARGET = Retention("keep_logs_back", lambda m: of(m).place_of(m.target))

FIND_TARGET = Step(
    id=target.STEP,
    title="look the target up",
    side=Side.CLOUD,
    why="The checks ask the target, too, and the provider knows where it is.",
    how=target,
    guide=Guide(
        "There is nothing to undo: it only asks the provider where the target is.",
        "Naming a server that is not empty, or that somebody uses: the checks say so, and nothing is copied over it.",
    ),
)
KEEP_LOGS = Step(
    id="keep_logs",
    title="keep the source's binary logs",
    side=Side.CLOUD,
    why="A Flexible Server removes a binary log once its own replicas have it, and the target is none of them.",
    how=_ON_SOURCE,
    undo=_ON_SOURCE.undo,
    undo_says="as before",
    guide=Guide(
        "Cancelling sets the parameter back to what it was. Where the source is no Flexible Server nothing is set.",
        "Filling the disk: binary logs of two days stay on the source. Look at its free storage first.",
    ),
)
KEEP_LOGS_BACK = Step(
    id="keep_logs_back",
    title="keep the target's binary logs",
    side=Side.CLOUD,
    why="The source reads them to follow, which is the way back.",
    how=_ON_TARGET,
    undo=_ON_TARGET.undo,
    undo_says="as before",
    guide=Guide(
        "Cancelling sets the parameter back to what it was.",
        "Sizing the target's storage too tightly: these logs come on top of the data.",
    ),
)
PROTECT = Step(
    id="protect_accounts",
    title="lock the clients' accounts",
    side=Side.TARGET,
    why="Nobody can set the target read-only by SQL; locked accounts keep clients out until it is its turn.",
    how=closed_accounts,
    undo=closed_accounts.undo,
    undo_says="unlock",
    guide=Guide(
        "Cancelling unlocks the accounts on the target.",
        "Having no accounts there at all: the service replicates none. Make them on the target first, with the "
        "passwords that the applications have.",
    ),
)
FOLLOW = replace(ATTACH, how=attach, undo=attach.undo)
ARM_WAY_BACK = replace(WAY_BACK, how=way_back, undo=way_back.undo)

RUNBOOK = Runbook(
    name="azure_data_in",
    title="Azure: any MySQL to a Flexible Server, by data-in replication",
    checks=(*checks.data_in(), *on_route(Route.NATIVE)),
    activity=(*again_on_route(Route.NATIVE), *(check for check in checks.data_in() if check.again)),
    route=lambda m: Route.NATIVE,
    stages={
        Stage.PREPARE: (FIND_TARGET, CHECKS, PLAN, KEEP_LOGS, KEEP_LOGS_BACK, PROTECT),
        Stage.CREATE: (COPY, FOLLOW),
        Stage.SYNC: (CATCH_UP, ARM_WAY_BACK, COMPARE),
        Stage.CUTOVER: (CUT_OVER, MOVE_WRITES),
        Stage.OBSERVE: (OBSERVE,),
        Stage.COMPLETE: (END_REPLICATION,),
    },
    finish_on_source=(END_REPLICATION,),
    follows_from=FOLLOW.id,
    cloud=open_account,
    own_accounts=True,
)
