"""What is said about a verification that has ended; no server is asked."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from migration.check_report import ServerSeen
from migration.verify.model import Difference, Doubt, Kind, Mode, Outcome, Verdict
from migration.verify_report import MOST_LINES, VerifyReport, outcome_lines

ORDERS = ("shop", "orders")
IDENTICAL = Outcome(Verdict.IDENTICAL, (), 0, (), 27, 1234567, 12.34)
DIFFERENCES = (
    Difference(ORDERS, Kind.CHANGED, (("id", "5"),), ("total", "note")),
    Difference(("shop", "log"), Kind.EXTRA, (), (), 7),
    Difference(("shop", "new"), Kind.MISSING, (), (), 0),
    Difference(ORDERS, Kind.MISSING, (("id", "12"), ("part", "b"))),
)
DIFFERENT = replace(IDENTICAL, verdict=Verdict.DIFFERENT, differences=DIFFERENCES, found=4)


def report(outcome: Outcome, *only_on_target: str) -> VerifyReport:
    seen = ServerSeen("source", "10.0.0.1:3306", "MySQL 5.7.44", "admin", True)
    return VerifyReport("2026-11-21T22:17:47+00:00", seen, seen, ("shop",), "", only_on_target, outcome)


def test_identical() -> None:
    assert list(report(IDENTICAL).lines()) == [
        "IDENTICAL   source and target hold the same rows",
        "            27 tables, 1,234,567 rows compared byte for byte in 12.3 s",
    ]


def test_different_rows_stand_below_their_tables() -> None:
    assert list(report(replace(DIFFERENT, reread=31, redone=1)).lines()) == [
        "DIFFERENT   4 differences between source and target",
        "            27 tables, 1,234,567 rows compared byte for byte in 12.3 s; "
        "31 rows that had changed and 1 table again",
        "  shop.log",
        "    (no key)  only on the target (7 equal rows)",
        "  shop.new",
        "    (the table)  missing on the target",
        "  shop.orders",
        "    id = 12, part = b  missing on the target",
        "    id = 5             changed: total, note",
    ]


def test_many_rows_are_cut_off_with_their_number() -> None:
    rows = tuple(Difference(ORDERS, Kind.EXTRA, (("id", f"{number:04}"),)) for number in range(MOST_LINES + 50))
    lines = list(outcome_lines(replace(DIFFERENT, differences=rows, found=9000)))
    assert len(lines) == 2 + 1 + MOST_LINES + 1
    assert lines[-1] == f"  and {9000 - MOST_LINES:,} more"


def test_what_is_not_proved_and_what_is_proved_more_weakly() -> None:
    doubts = (
        Doubt(None, "the target's log cannot be read", unproved=False),
        Doubt(ORDERS, "it has no engine"),
    )
    lines = list(outcome_lines(replace(IDENTICAL, verdict=Verdict.UNPROVED, doubts=doubts, tables=1, rows=1)))
    assert lines[0] == "UNPROVED    it could not be proved that source and target hold the same rows"
    assert "1 table, 1 row compared" in lines[1]
    assert lines[2:] == [
        "NOT PROVED  shop.orders: it has no engine",
        "WEAKER      all tables: the target's log cannot be read",
    ]


def test_a_difference_is_said_even_where_something_else_is_not_proved() -> None:
    both = replace(DIFFERENT, doubts=(Doubt(ORDERS, "why"),))
    assert next(outcome_lines(both)).endswith("target, and not everything is proved")
    assert next(outcome_lines(replace(both, verdict=Verdict.UNPROVED))).endswith("; 4 differences so far")


def test_a_hash_says_what_it_may_miss() -> None:
    lines = list(outcome_lines(replace(IDENTICAL, mode=Mode.HASH, miss=2.3e-10)))
    assert "compared by checksums, a miss has a probability of 2.3e-10, in" in lines[1]
    lines = list(outcome_lines(replace(IDENTICAL, miss=5.4e-20)))
    assert "compared byte for byte, some tables by checksums, a miss has a probability of 5.4e-20, in" in lines[1]


def test_databases_that_were_not_looked_at_are_named() -> None:
    assert list(report(IDENTICAL, "old", "test").lines())[-1].endswith("does not have them: old, test")


def test_the_document() -> None:
    doubts = (Doubt(None, "weak", unproved=False), Doubt(ORDERS, "no"))
    body = json.loads(json.dumps(report(replace(DIFFERENT, doubts=doubts), "old").to_json()))
    assert (body["format"], body["version"], body["verdict"], body["mode"]) == (
        "cutover-verify",
        1,
        "different",
        "exact",
    )
    assert (body["tables"], body["rows"], body["found"], body["miss"], body["seconds"]) == (27, 1234567, 4, 0.0, 12.34)
    assert body["servers"]["target"]["address"] == "10.0.0.1:3306"
    assert (body["databases"], body["pattern"], body["only_on_target"]) == (["shop"], "", ["old"])
    assert body["differences"][0] == {
        "database": "shop",
        "table": "orders",
        "kind": "changed",
        "key": {"id": "5"},
        "columns": ["total", "note"],
        "rows": 1,
    }
    assert body["doubts"] == [
        {"database": None, "table": None, "reason": "weak", "unproved": False},
        {"database": "shop", "table": "orders", "reason": "no", "unproved": True},
    ]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_verdict_is_the_first_word(verdict: Verdict) -> None:
    assert next(outcome_lines(replace(IDENTICAL, verdict=verdict))).split()[0] == verdict.name
