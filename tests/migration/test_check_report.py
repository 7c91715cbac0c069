"""The documents that programs read of a run of the checks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import JUnitXml, TestCase

from migration.check import Finding, Fix, Result, Route, Severity, Verdict
from migration.check_report import CheckReport, ServerSeen
from migration.checks import on_route
from migration.junit import write_junit
from migration.model import Positioning, Side

SOURCE = ServerSeen("source", "127.0.0.1:3306", "MySQL 5.6.24", "cutover", False)
FIX = Fix(Side.SOURCE, "SET GLOBAL a = 1", "SET GLOBAL a = 0", "a", "0", "1", "nobody")
IDS = [check.id for check in on_route(Route.NATIVE)]
EVIL = "[red]\x1b]0;owned\x07\x00\x9b\ud800\ufffe\u202e\r\n\t<&\"'>]]> 表 \U0001f600"


def finding(number: int, severity: Severity, verdict: Verdict, words: str = "found") -> Finding:
    evidence = ((words, "b"), (words, "2"))
    fixes = (FIX,) if verdict is Verdict.FAILED else ()
    result = Result(verdict, words, evidence, "" if verdict is Verdict.PASSED else f"Do {words}.", fixes)
    return Finding(IDS[number], "a title", Side.SOURCE, severity, "Because.", "SELECT 1", result)


def report(*findings: Finding) -> CheckReport:
    return CheckReport("2026-11-21T10:00:00+00:00", 1.5, Route.NATIVE, Positioning.FILE, SOURCE, None, findings)


EACH = report(
    finding(0, Severity.BLOCKER, Verdict.PASSED),
    finding(1, Severity.BLOCKER, Verdict.FAILED),
    finding(2, Severity.WARNING, Verdict.FAILED),
    finding(3, Severity.NOTICE, Verdict.FAILED),
    finding(4, Severity.WARNING, Verdict.UNKNOWN),
    finding(5, Severity.BLOCKER, Verdict.NOT_APPLICABLE),
)


def cases(found: CheckReport, directory: Path) -> dict[str, TestCase]:
    path = directory / "checks.xml"
    write_junit(found, path)
    (suite,) = JUnitXml.fromfile(str(path))
    assert suite.tests == len(list(suite))
    return {case.name: case for case in suite}


def test_the_document_has_every_finding_whole() -> None:
    document = json.loads(json.dumps(EACH.to_json()))
    assert (document["format"], document["version"]) == ("cutover-check", 1)
    assert document["servers"]["target"] is None
    assert document["servers"]["source"]["address"] == "127.0.0.1:3306"
    assert document["summary"] == {
        "passed": 1, "notices": 1, "warnings": 1, "blockers": 1, "unknown": 1, "not_applicable": 1
    }  # fmt: skip
    assert [one["id"] for one in document["findings"]] == IDS[:6]
    blocker = document["findings"][1]
    assert (blocker["severity"], blocker["verdict"], blocker["word"], blocker["blocks"]) == (
        "blocker", "failed", "FAIL", True
    )  # fmt: skip
    assert blocker["evidence"] == {"columns": ["found", "b"], "rows": [["found", "2"]]}
    assert blocker["fixes"][0]["undo"] == FIX.undo
    assert set(blocker) == {
        "id", "title", "side", "severity", "verdict", "word", "blocks", "found", "evidence", "remedy", "fixes", "why",
        "asks", "again", "writes", "page",
    }  # fmt: skip


def test_each_state_is_the_one_that_a_build_server_takes_it_for(tmp_path: Path) -> None:
    found = cases(EACH, tmp_path)
    assert list(found) == IDS[:5]
    passed, blocker, warning, notice, unknown = found.values()
    assert passed.is_passed
    assert notice.is_passed
    assert (blocker.is_failure, blocker.result[0].type) == (True, "blocker")
    assert blocker.result[0].message == "a title: found"
    assert "Do found." in blocker.result[0].text
    assert (warning.is_skipped, warning.result[0].message) == (True, "a title: found")
    assert unknown.is_error
    assert "NOTE a title: found" in (notice.system_out or "")


def test_what_was_looked_at_and_what_did_not_apply_stand_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "checks.xml"
    write_junit(EACH, path)
    (suite,) = JUnitXml.fromfile(str(path))
    assert (suite.failures, suite.errors, suite.skipped, suite.time) == (1, 1, 1, 1.5)
    properties = {one.name: one.value for one in suite.properties()}
    assert properties["source"] == "cutover@127.0.0.1:3306, MySQL 5.6.24"
    assert properties["not applicable"] == IDS[5]


@pytest.mark.parametrize("verdict", list(Verdict))
def test_text_of_a_server_breaks_no_file(tmp_path: Path, verdict: Verdict) -> None:
    found = report(finding(0, Severity.BLOCKER, verdict, EVIL))
    cases(found, tmp_path)
    text = (tmp_path / "checks.xml").read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert json.dumps(found.to_json()).isascii()


@given(st.text())
def test_any_text_makes_a_file_that_can_be_read(tmp_path_factory: pytest.TempPathFactory, words: str) -> None:
    found = cases(report(finding(1, Severity.BLOCKER, Verdict.FAILED, words)), tmp_path_factory.mktemp("junit"))
    assert found[IDS[1]].is_failure
