"""Amazon RDS: a Blue/Green deployment, with the rows proved equal before the switch and a way back after it.

RDS makes the green copy, keeps it following, and switches over by itself: guardrails, a write stop on both sides, the
exchange of names. What that lacks is here: the rows are proved equal behind a write stop of our own before RDS is
asked, old blue follows green afterwards, so that one can go back, and nothing is deleted but on a typed word.
"""

from __future__ import annotations

from dataclasses import replace

from migration.aws import choices as usual
from migration.aws import retention
from migration.aws.blue_green import blue_and_green, choices, create, state, switchover, way_back
from migration.aws.blue_green import release as deployment
from migration.aws.blue_green.account import of, open_account
from migration.aws.group import AsUsual, Events, Own
from migration.check import Route
from migration.checks import again_on_route, on_route
from migration.model import Direction, ServerSpec, Side, Stage
from migration.runbook import Migration, Runbook, Step, Switch
from migration.runbooks.mysql_replication import CATCH_UP, CHECKS, COMPARE, CUT_OVER, END_REPLICATION, OBSERVE
from migration.runbooks.rds_promote_first import APPROVE as REPLICA_APPROVED
from migration.runbooks.rds_promote_first import CONFIRM_RELEASE, EVENTS, KEEP_LOGS, READ_ONLY_AS_USUAL, RELEASE
from migration.view import Guide

APPROVE = replace(
    REPLICA_APPROVED,
    consequence=lambda m: (
        f"A green copy of {m.source.name} is made, and billed as AWS says, unless one is picked up; on a Single-AZ "
        f"instance, writes may stand still for a moment while it is begun. Clients on {m.source.name} go on writing."
    ),
    guide=Guide(
        "Approving can be taken back by cancelling before the switch. A deployment that was made then stays and is "
        "billed; the command that deletes it is shown.",
        "Making schema changes on green that blue cannot follow: replication stops, and RDS refuses to switch over.",
    ),
)
GROUP = Step(
    id="parameter_group",
    title="make a parameter group for green",
    side=Side.CLOUD,
    why="Each side needs one of its own, or it cannot be closed by itself; events must not run on green yet.",
    how=state.UnlessPicked(Own()),
    undo_says="stays",
    guide=Guide(
        "The group stays after cancelling. It costs nothing, and can be deleted in the console.",
        "Letting both sides share one: neither could be closed by itself, and events would run on green already.",
    ),
)
DEPLOYMENT = Step(
    id="deployment_order",
    title="order the deployment",
    side=Side.CLOUD,
    why="RDS copies blue with the settings that were chosen; blue is not changed.",
    how=create.ORDER,
    undo=create.ORDER.undo,
    undo_says="stays, billed",
    guide=Guide(
        "RDS cannot take the order back. After cancelling the deployment stays and is billed; the command that "
        "deletes it is shown, and it does not touch blue.",
        "Ordering a second one in the console because it takes long. RDS makes one of an instance at a time, and "
        "needs as long as a restore of its snapshot.",
    ),
)
FOLLOWS = Step(
    id=create.STEP,
    title="let RDS make green",
    side=Side.CLOUD,
    why="Its tasks are followed until green is available and follows blue; RDS keeps it read-only.",
    how=create.READY,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: it waits until RDS has made green.",
        "Judging green by its first queries: its storage is filled as it is read. Comparing all rows reads "
        "everything once, which helps.",
    ),
)
KEEP_LOGS_BACK = Step(
    id="keep_logs_back",
    title="keep binary logs there, too",
    side=Side.TARGET,
    why="Old blue reads them to follow green, from the switch on.",
    how=retention.ON_TARGET,
    undo_says="-",
    guide=Guide(
        "It is not set back, and does no harm: the logs of two days stay on green.",
        "Sizing green's disk too tightly: these logs come on top of the data.",
    ),
)


def _meaning(m: Migration) -> str:
    if state.moved(m):
        return f"{CUT_OVER.consequence(m)} The applications need {m.spec.target.address} again."
    return (
        f"NOBODY CAN WRITE while RDS switches over: {switchover.estimate(m).basis}. Every session on both sides is "
        f"ended. Then {m.source.name}'s name and endpoint lead to green; the way back is a rollback to old blue, at an "
        "endpoint of its own."
    )


