"""The runner's side of the operator's seat: who has it, and whose decisions are followed."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from migration import letters
from migration.decisions import Choice
from migration.journal import Kind, Record
from migration.records import Scribe
from migration.seat import Ask, Denied, Granted, has, refusal, rule
from migration.terminals import lost, make_room, person, present, room, sweep
from migration.view import SeatView

# Two changes within the time that a file system can tell apart look like one.
_TICK_NS = 1_000_000_000


class SeatKeeper:
    """Rules on what terminals ask for. Used under the inbox's lock."""

    def __init__(self, scribe: Scribe, seat: SeatView) -> None:
        """`seat`: who has it as the journal stands."""
        self._scribe = scribe
        self._path = scribe.journal.path
        self._seat = seat
        self._changed = 0
        self._letters: set[int] = set()
        # Without the room nobody hands letters in; whoever may write the journal decides all the same.
        with contextlib.suppress(OSError):
            make_room(self._path)
        sweep(self._path)

    def collect(self) -> None:
        """Put into the journal what was handed in by those who may not write it, under the name the kernel gives.

        It is called in the moments in which clients cannot write: where nothing came, it is one look at a directory.
        """
        try:
            changed = room(self._path).stat().st_mtime_ns
        except OSError:
            return
        if changed == self._changed and time.time_ns() - changed > _TICK_NS:
            return
        self._changed = changed
        for letter, uid in letters.collect(self._path):
            if letter is None or not _makes_sense(letter):
                who = person(uid) if uid >= 0 else "somebody"
                self._scribe.note(f"{who} handed in something that makes no sense", "warn")
                continue
            body = {**letter.body, "letter": letter.key}
            seq = self._scribe.journal.append(letter.kind, letter.subject, body, actor=person(uid))
            self._letters.add(seq)

    def answer(self, asked: Record) -> None:
        """Rule on what a terminal asked for."""
        if not _is_ask(asked.subject, asked.body):
            self._scribe.refused("seat", asked.seq, "what was asked for makes no sense")
            return
        who, terminal, pid = asked.actor, str(asked.body["terminal"]), int(asked.body["pid"])
        ask = Ask(asked.subject)
        if ask is Ask.OFFER:
            self._offer(asked, who, terminal)
            return
        away = lost(self._path, self._seat.terminal, time.time()) if self._seat.who else ""
        ruling = rule(self._seat, ask, who, terminal, away)
        if isinstance(ruling, Granted):
            self._scribe.seat_taken(who, terminal, pid, ruling.how)
            self._seat = SeatView(who, terminal, pid)
        elif isinstance(ruling, Denied):
            self._scribe.refused("seat", asked.seq, f"{ruling.why}; {who} asked for it")

    def refusal(self, decision: Record) -> str:
        """Why a decision is not followed; empty where it is."""
        if decision.body["choice"] == Choice.APPROVE:
            return ""
        return refusal(self._seat, decision.actor, str(decision.body.get("terminal", "")))

    def who(self, record: Record) -> str:
        """Who handed something in, as the kernel says it: whoever may write the journal is the runner's own login.

        Empty for a letter that an earlier runner took: what the journal says of it, that login could have written, too.
        """
        if record.seq in self._letters:
            return record.actor
        return "" if "letter" in record.body else person(os.getuid())

    def operator(self) -> str:
        """Who has the seat; the runner's own login where nobody has."""
        return self._seat.who or person(os.getuid())

    def refuse(self, decision: Record, why: str) -> None:
        """Say that a decision is not followed."""
        self._scribe.refused(decision.subject, decision.seq, why)

    def _offer(self, asked: Record, who: str, terminal: str) -> None:
        if not has(self._seat, who, terminal):
            self._scribe.refused("seat", asked.seq, f"{who} does not have the operator's seat and cannot offer it")
            return
        wanted = str(asked.body["to"])
        found = [one for one in present(self._path) if one.id == wanted]
        if not found:
            self._scribe.refused("seat", asked.seq, "nobody is at the terminal any more that the seat was offered to")
            return
        self._scribe.seat_offered(found[0].who, wanted, found[0].pid, who)
        self._seat = replace(self._seat, offered_to=wanted, offered_who=found[0].who)


def _makes_sense(letter: letters.Letter) -> bool:
    if letter.kind is Kind.SEAT_ASKED:
        return _is_ask(letter.subject, letter.body)
    return letter.body.get("choice") in set(Choice) and {"typed", "reason", "shown"} <= letter.body.keys()


def _is_ask(subject: str, body: Mapping[str, Any]) -> bool:
    return subject in set(Ask) and {"terminal", "to"} <= body.keys() and str(body.get("pid", "")).isdecimal()
