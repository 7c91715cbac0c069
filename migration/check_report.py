"""What a run of the checks found, as a document for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from migration.check import Check, Finding, Route, Severity, Verdict
from migration.checks import on_route
from migration.model import Positioning, Side

FORMAT = "cutover-check"
VERSION = 1
"""Of the document. It grows when a field is taken away or means something else; a field may be added without."""


@dataclass(frozen=True)
class ServerSeen:
    """A server that was looked at. `user`: as whom; `encrypted`: whether over TLS."""

    name: str
    address: str
    version: str
    user: str
    encrypted: bool


@dataclass(frozen=True)
class CheckReport:
    """A run of the checks.

    `at`: when it began, UTC, in ISO 8601; `seconds`: what it took. `positioning`: how positions would be named, as the
    checks took it. `target`: None where none was given.
    """

    at: str
    seconds: float
    route: Route
    positioning: Positioning
    source: ServerSeen
    target: ServerSeen | None
    findings: tuple[Finding, ...]

    def with_verdict(self, verdict: Verdict) -> tuple[Finding, ...]:
        """The findings with this verdict, in the catalogue's order."""
        return tuple(finding for finding in self.findings if finding.result.verdict is verdict)

    def failed(self, severity: Severity) -> tuple[Finding, ...]:
        """Those that failed and mean this."""
        return tuple(found for found in self.with_verdict(Verdict.FAILED) if found.severity is severity)

    def summary(self) -> dict[str, int]:
        """How many findings there are of each kind; the kinds add up to all of them."""
        words = Counter(finding.word for finding in self.findings)
        kinds = {"passed": "OK", "notices": "NOTE", "warnings": "WARN", "blockers": "FAIL", "unknown": "UNKNOWN"}
        return {kind: words[word] for kind, word in kinds.items()} | {"not_applicable": words["-"]}

    def to_json(self) -> dict[str, Any]:
        """The document. The ids of checks are stable."""
        catalogue = {check.id: check for check in on_route(self.route)}
        return {
            "format": FORMAT,
            "version": VERSION,
            "at": self.at,
            "seconds": round(self.seconds, 3),
            "route": self.route.value,
            "positioning": self.positioning.value,
            "servers": {
                Side.SOURCE.value: asdict(self.source),
                Side.TARGET.value: asdict(self.target) if self.target else None,
            },
            "summary": self.summary(),
            "findings": [_finding(finding, catalogue) for finding in self.findings],
        }


def _finding(finding: Finding, catalogue: Mapping[str, Check]) -> dict[str, Any]:
    check, result = catalogue[finding.check], finding.result
    return {
        "id": finding.check,
        "title": finding.title,
        "side": finding.side.value,
        "severity": finding.severity.value,
        "verdict": result.verdict.value,
        "word": finding.word,
        "blocks": finding.blocks,
        "found": result.found,
        "evidence": {"columns": list(result.evidence[0]), "rows": [list(row) for row in result.evidence[1:]]}
        if result.evidence
        else None,
        "remedy": result.remedy,
        "fixes": [asdict(fix) for fix in result.fixes],
        "why": finding.why,
        "asks": finding.asks,
        "again": check.again,
        "writes": check.writes,
        "page": check.page,
    }
