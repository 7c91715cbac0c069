"""Amazon RDS: another class, storage or standby by a read replica, promoted while nobody writes.

The procedure is the page's: create a replica with the desired shape, wait until it is in step, verify that both sides
have identical data, disconnect the applications, verify matching coordinates, "Promote Read Replica", connect the
applications to it. What the page lacks is a way back: after the promotion the old primary follows the new one.
"""

from __future__ import annotations

from dataclasses import replace

from migration.aws import checks, choices, promoting
from migration.aws.account import open_account
from migration.check import Route
from migration.checks import again_on_route, on_route
from migration.model import Stage
from migration.runbook import Runbook, Switch
from migration.runbooks.mysql_replication import CATCH_UP, CHECKS, COMPARE, CUT_OVER, END_REPLICATION, OBSERVE
from migration.runbooks.rds_promote_first import (
    APPROVE,
    BEHIND_GUARD,
    CONFIRM_RELEASE,
    EVENTS,
    FOLLOWS,
    GROUP,
    KEEP_LOGS,
    KEEP_LOGS_BACK,
    PROTECT,
    READ_ONLY_AS_USUAL,
    RELEASE,
    REPLICA,
    WITHOUT_GUARD,
)
from migration.view import Guide

WAIT_FOR_IT = replace(
    CUT_OVER,
    consequence=lambda m: (
        f"NOBODY CAN WRITE for as long as the promotion takes: {promoting.estimate(m).basis}. Then "
        f"{m.target.name} has the writes; the way back is a rollback, which takes seconds."
    ),
    guide=Guide(
        "Nothing moves before you have typed the name. Until the replica is open it can be stopped and the source "
        "is opened again; afterwards going back is a rollback of seconds.",
        "Expecting seconds. RDS takes minutes to promote, and nobody can write for as long: plan a window, or take "
        "the runbook that promotes first.",
    ),
)
MOVE_WRITES = Switch(
    id="move_writes",
    title="fence, drain, promote, open",
    why="The source is fenced first, and the replica promoted only once it is proved to have everything.",
    undo_says="rollback",
    how=promoting,
    guide=Guide(
        "Up to the point of no return the source is opened again where anything fails; the replica then is promoted "
        "already, and follows the source again. After it a rollback moves the writes back.",
        "Stopping it in the midst of the promotion because it is slow: the next try is quick, since the promotion "
        "is behind it, but the writes were off for nothing.",
    ),
)

RUNBOOK = Runbook(
    name="rds_read_replica",
    title="Amazon RDS: resize by a read replica, as its page has it",
    checks=(*checks.every(), *on_route(Route.NATIVE)),
    activity=(*again_on_route(Route.NATIVE), *(check for check in checks.every() if check.again)),
    route=lambda m: Route.NATIVE,
    stages={
        Stage.PREPARE: (
            CHECKS, choices.NODE_CLASS, choices.STORAGE_TYPE, choices.IOPS, choices.MULTI_AZ, APPROVE, KEEP_LOGS,
        ),
        Stage.CREATE: (GROUP, REPLICA, FOLLOWS, BEHIND_GUARD, PROTECT, WITHOUT_GUARD),
        Stage.SYNC: (CATCH_UP, COMPARE),
        Stage.CUTOVER: (WAIT_FOR_IT, MOVE_WRITES),
        Stage.OBSERVE: (KEEP_LOGS_BACK, EVENTS, OBSERVE),
        Stage.COMPLETE: (END_REPLICATION, READ_ONLY_AS_USUAL, choices.RELEASE, CONFIRM_RELEASE, RELEASE),
    },
    finish_on_source=(END_REPLICATION,),
    follows_from=PROTECT.id,
    cloud=open_account,
)  # fmt: skip
