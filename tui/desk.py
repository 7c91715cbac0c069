"""What every screen shares: the clock, the seat, the migration as last seen, and how to decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from textual.message import Message

from migration.decisions import Choice, Decision, decide
from migration.journal import JournalError
from migration.view import MigrationView
from tui.feed import Post, in_thread
from tui.presenter import Presenter
from tui.text import elapsed

_STALE_S = 3.0
_SHOWN_S = 20.0


@dataclass(frozen=True)
class Sent:
    """A decision on its way: `seq` once it stands in the journal, `error` if it could not be written."""

    what: str
    at: float
    seq: int | None = None
    error: str = ""


class Decided(Message):
    """A decision was written, or could not be."""

    def __init__(self, sent: Sent) -> None:
        super().__init__()
        self.sent = sent


@dataclass
class Desk:
    """The state that screens read. Only the app writes it.

    `clock` gives seconds since the epoch. `observer`: this seat decides nothing. `export` writes the
    report and returns where it is; None where there is nothing to export with. `presenter`: what is masked.
    """

    clock: Callable[[], float]
    observer: bool
    post: Post
    export: Callable[[Path], Path] | None = None
    journal: Path | None = None
    view: MigrationView | None = None
    error: str = ""
    sent: Sent | None = None
    exported: str = ""
    has_sessions: bool = field(default=False)
    presenter: Presenter = field(default_factory=Presenter)

    def decide(self, decision: Decision, what: str) -> None:
        """Write a decision to the journal, in a thread; `what` is how the status line names it."""
        journal = self.journal
        if self.observer or journal is None:
            return
        decision = self.presenter.decision(decision)
        sent = Sent(what, self.clock())
        self.sent = sent

        def write() -> Message:
            try:
                return Decided(replace(sent, seq=decide(journal, decision)))
            except JournalError as error:
                return Decided(replace(sent, error=self.presenter.line(str(error))))

        in_thread(write, self.post)

    def offers(self, choice: Choice, gate: str = "") -> bool:
        """Whether the open gate (of that id, if given) takes this decision."""
        view = self.view
        if view is None or view.end is not None or view.gate is None:
            return False
        return choice.value in view.gate.choices and (not gate or view.gate.id == gate)

    def stale_s(self) -> float | None:
        """Age in seconds of the newest lag sample once it is too old to be shown as true, else None."""
        if self.view is None or self.view.lag.latest is None:
            return None
        age = self.clock() - self.view.lag.latest.at
        return age if age > _STALE_S else None

    def refusal(self) -> str:
        """Why the runner refused the last decision, empty where it did not."""
        sent, view = self.sent, self.view
        if sent is None or sent.seq is None or view is None:
            return ""
        refusal = view.refusal(sent.at - 1)
        return f"The runner {refusal}" if refusal else ""

    def news(self) -> str:
        """What became of the last decision, empty once there is nothing to say."""
        sent, view, now = self.sent, self.view, self.clock()
        if sent is None or view is None:
            return ""
        if sent.error:
            return f"Not written: {sent.error}"
        if sent.seq is None:
            return f"Writing to the journal: {sent.what}."
        if now - sent.at > _SHOWN_S and view.last_seq > sent.seq:
            return ""
        if refusal := self.refusal():
            return refusal
        if view.last_seq <= sent.seq and view.runner_alive:
            return f"Sent: {sent.what}. The runner has not taken it up yet, {elapsed(now - sent.at)}."
        return ""
