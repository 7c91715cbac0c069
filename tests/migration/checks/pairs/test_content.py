"""Checks of what runs on the source and what is in its databases: each tripped, and cured."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from migration.check import Route
from migration.checks import activity, foreign, names, parameters, reparse, schema
from migration.checks.run import run_check
from migration.model import Limits
from providers.mysql.errors import ServerError
from providers.mysql.gtid import GtidSet
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, made, make_lab, session, setting
from tests.support.pairs import Two
from tests.support.pairs import running as started
from tests.support.waiting import until

ODD = "we`ird \"[red]' \n;db"
QUOTED = "`" + ODD.replace("`", "``") + "`"


def test_an_open_transaction_is_found_by_its_age(lab: Lab) -> None:
    short = Limits(fence_s=0.5)
    lab.find_until("OK", activity.long_transactions, short)
    with session(lab.source) as client:
        client.run("BEGIN")
        client.run("UPDATE shop.orders SET note = 'hunter2' WHERE id = 1")
        finding = lab.find_until("WARN", activity.long_transactions, short)
        assert (finding.word, finding.blocks) == ("WARN", False)
        number, user, host, seconds, changed, _ = finding.result.evidence[1]
        assert (number, user, host, changed) == (
            str(client.thread_id),
            lab.source.endpoint.account.user,
            "127.0.0.1",
            "1",
        )
        assert 1 <= int(seconds) < 60
        assert lab.word(activity.long_transactions) == "OK"
        client.run("ROLLBACK")
    lab.find_until("OK", activity.long_transactions, short)


@contextlib.contextmanager
def running(lab: Lab, statement: str) -> Iterator[int]:
    """A statement that runs on the source until it is killed; gives the session's number."""
    with session(lab.source) as client:

        def run() -> None:
            with contextlib.suppress(ServerError):
                client.rows(statement)

        thread = threading.Thread(target=run)
        number = client.thread_id
        thread.start()
        try:
            text = statement.split("SLEEP", 1)[0][-12:]
            until(
                lambda: [
                    r for r in lab.source.named("SHOW FULL PROCESSLIST") if text in str(r["Info"]) and r["Id"] == number
                ],
                "the statement runs",
            )
            yield number
        finally:
            lab.source.change(f"KILL QUERY {number}")
            thread.join(10)


def test_a_long_write_is_found_and_its_values_are_not_kept(lab: Lab) -> None:
    limits = Limits(lock_wait_s=1)
    assert lab.word(activity.long_statements, limits=limits) == "OK"
    statement = "/* batch */ UPDATE shop.orders SET note = 'hunter2' WHERE id = 1 + SLEEP(30)"
    with running(lab, statement) as number:
        finding = lab.find_until("WARN", activity.long_statements, limits)
        assert finding.word == "WARN"
        assert finding.result.evidence[1][0] == str(number)
        assert "UPDATE shop.orders SET note = ?" in finding.result.evidence[1][-1]
        assert "hunter2" not in str(finding.to_json())
    assert lab.word(activity.long_statements, limits=limits) == "OK"


def test_a_long_read_is_no_long_write(lab: Lab) -> None:
    with running(lab, "SELECT /* report */ SLEEP(30)"):
        assert lab.word(activity.long_statements, limits=Limits(lock_wait_s=0)) == "OK"


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_prepared_xa_transaction_blocks_whatever_bytes_name_it(lab: Lab, side: str) -> None:
    server = lab.source if side == "source" else lab.target
    xid = "X'ff00fe27', X'5b7265645d', 7"
    assert lab.word(activity.prepared_xa) == "OK"
    with (
        made(server, "CREATE DATABASE xa", "CREATE TABLE xa.t (a INT) ENGINE=InnoDB", undo="DROP DATABASE xa"),
        session(server) as client,
    ):
        for statement in (f"XA START {xid}", "INSERT INTO xa.t VALUES (1)", f"XA END {xid}", f"XA PREPARE {xid}"):
            client.run(statement)
        finding = lab.find(activity.prepared_xa)
        client.run(f"XA ROLLBACK {xid}")
    assert finding.blocks
    assert finding.result.evidence[1] == (side, "7", "ff00fe27", "5b7265645d")
    assert lab.word(activity.prepared_xa) == "OK"


