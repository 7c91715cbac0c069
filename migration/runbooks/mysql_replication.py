"""Any MySQL or MariaDB to any other that can replicate from it.

The procedure: fence the target, copy the source's databases to it, let it follow from the moment of the
copy, wait until it has caught up, let the source follow it in turn so that there is a way back, move the
writes, watch, and end replication.
"""

from __future__ import annotations

from migration.check import Route
from migration.checks import again_on_route, on_route
from migration.cutover import native
from migration.decisions import Choice
from migration.model import Side, Stage
from migration.runbook import Gate, Runbook, Step, Switch
from migration.steps import attach, catch_up, compare, copy, finish, protect, way_back

CHECKS = Gate(
    id="checks",
    title="prerequisite checks",
    why="Everything that can spoil the cutover is cheaper to cure before anything has been created.",
    question=lambda m: "Go on with these findings?",
    consequence=lambda m: "Nothing is changed yet; the plan is shown next.",
    word=lambda m: "",
    choices=(
        Choice.CONFIRM,
        Choice.RECHECK,
        Choice.WAIVE,
        Choice.FIX,
        Choice.UNDO_FIX,
        Choice.FIX_ALL,
        Choice.CANCEL,
    ),
)
PLAN = Gate(
    id="plan",
    title="approve the plan",
    why="Only the plan that was shown and approved is run.",
    question=lambda m: "Carry out this plan?",
    consequence=lambda m: f"The copy to {m.target.name} begins; clients on {m.source.name} go on writing.",
    word=lambda m: "",
    choices=(Choice.CONFIRM, Choice.CANCEL),
)
PROTECT = Step(
    id="protect_target",
    title="set the target read-only",
    side=Side.TARGET,
    why="A write on the target before the cutover would be missing on the source and could stop replication.",
    how=protect,
    undo=protect.undo,
    undo_says="open",
)
COPY = Step(
    id="copy",
    title="copy the databases",
    side=Side.BOTH,
    why="The target starts from a consistent picture of the source, taken at a known place in its binary log.",
    how=copy,
    undo=copy.undo,
    undo_says="drop copy",
)
ATTACH = Step(
    id="attach",
    title="start replication",
    side=Side.TARGET,
    why="From here on every change on the source reaches the target by itself.",
    how=attach,
    undo=attach.undo,
    undo_says="detach",
)
CATCH_UP = Step(
    id="catch_up",
    title="catch up",
    side=Side.TARGET,
    why="The cutover stops writes for as long as the target is behind, so it has to be close first.",
    how=catch_up,
    undo_says="-",
)
WAY_BACK = Step(
    id="way_back",
    title="arm the way back",
    side=Side.SOURCE,
    why="Set up and proved before the cutover, the way back is there from the first moment after it.",
    how=way_back,
    undo=way_back.undo,
    undo_says="detach",
)
COMPARE = Step(
    id="compare",
    title="compare all rows",
    side=Side.BOTH,
    why="A copy that is believed to be right is not proved to be: every row is read on both sides, then each change.",
    how=compare,
    undo_says="-",
)
CUT_OVER = Gate(
    id="cutover",
    title="move the writes",
    why="Until now nothing has changed for clients. You decide when it does.",
    question=lambda m: f"Move the writes from {m.source.name} to {m.target.name} now?",
    consequence=lambda m: (
        f"Clients cannot write for a moment; if it takes longer than {m.spec.limits.fence_s:g} s, "
        f"{m.source.name} is opened again by itself. After the point of no return the way back is a rollback."
    ),
    word=lambda m: m.source.name,
    choices=(Choice.CONFIRM, Choice.WAIVE, Choice.CANCEL),
)
MOVE_WRITES = Switch(
    id="move_writes",
    title="fence, drain, prove, open",
    why="The source is fenced first, and the target opened only once it is proved to have everything.",
    undo_says="rollback",
    how=native,
)
OBSERVE = Gate(
    id="observe",
    title="keep it or go back",
    why="The source follows the target: going back now loses nothing.",
    question=lambda m: f"Do the applications work well on {m.target.name}?",
    consequence=lambda m: "Rolling back keeps every write. Completing ends replication: there is no rollback after it.",
    word=lambda m: m.target.name,
    choices=(Choice.ROLL_BACK, Choice.COMPLETE, Choice.DRAIN_CLIENTS),
)
END_REPLICATION = Step(
    id="end_replication",
    title="end replication",
    side=Side.BOTH,
    why="The servers part. The source stays as it is, read-only; this program never deletes a server.",
    how=finish,
)

RUNBOOK = Runbook(
    name="mysql_replication",
    title="MySQL or MariaDB to any other that can replicate from it",
    checks=on_route(Route.NATIVE),
    activity=again_on_route(Route.NATIVE),
    route=lambda m: Route.NATIVE,
    stages={
        Stage.PREPARE: (CHECKS, PLAN, PROTECT),
        Stage.CREATE: (COPY, ATTACH),
        Stage.SYNC: (CATCH_UP, WAY_BACK, COMPARE),
        Stage.CUTOVER: (CUT_OVER, MOVE_WRITES),
        Stage.OBSERVE: (OBSERVE,),
        Stage.COMPLETE: (END_REPLICATION,),
    },
    finish_on_source=(END_REPLICATION,),
    follows_from=ATTACH.id,
)
