"""Asking a provider for a check: what stands for an answer that did not come, or lacks something."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from migration.check import Pair, Result, Verdict
from migration.checks.results import Evidence, table
from migration.runbook import CloudFailed
from providers.calling.errors import CallFailed


@dataclass(frozen=True)
class Asking:
    """How one provider is spoken of.

    Attributes:
        answer: its answer, as a sentence begins with it.
        console: where else to look.
        code: the head of the column that has its code.
        forbidden: what was found and what to do where it said that it is not allowed; None where it said another thing.
    """

    answer: str
    console: str
    code: str
    forbidden: Callable[[CallFailed, str], tuple[str, str] | None]

    def answered(self, run: Callable[[Pair], Result]) -> Callable[[Pair], Result]:
        """Make what the provider refused, or did not answer, the finding: unknown, with its own code and words."""

        @functools.wraps(run)
        def asked(pair: Pair) -> Result:
            try:
                return run(pair)
            except CloudFailed as error:
                return self._unanswered(error)

        return asked

    def unsaid(self, what: str, evidence: Evidence = ()) -> Result:
        """The result where an answer came and lacks something."""
        remedy = (
            f"{self.answer} does not tell {what}. Look it up in {self.console}; if it is as this check wants it, "
            "accept this with what you saw as the reason."
        )
        return Result(Verdict.UNKNOWN, f"not told: {what}", evidence, remedy)

    def _unanswered(self, error: CloudFailed) -> Result:
        cause, words = error.__cause__, str(error)
        if not isinstance(cause, CallFailed):
            return Result(Verdict.UNKNOWN, "could not be asked", (), words)
        evidence = table((self.code, "what it said"), [(cause.code or "-", cause.message or words)])
        found, remedy = self.forbidden(cause, words) or ("could not be asked", words)
        return Result(Verdict.UNKNOWN, found, evidence, remedy)
