"""Names under aliases: which are found, which stay, and that every reader gives the same alias."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from migration.check import Finding, Fix, Result, Severity, Verdict
from migration.journal import Journal, Kind
from migration.masking.fields import masked, masked_view
from migration.masking.journal import JournalNames
from migration.masking.names import NameKind, Names, is_own_word
from migration.model import MigrationSpec, ServerSpec, Side
from migration.records import Scribe
from migration.sessions import create
from migration.view import ClientView, MigrationView
from migration.watch import Watch

SPEC = MigrationSpec(
    "acme-2026",
    "mysql_replication",
    "PROD",
    ServerSpec("acme-db7", "db7.acme.example", 3306, "acme_admin", "acme_repl"),
    ServerSpec("acme-new", "10.77.3.9", 3306, "acme_admin", "acme_repl"),
)


def known(*names: str) -> Names:
    book = Names()
    for name in names:
        book.alias(NameKind.TABLE, name)
    return book


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Table 'crm.payroll' doesn't exist", "Table 'db-1.table-1' doesn't exist"),
        ("Unknown database 'payroll'", "Unknown database 'name-1'"),
        ("Access denied for user 'bob'@'10.1.2.3' (using password: YES)",
         "Access denied for user 'user-1'@'host-1' (using password: YES)"),
        ("bob@db.acme.example:3306 is gone", "user-1@host-1:3306 is gone"),
        ("`crm`.`pay``roll` has no key", "`db-1`.`table-1` has no key"),
        ("Duplicate entry 'Jane Doe' for key 'PRIMARY'", "Duplicate entry '…' for key 'PRIMARY'"),
        ("it is at 10.1.2.3:3307 and fe80::1", "it is at host-1:3307 and host-2"),
        ("at orders-db-bin.000012:4, gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5",
         "at binlog.000012:4, gtid id-1:1-5"),
        ("see /home/bob/acme/journal.db", "see (name of a file)"),
        ("ask https://bob:secret@acme.example/x", "ask https://…"),
        ("run `cutover resume acme-2026`", "run `cutover resume acme-2026`"),
        # What says nothing of anybody stays.
        ("lag 7.2 s is above 5 s; 8.0.36 → 8.4.2; 22:17:47Z", "lag 7.2 s is above 5 s; 8.0.36 → 8.4.2; 22:17:47Z"),
        ("the source's rows and the target's differ", "the source's rows and the target's differ"),
        ("'root'@'localhost' reads mysql.user on 127.0.0.1", "'user-1'@'localhost' reads mysql.user on 127.0.0.1"),
        ("ON / ON, 950 tx/s, binlog_format is ROW", "ON / ON, 950 tx/s, binlog_format is ROW"),
        ("'binlog_format' is 'source' and 'ON'", "'binlog_format' is 'source' and 'ON'"),
    ],
)  # fmt: skip
def test_names_are_found_by_their_shape(said, shown):
    assert Names().text(said) == shown


def test_a_known_name_is_found_wherever_it_stands():
    book = known("payroll", "顧客表", "o'neil", "[b]x", "pay")
    said = "copying payroll: payroll_old, PAYROLL; 顧客表です; o'neil's, [b]x and pay, not paying"
    shown = "copying table-1: table-1_old, table-1; table-2です; table-3's, table-4 and table-5, not paying"
    assert book.text(said) == shown


def test_a_name_that_is_a_word_of_ours_stays_a_word_and_is_masked_as_a_name():
    book = known("source", "s", "2024", "shop")
    assert (
        book.text("the source has 4 s; source.shop, `source`.`t`")
        == "the source has 4 s; table-1.table-4, `table-1`.`table-5`"
    )
    assert book.text("in 2024 nothing") == "in 2024 nothing"


def test_masking_twice_is_masking_once():
    book = known("payroll")
    once = book.text("payroll of crm.payroll at 10.1.2.3 by bob@h9, `a`.`b`, /a/b/c, x-bin.000001")
    assert book.text(once) == once


identifiers = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp"), exclude_characters="`'\"@.:/"), min_size=2
).filter(lambda name: not is_own_word(name))


@given(identifiers, identifiers)
@example("Straße", "STRASSE")
@example("İstanbul", "x(")
def test_what_the_server_quotes_is_never_in_the_sentence(base, table):
    book = Names()
    for said in (f"Table '{base}.{table}' is full", f"`{base}`.`{table}` is full"):
        found = book.text(said)
        rest = found.replace("Table", "").replace("is full", "")
        for alias in ("db-", "table-", "name-", "host-", "user-"):
            rest = rest.replace(alias, "")
        assert base not in rest
        assert table not in rest


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("CREATE TABLE `crm`.`payroll` (id int)", "CREATE TABLE …"),
        ("SET GLOBAL super_read_only = ON", "SET GLOBAL super_read_only …"),
        ("DROP TABLE PAYROLL", "DROP TABLE …"),
        ("acme-db7: FLUSH TABLES WITH READ LOCK", "host-1: FLUSH TABLES WITH READ LOCK …"),
        ("aws rds promote-read-replica --db acme", "…"),
        ("PAYROLL", "…"),
    ],
)
def test_of_a_statement_only_its_verbs_are_left(sql, shown):
    assert Names().statement(sql) == shown


def test_evidence_is_masked_by_what_stands_above_it():
    rows = (
        ("database", "table", "rows, estimated", "what"),
        ("crm", "payroll", "4118", "no key"),
        ("crm", "payroll", "1", "acme"),
    )
    found = masked(Finding("x", "x", Side.SOURCE, Severity.NOTICE, "", "", Result(Verdict.FAILED, "", rows)), Names())
    assert found.result.evidence == (
        rows[0],
        ("db-1", "table-1", "4118", "no key"),
        ("db-1", "table-1", "1", "acme"),
    )
    unknown = (("thing",), ("payroll",), ("4118",), ("source",))
    seen = masked(dataclasses.replace(found.result, evidence=unknown), Names())
    assert seen.evidence == (("thing",), ("name-1",), ("4118",), ("source",))


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CUTOVER_STATE", str(tmp_path))
    return create(SPEC)


def tell(path: Path, live: JournalNames) -> MigrationView:
    """A journal with names in every corner, followed by a reader all the while."""
    journal = Journal(path)
    scribe = Scribe(journal)
    fix = Fix(
        Side.SOURCE, "ALTER TABLE `crm`.`tags` ADD KEY (x)", "", "key of crm.tags", "none", "x", "crm.tags is read"
    )
    result = Result(Verdict.FAILED, "crm.tags", (("database", "table"), ("crm", "payroll")), "", (fix,))
    waived = {"choice": "waive", "typed": "", "reason": "as acme-db7 is", "shown": ""}
    steps = (
        lambda: scribe.clients([ClientView("acme_shop", "10.77.9.9", 1, 0)]),
        lambda: scribe.finding(Finding("keys", "keys", Side.SOURCE, Severity.WARNING, "", "", result)),
        lambda: scribe.statement("acme-db7", "copy", "CREATE DATABASE `billing_eu`", 1),
        lambda: scribe.note("acme-new: Table 'crm.old_tags' doesn't exist", "error"),
        lambda: scribe.progress("copy", done=1, total=2, unit="rows", note="crm.visits"),
        lambda: scribe.clients([ClientView("acme_cron", "h8.acme.example", 1, 0)]),
        lambda: journal.append(Kind.DECISION, "x", waived, actor="alice@bastion9"),
    )
    for step in steps:
        step()
        live.follow()
    journal.close()
    with Watch(path) as watch:
        return watch.view()


def test_a_reader_who_comes_later_gives_the_same_aliases(journal):
    live = JournalNames(journal)
    view = tell(journal, live)
    late = JournalNames(journal)
    assert masked_view(view, late.follow()) == masked_view(view, live.names)
    assert late.names._aliases == live.names._aliases
    late.close()
    live.close()


def test_no_name_is_left_in_the_view(journal):
    live = JournalNames(journal)
    shown = repr(masked_view(tell(journal, live), live.names))
    planted = ("acme", "payroll", "billing", "crm", "tags", "visits", "10.77", "alice", "bastion9", "example")
    assert [name for name in planted if name in shown] == []
    assert "host-1" in shown
    live.close()


def test_the_alias_of_the_confirming_word_leads_back_to_the_name(journal):
    live = JournalNames(journal)
    names = live.follow()
    assert names.label("acme-db7") == "host-1"
    assert names.real("host-1") == "acme-db7"
    assert names.real("complete") == "complete"
    live.close()
