"""Checks of views, routines, triggers and events: each tripped, and what is set aside made again as it was."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest

from migration.check import Check, Finding, Fix, Route
from migration.checks import objects, stored
from migration.checks.run import run_check
from providers.mysql.errors import PrivilegeMissing
from providers.mysql.literals import quote_name
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, made, session

ODD = "we`ird \"[red]' \n;db"
QUOTED = "`" + ODD.replace("`", "``") + "`"
UNUSUAL = ("a`b", "a'b\"c", "[red]", "two\nlines", "ünï ‮cod", "n" * 64)


def logically(lab: Lab, check: Check) -> Finding:
    return run_check(replace(lab.pair, route=Route.LOGICAL), check)


def run(server: Server, fix: Fix, statement: str) -> None:
    with session(server) as client:
        for line in fix.session:
            client.run(line)
        client.run(statement)


def described(server: Server, kind: str, names: list[str]) -> list[dict[str, object]]:
    """What the server says of objects in shop, but for the moment they were made at."""
    rows = [server.named(f"SHOW CREATE {kind} shop.{quote_name(name)}")[0] for name in names]
    return [{key: value for key, value in row.items() if key != "Created"} for row in rows]


def test_triggers_are_told(lab: Lab) -> None:
    assert lab.word(stored.triggers) == "OK"
    trigger = f"CREATE TRIGGER shop.{QUOTED} BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = 'x'"
    with made(lab.source, trigger, undo=f"DROP TRIGGER shop.{QUOTED}"):
        finding = lab.find(stored.triggers)
    assert (finding.word, finding.blocks, finding.result.fixes) == ("NOTE", False, ())
    assert finding.result.evidence[1][:4] == ("shop", ODD, "orders", "BEFORE INSERT")
    assert lab.word(stored.triggers) == "OK"


def test_triggers_block_a_logical_copy_and_can_be_set_aside(lab: Lab) -> None:
    assert logically(lab, stored.triggers).word == "OK"
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(session(lab.source))
        client.run("USE shop")
        for number, name in enumerate(UNUSUAL):
            client.run(f"SET SESSION sql_mode = '{'ANSI_QUOTES' if number % 2 else 'NO_BACKSLASH_ESCAPES'}'")
            client.run(f"SET NAMES {'latin1' if number == 1 else 'utf8mb4'}")
            event = ("INSERT", "UPDATE", "DELETE")[number % 3]
            client.run(
                f"CREATE TRIGGER {quote_name(name)} {'AFTER' if number < 3 else 'BEFORE'} {event} ON orders "
                f"FOR EACH ROW SET @seen = '\\\\{'é' if number != 1 else 'e'} ; it''s 100%'"
            )
            stack.callback(lab.source.change, f"DROP TRIGGER IF EXISTS shop.{quote_name(name)}")
        before = described(lab.source, "TRIGGER", list(UNUSUAL))
        finding = logically(lab, stored.triggers)
        assert (finding.word, finding.blocks, len(finding.result.fixes)) == ("FAIL", True, len(UNUSUAL))
        assert all(fix.set_aside for fix in finding.result.fixes)
        for fix in finding.result.fixes:
            run(lab.source, fix, fix.statement)
        assert logically(lab, stored.triggers).word == "OK"
        for fix in reversed(finding.result.fixes):
            run(lab.source, fix, fix.undo)
        after = described(lab.source, "TRIGGER", list(UNUSUAL))
    if lab.target.version.mysql_from(8, 0) and not lab.source.version.mysql_from(8, 0):
        assert {row["sql_mode"] for row in after} == {row["sql_mode"] for row in before}
    assert [text(row) for row in after] == [text(row) for row in before]
    assert logically(lab, stored.triggers).word == "OK"


def text(row: dict[str, object]) -> dict[str, object]:
    """All but the name of the session's character set where it cannot be kept: that of text that is not ASCII."""
    kept = str(row.get("SQL Original Statement", row.get("Create Event"))).isascii()
    return {key: value for key, value in row.items() if kept or key != "character_set_client"}


