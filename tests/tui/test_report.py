"""The report as one file: it parses, loads nothing, runs nothing, and says what servers said as text."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tui_stories import BINLOG_FIX, KEY_FIX, Clock, Teller, finding

from migration.check import Fix, Verdict
from migration.journal import Kind
from migration.model import Side
from migration.report import Report
from migration.report_chart import lag_chart
from migration.report_html import to_html
from migration.view import LagSample
from tui.opening import export_report

CUTOVER = str(Path(sys.executable).with_name("cutover"))
EVIL = '<script>alert(1)</script> </td></table><img src=x onerror=y> "& \x1b[2J\x00 \u202egnp.exe 表 e\u0301 \ud800 ]]>'


class Parser(HTMLParser):
    """Every element and attribute, and whether each element was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parsed(page: str) -> Parser:
    parser = Parser()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser


@pytest.fixture
def teller(clock: Clock) -> Iterator[Teller]:
    made = Teller(clock)
    made.after()
    yield made
    made.close()


def assert_harmless(page: str) -> None:
    found = parsed(page)
    assert {tag for tag, _ in found.elements} <= {
        "html", "head", "meta", "title", "style", "body", "h1", "h2", "h3", "p", "table", "thead", "tbody", "tr", "th",
        "td", "span", "code", "svg", "line", "rect", "text", "polyline",
    }  # fmt: skip
    for _, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href", "action", "style")]
    style = re.search("<style>(.*?)</style>", page, re.DOTALL)
    assert style is not None
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "//" not in re.sub("<style>.*?</style>", "", page, flags=re.DOTALL)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", page)


def test_it_tells_the_migration_and_draws_the_lag(teller):
    page = to_html(Report(teller.path))
    assert_harmless(page)
    text = " ".join(parsed(page).texts)
    for words in ("orders-db, 10.2.0.10:3306, 8.0.36", "switched at", "prove the rows equal", "0 unknown",
                  "worst 7.1 s", "the limit is 5 s", "1 cutover: switched"):  # fmt: skip
        assert words in text, words
    [line] = [attributes for tag, attributes in parsed(page).elements if tag == "polyline"]
    points = [tuple(map(float, point.split(","))) for point in str(line["points"]).split()]
    assert len(points) > 100
    # The worst of the readings is above the limit's line, and the line goes from left to right.
    limit = next(a for tag, a in parsed(page).elements if tag == "line" and a["class"] == "limit")
    assert min(y for _, y in points) < float(str(limit["y1"])) < max(y for _, y in points)
    assert [x for x, _ in points] == sorted(x for x, _ in points)


def test_text_of_a_server_stays_text(teller):
    fix = Fix(Side.SOURCE, f"SET x = {EVIL}", EVIL, EVIL, EVIL, EVIL, EVIL)
    rows = ((EVIL,), (EVIL,))
    teller.scribe.finding(finding("evil", EVIL, Verdict.FAILED, EVIL, remedy=EVIL, fixes=(fix,), evidence=rows))
    teller.scribe.fix("evil", "made", fix)
    teller.scribe.statement("orders-db", "copy", f"CREATE TABLE {EVIL}", 1)
    decision = {"choice": "waive", "typed": "", "reason": EVIL, "shown": ""}
    teller.journal.append(Kind.DECISION, "evil", decision, actor="<b>eve</b>@h")
    for report in (Report(teller.path), Report.masked(teller.path)):
        page = to_html(report)
        assert_harmless(page)
        page.encode()
    assert "<script>alert(1)</script>" in "".join(parsed(to_html(Report(teller.path))).texts)


def test_it_is_masked_unless_asked_for_otherwise(teller):
    teller.scribe.statement("orders-db", "copy", "CREATE TABLE `crm`.`payroll` (id int)", 1)
    report = Report.masked(teller.path)
    told = json.dumps(report.to_json(), default=str)
    for document in (to_html(report), report.to_markdown(), told):
        assert not [one for one in ("orders", "10.2.0", "migrator", "payroll", "app-eu", "alice") if one in document]
        assert "host-1" in document
        assert "CREATE TABLE …" in document or "CREATE TABLE \\u2026" in document
    assert "crm`.`payroll" in to_html(Report(teller.path))


def test_the_undo_of_each_change_can_be_read_whole_with_unmasked_only(teller):
    """What the completion screen says of the report."""
    taken_back = replace(KEY_FIX, side=Side.TARGET)
    for fix, states in ((BINLOG_FIX, ("applying", "applied")), (taken_back, ("applied", "undoing", "undone"))):
        for state in states:
            teller.scribe.fix("binlog_format", state, fix)
    for page in (Report(teller.path).to_markdown(), unescape(to_html(Report(teller.path)))):
        section = page.partition("Changes made for checks")[2]
        assert BINLOG_FIX.undo in section
        assert "MIXED → ROW" in section
        assert "stays" in section.partition(KEY_FIX.setting)[0]
        assert "taken back" in section.partition(KEY_FIX.setting)[2]
    assert BINLOG_FIX.undo not in Report.masked(teller.path).to_markdown()


def test_the_key_writes_the_same_as_the_command(teller):
    assert export_report(teller.path).read_text() == to_html(Report.masked(teller.path))


def sample(at: float, lag_s: float | None) -> LagSample:
    return LagSample(at, lag_s, False, "position", "", None, None, "", None, None)


samples = st.lists(st.tuples(st.floats(0, 30), st.none() | st.floats(0, 1e6)), min_size=1, max_size=40)


@given(samples, st.floats(0.1, 1e4))
def test_any_history_is_drawn_inside_of_the_drawing(steps, limit_s):
    at, lag = 1_795_000_000.0, []
    for after, lag_s in steps:
        at += after
        lag.append(sample(at, lag_s))
    page = lag_chart(lag, limit_s, ())
    for tag, attributes in parsed(page).elements:
        points = str(attributes["points"]).split() if tag == "polyline" else []
        for x, y in (point.split(",") for point in points):
            assert 50 <= float(x) <= 752
            assert 13 <= float(y) <= 211
    known = sum(one.lag_s is not None for one in lag)
    assert ("<polyline" in page) == (known > 0)
    assert ('class="unknown"' in page) or known == len(lag)


def test_where_the_lag_was_not_known_there_is_no_line():
    lag = [sample(1000.0 + n, None if 10 <= n < 20 else 1.0) for n in range(30)] + [sample(1060.0, 1.0)]
    page = lag_chart(lag, 5.0, ())
    # One stretch without a figure, and one without any reading at all.
    assert page.count('class="unknown"') == 2
    assert page.count("<polyline") == 3
    assert lag_chart([], 5.0, ()) == ""


def test_the_command_writes_each_format(teller, tmp_path):
    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([CUTOVER, "report", "orders-2026-11", *more], capture_output=True, text=True, timeout=60)

    out = tmp_path / "r.html"
    assert run("--format", "html", "--out", str(out)).returncode == 0
    assert_harmless(out.read_text())
    assert "orders" not in out.read_text()
    assert "orders-db" in run("--unmasked").stdout
    assert "# Migration migration-" in run().stdout
    assert json.loads(run("--json").stdout)["migration"]["source"]["name"] == "host-1"
    refused = run("--json", "--format", "html")
    assert (refused.returncode, refused.stderr) == (2, "cutover: --json is --format json; give one of them.\n")
