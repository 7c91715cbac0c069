"""Moving application servers one at a time, while both sides take writes: step 7 of the page, and the way back.

Nobody's writes are stopped. The operator points one application server after the other to the new side; this program
shows which client hosts are on either side, and says when the next may follow: once each side has what is written on
the other. It ends when no client is left on the old side, which is then closed, so that what was forgotten fails there
instead of writing to a server that goes away. Where it is stopped on the way, it waits until all are back.

A runner that dies stops nothing: whoever comes after it looks, and goes on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

from migration.aws.account import of
from migration.aws.active_active import names, settings
from migration.aws.active_active.conflicts import trouble
from migration.aws.active_active.hosts import hosts, in_words
from migration.clients import ClientsSilent, clients_of
from migration.cutover import keep as keeping
from migration.cutover.attempt import Aborted, Switchover, part
from migration.cutover.native import lag_condition
from migration.fences.choose import write_switch
from migration.model import Direction, ServerSpec
from migration.runbook import CloudFailed, Estimate, Halted, Migration, StepFailed
from migration.view import MOVE_APPLICATIONS, MOVING_SERVERS, Condition
from providers.mysql.errors import ServerError, StatementFailed
from providers.mysql.server import Server

STEP = MOVE_APPLICATIONS
_READY, _OPEN = ("ready", "look at both sides again"), ("open", "let clients write on both sides")
_PARTS = (
    _READY,
    _OPEN,
    (MOVING_SERVERS, "move application servers, one at a time"),
    ("close", "close the old side"),
    ("drain", "see that each side has everything"),
    ("events", "let scheduled events run there"),
)
# For how long no client may be seen on a side, in seconds, to count as gone: pools open sessions anew.
_STILL_S = 10.0
_LOOK_S = 0.2
_ANSWER_S = 1.0


class _TurnedBack(Aborted):
    """The operator stopped the move; application servers may be on either side."""


class _InTheWay(Exception):
    """Something that has to be seen to before anything goes on; the message says what, and what to do."""


def statements(m: Migration) -> tuple[str, ...]:
    """See `Mover`."""
    old, new = m.source.name, names.second_id(m)
    return (
        f"{new}: the provider's switch: open, so that both sides take writes",
        f"you point one application server after the other to {new}; SHOW PROCESSLIST on both sides tells who is where",
        f"{old} and {new}: replication in both directions is watched for duplicate keys, missing rows and lag",
        f"{old}: the provider's switch: read-only, once no client is left there",
        f"{old}, {new}: wait for <end of log> of the other",
    )


def estimate(m: Migration) -> Estimate:
    """See `Mover`."""
    return Estimate(0.0, "both sides take writes; an application server is away for as long as it takes to restart it")


def arms(m: Migration) -> bool:
    """Nothing opens by itself."""
    return False


def parts(m: Migration) -> tuple[tuple[str, str], ...]:
    """See `Mover`."""
    return _PARTS


def keep(m: Migration, direction: Direction) -> None:
    """At a gate one side takes writes: the other is closed again where somebody opened it."""
    with contextlib.suppress(ServerError):
        keeping.close_again(m, m.end_of(direction)[1])


def ready(m: Migration, direction: Direction) -> tuple[Condition, ...]:
    """See `Mover`. Rows that differ, or are not compared yet, are no reason to stay on the new side."""
    old, new = m.end_of(direction)
    conditions = [lag_condition(m.desk.lag(), f"the slower of {old.name} and {new.name}", m.spec.limits.lag_s)]
    if m.prover is not None:
        compared = m.prover.condition()
        conditions.append(compared if direction is Direction.CUTOVER else Condition(True, compared.text))
    asks: tuple[Callable[[], Condition], ...] = (
        lambda: _follows(new, old),
        lambda: _follows(old, new),
        lambda: Condition(not old.read_only().clients, f"{old.name} takes client writes"),
        lambda: Condition(settings.in_force(m.source, settings.FIRST), settings.in_words(m.source)),
        lambda: Condition(settings.in_force(m.target, settings.SECOND), settings.in_words(m.target)),
        lambda: _renewed(m),
        lambda: _events_once(m, new),
    )
    for ask in asks:
        try:
            conditions.append(ask())
        except (ServerError, StepFailed) as error:
            conditions.append(Condition(False, str(error)))
    return tuple(conditions)


def _follows(replica: Server, source: Server) -> Condition:
    found = trouble(replica, source)
    return Condition(found is None, found.words if found else f"{replica.name} follows {source.name}")


def _renewed(m: Migration) -> Condition:
    seen = settings.RENEWED.probe(m)
    return Condition(seen.outcome == "done", seen.note)


def _events_once(m: Migration, closed: Server) -> Condition:
    """Whether scheduled events run on one side at most; `closed` is the one where they should not."""
    on = settings.scheduling(m)
    if len(on) < len(m.servers):
        return Condition(True, f"scheduled events run on {on[0]} only" if on else "scheduled events run nowhere")
    return Condition(False, _twice(m, closed))


def _twice(m: Migration, closed: Server) -> str:
    return (
        f"scheduled events run on {m.source.name} and on {m.target.name}, each of them twice: set "
        f"{settings.SCHEDULER} to OFF in the parameter group of {closed.name}"
    )


def switch(m: Migration, s: Switchover) -> None:
    """See `Mover`."""
    m.scribe.attempt(
        s.number, s.direction,
        old=s.old.name, new=s.new.name, actor=s.actor, budget_s=m.spec.limits.fence_s, parts=_PARTS,
    )  # fmt: skip
    try:
        with part(m, s, _READY[0]):
            red = [one.text for one in ready(m, s.direction) if not one.ok]
            if red:
                raise Aborted(f"The application servers stay on {s.old.name}: {red[0]}; see to that, then try again.")
    except (Aborted, StepFailed, ServerError) as error:
        m.scribe.attempt_ended(s.number, "aborted", str(error))
        raise Aborted(str(error)) from error
    _carry_on(m, s)


def settle(m: Migration, s: Switchover) -> bool:
    """See `Mover`. Once the new side was asked to open the move goes on, from whatever is found."""
    opened = any(one.id == _OPEN[0] and one.started_at is not None for one in m.story().attempts[-1].steps)
    if not opened:
        why = f"the runner died before {s.new.name} was opened; all application servers are on {s.old.name}"
        m.scribe.attempt_ended(s.number, "aborted", why)
        return False
    try:
        _carry_on(m, s)
    except Aborted:
        return False
    return True


def _carry_on(m: Migration, s: Switchover) -> None:
    """From the opening to the end.

    Raises:
        Aborted: the operator stopped it, and every application server is on the old side again.
    """
    if m.prover is not None:
        # While both sides take writes, neither is what the other is to be like.
        m.prover.rest()
    try:
        with part(m, s, _OPEN[0]) as say:
            _wait(m, lambda: _becomes_open(m, s.new), lambda: _turn_back(m))
            say(f"{s.old.name} and {s.new.name} take writes")
        with part(m, s, MOVING_SERVERS) as say:
            _wait(m, _Leaving(m, s.old, s.new).look, lambda: _turn_back(m))
            say(f"no client is on {s.old.name}; {in_words(s.new, hosts(m, s.new))}")
    except _TurnedBack:
        why = _bring_back(m, s)
        raise Aborted(why) from None
    with part(m, s, "close") as say:
        _wait(m, lambda: _becomes_closed(m, s.old), lambda: _stay(m))
        say(f"{s.old.name} is read-only: what was forgotten there fails")
    with part(m, s, "drain") as say:
        _wait(m, lambda: _drained(m, s), lambda: _stay(m))
        say(f"{s.old.name} and {s.new.name} have everything of each other")
    with part(m, s, "events") as say:
        _wait(m, lambda: _events(m, s), lambda: _stay(m))
        say(f"scheduled events are where {s.new.name} is")
    m.scribe.attempt_ended(s.number, "switched", "")


def _bring_back(m: Migration, s: Switchover) -> str:
    """Wait until every application server is on the old side again, and close the new one; says so."""
    m.scribe.note(f"stopped: point every application server to {s.old.name} again", "warn")
    _wait(m, _Leaving(m, s.new, s.old).look, lambda: _stay(m))
    _wait(m, lambda: _becomes_closed(m, s.new), lambda: _stay(m))
    _wait(m, lambda: _drained(m, s), lambda: _stay(m))
    why = f"The operator stopped it; every application server is on {s.old.name} again, and {s.new.name} is read-only."
    m.scribe.attempt_ended(s.number, "aborted", why)
    if m.prover is not None:
        m.prover.want()
    return why


class _Leaving:
    """The clients on one side, until none is left there."""

    def __init__(self, m: Migration, left: Server, to: Server) -> None:
        self._m = m
        self._left = left
        self._to = to
        self._still_s = float(of(m).spec.options.get("still_s", _STILL_S))
        self._since: float | None = None
        self._moved: set[str] = set()

    def look(self) -> str:
        """Who is still there; empty once nobody has been for long enough.

        Raises:
            _InTheWay: replication has stopped in one direction.
            ServerError: a side cannot be asked.
        """
        m, left, to = self._m, self._left, self._to
        here, there = hosts(m, left), hosts(m, to)
        _require_both(left, to)
        if len(settings.scheduling(m)) == len(m.servers):
            raise _InTheWay(f"{_twice(m, to)}. No further application server is moved until then.")
        m.scribe.progress(
            STEP, done=len(set(there) - set(here)), total=len(set(here) | set(there)), unit="application servers",
            note=f"{in_words(left, here)}; {in_words(to, there)}",
        )  # fmt: skip
        for host in sorted(set(there) - set(here) - self._moved):
            self._moved.add(host)
            m.scribe.note(f"the application server {host} is on {to.name}")
        if here:
            self._since = None
            return self._next(bool(set(here) & set(there)))
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since >= self._still_s:
            return ""
        return f"no client is left on {left.name}; it is watched for {self._still_s:g} s"

    def _next(self, between: bool) -> str:
        """What is waited for before the next application server may follow; in a rehearsal, move it."""
        m, left, to = self._m, self._left, self._to
        lag = lag_condition(m.desk.lag(), f"the slower of {left.name} and {to.name}", m.spec.limits.lag_s)
        if not lag.ok:
            return f"move no other application server yet: {lag.text}"
        if between:
            return f"an application server is on both sides; wait until it has left {left.name}"
        try:
            clients_of(m.spec).move_next(_spec(m, to))
        except ClientsSilent as error:
            raise _InTheWay(f"The application servers of the rehearsal cannot be moved: {error}") from error
        return f"point the next application server from {left.name} to {to.name}"


def _spec(m: Migration, server: Server) -> ServerSpec:
    return m.spec.source if server is m.source else m.spec.target


def _require_both(one: Server, other: Server) -> None:
    found = trouble(one, other) or trouble(other, one)
    if found is not None:
        raise _InTheWay(found.words)


def _becomes_open(m: Migration, server: Server) -> str:
    if not server.read_only().clients:
        return ""
    return _ordered(m, server, "open")


def _becomes_closed(m: Migration, server: Server) -> str:
    if server.read_only().clients:
        return ""
    return _ordered(m, server, "close")


def _ordered(m: Migration, server: Server, what: str) -> str:
    """Have the provider open or close a side, which takes it some seconds; may be asked for again and again."""
    switch = write_switch(m, server)
    if switch is None:
        raise StatementFailed(
            server.name, f"{server.name} has no parameter group of its own any more, in which read_only could be set."
        )
    if switch.closed() is not (what == "close"):
        m.scribe.statement(server.name, STEP, f"the provider's switch: {what}", 0)
        (switch.close if what == "close" else switch.open)()
    return f"RDS is asked to {what} {server.name}"


def _drained(m: Migration, s: Switchover) -> str:
    for source, replica in ((s.old, s.new), (s.new, s.old)):
        if not replica.wait_for(m.end_position(source), _ANSWER_S):
            _require_both(replica, source)
            return f"{replica.name} does not have everything of {source.name} yet"
    return ""


def _events(m: Migration, s: Switchover) -> str:
    try:
        settings.move_events(m, s.old, s.new)
    except Halted:
        return "scheduled events are still to be moved"
    return ""


def _turn_back(m: Migration) -> None:
    if m.desk.halted():
        raise _TurnedBack("the operator stopped it")


def _stay(m: Migration) -> None:
    """Nobody can leave here; it only ends where the rehearsal around it has been taken down."""
    m.desk.halted()


def _wait(m: Migration, look: Callable[[], str], between: Callable[[], None]) -> None:
    """Look until nothing is waited for any more; what is in the way is said once, and looked at again.

    Args:
        m: the migration.
        look: what is waited for, empty where nothing is.
        between: may end it between two looks, by an exception.
    """
    said = ""
    while True:
        try:
            words, level = look(), "info"
        except (_InTheWay, ServerError, CloudFailed, StepFailed) as error:
            words, level = str(error), "error"
        if not words:
            return
        if words != said:
            said = words
            m.scribe.note(words, level)
        between()
        time.sleep(_LOOK_S)
