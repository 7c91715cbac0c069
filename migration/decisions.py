"""Decisions: what operators tell the runner, as rows of the journal."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from migration.journal import Journal, Kind


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
    """Who decides: `user@host` of this process, for the audit trail."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid{os.getuid()}"
    return f"{name}@{socket.gethostname()}"


def decide(journal: Path, decision: Decision) -> int:
    """Write one decision and return its sequence number; the runner picks it up.

    Raises:
        JournalError: the journal cannot be written by this login.
    """
    body = {
        "choice": decision.choice.value,
        "typed": decision.typed,
        "reason": decision.reason,
        "shown": decision.shown,
    }
    writer = Journal(journal)
    try:
        return writer.append_synced(Kind.DECISION, decision.subject, body, actor=operator())
    finally:
        writer.close()