def test_tables_without_a_key_are_named_whatever_they_are_called(lab: Lab) -> None:
    assert lab.word(schema.primary_keys) == "OK"
    tables = (
        f"CREATE TABLE {QUOTED}.{QUOTED} (a INT) ENGINE=InnoDB",
        f"CREATE TABLE {QUOTED}.unique_with_null (a INT NULL, b INT NOT NULL, UNIQUE KEY (a, b)) ENGINE=InnoDB",
        f"CREATE TABLE {QUOTED}.only_an_index (a INT NOT NULL, KEY (a)) ENGINE=InnoDB",
        f"CREATE TABLE {QUOTED}.unique_enough (a INT NOT NULL, UNIQUE KEY (a)) ENGINE=InnoDB",
        f"CREATE TABLE {QUOTED}.keyed (a INT PRIMARY KEY) ENGINE=InnoDB",
        f"CREATE VIEW {QUOTED}.a_view AS SELECT 1 AS a",
    )
    with made(lab.source, f"CREATE DATABASE {QUOTED}", *tables, undo=f"DROP DATABASE {QUOTED}"):
        finding = lab.find(schema.primary_keys)
        assert lab.word(schema.primary_keys, databases=("shop",)) == "OK"
    assert finding.word == "WARN"
    assert finding.result.found == "3 of 6 without"
    assert {row[1] for row in finding.result.evidence[1:] if "allows NULL" in row[4]} == {"unique_with_null"}
    assert {row[:2] for row in finding.result.evidence[1:]} == {
        (ODD, ODD), (ODD, "unique_with_null"), (ODD, "only_an_index"),
    }  # fmt: skip


def test_tables_of_another_engine_are_named(lab: Lab) -> None:
    assert lab.word(schema.engines) == "OK"
    tables = (
        f"CREATE TABLE {QUOTED}.{QUOTED} (a INT PRIMARY KEY) ENGINE=MyISAM",
        f"CREATE TABLE {QUOTED}.gone (a INT PRIMARY KEY) ENGINE=MEMORY",
    )
    with made(lab.source, f"CREATE DATABASE {QUOTED}", *tables, undo=f"DROP DATABASE {QUOTED}"):
        finding = lab.find(schema.engines)
    assert finding.word == "WARN"
    rows = {row[1]: row for row in finding.result.evidence[1:]}
    assert rows[ODD][:3] == (ODD, ODD, "MyISAM")
    assert rows["gone"][4] == "empty after a restart of either server"


def test_an_engine_that_the_target_lacks_is_told(lab: Lab) -> None:
    if not lab.source.version.mariadb:
        pytest.skip("its engines are on the target, too")
    tables = (f"CREATE TABLE {QUOTED}.t (a INT PRIMARY KEY) ENGINE=Aria",)
    with made(lab.source, f"CREATE DATABASE {QUOTED}", *tables, undo=f"DROP DATABASE {QUOTED}"):
        means = lab.find(schema.engines).result.evidence[1][4]
    assert ("the target does not have it" in means) is not lab.target.version.mariadb


def test_compressed_tables_block_where_the_target_cannot_write_them(lab: Lab) -> None:
    assert lab.word(schema.table_options) == "OK"
    table = f"CREATE TABLE {QUOTED}.{QUOTED} (a INT PRIMARY KEY) ENGINE=InnoDB ROW_FORMAT=COMPRESSED"
    with contextlib.ExitStack() as stack:
        if lab.source.version.number < (5, 7):
            stack.enter_context(setting(lab.source, "innodb_file_format", "Barracuda"))
        stack.enter_context(made(lab.source, f"CREATE DATABASE {QUOTED}", undo=f"DROP DATABASE {QUOTED}"))
        lab.source.change(table)
        assert lab.word(schema.table_options) == "OK"
        with setting(lab.target, "innodb_file_per_table", "OFF"):
            finding = lab.find(schema.table_options)
    assert finding.blocks
    assert finding.result.evidence[1][:3] == (ODD, ODD, "Compressed")
    assert lab.word(schema.table_options) == "OK"


