"""Amazon RDS: a second primary with replication both ways, to which application servers are moved one at a time.

The procedure is the page's second answer: R1 from M1, SNAP1 from R1 at a known place, M2 from SNAP1; parameter groups
that keep new keys apart; each of the two follows the other; R1 and SNAP1 deleted; M2 upgraded; then "switch application
traffic one APP server at the time". What the page lacks is added: rows compared before and after, a watch over both
directions, and application servers moved back where something is wrong.

THIS IS THE ONE RUNBOOK IN WHICH TWO SERVERS TAKE CLIENTS' WRITES AT THE SAME TIME: from the opening of M2 until no
client is left on M1. Nobody's writes stand still, and changes of one row on both sides at once are the applications' to
avoid.
"""

from __future__ import annotations

from dataclasses import replace

from migration.aws import checks, choices, retention
from migration.aws.account import open_account
from migration.aws.active_active import create, equal, mover, settings, two_sides, upgrade
from migration.aws.active_active.follow import BothWays
from migration.aws.group import AS_USUAL
from migration.check import Check, Route
from migration.checks import again_on_route, of_topic, on_route
from migration.decisions import Choice
from migration.model import Side, Stage
from migration.runbook import Runbook, Step, Switch
from migration.runbooks.mysql_replication import CATCH_UP, CHECKS, COMPARE, CUT_OVER, END_REPLICATION, OBSERVE, PLAN
from migration.runbooks.rds_promote_first import CONFIRM_RELEASE, KEEP_LOGS, RELEASE
from migration.steps import way_back
from migration.view import Guide

