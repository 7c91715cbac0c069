"""Definitions tried on the target: what it takes, what it refuses, and that nothing is left of it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.check import Finding
from migration.checks import reparse
from providers.mysql.errors import ConnectionLost, StatementFailed
from providers.mysql.literals import quote_name
from providers.mysql.scratch import Scratch
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, made, session

ODD = "we`ird \"[red]' \n;db"
QUOTED = "`" + ODD.replace("`", "``") + "`"
UNUSUAL = ("a`b", "a'b\"c", "[red]", "two\nlines", "ünï ‮cod", "n" * 64, "scratch.x' doesn't exist")


def traces(server: Server) -> tuple[object, ...]:
    """What must be the same before and after."""
    return (
        sorted(server.rows("SHOW DATABASES")),
        server.gtid_executed(),
        server.end_of_log(),
        server.rows("SELECT COUNT(*) FROM information_schema.routines"),
        server.rows("SELECT COUNT(*) FROM information_schema.events"),
        server.rows("SHOW GRANTS"),
    )


@pytest.fixture
def tidy(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """The pair; that the target is as it was is seen to afterwards."""
    # What is looked at is what is taken, and not how much of it a busy machine gets done in time.
    monkeypatch.setattr(reparse, "_BUDGET_S", 60.0)
    before = traces(lab.target)
    yield lab
    assert traces(lab.target) == before


@contextlib.contextmanager
def database(lab: Lab, *statements: str) -> Iterator[None]:
    """An oddly named database on the source with these made in it."""
    with made(lab.source, f"CREATE DATABASE {QUOTED} CHARACTER SET utf8mb4", undo=f"DROP DATABASE {QUOTED}"):
        with session(lab.source) as client:
            client.run(f"USE {QUOTED}")
            for statement in statements:
                client.run(statement)
        yield


def refused(finding: Finding) -> list[tuple[str, ...]]:
    return [row for row in finding.result.evidence[1:] if row[2] != "not tried"]


def test_a_plain_database_is_taken(tidy: Lab) -> None:
    finding = tidy.find(reparse.objects_accepted)
    assert (finding.word, finding.result.found) == ("OK", "all 1 are taken")
    assert finding.result.evidence[1:] == ()


def test_every_kind_of_object_is_taken_whatever_it_is_called(tidy: Lab) -> None:
    statements = []
    for name in UNUSUAL:
        it = quote_name(name)
        statements += [
            f"CREATE TABLE {it} (id INT PRIMARY KEY, {it} VARCHAR(20)) ENGINE=InnoDB",
            f"CREATE TABLE {quote_name(name[:60] + '2')} (id INT PRIMARY KEY, up INT, CONSTRAINT {it} FOREIGN KEY (up) "
            f"REFERENCES {it} (id)) ENGINE=InnoDB",
            f"CREATE VIEW {quote_name('v' + name[:60])} AS SELECT {it}.{it} FROM {QUOTED}.{it}",
            f"CREATE VIEW {quote_name('a' + name[:60])} AS SELECT * FROM {quote_name('v' + name[:60])}",
            f"CREATE PROCEDURE {it} (IN {it} INT) SELECT 'é', {it}",
            f"CREATE FUNCTION {it} () RETURNS INT DETERMINISTIC RETURN 1",
            f"CREATE TRIGGER {QUOTED}.{it} BEFORE INSERT ON {QUOTED}.{it} FOR EACH ROW SET NEW.{it} = 'é'",
            f"CREATE EVENT {it} ON SCHEDULE EVERY 1 SECOND DO CREATE TABLE never.seen (a INT)",
        ]
    with database(tidy, *statements):
        finding = tidy.find(reparse.objects_accepted)
    assert (finding.word, refused(finding)) == ("OK", []), finding.result.evidence
    assert finding.result.found == f"all {1 + 8 * len(UNUSUAL)} are taken"


def test_what_the_target_does_not_know_blocks_in_its_own_words(tidy: Lab) -> None:
    source, target = tidy.source.version, tidy.target.version
    if not source.mariadb and not source.mysql_from(8, 0):
        statement, kind = "CREATE PROCEDURE `[red]` (IN rank INT) SELECT rank", "procedure"
    elif source.mariadb and not target.mariadb:
        statement, kind = "CREATE TABLE `[red]` (a UUID)", "table"
    else:
        pytest.skip("the same version")
    with database(tidy, statement, "CREATE TABLE fine (a INT)"):
        finding = tidy.find(reparse.objects_accepted)
    assert (finding.word, finding.blocks) == ("FAIL", True)
    assert [row[:3] for row in refused(finding)] == [(kind, f"{ODD}.[red]", "1064")]
    assert "scratch" not in str(finding.result.evidence)
    assert finding.result.found == "1 refused, 3 of 3 tried"


def test_what_rests_on_something_refused_is_not_blamed(tidy: Lab) -> None:
    if not tidy.source.version.mariadb or tidy.target.version.mariadb:
        pytest.skip("another family")
    with database(
        tidy,
        "CREATE TABLE bad (id INT PRIMARY KEY, a INET6)",
        "CREATE VIEW above AS SELECT id FROM bad",
        "CREATE TRIGGER t BEFORE INSERT ON bad FOR EACH ROW SET @a = 1",
    ):
        finding = tidy.find(reparse.objects_accepted)
    assert [row[1] for row in refused(finding)] == [f"{ODD}.bad"]
    untried = {row[1]: row[3] for row in finding.result.evidence[1:] if row[2] == "not tried"}
    assert set(untried) == {f"{ODD}.above", f"{ODD}.t"}
    assert set(untried.values()) == {f"it rests on {ODD}.bad, which is not taken"}


def test_a_view_of_two_databases_is_taken_if_both_move(tidy: Lab) -> None:
    with database(
        tidy,
        "CREATE TABLE t (id INT PRIMARY KEY)",
        "CREATE VIEW both_of_them AS SELECT t.id FROM t JOIN shop.orders USING (id)",
    ):
        finding = tidy.find(reparse.objects_accepted)
        alone = tidy.find(reparse.objects_accepted, databases=(ODD,))
    assert (finding.word, finding.result.found) == ("OK", "all 3 are taken")
    assert alone.blocks
    assert alone.result.evidence[1][:2] == ("view", f"{ODD}.both_of_them")
    assert alone.result.evidence[1][2] in ("1049", "1146")


def test_a_view_that_calls_a_function_is_taken(tidy: Lab) -> None:
    with database(
        tidy,
        "CREATE FUNCTION `f``[x]` (a INT) RETURNS INT DETERMINISTIC RETURN a",
        "CREATE VIEW v AS SELECT `f``[x]`(1) AS a",
        "CREATE TABLE `shop` (id INT)",
        "CREATE VIEW w AS SELECT shop.id FROM shop",
    ):
        finding = tidy.find(reparse.objects_accepted)
    assert (finding.word, refused(finding)) == ("OK", []), finding.result.evidence


def test_a_view_that_is_broken_on_the_source_blocks(tidy: Lab) -> None:
    with database(
        tidy, "CREATE TABLE t (id INT PRIMARY KEY)", "CREATE VIEW broken AS SELECT id FROM t", "DROP TABLE t"
    ):
        finding = tidy.find(reparse.objects_accepted)
    assert finding.blocks
    assert [row[:2] for row in refused(finding)] == [("view", f"{ODD}.broken")]


def test_a_definer_that_is_nowhere_is_no_reason(tidy: Lab) -> None:
    with contextlib.ExitStack() as stack:
        with account(tidy.source, "gh`ost", "SELECT ON *.*"):
            made_by = "CREATE DEFINER = 'gh`ost'@'%'"
            statements = (
                "CREATE TABLE t (id INT PRIMARY KEY)",
                f"{made_by} VIEW v AS SELECT id FROM t",
                f"{made_by} VIEW above AS SELECT id FROM v",
                f"{made_by} PROCEDURE p () SELECT 1",
                f"{made_by} TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @a = 1",
                f"{made_by} EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1",
            )
            stack.enter_context(database(tidy, *statements))
            if tidy.source.version.mysql_from(8, 0):
                tidy.source.change("GRANT ALLOW_NONEXISTENT_DEFINER ON *.* TO CURRENT_USER()")
        finding = tidy.find(reparse.objects_accepted)
    assert (finding.word, refused(finding)) == ("OK", []), finding.result.evidence
    assert finding.result.found == "all 7 are taken"


def test_modes_that_are_gone_are_left_out_as_the_copy_does(tidy: Lab) -> None:
    if tidy.source.version.mysql_from(8, 0):
        pytest.skip("it does not know them either")
    with database(
        tidy, "SET SESSION sql_mode = 'NO_AUTO_CREATE_USER,ANSI_QUOTES'", 'CREATE PROCEDURE p () SELECT "id" FROM t'
    ):
        assert tidy.word(reparse.objects_accepted) == "OK"


def test_a_target_that_follows_has_taken_them(arrived: Lab) -> None:
    finding = arrived.find(reparse.objects_accepted)
    assert (finding.word, finding.result.found) == ("-", "the target has them")


def test_a_target_that_takes_nothing_leaves_the_answer_open(lab: Lab) -> None:
    with made(lab.target, lab.target.dialect.fence, undo=lab.target.dialect.unfence):
        finding = lab.find(reparse.objects_accepted)
    closed = lab.target.dialect.has_super_read_only
    assert finding.word == ("UNKNOWN" if closed else "OK")
    assert ("super_read_only = OFF" in finding.result.remedy) is closed


def test_an_account_that_may_not_keep_out_of_the_log_leaves_the_answer_open(lab: Lab) -> None:
    with (
        account(lab.target, "maker", "SELECT, CREATE, DROP ON *.*", "REPLICATION CLIENT ON *.*") as maker,
        contextlib.closing(Server(replace(lab.target.endpoint, account=maker))) as seen,
    ):
        if seen.version.mariadb:
            lab.target.change("GRANT SLAVE MONITOR ON *.* TO 'maker'@'%'")
        finding = replace(lab, pair=replace(lab.pair, other=seen)).find(reparse.objects_accepted)
    assert finding.word == "UNKNOWN"
    assert finding.blocks


def test_what_an_earlier_run_had_to_leave_is_dropped(tidy: Lab) -> None:
    name = "cutover_scratch_0123456789abcdef"
    with session(tidy.target) as client:
        client.run("SET SESSION sql_log_bin = 0")
        client.run(f"CREATE DATABASE {name}")
        client.run(f"CREATE TABLE {name}.t (a INT)")
    assert tidy.word(reparse.objects_accepted) == "OK"
    assert name not in tidy.target.databases()


def test_a_database_that_only_looks_like_ours_stays(tidy: Lab) -> None:
    with session(tidy.target) as client:
        client.run("SET SESSION sql_log_bin = 0")
        client.run("CREATE DATABASE cutover_scratch_mine")
        assert tidy.word(reparse.objects_accepted) == "OK"
        assert "cutover_scratch_mine" in tidy.target.databases()
        client.run("DROP DATABASE cutover_scratch_mine")


def test_scratch_is_dropped_after_an_error(tidy: Lab) -> None:
    def fail() -> None:
        with Scratch(tidy.target) as scratch:
            scratch.session.run(f"CREATE TABLE {scratch.database()}.t (a INT)")
            scratch.session.run("nonsense")

    with pytest.raises(StatementFailed):
        fail()
    assert tidy.target.databases() == ()


def test_scratch_is_dropped_after_a_lost_session(tidy: Lab) -> None:
    def fail() -> None:
        with Scratch(tidy.target) as scratch:
            scratch.session.run(f"CREATE TABLE {scratch.database()}.t (a INT)")
            # Not by KILL: MySQL 5.7 may keep a killed session, with its locks, until wait_timeout.
            scratch.session.raw._sock.shutdown(socket.SHUT_RDWR)
            scratch.session.rows("SELECT 1")

    with pytest.raises(ConnectionLost):
        fail()
    assert tidy.target.databases() == ()


def test_two_at_a_time_do_not_drop_each_others(tidy: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("providers.mysql.scratch._WAIT_S", 0)
    with Scratch(tidy.target) as scratch:
        name = scratch.database()
        finding = tidy.find(reparse.objects_accepted)
        assert name in tidy.target.databases()
    assert finding.word == "UNKNOWN"
    assert tidy.word(reparse.objects_accepted) == "OK"


def test_trying_ends_in_time(tidy: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reparse, "_BUDGET_S", 0.0)
    with database(tidy, *(f"CREATE TABLE t{number} (a INT)" for number in range(5))):
        finding = tidy.find(reparse.objects_accepted)
    assert (finding.word, finding.result.found) == ("OK", "0 of 6 tried, none refused")
