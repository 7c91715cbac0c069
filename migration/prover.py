"""Keeping the rows of both servers compared while a migration runs, so that they can be proved equal at a switch."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from migration.check import Finding, Result, Severity
from migration.check import Verdict as Found
from migration.decisions import Choice
from migration.journal import JournalError
from migration.model import Direction, Proof, Side
from migration.runbook import Desk, Gate, Migration, NotProved, Runbook
from migration.story import Story
from migration.verify.fence_proof import LISTED
from migration.verify.model import Difference, Doubt, Outcome, Progress, Request, State, Verdict
from migration.verify.verification import Verification
from migration.verify_report import shown_doubt, shown_key, shown_table
from migration.view import Condition
from providers.mysql.errors import ServerError, WrongServer

CHECK = "content"
_TELL_S = 1.0
_AGAIN_S = 5.0
_MOST_ROWS = 100
# Providers tell whole seconds.
_COARSE_S = 1.0


def worth_comparing(story: Story, runbook: Runbook) -> bool:
    """Whether the writes may still move: once it was decided to complete, and that has begun, they do not.

    What is taken down then would look like rows that differ.
    """
    if not runbook.reversible and story.done(runbook.switch.id):
        return False
    items = [item for _, item in runbook.items()]
    for at, item in enumerate(items):
        if isinstance(item, Gate) and Choice.COMPLETE in item.choices and story.done(item.id):
            return not any(story.begun(later.id) for later in items[at + 1 :])
    return True


def at_most_behind(desk: Desk) -> float | None:
    """How far the side without writes is behind now at most, in seconds, by the provider's figure; None: not known."""
    sample = desk.lag()
    if sample is None or sample.lag_s is None or sample.at_least:
        return None
    return sample.lag_s + _COARSE_S + max(0.0, time.time() - sample.at)