SWITCH_OVER = replace(
    CUT_OVER,
    title="switch over",
    consequence=_meaning,
    guide=Guide(
        "Nothing moves before you have typed the name. Where RDS fails or runs out of time it takes everything back "
        "and blue goes on; once it is through, going back is a rollback.",
        "Applications that keep looked-up names for long: they go on to old blue, which is read-only. Names should "
        "be looked up again after five seconds.",
    ),
)
MOVE_WRITES = Switch(
    id="move_writes",
    title="prove, let RDS switch over",
    why="RDS looks at replication only. The rows are proved equal behind a write stop first; then it is asked.",
    undo_says="rollback",
    how=switchover,
    guide=Guide(
        "Until RDS is asked it can be stopped. From then on RDS alone decides: it takes it back, or carries it "
        "through, and after that a rollback moves the writes back.",
        "Ordering the switch again in the console because the answer was lost. It is read from the deployment here, "
        "and never sent twice.",
    ),
)
CLOSE_BLUE = Step(
    id="close_blue",
    title="keep old blue closed",
    side=Side.CLOUD,
    why="RDS leaves it read-only; by its own parameter group it stays so, also over a restart.",
    how=way_back.CLOSED,
    guide=Guide(
        "A rollback opens it again.",
        "Restarting old blue and finding it open: RDS closes it at the switch only; by its own parameter group it "
        "stays closed.",
    ),
)
WAY_BACK = Step(
    id=way_back.BACK,
    title="let old blue follow green",
    side=Side.SOURCE,
    why="RDS ends replication with the switch. From here on every write reaches old blue: one can go back.",
    how=way_back.WAY_BACK,
    guide=Guide(
        "Completing ends it. Until then every write reaches old blue.",
        "Deleting the deployment and old blue at once, as the console proposes: then there is no way back but a "
        "backup.",
    ),
)
WAY_FORTH = Step(
    id=way_back.FORTH,
    title="let green follow old blue",
    side=Side.TARGET,
    why="Where one goes back, green gets every write from there, and one can go forward again.",
    how=way_back.WAY_FORTH,
    guide=Guide(
        "Completing ends it.",
        "Taking it for a second primary: green has the writes, and old blue has none of its own.",
    ),
)
GREEN_EVENTS = replace(EVENTS, how=Events(state.green_group))
LOOK = replace(
    OBSERVE,
    why="Old blue follows green: going back now loses nothing.",
    question=lambda m: f"Do the applications work well on green, which RDS calls {of(m).replica_id} now?",
    consequence=lambda m: (
        f"Rolling back keeps every write, and the applications need {m.spec.source.address} then, the endpoint of "
        f"{of(m).instance_id}. Completing ends replication: there is no rollback after it."
    ),
    guide=Guide(
        "Rolling back loses no write, but the applications then need old blue's own endpoint. Completing ends "
        "replication for good.",
        "Expecting the usual endpoint to lead back to old blue after a rollback: RDS gives names away once, and "
        "this program renames nothing.",
    ),
)
AS_USUAL = replace(READ_ONLY_AS_USUAL, how=AsUsual(state.green_group))
FORGET = Step(
    id="deployment_deleted",
    title="delete the deployment",
    side=Side.CLOUD,
    why="RDS's record of both sides is of no use without old blue; it deletes no instance.",
    how=deployment,
    guide=Guide(
        "It cannot be taken back, and deletes no instance.",
        "Taking the deployment for the instances: it is only RDS's record of the two.",
    ),
)


def _new_address(m: Migration) -> ServerSpec | None:
    """RDS leads clients along with the switch; whoever goes back has to be told, and whoever goes forward again."""
    last = state.last_move(m)
    if last is None:
        return None
    return m.spec.source if last is Direction.CUTOVER else m.spec.target


RUNBOOK = Runbook(
    name="rds_blue_green",
    title="Amazon RDS: Blue/Green deployment, proved and with a way back",
    checks=(*blue_and_green.every(), *on_route(Route.NATIVE)),
    activity=(*again_on_route(Route.NATIVE), *(check for check in blue_and_green.every() if check.again)),
    route=lambda m: Route.NATIVE,
    stages={
        Stage.PREPARE: (
            CHECKS, choices.DEPLOYMENT, choices.VERSION, choices.NODE_CLASS, choices.STORAGE_TYPE, choices.IOPS,
            choices.TIMEOUT, APPROVE, KEEP_LOGS,
        ),
        Stage.CREATE: (GROUP, DEPLOYMENT, FOLLOWS, KEEP_LOGS_BACK),
        Stage.SYNC: (CATCH_UP, COMPARE),
        Stage.CUTOVER: (SWITCH_OVER, MOVE_WRITES),
        Stage.OBSERVE: (CLOSE_BLUE, WAY_BACK, WAY_FORTH, GREEN_EVENTS, LOOK),
        Stage.COMPLETE: (END_REPLICATION, AS_USUAL, usual.RELEASE, CONFIRM_RELEASE, FORGET, RELEASE),
    },
    finish_on_source=(END_REPLICATION,),
    follows_from=FOLLOWS.id,
    cloud=open_account,
    new_address=_new_address,
)  # fmt: skip
