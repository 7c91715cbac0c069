"""Moving the writes the page's own way: the replica is promoted while nobody writes.

Everything else is the servers' own switch, also the way back: behind the fence, once the replica has everything, RDS
promotes it; then each of the two follows the other, as where it was promoted first, and the new one is opened.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace

from migration.aws import promote, reattach, state
from migration.aws.account import of
from migration.cutover import native
from migration.cutover.attempt import Aborted, Switchover
from migration.cutover.drain import Drain
from migration.cutover.lease import Lease
from migration.cutover.switch import switch_through
from migration.cutover.window import Window
from migration.fences import Fence
from migration.fences.choose import closing_words, shut
from migration.model import Direction, Outcome
from migration.pair_lock import PairLock
from migration.runbook import CloudFailed, Estimate, Halted, Migration, StepFailed
from migration.steps import way_back
from migration.view import Condition
from providers.mysql import replication
from providers.mysql.errors import ServerError

__all__ = ["arms", "estimate", "keep", "parts", "ready", "settle", "statements", "switch"]

settle = native.settle
_DETACH = ("detach", "promote the replica")
_BEFORE = "prove"
# How long nobody may be able to write because a promotion does not come to its end.
PATIENCE_S = 1800.0


def statements(m: Migration) -> tuple[str, ...]:
    """What will run, from the fence to the opening."""
    old, new = m.source.name, of(m).replica_id
    return (
        f"{old}: {closing_words(m, m.source)}",
        f"{new}: wait for <end of log>",
        *promote.statements(m),
        *reattach.statements(m),
        *way_back.statements(m),
        "journal: point of no return, synced to disk",
        f"{new}: opened to clients",
    )


def estimate(m: Migration) -> Estimate:
    """How long clients cannot write."""
    known = promote.estimate(m)
    return Estimate(known.seconds, f"the promotion; {known.basis}; stops by itself after {PATIENCE_S / 60:g} minutes")


def arms(m: Migration) -> bool:
    """Never: nothing opens by itself in the minutes of a promotion."""
    return False


def parts(m: Migration) -> tuple[tuple[str, str], ...]:
    """The parts of an attempt, with their titles, in order."""
    usual = native.parts(m)
    at = next(number for number, (name, _) in enumerate(usual) if name == _BEFORE)
    return (*usual[:at], _DETACH, *usual[at:])


def ready(m: Migration, direction: Direction) -> tuple[Condition, ...]:
    """Whether the writes could move in this direction now."""
    try:
        if direction is Direction.ROLLBACK or _promoted(m):
            return native.ready(m, direction)
        status = replication.follows(m.target, m.source)
        closed, opened = shut(m, m.target), not shut(m, m.source)
    except (ServerError, CloudFailed) as error:
        return (Condition(False, str(error)),)
    old, new = m.source.name, m.target.name
    trouble = "it does not" if status is None else status.trouble
    return (
        native.lag_condition(m.desk.lag(), new, m.spec.limits.lag_s),
        *((m.prover.condition(),) if m.prover is not None else ()),
        Condition(status is not None and status.running, f"{new} follows {old}" + (f": {trouble}" if trouble else "")),
        Condition(closed, f"{new} refuses client writes"),
        Condition(opened, f"{old} takes client writes"),
    )


def keep(m: Migration, direction: Direction) -> None:
    """As between any two servers; after an attempt that ended with the promotion, each follows the other again.

    Raises:
        StepFailed: as the servers' own.
    """
    if direction is Direction.CUTOVER:
        with contextlib.suppress(ServerError):
            if replication.follows(m.target, m.source) is None and _promoted(m):
                _follow_each_other(m)
    native.keep(m, direction)


def switch(m: Migration, s: Switchover) -> None:
    """Carry out one attempt.

    Raises:
        Aborted: nothing has moved, and the old side takes writes; the message says why.
        ServerError: the old side could not be opened again, or the new one not yet: the runner looks again.
    """
    if s.direction is Direction.ROLLBACK or _promoted(m):
        native.switch(m, s)
        return
    m = replace(m, spec=replace(m.spec, limits=replace(m.spec.limits, fence_s=PATIENCE_S)))
    switch_through(m, s, PromotingWindow, parts(m))


class PromotingWindow(Window):
    """The servers' own window with a promotion in it, when the new side has everything."""

    def __init__(self, m: Migration, s: Switchover, fence: Fence, lease: Lease, lock: PairLock) -> None:
        super().__init__(m, s, fence, lease, lock)
        self._detached = False

    def _content(self, deadline: float) -> None:
        super()._content(deadline)
        if self._detached:
            return
        with self._pending.part(_DETACH[0]) as say:
            self._pending.flush()
            try:
                promote.apply(self._m)
                seen = promote.probe(self._m)
            except Halted:
                raise Aborted("The operator stopped it while RDS promotes, which goes on.") from None
            except StepFailed as error:
                raise Aborted(str(error)) from error
            if seen.outcome is not Outcome.DONE:
                raise Aborted(f"After the promotion: {seen.note}.")
            self._detached = True
            # The restart has ended its session.
            self._drain.close()
            self._drain = Drain(self._m, self._s, self._ends)
            _follow_each_other(self._m)
            say(seen.note)


def _follow_each_other(m: Migration) -> None:
    reattach.apply(m)
    way_back.apply(m)


def _promoted(m: Migration) -> bool:
    return state.require_replica(m).source_id is None
