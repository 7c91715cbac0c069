"""One verification of two servers, from its first look to the proof: what everybody else uses of this package."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from migration.journal import JournalError
from migration.model import Side
from migration.verify import fence_proof
from migration.verify.ending import Ending
from migration.verify.fence_proof import LISTED, FenceProof, Prepared
from migration.verify.model import Difference, Doubt, Outcome, Progress, Request, State, Verdict, rows_of
from migration.verify.recheck import Rereader
from migration.verify.work import Asked, Work, begin, end_of_log
from providers.mysql.binlog.marks import LogGone
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError
from providers.mysql.position import Position

_POLL_S = 0.02
_HURRY_S = 30.0
_WARM_S = 5.0
# How far behind a proof may be and still count as caught up.
_FRESH_S = 2.0


class Verification:
    """Compares the rows of two servers while writes go on, and proves them equal once those have stopped.

    It only reads, with sessions of its own, in threads of its own. All methods may be called from any thread.
    """

    def __init__(
        self,
        source: Endpoint,
        target: Endpoint,
        request: Request,
        *,
        state: Path | None = None,
        lag_s: Callable[[], float | None] | None = None,
    ) -> None:
        """Nothing is connected yet.

        Args:
            source: whose rows count.
            target: what follows it.
            request: what is compared, and how gently.
            state: the file in which the progress is kept, and from which it goes on where it can; made where missing.
            lag_s: the target's lag in seconds (None: unknown), where the caller measures it; else the server is asked.
        """
        self._asked = Asked(source, target, request, state, lag_s)
        self._lock = threading.Lock()
        self._proof_lock = threading.Lock()
        self._work: Work | None = None
        self._prepared: Prepared | None = None
        self._failure: Exception | None = None
        self._began = time.monotonic()
        self._proving = False
        self._closed = False
        self._proved_at: float | None = None

    @property
    def failure(self) -> Exception | None:
        """The error that ended it, such as broken replication on the target; None where nothing did."""
        work = self._work
        if self._failure is None and work is not None and isinstance(work.scan.error, Exception):
            return work.scan.error
        return self._failure

    def start(self) -> None:
        """Connect, look at the tables and begin. Returns when rows are being read.

        Raises:
            ServerError: a server cannot be reached or does not let the account read.
            JournalError: the state file cannot be used.
        """
        self._began = time.monotonic()
        self._work = begin(self._asked, self._fail)

    def _fail(self, error: Exception) -> None:
        with self._lock:
            if self._failure is None:
                self._failure = error
        work = self._work
        if isinstance(error, LogGone) and work is not None and work.journal is not None:
            with contextlib.suppress(JournalError):
                work.journal.void()

    def progress(self) -> Progress:
        """How far it is."""
        work = self._work
        if work is None:
            return Progress(State.ENDED if self._closed or self._failure else State.STARTING)
        shapes, counts, findings = work.known.shapes(), work.dirty.counts(), work.findings
        read = findings.tables_read()
        read_once = sum(shape.table in read for shape in shapes)
        whole = max(findings.size, sum(shape.size for shape in shapes))
        state = self._state(work)
        differences = self._differences(work)
        if state is State.FOLLOWING:
            self._note_proof(work, bool(differences))
            whole = findings.size
        return Progress(
            state,
            len(shapes),
            read_once,
            findings.size,
            whole,
            findings.rows,
            counts.touched,
            counts.redo + len(work.known.unsettled().tables),
            counts.differing,
            differences[:LISTED],
            self._doubts(work),
            self._remaining_s(state, findings.size, whole),
            work.gauge.held,
            work.mode,
            self._proved_at,
        )

    def _state(self, work: Work) -> State:
        if self._closed or self.failure is not None:
            return State.ENDED
        if self._proving:
            return State.PROVING
        return State.FOLLOWING if work.scan.complete else State.READING

    def _differences(self, work: Work) -> tuple[Difference, ...]:
        return (*work.known.sure_differences(), *work.findings.differences())

    def _doubts(self, work: Work) -> tuple[Doubt, ...]:
        failed = self.failure
        ended = () if failed is None else (Doubt(None, str(failed)),)
        return (*ended, *work.doubts, *work.known.doubts())

    def _remaining_s(self, state: State, size: int, whole: int) -> float | None:
        if state is not State.READING or not size:
            return 0.0 if state is State.FOLLOWING else None
        return (whole - size) * (time.monotonic() - self._began) / size

    def _note_proof(self, work: Work, differs: bool) -> None:
        """Note the last moment up to which everything is known to be equal."""
        now, known = time.monotonic(), work.known
        oldest = work.dirty.oldest()
        unproved = any(doubt.unproved for doubt in (*work.doubts, *known.doubts()))
        if differs or unproved or known.differences() or known.unsettled().tables or Side.SOURCE not in work.followers:
            return
        at = time.time() - (0.0 if oldest is None else now - oldest)
        if self._proved_at is None or at > self._proved_at:
            self._proved_at = at

    def wait(self, until: Callable[[Progress], bool], timeout_s: float) -> Progress:
        """Wait until the progress is as wanted, the verification has ended, or the time is over; returns the newest."""
        deadline = time.monotonic() + timeout_s
        while True:
            progress = self.progress()
            if until(progress) or progress.state is State.ENDED or time.monotonic() >= deadline:
                return progress
            time.sleep(_POLL_S)

    def caught_up(self) -> bool:
        """Whether every row was compared, and those that changed since, up to about now, again, and none differs."""
        progress = self.progress()
        if progress.state is not State.FOLLOWING or progress.confirmed or progress.proved_at is None:
            return False
        return time.time() - progress.proved_at < _FRESH_S

    def finish(self, budget_s: float) -> Outcome:
        """End without a fence: every row compared once, what was touched up to then again, differences confirmed.

        Writes may go on meanwhile. What is not done within `budget_s` is unproved.
        """
        work = self._started()
        ending = Ending(work, self._began, lambda: self.failure)
        return ending.wait(time.monotonic() + budget_s)

    def prepare_proof(self) -> None:
        """Do everything for the proof that can be done before the fence: sessions, statements, lists of tables.

        Where that fails, `prove` tries again, and says why it cannot.
        """
        work = self._work
        if work is None or self.failure is not None:
            return
        with self._proof_lock, contextlib.suppress(ServerError):
            self._drop_prepared()
            self._prepared = fence_proof.prepare(work)
        for side, follower in work.followers.items():
            follower.hurry(_HURRY_S)
            with contextlib.suppress(ServerError):
                # Whoever has arrived once more is no longer asleep in its last wait.
                follower.wait_reached(end_of_log(work, side), time.monotonic() + _WARM_S)
        warmed = threading.Event()

        def warm(rereader: Rereader) -> None:
            try:
                fence_proof.warm(work, rereader)
            finally:
                warmed.set()

        work.rechecker.submit(warm)
        warmed.wait(_WARM_S)

    def prove(self, deadline: float, source_end: Position | None = None, target_has_it: bool = True) -> Outcome:
        """Prove the rows equal, now that nobody writes on the source and the target has everything.

        Args:
            deadline: monotonic seconds, by which this returns, with UNPROVED where it is not done.
            source_end: where the source's log ended when the target was found to have all of it; where it ends
                elsewhere by now, somebody writes on and nothing is proved.
            target_has_it: whether the target was seen to have everything; without, nothing is proved.

        The verification goes on afterwards: the proof may be asked for again.
        """
        began = time.monotonic()
        work = self._started()
        failed = self.failure
        if failed is not None:
            return self._unproved(work, began, str(failed))
        if not target_has_it:
            return self._unproved(work, began, f"{self._asked.target.name} does not have everything yet")
        if not self._proof_lock.acquire(timeout=max(0.0, deadline - began)):
            return self._unproved(work, began, "another proof is under way")
        try:
            return self._prove(work, deadline, began, source_end)
        finally:
            self._proof_lock.release()

    def _prove(self, work: Work, deadline: float, began: float, source_end: Position | None) -> Outcome:
        try:
            prepared = self._prepared or fence_proof.prepare(work)
        except ServerError as error:
            return self._unproved(work, began, str(error))
        self._prepared = prepared
        for follower in work.followers.values():
            follower.hurry(max(0.0, deadline - began))
        proof, told, over = FenceProof(work, prepared, deadline, source_end), list[Outcome](), threading.Event()

        def prove(rereader: Rereader) -> None:
            try:
                if time.monotonic() < deadline:
                    told.append(proof.run(rereader))
            finally:
                over.set()

        self._proving = True
        work.upkeep.held.set()
        work.rechecker.submit(prove)
        try:
            over.wait(max(0.0, deadline - time.monotonic()))
            if told:
                return self._noted(told[0])
            # What is still at work has the sessions: a next proof opens others.
            self._prepared = None
            return self._unproved(work, began, "the time for the proof was over before everything was compared")
        finally:
            work.upkeep.held.clear()
            self._proving = False

    def _noted(self, outcome: Outcome) -> Outcome:
        if outcome.verdict is Verdict.IDENTICAL:
            self._proved_at = time.time()
        return outcome

    def _unproved(self, work: Work, began: float, reason: str) -> Outcome:
        differences, doubts = self._differences(work), (Doubt(None, reason), *work.doubts, *work.known.doubts())
        return fence_proof.outcome(work, began, differences, doubts, found=rows_of(differences))

    def _started(self) -> Work:
        if self._work is None:
            raise RuntimeError("the verification was not started")
        return self._work

    def _drop_prepared(self) -> None:
        prepared, self._prepared = self._prepared, None
        if prepared is not None:
            prepared.close()

    def close(self) -> None:
        """End all threads and sessions. The progress stays in the state file."""
        with self._lock:
            closed, self._closed = self._closed, True
        if closed or self._work is None:
            return
        self._work.close()
        with self._proof_lock:
            self._drop_prepared()
