"""Comparing every row of both sides once more, before they part: what both sides changed at once stops nothing."""

from __future__ import annotations

import contextlib
import time

from migration.journal import Kind
from migration.model import Direction, Proof
from migration.prover import CHECK, finding_of, how_far
from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from migration.steps import compare
from migration.verify.model import Progress, Request
from migration.verify.verification import Verification

STEP = "equal"
_LOOK_S = 0.2
_ROWS = "rows-{:d}"


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    return compare.statements(m)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return compare.estimate(m)


def probe(m: Migration) -> Observation:
    """Whether they were found equal since this step began."""
    if m.spec.proof is Proof.OFF:
        return done("rows are not compared")
    found = None
    for record in reversed(m.scribe.journal.records()):
        if record.kind is Kind.INTENT and record.subject == STEP:
            break
        if record.kind is Kind.FINDING and record.subject == CHECK:
            found = found or record.body["result"]
    else:
        # What was found before this step is no answer to it.
        found = None
    if found is None:
        return not_done(f"{m.source.name} and {m.target.name} are still to be compared before they part")
    return done(found["found"]) if found["verdict"] == "passed" else not_done(found["found"])


def apply(m: Migration) -> None:
    """Compare, and say what differs.

    Raises:
        StepFailed: rows differ, or cannot be compared.
        ServerError: a server cannot be asked.
        Halted: the operator stopped waiting.
    """
    switched = [attempt for attempt in m.story().attempts if attempt.result == "switched"]
    back = bool(switched) and switched[-1].direction is Direction.CUTOVER
    old, new = (m.target, m.source) if back else (m.source, m.target)
    place = m.scribe.journal.path.parent / _ROWS.format(not back)
    with contextlib.closing(Verification(old.endpoint, new.endpoint, Request(m.databases()), state=place)) as comparing:
        comparing.start()
        progress = _settled(m, comparing)
    finding = finding_of(progress)
    m.scribe.finding(finding)
    if finding.result.verdict != "passed":
        raise StepFailed(
            f"{m.source.name} and {m.target.name} do not hold the same rows: {finding.result.found}. Both go on "
            "following each other: decide which side's row is right and write it again there (`cutover verify` lists "
            "and exports what differs), then try again."
        )


def _settled(m: Migration, comparing: Verification) -> Progress:
    while True:
        progress = comparing.progress()
        if comparing.failure is not None:
            failure = comparing.failure
            raise StepFailed(f"The rows cannot be compared: {failure}") from failure
        unproved = progress.settled and any(doubt.unproved for doubt in progress.doubts)
        # Settled alone may be as of before a row that is still looked at again.
        if progress.confirmed or unproved or (comparing.caught_up() and not progress.differing):
            return progress
        m.scribe.progress(
            STEP, done=progress.bytes_read, total=progress.bytes_all, unit="bytes", note=how_far(progress)
        )
        if m.desk.halted():
            raise Halted
        time.sleep(_LOOK_S)
