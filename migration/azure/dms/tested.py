"""The end of a test migration: what it took, what becomes of the copy, and that nothing else was changed."""

from __future__ import annotations

from collections.abc import Mapping

from migration.azure.dms import arrived, copy
from migration.azure.dms.account import of
from migration.azure.dms.way import testing
from migration.decisions import Choice
from migration.fences.choose import holds_accounts, let_in
from migration.journal import Kind
from migration.runbook import Estimate, Gate, Migration, Observation, done, not_done
from migration.view import Guide, Option

STEP = "scratch"
COPY = "scratch_copy"
DROP, KEEP = "drop it", "keep it"


def kept(chosen: Mapping[str, str]) -> bool:
    """Whether a test was chosen whose copy stays, by what was chosen at the gates."""
    return chosen.get(COPY) == KEEP


def took_s(m: Migration) -> float | None:
    """How long the copy took, in seconds; None where a runner began it that has died since."""
    began: float | None = None
    for record in m.scribe.journal.records():
        if record.subject != copy.STEP:
            continue
        if record.kind is Kind.INTENT:
            began = record.at
        elif record.kind is Kind.OUTCOME and record.body["outcome"] == "done" and began is not None:
            return record.at - began
    return None


def _found(m: Migration) -> str:
    seconds = took_s(m)
    took = "The copy is done" if seconds is None else f"The copy took {seconds:.0f} s"
    return f"{took}; an offline migration keeps writes off for as long, and for the comparison. {arrived.in_words(m)}."


CHOOSE_COPY = Gate(
    id=COPY,
    title="the scratch copy",
    why="The next test, and the migration itself, begin on a target without these databases.",
    question=lambda m: f"What becomes of the copy on {of(m).target.name}?",
    consequence=_found,
    word=lambda m: "",
    choices=(Choice.CONFIRM, Choice.CANCEL),
    options=lambda m: (
        Option(DROP, "the databases that were copied are dropped from the scratch target"),
        Option(KEEP, "they stay, so that applications can be tried on them"),
    ),
    when=testing,
    guide=Guide(
        "What is dropped is copied again by the next test. The source is not touched by either choice.",
        "Keeping the copy and beginning the migration on the same target: its databases are in the way.",
    ),
)
END = Gate(
    id="test_end",
    title="end of the test",
    why="A test changes nothing for the applications; repeat it as often as you like.",
    question=lambda m: "End the test?",
    consequence=lambda m: f"{m.source.name} has the writes as before. Test again, or migrate, by beginning anew.",
    word=lambda m: "",
    choices=(Choice.CONFIRM, Choice.CANCEL),
    when=testing,
    ends=lambda m: f"a test: {m.spec.source.name} has the writes as before" if testing(m) else "",
    guide=Guide(
        "Ending a test changes nothing: the source has the writes as before.",
        "Taking a test that went well for a migration: nothing of what is written from now on is on the scratch "
        "target.",
    ),
)


def statements(m: Migration) -> tuple[str, ...]:
    """What will run."""
    if not testing(m):
        return ("nothing: it is no test",)
    into = of(m).target.name
    return (
        f"only if that is chosen: DROP DATABASE on {into} for each that was copied",
        f"{into}: the clients' accounts are unlocked",
    )


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(5.0, "a statement for each database and account")


def probe(m: Migration) -> Observation:
    """Whether the copy is gone, or to stay, and clients are let in."""
    if not testing(m):
        return done("it is no test")
    if holds_accounts(m, m.target):
        return not_done(f"clients cannot log in to {m.target.name}")
    if m.chosen(COPY) == KEEP:
        return done(f"the copy stays on {m.target.name}, as was chosen")
    left = copy.copied(m)
    return not_done(f"copied to {m.target.name}: {', '.join(left)}") if left else done("nothing is left of the copy")


def apply(m: Migration) -> None:
    """Drop it, unless it is to stay, and let clients in.

    Raises:
        ServerError: the target refuses.
    """
    if m.chosen(COPY) != KEEP:
        copy.clear(m)
    let_in(m, m.target)
