"""Checks: what is asked of the servers before anything is done to them, and what was found.

A check is one function that takes a `Pair` and returns a `Result`. Everything else about it (its id, why
it matters, its severity) stands in its declaration, so that a screen, the report and the documentation
tell the same story.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self

from migration.model import MigrationSpec, Positioning, Secrets, Side

if TYPE_CHECKING:
    from providers.mysql.server import Server


class Severity(StrEnum):
    """What a failed check means for the migration."""

    BLOCKER = "blocker"
    WARNING = "warning"
    NOTICE = "notice"


class Verdict(StrEnum):
    """What a check found. Unknown is never counted as passed."""

    PASSED = "passed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


@dataclass(frozen=True)
class Fix:
    """A statement that cures a failed check, with the one that takes it back.

    `was` and `becomes` are the setting before and after, for the screen. `restart`: whether the server
    has to be restarted for it. `reach`: who is affected, in words.
    """

    side: Side
    statement: str
    undo: str
    setting: str
    was: str
    becomes: str
    reach: str
    restart: bool = False


@dataclass(frozen=True)
class Result:
    """What one run of a check found.

    `found`: one short phrase for the list. `evidence`: rows that prove it, the first being the column
    names. `remedy`: what to do, in words.
    """

    verdict: Verdict
    found: str
    evidence: tuple[tuple[str, ...], ...] = ()
    remedy: str = ""
    fix: Fix | None = None


@dataclass(frozen=True)
class Pair:
    """The two servers a check looks at. `positioning` is already resolved: never `auto`."""

    source: Server
    target: Server
    spec: MigrationSpec
    secrets: Secrets
    positioning: Positioning


@dataclass(frozen=True)
class Check:
    """A prerequisite. `asks` is what is asked of the servers, in words or SQL, for the detail screen."""

    id: str
    title: str
    side: Side
    severity: Severity
    why: str
    asks: str
    run: Callable[[Pair], Result]


@dataclass(frozen=True)
class Finding:
    """A check together with its result, as it stands in the journal."""

    check: str
    title: str
    side: Side
    severity: Severity
    why: str
    asks: str
    result: Result

    @property
    def blocks(self) -> bool:
        """Whether the migration must not go on with this, unless it is waived.

        A check that could not run blocks like one that failed, whatever its severity but a notice's.
        """
        verdict = self.result.verdict
        if verdict is Verdict.UNKNOWN:
            return self.severity is not Severity.NOTICE
        return verdict is Verdict.FAILED and self.severity is Severity.BLOCKER

    @property
    def word(self) -> str:
        """OK, WARN, FAIL, UNKNOWN, NOTE or - : the word that screens and reports write."""
        verdict = self.result.verdict
        if verdict is Verdict.PASSED:
            return "OK"
        if verdict is Verdict.UNKNOWN:
            return "UNKNOWN"
        if verdict is Verdict.NOT_APPLICABLE:
            return "-"
        words = {Severity.BLOCKER: "FAIL", Severity.WARNING: "WARN", Severity.NOTICE: "NOTE"}
        return words[self.severity]

    def to_json(self) -> dict[str, Any]:
        """A plain mapping for the journal and for `--json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        result = body["result"]
        fix = result["fix"]
        return cls(
            check=body["check"],
            title=body["title"],
            side=Side(body["side"]),
            severity=Severity(body["severity"]),
            why=body["why"],
            asks=body["asks"],
            result=Result(
                verdict=Verdict(result["verdict"]),
                found=result["found"],
                evidence=tuple(tuple(row) for row in result["evidence"]),
                remedy=result["remedy"],
                fix=Fix(**{**fix, "side": Side(fix["side"])}) if fix else None,
            ),
        )