def test_options_of_mariadb_block_towards_mysql(lab: Lab) -> None:
    if not lab.source.version.mariadb:
        pytest.skip("it has none")
    table = f"CREATE TABLE {QUOTED}.t (a INT PRIMARY KEY) ENGINE=InnoDB PAGE_COMPRESSED=1"
    with made(lab.source, f"CREATE DATABASE {QUOTED}", table, undo=f"DROP DATABASE {QUOTED}"):
        finding = lab.find(schema.table_options)
    assert finding.word == ("OK" if lab.target.version.mariadb else "FAIL")


def test_partitions_that_a_newer_mysql_refuses_block(lab: Lab) -> None:
    newer = lab.target.version.mysql_from(8, 4)
    assert lab.word(schema.partitions) == ("OK" if newer else "-")
    if not newer:
        return
    parted = "PARTITION BY KEY () PARTITIONS 2"
    old = not lab.source.version.mysql_from(8, 0)
    refused = (
        f"CREATE TABLE {QUOTED}.{QUOTED} (a INT PRIMARY KEY) ENGINE=MyISAM {parted}",
        f"CREATE TABLE {QUOTED}.prefix (a VARCHAR(20), b INT, PRIMARY KEY (a(5), b)) ENGINE=InnoDB {parted}",
    )
    tables = (
        *(refused if old else ()),
        f"CREATE TABLE {QUOTED}.fine (a VARCHAR(20), b INT, PRIMARY KEY (a, b)) ENGINE=InnoDB {parted}",
    )
    with made(lab.source, f"CREATE DATABASE {QUOTED}", *tables, undo=f"DROP DATABASE {QUOTED}"):
        finding = lab.find(schema.partitions)
    if not old:
        assert (finding.word, finding.result.found) == ("OK", "all 1 can be there")
        return
    assert finding.blocks
    assert {row[1:] for row in finding.result.evidence[1:]} == {
        (ODD, "partitions of MyISAM"), ("prefix", "KEY by the beginning of a"),
    }  # fmt: skip


def test_an_inexact_primary_key_is_told(lab: Lab) -> None:
    assert lab.word(schema.key_types) == "OK"
    tables = (
        f"CREATE TABLE {QUOTED}.{QUOTED} (`[a]` DOUBLE, b INT, PRIMARY KEY (b, `[a]`)) ENGINE=InnoDB",
        f"CREATE TABLE {QUOTED}.fine (a INT PRIMARY KEY, b FLOAT, KEY (b)) ENGINE=InnoDB",
    )
    with made(lab.source, f"CREATE DATABASE {QUOTED}", *tables, undo=f"DROP DATABASE {QUOTED}"):
        finding = lab.find(schema.key_types)
    assert finding.word == "WARN"
    assert finding.result.evidence[1:] == ((ODD, ODD, "[a]", "double"),)


def test_a_key_that_the_target_would_add_blocks(lab: Lab) -> None:
    assert lab.word(schema.invisible_keys) == "OK"
    if not lab.target.version.mysql_from(8, 0, 30):
        return
    table = f"CREATE TABLE {QUOTED}.{QUOTED} (a INT NOT NULL, UNIQUE KEY (a)) ENGINE=InnoDB"
    with setting(lab.target, "sql_generate_invisible_primary_key", "ON"):
        assert lab.word(schema.invisible_keys) == "OK"
        with made(lab.source, f"CREATE DATABASE {QUOTED}", table, undo=f"DROP DATABASE {QUOTED}"):
            finding = lab.find(schema.invisible_keys)
            assert finding.blocks
            assert finding.result.evidence[1:] == ((ODD, ODD, "the target adds a key"),)
            lab.fixed_and_back(schema.invisible_keys)


def test_a_key_that_the_source_hides_blocks(lab: Lab) -> None:
    if not lab.source.version.mysql_from(8, 0, 30):
        pytest.skip("it has none")
    with made(
        lab.source,
        f"CREATE DATABASE {QUOTED}",
        "SET SESSION sql_generate_invisible_primary_key = ON",
        f"CREATE TABLE {QUOTED}.{QUOTED} (a INT) ENGINE=InnoDB",
        "SET SESSION sql_generate_invisible_primary_key = OFF",
        undo=f"DROP DATABASE {QUOTED}",
    ):
        assert lab.word(schema.invisible_keys) == "OK"
        with setting(lab.source, "show_gipk_in_create_table_and_information_schema", "OFF"):
            finding = lab.find(schema.invisible_keys)
            assert finding.blocks
            assert finding.result.evidence[1:] == ((ODD, ODD, "its key is not copied"),)
            lab.fixed_and_back(schema.invisible_keys)


