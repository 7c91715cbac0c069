"""A wait as the operator sees it: what is waited for, for how long by now, and whether the provider answers."""

from __future__ import annotations

import time
from datetime import timedelta

from migration.runbook import CloudFailed, Migration
from providers.aliyun.errors import AliyunError

# Shown no more often than this.
_SHOWN_S = 1.0


class Waiting:
    """One wait of a step, from its making on."""

    def __init__(self, m: Migration, step: str, what: str) -> None:
        """`what` begins with "waiting until"; it names the server, instance or cluster."""
        self._m = m
        self._step = step
        self._what = what
        self._began = time.monotonic()
        self._show_at = self._began
        self._trouble: str | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._began

    def tell(self, seen: str) -> None:
        """Show what is to be seen now; the provider has answered."""
        if self._trouble is not None:
            self._trouble = None
            self._m.scribe.note(f"{self}: the provider answers again")
        self._show(seen)

    def unanswered(self, error: CloudFailed) -> None:
        """The provider did not answer, and is asked again. It is said once for each kind of trouble."""
        kind = _kind(error)
        if kind != self._trouble:
            self._trouble = kind
            self._m.scribe.note(
                f"{self}: the provider cannot be asked, which is tried again and again: {error}", "error"
            )
        self._show("the provider cannot be asked")

    def _show(self, seen: str) -> None:
        if time.monotonic() >= self._show_at:
            self._show_at = time.monotonic() + _SHOWN_S
            self._m.scribe.progress(self._step, done=0, total=0, unit="", note=f"{self}: {seen}")

    def __str__(self) -> str:
        return f"{self._what}, {timedelta(seconds=int(self.seconds))} by now"


def _kind(error: CloudFailed) -> str:
    """What stays the same where the same goes wrong again; each answer has an id of its own."""
    cause = error.__cause__
    return f"{type(cause).__name__} {cause.code}" if isinstance(cause, AliyunError) else str(error)
