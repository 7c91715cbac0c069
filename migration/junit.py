"""A run of the checks as a JUnit file, which the servers that build and deploy software read.

Their readers know four states: a blocker is a failure, an unknown check an error, and a warning is skipped with its
message, the one state that is shown and lets the job pass. What does not arise is no test case: were it skipped too,
the warnings could not be seen among them.
"""

from __future__ import annotations

from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from migration.check import Finding, Severity, Verdict
from migration.check_report import CheckReport

_SUITE = "cutover check"


def write_junit(report: CheckReport, path: Path) -> None:
    """Write the file.

    Raises:
        OSError: it cannot be written.
    """
    document = JUnitXml(_SUITE)
    document.add_testsuite(_suite(report))
    document.write(str(path))


def _suite(report: CheckReport) -> TestSuite:
    suite = TestSuite(_SUITE)
    suite.timestamp = report.at
    for name, value in _properties(report):
        suite.add_property(name, _harmless(value))
    for finding in report.findings:
        if finding.result.verdict is not Verdict.NOT_APPLICABLE:
            suite.add_testcase(_case(finding))
    suite.time = report.seconds
    return suite


def _properties(report: CheckReport) -> list[tuple[str, str]]:
    servers = [("source", report.source)] + ([("target", report.target)] if report.target else [])
    return [
        *((side, f"{server.user}@{server.address}, {server.version}") for side, server in servers),
        ("route", report.route.value),
        ("positioning", report.positioning.value),
        ("not applicable", " ".join(found.check for found in report.with_verdict(Verdict.NOT_APPLICABLE))),
    ]


def _case(finding: Finding) -> TestCase:
    """One check; its name is the stable id, so that a reader can follow it from run to run."""
    case = TestCase(finding.check, f"cutover.{finding.side.value}")
    message = _harmless(f"{finding.title}: {finding.result.found}")
    verdict, severity = finding.result.verdict, finding.severity
    if verdict is Verdict.UNKNOWN:
        case.result = [Error(message, "unknown")]
    elif verdict is Verdict.FAILED and severity is Severity.BLOCKER:
        case.result = [Failure(message, severity.value)]
    elif verdict is Verdict.FAILED and severity is Severity.WARNING:
        case.result = [Skipped(message, severity.value)]
    if verdict is Verdict.PASSED:
        case.system_out = message
        return case
    words = _words(finding)
    for result in case.result:
        result.text = words
    case.system_out = "\n".join((f"{finding.word} {message}", words))
    return case


def _words(finding: Finding) -> str:
    """What to do, why, and the evidence: for whoever opens the test case."""
    lines = [line for line in (finding.result.remedy, finding.why) if line]
    lines += [" | ".join(row) for row in finding.result.evidence]
    return "\n".join(_harmless(line) for line in lines)


def _harmless(text: str) -> str:
    """Text of a server on one line. What is printable may stand in XML (1.0, section 2.2) and steers no terminal."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
