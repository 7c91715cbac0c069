"""Moving the writes by RDS's own switchover, behind a proof of the rows; later moves are the servers' own.

RDS proves nothing about the rows. So, where they have to be proved equal, blue is closed first by `read_only` in its
parameter group, green gets everything, the rows are proved equal, and only then is RDS asked; blue stays closed by its
group whatever RDS does with it. Where a proof is not required RDS's own write stop is the only one.
"""

from __future__ import annotations

import contextlib

from migration.aws.blue_green import follow, state
from migration.aws.blue_green.account import of
from migration.aws.group import changed
from migration.aws.state import in_words, require_replica, source, works
from migration.aws.switch import READ_ONLY
from migration.cutover import native
from migration.cutover.attempt import CONTENT, Aborted, Switchover, part, pass_no_return, past_no_return
from migration.cutover.lease import Lease
from migration.cutover.switch import switch_through
from migration.cutover.window import Bounds, Window
from migration.fences import Fence
from migration.fences.choose import closing_words, fence_for
from migration.model import Direction, Proof
from migration.pair_lock import PairLock
from migration.runbook import CameAbout, CloudFailed, Estimate, Migration
from migration.view import AttemptView, Condition
from providers.aws import bluegreen
from providers.mysql import replication
from providers.mysql.errors import ServerError

__all__ = ["arms", "estimate", "keep", "parts", "ready", "settle", "statements", "switch"]

_READY = (bluegreen.AVAILABLE, bluegreen.SWITCH_FAILED)
_ASK = ("promote", "let RDS switch over")
_BEHIND_FENCE = (
    ("ready", "rehearse the drain"),
    ("fence", "fence blue"),
    ("drain", "drain to green"),
    (CONTENT, "prove the rows equal"),
    ("prove", "prove blue still"),
    _ASK,
)
_BY_RDS = (("ready", "look at both sides again"), _ASK)
_IF_REPLICA = "{TrueIfReplica}"


def behind_fence(m: Migration) -> bool:
    """Whether blue is closed, and the rows proved equal, before RDS is asked."""
    return m.spec.proof is Proof.REQUIRED


def parts(m: Migration) -> tuple[tuple[str, str], ...]:
    """See `Mover`."""
    if state.moved(m):
        return native.parts(m)
    return _BEHIND_FENCE if behind_fence(m) else _BY_RDS


def estimate(m: Migration) -> Estimate:
    """See `Mover`."""
    if state.moved(m):
        return native.estimate(m)
    seconds = m.chosen(follow.TIMEOUT) or follow.USUAL_S
    before = f", after at most {m.spec.limits.fence_s:g} s for the proof" if behind_fence(m) else ""
    return Estimate(60.0, f"RDS User Guide: typically under a minute{before}; RDS takes it back after {seconds} s")


def arms(m: Migration) -> bool:
    """RDS opens green."""
    return False


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    if state.moved(m):
        return native.statements(m)
    blue = m.source.name
    proof = (
        f"{blue}: {closing_words(m, m.source)}",
        "green: wait for <end of log>",
        f"both: rows touched since they were compared are read again, and {blue} once more",
    )
    found = state.look(m)
    call = "rds SwitchoverBlueGreenDeployment" if found is None else follow.write(m, found).shown()
    return (
        *(proof if behind_fence(m) else ()),
        "journal: point of no return, synced to disk",
        call,
        "rds DescribeBlueGreenDeployments until it is completed, failed or taken back",
    )


def keep(m: Migration, direction: Direction) -> None:
    """See `Mover`. Until the switch RDS keeps green closed; a `read_only` of ours would stay after it."""
    if direction is Direction.ROLLBACK or state.moved(m):
        native.keep(m, direction)


def ready(m: Migration, direction: Direction) -> tuple[Condition, ...]:
    """See `Mover`: what RDS calls guardrails, as far as it can be seen, and what it does not look at.

    Raises:
        CameAbout: RDS has switched over in an attempt that was given up.
    """
    if direction is Direction.ROLLBACK or state.moved(m):
        return native.ready(m, direction)
    by_rds = of(m).at_a_glance(lambda: _by_rds(m))
    return (
        *by_rds,
        native.lag_condition(m.desk.lag(), m.target.name, m.spec.limits.lag_s),
        *((m.prover.condition(),) if m.prover is not None else ()),
        *_by_servers(m),
    )


def _by_rds(m: Migration) -> tuple[Condition, ...]:
    """What RDS says of the deployment and of both sides."""
    try:
        found = state.look(m)
        if found is None:
            return (Condition(False, "the deployment was deleted"),)
        if found.status == bluegreen.SWITCHED:
            _take_up(m, state.in_words(found))
            return (Condition(False, f"{state.in_words(found)}, but not by this program: begin another migration"),)
        ready, every, now = state.tasks(found)
        blue, green = source(m), require_replica(m)
        told, groups = green.replication, (state.blue_group(m), state.green_group(m))
        conditions = (
            Condition(found.status in _READY, state.in_words(found)),
            Condition(ready == every, f"{ready} of {every} tasks done" + ("" if ready == every else f": {now}")),
            Condition(works(blue), f"blue: {in_words(blue)}"),
            Condition(works(green), f"green: {in_words(green)}"),
            Condition(
                told is not None and bool(told.normal),
                f"RDS says that green is {told.status if told else 'no replica'}",
            ),
            Condition(groups[0] != groups[1], f"{groups[1]} is green's alone"),
            *(_left_to_rds(m, group) for group in groups if group is not None),
        )
    except CloudFailed as error:
        return (Condition(False, str(error)),)
    return conditions