class Prover:
    """One verification after the other, in the direction in which the writes would move next.

    They have sessions of their own and only read. One that ends by an error is begun again.
    """

    def __init__(self, m: Migration, directory: Path, lag_s: Callable[[], float | None] | None = None) -> None:
        """Say how the rows are to be compared.

        Args:
            m: the migration.
            directory: where the verification keeps what a later one can go on from.
            lag_s: the lag in seconds where it is a provider that carries the rows, see `at_most_behind`.
        """
        self._m = m
        self._directory = directory
        self._lag_s = lag_s
        self._lock = threading.Lock()
        self._forward = True
        self._running: Verification | None = None
        self._wanted = threading.Event()
        self._stop = threading.Event()
        self._telling = threading.Lock()
        self._told: Finding | None = None
        self._said = ""
        # What the operator goes on with unproved, as of `prepare`: behind the fence nobody reads the journal.
        self._accepted: frozenset[Doubt] = frozenset()
        self._thread = threading.Thread(target=self._run, name="prover", daemon=True)

    def start(self) -> None:
        """Begin, once `want` was called."""
        self._thread.start()

    def stop(self) -> None:
        """End, and close the sessions."""
        self._stop.set()
        self._wanted.set()
        self._thread.join(10.0)
        self._drop()

    def want(self) -> None:
        """The target follows the source: there is something to compare."""
        self._wanted.set()

    def point(self, after: Direction) -> None:
        """The writes have moved in this direction: compare for the way back from it."""
        with self._lock:
            self._forward = after is Direction.ROLLBACK
        self._drop()
        self._wanted.set()

    def rest(self) -> None:
        """Compare nothing until `want` or `point`: while both sides take writes, neither is what the other follows."""
        self._wanted.clear()
        self._drop()

    def progress(self) -> Progress | None:
        """How far the comparison is; None where none is under way."""
        running = self._running
        return running.progress() if running is not None else None

    def prepare(self) -> None:
        """Everything that can be done for the proof before anybody has to wait for it."""
        running = self._running
        if running is None:
            return
        known = _unproved(running.progress().doubts)
        self._accepted = frozenset(known) if known and self._is_accepted() else frozenset()
        running.prepare_proof()

    def prove(self, deadline: float) -> str:
        """Prove that both servers hold the same rows; called behind the fence, with the new side caught up.

        Args:
            deadline: monotonic seconds at which the answer must be there.

        Returns:
            What was proved, in words.

        Raises:
            NotProved: see there; with the policy `advised` only where rows differ.
        """
        running = self._running
        if running is None:
            return self._without("nothing has been compared yet")
        outcome = running.prove(deadline)
        if outcome.verdict is Verdict.DIFFERENT:
            raise NotProved(
                f"{self._names()} do not hold the same rows: {_first(outcome.differences, outcome.found)}. The writes "
                "stay where they are; `cutover verify` lists and exports what differs."
            )
        if outcome.verdict is Verdict.IDENTICAL:
            return _proved(outcome)
        unproved = _unproved(outcome.doubts)
        left = [doubt for doubt in unproved if doubt not in self._accepted]
        if left or not unproved:
            return self._without(shown_doubt(left[0]) if left else "no reason was given")
        return f"NOT proved, as accepted: {_some(unproved)}; no difference was found{_took(outcome)}"

    def condition(self) -> Condition:
        """What a gate before a switch shows. What it names stands among the checks by then, where it is accepted."""
        unknown = self._m.spec.proof is Proof.ADVISED
        progress = self._look()
        if progress is None:
            return Condition(unknown, "the rows of both servers are not compared yet")
        if progress.confirmed:
            return Condition(False, f"rows differ: {_first(progress.confirmed, len(progress.confirmed))}")
        left = _unproved(progress.doubts)
        if progress.state is State.ENDED:
            return Condition(unknown, f"comparing the rows begins again: {_some(left)}")
        if not progress.settled:
            return Condition(unknown, how_far(progress))
        if not left:
            return Condition(True, _following(progress))
        if self._is_accepted():
            return Condition(True, f"{_following(progress)}; not proved, as accepted: {_some(left)}")
        return Condition(unknown, f"rows not proved: {_some(left)}")

    def _without(self, why: str) -> str:
        """What becomes of a switch without a proof.

        Raises:
            NotProved: it must not be.
        """
        progress = self.progress()
        at = progress.proved_at if progress is not None else None
        last = f"the last proof is {time.time() - at:.0f} s old" if at is not None else "there was no proof before"
        if self._m.spec.proof is Proof.REQUIRED:
            raise NotProved(
                f"The rows of {self._names()} could not be proved equal ({why}; {last}). The writes stay where they "
                "are; try again, or accept it among the checks."
            )
        return f"NOT proved: {why}; {last}"

    def _names(self) -> str:
        return f"{self._m.source.name} and {self._m.target.name}"

    def _is_accepted(self) -> bool:
        """Whether the operator goes on with what cannot be proved."""
        return CHECK in self._m.story().waived()

    def _run(self) -> None:
        while self._wanted.wait() and not self._stop.is_set():
            try:
                self._compare()
            except WrongServer as error:
                self._again(str(error), self._level)
            except (ServerError, JournalError) as error:
                self._again(str(error))
            except Exception as error:  # noqa: BLE001 - the boundary of the thread: it is said, and comparing goes on
                self._again(f"this program failed: {type(error).__name__}: {error}")
            self._drop()

    def _level(self) -> str:
        """That another server answers is expected while a provider exchanges addresses, until the runner connects anew.

        Raises:
            JournalError: the journal cannot be read.
        """
        story = self._m.story()
        switching = any(one.result == "running" and one.past_no_return for one in story.attempts[-1:])
        return "info" if switching or story.spec != self._m.spec else "error"

    def _again(self, why: str, level: Callable[[], str] = lambda: "error") -> None:
        """Say why a comparison ended, once, and rest before the next."""
        if why != self._said:
            self._said = why
            # A full disk stops the runner's own records, which say so.
            with contextlib.suppress(JournalError):
                self._m.scribe.note(f"comparing the rows ended and begins again: {why}", level())
        self._stop.wait(_AGAIN_S)

    def _compare(self) -> None:
        """One verification, until it ends or the direction changes."""
        with self._lock:
            forward = self._forward
        m = self._m
        old, new = (m.source, m.target) if forward else (m.target, m.source)
        request = Request(m.databases())
        state = self._directory / f"rows-{forward:d}"
        running = Verification(old.endpoint, new.endpoint, request, state=state, lag_s=self._lag_s)
        with contextlib.ExitStack() as undo:
            undo.callback(running.close)
            running.start()
            with self._lock:
                if self._stop.is_set() or forward != self._forward or not self._wanted.is_set():
                    return
                self._running = running
            undo.pop_all()
        while not self._stop.wait(_TELL_S) and self._running is running:
            progress = self._look()
            if progress is None:
                return
            m.scribe.progress(
                "compare", done=progress.bytes_read, total=progress.bytes_all, unit="bytes", note=how_far(progress)
            )
            if running.failure is not None:
                raise running.failure

    def _drop(self) -> None:
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.close()

    def _look(self) -> Progress | None:
        """How far the comparison is; what that says of the rows is in the journal when this returns."""
        with self._telling:
            progress = self.progress()
            if progress is None:
                return None
            finding = finding_of(progress)
            if finding != self._told:
                self._m.scribe.finding(finding)
                self._told = finding
            return progress


