"""Amazon RDS: another class, storage or standby by a read replica that is promoted first and follows again.

The procedure is the page's "add slave; promote to master; switch clients" with its order changed: the replica is
promoted while clients still write on the source, follows the source again by `mysql.rds_set_external_...`, and the
writes are moved behind our own fence, as between any two servers. So the minutes of the promotion stop nobody's writes,
and the old primary follows the new one afterwards: one can go back.
"""

from __future__ import annotations

from dataclasses import replace

from migration.aws import checks, choices, create, group, promote, reattach, release, retention
from migration.aws.account import of, open_account
from migration.check import Route
from migration.checks import again_on_route, on_route
from migration.decisions import Choice
from migration.model import Side, Stage
from migration.runbook import Gate, Runbook, Step
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
from migration.view import Guide

APPROVE = replace(
    PLAN,
    consequence=lambda m: (
        f"A read replica of {m.source.name} is made, and billed as AWS says; on a Single-AZ instance, writes stand "
        f"still for up to a minute while it is begun. Clients on {m.source.name} go on writing."
    ),
    guide=Guide(
        "Approving can be taken back by cancelling before the cutover. The replica that was ordered then stays and "
        "is billed, until you delete it in the console.",
        "Approving at a busy hour: on an instance without a standby, writes can stand still for up to a minute "
        "while the replica is begun.",
    ),
)
KEEP_LOGS = Step(
    id="keep_logs",
    title="keep binary logs",
    side=Side.SOURCE,
    why="RDS removes a binary log once its own replicas have it; after the promotion the new instance is none of them.",
    how=retention.ON_SOURCE,
    undo=retention.ON_SOURCE.undo,
    undo_says="hours as before",
    guide=Guide(
        "Cancelling sets the hours back to what they were.",
        "Filling the disk: binary logs of two days stay on the source. Look at its free space first; without them "
        "the new instance could not follow after its promotion.",
    ),
)
GROUP = Step(
    id="parameter_group",
    title="make a parameter group",
    side=Side.CLOUD,
    why="Without SUPER it is the only way to set variables, read_only among them, and a guard against clients.",
    how=group.OWN,
    undo_says="stays",
    guide=Guide(
        "The group stays after cancelling. It costs nothing, and can be deleted in the console.",
        "Changing the group by hand meanwhile: its settings keep clients out of the new instance until it is its turn.",
    ),
)
REPLICA = Step(
    id="replica",
    title="order the read replica",
    side=Side.CLOUD,
    why="It has the new class, storage and standby from its beginning; nothing of the source is changed.",
    how=create.ORDER,
    undo=create.ORDER.undo,
    undo_says="stays, billed",
    guide=Guide(
        "RDS cannot take an order back. After cancelling the replica stays, is billed, and is yours to delete in "
        "the console.",
        "Sending the order again in the console because it seems to take long: two replicas are made and billed. An "
        "answer that was lost is looked for by name here.",
    ),
)
FOLLOWS = Step(
    id="follow",
    title="let RDS fill it",
    side=Side.CLOUD,
    why="It is a copy of the source's volume, and follows it from there.",
    how=create.FILLED,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: it waits until RDS has made the replica.",
        "Judging its speed in the first hour: its storage is filled as it is read, and is slow until then.",
    ),
)
BEHIND_GUARD = Step(
    id="behind_guard",
    title="open it to this program",
    side=Side.TARGET,
    why="Accounts can be locked only where one can write; every other user's session is ended at its begin meanwhile.",
    how=group.BEHIND_GUARD,
    undo=group.BEHIND_GUARD.undo,
    undo_says="read_only as usual",
    guide=Guide(
        "Cancelling gives read_only back to RDS. No client can stay on it meanwhile: every other session is ended "
        "as it begins.",
        "Trying a login there with the application's account and taking the refusal for a fault: it is what the "
        "guard is for.",
    ),
)
PROTECT = Step(
    id="protect_accounts",
    title="lock the clients' accounts",
    side=Side.TARGET,
    why="The promotion opens a replica; locked accounts keep clients out of it, and are unlocked in milliseconds.",
    how=closed_accounts,
    undo=closed_accounts.undo,
    undo_says="unlock",
    guide=Guide(
        "Cancelling unlocks the accounts. On the source nothing is locked: these locks are never carried there.",
        "Locking accounts that monitoring or backups use, and wondering why they fail: name them with --spare. They "
        "are unlocked in milliseconds at the cutover.",
    ),
)
WITHOUT_GUARD = Step(
    id="without_guard",
    title="take the guard away",
    side=Side.CLOUD,
    why="The locked accounts do its work from here on; it ends with the restart of the promotion.",
    how=group.WITHOUT_GUARD,
    undo_says="-",
    guide=Guide(
        "It is not put back. From here on the locked accounts keep clients out.",
        "Restarting the replica by hand to make it quicker: the promotion restarts it anyway, and that is when the "
        "guard ends.",
    ),
)
PROMOTE = Step(
    id=promote.STEP,
    title="promote the replica",
    side=Side.CLOUD,
    why="It takes minutes and a restart: done now, nobody's writes wait for it.",
    how=promote,
    undo_says="-",
    guide=Guide(
        "A promotion cannot be taken back. It does not have to be: the source has the writes all the while, and "
        "nothing points to the new instance.",
        "Taking it for the cutover. No client is moved by it, and the old instance is still the one that counts.",
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
        "Cancelling detaches it from the source again. The instance itself stays.",
        "Setting replication up by hand in the meantime, from a place that seems right: it goes on from exactly "
        "where the replica was when it was promoted.",
    ),
)
KEEP_LOGS_BACK = Step(
    id="keep_logs_back",
    title="keep binary logs there, too",
    side=Side.TARGET,
    why="The old primary reads them to follow, which is the way back.",
    how=retention.ON_TARGET,
    undo_says="-",
    guide=Guide(
        "It is not set back, and does no harm: the logs of two days stay on the new instance.",
        "Sizing the new disk too tightly: these logs come on top of the data.",
    ),
)
EVENTS = Step(
    id="events_on",
    title="let scheduled events run",
    side=Side.CLOUD,
    why="They came with the data, and the scheduler was off while the source's ran.",
    how=group.EVENTS,
    guide=Guide(
        "A rollback brings the events back to the side that has the writes. In the console it can be set at any time.",
        "Looking for events that ran twice, or not at all: they run on one side only, where the writes are.",
    ),
)
READ_ONLY_AS_USUAL = Step(
    id="read_only_as_usual",
    title="leave read_only to RDS",
    side=Side.CLOUD,
    why="The new primary's group is then like any other's.",
    how=group.AS_USUAL,
    guide=Guide(
        "It can be set again in the parameter group at any time.",
        "Keeping a fixed read_only in the group: the next replica or standby made with it would behave unlike any "
        "other.",
    ),
)
CONFIRM_RELEASE = Gate(
    id="release_confirm",
    title="delete the old primary",
    why="What is deleted cannot be had back but from its last snapshot.",
    question=lambda m: f"Delete {of(m).instance_id} for good?",
    consequence=lambda m: (
        f"{of(m).instance_id} is DELETED after a last snapshot. Its clients, if it still has any, break."
    ),
    word=lambda m: of(m).instance_id,
    choices=(Choice.CONFIRM,),
    when=release.wanted,
    guide=Guide(
        "The deletion cannot be taken back. A last snapshot is taken first, and is kept and billed until you delete "
        "it.",
        "Deleting while somebody still connects there. The screen before this one shows who is on which side.",
    ),
)
RELEASE = Step(
    id="released",
    title="delete the old primary",
    side=Side.CLOUD,
    why="An instance that nobody needs any more is billed all the same.",
    how=release,
    guide=Guide(
        "Only the last snapshot brings it back, as a new instance at a new endpoint, with the data of that moment.",
        "Wanting the name back at once: RDS lets go of it only when the deletion is through.",
    ),
)

