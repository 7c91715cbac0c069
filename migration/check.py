"""Checks: what is asked of the servers before anything is done to them, and what was found.

A check is one function that takes a `Pair` and returns a `Result`. Everything else about it (its id, why
it matters, its severity) stands in its declaration, so that a screen, the report and the documentation
tell the same story.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import Future
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Self, TypeVar

from migration.model import MigrationSpec, Positioning, Secrets, Side

if TYPE_CHECKING:
    from migration.runbook import Cloud
    from providers.mysql.server import Server
    from providers.mysql.version import Version


_T = TypeVar("_T")


class Route(StrEnum):
    """How the rows travel, which decides what a finding means."""

    NATIVE = "native"
    """The servers' own replication, after a copy made by this program or by the operator."""
    PHYSICAL = "physical"
    """A provider copies the data files, and its replication goes on from there."""
    LOGICAL = "logical"
    """A provider's tool reads rows and the binary log, and writes them as a client would."""


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

    `was` and `becomes` are the setting before and after, for the screen; one check names a setting of a side once.
    `restart`: whether the server has to be restarted for it. `reach`: who is affected, in words. `set_aside`: an
    object is dropped that `undo` creates again: here if it is undone, on the target once the migration is complete.
    `session`: what is set in a session first, both ways. `undo` is empty where nothing takes it back.
    """

    side: Side
    statement: str
    undo: str
    setting: str
    was: str
    becomes: str
    reach: str
    restart: bool = False
    set_aside: bool = False
    session: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `dataclasses.asdict` made of one."""
        return cls(**{**body, "side": Side(body["side"]), "session": tuple(body["session"])})


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
    fixes: tuple[Fix, ...] = ()


class NoTarget(Exception):
    """A question about the target, where only a source is looked at."""


@dataclass(frozen=True)
class Pair:
    """The two servers a check looks at. `positioning` is already resolved: never `auto`.

    `other` is the target; None where only a source is looked at. `cloud`: the provider's side, None without one.
    `chosen`: what was chosen at the gates so far, by gate. `expected`: the version that a target is to have which is
    still to be created, None where that is not known.
    Made anew for each run of the checks: what they share is asked `once`.
    """

    source: Server
    other: Server | None
    spec: MigrationSpec
    secrets: Secrets
    positioning: Positioning
    route: Route = Route.NATIVE
    cloud: Cloud | None = None
    chosen: Mapping[str, str] = field(default_factory=dict)
    expected: Version | None = None
    _known: dict[Hashable, Future[Any]] = field(default_factory=dict, init=False, repr=False, compare=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False, compare=False)

    @property
    def target(self) -> Server:
        """The target.

        Raises:
            NoTarget: there is none.
        """
        if self.other is None:
            raise NoTarget
        return self.other

    @property
    def foreseen(self) -> Version | None:
        """The target's version, or the one that it is to have; None where neither is known."""
        return self.expected if self.other is None else self.other.version

    @property
    def target_version(self) -> Version:
        """The same where the question rests on it.

        Raises:
            NoTarget: there is no target, and nothing is known of one.
        """
        if self.foreseen is None:
            raise NoTarget
        return self.foreseen

    def once(self, what: Hashable, ask: Callable[[], _T]) -> _T:
        """The answer to a question that several checks have; asked by the first of them, whom the others wait for.

        What could not be answered is asked again by whoever has the question next.
        """
        with self._lock:
            first = what not in self._known
            answer: Future[_T] = self._known.setdefault(what, Future())
        if first:
            try:
                answer.set_result(ask())
            except BaseException as error:
                with self._lock:
                    del self._known[what]
                answer.set_exception(error)
                raise
        return answer.result()


@dataclass(frozen=True)
class Check:
    """A prerequisite. `asks` is what is asked of the servers, in words or SQL, for the detail screen.

    `severity` is that on the servers' own replication; `routes` has the others where they differ, None where the
    question does not arise. `again`: asked once more at the cutover's gate, since it changes from one minute to the
    next. `writes`: what the check writes on a server, in words; empty for nearly all. `page`: where the fact it rests
    on is published.
    """

    id: str
    title: str
    side: Side
    severity: Severity
    why: str
    asks: str
    run: Callable[[Pair], Result]
    routes: Mapping[Route, Severity | None] = field(default_factory=dict)
    again: bool = False
    writes: str = ""
    page: str = ""

    def severity_on(self, route: Route) -> Severity | None:
        """What a failure means on a route; None where the question does not arise."""
        return self.routes.get(route, self.severity)


def check(
    id: str,
    title: str,
    side: Side,
    severity: Severity,
    *,
    why: str,
    asks: str,
    **more: Any,
) -> Callable[[Callable[[Pair], Result]], Check]:
    """Make a function that looks at a pair into a check of the catalogue; `more` are further fields of `Check`."""
    return lambda run: Check(id, title, side, severity, why, asks, run, **more)


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
                fixes=tuple(Fix.from_json(fix) for fix in result["fixes"]),
            ),
        )
