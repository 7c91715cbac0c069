"""The switch of the one-click upgrade: the provider fences, drains and opens; this program asks for it and looks.

The call has no token: it is sent once, after the point of no return stands in the journal, and whatever becomes of it
is found out by reading the state. A second call with the other master would be the opposite move.
"""

from __future__ import annotations

from migration.aliyun import addresses
from migration.aliyun.account import commands, of
from migration.aliyun.checks.compared import still_open
from migration.aliyun.state import (
    LAG_LIMIT_S,
    MOVING,
    Holder,
    Moving,
    holder,
    in_words,
    look,
    looks_on,
    no_delay,
    require_cluster,
    usual,
)
from migration.aliyun.waiting import Waiting
from migration.cutover.attempt import Aborted, Switchover, part, pass_no_return, past_no_return
from migration.model import Direction
from migration.runbook import CameAbout, CloudFailed, CloudSilent, Estimate, Migration
from migration.view import AttemptView, Condition
from providers.aliyun import polardb
from providers.aliyun.calls import Write
from providers.aliyun.polardb_records import Migration as Found
from providers.aliyun.polardb_records import Swap
from providers.mysql.errors import ServerError

_READY = ("ready", "read the state again")
_AFTER_CALL = (
    ("promote", "wait until the new side takes writes"),
    ("addresses", "see who answers where"),
)
_PARTS = (_READY, ("fence", "ask the provider to switch"), *_AFTER_CALL)
# How long a call may take to be seen in the state.
_UNSEEN_S = 30.0
_STEP = "move_writes"
_TOO_LONG = (
    "Writes may be off on both sides meanwhile. Nothing is sent again and nothing can be taken back: look at the "
    "migration in the console, and call the provider."
)


def parts(m: Migration) -> tuple[tuple[str, str], ...]:
    """See `Mover`."""
    return _PARTS


def estimate(m: Migration) -> Estimate:
    """See `Mover`."""
    return Estimate(5 * 60.0, "the page: the switch takes less than 5 minutes, writes are off for a part of them")


def arms(m: Migration) -> bool:
    """The provider opens the new side."""
    return False


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    cluster = m.spec.target.name
    shown = polardb.switch_over(cluster, of(m).instance_id, Swap() if addresses.wanted(m) else None)
    return (
        "DescribeDBClusterMigration: status, modes and delay, read again right before",
        "journal: point of no return, synced to disk",
        *commands(shown),
        "DescribeDBClusterMigration until RDS is ro and PolarDB is rw",
    )


def keep(m: Migration, direction: Direction) -> None:
    """The provider keeps the side without writes closed."""


def ready(m: Migration, direction: Direction) -> tuple[Condition, ...]:
    """See `Mover`.

    Raises:
        CameAbout: the provider has moved the writes in an attempt that was given up.
    """
    try:
        found = look(m)
    except CloudFailed as error:
        return (Condition(False, str(error)),)
    _look_for_late(m, direction, found)
    return _conditions(m, direction, found)


def _look_for_late(m: Migration, direction: Direction, found: Found) -> None:
    """See whether a move that was given up has come about since.

    Raises:
        CameAbout: it has.
    """
    move = MOVING[direction]
    if found.status != move.after or holder(found) is not move.new:
        return
    given_up = _given_up(m, direction)
    if given_up is None:
        return
    why = f"the provider has carried out {direction} {given_up.number}, which was given up: {in_words(found)}"
    raise CameAbout(why, given_up, _AFTER_CALL)


def _given_up(m: Migration, direction: Direction) -> AttemptView | None:
    """The newest attempt since the writes last moved in which the provider was asked for this move."""
    for attempt in reversed(m.story().attempts):
        if attempt.result == "switched":
            return None
        asked = any(one.started_at is not None and one.id != _READY[0] for one in attempt.steps)
        if asked and attempt.direction is direction:
            return attempt
    return None


def _conditions(m: Migration, direction: Direction, found: Found) -> tuple[Condition, ...]:
    move = MOVING[direction]
    is_now = f"the migration into {found.cluster_id} is {found.status or 'without a status'}"
    conditions = [
        Condition(found.status == move.before, is_now),
        _delay(m, found),
        Condition(holder(found) is move.old, _modes(found)),
    ]
    if direction is Direction.CUTOVER:
        conditions += still_open(m)
    if m.prover is not None:
        compared = m.prover.condition()
        # Rows that differ are a reason to go back, and none to stay.
        conditions.append(compared if direction is Direction.CUTOVER else Condition(True, compared.text))
    newest = m.desk.lag()
    if newest is not None and newest.lag_s is not None and newest.reason:
        conditions.append(Condition(True, newest.reason))
    if found.comment:
        conditions.append(Condition(True, f"the provider says: {found.comment}"))
    return tuple(conditions)


def _delay(m: Migration, found: Found) -> Condition:
    limit = min(LAG_LIMIT_S, m.spec.limits.lag_s)
    if found.delay_s is None:
        return Condition(False, no_delay(found))
    return Condition(found.delay_s < limit, f"the provider's delay is {found.delay_s} s, limit {limit:g} s")


