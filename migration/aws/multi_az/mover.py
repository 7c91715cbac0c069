"""The failover: one order, which RDS carries out on the standby first; then the standby takes over.

Nothing is fenced and nothing drained: primary and standby have one set of data, block by block, and a write is
acknowledged once both have it. While the standby takes over nobody gets in. The order has no token: it is sent once,
after the point of no return stands in the journal, and what became of it is read from the instance.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from migration.aws import state
from migration.aws.account import of
from migration.aws.multi_az import change
from migration.aws.multi_az.watch import Seen, Watching, watching
from migration.cutover.attempt import Aborted, Switchover, part, pass_no_return, past_no_return
from migration.model import Direction
from migration.notes import last
from migration.runbook import CameAbout, CloudFailed, CloudSilent, Estimate, Migration, StepFailed
from migration.view import AttemptView, Condition
from providers.aws import watching as told
from providers.aws.records import Instance
from providers.aws.statuses import Health
from providers.aws.watching import INSTANCE
from providers.mysql.errors import ServerError

_AFTER = (
    ("standby", "let RDS change the standby"),
    ("fence", "failover: nobody gets in"),
    ("promote", "see that the standby takes writes"),
    ("settled", "wait until RDS has done the rest"),
)
_ORDER = "order"
_PARTS = (("ready", "look at the instance again"), (_ORDER, "ask RDS for it"), *_AFTER)
_STEP = "move_writes"
# RDS User Guide: "Failover times are typically 60-120 seconds."
_FAILOVER_S = 120.0
_BASIS = "RDS User Guide: 60 to 120 s for the failover, longer where large transactions are open"
_ZONE = "zone"
_PRODUCT = "RDS"
# How long an order may take to be seen in the instance's state; RDS shows it at once or within seconds.
_UNSEEN_S = 60.0
_OVER, _ABANDONED = "failover completed", "Abandoning"
# RDS gives the times of events in whole seconds.
_WHOLE_S = 1.0
_LOOK_S = 0.05


class _NotMoved(Aborted):
    """RDS did not do it; the attempt has ended in the journal."""


def parts(m: Migration) -> tuple[tuple[str, str], ...]:
    """See `Mover`."""
    return _PARTS


def estimate(m: Migration) -> Estimate:
    """See `Mover`."""
    if change.before(m) is not None and not change.outage(m):
        return Estimate(0.0, "storage is changed while the instance works; slower for hours afterwards")
    return Estimate(_FAILOVER_S, _BASIS)


def arms(m: Migration) -> bool:
    """RDS opens the standby."""
    return False


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    return (
        "DescribeDBInstances: status, standby and what is pending, read again right before",
        "journal: point of no return, synced to disk",
        change.order(m, Direction.CUTOVER).shown(),
        f"DescribeDBInstances until it is done; meanwhile logins to {of(m).instance_id}, to measure the outage",
    )


def keep(m: Migration, direction: Direction) -> None:
    """There is no side without writes."""


def ready(m: Migration, direction: Direction) -> tuple[Condition, ...]:
    """See `Mover`.

    Raises:
        CameAbout: RDS has done it, in an attempt that was given up.
    """
    try:
        found = state.source(m)
        _look_for_late(m, direction, found)
        return _conditions(m, direction, found)
    except (CloudFailed, ServerError) as error:
        return (Condition(False, str(error)),)


def _look_for_late(m: Migration, direction: Direction, found: Instance) -> None:
    given_up = _given_up(m, direction)
    if given_up is not None and state.works(found) and _is_done(m, direction, found):
        why = f"RDS has carried out {direction} {given_up.number}, which was given up: {state.in_words(found)}"
        raise CameAbout(why, given_up, _AFTER)


def _given_up(m: Migration, direction: Direction) -> AttemptView | None:
    """The newest attempt since the last that came about in which RDS was asked for this."""
    for attempt in reversed(m.story().attempts):
        if attempt.result == "switched":
            return None
        asked = any(one.id == _ORDER and one.started_at is not None for one in attempt.steps)
        if asked and attempt.direction is direction:
            return attempt
    return None


def _is_done(m: Migration, direction: Direction, found: Instance) -> bool:
    """Whether the instance is what was ordered: of a failover alone only the zone tells, some time later."""
    if change.only_fails_over(m):
        return found.zone != last(m, _PRODUCT, _ZONE)
    return change.has(found, change.shape_for(m, direction))


def _conditions(m: Migration, direction: Direction, found: Instance) -> tuple[Condition, ...]:
    closed = m.source.read_only().clients
    why = change.no_way_back(m) if direction is Direction.ROLLBACK else ""
    pending = ", ".join(name for name, _ in found.pending)
    storage = change.shape_for(m, direction).storage_type is not None
    conditions = [
        Condition(state.works(found), state.in_words(found)),
        Condition(bool(found.multi_az), f"{found.instance_id} has {'a' if found.multi_az else 'NO'} standby"),
        Condition(not pending, f"pending: {pending}, which RDS would do now, too" if pending else "nothing is pending"),
        Condition(not closed, f"{m.source.name} {'is read-only' if closed else 'takes client writes'}"),
    ]
    if storage:
        busy = (found.status or "").startswith("storage-")
        conditions.append(Condition(not busy, f"its storage is {'still being' if busy else 'not being'} changed"))
    if why:
        conditions.append(Condition(False, why))
    return tuple(conditions)


def switch(m: Migration, s: Switchover) -> None:
    """See `Mover`."""
    m.scribe.attempt(
        s.number, s.direction,
        old=s.old.name, new=s.new.name, actor=s.actor, budget_s=_FAILOVER_S, parts=_PARTS,
    )  # fmt: skip
    with watching(m) as watch:
        try:
            _look_again(m, s)
        except (Aborted, StepFailed, ServerError) as error:
            m.scribe.attempt_ended(s.number, "aborted", str(error))
            raise Aborted(str(error)) from error
        pass_no_return(m, s, "the order to RDS")
        with part(m, s, _ORDER) as say:
            say(_send(m, s))
        _see_through(m, s, watch)


def settle(m: Migration, s: Switchover) -> bool:
    """See `Mover`."""
    if not past_no_return(m, s.number):
        m.scribe.attempt_ended(s.number, "aborted", "the runner died before RDS was asked")
        return False
    try:
        with watching(m) as watch:
            _see_through(m, s, watch)
    except _NotMoved:
        return False
    return True


def _look_again(m: Migration, s: Switchover) -> None:
    """See that it can be ordered, and put down where the instance is.

    Raises:
        Aborted: it cannot.
    """
    with part(m, s, "ready") as say:
        found = state.source(m)
        red = [one.text for one in _conditions(m, s.direction, found) if not one.ok]
        if red:
            raise Aborted(f"Nothing was changed: {red[0]}; see to that, then try again.")
        m.scribe.statement(_PRODUCT, _ZONE, found.zone or "", 0)
        say(f"{of(m).instance_id} is in {found.zone}")


def _send(m: Migration, s: Switchover) -> str:
    """Ask for it, once; whatever becomes of the answer, the instance tells.

    Raises:
        _NotMoved: RDS refused.
    """
    order = change.order(m, s.direction)
    m.scribe.statement(_PRODUCT, _STEP, order.shown(), 0)
    try:
        of(m).send(order)
    except CloudSilent as silent:
        m.scribe.note(str(silent), "warn")
        return "the answer was lost; the instance tells"
    except CloudFailed as refused:
        raise _back(m, s, str(refused)) from refused
    return "accepted"


def _back(m: Migration, s: Switchover, why: str) -> _NotMoved:
    m.scribe.return_again(s.number, why)
    m.scribe.attempt_ended(s.number, "aborted", why)
    return _NotMoved(why)


def _see_through(m: Migration, s: Switchover, watch: Watching) -> None:
    """Wait until RDS has done it; nobody can leave here.

    Raises:
        _NotMoved: RDS did not do it, and nothing is under way any more.
    """
    course = _Course(m, s, watch)
    with part(m, s, "standby") as say:
        course.until(lambda: watch.seen.looked and (course.over or watch.seen.away or watch.seen.seconds is not None))
        say(course.words)
    if watch.seen.away or watch.seen.seconds is not None:
        with part(m, s, "fence") as say:
            course.until(lambda: not watch.seen.away)
            say(_outage(watch.seen))
    with part(m, s, "promote") as say:
        course.until(lambda: watch.seen.there)
        _lock_again(m)
        say(_opened(m, watch.seen))
    with part(m, s, "settled") as say:
        course.until(lambda: course.over and watch.seen.there)
        longest = watch.seen.longest
        say(course.words if longest is None else f"{course.words}; the longest outage was {longest:.1f} s")
    lost = watch.seen.kept is False
    m.scribe.attempt_ended(s.number, "switched", _opened(m, watch.seen) if lost else "")


def _lock_again(m: Migration) -> None:
    """The lock against other programs went with its session."""
    if m.lock is not None:
        try:
            m.lock.verify(m.source)
        except ServerError as error:
            m.scribe.note(str(error), "error")


def _outage(seen: Seen) -> str:
    if seen.seconds is None:
        return "it was away already when this program looked for the first time, so that it is not known for how long"
    return f"nobody could write for {seen.seconds:.1f} s, as this program saw it; RDS says 60 to 120 s"


def _opened(m: Migration, seen: Seen) -> str:
    name = m.source.name
    if seen.kept is None:
        return f"{name} takes writes; an outage was not seen from its beginning to its end"
    if seen.kept:
        return f"{name} takes writes, and has everything up to {seen.had}, which was its end before"
    return f"{name} takes writes and LACKS WHAT IT HAD: its end was {seen.had} before and is {seen.has}; call AWS"


class _Course:
    """What RDS says of it, looked at beside the endpoint. `over`: it has done it."""

    def __init__(self, m: Migration, s: Switchover, watch: Watching) -> None:
        self.over = False
        self.words = ""
        self._m, self._s, self._watch = m, s, watch
        self._only = change.only_fails_over(m)
        self._shape = change.shape_for(m, s.direction)
        self._began = m.story().attempts[-1].started_at
        self._seen_at = time.monotonic()
        self._due = 0.0

    def until(self, enough: Callable[[], bool]) -> None:
        """Look until that is enough.

        Raises:
            _NotMoved: RDS did not do it, and nothing is under way any more.
        """
        while not enough():
            if time.monotonic() >= self._due:
                self._due = time.monotonic() + state.poll_s(of(self._m))
                self._look()
            # Nobody can stop it here; it only ends where the rehearsal around it has been taken down.
            self._m.desk.halted()
            time.sleep(_LOOK_S)

    def _look(self) -> None:
        try:
            found = state.source(self._m)
            self.words = f"{state.in_words(found)} in {found.zone}"
            self.over = state.works(found) and self._done(found)
            why = "" if self.over else self._given_up(found)
        except CloudFailed as error:
            if self.words != str(error):
                self.words = str(error)
                self._m.scribe.note(f"waiting: {self.words}", "error")
            return
        self._m.scribe.progress(_STEP, done=0, total=0, unit="", note=self._watch.seen.trouble or self.words)
        if why:
            raise _back(self._m, self._s, f"RDS did not do it: {why}; {self.words}")

    def _done(self, found: Instance) -> bool:
        if _is_done(self._m, self._s.direction, found):
            return True
        return self._only and bool(self._event(_OVER, self._began))

    def _given_up(self, found: Instance) -> str:
        """Why nothing comes of it any more; empty while something may."""
        ordered = not self._only and found.is_being(self._shape)
        if found.health is Health.BUSY or ordered or self._watch.seen.away:
            self._seen_at = time.monotonic()
            return ""
        if self._only and (abandoned := self._event(_ABANDONED, self._began - _WHOLE_S)):
            return abandoned
        if time.monotonic() - self._seen_at < float(of(self._m).spec.options.get("unseen_s", _UNSEEN_S)):
            return ""
        return state.last_event(self._m, of(self._m).instance_id, "fail") or "it shows nothing of the order any more"

    def _event(self, words: str, since: float) -> str:
        """What an event with these words says that is no older; empty where there is none."""
        account = of(self._m)
        begin = datetime.fromtimestamp(since, UTC)
        listed = account.read(lambda client: told.events(client, INSTANCE, account.instance_id, begin))
        recent = (one.message for one in listed if one.message and one.at is not None and one.at >= begin)
        return next((message for message in recent if words in message), "")


__all__ = ["arms", "estimate", "keep", "parts", "ready", "settle", "statements", "switch"]
