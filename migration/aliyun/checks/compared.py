"""Asking what can be asked only of a cluster that is there: each check's finding is kept, and decides nothing yet.

Before the switch the same is asked again, every few seconds, and what is wrong then has to be accepted. What rests on
the cluster's version is not: it reads long lists of the source, and the version stays what it is.
"""

from __future__ import annotations

from collections.abc import Sequence

from migration.aliyun.route import route_of
from migration.check import Check, Pair
from migration.checks.run import arising, run_checks
from migration.journal import Kind
from migration.runbook import Estimate, Migration, Observation, done, not_done
from migration.view import Condition

# Judged by the version that was chosen before the order, and by the cluster's own here.
BY_VERSION = frozenset({
    "version-pair", "version-gap", "removed-functions", "group-by-order", "obsolete-sql-modes", "foreign-sql-modes",
    "removed-variables", "changed-defaults", "utf8mb3", "reserved-words", "dollar-names", "dictionary-names",
    "old-temporals", "long-elements", "float-counters", "generated-casts", "partitions", "collations-known",
    "needed-logs",
})  # fmt: skip


def still_open(m: Migration) -> tuple[Condition, ...]:
    """What was found of the cluster's version that keeps the writes where they are until it is accepted."""
    story = m.story()
    return tuple(
        Condition(False, f"{finding.title}: {finding.result.found}")
        for finding in story.findings()
        if finding.check in BY_VERSION and finding.blocks and finding.check not in story.waived()
    )


class Compared:
    """Asking these once; see `migration.runbook.Action`."""

    def __init__(self, checks: Sequence[Check], after: str) -> None:
        """`after`: the step that makes the cluster follow; what was found before it does not count."""
        self._checks = tuple(checks)
        self._after = after

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run."""
        return (f"nothing is changed; asked of both: {', '.join(check.id for check in self._asked(m))}",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(10.0, "a few lists of each server, and a call or two for each check of the provider")

    def probe(self, m: Migration) -> Observation:
        """Whether each has a finding since the cluster follows."""
        found: set[str] = set()
        for record in m.scribe.journal.records():
            if record.kind is Kind.OUTCOME and record.subject == self._after:
                found.clear()
            if record.kind is Kind.FINDING:
                found.add(record.subject)
        left = [check.id for check in self._asked(m) if check.id not in found]
        return not_done(f"not asked yet: {', '.join(left)}") if left else done("each check has its finding")

    def apply(self, m: Migration) -> None:
        """Ask, and keep what is found."""
        chosen = m.story().chosen
        pair = Pair(m.source, m.other, m.spec, m.secrets, m.positioning, route_of(m), m.cloud, chosen)
        for finding in run_checks(pair, self._asked(m)):
            m.scribe.finding(finding)

    def _asked(self, m: Migration) -> tuple[Check, ...]:
        return arising(self._checks, route_of(m))