def _modes(found: Found) -> str:
    words = f"RDS is {found.source_mode or 'unknown'}, PolarDB is {found.cluster_mode or 'unknown'}"
    return f"{words}: BOTH TAKE WRITES" if holder(found) is Holder.BOTH else words


def switch(m: Migration, s: Switchover) -> None:
    """See `Mover`."""
    m.scribe.attempt(
        s.number, s.direction,
        old=s.old.name, new=s.new.name, actor=s.actor, budget_s=m.spec.limits.fence_s, parts=_PARTS,
    )  # fmt: skip
    move = MOVING[s.direction]
    try:
        write = _ready(m, s, move)
    except (Aborted, CloudFailed, ServerError) as error:
        m.scribe.attempt_ended(s.number, "aborted", str(error))
        raise Aborted(str(error)) from error
    pass_no_return(m, s, f"the call {write.call.action.name}")
    with part(m, s, "fence") as say:
        say(_send(m, s, write))
    _see_through(m, s, move)


def settle(m: Migration, s: Switchover) -> bool:
    """See `Mover`."""
    if not past_no_return(m, s.number):
        why = f"{s.old.name} keeps the writes: the runner died before the provider was asked to switch"
        m.scribe.attempt_ended(s.number, "aborted", why)
        return False
    try:
        _see_through(m, s, MOVING[s.direction])
    except _NotMoved:
        return False
    except _BothTakeWrites as both:
        raise Aborted(str(both)) from both
    return True


class _NotMoved(Aborted):
    """The provider did not switch, or took it back; the attempt has ended in the journal."""


class _BothTakeWrites(CloudFailed):
    """Only a person can judge that; the attempt is still open."""


def _ready(m: Migration, s: Switchover, move: Moving) -> Write[None]:
    with part(m, s, "ready") as say:
        found = look(m)
        red = [one.text for one in _conditions(m, s.direction, found) if not one.ok]
        if red:
            raise Aborted(f"{s.old.name} keeps the writes: {red[0]}; see to that, then try again.")
        say(in_words(found))
        return _call(m, s, found)


def _call(m: Migration, s: Switchover, found: Found) -> Write[None]:
    cluster, instance = require_cluster(m), of(m).instance_id
    swap = Swap(addresses.pairs(found)) if addresses.wanted(m) else None
    order = polardb.switch_over if s.direction is Direction.CUTOVER else polardb.roll_back
    return order(cluster, instance, swap)


def _send(m: Migration, s: Switchover, write: Write[None]) -> str:
    """Ask for the move.

    Raises:
        Aborted: the provider refused.
    """
    m.scribe.note(commands(write)[0])
    try:
        of(m).send(write)
    except CloudSilent as silent:
        m.scribe.note(str(silent), "warn")
        return "the answer was lost; the state tells"
    except CloudFailed as refused:
        _back(m, s, str(refused))
        raise Aborted(str(refused)) from refused
    return "accepted"


def _back(m: Migration, s: Switchover, why: str) -> None:
    m.scribe.return_again(s.number, why)
    m.scribe.attempt_ended(s.number, "aborted", why)


def _see_through(m: Migration, s: Switchover, move: Moving) -> None:
    """Wait until the state says how it ended; nobody can leave here.

    Raises:
        _NotMoved: the old side has the writes.
        _BothTakeWrites: by the provider's word.
    """
    with part(m, s, "promote") as say:
        found = _outcome(m, s, move)
        say(in_words(found))
    with part(m, s, "addresses") as say:
        addresses.follow_exchange(m, found)
        say("exchanged" if addresses.wanted(m) else f"as before: applications have to use {s.new.endpoint.address}")
    m.scribe.attempt_ended(s.number, "switched", "")


def _outcome(m: Migration, s: Switchover, move: Moving) -> Found:
    what = f"waiting until {s.new.name} takes the writes of {s.old.name}"
    waiting, under_way = Waiting(m, _STEP, what, usual(of(m), _TOO_LONG)), False
    for found in looks_on(m, waiting):
        has, under_way = holder(found), under_way or found.status == move.meanwhile
        if has is Holder.BOTH:
            raise _BothTakeWrites(
                f"Both {s.old.name} and {s.new.name} take writes by the provider's word ({in_words(found)}): stop the "
                "applications, compare what each has, and call the provider before you go on."
            )
        if found.status == move.after and has is move.new:
            return found
        if found.status != move.before or has is not move.old:
            continue
        if under_way or waiting.seconds >= _UNSEEN_S:
            what = "took the switch back" if under_way else f"has not begun to switch within {_UNSEEN_S:g} s"
            why = f"{s.old.name} has the writes, the provider {what}: {in_words(found)}"
            _back(m, s, why)
            raise _NotMoved(why)
    raise AssertionError("looking ends only by an answer")


__all__ = ["arms", "estimate", "keep", "parts", "ready", "settle", "statements", "switch"]