def finding_of(progress: Progress) -> Finding:
    """What is known of the rows, as a finding: it stands among the checks, and can be accepted as they can."""
    why = "Rows that differ before the cutover are lost or wrong after it."
    asks = "every row of both servers, and both binary logs"
    unproved = _unproved(progress.doubts)
    if progress.confirmed:
        result = Result(
            Found.FAILED,
            _rows_differ(len(progress.confirmed)),
            (("table", "key", "how", "columns"), *(_row(one) for one in progress.confirmed[:_MOST_ROWS])),
            "Find out what wrote on the target, or what replication left out. `cutover verify` lists the rows and "
            "exports what would make the target's like the source's.",
        )
    elif unproved:
        rows = [(shown_table(doubt.table), doubt.reason) for doubt in unproved]
        result = Result(
            Found.UNKNOWN,
            f"{len(rows):,} cannot be proved",
            (("table", "why"), *rows[:_MOST_ROWS]),
            "Do what the reason says, or accept that these are moved without a proof.",
        )
    elif progress.settled:
        result = Result(Found.PASSED, f"no row of {progress.tables:,} tables differs")
    else:
        result = Result(Found.UNKNOWN, "not all compared yet")
    return Finding(CHECK, "both servers hold the same rows", Side.BOTH, Severity.BLOCKER, why, asks, result)


def how_far(progress: Progress) -> str:
    """How far the comparison is, in words."""
    words = [f"{progress.tables_read:,} of {progress.tables:,} tables compared"]
    if progress.held:
        words.append(f"held back: {progress.held}")
    if progress.dirty:
        words.append(f"{progress.dirty:,} rows changed since")
    if progress.redo:
        words.append(f"{progress.redo:,} tables to read again")
    if progress.differing:
        words.append(f"{progress.differing:,} rows not explained yet")
    if progress.confirmed:
        words.append(_rows_differ(len(progress.confirmed)).upper())
    return " · ".join(words)


def _rows_differ(number: int) -> str:
    more = " or more" if number >= LISTED else ""
    return f"{number:,}{more} {'row differs' if number == 1 else 'rows differ'}"


def _row(one: Difference) -> tuple[str, ...]:
    return shown_table(one.table), shown_key(one), one.kind.value, ", ".join(one.columns)


def _first(differences: tuple[Difference, ...], found: int) -> str:
    if not differences:
        return f"{found:,} rows"
    table, key, kind, _ = _row(differences[0])
    return f"{table} {key} {kind}" + _and_more(found - 1)


def _some(doubts: tuple[Doubt, ...]) -> str:
    return shown_doubt(doubts[0]) + _and_more(len(doubts) - 1) if doubts else "the reason is not known"


def _and_more(number: int) -> str:
    return f", and {number:,} more" if number else ""


def _unproved(doubts: Iterable[Doubt]) -> tuple[Doubt, ...]:
    return tuple(doubt for doubt in doubts if doubt.unproved)


def _proved(outcome: Outcome) -> str:
    weaker = [doubt.reason for doubt in outcome.doubts]
    if outcome.miss:
        weaker.append(f"a difference was missed with a probability of {outcome.miss:.0e}")
    return f"content proved equal at the cutover{_took(outcome)}" + (f"; but {weaker[0]}" if weaker else "")


def _took(outcome: Outcome) -> str:
    return f" in {outcome.seconds * 1000:.1f} ms, {outcome.reread:,} rows read again"


def _following(progress: Progress) -> str:
    if progress.proved_at is None:
        return how_far(progress)
    age = max(0.0, time.time() - progress.proved_at)
    waiting = f"; {progress.dirty:,} changed since" if progress.dirty else ""
    return f"the rows of {progress.tables:,} tables are equal, {age:.0f} s ago{waiting}"
