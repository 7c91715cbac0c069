"""Verification while writers do their worst: what was planted is found, and nothing else is."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence

import pytest

from migration.verify.model import Difference, Kind, Outcome, Progress, Request, State, Verdict
from migration.verify.verification import Verification
from providers.mysql import replication
from tests.migration.verify.following import PAIRS, amiss, following, loose, unlogged
from tests.migration.verify.writers import DATABASE, SCHEMA, Writers
from tests.support.pairs import Two
from tests.support.waiting import until

pytestmark = pytest.mark.long

_ROUNDS = 100
_LONG_S = 180.0
_BUDGET_S = 60.0
_PROOF_S = 20.0
_DELAY_S = 2

PLANTED: tuple[tuple[str, Difference], ...] = tuple(
    (sql.replace("{d}", DATABASE), Difference((DATABASE, table), kind, key, columns))
    for sql, table, kind, key, columns in (
        ("UPDATE {d}.still SET v = 'other' WHERE id = 7", "still", Kind.CHANGED, (("id", "7"),), ("v",)),
        ("DELETE FROM {d}.still WHERE id = 1999", "still", Kind.MISSING, (("id", "1999"),), ()),
        ("INSERT INTO {d}.still VALUES (70000, 'x')", "still", Kind.EXTRA, (("id", "70000"),), ()),
        (
            "UPDATE {d}.accounts SET balance = 7 WHERE id = 3000",
            "accounts",
            Kind.CHANGED,
            (("id", "3000"),),
            ("balance",),
        ),
        ("DELETE FROM {d}.accounts WHERE id = 19000", "accounts", Kind.MISSING, (("id", "19000"),), ()),
        ("UPDATE {d}.moved SET id = 3000 WHERE id = 2000", "moved", Kind.MISSING, (("id", "2000"),), ()),
        ("", "moved", Kind.EXTRA, (("id", "3000"),), ()),
        ("UPDATE {d}.pairs SET v = 7 WHERE a = 1000", "pairs", Kind.CHANGED, (("a", "1000"), ("b", "b1000")), ("v",)),
        ("DELETE FROM {d}.words WHERE k = 'word1000'", "words", Kind.MISSING, (("k", "word1000"),), ()),
        ("UPDATE {d}.children SET v = 7 WHERE id = 1000", "children", Kind.CHANGED, (("id", "1000"),), ("v",)),
        ("DELETE FROM {d}.grandchildren WHERE id = 2000", "grandchildren", Kind.MISSING, (("id", "2000"),), ()),
        ("UPDATE {d}.altered SET v = -7 WHERE id = 1000", "altered", Kind.CHANGED, (("id", "1000"),), ("v",)),
        ("INSERT INTO {d}.keyless VALUES (777, 'planted')", "keyless", Kind.EXTRA, (), ()),
    )
)
# Tables that are changed as a whole, or that no key helps with, all the time: only a fence tells.
RESTLESS = frozenset({(DATABASE, "altered"), (DATABASE, "keyless")})


@pytest.fixture(scope="module", params=list(PAIRS))
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with following(request.param, tmp_path_factory.mktemp("pair")) as made:
        yield made


@pytest.fixture
def hostile(pair: Two) -> Iterator[Two]:
    """The pair with the writers' tables, which are gone afterwards."""
    with loose(pair.source) as session:
        for statement in SCHEMA:
            session.run(statement)
    pair.caught_up(60)
    yield pair
    pair.source.change(f"DROP DATABASE {DATABASE}")
    pair.caught_up(60)


@contextlib.contextmanager
def verifying(pair: Two) -> Iterator[Verification]:
    request = Request((DATABASE,))
    verification = Verification(pair.source.endpoint, pair.target.endpoint, request)
    with contextlib.closing(verification):
        verification.start()
        yield verification


def _of_others(differences: Sequence[Difference]) -> list[Difference]:
    return [one for one in differences if one.table not in RESTLESS]


def read_once(progress: Progress) -> bool:
    """Whether every row was read at least once, or nothing more will be."""
    return progress.state in (State.FOLLOWING, State.ENDED)


def plant(pair: Two) -> list[Difference]:
    with unlogged(pair.target) as session:
        for sql, _ in PLANTED:
            if sql:
                session.run(sql)
    return [difference for _, difference in PLANTED]


def prove(verification: Verification, pair: Two, writers: Writers) -> Outcome:
    """Stop the writers, let the target catch up, and prove: what a cutover does behind its fence."""
    verification.prepare_proof()
    writers.stop()
    pair.caught_up(_LONG_S)
    return verification.prove(time.monotonic() + _PROOF_S)


def judge(outcome: Outcome, expected: Sequence[Difference]) -> None:
    assert amiss(outcome.differences, expected) == []
    assert [doubt for doubt in outcome.doubts if doubt.unproved] == []
    assert outcome.verdict is (Verdict.DIFFERENT if expected else Verdict.IDENTICAL)