def test_triggers_that_fire_together_come_back_in_their_order(lab: Lab) -> None:
    if not (lab.source.version.mysql_from(5, 7) or lab.source.version.mariadb):
        pytest.skip("one trigger for each moment before MySQL 5.7")
    with contextlib.ExitStack() as stack:
        for name, order in (("b", ""), ("a", ""), ("c", "PRECEDES b")):
            lab.source.change(
                f"CREATE TRIGGER shop.{name} BEFORE INSERT ON shop.orders FOR EACH ROW {order} SET @seen = '{name}'"
            )
            stack.callback(lab.source.change, f"DROP TRIGGER shop.{name}")
        order = "SELECT trigger_name, action_order FROM information_schema.triggers WHERE trigger_schema = 'shop'"
        before = sorted(lab.source.rows(order))
        fixes = logically(lab, stored.triggers).result.fixes
        for fix in fixes:
            run(lab.source, fix, fix.statement)
        for fix in reversed(fixes):
            run(lab.source, fix, fix.undo.replace(" PRECEDES b", " "))
        assert sorted(lab.source.rows(order)) == before


def test_what_is_set_aside_can_be_created_on_the_target(lab: Lab) -> None:
    trigger = "CREATE TRIGGER shop.`[red]` BEFORE INSERT ON shop.orders FOR EACH ROW SET NEW.note = 'é'"
    with made(lab.source, trigger, undo="DROP TRIGGER shop.`[red]`"):
        (fix,) = logically(lab, stored.triggers).result.fixes
    with made(
        lab.target,
        "CREATE DATABASE shop",
        "CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(80)) ENGINE=InnoDB",
        undo="DROP DATABASE shop",
    ):
        run(lab.target, fix, fix.undo)
        lab.target.change("INSERT INTO shop.orders VALUES (1, '')")
        assert lab.target.value("SELECT HEX(CONVERT(note USING utf8mb4)) FROM shop.orders") == "C3A9"


def test_events_that_are_switched_on_are_named(lab: Lab) -> None:
    assert lab.word(stored.events) == "OK"
    event = f"CREATE EVENT shop.{QUOTED} ON SCHEDULE EVERY 1 DAY DO SELECT 1"
    with made(lab.source, event, undo=f"DROP EVENT shop.{QUOTED}"):
        finding = lab.find(stored.events)
        lab.source.change(f"ALTER EVENT shop.{QUOTED} DISABLE")
        assert lab.word(stored.events) == "OK"
    assert (finding.word, finding.result.fixes) == ("NOTE", ())
    assert finding.result.evidence[1][:3] == ("shop", ODD, "ENABLED")


def test_events_block_a_logical_copy_and_can_be_set_aside(lab: Lab) -> None:
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(session(lab.source))
        for name in UNUSUAL:
            client.run("SET SESSION time_zone = '+05:30'")
            client.run("SET SESSION sql_mode = 'ANSI_QUOTES'")
            client.run(
                f"CREATE EVENT shop.{quote_name(name)} ON SCHEDULE EVERY 1 DAY STARTS '2031-01-01 00:00:00' "
                "COMMENT 'é [x] DISABLE' DO SET @a = 'é'"
            )
            stack.callback(lab.source.change, f"DROP EVENT shop.{quote_name(name)}")
        before = described(lab.source, "EVENT", list(UNUSUAL))
        finding = logically(lab, stored.events)
        assert (finding.word, len(finding.result.fixes)) == ("FAIL", len(UNUSUAL))
        for fix in finding.result.fixes:
            run(lab.source, fix, fix.statement)
        assert logically(lab, stored.events).word == "OK"
        for fix in reversed(finding.result.fixes):
            run(lab.source, fix, fix.undo)
        assert [text(row) for row in described(lab.source, "EVENT", list(UNUSUAL))] == [text(row) for row in before]
    assert logically(lab, stored.events).word == "OK"


