"""The part of a switch during which nobody can write: from the fence to the opening of the new side."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

from migration.cutover import keep, obstacles
from migration.cutover.attempt import CONTENT, Aborted, Pending, Switchover, part, proves
from migration.cutover.drain import Drain, DrainSlow
from migration.cutover.ends import Answers, End, Moved, ends_for
from migration.cutover.lease import Lease
from migration.cutover.promote import opening, opening_records, promote
from migration.fences import Fence, FenceBlocked
from migration.fences.choose import holds_accounts, let_in
from migration.pair_lock import PairLock
from migration.runbook import Migration, NotProved
from providers.mysql.connection import Connection
from providers.mysql.errors import ServerError

# How much longer each try may take than the first. A better moment is worth more than a longer wait.
_PATIENCE = (1, 1, 1, 2, 2, 4, 8, 16)
_DRAIN_S = 0.03
# A statement that runs longer than this is told, not waited for.
_FENCE_S = 1.0
_ROUND_TRIPS = 4
_BACK_OFF_S = 0.05
# The list of open transactions is up to 0.1 s old on its first reading.
_CHANGES_S = 0.3
# The second reading of the old side may be this much older than the end of the drain.
_FRESH_S = 0.02
_PINGS = 3
# Measured beside a writer each millisecond: without it one first write in ten waits for 4 to 12 ms more.
_STILL_S = 0.03
# A drain that may take this long, in seconds, is worth being shown while it lasts.
_WATCHED_S = 0.5


@dataclass(frozen=True)
class Bounds:
    """How long writers may be held up in one try, in seconds: by the fence's raising and by the drain."""

    fence_s: float
    drain_s: float

    def of_try(self, number: int) -> Bounds:
        """What try `number`, counted from 1, may take."""
        times = _PATIENCE[number - 1]
        return Bounds(max(self.fence_s, min(self.fence_s * times, _FENCE_S)), self.drain_s * times)


