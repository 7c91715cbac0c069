"""Decisions: what operators tell the runner, as rows of the journal."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from migration import letters
from migration.journal import Journal, Kind
from migration.seat import Ask
from migration.terminals import Terminal, person


class Choice(StrEnum):
    """What can be decided."""

    CONFIRM = "confirm"
    RECHECK = "recheck"
    WAIVE = "waive"
    FIX = "fix"
    FIX_ALL = "fix_all"
    UNDO_FIX = "undo_fix"
    PAUSE = "pause"
    CONTINUE = "continue"
    ABORT = "abort"
    CANCEL = "cancel"
    ROLL_BACK = "roll_back"
    COMPLETE = "complete"
    DRAIN_CLIENTS = "drain_clients"
    APPROVE = "approve"
    """To agree to the cutover as the second person; it needs no seat."""


@dataclass(frozen=True)
class Decision:
    """One decision.

    `subject`: the gate or check it is about. `typed`: what the operator typed to confirm. `reason`: why,
    in the operator's words. `shown`: the plan's hash or the sentence that was on the screen.
    """

    choice: Choice
    subject: str = ""
    typed: str = ""
    reason: str = ""
    shown: str = ""


def operator() -> str:
    """Who decides: `login@host` of this process, for the audit trail."""
    return person(os.getuid())


def decide(journal: Path, decision: Decision, terminal: str = "") -> int:
    """Write one decision and return its sequence number; the runner picks it up.

    `terminal`: the id of the screen it is decided at, empty where a program decides.

    Raises:
        JournalError: this login may not write the journal, nor hand in letters; or nobody has taken the letter.
    """
    body = {
        "choice": decision.choice.value,
        "typed": decision.typed,
        "reason": decision.reason,
        "shown": decision.shown,
    }
    return _hand_in(journal, Kind.DECISION, decision.subject, body | ({"terminal": terminal} if terminal else {}))


def ask_seat(journal: Path, ask: Ask, terminal: Terminal, to: str = "") -> int:
    """Ask the runner for the operator's seat, or to offer it to the terminal `to`; as `decide`.

    Raises:
        JournalError: as `decide`.
    """
    return _hand_in(journal, Kind.SEAT_ASKED, ask, {"terminal": terminal.id, "pid": str(terminal.pid), "to": to})


def _hand_in(journal: Path, kind: Kind, subject: str, body: Mapping[str, str]) -> int:
    if letters.may_send(journal):
        return letters.send(journal, kind, subject, body)
    writer = Journal(journal)
    try:
        return writer.append_synced(kind, subject, body, actor=operator())
    finally:
        writer.close()
