"""Checks of what runs on the source and what is in its databases: each tripped, and cured."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import pytest

from migration.checks import activity, parameters, schema
from migration.model import Limits
from providers.mysql.errors import ServerError
from tests.migration.checks.lab import Lab, made, session
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
    assert {row[:2] for row in finding.result.evidence[1:]} == {
        (ODD, ODD), (ODD, "unique_with_null"), (ODD, "only_an_index"),
    }  # fmt: skip


def test_tables_of_another_engine_are_named(lab: Lab) -> None:
    assert lab.word(schema.engines) == "OK"
    tables = (f"CREATE TABLE {QUOTED}.{QUOTED} (a INT PRIMARY KEY) ENGINE=MyISAM",)
    with made(lab.source, f"CREATE DATABASE {QUOTED}", *tables, undo=f"DROP DATABASE {QUOTED}"):
        finding = lab.find(schema.engines)
    assert finding.word == "WARN"
    assert finding.result.evidence[1][:3] == (ODD, ODD, "MyISAM")


def test_tables_that_hold_more_than_rows_block(lab: Lab) -> None:
    if lab.source.version.mariadb:
        with made(lab.source, "CREATE SEQUENCE shop.`[red]`", undo="DROP SEQUENCE shop.`[red]`"):
            finding = lab.find(schema.only_rows)
            assert (finding.word, finding.blocks) == ("FAIL", True)
            assert finding.result.evidence[1:] == (("shop.[red]", "sequence"),)
    assert lab.word(schema.only_rows) in ("OK", "-")


def test_triggers_are_told(lab: Lab) -> None:
    assert lab.word(schema.triggers) == "OK"
    trigger = f"CREATE TRIGGER shop.{QUOTED} BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = 'x'"
    with made(lab.source, trigger, undo=f"DROP TRIGGER shop.{QUOTED}"):
        finding = lab.find(schema.triggers)
    assert (finding.word, finding.blocks) == ("NOTE", False)
    assert finding.result.evidence[1][:5] == ("shop", ODD, "orders", "BEFORE", "INSERT")


def test_events_that_are_switched_on_are_named(lab: Lab) -> None:
    assert lab.word(schema.events) == "OK"
    event = f"CREATE EVENT shop.{QUOTED} ON SCHEDULE EVERY 1 DAY DO SELECT 1"
    with made(lab.source, event, undo=f"DROP EVENT shop.{QUOTED}"):
        finding = lab.find(schema.events)
        lab.source.change(f"ALTER EVENT shop.{QUOTED} DISABLE")
        assert lab.word(schema.events) == "OK"
    assert finding.word == "NOTE"
    assert finding.result.evidence[1][:3] == ("shop", ODD, "ENABLED")


def test_capitals_do_not_matter_where_both_servers_keep_them(lab: Lab) -> None:
    with made(lab.source, "CREATE TABLE shop.Capital (a INT PRIMARY KEY)", undo="DROP TABLE shop.Capital"):
        assert lab.word(parameters.lower_case_names) == "OK"
        assert lab.word(parameters.lower_case_setting) == "OK"
