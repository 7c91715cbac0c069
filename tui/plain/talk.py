"""`--plain`: a migration followed and decided line by line.

The runner is a process of its own here too: whoever stops reading or writing, or ends the input, ends nothing.
"""

from __future__ import annotations

import contextlib
import getpass
import sys
import time
from collections.abc import Callable
from pathlib import Path

from migration.decisions import Choice, Decision, decide
from migration.journal import JournalError
from migration.model import Side
from migration.sessions import sessions
from migration.view import GateView, MigrationView
from migration.watch import Watch
from tui import exit_codes
from tui.explained import guiding, of_gate, of_now, of_switch
from tui.places import moving
from tui.plain import choices, told
from tui.plain.seat import PlainSeat
from tui.plain.voice import InputEnded, OutputGone, Voice, let_go_of_output
from tui.presenter import Presenter
from tui.start import (
    ConnectFailed,
    ConnectForm,
    OpenConnect,
    OpenMigration,
    OpenRehearsal,
    OpenSessions,
    RehearsalFailed,
    Secret,
    SideForm,
    Start,
    TlsMode,
)

_POLL_S = 0.1
_COUNTDOWN_S = 5
_SETTLE_S = 1.0


def talk(start: Start, presenter: Presenter, *, observer: bool, guide: bool | None = None) -> int:
    """Follow a migration, or make one first; returns the exit code.

    `guide`: whether gates are explained unasked; None leaves it to the migration.
    """
    voice = Voice(presenter.line)
    try:
        journal = _journal_of(start, voice, presenter)
        if journal is None:
            return exit_codes.OK
        return _Talk(journal, voice, presenter, observer, guide).follow()
    except RehearsalFailed as error:
        voice.say(f"FAIL {error}")
        return exit_codes.CANNOT_START
    except JournalError as error:
        voice.say(f"FAIL {error}")
        return exit_codes.CANNOT_START
    except InputEnded:
        voice.say("The input has ended before anything was begun. Nothing was changed.")
        return exit_codes.OK
    except OutputGone:
        let_go_of_output()
        return exit_codes.OK


