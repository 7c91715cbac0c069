"""Verifications from their beginning to their end, on real servers, while things happen."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration.journal import JournalError
from migration.verify.model import Difference, Kind, State, Verdict
from migration.verify.verification import Verification
from providers.mysql.endpoint import Account, Secret
from tests.migration.verify.following import following, told, unlogged
from tests.migration.verify.proving import (
    BASE,
    ROWS,
    by_statements,
    clean,
    confirmed,
    errant,
    prove,
    read_once,
    shop,
    verifying,
    writing,
)
from tests.support.pairs import Two
from tests.support.waiting import until

_ALL = ROWS + 500 + 3 + 200


@pytest.fixture(scope="module", params=["mariadb-10.11", "mysql-9.7"])
def servers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with following(request.param, tmp_path_factory.mktemp("pair")) as made:
        yield made


@pytest.fixture
def pair(servers: Two) -> Iterator[Two]:
    with shop(servers):
        yield servers


def changed(number: int, table: str = "orders") -> Difference:
    return Difference((BASE, table), Kind.CHANGED, (("id", str(number)),), ("v",))


def alone(pair: Two, *statements: str) -> None:
    """Write on the target alone, as its log tells."""
    with errant(pair) as session:
        for statement in statements:
            session.run(statement)


@contextlib.contextmanager
def account(pair: Two, grants: str) -> Iterator[Account]:
    """An account on the target that its log knows nothing of."""
    with unlogged(pair.target) as session:
        session.run("CREATE USER 'some'@'%' IDENTIFIED BY 'pw-of-a-test'")
        session.run(f"GRANT {grants} ON *.* TO 'some'@'%'")
    yield Account("some", Secret("pw-of-a-test"))
    with unlogged(pair.target) as session:
        session.run("DROP USER 'some'@'%'")


def test_equal_servers_are_identical(pair: Two) -> None:
    with verifying(pair) as verification:
        outcome = verification.finish(60)
        assert (outcome.verdict, outcome.differences, outcome.doubts) == (Verdict.IDENTICAL, (), ())
        assert (outcome.tables, outcome.rows) == (5, _ALL)
        until(verification.caught_up, "caught up")
        progress = verification.progress()
        assert (progress.state, progress.tables_read, progress.confirmed) == (State.FOLLOWING, 5, ())
        assert progress.proved_at is not None
    assert verification.progress().state is State.ENDED


def test_planted_rows_are_confirmed_while_others_change(pair: Two) -> None:
    with unlogged(pair.target) as session:
        session.run(f"UPDATE {BASE}.orders SET v = 99 WHERE id = 5")
        session.run(f"DELETE FROM {BASE}.words WHERE n = 450")
    planted = [changed(5), Difference((BASE, "words"), Kind.MISSING, (("w", "w450"), ("n", "450")))]
    with writing(pair), verifying(pair) as verification:
        assert told(confirmed(verification, 2)) == told(planted)
        assert not verification.caught_up()
    with verifying(pair) as verification:
        outcome = verification.finish(60)
        assert (outcome.verdict, told(outcome.differences), outcome.found) == (Verdict.DIFFERENT, told(planted), 2)


def test_no_difference_is_told_while_rows_change(pair: Two) -> None:
    with writing(pair), verifying(pair) as verification:
        outcome = verification.finish(60)
        assert (outcome.verdict, outcome.differences) == (Verdict.IDENTICAL, ())
        until(verification.caught_up, "caught up", 30)
    assert verification.progress().confirmed == ()


def test_what_the_target_has_not_applied_is_read_once_it_has_or_after_a_second(pair: Two) -> None:
    by_gtid = not pair.source.version.mariadb
    word = "SLAVE" if pair.source.version.mariadb else "REPLICA"
    with verifying(pair) as verification:
        clean(verification)
        pair.target.change(f"STOP {word} SQL_THREAD")
        pair.source.change(f"UPDATE {BASE}.orders SET v = v + 1 WHERE id = 7")
        until(lambda: verification.progress().dirty or verification.progress().differing, "the change to be seen")
        if by_gtid:
            assert verification.progress().differing == 0
        # A target that does not get it at all is looked at all the same.
        until(lambda: verification.progress().differing, "the row to be read", 10)
        pair.target.change(f"START {word} SQL_THREAD")
        pair.caught_up()
        until(lambda: not (verification.progress().differing or verification.progress().dirty), "it is equal again", 10)


def test_a_write_on_the_target_after_its_row_was_compared_is_confirmed_and_heals(pair: Two) -> None:
    with verifying(pair) as verification:
        clean(verification)
        alone(pair, f"UPDATE {BASE}.orders SET v = 99 WHERE id = 5", f"INSERT INTO {BASE}.loose VALUES (5)")
        extra = Difference((BASE, "loose"), Kind.EXTRA, ())
        assert told(confirmed(verification, 2)) == told([changed(5), extra])
        alone(pair, f"UPDATE {BASE}.orders SET v = 1 WHERE id = 5", f"DELETE FROM {BASE}.loose WHERE v = 5")
        until(lambda: not verification.progress().confirmed, "both are healed", 30)
        assert prove(verification, pair).verdict is Verdict.IDENTICAL


def test_a_row_is_confirmed_whose_table_is_read_again_and_again(pair: Two) -> None:
    with unlogged(pair.target) as session:
        session.run(f"UPDATE {BASE}.words SET v = 99 WHERE n = 450")
    planted = Difference((BASE, "words"), Kind.CHANGED, (("w", "w450"), ("n", "450")), ("v",))
    with by_statements(pair), verifying(pair) as verification:
        assert confirmed(verification, 1) == [planted]


def test_tables_come_go_and_change_while_it_runs(pair: Two) -> None:
    with verifying(pair) as verification:
        read_once(verification)
        for statement in (
            f"CREATE TABLE {BASE}.fresh (id INT PRIMARY KEY, v INT)",
            f"INSERT INTO {BASE}.fresh VALUES (1, 1), (2, 2)",
            f"ALTER TABLE {BASE}.orders ADD COLUMN extra INT DEFAULT 5 FIRST, "
            "DROP PRIMARY KEY, ADD PRIMARY KEY (id, v)",
            f"UPDATE {BASE}.orders SET extra = 6 WHERE id < 50",
            f"RENAME TABLE {BASE}.loose TO {BASE}.tight",
            f"TRUNCATE TABLE {BASE}.words",
            f"DROP TABLE {BASE}.children",
        ):
            pair.source.change(statement)
        pair.caught_up()
        until(lambda: verification.progress().tables_read == 5 and not verification.progress().redo, "all is read", 30)
        tables = {table for table in (BASE + "." + name for name in ("fresh", "orders", "tight", "words", "parents"))}
        assert {shape.title for shape in verification._work.known.shapes()} == tables  # type: ignore[union-attr]
        # The log's new shape is known: a change is followed by key again, and found by it.
        alone(pair, f"UPDATE {BASE}.orders SET extra = 7 WHERE id = 70")
        key = (("id", "70"), ("v", "1"))
        assert confirmed(verification, 1) == [Difference((BASE, "orders"), Kind.CHANGED, key, ("extra",))]


def test_a_table_on_one_side_only_is_told(pair: Two) -> None:
    with unlogged(pair.target) as session:
        session.run(f"CREATE TABLE {BASE}.alone (id INT PRIMARY KEY)")
    lone = Difference((BASE, "alone"), Kind.EXTRA, (), rows=0)
    with verifying(pair) as verification:
        assert confirmed(verification, 1) == [lone]
        outcome = verification.finish(60)
        assert (outcome.verdict, outcome.differences) == (Verdict.DIFFERENT, (lone,))


def test_broken_replication_ends_it_with_that_error(pair: Two) -> None:
    with verifying(pair) as verification:
        read_once(verification)
        with unlogged(pair.target) as session:
            session.run(f"INSERT INTO {BASE}.parents VALUES (5000, 1)")
        pair.source.change(f"INSERT INTO {BASE}.parents VALUES (5000, 1)")
        assert verification.wait(lambda seen: False, 30).state is State.ENDED
        assert "1062" in str(verification.failure)
        outcome = verification.finish(5)
        assert outcome.verdict is Verdict.UNPROVED
        assert "has stopped" in outcome.doubts[0].reason
    with unlogged(pair.target) as session:
        session.run(f"DELETE FROM {BASE}.parents WHERE id = 5000")
    pair.target.change(pair.target.dialect.stop_replica)
    pair.target.change(pair.target.dialect.start_replica)
    pair.caught_up()


def test_a_log_that_cannot_be_read_on_the_target_is_named(pair: Two) -> None:
    monitor = "SLAVE MONITOR" if pair.target.version.mariadb else "REPLICATION CLIENT"
    with account(pair, f"SELECT, {monitor}") as reader, verifying(pair, account=reader) as seen:
        outcome = seen.finish(60)
        assert outcome.verdict is Verdict.IDENTICAL
        (doubt,) = outcome.doubts
        assert (doubt.table, doubt.unproved) == (None, False)
        assert "is trusted and not proved" in doubt.reason


def test_tables_that_the_account_may_not_read_are_doubted_and_not_said_to_be_missing(pair: Two) -> None:
    with account(pair, "USAGE") as nobody, verifying(pair, account=nobody) as seen:
        outcome = seen.finish(60)
    assert (outcome.verdict, outcome.differences) == (Verdict.UNPROVED, ())
    tables = {doubt.table for doubt in outcome.doubts if "may not read it" in doubt.reason}
    assert tables == {(BASE, name) for name in ("orders", "words", "loose", "parents", "children")}


_RUN = """
import sys, time
from pathlib import Path
from migration.verify.model import Request
from migration.verify.verification import Verification
from providers.mysql.endpoint import Account, Endpoint, Secret

