"""What a gate and the checks are told of the rows while a migration runs, on two real servers."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from migration import prover as module
from migration.check import Verdict
from migration.decisions import Choice, Decision, decide
from migration.journal import Journal, Kind
from migration.model import Proof
from migration.prover import CHECK, Prover, at_most_behind, finding_of, how_far
from migration.records import Scribe
from migration.runbook import Migration, NotProved
from migration.verify.fence_proof import LISTED
from migration.verify.model import Difference, Doubt, Progress, State
from migration.verify.model import Kind as Way
from migration.view import Condition, LagSample
from tests.migration.checks.lab import SHOP, make_lab
from tests.migration.verify.following import following, unlogged
from tests.support.moving import QuietDesk
from tests.support.pairs import Two
from tests.support.waiting import until

CHANGED = Difference(("shop", "orders"), Way.CHANGED, (("id", "2"),), ("note",))
FOLLOWED = Progress(State.FOLLOWING, tables=3, tables_read=3, rows=9, proved_at=1.0)
WEAKER = Doubt(None, "weak", unproved=False)


@pytest.fixture(scope="module")
def pair(engine_names: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with following("mariadb-10.11", tmp_path_factory.mktemp("pair")) as pair:
        for statement in SHOP:
            pair.source.change(statement)
        pair.caught_up()
        yield pair


@pytest.fixture
def m(pair: Two, tmp_path: Path) -> Iterator[Migration]:
    made = make_lab(pair).pair
    spec = replace(made.spec, proof=Proof.REQUIRED)
    with contextlib.closing(Journal.create(tmp_path / "journal.db")) as journal:
        journal.append(Kind.CREATED, spec.id, spec.to_json())
        yield Migration(
            spec, made.secrets, pair.source, pair.target, made.positioning, Scribe(journal), QuietDesk()
        )  # fmt: skip


@contextlib.contextmanager
def comparing(m: Migration) -> Iterator[Prover]:
    prover = Prover(m, m.scribe.journal.path.parent)
    prover.want()
    prover.start()
    try:
        yield prover
    finally:
        prover.stop()


@contextlib.contextmanager
def harmed(pair: Two, harm: str, undo: str) -> Iterator[None]:
    with unlogged(pair.target) as session:
        session.run(harm)
        try:
            yield
        finally:
            session.run(undo)


def shown(prover: Prover, words: str) -> Condition:
    """The gate's condition, once it has these words."""

    def ask() -> Condition | None:
        condition = prover.condition()
        return condition if words in condition.text else None

    return until(ask, words, 30)


def test_what_the_gate_names_stands_among_the_checks_by_then(pair: Two, m: Migration) -> None:
    with (
        harmed(
            pair,
            "UPDATE shop.orders SET note = 'x' WHERE id = 2",
            "UPDATE shop.orders SET note = 'two' WHERE id = 2",
        ),
        comparing(m) as prover,
    ):
        condition = shown(prover, "rows differ")
        (finding,) = m.story().findings()
        assert condition == Condition(False, "rows differ: shop.orders id = 2 changed")
        assert (finding.word, finding.result.evidence[1]) == ("FAIL", ("shop.orders", "id = 2", "changed", "note"))
        with pytest.raises(NotProved, match=r"shop\.orders id = 2 changed"):
            prover.prove(time.monotonic() + 10)


def test_what_cannot_be_proved_is_accepted_and_never_called_equal(pair: Two, m: Migration) -> None:
    why = "shop.orders: only the target has a column more"
    with (
        harmed(pair, "ALTER TABLE shop.orders ADD more INT", "ALTER TABLE shop.orders DROP more"),
        comparing(m) as prover,
    ):
        assert shown(prover, "rows not proved") == Condition(False, f"rows not proved: {why}")
        prover.prepare()
        with pytest.raises(NotProved, match=why):
            prover.prove(time.monotonic() + 10)
        decide(m.scribe.journal.path, Decision(Choice.WAIVE, CHECK, reason="a test"))
        condition = prover.condition()
        assert (condition.ok, condition.text.partition("; ")[2]) == (True, f"not proved, as accepted: {why}")
        prover.prepare()
        words = prover.prove(time.monotonic() + 10)
        assert words.startswith(f"NOT proved, as accepted: {why}; no difference was found in ")


def test_equal_rows_are_proved(m: Migration) -> None:
    with comparing(m) as prover:
        assert shown(prover, "are equal").ok
        prover.prepare()
        assert prover.prove(time.monotonic() + 10).startswith("content proved equal at the cutover in ")


def test_why_nothing_can_be_compared_is_said_once_and_it_goes_on(m: Migration, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_AGAIN_S", 0.05)
    file = m.scribe.journal.path.with_name("rows-1")
    file.write_text("no progress\n")
    with comparing(m) as prover:
        assert not shown(prover, "not compared yet").ok
        (line,) = until(lambda: [line for line in m.story().view(True).log if line.level == "error"], "it is said")
        assert str(file) in line.text
        file.unlink()
        assert shown(prover, "are equal").ok
    assert sum(line.level == "error" for line in m.story().view(True).log) == 1


@pytest.mark.parametrize(
    ("progress", "verdict", "found"),
    [
        (FOLLOWED, Verdict.PASSED, "no row of 3 tables differs"),
        (replace(FOLLOWED, state=State.READING), Verdict.UNKNOWN, "not all compared yet"),
        (replace(FOLLOWED, proved_at=None), Verdict.UNKNOWN, "not all compared yet"),
        (
            replace(FOLLOWED, doubts=(WEAKER,)),
            Verdict.PASSED,
            "no row of 3 tables differs",
        ),
        (replace(FOLLOWED, doubts=(Doubt(None, "no log"),)), Verdict.UNKNOWN, "1 cannot be proved"),
        (replace(FOLLOWED, confirmed=(CHANGED,), doubts=(Doubt(None, "no"),)), Verdict.FAILED, "1 row differs"),
        (replace(FOLLOWED, confirmed=(CHANGED,) * LISTED), Verdict.FAILED, "1,000 or more rows differ"),
    ],
)
def test_the_finding(progress: Progress, verdict: Verdict, found: str) -> None:
    result = finding_of(progress).result
    assert (result.verdict, result.found) == (verdict, found)


def test_how_far_it_is() -> None:
    assert how_far(FOLLOWED) == "3 of 3 tables compared"
    progress = replace(FOLLOWED, tables_read=1, dirty=1200, redo=2, differing=4, confirmed=(CHANGED,), held="lag")
    assert how_far(progress) == (
        "1 of 3 tables compared · held back: lag · 1,200 rows changed since · 2 tables to read again · "
        "4 rows not explained yet · 1 ROW DIFFERS"
    )


@dataclass
class Watching(QuietDesk):
    """An operator's side that has a reading of the lag."""

    sample: LagSample | None = None

    def lag(self) -> LagSample | None:
        return self.sample


def test_a_providers_reading_of_the_lag_grows_with_its_age_and_is_no_bound_where_it_is_none() -> None:
    def seen(age_s: float, lag_s: float | None, *, at_least: bool = False) -> float | None:
        at = time.time() - age_s
        return at_most_behind(Watching(sample=LagSample(at, lag_s, at_least, "", "", None, None, "", None, None)))

    fresh, old = seen(0.0, 2.0), seen(7.0, 2.0)
    assert fresh is not None
    assert old is not None
    # It tells whole seconds.
    assert 3.0 <= fresh < old
    assert old >= 10.0
    assert seen(0.0, None) is None
    assert seen(0.0, 2.0, at_least=True) is None
    assert at_most_behind(Watching()) is None