PARENT = f"CREATE TABLE {QUOTED}.parent (a INT, b INT, c INT, UNIQUE KEY (a, b), KEY (c)) ENGINE=InnoDB"


def referring(name: str, columns: str, parent: str = f"{QUOTED}.parent", rule: str = "") -> str:
    """A table whose foreign key refers to columns of a parent."""
    own = ", ".join(f"{column.strip()} INT" for column in columns.split(","))
    return (
        f"CREATE TABLE {QUOTED}.`{name}` ({own}, CONSTRAINT `fk_{name}` FOREIGN KEY ({columns}) REFERENCES "
        f"{parent} ({columns}) {rule}) ENGINE=InnoDB"
    )


@contextlib.contextmanager
def odd_database(lab: Lab, *statements: str) -> Iterator[None]:
    """Made in a session that does not check what foreign keys refer to."""
    with made(lab.source, f"CREATE DATABASE {QUOTED}", undo=f"DROP DATABASE {QUOTED}"):
        with session(lab.source) as client:
            client.run("SET SESSION foreign_key_checks = 0")
            if lab.source.version.mysql_from(8, 4):
                client.run("SET SESSION restrict_fk_on_non_standard_key = OFF")
            for statement in statements:
                client.run(statement)
        yield


def test_foreign_keys_to_less_than_a_key_block_towards_mysql_8_4(lab: Lab) -> None:
    assert lab.word(foreign.targets) == "OK"
    with odd_database(lab, PARENT, referring("whole", "a, b"), referring("[part]", "a"), referring("plain", "c")):
        finding = lab.find(foreign.targets)
        if lab.target.version.mysql_from(8, 4):
            assert finding.blocks
            assert {row[1] for row in finding.result.evidence[1:]} == {"[part]", "plain"}
            lab.fixed_and_back(foreign.targets)
        else:
            assert finding.word == "OK"
    assert lab.word(foreign.targets) == "OK"


def test_a_foreign_key_whose_parent_stays_behind_blocks(lab: Lab) -> None:
    assert lab.word(foreign.parents) == "OK"
    refers = f"CREATE TABLE {QUOTED}.`[child]` (id INT, FOREIGN KEY (id) REFERENCES shop.orders (id)) ENGINE=InnoDB"
    with odd_database(lab, refers):
        assert lab.word(foreign.parents) == "OK"
        finding = lab.find(foreign.parents, databases=(ODD,))
    assert finding.blocks
    assert finding.result.evidence[1][:2] == (ODD, "[child]")
    assert finding.result.evidence[1][3] == "shop.orders (id)"


def test_a_foreign_key_without_a_sound_parent_is_told(lab: Lab) -> None:
    assert lab.word(foreign.sound) == "OK"
    with odd_database(lab, referring("[child]", "a", f"{QUOTED}.nowhere")):
        finding = lab.find(foreign.sound)
    assert (finding.word, finding.blocks) == ("NOTE", False)
    assert finding.result.evidence[1][1] == "[child]"
    assert finding.result.evidence[1][4] == "there is no such table"


def test_the_name_of_a_foreign_key_may_be_as_long_as_a_name(lab: Lab) -> None:
    assert lab.word(foreign.names) == "OK"
    child = f"CREATE TABLE {QUOTED}.child (a INT, FOREIGN KEY (a) REFERENCES {QUOTED}.parent (a)) ENGINE=InnoDB"
    with odd_database(lab, PARENT, child, f"RENAME TABLE {QUOTED}.child TO {QUOTED}.{'n' * 57}"):
        assert lab.word(foreign.names) == "OK"
    if lab.source.version.mysql_from(8, 0) or lab.source.version.mariadb:
        return
    with odd_database(lab, PARENT, child, f"RENAME TABLE {QUOTED}.child TO {QUOTED}.{'n' * 60}"):
        finding = lab.find(foreign.names)
        assert [row[1] for row in lab.find(reparse.objects_accepted).result.evidence[1:]] == [f"{ODD}.{'n' * 60}"]
    assert finding.blocks
    assert finding.result.evidence[1][:2] == (ODD, "n" * 60)