APPROVE = replace(
    PLAN,
    consequence=lambda m: (
        f"A replica of {m.source.name}, its snapshot and a second primary are MADE, and billed as AWS says; on a "
        f"Single-AZ instance, writes stand still for up to a minute while the replica is begun. New keys of "
        f"AUTO_INCREMENT on {m.source.name} become four apart. Clients go on writing."
    ),
    guide=Guide(
        "Approving can be taken back by cancelling before application servers are moved. What was made then stays "
        "and is billed, until you delete it; keys become as they were.",
        "Choosing this way for an application that changes the same rows from several servers: the later change "
        "wins on each side, and they differ. Another runbook never has two open sides.",
    ),
)
SECOND_GROUP = Step(
    id="second_group",
    title="make the second side's parameter group",
    side=Side.CLOUD,
    why="It has keys of its own (4 and 2), no scheduled events, and read_only until application servers are moved.",
    how=settings.SECOND_GROUP,
    undo_says="stays",
    guide=Guide(
        "The group stays after cancelling. It costs nothing, and can be deleted in the console.",
        "Changing the keys' settings by hand: the two sides would make the same keys.",
    ),
)
REPLICA = Step(
    id="r1",
    title="order the replica R1",
    side=Side.CLOUD,
    why="Nobody can dump a running instance without SUPER; a replica tells its place in the source's binary log.",
    how=create.REPLICA,
    undo=create.REPLICA.undo,
    undo_says="stays, billed",
    guide=Guide(
        "RDS cannot take an order back. After cancelling R1 stays and is billed, until you delete it.",
        "Taking R1 for the new primary: it only lends its data and its place in the log, and is deleted afterwards.",
    ),
)
STOPPED = Step(
    id="r1_stopped",
    title="stop R1 and note the place",
    side=Side.CLOUD,
    why="Up to there the second side will have everything, and from there it follows.",
    how=create.STOPPED,
    undo_says="-",
    guide=Guide(
        "It is not started again, and need not be: the place where it stands is what it is there for.",
        "Starting R1 again by hand: the place that was put down would no longer be that of its data.",
    ),
)
SNAPSHOT = Step(
    id="snapshot",
    title="take the snapshot SNAP1 of R1",
    side=Side.CLOUD,
    why="Of a stopped replica, it is as of that place; the source is not touched by it.",
    how=create.TAKEN,
    undo_says="stays, billed",
    guide=Guide(
        "A snapshot changes nothing. After cancelling it stays and is billed, until you delete it.",
        "Taking one of the source instead: it tells no place in the binary log, from which the second side could "
        "follow.",
    ),
)
SECOND = Step(
    id="second",
    title="make the second primary M2 of it",
    side=Side.CLOUD,
    why="It is an instance of its own, with the attributes of the source, that follows nobody yet.",
    how=create.RESTORED,
    undo=create.RESTORED.undo,
    undo_says="stays, billed",
    guide=Guide(
        "RDS cannot take it back. After cancelling M2 stays and is billed, until you delete it.",
        "Giving its endpoint to anybody yet: it is read-only until application servers are moved, and it lacks what "
        "is written meanwhile.",
    ),
)
SECOND_LOG = Step(
    id="second_log",
    title="turn its backups on",
    side=Side.CLOUD,
    why="Without automated backups it has no binary log, and SHOW MASTER STATUS is empty.",
    how=create.LOGGED,
    undo_says="-",
    guide=Guide(
        "It can be changed in the console at any time; the instance restarts when backups are turned on.",
        "Wondering about an empty binary log status: without automated backups RDS writes no binary log at all.",
    ),
)
KEEP_LOGS_BACK = Step(
    id="keep_logs_back",
    title="keep binary logs there, too",
    side=Side.TARGET,
    why="The first side reads them to follow, which is what makes it two primaries.",
    how=retention.ON_TARGET,
    undo_says="-",
    guide=Guide(
        "It is not set back, and does no harm: the logs of two days stay on the second side.",
        "Sizing its disk too tightly: these logs come on top of the data.",
    ),
)
FOLLOW = Step(
    id="follow",
    title="let M2 follow M1",
    side=Side.TARGET,
    why="From where R1 was stopped on, every change of the first side reaches it by itself.",
    how=create.FOLLOWING,
    undo=create.FOLLOWING.undo,
    undo_says="detach",
    guide=Guide(
        "Cancelling detaches it again.",
        "Skipping an error to get it to run: what is skipped is lost on one side, and the two never become equal.",
    ),
)
FOLLOW_BACK = Step(
    id="way_back",
    title="let M1 follow M2",
    side=Side.SOURCE,
    why="What application servers write on the second side has to be on the first for those that are still there.",
    how=way_back,
    undo=way_back.undo,
    undo_says="detach",
    guide=Guide(
        "Cancelling detaches the first side again. Until application servers are moved nothing is written on the "
        "second.",
        "Forgetting that from here on both follow each other: a write by hand on either side reaches the other.",
    ),
)
TIDY = Step(
    id="tidy",
    title="delete R1 and SNAP1",
    side=Side.CLOUD,
    why="They are no longer needed, and are billed.",
    how=create.TIDIED,
    undo_says="-",
    guide=Guide(
        "What is deleted cannot be had back, and is not needed: the second side follows the first by itself.",
        "Keeping R1 just in case: it stands where it was stopped, and has nothing of what was written since.",
    ),
)
UPGRADE = Step(
    id=upgrade.STEP,
    title="give M2 its new shape",
    side=Side.CLOUD,
    why="It takes minutes and a restart, while the first side has all the writes.",
    how=upgrade,
    undo_says="-",
    guide=Guide(
        "It can be changed back in the console, with another restart. The first side has all the writes meanwhile.",
        "Looking at the first side's load for a sign of it: only the second side restarts, and both directions go "
        "on by themselves afterwards.",
    ),
)
FIRST_KEYS = Step(
    id="first_keys",
    title="give M1 its keys",
    side=Side.CLOUD,
    why="New keys of AUTO_INCREMENT are 1, 5, 9, ... there and 2, 6, 10, ... on the second side: they never meet.",
    how=settings.FIRST_KEYS,
    undo=settings.FIRST_KEYS.undo,
    undo_says="as they were",
    guide=Guide(
        "Cancelling sets them back to what they were.",
        "Expecting keys without gaps: they become four apart on both sides, so that they never meet. Applications "
        "that set keys themselves are not helped by it.",
    ),
)
RENEWED = Step(
    id="renew_sessions",
    title="let sessions be opened anew",
    side=Side.SOURCE,
    why="A session makes keys as it did when it was opened: those of before would meet the second side's.",
    how=settings.RENEWED,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: it waits until every session is newer than the settings.",
        "Restarting all application servers at once. One at a time is enough; connection pools keep sessions open "
        "for hours unless told otherwise.",
    ),
)
MOVE = replace(
    CUT_OVER,
    title="move application servers",
    question=lambda m: f"Let both {m.source.name} and {m.target.name} take writes, and move application servers now?",
    consequence=lambda m: (
        f"BOTH SIDES TAKE WRITES until no client is left on {m.source.name}. You point one application server after "
        f"the other to {m.target.name}, at {m.spec.target.address}; the screen shows who is where. Stopping means to "
        f"point them back. At the end {m.source.name} becomes read-only."
    ),
    guide=Guide(
        "While application servers are moved, stopping means to point them back to the first side. Once none is "
        "left there it becomes read-only, and going back is a rollback.",
        "Moving the next server while the lag is high, or a direction has stopped: somebody then reads what is not "
        "there yet. The screen shows who is where.",
    ),
)
MOVE_APPLICATIONS = Switch(
    id=mover.STEP,
    title="move application servers",
    why="One at a time, nobody's writes stand still, and what goes wrong concerns one server.",
    undo_says="rollback",
    how=mover,
    guide=Guide(
        "Until the first side is closed, every server can be pointed back. Afterwards a rollback opens it again, "
        "and you point them back one at a time.",
        "Forgetting a cron job or a batch server: the first side is not closed while anybody is connected to it, "
        "and after it is closed they get errors.",
    ),
)
KEEP_OR_BACK = replace(
    OBSERVE,
    consequence=lambda m: (
        f"Rolling back opens {m.source.name} as well, and you point application servers there again, one at a time. "
        "Completing compares every row once more and ends replication: there is no rollback after it."
    ),
    choices=(Choice.ROLL_BACK, Choice.COMPLETE, Choice.DRAIN_CLIENTS),
    guide=Guide(
        "Rolling back opens the first side as well, and you point application servers there again. Completing ends "
        "replication for good.",
        "Completing before every row was compared once more: rows that both sides changed at the same moment "
        "differ, and nothing else shows it.",
    ),
)
EQUAL = Step(
    id=equal.STEP,
    title="compare all rows before they part",
    side=Side.BOTH,
    why="A row that both sides changed at once differs from then on, and nothing but a comparison tells.",
    how=equal,
    guide=Guide(
        "There is nothing to undo: rows are only read.",
        "Deciding by the clock which side is right where rows differ. The rows are named here; ask those who know "
        "what the application meant.",
    ),
)
KEYS_AS_BEFORE = Step(
    id="keys_as_before",
    title="let keys follow each other again",
    side=Side.CLOUD,
    why="One side makes keys again; gaps of four serve nobody.",
    how=settings.KEYS_OF_SECOND,
    guide=Guide(
        "It can be set again in the parameter group at any time.",
        "Worrying about the gaps of the past: they stay, and harm nothing.",
    ),
)
KEYS_OF_FIRST = Step(
    id="first_keys_as_before",
    title="let keys follow each other again",
    side=Side.CLOUD,
    why="One side makes keys again; gaps of four serve nobody.",
    how=settings.KEYS_OF_FIRST,
    guide=Guide(
        "It can be set again in the parameter group at any time.",
        "Worrying about the gaps of the past: they stay, and harm nothing.",
    ),
)
READ_ONLY_AS_USUAL = Step(
    id="read_only_as_usual",
    title="leave read_only to RDS",
    side=Side.CLOUD,
    why="The new primary's group is then like any other's.",
    how=AS_USUAL,
    guide=Guide(
        "It can be set again in the parameter group at any time.",
        "Keeping a fixed read_only in the group: the next replica or standby made with it would behave unlike any "
        "other.",
    ),
)
# It is about promotions, and nothing is promoted here.
_NOT_HERE = "rds-promotion-restarts"
_CHECKS: tuple[Check, ...] = (*of_topic(two_sides), *(one for one in checks.every() if one.id != _NOT_HERE))

