"""A wait as the operator sees it: what is waited for, for how long by now, and whether the provider answers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from migration.runbook import CloudFailed, Migration
from providers.aliyun.errors import AliyunError

# Shown no more often than this.
_SHOWN_S = 1.0


@dataclass(frozen=True)
class Usual:
    """How long a wait takes at most by the provider's word, in seconds, and what to do where it takes longer."""

    seconds: float
    advice: str


@dataclass(frozen=True)
class Share:
    """How much of what is waited for is done, in hundredths of it."""

    percent: int


class Waiting:
    """One wait of a step, from its making on. One that takes longer than is usual says so, again and again."""

    def __init__(self, m: Migration, step: str, what: str, usual: Usual | None = None) -> None:
        """`what` begins with "waiting until"; it names the server, instance or cluster."""
        self._m = m
        self._usual = usual
        self._warn_at = usual.seconds if usual is not None else None
        self._step = step
        self._what = what
        self._began = time.monotonic()
        self._show_at = self._began
        self._trouble: str | None = None

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._began

    def tell(self, seen: str, share: Share | None = None) -> None:
        """Show what is to be seen now; the provider has answered."""
        if self._trouble is not None:
            self._trouble = None
            self._m.scribe.note(f"{self}: the provider answers again")
        self._show(seen, share)

    def unanswered(self, error: CloudFailed) -> None:
        """The provider did not answer, and is asked again. It is said once for each kind of trouble."""
        kind = _kind(error)
        if kind != self._trouble:
            self._trouble = kind
            self._m.scribe.note(
                f"{self}: the provider cannot be asked, which is tried again and again: {error}", "error"
            )
        self._show("the provider cannot be asked", None)

    def _show(self, seen: str, share: Share | None) -> None:
        self._warn(seen)
        if time.monotonic() >= self._show_at:
            self._show_at = time.monotonic() + _SHOWN_S
            done, total, unit = (0, 0, "") if share is None else (share.percent, 100, "%")
            self._m.scribe.progress(self._step, done=done, total=total, unit=unit, note=f"{self}: {seen}")

    def _warn(self, seen: str) -> None:
        """Say that it takes longer than is usual, and once more each time it has taken twice as long."""
        if self._usual is None or self._warn_at is None or self.seconds < self._warn_at:
            return
        self._warn_at = self.seconds * 2
        self._m.scribe.note(
            f"{self}, longer than the {self._usual.seconds / 60:g} minutes that the provider gives: {seen}. "
            f"{self._usual.advice}",
            "warn",
        )

    def __str__(self) -> str:
        return f"{self._what}, {timedelta(seconds=int(self.seconds))} by now"


def _kind(error: CloudFailed) -> str:
    """What stays the same where the same goes wrong again; each answer has an id of its own."""
    cause = error.__cause__
    return f"{type(cause).__name__} {cause.code}" if isinstance(cause, AliyunError) else str(error)
