"""docs/checks.md is what the catalogue says."""

from __future__ import annotations

import runpy
from pathlib import Path

from migration import runbooks
from migration.checks import of_topic

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_what_its_script_writes() -> None:
    page = runpy.run_path(str(DOCS / "make_checks.py"))["page"]()
    assert (DOCS / "checks.md").read_text(encoding="utf-8") == page, "run: python docs/make_checks.py"


def test_every_check_is_one_row_of_the_page() -> None:
    rows = [line for line in (DOCS / "checks.md").read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    every = runpy.run_path(str(DOCS / "make_checks.py"))["EVERY"]
    checks = [check for topic in every for check in of_topic(topic)]
    assert [line.split("`")[1] for line in rows] == [check.id for check in checks]


def test_every_check_of_every_runbook_has_its_row() -> None:
    page = (DOCS / "checks.md").read_text(encoding="utf-8")
    for name in runbooks.names():
        book = runbooks.find(name)
        assert all(f"| `{check.id}` |" in page for check in (*book.checks, *book.activity)), name