RUNBOOK = Runbook(
    name="rds_promote_first",
    title="Amazon RDS: resize by a read replica, promoted first",
    checks=(*checks.every(), *on_route(Route.NATIVE)),
    activity=(*again_on_route(Route.NATIVE), *(check for check in checks.every() if check.again)),
    route=lambda m: Route.NATIVE,
    stages={
        Stage.PREPARE: (
            CHECKS, choices.NODE_CLASS, choices.STORAGE_TYPE, choices.IOPS, choices.MULTI_AZ, APPROVE, KEEP_LOGS,
        ),
        Stage.CREATE: (
            GROUP, REPLICA, FOLLOWS, BEHIND_GUARD, PROTECT, WITHOUT_GUARD, PROMOTE, REATTACH, KEEP_LOGS_BACK,
        ),
        Stage.SYNC: (CATCH_UP, WAY_BACK, COMPARE),
        Stage.CUTOVER: (CUT_OVER, MOVE_WRITES),
        Stage.OBSERVE: (EVENTS, OBSERVE),
        Stage.COMPLETE: (END_REPLICATION, READ_ONLY_AS_USUAL, choices.RELEASE, CONFIRM_RELEASE, RELEASE),
    },
    finish_on_source=(END_REPLICATION,),
    follows_from=REATTACH.id,
    cloud=open_account,
)  # fmt: skip