RUNBOOK = Runbook(
    name="rds_active_active",
    title="Amazon RDS: a second primary, application servers moved one at a time",
    checks=(*_CHECKS, *on_route(Route.NATIVE)),
    activity=(*again_on_route(Route.NATIVE), *(one for one in _CHECKS if one.again)),
    route=lambda m: Route.NATIVE,
    stages={
        Stage.PREPARE: (
            CHECKS, choices.NODE_CLASS, choices.STORAGE_TYPE, choices.IOPS, choices.MULTI_AZ, APPROVE, KEEP_LOGS,
        ),
        Stage.CREATE: (
            SECOND_GROUP, REPLICA, STOPPED, SNAPSHOT, SECOND, SECOND_LOG, KEEP_LOGS_BACK, FOLLOW, FOLLOW_BACK, TIDY,
            UPGRADE,
        ),
        Stage.SYNC: (CATCH_UP, COMPARE, FIRST_KEYS, RENEWED),
        Stage.CUTOVER: (MOVE, MOVE_APPLICATIONS),
        Stage.OBSERVE: (KEEP_OR_BACK,),
        Stage.COMPLETE: (
            EQUAL, END_REPLICATION, KEYS_AS_BEFORE, READ_ONLY_AS_USUAL, choices.RELEASE, CONFIRM_RELEASE, RELEASE,
        ),
    },
    finish_on_source=(EQUAL, END_REPLICATION, KEYS_OF_FIRST),
    # Clients are not told of the second side: each application server is pointed to it by hand.
    follows_from="",
    cloud=open_account,
    follow=BothWays,
    new_address=lambda m: None,
    # While application servers are moved, one after the other.
    both_open=lambda chosen: True,
)  # fmt: skip