class _Talk:
    """One migration in lines."""

    def __init__(self, journal: Path, voice: Voice, presenter: Presenter, observer: bool, guide: bool | None) -> None:
        self._journal = journal
        self._voice = voice
        self._presenter = presenter
        self._observer = observer
        self._guide = guide
        self._told = told.Told(voice.event)
        self._asked: tuple[str, float] | None = None
        # The sequence number of a decision whose effect on the open gate is waited for.
        self._sent: int | None = None
        self._changed_at = 0.0
        self._hinted: object = None
        self._view: MigrationView | None = None
        self._seat = PlainSeat(journal, voice, observer=observer)

    def follow(self) -> int:
        """Say what happens until the migration ends, the reader leaves or the input ends."""
        self._presenter.learn(self._journal)
        with self._seat, Watch(self._journal) as watch:
            try:
                return self._follow(watch)
            except (InputEnded, KeyboardInterrupt):
                return self._left()

    def _follow(self, watch: Watch) -> int:
        while True:
            view = self._look(watch)
            if view.end is not None:
                for line in told.end(view):
                    self._voice.say(line)
                return exit_codes.OK
            if self._observer:
                time.sleep(_POLL_S)
                continue
            if self._seat.look(view):
                # What is asked now is asked of somebody who may answer, or no longer.
                self._asked = None
            if view.gate is not None and self._is_new(view, view.gate):
                self._present(view, view.gate)
            self._hint(view)
            answer = self._voice.hear(_POLL_S)
            if answer and not self._answered(watch, view, answer):
                return self._left()

    def _look(self, watch: Watch) -> MigrationView:
        if self._view is None or watch.changed():
            seen = 0 if self._view is None else self._view.last_seq
            self._view = self._presenter.view(self._journal, watch.view())
            if self._view.last_seq != seen:
                self._changed_at = time.monotonic()
            self._told.news(self._view, time.time())
        return self._view

    def _left(self) -> int:
        view = self._view
        if view is None or view.end is not None:
            return exit_codes.OK
        if self._observer:
            self._voice.say(f"{view.spec.id} goes on.")
            return exit_codes.OK
        name = "" if self._presenter.on else f" {view.spec.id}"
        self._voice.say(f"{view.spec.id} goes on without you; `cutover resume{name} --plain` brings you back.")
        if view.spec.sandbox:
            self._voice.say("`cutover rehearse --stop` takes the servers of the rehearsal down.")
        return exit_codes.OK

    def _is_new(self, view: MigrationView, gate: GateView) -> bool:
        """Whether a gate has to be presented: it is another one, or what was decided at it has had its effect."""
        key = (gate.id, gate.opened_at)
        if key != self._asked:
            self._asked, self._sent = key, None
            return True
        if self._sent is None or view.last_seq < self._sent or time.monotonic() - self._changed_at < _SETTLE_S:
            return False
        self._sent = None
        return True

    def _present(self, view: MigrationView, gate: GateView) -> None:
        """The question, the consequence and the numbered choices."""
        say = self._voice.say
        if not self._seat.mine(view):
            say(f"Question, to {view.seat.who} and not to you: {gate.question}")
            return
        if gate.id == "checks":
            for line in told.findings(view):
                say(line)
        if gate.id == "plan" and view.plan is not None:
            for line in told.plan(view.plan):
                say(line)
        say(f"Question: {gate.question}")
        if gate.consequence:
            say(f"Consequence: {gate.consequence}")
        if guiding(self._guide, view):
            for line in told.guide(of_gate(gate)):
                say(line)
        for number, item in enumerate(choices.items(view, gate), 1):
            say(f"{number}. {item.label}")
        say("s. Say every statement of the plan." if view.plan else "s. Statements come with the plan.")
        say("g. Guide: why this is asked, what can be undone, what people get wrong.")
        say("p. Pause before the next step." if not view.paused else "p. Continue.")
        say("o. Offer the operator's seat to somebody who looks on.")
        say("q. Leave; the migration goes on.")
        say("Type a number or a letter, then Enter:")

    def _hint(self, view: MigrationView) -> None:
        """While nothing is asked: what can be done all the same, said once a switch and once between gates."""
        attempt = moving(view)
        if attempt is not None:
            key: object = (attempt.number, attempt.past_no_return)
            words = f"Type s and Enter to STOP and give the writes back to {attempt.old}."
            if attempt.past_no_return:
                words = "Past the point of no free return: it goes on to the end."
        elif view.gate is None:
            key, words = (
                "between",
                "The runner is at work. p and Enter pauses it, g explains what it does, q leaves; it goes on.",
            )
        else:
            return
        if key != self._hinted:
            self._hinted = key
            self._voice.say(words)

    def _answered(self, watch: Watch, view: MigrationView, answer: str) -> bool:
        """Do what was typed; False where it was to leave."""
        letter = answer.casefold()
        if letter == "q":
            return False
        if letter == "g":
            self._explain(view)
            return True
        if not self._seat.mine(view):
            self._seat.answered(view, letter)
            return True
        if letter == "p":
            self._send(Decision(Choice.CONTINUE if view.paused else Choice.PAUSE, view.gate.id if view.gate else ""))
        elif letter == "s" and moving(view) is not None:
            self._send(Decision(Choice.ABORT, "abort"))
        elif letter == "s" and view.plan is not None:
            for line in told.statements(view.plan):
                self._voice.say(line)
        elif letter[:1] == "o":
            self._seat.offer(letter)
        elif view.gate is not None and answer.isdecimal():
            self._chosen(watch, view, view.gate, int(answer))
        else:
            self._voice.say(f"{answer} is none of the answers. Nothing was changed.")
        return True

    def _explain(self, view: MigrationView) -> None:
        """Why there is what is going on."""
        one = of_switch(view) if moving(view) is not None else of_now(view)
        for line in told.guide(one) if one is not None else ("Nothing is going on that is explained.",):
            self._voice.say(line)

    def _chosen(self, watch: Watch, view: MigrationView, gate: GateView, number: int) -> None:
        offered = choices.items(view, gate)
        if not 0 < number <= len(offered):
            self._voice.say(f"{number} is none of the numbers. Nothing was changed.")
            return
        item = offered[number - 1]
        red = [one.text for one in gate.conditions if not one.ok]
        if red and item.choice in (Choice.CONFIRM, Choice.ROLL_BACK):
            self._voice.say(f"Not yet: {red[0]}. Nothing was changed.")
            return
        made = choices.decision(view, gate, item, lambda prompt: self._ask(watch, gate, prompt))
        if made is None:
            self._voice.say("Nothing was changed.")
            return
        if item.severe:
            self._voice.say(f"It starts in {_COUNTDOWN_S} s. Enter stops it.")
            if self._voice.stopped_within(_COUNTDOWN_S):
                self._voice.say("Stopped. Nothing was changed.")
                return
        self._send(made)

    def _ask(self, watch: Watch, gate: GateView, prompt: str) -> str:
        """An answer for the open gate; empty where it has closed meanwhile."""

        def open_still() -> bool:
            now = self._look(watch)
            return now.end is None and now.gate is not None and now.gate.opened_at == gate.opened_at

        return self._voice.ask(prompt, open_still) or ""

    def _send(self, decision: Decision) -> None:
        try:
            self._sent = decide(self._journal, self._presenter.decision(decision), self._seat.terminal)
        except JournalError as error:
            self._voice.say(f"FAIL not written: {error}")
            return
        self._voice.say(f"Sent to the runner: {decision.choice.value.replace('_', ' ')}.")