class Window:
    """Fence, drain, prove, point of no return, open: bounded to milliseconds, and tried again where that is hit."""

    def __init__(self, m: Migration, s: Switchover, fence: Fence, lease: Lease, lock: PairLock) -> None:
        self._m = m
        self._s = s
        self._fence = fence
        self._lease = lease
        self._lock = lock
        self._pending = Pending(m, s)
        self._ends = ends_for(m, s)
        self._drain = Drain(m, s, self._ends)
        self._second_reading: Callable[[], Answers] | None = None
        self._holds = holds_accounts(m, s.new)
        self._opening = opening(m, s)
        self._besides = (lock.question, *obstacles.questions(s.old))
        self._xa_begun = 0

    def close(self) -> None:
        """Close what was opened, and write what still waits to be written."""
        self._drain.close()
        self._pending.flush()

    def pass_through(self) -> None:
        """Try until the writes have moved.

        Raises:
            Aborted: given up before the point of no return.
            ServerError: the same, or what is the case is not known; see `switch`.
        """
        for number in range(1, len(_PATIENCE) + 1):
            bounds = self._ready().of_try(number)
            began = time.monotonic()
            try:
                self._once(bounds)
            except (DrainSlow, FenceBlocked, Moved) as slow:
                self._fence.release()
                self._lease.lifted()
                self._pending.flush()
                # What is still under way must be read before its session is used again.
                self._drain.give_up()
                with contextlib.suppress(ServerError):
                    self._answer()
                held = (time.monotonic() - began) * 1000
                words = f"try {number} of {len(_PATIENCE)} given up, writers waited {held:.0f} ms: {slow}"
                self._m.scribe.note(words, "warn")
                if number == len(_PATIENCE):
                    raise Aborted(str(slow)) from slow
                time.sleep(_BACK_OFF_S * _PATIENCE[number - 1])
            else:
                return

    def _ready(self) -> Bounds:
        """Everything that can be found out or set up before anybody has to wait."""
        m, s = self._m, self._s
        with part(m, s, "ready") as say:
            self._lease.armed()
            obstacles.pause_events(m, s)
            self._xa_begun = obstacles.refuse(m, s)
            for server in (s.old, s.new):
                self._lock.verify(server)
            kept = keep.before(m, s)
            self._ends.prepare()
            if m.prover is not None and proves(m):
                m.prover.prepare()
            far = _round_trip_s(self._drain.session)
            # Last, so that what it found is fresh when the fence goes up.
            took = self._drain.rehearse()
            say(f"the drain takes {took * 1000:.1f} ms{kept}")
        fence_s = self._fence.bound_s + _ROUND_TRIPS * far
        drain_s = _DRAIN_S + _ROUND_TRIPS * far + 3 * took
        return Bounds(fence_s, min(drain_s, m.spec.limits.fence_s))

    def _once(self, bounds: Bounds) -> None:
        m, s, pending = self._m, self._s, self._pending
        asked, lead_s = time.monotonic(), self._fence.lead_s
        self._lease.fenced(lead_s + m.spec.limits.fence_s)
        with pending.part("fence") as say:
            end = self._ends.read(self._fence.raise_(self._ends.asked(), bounds.fence_s))
            # Where the order itself takes its time, nobody waits until it is carried out.
            deadline = (time.monotonic() if lead_s else asked) + m.spec.limits.fence_s
            if self._xa_begun:
                obstacles.wait_for_changes(s.old, max(bounds.drain_s, _CHANGES_S))
                # What was prepared before and committed since is behind that end, and found by the second reading.
            say(f"end of log {end}")
        with pending.part("drain") as say:
            if bounds.drain_s > _WATCHED_S:
                pending.flush()
            self._drain.begin(end, bounds.drain_s, deadline)
            asked, self._second_reading = time.monotonic(), self._fence.proving(self._questions())
            self._drain.end()
            say(f"{s.new.name} has {end}")
        self._content(deadline)
        with pending.part("prove") as say:
            end = self._still(end, _Proof(asked, self._answer()), bounds, deadline)
            say(f"{s.old.name} is fenced and still ends at {end}")
        if time.monotonic() > deadline:
            raise Aborted(f"The time for the fence on {s.old.name} ran out ({m.spec.limits.fence_s:g} s).")
        records = (*pending.take(), *opening_records(s, self._drain.session, self._opening))
        if not m.scribe.no_return(s.number, str(end), records):
            raise Aborted(f"The watchdog had lifted the fence on {s.old.name} already: this runner was too slow.")
        with pending.part("promote") as say:
            say(self._open())
        self.hold_still()
        pending.flush()

    def _open(self) -> str:
        """Open the new side, past the point of no return; what was seen."""
        said = promote(self._m, self._s, self._drain.session, self._opening)
        if self._holds:
            let_in(self._m, self._s.new)
        return said

    def hold_still(self) -> None:
        """Leave the servers and the disk to the clients' first writes; what follows can wait."""
        time.sleep(_STILL_S)

    def _still(self, end: End, proof: _Proof, bounds: Bounds, deadline: float) -> End:
        """The second reading of the old side: fenced, ours, and with nothing new; else drained and read again."""
        while True:
            if time.monotonic() - proof.at > _FRESH_S + bounds.fence_s / 2:
                proof = self._prove()
            now = self._end_by(end, proof.rows)
            if now == end:
                return end
            end = now
            self._drain.reach(end, bounds.drain_s, deadline)
            self._content(deadline)
            proof = self._prove()

    def _content(self, deadline: float) -> None:
        """Prove that both sides hold the same rows, now that neither changes.

        Raises:
            Aborted: they do not, or it could not be proved and has to be.
        """
        if self._m.prover is None or not proves(self._m):
            return
        with self._pending.part(CONTENT) as say:
            try:
                say(self._m.prover.prove(min(deadline, time.monotonic() + self._m.spec.limits.proof_s)))
            except NotProved as error:
                raise Aborted(str(error)) from error

    def _answer(self) -> Answers:
        """The answer to the second reading that is under way; it may be taken once."""
        take, self._second_reading = self._second_reading, None
        return take() if take is not None else ()

    def _prove(self) -> _Proof:
        return _Proof(time.monotonic(), self._fence.prove(self._questions()))

    def _questions(self) -> tuple[str, ...]:
        return (*self._besides, *self._ends.asked_again())

    def _end_by(self, end: End, answers: Answers) -> End:
        """The end by the answers to `_questions`."""
        self._judge(answers[: len(self._besides)])
        return self._ends.read_again(end, answers[len(self._besides) :])

    def _judge(self, answers: Answers) -> None:
        """Read the answers to what is asked besides the end.

        Raises:
            Aborted: the lock is somebody else's, or something on the old side can write through the fence.
        """
        holder, *rest = answers
        if not self._lock.holds(self._s.old, holder[0][0]):
            raise Aborted(f"Another program has the lock on {self._s.old.name}; find out who, then try again.")
        if obstacles.judge(self._s.old, tuple(rest)) and not self._xa_begun:
            raise Aborted(
                f"The first XA transaction on {self._s.old.name} was begun while the fence went up, and may be "
                "open; try again."
            )


@dataclass(frozen=True)
class _Proof:
    """What the second reading said, and when it was asked (monotonic seconds)."""

    at: float
    rows: Answers


def _round_trip_s(session: Connection) -> float:
    took = []
    for _ in range(_PINGS):
        began = time.monotonic()
        session.run("DO 0")
        took.append(time.monotonic() - began)
    return min(took)
