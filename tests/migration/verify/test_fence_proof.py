"""The proof behind a fence: what was touched last is read once more, whatever it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from migration.verify.model import Difference, Kind, Verdict
from providers.mysql.endpoint import Account, Secret
from providers.mysql.gtid import GtidSet
from tests.migration.verify.following import following, told, unlogged
from tests.migration.verify.proving import BASE, clean, errant, prove, read_once, shop, verifying
from tests.support.pairs import Two
from tests.support.waiting import until


@pytest.fixture(scope="module", params=["mariadb-10.11", "mysql-9.7", "mysql-5.6"])
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with following(request.param, tmp_path_factory.mktemp("pair")) as made:
        yield made


@pytest.fixture
def pair(servers: Two) -> Iterator[Two]:
    with shop(servers):
        yield servers


def changed(table: str, number: int) -> Difference:
    return Difference((BASE, table), Kind.CHANGED, (("id", str(number)),), ("v",))


def test_what_changed_until_the_fence_is_read_once_more(pair: Two) -> None:
    with verifying(pair) as verification:
        clean(verification)
        verification.prepare_proof()
        for number in range(1, 40):
            pair.source.change(
                f"UPDATE {BASE}.orders SET v = v + 1 WHERE id BETWEEN {number * 100} AND {number * 100 + 9}"
            )
        pair.source.change(f"UPDATE {BASE}.words SET n = n + 1000 WHERE n < 20")
        pair.source.change(f"DELETE FROM {BASE}.parents WHERE id < 10")
        pair.source.change(f"INSERT INTO {BASE}.loose VALUES (7)")
        outcome = prove(verification, pair)
    assert (outcome.verdict, outcome.found, outcome.doubts) == (Verdict.IDENTICAL, 0, ())
    assert outcome.tables == 5
    assert outcome.miss == 0.0


def test_of_rows_that_are_too_many_to_be_remembered_the_ranges_are_read_once_more(pair: Two) -> None:
    with verifying(pair) as verification:
        clean(verification)
        assert verification._work is not None
        dirty, gate = verification._work.dirty, threading.Event()
        # Nothing is read again by then.
        verification._work.upkeep.held.set()
        verification._work.rechecker.submit(lambda _: bool(gate.wait(30)) or None)
        dirty._most = 100
        pair.source.change(f"UPDATE {BASE}.orders SET v = 2 WHERE id BETWEEN 3000 AND 3999")
        pair.source.change(f"UPDATE {BASE}.words SET v = 2 WHERE n < 400")
        pair.caught_up()
        until(lambda: dirty.redo_tables() == {(BASE, "orders"), (BASE, "words")}, "both are to be read again")
        # No log says so: they are found where they are read.
        with unlogged(pair.target) as session:
            session.run(f"UPDATE {BASE}.orders SET v = 99 WHERE id IN (5, 3500)")
            session.run(f"UPDATE {BASE}.words SET v = 99 WHERE n = 450")
            session.run(f"INSERT INTO {BASE}.words VALUES ('other', 450, 0)")
        gate.set()
        outcome = prove(verification, pair)
        word = Difference((BASE, "words"), Kind.CHANGED, (("w", "w450"), ("n", "450")), ("v",))
        assert told(outcome.differences) == told([changed("orders", 3500), word])
        assert outcome.redone == 2


def test_a_difference_is_refused_until_it_is_gone(pair: Two) -> None:
    with unlogged(pair.target) as session:
        session.run(f"UPDATE {BASE}.orders SET v = 99 WHERE id = 5")
    with verifying(pair) as verification:
        read_once(verification)
        for _ in range(2):
            outcome = prove(verification, pair)
            assert (outcome.verdict, outcome.differences) == (Verdict.DIFFERENT, (changed("orders", 5),))
        with unlogged(pair.target) as session:
            session.run(f"UPDATE {BASE}.orders SET v = 1 WHERE id = 5")
        outcome = prove(verification, pair)
        assert (outcome.verdict, outcome.doubts) == (Verdict.IDENTICAL, ())


def test_writes_on_the_target_alone_are_found_by_its_own_log(pair: Two) -> None:
    with verifying(pair) as verification:
        clean(verification)
        verification.prepare_proof()
        pair.caught_up()
        with errant(pair) as session:
            session.run(f"UPDATE {BASE}.orders SET v = 99 WHERE id = 4000")
            session.run(f"DELETE FROM {BASE}.words WHERE n = 3")
            session.run(f"INSERT INTO {BASE}.loose VALUES (2)")
            session.run(f"CREATE TABLE {BASE}.alone (id INT PRIMARY KEY)")
        outcome = verification.prove(time.monotonic() + 20)
        assert told(outcome.differences) == told(
            [
                changed("orders", 4000),
                Difference((BASE, "words"), Kind.MISSING, (("w", "w3"), ("n", "3"))),
                Difference((BASE, "loose"), Kind.EXTRA, ()),
                Difference((BASE, "alone"), Kind.EXTRA, (), rows=0),
            ]
        )
        assert (outcome.verdict, outcome.doubts) == (Verdict.DIFFERENT, ())
        with errant(pair) as session:
            session.run(f"UPDATE {BASE}.orders SET v = 1 WHERE id = 4000")
            session.run(f"INSERT INTO {BASE}.words VALUES ('w3', 3, 0)")
            session.run(f"DELETE FROM {BASE}.loose WHERE v = 2 LIMIT 1")
            session.run(f"DROP TABLE {BASE}.alone")
        outcome = verification.prove(time.monotonic() + 20)
        assert (outcome.verdict, outcome.differences, outcome.doubts) == (Verdict.IDENTICAL, (), ())


def test_tables_that_came_went_and_changed_until_the_fence_are_read(pair: Two) -> None:
    with verifying(pair) as verification:
        clean(verification)
        verification.prepare_proof()
        for statement in (
            f"CREATE TABLE {BASE}.fresh (id INT PRIMARY KEY, v INT)",
            f"INSERT INTO {BASE}.fresh VALUES (1, 1), (2, 2)",
            f"ALTER TABLE {BASE}.orders ADD COLUMN extra INT DEFAULT 5 FIRST",
            f"UPDATE {BASE}.orders SET extra = 6 WHERE id < 50",
            f"RENAME TABLE {BASE}.loose TO {BASE}.tight",
            f"TRUNCATE TABLE {BASE}.words",
            f"DROP TABLE {BASE}.children",
        ):
            pair.source.change(statement)
        pair.caught_up()
        # Logged there: some of these tables may have been read again by now.
        with errant(pair) as session:
            session.run(f"UPDATE {BASE}.fresh SET v = 7 WHERE id = 2")
            session.run(f"UPDATE {BASE}.orders SET extra = 7 WHERE id = 70")
            session.run(f"INSERT INTO {BASE}.words VALUES ('left', 1, 1)")
            session.run(f"DELETE FROM {BASE}.tight LIMIT 1")
        outcome = prove(verification, pair)
    assert [doubt for doubt in outcome.doubts if doubt.unproved] == []
    assert told(outcome.differences) == told(
        [
            changed("fresh", 2),
            Difference((BASE, "orders"), Kind.CHANGED, (("id", "70"),), ("extra",)),
            Difference((BASE, "words"), Kind.EXTRA, (("w", "left"), ("n", "1"))),
            Difference((BASE, "tight"), Kind.MISSING, ()),
        ]
    )


def test_children_that_a_cascade_changed_are_read_again(pair: Two) -> None:
    with verifying(pair) as verification:
        clean(verification)
        with unlogged(pair.target) as session:
            session.run(f"UPDATE {BASE}.children SET p = 99 WHERE id = 7")
        pair.source.change(f"DELETE FROM {BASE}.parents WHERE id = 7")
        outcome = prove(verification, pair)
    if pair.source.version.mysql_from(9, 6):
        # The child's row is in the log there, and replication takes the other one away by its key.
        assert outcome.verdict in (Verdict.IDENTICAL, Verdict.DIFFERENT)
        return
    expected = Difference((BASE, "children"), Kind.EXTRA, (("id", "7"),))
    assert (outcome.verdict, outcome.differences) == (Verdict.DIFFERENT, (expected,))


def test_the_deadline_is_kept(pair: Two) -> None:
    with verifying(pair) as verification:
        clean(verification)
        verification.prepare_proof()
        began = time.monotonic()
        outcome = verification.prove(began)
        assert outcome.verdict is Verdict.UNPROVED
        assert any("time for the proof" in doubt.reason for doubt in outcome.doubts)
        assert time.monotonic() - began < 5
        assert prove(verification, pair).verdict is Verdict.IDENTICAL


def test_without_everything_on_the_target_nothing_is_proved(pair: Two) -> None:
    with verifying(pair) as verification:
        read_once(verification)
        outcome = verification.prove(time.monotonic() + 5, target_has_it=False)
        assert outcome.verdict is Verdict.UNPROVED
        assert "does not have everything" in outcome.doubts[0].reason


def test_what_a_server_does_not_tell_is_named(pair: Two) -> None:
    if pair.target.version.mariadb or pair.target.version.mysql_from(5, 7):
        pytest.skip("this server tells what reads see")
    with unlogged(pair.target) as session:
        session.run("CREATE USER 'some'@'%' IDENTIFIED BY 'pw-of-a-test'")
        session.run("GRANT SELECT, REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO 'some'@'%'")
        with verifying(pair, account=Account("some", Secret("pw-of-a-test"))) as verification:
            read_once(verification)
            pair.source.change(f"UPDATE {BASE}.orders SET v = 2 WHERE id = 1")
            # Behind the fence nothing has to be trusted: the change must have been read before.
            verification.wait(lambda seen: bool(seen.doubts), 60)
            clean(verification)
            outcome = prove(verification, pair)
        session.run("DROP USER 'some'@'%'")
    (doubt,) = outcome.doubts
    assert (outcome.verdict, doubt.table, doubt.unproved) == (Verdict.IDENTICAL, None, False)
    assert "5 s is trusted and not proved" in doubt.reason


@pytest.mark.parametrize("by_gtid", [False, True])
def test_a_source_that_is_written_to_behind_the_fence_is_seen(pair: Two, by_gtid: bool) -> None:
    if by_gtid and pair.kind is not GtidSet:
        pytest.skip("this pair has no GTIDs")
    with verifying(pair) as verification:
        clean(verification)
        end = pair.source.gtid_end() if by_gtid else pair.source.end_of_log()
        assert verification.prove(time.monotonic() + 10, end).verdict is Verdict.IDENTICAL
        pair.source.change(f"UPDATE {BASE}.orders SET v = 2 WHERE id = 1")
        pair.caught_up()
        outcome = verification.prove(time.monotonic() + 10, end)
        assert outcome.verdict is Verdict.UNPROVED
        assert "was written to after" in outcome.doubts[0].reason
        assert verification.prove(time.monotonic() + 10, pair.source.end_of_log()).verdict is Verdict.IDENTICAL


def test_tables_that_were_not_read_yet_are_read_by_the_proof(pair: Two) -> None:
    with unlogged(pair.target) as session:
        session.run(f"UPDATE {BASE}.orders SET v = 99 WHERE id = 5")
    # Some thread always runs: nothing is read but by the proof.
    with verifying(pair, most_running=0) as verification:
        assert verification.progress().held
        outcome = prove(verification, pair)
    assert outcome.differences == (changed("orders", 5),)
    assert outcome.redone == 5