def _left_to_rds(m: Migration, group: str) -> Condition:
    """What is set in a group holds after the switch, too: green would stay closed by a 1, old blue open by a 0."""
    value = changed(m, group).get(READ_ONLY, _IF_REPLICA)
    if value == _IF_REPLICA:
        return Condition(True, f"read_only in {group} is RDS's own")
    return Condition(False, f"read_only in {group} is {value}: reset it there, RDS sets it by itself")


def _take_up(m: Migration, words: str) -> None:
    given_up = _given_up(m)
    if given_up is not None:
        why = f"RDS has carried out cutover {given_up.number}, which was given up: {words}"
        raise CameAbout(why, given_up, (_ASK,))


def _given_up(m: Migration) -> AttemptView | None:
    """The newest attempt in which RDS was asked."""
    for attempt in reversed(m.story().attempts):
        if any(one.started_at is not None and one.id == _ASK[0] for one in attempt.steps):
            return attempt
    return None


def _by_servers(m: Migration) -> tuple[Condition, ...]:
    """The same guardrails as the servers have them, which are asked each time."""
    blue, green = m.source.name, m.target.name
    try:
        status = replication.follows(m.target, m.source)
        trouble = "it does not" if status is None else status.trouble
        follows = status is not None and status.running
        return (
            Condition(follows, f"{green} follows {blue}" + (f": {trouble}" if trouble else "")),
            Condition(m.target.read_only().clients, f"{green} refuses client writes"),
            Condition(not m.source.read_only().clients, f"{blue} takes client writes"),
            Condition(m.source.replica_status() is None, f"{blue} follows no other server"),
        )
    except ServerError as error:
        return (Condition(False, str(error)),)


def switch(m: Migration, s: Switchover) -> None:
    """See `Mover`."""
    if s.direction is Direction.ROLLBACK or state.moved(m):
        native.switch(m, s)
    elif behind_fence(m):
        switch_through(m, s, SwitchingWindow, parts(m), _finish)
    else:
        _switch_by_rds(m, s)


class SwitchingWindow(Window):
    """The servers' own window, at the end of which it is RDS that opens green."""

    def __init__(self, m: Migration, s: Switchover, fence: Fence, lease: Lease, lock: PairLock) -> None:
        super().__init__(m, s, fence, lease, lock)
        lease.settled_by_runbook()

    def _ready(self) -> Bounds:
        _require(self._m, self._s)
        return super()._ready()

    def _open(self) -> str:
        self._pending.flush()
        return _order(self._m, self._s)


def _switch_by_rds(m: Migration, s: Switchover) -> None:
    """Carry out one attempt in which RDS's write stop is the only one.

    Raises:
        Aborted: nothing has moved.
    """
    m.scribe.attempt(
        s.number, s.direction,
        old=s.old.name, new=s.new.name, actor=s.actor, budget_s=m.spec.limits.fence_s, parts=parts(m),
    )  # fmt: skip
    try:
        with part(m, s, "ready"):
            _require(m, s)
        pass_no_return(m, s, "RDS's switchover")
        with part(m, s, _ASK[0]) as say:
            say(_order(m, s))
    except Aborted as error:
        m.scribe.attempt_ended(s.number, "aborted", str(error))
        raise
    _finish(m, s)


def _require(m: Migration, s: Switchover) -> None:
    """Look at everything once more.

    Raises:
        Aborted: something is in the way.
    """
    try:
        red = [one.text for one in (*_by_rds(m), *_by_servers(m)) if not one.ok]
    except CameAbout as late:
        red = [str(late)]
    if red:
        raise Aborted(f"{s.old.name} keeps the writes: {red[0]}; see to that, then try again.")


def _order(m: Migration, s: Switchover) -> str:
    try:
        found = state.require(m)
    except CloudFailed as error:
        m.scribe.return_again(s.number, str(error))
        raise follow.NotMoved(str(error)) from error
    return follow.order(m, s, found)


def settle(m: Migration, s: Switchover) -> bool:
    """See `Mover`."""
    if s.direction is Direction.ROLLBACK or state.moved(m):
        return native.settle(m, s)
    try:
        if not past_no_return(m, s.number):
            raise follow.NotMoved("the runner died before the point of no return")
        with part(m, s, _ASK[0]) as say:
            say(follow.settle(m, s))
    except follow.NotMoved as error:
        _lift(m, s)
        m.scribe.attempt_ended(s.number, "aborted", str(error))
        return False
    _finish(m, s)
    return True


def _lift(m: Migration, s: Switchover) -> None:
    with contextlib.closing(fence_for(m, s.old)) as fence:
        fence.release()


def _finish(m: Migration, s: Switchover) -> None:
    m.scribe.attempt_ended(s.number, "switched", "")
