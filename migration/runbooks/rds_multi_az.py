"""Amazon RDS: another class or storage where the instance is, on its standby first, by a failover.

The page's first answer: in a Multi-AZ deployment "operations are applied first on the standby, prior to the automatic
failover", so that availability suffers only for the failover; its third: "even with a multi-AZ environment, you will
have a 60-120s outage". Where there is no standby it is made, on the operator's word: AWS advises to convert a replica,
which is the runbook `rds_promote_first` with a standby chosen, and stops writes for a second or less.

The instance stays the same one, with its endpoint. There is one set of data, so nothing is compared and nothing lags.
"""

from __future__ import annotations

from dataclasses import replace

from migration.aws.account import of, open_account
from migration.aws.multi_az import change, choices, in_place, mover, standby
from migration.aws.multi_az.follow import ByModification
from migration.check import Route
from migration.decisions import Choice
from migration.model import Direction, Side, Stage
from migration.runbook import Gate, Migration, Runbook, Step, Switch
from migration.runbooks.mysql_replication import CHECKS, PLAN
from migration.view import Guide

AS_IT_WAS = Step(
    id=change.STEP,
    title="put down what it is",
    side=Side.CLOUD,
    why="It is what the way back leads to.",
    how=change.AS_IT_WAS,
    guide=Guide(
        "There is nothing to undo: it only writes down what the instance is now.",
        "Changing the instance in the console from here on: the way back would lead to what was written down.",
    ),
)
APPROVE = replace(
    PLAN,
    consequence=lambda m: (
        f"{m.source.name} is changed where it is. Nobody is thrown out before you confirm the failover; where it has "
        "no standby, one is made first, on your word, and billed."
    ),
    guide=Guide(
        "Approving can be taken back by cancelling before the failover. A standby that was made is then taken away.",
        "Taking it for a change without an outage. The failover ends every session, and nobody gets in for one to "
        "two minutes.",
    ),
)
STANDBY = Step(
    id=standby.STEP,
    title="make a standby",
    side=Side.CLOUD,
    why="RDS changes an instance without one where it stands, with an outage for as long as that takes.",
    how=standby.MADE,
    undo=standby.MADE.undo,
    undo_says="Single-AZ again",
    guide=Guide(
        "Cancelling takes it away again, without an outage.",
        "Doing it by day: while its volume is copied every write is slower, for minutes to hours.",
    ),
)


def _before(m: Migration) -> str:
    ordered = change.in_words(m, Direction.CUTOVER)
    if not change.outage(m):
        return f"Ordered: {ordered}. RDS does it while clients work, slower for hours; there is no failover."
    return (
        f"NOBODY GETS IN FOR 60 TO 120 s, as RDS says, longer where large transactions are open: every session is "
        f"ended and has to log in again. It begins once RDS has the standby ready, which may be minutes after you "
        f"confirm, and cannot be stopped. Ordered: {ordered}."
    )


def _after(m: Migration) -> str:
    why = change.no_way_back(m)
    if why:
        return f"There is no way back by this program: {why}."
    storage = ", and the storage stays as it is now" if change.wanted(m).storage_type else ""
    return f"Rolling back is another order with another failover of 60 to 120 s{storage}; no write is lost by it."


CUT_OVER = Gate(
    id="cutover",
    title="fail over",
    why="Until now no session was ended. You decide when that happens.",
    question=lambda m: f"Order the change of {of(m).instance_id}, and with it the failover?",
    consequence=_before,
    word=lambda m: m.source.name,
    choices=(Choice.CONFIRM, Choice.WAIVE, Choice.FIX, Choice.CANCEL),
    guide=Guide(
        "Until you have typed the name nothing is ordered. Once it is, RDS carries it out and it cannot be stopped; "
        "going back is another order with another failover.",
        "Clients that do not reconnect. Every session is ended, and those that keep a looked-up name for long go on "
        "knocking at the old machine.",
    ),
)
MOVE_WRITES = Switch(
    id="move_writes",
    title="change, fail over",
    why="RDS changes the standby first, and lets it take over; how long nobody gets in is measured.",
    undo_says="rollback",
    how=mover,
    guide=Guide(
        "Once ordered it cannot be stopped. The class can be changed back by another failover; the storage not for "
        "six hours.",
        "Ordering it again because nothing seems to happen: RDS prepares the standby first, for minutes, and the "
        "outage comes only then.",
    ),
)
OBSERVE = Gate(
    id="observe",
    title="keep it or go back",
    why="Old and new are one instance with one set of data: going back loses nothing, and takes another failover.",
    question=lambda m: f"Do the applications work well on {of(m).instance_id} as it is now?",
    consequence=_after,
    word=lambda m: m.source.name,
    choices=(Choice.ROLL_BACK, Choice.COMPLETE),
    guide=Guide(
        "Going back is another order with another failover of one to two minutes; no write is lost by it. "
        "Completing changes nothing on the instance.",
        "Rolling back over a slow first hour: storage and memory have to become warm again after a failover.",
    ),
)
STANDBY_AWAY = Step(
    id="standby_away",
    title="take the standby away",
    side=Side.CLOUD,
    why="What was made for this change only is billed all the same.",
    how=standby.TAKEN_AWAY,
    guide=Guide(
        "It can be made again at any time in the console, with the slowness of its making.",
        "Taking it away in the hour of the change, while somebody might still want to go back: that needs it again.",
    ),
)

RUNBOOK = Runbook(
    name="rds_multi_az",
    title="Amazon RDS: another class where it is, on the standby first",
    checks=in_place.every(),
    activity=tuple(check for check in in_place.every() if check.again),
    route=lambda m: Route.PHYSICAL,
    stages={
        Stage.PREPARE: (
            CHECKS, AS_IT_WAS, choices.NODE_CLASS, choices.STORAGE_TYPE, choices.IOPS, APPROVE, choices.CONVERT,
        ),
        Stage.CREATE: (STANDBY,),
        Stage.CUTOVER: (CUT_OVER, MOVE_WRITES),
        Stage.OBSERVE: (OBSERVE,),
        Stage.COMPLETE: (choices.AFTERWARDS, STANDBY_AWAY),
    },
    finish_on_source=(STANDBY_AWAY,),
    follows_from="",
    cloud=open_account,
    follow=ByModification,
    new_address=lambda m: None,
    reversible=False,
    in_place=True,
)  # fmt: skip
