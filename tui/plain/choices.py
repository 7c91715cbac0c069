"""What can be decided at an open gate, as numbered lines, and the decision that comes of an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from migration.check import Finding
from migration.decisions import Choice, Decision
from migration.fixing import digest, offers, side_of
from migration.view import GateView, MigrationView
from tui.places import rolled_back
from tui.text import plural

Ask = Callable[[str], str]
"""Says what is wanted and returns what was typed."""


@dataclass(frozen=True)
class Item:
    """One numbered line: what it is called and what it decides. `severe`: a word is typed and five seconds counted."""

    choice: Choice
    label: str
    severe: bool = False
    option: str = ""


_CONFIRM = {
    "checks": "Go on; the plan is made and nothing is changed",
    "plan": "Approve this plan and carry it out",
    "retry": "Try again",
}
_LABELS = {
    Choice.RECHECK: "Run all checks again",
    Choice.WAIVE: "Accept a finding, with a reason",
    Choice.FIX: "Make the change that cures a finding",
    Choice.FIX_ALL: "Make every change that cures a finding",
    Choice.UNDO_FIX: "Take back a change",
    Choice.CANCEL: "Cancel the migration; the source keeps the writes",
    Choice.COMPLETE: "Complete: end replication; there is no way back after it",
    Choice.ROLL_BACK: "Roll back: the writes return to the old source, nothing is lost",
    Choice.DRAIN_CLIENTS: "End idle sessions on the server without writes",
}
_SEVERE = (Choice.CANCEL, Choice.COMPLETE, Choice.ROLL_BACK, Choice.DRAIN_CLIENTS)


def items(view: MigrationView, gate: GateView) -> tuple[Item, ...]:
    """Everything that can be decided now, the usual first."""
    found: list[Item] = []
    for value in gate.choices:
        choice = Choice(value)
        if choice is Choice.CONFIRM:
            found += _confirming(view, gate)
        elif _makes_sense(view, choice):
            found.append(Item(choice, _LABELS[choice], severe=choice in _SEVERE))
    return tuple(found)


def _confirming(view: MigrationView, gate: GateView) -> list[Item]:
    if gate.options:
        proposed = ("; this is proposed", *[""] * len(gate.options))
        return [
            Item(Choice.CONFIRM, f"{one.value}: {one.meaning}{words}", option=one.value)
            for one, words in zip(gate.options, proposed, strict=False)
        ]
    if gate.id == "checks" and view.blocking:
        return []
    if gate.id == "cutover":
        what = f"fail {view.target.name} over" if view.spec.in_place else f"move the writes to {view.target.name}"
        return [Item(Choice.CONFIRM, f"Cut over: {what}", severe=True)]
    return [Item(Choice.CONFIRM, _CONFIRM.get(gate.id, "Go on"), severe=bool(gate.word))]


def _makes_sense(view: MigrationView, choice: Choice) -> bool:
    if choice in (Choice.FIX, Choice.FIX_ALL):
        return bool(offers(view.findings))
    if choice is Choice.UNDO_FIX:
        return any(not one.undone for one in view.fixes)
    if choice is Choice.WAIVE:
        return bool(view.blocking)
    return choice in _LABELS


def word_for(view: MigrationView, gate: GateView, choice: Choice) -> str:
    """What has to be typed for a severe choice."""
    if choice is Choice.CANCEL:
        return "cancel"
    if choice is Choice.COMPLETE:
        return "complete"
    if choice is Choice.DRAIN_CLIENTS:
        return (view.target if rolled_back(view) else view.source).name
    return gate.word


def decision(view: MigrationView, gate: GateView, item: Item, ask: Ask) -> Decision | None:
    """The decision, once what it needs has been asked for; None where something of it was not given."""
    shown = view.plan.hash if view.plan else ""
    if item.choice is Choice.WAIVE:
        chosen = _one_of(view.blocking, ask)
        reason = ask("Why is it acceptable? The reason goes into the report.") if chosen else ""
        return Decision(Choice.WAIVE, chosen, reason=reason, shown=shown) if chosen and reason else None
    if item.choice in (Choice.FIX, Choice.UNDO_FIX):
        chosen = _one_of(_changeable(view, item.choice), ask)
        return Decision(item.choice, chosen, shown=shown) if chosen else None
    if item.choice is Choice.FIX_ALL:
        return _fix_all(view, ask)
    if item.choice is Choice.ROLL_BACK:
        reason = ask("Why are you rolling back? The reason goes into the report.")
        typed = _typed(word_for(view, gate, item.choice), ask) if reason else ""
        return Decision(Choice.ROLL_BACK, gate.id, typed, reason, shown) if typed else None
    if item.severe:
        typed = _typed(word_for(view, gate, item.choice), ask)
        return Decision(item.choice, gate.id, typed, shown=shown) if typed else None
    return Decision(item.choice, gate.id, item.option, shown=shown)


def _typed(word: str, ask: Ask) -> str:
    answer = ask(f"Type {word} to confirm. Anything else changes nothing.")
    return answer if answer == word else ""


def _changeable(view: MigrationView, choice: Choice) -> tuple[Finding, ...]:
    if choice is Choice.FIX:
        return tuple(one for one in view.findings if one.result.fixes)
    made = {one.check for one in view.fixes if not one.undone}
    return tuple(one for one in view.findings if one.check in made)


def _one_of(found: tuple[Finding, ...], ask: Ask) -> str:
    """The check whose number was typed; empty where it was none."""
    lines = "; ".join(f"{number} {one.title}" for number, one in enumerate(found, 1))
    answer = ask(f"Which finding? {lines}. Type its number.")
    number = int(answer) if answer.isdecimal() else 0
    return found[number - 1].check if 0 < number <= len(found) else ""


def _fix_all(view: MigrationView, ask: Ask) -> Decision | None:
    listed = offers(view.findings)
    changes = "; ".join(
        f"{one.fix.setting} on {side_of(one.fix.side)} from {one.fix.was} to {one.fix.becomes} by {one.fix.statement}"
        for one in listed
    )
    answer = ask(f"{plural(len(listed), 'change')}: {changes}. Type yes to make them.")
    return Decision(Choice.FIX_ALL, "checks", shown=digest(listed)) if answer == "yes" else None