def test_a_cascade_blocks_a_logical_copy_only(lab: Lab) -> None:
    assert foreign.cascades.severity_on(Route.NATIVE) is None
    logical = replace(lab.pair, route=Route.LOGICAL)
    assert run_check(logical, foreign.cascades).word == "OK"
    with (
        odd_database(lab, PARENT, referring("[child]", "a, b", rule="ON DELETE CASCADE"), referring("calm", "a, b")),
        account(lab.source, "reader", "SELECT ON *.*") as reader,
        contextlib.closing(Server(replace(lab.source.endpoint, account=reader))) as seen,
    ):
        finding = run_check(replace(logical), foreign.cascades)
        read = run_check(replace(logical, source=seen), foreign.cascades)
    assert finding.blocks
    assert [row[1] for row in finding.result.evidence[1:]] == ["[child]"]
    assert finding.result.evidence[1][4] == "CASCADE"
    assert read.word == ("UNKNOWN" if lab.source.version.mariadb else "FAIL")
    assert ("REFERENCES" in read.result.found) is lab.source.version.mariadb


def test_names_that_differ_in_capitals_do_where_the_target_tells_them_apart(lab: Lab) -> None:
    with odd_database(lab, f"CREATE TABLE {QUOTED}.Red (a INT)", f"CREATE VIEW {QUOTED}.red AS SELECT 1 AS a"):
        assert lab.word(names.by_capitals) == "OK"


def test_names_that_differ_in_capitals_block_where_the_target_does_not(tmp_path: Path) -> None:
    lowered = {"lower_case_table_names": "1"}
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(started("mariadb-10.11", tmp_path / "source"))
        second = stack.enter_context(started("mariadb-10.11", tmp_path / "target", name="target", options=lowered))
        source, target = (stack.enter_context(contextlib.closing(Server(one.endpoint()))) for one in (first, second))
        lab = make_lab(Two(source, target, GtidSet, (first, second)))
        stack.enter_context(odd_database(lab, f"CREATE TABLE {QUOTED}.Only (a INT)"))
        assert lab.word(names.by_capitals) == "OK"
        assert lab.word(reparse.objects_accepted) == "OK"
        source.change(f"CREATE TABLE {QUOTED}.`[Red]` (a INT)")
        source.change(f"CREATE VIEW {QUOTED}.`[red]` AS SELECT a FROM {QUOTED}.Only")
        finding = lab.find(names.by_capitals)
        assert finding.blocks
        assert finding.result.evidence[1:] == (("table", ODD, "[Red], [red]"),)


def test_the_old_names_of_utf8_are_known(lab: Lab) -> None:
    with odd_database(lab, f"CREATE TABLE {QUOTED}.t (a VARCHAR(9) CHARACTER SET utf8 COLLATE utf8_unicode_ci)"):
        finding = lab.find(schema.collations_known)
    if lab.source.version.mariadb and not lab.target.version.mariadb:
        # MySQL 5.7 does not know them as utf8mb3.
        assert finding.word == "FAIL"
    else:
        assert finding.word in ("OK", "-")


def test_tables_that_hold_more_than_rows_block(lab: Lab) -> None:
    if lab.source.version.mariadb:
        with made(lab.source, "CREATE SEQUENCE shop.`[red]`", undo="DROP SEQUENCE shop.`[red]`"):
            finding = lab.find(schema.only_rows)
            assert (finding.word, finding.blocks) == ("FAIL", True)
            assert finding.result.evidence[1:] == (("shop.[red]", "sequence"),)
    assert lab.word(schema.only_rows) in ("OK", "-")


def test_capitals_do_not_matter_where_both_servers_keep_them(lab: Lab) -> None:
    with made(lab.source, "CREATE TABLE shop.Capital (a INT PRIMARY KEY)", undo="DROP TABLE shop.Capital"):
        assert lab.word(parameters.lower_case_names) == "OK"
        assert lab.word(parameters.lower_case_setting) == "OK"