def endpoint(name, port):
    return Endpoint(name, "127.0.0.1", int(port), Account(sys.argv[3], Secret(sys.argv[4])))

request = Request((sys.argv[5],), rate_mib_s=float(sys.argv[7]))
v = Verification(endpoint("source", sys.argv[1]), endpoint("target", sys.argv[2]), request, state=Path(sys.argv[6]))
v.start()
while True:
    print(v.progress().rows, flush=True)
    time.sleep(0.01)
"""


def run_until_killed(pair: Two, state: Path, rows: int) -> None:
    """A verification in a process of its own that dies without a word when it has compared so many rows."""
    one, other = pair.source.endpoint, pair.target.endpoint
    login = (one.account.user, one.account.password.reveal())
    words = (str(one.port), str(other.port), *login, BASE, str(state), "0.3")
    with subprocess.Popen([sys.executable, "-c", _RUN, *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= rows:
                process.send_signal(signal.SIGKILL)
                break


def test_a_killed_verification_is_gone_on_with(pair: Two, tmp_path: Path) -> None:
    state = tmp_path / "rows"
    pair.source.change(f"ALTER TABLE {BASE}.orders MODIFY note VARCHAR(1000)")
    pair.source.change(f"UPDATE {BASE}.orders SET note = REPEAT('n', 900)")
    pair.caught_up()
    with unlogged(pair.target) as session:
        session.run(f"UPDATE {BASE}.orders SET v = 99 WHERE id IN (5, 4000)")
    for rows in (1, 1500, 3000):
        run_until_killed(pair, state, rows)
    size = len(state.read_bytes())
    assert size > 500
    # Nobody looks now.
    alone(pair, f"UPDATE {BASE}.orders SET v = 99 WHERE id = 6")
    pair.source.change(f"UPDATE {BASE}.words SET v = 5 WHERE n < 9")
    pair.caught_up()
    with verifying(pair, state=state) as verification:
        outcome = verification.finish(60)
        assert told(outcome.differences) == told([changed(5), changed(6), changed(4000)])
        assert outcome.rows == _ALL
        assert prove(verification, pair).found == 3
    with verifying(pair, state=state) as verification:
        before = verification.progress().rows
        outcome = verification.finish(60)
        assert (outcome.found, outcome.rows) == (3, _ALL)
        assert before > 0


def test_progress_whose_log_is_gone_is_begun_anew(pair: Two, tmp_path: Path) -> None:
    state = tmp_path / "rows"
    with verifying(pair, state=state) as verification:
        verification.finish(60)
    pair.source.change("FLUSH BINARY LOGS")
    pair.source.change(f"UPDATE {BASE}.orders SET v = 2 WHERE id = 1")
    pair.caught_up()
    pair.source.change(f"PURGE BINARY LOGS TO '{pair.source.end_of_log().file}'")
    with verifying(pair, state=state) as verification:
        outcome = verification.finish(60)
        assert (outcome.verdict, outcome.rows) == (Verdict.IDENTICAL, _ALL)


def test_progress_that_can_be_kept_no_longer_ends_it_with_that_reason(pair: Two, tmp_path: Path) -> None:
    with verifying(pair, state=tmp_path / "rows") as verification:
        read_once(verification)
        assert verification._work is not None
        assert verification._work.journal is not None
        with contextlib.closing(verification._work.journal._file), open("/dev/full", "ab", buffering=0) as full:
            verification._work.journal._file = full  # type: ignore[assignment]
            assert verification.wait(lambda _: False, 30).state is State.ENDED
    assert "cannot be written (No space left on device)" in str(verification.failure)


def test_another_file_is_refused(pair: Two, tmp_path: Path) -> None:
    state = tmp_path / "rows"
    state.write_text("something else\n")
    with pytest.raises(JournalError, match="name another file"), verifying(pair, state=state):
        pass
    assert state.read_text() == "something else\n"


def test_before_its_start_and_after_its_end_it_answers(pair: Two) -> None:
    from migration.verify.model import Request

    verification = Verification(pair.source.endpoint, pair.target.endpoint, Request((BASE,)))
    assert verification.progress().state is State.STARTING
    verification.prepare_proof()
    assert not verification.caught_up()
    verification.close()
    assert verification.progress().state is State.ENDED
