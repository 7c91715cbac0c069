"""The operator's seat: one terminal decides at a time, and which one, the runner rules.

A screen asks (`seat_asked`), the runner answers (`seat`), both in the journal. A free seat is taken by the first who
comes. Whoever has it keeps it when the screen ends; the same person has it again by coming back, somebody else by
taking it over, once the screen is lost, or by being offered it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from migration.journal import Record
from migration.view import SeatChange, SeatView


class Ask(StrEnum):
    """What a terminal can ask for."""

    OPEN = "open"
    """The seat, where nobody would miss it: it is free, or was this person's."""
    TAKE = "take"
    """The seat, said outright: offered, given up for lost, or at another screen of this person."""
    OFFER = "offer"
    """That another terminal may take it."""


@dataclass(frozen=True)
class Granted:
    """The seat is to be taken; `how`: as in `ann has the operator's seat: …`."""

    how: str


@dataclass(frozen=True)
class Denied:
    """It is not; `why` is a sentence without its end."""

    why: str


def has(seat: SeatView, who: str, terminal: str) -> bool:
    """Whether that person holds the seat at that terminal."""
    return bool(seat.who) and (seat.who, seat.terminal) == (who, terminal)


def rule(seat: SeatView, ask: Ask, who: str, terminal: str, lost: str) -> Granted | Denied | None:
    """What comes of asking to open or take; None where nothing is to be said.

    `lost`: why the terminal that has the seat counts as lost, empty where somebody is there.
    """
    if has(seat, who, terminal):
        return None
    if not seat.who:
        return Granted("it was free")
    if who == seat.who and lost:
        return Granted(f"back again, the terminal before {lost}")
    if ask is Ask.OPEN:
        return None
    if who == seat.who:
        return Granted(f"moved here from the terminal of process {seat.pid}")
    if terminal == seat.offered_to and who == seat.offered_who:
        return Granted(f"handed over by {seat.who}")
    if lost:
        return Granted(f"taken over from {seat.who}, whose terminal {lost}")
    return Denied(f"{seat.who} has the operator's seat and is there, at process {seat.pid}")


def refusal(seat: SeatView, who: str, terminal: str) -> str:
    """Why a decision is not followed, empty where it is. `terminal` is empty where it came from a program."""
    if not seat.who or has(seat, who, terminal) or (not terminal and who == seat.who):
        return ""
    mine = f"at process {seat.pid}, and this came from another terminal" if who == seat.who else f"and {who} has not"
    return f"{seat.who} has the operator's seat, {mine}"


def told(seat: SeatView, record: Record) -> tuple[SeatView, str]:
    """The seat after what the runner ruled, and a line for the log."""
    body = record.body
    who, pid = str(body["who"]), int(body["pid"])
    if record.subject == "offered":
        offered = replace(seat, offered_to=str(body["terminal"]), offered_who=who)
        return offered, f"{body['by']} offers {who} the operator's seat"
    how = str(body["how"])
    changes = (*seat.changes, SeatChange(record.at, who, pid, how))
    return SeatView(who, str(body["terminal"]), pid, record.at, changes=changes), (
        f"{who} has the operator's seat at process {pid}: {how}"
    )
