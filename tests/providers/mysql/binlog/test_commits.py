"""Which transactions are committed, told by InnoDB's list: nothing counts that a read does not see yet."""

from __future__ import annotations

import contextlib
import threading
import time
from contextlib import closing
from dataclasses import replace

from providers.mysql.binlog.commits import Commits
from providers.mysql.connection import Connection
from providers.mysql.endpoint import Account, Secret
from providers.mysql.version import Version
from tests.providers.mysql.binlog.following import Following
from tests.support.waiting import until


def told(commits: Commits, session: Connection, moment: float) -> None:
    """Wait until all that was logged by then is said to be visible."""
    until(lambda: commits.upto(session) >= moment, "all is committed", 10)


def test_what_is_open_is_waited_for_and_who_only_reads_is_not(follow: Following) -> None:
    commits, endpoint = Commits(), follow.session.endpoint
    open_ = ("BEGIN", "INSERT INTO app.t (id) VALUES (1)", "SELECT SLEEP(0.6)", "COMMIT")
    with contextlib.ExitStack() as stack:
        asking, reading, writing = (stack.enter_context(closing(Connection(endpoint))) for _ in range(3))
        reading.run("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        told(commits, asking, time.monotonic())
        writer = threading.Thread(target=writing.results, args=(open_,))
        writer.start()
        changed = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_rows_modified > 0"
        until(lambda: follow.session.value(changed), "a row is changed", every=0.15)
        began, unseen = time.monotonic(), 0
        while commits.upto(asking) < began:
            unseen += not follow.session.value("SELECT COUNT(*) FROM app.t")
        assert follow.session.value("SELECT COUNT(*) FROM app.t") == 1
        assert unseen
        writer.join()


def test_one_that_goes_on_does_not_hold_back_what_was_open_before(follow: Following) -> None:
    commits, endpoint = Commits(), follow.session.endpoint
    over = threading.Event()

    def write(first: int) -> None:
        with closing(Connection(endpoint)) as session:
            number = first
            while not over.is_set():
                session.results(("BEGIN", f"REPLACE INTO app.t (id) VALUES ({number})", "SELECT SLEEP(0.05)", "COMMIT"))
                number += 1

    writers = [threading.Thread(target=write, args=(10_000 * number,)) for number in (1, 2)]
    for writer in writers:
        writer.start()
    try:
        with closing(Connection(endpoint)) as asking:
            for _ in range(3):
                told(commits, asking, time.monotonic())
    finally:
        over.set()
        for writer in writers:
            writer.join()


def test_what_is_logged_and_not_committed_is_not_told_to_be(follow: Following, version: Version) -> None:
    commits, session = Commits(), follow.session
    slow = not version.mariadb and version.number >= (5, 7, 0)
    if slow:
        # A transaction is in the log, and sent from there, for a second before it is committed in the engine.
        session.run("SET GLOBAL binlog_group_commit_sync_delay = 1000000")
    with closing(Connection(session.endpoint)) as writer, closing(Connection(session.endpoint)) as asking:
        thread = threading.Thread(target=writer.run, args=("INSERT INTO app.t (id) VALUES (7)",))
        thread.start()
        touched = follow.tail.read(10.0)
        assert touched is not None
        assert touched.rows
        unseen = 0
        while commits.upto(asking) < touched.upto.seen:
            unseen += not session.value("SELECT COUNT(*) FROM app.t")
        assert session.value("SELECT COUNT(*) FROM app.t") == 1
        thread.join()
    if slow:
        session.run("SET GLOBAL binlog_group_commit_sync_delay = 0")
        assert unseen


def test_an_account_that_may_not_see_the_list_is_told_nothing_and_left_alone(follow: Following) -> None:
    commits, session = Commits(), follow.session
    session.run("CREATE USER 'blind'@'127.0.0.1' IDENTIFIED BY 'Bl1nd-pw!'")
    session.run("GRANT SELECT ON app.* TO 'blind'@'127.0.0.1'")
    found = session.endpoint
    try:
        with closing(Connection(replace(found, account=Account("blind", Secret("Bl1nd-pw!"))))) as blind:
            assert commits.upto(blind) == 0.0
            # It is in no transaction that would show it old rows.
            assert blind.value("SELECT COUNT(*) FROM app.t") == 0
            session.run("INSERT INTO app.t (id) VALUES (1)")
            assert blind.value("SELECT COUNT(*) FROM app.t") == 1
    finally:
        session.run("DROP USER 'blind'@'127.0.0.1'")
