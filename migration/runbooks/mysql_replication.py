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
from migration.view import Guide

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
    guide=Guide(
        "Nothing has been done yet. A change that cures a finding is put down with its old value before it is made, "
        "and can be taken back from the finding itself.",
        "Accepting a finding to get on. What is found now costs minutes; found in the cutover it costs an outage. "
        "An unknown finding is no good one: it blocks until somebody knows.",
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
    guide=Guide(
        "Approving can be taken back by cancelling at any time before the cutover: what was set up is then taken "
        "down, and the source keeps the writes.",
        "Approving without looking which steps have the writes off, and what has no undo. If anything that would "
        "run has changed since it was shown, you are asked again.",
    ),
)
PROTECT = Step(
    id="protect_target",
    title="set the target read-only",
    side=Side.TARGET,
    why="A write on the target before the cutover would be missing on the source and could stop replication.",
    how=protect,
    undo=protect.undo,
    undo_says="open",
    guide=Guide(
        "Cancelling opens the target again. Nothing on the source is touched.",
        "Thinking of an empty target as harmless: a test script or a job that already points there writes rows that "
        "the source does not have, and the copy or replication stops over them.",
    ),
)
COPY = Step(
    id="copy",
    title="copy the databases",
    side=Side.BOTH,
    why="The target starts from a consistent picture of the source, taken at a known place in its binary log.",
    how=copy,
    undo=copy.undo,
    undo_says="drop copy",
    guide=Guide(
        "Cancelling drops what was copied to the target. The source is only read, but for a lock of some "
        "milliseconds on MySQL.",
        "Changing tables while they are copied: the copy fails and begins again. Too short a retention of binary "
        "logs: after a long copy, the changes since its beginning have to be still there.",
    ),
)
ATTACH = Step(
    id="attach",
    title="start replication",
    side=Side.TARGET,
    why="From here on every change on the source reaches the target by itself.",
    how=attach,
    undo=attach.undo,
    undo_says="detach",
    guide=Guide(
        "Cancelling detaches the target. Nothing of it stays on the source.",
        "Expecting it to be up to date at once: it begins where the copy began and has everything since to catch up "
        "with.",
    ),
)
CATCH_UP = Step(
    id="catch_up",
    title="catch up",
    side=Side.TARGET,
    why="The cutover stops writes for as long as the target is behind, so it has to be close first.",
    how=catch_up,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: it only measures and waits. You can leave the screen, or cancel.",
        "Believing the target's own figure of seconds behind: it is zero whenever the target has nothing to do, "
        "also where it receives nothing. The lag here is measured by position.",
    ),
)
WAY_BACK = Step(
    id="way_back",
    title="arm the way back",
    side=Side.SOURCE,
    why="Set up and proved before the cutover, the way back is there from the first moment after it.",
    how=way_back,
    undo=way_back.undo,
    undo_says="detach",
    guide=Guide(
        "Cancelling detaches the source again. Until the cutover the target has no writes of its own, so nothing "
        "flows back.",
        "Leaving the way back for later. Set up in a hurry after the cutover it fails when it is needed: by an "
        "account, a port or a version that nobody tried.",
    ),
)
COMPARE = Step(
    id="compare",
    title="compare all rows",
    side=Side.BOTH,
    why="A copy that is believed to be right is not proved to be: every row is read on both sides, then each change.",
    how=compare,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: rows are only read, on both sides, while clients go on.",
        "Counting rows instead of comparing them, or trusting a copy because it ended without an error. A "
        "difference that is found here is a reason to stop, and not one to repair by hand first.",
    ),
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
    guide=Guide(
        "Nothing moves before you have typed the name. Up to the point of no return it can be stopped, and the "
        "source has its writes back; from there on going back is a rollback.",
        "Cutting over with long transactions open, or at the busiest hour. And forgetting who connects by address: "
        "clients that are not told of the target go on trying at the source, which refuses their writes.",
    ),
)
MOVE_WRITES = Switch(
    id="move_writes",
    title="fence, drain, prove, open",
    why="The source is fenced first, and the target opened only once it is proved to have everything.",
    undo_says="rollback",
    how=native,
    guide=Guide(
        "Up to the point of no return the fence is lifted by itself if anything takes too long, and at once with "
        "the stop key. After it a rollback moves the writes back, with none lost.",
        "Opening the target by hand because it seems to hang. Two servers that take writes cannot be brought "
        "together again; the deadline gives the source its writes back without anybody's help.",
    ),
)
OBSERVE = Gate(
    id="observe",
    title="keep it or go back",
    why="The source follows the target: going back now loses nothing.",
    question=lambda m: f"Do the applications work well on {m.target.name}?",
    consequence=lambda m: "Rolling back keeps every write. Completing ends replication: there is no rollback after it.",
    word=lambda m: m.target.name,
    choices=(Choice.ROLL_BACK, Choice.COMPLETE, Choice.DRAIN_CLIENTS),
    guide=Guide(
        "Rolling back is possible for as long as the source follows the target, and loses nothing. Completing is "
        "what ends that.",
        "Completing at once because everything looks well. Wait for a peak of load and for the jobs of the night; "
        "it costs nothing but a server that is up.",
    ),
)
END_REPLICATION = Step(
    id="end_replication",
    title="end replication",
    side=Side.BOTH,
    why="The servers part. The source stays as it is, read-only; this program never deletes a server.",
    how=finish,
    guide=Guide(
        "Nothing takes it back: from here on the only way back is a backup. The server that was left stays as it "
        "is, with the data of this moment.",
        "Switching the old server off the same hour. It refuses writes and harms nobody: whoever still connects "
        "there shows up as an error that can be found.",
    ),
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