def _journal_of(start: Start, voice: Voice, presenter: Presenter) -> Path | None:
    """The journal to follow, once what comes before it is done; None where nothing was chosen."""
    if isinstance(start, OpenMigration):
        return start.journal
    if isinstance(start, OpenRehearsal):
        return start.begin(voice.say)
    if isinstance(start, OpenConnect):
        return _connect(start, voice, presenter)
    return _choose(start, voice, presenter)


def _choose(start: OpenSessions, voice: Voice, presenter: Presenter) -> Path | None:
    found = presenter.listed(sessions())
    for number, one in enumerate(found, 1):
        voice.say(f"{number}. {one.id}: {one.view.headline if one.view else one.error}")
    if not found:
        voice.say("There is no migration on this machine.")
    if start.rehearsal is not None:
        voice.say("t. Try a rehearsal on servers of this machine; nothing of yours is touched.")
    if start.connect is not None:
        voice.say("n. A new migration between two servers of yours.")
    answer = (voice.ask("q. Leave. Type a number or a letter, then Enter:", lambda: True) or "").casefold()
    if answer == "t" and start.rehearsal is not None:
        return start.rehearsal.begin(voice.say)
    if answer == "n" and start.connect is not None:
        return _connect(start.connect, voice, presenter)
    number = int(answer) if answer.isdecimal() else 0
    if 0 < number <= len(found) and found[number - 1].view is not None:
        return found[number - 1].journal
    return None


def _connect(start: OpenConnect, voice: Voice, presenter: Presenter) -> Path | None:
    """Ask for both servers, test them, and make the migration."""
    if not sys.stdin.isatty():
        voice.say("Passwords are typed on a terminal only. `cutover migrate` reads them from files.")
        return None
    form = _form(voice)
    lines = start.probe(form)
    for line in lines:
        voice.say(presenter.entered(form, f"{line.word} {line.side.value}: {line.text}"))
    if not all(line.word in ("OK", "WARN") for line in lines):
        voice.say("Not every answer was OK. No migration was made.")
        return None
    if voice.ask("Type yes to make the migration; nothing is changed on the servers by that.", lambda: True) != "yes":
        return None
    try:
        return start.create(form)
    except ConnectFailed as error:
        voice.say(presenter.entered(form, f"FAIL {error}"))
        return None


def _form(voice: Voice) -> ConnectForm:
    def ask(prompt: str, usual: str = "") -> str:
        while True:
            answer = voice.ask(f"{prompt}{f', Enter for {usual}' if usual else ''}:", lambda: True) or usual
            if answer:
                return answer

    name, environment = ask("Name of the migration"), ask("Environment, such as rehearsal or PROD", "rehearsal")
    sides = [_side(side, ask) for side in (Side.SOURCE, Side.TARGET)]
    return ConnectForm(name, environment, *sides)


def _side(side: Side, ask: Callable[..., str]) -> SideForm:
    def port() -> int:
        while True:
            text = ask(f"{side.value}: port", "3306")
            if text.isdecimal() and 0 < int(text) < 1 << 16:
                return int(text)

    name, host, number = ask(f"{side.value}: name", side.value), ask(f"{side.value}: host"), port()
    user = ask(f"{side.value}: user")
    replication = ask(f"{side.value}: account with which the other side replicates from it", user)
    tls = TlsMode.PREFERRED
    with contextlib.suppress(ValueError):
        tls = TlsMode(ask(f"{side.value}: TLS, one of {', '.join(TlsMode)}", TlsMode.PREFERRED.value))
    password = Secret(getpass.getpass(f"{side.value}: password, not shown while you type: "))
    own = replication == user
    other = password if own else Secret(getpass.getpass(f"{side.value}: password of the account that replicates: "))
    return SideForm(name, host, number, user, password, replication, other, tls)