def test_an_administrators_event_is_told_where_it_can_write_through_the_fence(lab: Lab) -> None:
    closed = lab.source.dialect.has_super_read_only
    event = "CREATE {} EVENT shop.`[tick]` ON SCHEDULE EVERY 1 DAY DO SELECT 1"
    with (
        account(lab.source, "clerk", "EVENT ON shop.*"),
        made(lab.source, event.format("DEFINER = 'clerk'@'%'"), undo="DROP EVENT shop.`[tick]`"),
    ):
        assert lab.word(stored.administrator_events) == ("-" if closed else "OK")
    with made(lab.source, event.format(""), undo="DROP EVENT shop.`[tick]`"):
        finding = lab.find(stored.administrator_events)
    assert finding.word == ("-" if closed else "NOTE")
    if not closed:
        assert finding.result.evidence[1][:2] == ("shop", "[tick]")


def test_a_definer_without_an_account_is_named(lab: Lab) -> None:
    assert lab.word(stored.definers) == "OK"
    with (
        account(lab.source, "cl[red]erk"),
        made(
            lab.source,
            "CREATE DEFINER = 'cl[red]erk'@'%' VIEW shop.v AS SELECT 1 AS a",
            "CREATE DEFINER = 'gh`ost'@'LocalHost' PROCEDURE shop.p () SELECT 1",
            "CREATE DEFINER = 'nobody'@'%' SQL SECURITY INVOKER VIEW shop.invoked AS SELECT 1 AS a",
            undo="DROP VIEW shop.v; DROP PROCEDURE shop.p; DROP VIEW shop.invoked",
        ),
    ):
        finding = lab.find(stored.definers)
        with account(lab.target, "cl[red]erk"), account(lab.target, "gh`ost", host="localhost"):
            rest = lab.find(stored.definers)
    assert (finding.word, finding.result.found) == ("WARN", "2 accounts are missing")
    assert [(row[0].lower(), *row[1:]) for row in finding.result.evidence[1:]] == [
        ("cl[red]erk@%", "1", "view shop.v", "there", "missing"),
        ("gh`ost@localhost", "1", "procedure shop.p", "missing", "missing"),
    ]
    assert [row[3:] for row in rest.result.evidence[1:]] == [("missing", "there")]
    assert "SET_USER_ID" not in finding.result.remedy


def test_an_account_that_may_create_nothing_for_others_is_told_so(lab: Lab) -> None:
    with (
        account(lab.target, "small", "SELECT ON *.*") as small,
        contextlib.closing(Server(replace(lab.target.endpoint, account=small))) as seen,
        made(lab.source, "CREATE DEFINER = 'ghost'@'%' VIEW shop.v AS SELECT 1 AS a", undo="DROP VIEW shop.v"),
    ):
        finding = run_check(replace(lab.pair, other=seen), stored.definers)
    assert finding.word == "WARN"
    assert "SET_USER_ID" in finding.result.remedy


def test_routines_whose_bodies_are_hidden_make_a_check_unknown(lab: Lab) -> None:
    with (
        made(lab.source, "CREATE PROCEDURE shop.p () SELECT 1", undo="DROP PROCEDURE shop.p"),
        account(lab.source, "halfblind", "SELECT ON shop.*", "EXECUTE ON *.*", "SHOW VIEW ON *.*") as low,
        contextlib.closing(Server(replace(lab.source.endpoint, account=low))) as seen,
    ):
        pair = replace(lab.pair, source=seen, spec=replace(lab.pair.spec, databases=("shop",)))
        with pytest.raises(PrivilegeMissing):
            objects.routines(pair)
    whole = replace(lab.pair)
    assert objects.routines(whole) == ()


def test_left_over_routines_are_told(lab: Lab) -> None:
    if lab.source.version.mysql_from(8, 0):
        assert lab.word(stored.orphaned_objects) == "-"
        return
    assert lab.word(stored.orphaned_objects) == "OK"
    with made(
        lab.source,
        "CREATE PROCEDURE shop.`[p]` () SELECT 1",
        "UPDATE mysql.proc SET db = 'gone' WHERE db = 'shop' AND name = '[p]'",
        undo="DELETE FROM mysql.proc WHERE db IN ('gone', 'shop') AND name = '[p]'",
    ):
        finding = lab.find(stored.orphaned_objects)
    assert finding.word == "NOTE"
    assert finding.result.evidence[1:] == (("procedure", "gone", "[p]"),)