def test_hostile_writers_make_no_difference(hostile: Two) -> None:
    with Writers(hostile.source, hostile.target, seed=1) as writers, verifying(hostile) as verification:
        assert verification.wait(read_once, _LONG_S).state is State.FOLLOWING
        until(lambda: writers.busy(_ROUNDS), "every writer wrote", _LONG_S)
        assert verification.progress().confirmed == ()

        judge(prove(verification, hostile, writers), [])


def test_what_was_planted_among_hostile_writers_is_confirmed_and_proved(hostile: Two) -> None:
    planted = plant(hostile)
    with Writers(hostile.source, hostile.target, seed=2) as writers, verifying(hostile) as verification:
        sure = [one for one in planted if one.table not in RESTLESS]
        progress = verification.wait(lambda seen: len(_of_others(seen.confirmed)) >= len(sure), _LONG_S)
        assert amiss(_of_others(progress.confirmed), sure) == []
        until(lambda: writers.busy(_ROUNDS), "every writer wrote", _LONG_S)

        judge(prove(verification, hostile, writers), planted)


def test_a_delayed_replica_makes_no_difference_and_hides_none(hostile: Two) -> None:
    planted = plant(hostile)
    with (
        delayed(hostile),
        Writers(hostile.source, hostile.target, seed=3) as writers,
        verifying(hostile) as verification,
    ):
        assert verification.wait(read_once, _LONG_S).state is State.FOLLOWING
        until(lambda: writers.busy(_ROUNDS), "every writer wrote", _LONG_S)
        seen = verification.progress().confirmed
        assert [line for line in amiss(seen, planted) if line.startswith("NOT THERE")] == []

        judge(prove(verification, hostile, writers), planted)


def test_a_write_on_the_target_alone_is_found_after_its_row_was_compared(hostile: Two) -> None:
    with Writers(hostile.source, hostile.target, seed=4) as writers, verifying(hostile) as verification:
        assert verification.wait(read_once, _LONG_S).state is State.FOLLOWING
        with contextlib.closing(hostile.target.connect()) as session:
            if hostile.target.version.mariadb:
                # In the source's own domain it would stop replication.
                session.run("SET SESSION gtid_domain_id = 7")
            session.run(f"UPDATE {DATABASE}.still SET v = 'errant' WHERE id = 5")
            session.run(f"DELETE FROM {DATABASE}.accounts WHERE id = 4000")
        errant = [
            Difference((DATABASE, "still"), Kind.CHANGED, (("id", "5"),), ("v",)),
            Difference((DATABASE, "accounts"), Kind.MISSING, (("id", "4000"),)),
        ]
        until(lambda: writers.busy(_ROUNDS), "every writer wrote", _LONG_S)

        judge(prove(verification, hostile, writers), errant)


def test_what_the_server_itself_makes_differ_is_found(hostile: Two) -> None:
    # MySQL 9.7 keeps the children of a parent that REPLACE puts in another's place, and its replica deletes them.
    if not hostile.source.version.mysql_from(9):
        pytest.skip("both sides of the other engines agree on what REPLACE does to children")
    with verifying(hostile) as verification:
        assert verification.wait(read_once, _LONG_S).state is State.FOLLOWING
        hostile.source.change(f"REPLACE INTO {DATABASE}.parents VALUES (9, 1)")
        hostile.caught_up(_LONG_S)
        outcome = verification.prove(time.monotonic() + _PROOF_S)

    judge(
        outcome,
        [
            Difference((DATABASE, "children"), Kind.MISSING, (("id", "9"),)),
            Difference((DATABASE, "grandchildren"), Kind.CHANGED, (("id", "9"),), ("child",)),
        ],
    )


@pytest.mark.parametrize("harmed", [False, True], ids=["sound", "harmed"])
def test_a_verification_without_a_fence_ends_while_writers_go_on(hostile: Two, harmed: bool) -> None:
    planted = plant(hostile) if harmed else []
    with Writers(hostile.source, hostile.target, seed=5) as writers, verifying(hostile) as verification:
        outcome = verification.finish(_BUDGET_S)
        assert writers.errors == []

    # Tables that change faster than they can be read again as a whole cannot be proved without a fence.
    unproved = {doubt.table for doubt in outcome.doubts if doubt.unproved}
    assert None not in unproved
    assert [line for line in amiss(outcome.differences, planted) if line.startswith("NOT THERE")] == []
    proved = [one for one in outcome.differences if one.table not in unproved]
    assert amiss(proved, [one for one in planted if one.table not in unproved]) == []
    assert outcome.verdict in ((Verdict.DIFFERENT,) if harmed else (Verdict.IDENTICAL, Verdict.UNPROVED))


@contextlib.contextmanager
def delayed(pair: Two) -> Iterator[None]:
    """The target stays behind on purpose."""
    _delay(pair, _DELAY_S)
    try:
        yield
    finally:
        _delay(pair, 0)


def _delay(pair: Two, seconds: int) -> None:
    dialect = pair.target.dialect
    pair.target.change(dialect.stop_replica)
    pair.target.change(f"{dialect.change_source} {dialect.source_word}_DELAY = {seconds}")
    pair.target.change(dialect.start_replica)
    replication.wait_running(pair.target, 10)
