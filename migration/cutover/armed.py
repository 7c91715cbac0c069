"""The window for an operator far from the servers: the new side opens by itself on a marker chosen in advance.

Nothing has to travel to the operator and back between the fence and the opening. The price is the order: the point
of no return stands in the journal before the fence goes up, and the second reading of the old side is replaced by
the marker, which is committed behind the fence, in the fence's own packet.

The old side is opened again only after the wait on the new side has ended and its read_only was read as still on.
"""

from __future__ import annotations

import math
import time
from concurrent.futures import Future, ThreadPoolExecutor

from migration.cutover.attempt import Aborted, Switchover
from migration.cutover.drain import DrainSlow
from migration.cutover.lease import Lease
from migration.cutover.marker import Marker, arming, choose_marker
from migration.cutover.promote import reconnect
from migration.cutover.window import Bounds, Window
from migration.fences import Fence
from migration.fences.choose import let_in
from migration.model import Positioning, Proof
from migration.pair_lock import PairLock
from migration.runbook import Migration
from providers.mysql.connection import Row
from providers.mysql.errors import ConnectionLost, ServerError
from providers.mysql.server import Server

FAR_S = 0.002
_PINGS = 5
_POLL_S = 0.005
_ARMED_S = 2.0


def worth_arming(m: Migration) -> bool:
    """Whether the new side is to open by itself: as asked, else where a server is more than 2 ms away.

    Never where the rows have to be proved equal first: there is no time for that between the fence and the opening.
    Nor where read_only is the provider's: what opens by itself does so by SQL.
    """
    if m.other is None or not all(server.dialect.sets_globals for server in m.servers):
        return False
    if m.positioning is not Positioning.GTID or m.spec.armed == "off" or m.spec.proof is Proof.REQUIRED:
        return False
    return m.spec.armed == "on" or max(round_trip_s(m.source), round_trip_s(m.target)) > FAR_S


def round_trip_s(server: Server) -> float:
    """The shortest of a few round trips to a server, in seconds."""
    took = []
    for _ in range(_PINGS):
        began = time.monotonic()
        server.value("SELECT 1")
        took.append(time.monotonic() - began)
    return min(took)


