"""What every screen shares: the clock, the seat, the migration as last seen, and how to decide."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from textual.message import Message

from migration.decisions import Choice, Decision, decide
from migration.journal import JournalError
from migration.view import MigrationView
from tui.explained import guiding
from tui.feed import Post, in_thread
from tui.presenter import Presenter
from tui.seating import Seating
from tui.text import elapsed

_STALE_S = 3.0
_SHOWN_S = 20.0
_SAID_S = 5.0
# What these do is done with their record in the journal: the runner writes nothing after it.
_DONE_BY_WRITING = (Choice.WAIVE, Choice.PAUSE, Choice.CONTINUE)


@dataclass(frozen=True)
class Sent:
    """A decision on its way: `seq` once it stands in the journal, `error` if it could not be written."""

    what: str
    at: float
    choice: Choice
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
    report and returns where it is; None where there is nothing to export with. `presenter`: what is masked. `guide`:
    whether steps are explained; None leaves it to the migration. `keys`: the user's own, by action. `said`: what the
    screen itself did last, and when. `seating`: this screen's side of the operator's seat, None where it takes no part.
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
    guide: bool | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    said: tuple[str, float] = ("", 0.0)
    seating: Seating | None = None

    @property
    def seated(self) -> bool:
        """Whether this screen may decide: it does not only watch, and nobody else has the operator's seat."""
        if self.observer:
            return False
        if self.view is None or self.seating is None or not self.view.seat.who:
            return True
        return self.seating.holds(self.view.seat)

    def standing(self, key: str) -> str:
        """What this screen may do, where that is less than everything; one sentence, or empty.

        `key` opens the screen of the seat.
        """
        seat = self.view.seat if self.view is not None and self.view.end is None else None
        if seat is not None and self.seating is not None and self.seating.is_offered(seat):
            return f"{seat.who} offers you the operator's seat: {key} takes it."
        if self.seated:
            return ""
        if seat is None or not seat.who:
            return "OBSERVER: you see everything and change nothing."
        return f"{'OBSERVER' if self.observer else 'NO SEAT'}: {seat.who} decides; {key} says more."

    @property
    def guiding(self) -> bool:
        """Whether steps are explained: where nobody has said, in rehearsals."""
        return guiding(self.guide, self.view)

    def decide(self, decision: Decision, what: str) -> None:
        """Write a decision to the journal, in a thread; `what` is how the status line names it."""
        journal = self.journal
        if not self.seated or journal is None:
            return
        terminal = self.seating.terminal.id if self.seating is not None else ""
        decision = self.presenter.decision(decision)
        sent = Sent(what, self.clock(), decision.choice)
        self.sent = sent

        def write() -> Message:
            try:
                return Decided(replace(sent, seq=decide(journal, decision, terminal)))
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

    def saying(self) -> str:
        """What the screen itself did a moment ago."""
        sentence, at = self.said
        return sentence if self.clock() - at < _SAID_S else ""

    def refusal(self) -> str:
        """Why the runner refused the last decision, empty where it did not."""
        sent, view = self.sent, self.view
        if sent is None or sent.seq is None or view is None:
            return ""
        why = view.why_refused(sent.seq)
        return f"The runner refused: {why}" if why else ""

    @property
    def pending(self) -> bool:
        """Whether a decision is on its way to the runner, which has not written anything since."""
        sent, view = self.sent, self.view
        if sent is None or view is None or sent.error:
            return False
        return sent.seq is None or (view.last_seq <= sent.seq and sent.choice not in _DONE_BY_WRITING)

    def news(self) -> str:
        """What became of the last decision, empty once there is nothing to say."""
        sent, view, now = self.sent, self.view, self.clock()
        if sent is None or view is None:
            return ""
        if sent.error:
            return f"Not written: {sent.error}"
        if sent.seq is None:
            return f"Writing to the journal: {sent.what}."
        if sent.choice in _DONE_BY_WRITING and view.last_seq >= sent.seq:
            return self.refusal()
        if now - sent.at > _SHOWN_S and view.last_seq > sent.seq:
            return ""
        if refusal := self.refusal():
            return refusal
        if view.last_seq <= sent.seq and view.runner_alive:
            return f"Sent: {sent.what}. The runner has not taken it up yet, {elapsed(now - sent.at)}."
        return ""
