"""Checks of what goes on on the source right now, beyond transactions and statements: each tripped, and cured."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import pytest

from migration.check import Route
from migration.checks import activity, again_on_route
from migration.checks.run import run_checks
from migration.model import Limits
from providers.mysql.errors import ServerError
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, made, session
from tests.support.waiting import until

SHORT = Limits(lock_wait_s=1)
OLD = "`we\"[red]'`"
ODD_TABLE = "`_we\"[red]'_gho`"


def test_tables_of_gh_ost_are_found(lab: Lab) -> None:
    assert lab.word(activity.schema_change) == "OK"
    with made(
        lab.source,
        f"CREATE TABLE shop.{ODD_TABLE} (a INT PRIMARY KEY)",
        "CREATE TABLE shop._orders_ghc (a INT PRIMARY KEY)",
        undo=f"DROP TABLE shop.{ODD_TABLE}, shop._orders_ghc",
    ):
        finding = lab.find(activity.schema_change)
        assert finding.word == "WARN"
        assert sorted(finding.result.evidence[1:]) == [
            ("shop", "_orders_ghc", "gh-ost"), ("shop", "_we\"[red]'_gho", "gh-ost")
        ]  # fmt: skip
    assert lab.word(activity.schema_change) == "OK"


def test_tables_of_pt_online_schema_change_are_found_by_their_triggers(lab: Lab) -> None:
    trigger = "CREATE TRIGGER shop.pt_osc_shop_orders_ins AFTER INSERT ON shop.orders FOR EACH ROW SET @a = 1"
    with made(lab.source, "CREATE TABLE shop._orders_new (a INT PRIMARY KEY)", undo="DROP TABLE shop._orders_new"):
        assert lab.word(activity.schema_change) == "OK"
        with made(lab.source, trigger, undo="DROP TRIGGER shop.pt_osc_shop_orders_ins"):
            finding = lab.find(activity.schema_change)
            assert finding.result.evidence[1:] == (("shop", "_orders_new", "pt-online-schema-change"),)
    assert lab.word(activity.schema_change) == "OK"


def test_tables_with_such_names_that_no_tool_made_are_left_alone(lab: Lab) -> None:
    with made(
        lab.source,
        "CREATE TABLE shop.orders_gho (a INT PRIMARY KEY)",
        "CREATE TABLE shop._orders_del (a INT PRIMARY KEY)",
        "CREATE TABLE shop.Xnew (a INT PRIMARY KEY)",
        undo="DROP TABLE shop.orders_gho, shop._orders_del, shop.Xnew",
    ):
        assert lab.word(activity.schema_change) == "OK"


def in_background(server: Server, sql: str) -> threading.Thread:
    """Run a statement that takes long, or waits; that it is ended in the end is no fault."""

    def run() -> None:
        try:
            with session(server) as client:
                client.run(sql)
        except ServerError:
            pass

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_forgotten_lock_is_found_by_those_that_wait_for_it(lab: Lab) -> None:
    assert lab.word(activity.locks_held) == "OK"
    with session(lab.source) as holder:
        holder.run("LOCK TABLES shop.orders WRITE")
        waiter = in_background(lab.source, "UPDATE shop.orders SET note = 'hunter2' WHERE id = 1")
        finding = lab.find_until("WARN", activity.locks_held, SHORT)
        holder.run("UNLOCK TABLES")
    waiter.join()
    assert finding.result.found == "1 session waits"
    assert finding.result.evidence[1][0] == "waits"
    assert "lock" in finding.result.evidence[1][3]
    assert "hunter2" not in str(finding.to_json())
    lab.find_until("OK", activity.locks_held, SHORT)


def test_a_global_read_lock_is_found_by_those_that_wait_for_it(lab: Lab) -> None:
    with session(lab.source) as holder:
        holder.run("FLUSH TABLES WITH READ LOCK")
        waiter = in_background(lab.source, "UPDATE shop.orders SET note = 'x' WHERE id = 1")
        finding = lab.find_until("WARN", activity.locks_held, SHORT)
        holder.run("UNLOCK TABLES")
    waiter.join()
    assert finding.result.evidence[1][0] == "waits"
    lab.find_until("OK", activity.locks_held, SHORT)


def test_administrators_that_pass_read_only_are_named(lab: Lab) -> None:
    if lab.source.dialect.has_super_read_only:
        assert lab.word(activity.administrators) == "-"
        assert lab.word(activity.administrators_at_work) == "-"
        return
    power = "READ ONLY ADMIN ON *.*" if lab.source.version.mariadb else "SUPER ON *.*"
    with account(lab.source, "clerk", "ALL ON shop.*") as clerk, session(lab.source, clerk) as working:
        working.run("BEGIN; UPDATE shop.orders SET note = 'y' WHERE id = 2")
        assert lab.word(activity.administrators) == "OK"
        with account(lab.source, "d[red]ba", power, "ALL ON shop.*") as dba, session(lab.source, dba) as boss:
            finding = lab.find(activity.administrators)
            assert (finding.word, finding.result.evidence[1]) == ("WARN", ("d[red]ba", "127.0.0.1", "1"))
            boss.run("SHOW GLOBAL STATUS")
            assert lab.word(activity.administrators_at_work) == "OK"
            boss.run("BEGIN; UPDATE shop.orders SET note = 'hunter2' WHERE id = 1")
            finding = lab.find_until("WARN", activity.administrators_at_work)
            assert finding.result.evidence[1][:3] == (str(boss.thread_id), "d[red]ba", "127.0.0.1")
            boss.run("ROLLBACK")
            lab.find_until("OK", activity.administrators_at_work)
        working.run("ROLLBACK")
    assert lab.word(activity.administrators) == "OK"


def test_an_administrator_through_a_role_is_one(lab: Lab) -> None:
    if not lab.source.version.mariadb:
        return
    with (
        made(lab.source, "CREATE ROLE keepers", "GRANT READ ONLY ADMIN ON *.* TO keepers", undo="DROP ROLE keepers"),
        account(lab.source, "member") as member,
        made(lab.source, "GRANT keepers TO 'member'@'%'", undo="DO 0"),
        session(lab.source, member),
    ):
        assert lab.find(activity.administrators).result.evidence[1][0] == "member"


def test_an_event_that_runs_for_long_is_found(lab: Lab) -> None:
    assert lab.word(activity.events_running) == "OK"
    before = lab.source.variable("event_scheduler") or "OFF"
    event = "CREATE EVENT shop.`[red]'` ON SCHEDULE AT CURRENT_TIMESTAMP DO SELECT 'hunter2', SLEEP(60)"
    with (
        made(lab.source, "SET GLOBAL event_scheduler = ON", undo=f"SET GLOBAL event_scheduler = {before}"),
        made(lab.source, event, undo="DROP EVENT IF EXISTS shop.`[red]'`"),
    ):
        finding = lab.find_until("WARN", activity.events_running, SHORT)
        number, user, database, *_, statement = finding.result.evidence[1]
        assert (user, database) == (lab.source.endpoint.account.user, "shop")
        assert "hunter2" not in statement
        lab.source.change(f"KILL {number}")
        lab.find_until("OK", activity.events_running, SHORT)


def test_a_long_history_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lab.word(activity.history_list) == "OK"
    # A million old versions take minutes to make.
    monkeypatch.setattr(activity, "_LONG_HISTORY", -1)
    finding = lab.find(activity.history_list)
    assert (finding.word, finding.blocks) == ("NOTE", False)


def writing(server: Server, stop: threading.Event) -> None:
    with session(server) as client:
        number = 100
        while not stop.is_set():
            number += 1
            client.run(f"BEGIN; INSERT INTO arrived.t VALUES ({number}, 1); UPDATE arrived.t SET v = 2; COMMIT")


def test_the_gates_checks_are_quick_and_silent_while_clients_write_and_replication_runs(arrived: Lab) -> None:
    """What holds the operator up at the gate must be something that is in the way."""
    chosen = again_on_route(Route.NATIVE)
    stop = threading.Event()
    writer = threading.Thread(target=writing, args=(arrived.source, stop))
    writer.start()
    try:
        until(lambda: arrived.source.value("SELECT COUNT(*) FROM arrived.t") or None, "a row is there")
        took = []
        for _ in range(5):
            began = time.monotonic()
            findings = list(run_checks(replace(arrived.pair), chosen))
            took.append(time.monotonic() - began)
            assert [(f.check, f.result.found) for f in findings if f.word not in ("OK", "-")] == []
    finally:
        stop.set()
        writer.join()
    assert min(took) < 1.0