class ArmedWindow(Window):
    """Point of no return, fence and marker in one packet; the new side has been waiting for the marker meanwhile."""

    def __init__(self, m: Migration, s: Switchover, fence: Fence, lease: Lease, lock: PairLock) -> None:
        super().__init__(m, s, fence, lease, lock)
        self._waiting = ThreadPoolExecutor(1, thread_name_prefix="armed")

    def close(self) -> None:
        """Close what was opened, once the wait on the new side has ended."""
        self._waiting.shutdown()
        super().close()

    def _once(self, bounds: Bounds) -> None:
        m, s, pending = self._m, self._s, self._pending
        if self._xa_begun:
            m.scribe.note(
                f"{s.new.name} is not armed: clients of {s.old.name} use XA transactions, and open ones are looked for "
                "between the fence and the opening.",
                "warn",
            )
            super()._once(bounds)
            return
        marker = choose_marker(m, s.old)
        wait_s = bounds.fence_s + bounds.drain_s
        session = self._drain.session
        statements = arming(s.new, marker, math.ceil(wait_s) + 1)
        m.scribe.statement(s.new.name, "promote", "; ".join(statements), session.thread_id)
        arm = self._waiting.submit(self._arm, statements, wait_s + _ARMED_S)
        self._wait_until_armed(session.thread_id, arm)
        self._look_again(arm)
        self._lease.fenced(m.spec.limits.fence_s)
        if not m.scribe.no_return(s.number, f"{marker.position}, chosen in advance", pending.take()):
            self._disarm(arm)
            raise Aborted(f"The watchdog had lifted the fence on {s.old.name} already: this runner was too slow.")
        with pending.part("fence") as say:
            self._fence_and_mark(marker, bounds, arm)
            say(f"marker {marker.position}")
        with pending.part("promote") as say:
            self._until_open(arm)
            if self._holds:
                let_in(m, s.new)
            say(f"{s.new.name} opened by itself")
        self.hold_still()
        pending.flush()

    def _arm(self, statements: tuple[str, ...], bound_s: float) -> tuple[Row, ...]:
        self._drain.session.allow_answer_s(bound_s + 5.0)
        with self._drain.within(bound_s):
            return self._drain.session.results(statements)[-1]

    def _wait_until_armed(self, thread_id: int, arm: Future[tuple[Row, ...]]) -> None:
        """The wait must be under way on the new side before anything happens on the old one.

        Raises:
            Aborted: it is not, within two seconds.
        """
        deadline = time.monotonic() + _ARMED_S
        while True:
            words = self._s.new.rows("SELECT info FROM information_schema.processlist WHERE id = %s", (thread_id,))
            if words and "@cutover_came" in str(words[0][0]):
                return
            if arm.done() or time.monotonic() > deadline:
                self._disarm(arm)
                raise Aborted(f"{self._s.new.name} could not be armed; try again.")
            time.sleep(_POLL_S)

    def _look_again(self, arm: Future[tuple[Row, ...]]) -> None:
        """What could write through the fence, as late as it can still stop the attempt.

        Raises:
            Aborted: something could, or the lock is somebody else's; the new side is not armed any more.
        """
        try:
            self._judge(tuple(self._s.old.rows(question) for question in self._besides))
        except (Aborted, ServerError):
            self._disarm(arm)
            raise

    def _fence_and_mark(self, marker: Marker, bounds: Bounds, arm: Future[tuple[Row, ...]]) -> None:
        """Fence and marker, in one packet. Where that fails the new side says how it ended.

        Raises:
            FenceBlocked: not fenced; the new side is closed and not armed any more.
            ServerError: the same, for another reason.
        """
        try:
            answers = self._fence.raise_((*marker.statements, *self._besides), bounds.fence_s)
        except ServerError as error:
            if self._opened(arm):
                self._m.scribe.note(f"{error} The marker had arrived all the same, and the new side is open.", "warn")
                return
            self._m.scribe.return_again(self._s.number, str(error))
            raise
        try:
            self._judge(answers[len(marker.statements) :])
        except Aborted as found:
            # Behind the marker it is too late to stop: the new side opens, and what was found is said.
            self._m.scribe.note(str(found), "error")

    def _until_open(self, arm: Future[tuple[Row, ...]]) -> None:
        """Wait for the new side's answer.

        Raises:
            DrainSlow: the marker did not come in time; the new side is closed and not armed any more.
        """
        if not self._opened_in_time(arm):
            words = f"{self._s.new.name} did not get the marker of {self._s.old.name} in time"
            self._m.scribe.return_again(self._s.number, words)
            raise DrainSlow(words)

    def _opened_in_time(self, arm: Future[tuple[Row, ...]]) -> bool:
        try:
            came, closed = arm.result()[0]
        except ServerError:
            return self._opened(arm)
        return bool(int(came)) and not int(closed)

    def _opened(self, arm: Future[tuple[Row, ...]]) -> bool:
        """End the wait on the new side, and read there whether it opened; asks until it answers."""
        self._disarm(arm)
        try:
            return not self._s.new.read_only().clients
        except ServerError:
            session = reconnect(self._m, self._s.new)
            try:
                return not int(session.rows(self._s.new.dialect.read_only_state)[0][0])
            finally:
                session.close()

    def _disarm(self, arm: Future[tuple[Row, ...]]) -> None:
        """End the wait, whatever has become of its session; afterwards it opens nothing any more."""
        thread_id = self._drain.session.thread_id
        while True:
            try:
                waiting = self._s.new.rows(
                    "SELECT 1 FROM information_schema.processlist WHERE id = %s AND info LIKE %s",
                    (thread_id, "%@cutover_came%"),
                )
                if not waiting:
                    break
                self._s.new.session.run(f"KILL QUERY {thread_id}")
            except ConnectionLost:
                self._s.new.close()
            except ServerError:
                self._m.desk.halted()
            time.sleep(_POLL_S)
        arm.exception()
