"""The operator's seat, ruled on by the runner's inbox over real journals."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from migration import letters, terminals
from migration.decisions import Choice, Decision, ask_seat, decide, operator
from migration.inbox import Inbox
from migration.journal import Journal, JournalError, Kind, Record
from migration.model import MigrationSpec, ServerSpec
from migration.records import Scribe
from migration.seat import Ask, Denied, Granted, refusal, rule
from migration.seat_keeper import SeatKeeper
from migration.sessions import create
from migration.sharing import let_decide
from migration.story import Story
from migration.terminals import Terminal
from migration.view import SeatView
from tests.support.other_login import GROUP, NOBODY, OtherLogin, needed, open_state, other
from tests.support.seats import silence, sitting
from tests.support.waiting import until

__all__ = ["open_state", "other"]
END = ServerSpec("source", "127.0.0.1", 3306, "admin", "repl")


class Desk:
    """The runner's side of a journal, without servers: its inbox, and what came of what was handed in."""

    def __init__(self, path: Path) -> None:
        self.journal = Journal(path)
        self.path = path
        self.inbox = self.open()

    def open(self) -> Inbox:
        keeper = SeatKeeper(Scribe(self.journal), self.seat)
        return Inbox(self.path, self.journal.last_seq(), lambda: False, keeper)

    def again(self) -> None:
        """Another runner takes over."""
        self.inbox.close()
        self.inbox = self.open()

    @property
    def seat(self) -> SeatView:
        return Story.of(self.journal.records()).seat

    def taken(self) -> list[Record]:
        """What the runner has to follow by now."""
        found = []
        while (decision := self.inbox.take()) is not None:
            found.append(decision)
        return found

    def refused(self) -> list[str]:
        return [str(one.body["why"]) for one in self.journal.records() if one.kind is Kind.REFUSED]

    def close(self) -> None:
        self.inbox.close()
        self.journal.close()


def spec() -> MigrationSpec:
    return MigrationSpec("m", "mysql_replication", "TEST", END, END)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv("CUTOVER_STATE", str(tmp_path))
    with contextlib.closing(Desk(create(spec()))) as desk:
        yield desk


def opened(desk: Desk, terminal: Terminal) -> None:
    ask_seat(desk.path, Ask.OPEN, terminal)
    assert desk.taken() == []


def test_the_first_screen_has_the_seat_and_the_second_has_not(desk: Desk) -> None:
    with sitting(desk.path) as first, sitting(desk.path) as second:
        opened(desk, first)
        opened(desk, second)
        seat = desk.seat
        assert (seat.who, seat.terminal, seat.pid) == (operator(), first.id, first.pid)
        assert [change.how for change in seat.changes] == ["it was free"]
        assert desk.refused() == []

        good = decide(desk.path, Decision(Choice.CONFIRM, "plan"), first.id)
        bad = decide(desk.path, Decision(Choice.CONFIRM, "plan"), second.id)
        assert [one.seq for one in desk.taken()] == [good]
    (record,) = [one for one in desk.journal.records() if one.kind is Kind.REFUSED]
    assert (record.subject, record.body["decision"]) == ("plan", bad)
    why = f"{operator()} has the operator's seat, at process {first.pid}, and this came from another terminal"
    assert record.body["why"] == why


def test_nothing_of_somebody_without_the_seat_holds_the_runner(desk: Desk) -> None:
    with sitting(desk.path) as first, sitting(desk.path) as second:
        opened(desk, first)
        for choice in (Choice.PAUSE, Choice.ABORT, Choice.CANCEL):
            decide(desk.path, Decision(choice), second.id)
        assert not desk.inbox.halted()
        assert desk.taken() == []
        assert len(desk.refused()) == 3
        assert not Story.of(desk.journal.records()).paused
        decide(desk.path, Decision(Choice.PAUSE), first.id)
        assert desk.inbox.halted()
        decide(desk.path, Decision(Choice.CONTINUE), second.id)
        desk.taken()
        assert Story.of(desk.journal.records()).paused


def test_a_program_of_the_same_person_needs_no_seat_and_without_a_holder_nobody_does(desk: Desk) -> None:
    first = decide(desk.path, Decision(Choice.RECHECK))
    assert [one.seq for one in desk.taken()] == [first]
    with sitting(desk.path) as terminal:
        opened(desk, terminal)
        second = decide(desk.path, Decision(Choice.RECHECK))
        third = decide(desk.path, Decision(Choice.RECHECK), terminal.id)
        assert [one.seq for one in desk.taken()] == [second, third]
    assert desk.refused() == []


def test_the_same_person_has_it_again_by_coming_back(desk: Desk) -> None:
    with sitting(desk.path) as before:
        opened(desk, before)
    desk.again()
    with sitting(desk.path) as after:
        opened(desk, after)
        assert desk.seat.terminal == after.id
        assert desk.seat.changes[-1].how == "back again, the terminal before has ended"
    assert desk.refused() == []


def test_a_second_screen_of_the_same_person_takes_it_by_saying_so(desk: Desk) -> None:
    with sitting(desk.path) as first, sitting(desk.path) as second:
        opened(desk, first)
        opened(desk, second)
        assert desk.seat.terminal == first.id
        ask_seat(desk.path, Ask.TAKE, second)
        desk.taken()
        assert desk.seat.terminal == second.id
        assert desk.seat.changes[-1].how == f"moved here from the terminal of process {first.pid}"


def test_a_screen_that_is_silent_counts_as_lost(desk: Desk) -> None:
    with sitting(desk.path) as first, sitting(desk.path) as second:
        opened(desk, first)
        silence(desk.path, first, terminals.SILENT_S - 5)
        opened(desk, second)
        assert desk.seat.terminal == first.id
        silence(desk.path, first, terminals.SILENT_S + 5)
        opened(desk, second)
        assert desk.seat.terminal == second.id
        assert "has been silent for 35 s" in desk.seat.changes[-1].how


def test_the_seat_outlives_the_runner(desk: Desk) -> None:
    with sitting(desk.path) as first, sitting(desk.path) as second:
        opened(desk, first)
        desk.again()
        decide(desk.path, Decision(Choice.RECHECK), second.id)
        assert desk.taken() == []
        assert len(desk.refused()) == 1


def test_it_is_offered_to_who_is_there_only_and_by_who_has_it_only(desk: Desk) -> None:
    with sitting(desk.path) as first, sitting(desk.path) as second:
        opened(desk, first)
        ask_seat(desk.path, Ask.OFFER, second, second.id)
        ask_seat(desk.path, Ask.OFFER, first, "4-5-0000abcd")
        assert desk.taken() == []
        assert desk.refused() == [
            f"{operator()} does not have the operator's seat and cannot offer it",
            "nobody is at the terminal any more that the seat was offered to",
        ]
        ask_seat(desk.path, Ask.OFFER, first, second.id)
        desk.taken()
        assert (desk.seat.terminal, desk.seat.offered_to) == (first.id, second.id)


# Somebody else: what the rules say of two people, whom one login cannot play.
HELD = SeatView("ann@a", "1-1-00000001", 1, 0.0)


@pytest.mark.parametrize(
    ("ask", "who", "terminal", "lost", "expected"),
    [
        (Ask.OPEN, "bob@a", "2-2-00000002", "", None),
        (Ask.OPEN, "bob@a", "2-2-00000002", "has ended", None),
        (Ask.TAKE, "bob@a", "2-2-00000002", "", Denied("ann@a has the operator's seat and is there, at process 1")),
        (Ask.TAKE, "bob@a", "2-2-00000002", "has ended",
         Granted("taken over from ann@a, whose terminal has ended")),
        (Ask.OPEN, "ann@a", "1-1-00000001", "", None),
        # Another login that says it was at ann's terminal.
        (Ask.TAKE, "bob@a", "1-1-00000001", "", Denied("ann@a has the operator's seat and is there, at process 1")),
    ],
)  # fmt: skip
def test_who_else_may_have_it(ask: Ask, who: str, terminal: str, lost: str, expected: object) -> None:
    assert rule(HELD, ask, who, terminal, lost) == expected


def test_an_offer_is_for_one_terminal_and_one_person() -> None:
    offered = replace(HELD, offered_to="2-2-00000002", offered_who="bob@a")
    assert rule(offered, Ask.TAKE, "bob@a", "2-2-00000002", "") == Granted("handed over by ann@a")
    for who, terminal in (("eve@a", "2-2-00000002"), ("bob@a", "3-3-00000003")):
        assert isinstance(rule(offered, Ask.TAKE, who, terminal, ""), Denied)
    assert "and bob@a has not" in refusal(offered, "bob@a", "2-2-00000002")
    assert refusal(HELD, "bob@a", "")
    assert refusal(HELD, "eve@a", HELD.terminal)
    assert not refusal(HELD, "ann@a", "")


# Letters, of a login that really is another one.


def watching(path: Path) -> Terminal:
    """Arrive as an observer."""
    terminal = terminals.here(observer=True)
    terminals.arrive(path, terminal)
    return terminal


def shared(desk: Desk) -> None:
    let_decide(desk.path, GROUP)


def hand_in(desk: Desk, other: OtherLogin, function: object, *arguments: object) -> object:
    """Let the other login hand something in while the runner looks for it."""
    assert callable(function)
    other.begin(function, desk.path, *arguments)
    found: list[Record] = []
    until(lambda: found.extend(desk.taken()) or other._ours.poll(), "the answer")
    found.extend(desk.taken())
    return (other.end(), found)


@pytest.fixture
def theirs(open_state: Path, other: OtherLogin) -> Iterator[Desk]:
    """A desk whose letters the second login may write; it was begun before the journal was opened."""
    with contextlib.closing(Desk(create(spec()))) as desk:
        shared(desk)
        yield desk


@needed
def test_what_another_login_decides_without_the_seat_is_refused_under_its_real_name(
    theirs: Desk, other: OtherLogin
) -> None:
    with sitting(theirs.path) as first:
        opened(theirs, first)
        # It says that it sits at the operator's terminal.
        seq, found = hand_in(theirs, other, decide, Decision(Choice.CONFIRM, "cutover", typed="source"), first.id)
        assert found == []
    (decision,) = [one for one in theirs.journal.records() if one.kind is Kind.DECISION]
    assert (decision.seq, decision.actor.partition("@")[0]) == (seq, NOBODY)
    assert theirs.refused() == [f"{operator()} has the operator's seat, and {decision.actor} has not"]


@needed
def test_a_runner_that_took_no_letter_itself_does_not_say_whose_it_was(theirs: Desk, other: OtherLogin) -> None:
    hand_in(theirs, other, decide, Decision(Choice.APPROVE, "cutover", typed="source"))
    (decision,) = [one for one in theirs.journal.records() if one.kind is Kind.DECISION]
    assert theirs.inbox.who(decision).partition("@")[0] == NOBODY
    theirs.again()
    # Whoever may write the journal could have put it there.
    assert theirs.inbox.who(decision) == ""


@needed
def test_it_is_handed_over_to_another_login_and_taken_over_when_that_is_lost(theirs: Desk, other: OtherLogin) -> None:
    with sitting(theirs.path) as first:
        opened(theirs, first)
        terminal = other.call(watching, theirs.path)
        hand_in(theirs, other, ask_seat, Ask.TAKE, terminal)
        assert theirs.seat.terminal == first.id
        assert "is there" in theirs.refused()[-1]

        assert [one.who.partition("@")[0] for one in terminals.present(theirs.path)] == ["root", NOBODY]
        ask_seat(theirs.path, Ask.OFFER, first, terminal.id)
        hand_in(theirs, other, ask_seat, Ask.TAKE, terminal)
        assert theirs.seat.terminal == terminal.id
        assert theirs.seat.changes[-1].how == f"handed over by {operator()}"

        _, found = hand_in(theirs, other, decide, Decision(Choice.RECHECK), terminal.id)
        assert [(one.actor.partition("@")[0], one.body["choice"]) for one in found] == [(NOBODY, "recheck")]
        decide(theirs.path, Decision(Choice.RECHECK), first.id)
        assert theirs.taken() == []

        ask_seat(theirs.path, Ask.TAKE, first)
        theirs.taken()
        assert theirs.seat.terminal == terminal.id
        other.kill()
        ask_seat(theirs.path, Ask.OPEN, first)
        theirs.taken()
        assert theirs.seat.terminal == terminal.id
        ask_seat(theirs.path, Ask.TAKE, first)
        theirs.taken()
        assert theirs.seat.terminal == first.id
        assert "whose terminal has ended" in theirs.seat.changes[-1].how


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a runner; asked for before the other login is there, which takes it over."""
    monkeypatch.setattr(letters, "_TAKEN_S", 0.3)


@needed
def test_a_letter_that_no_runner_takes_decides_nothing_later(impatient: None, theirs: Desk, other: OtherLogin) -> None:
    with pytest.raises(JournalError, match="No runner has taken it up"):
        other.call(decide, theirs.path, Decision(Choice.PAUSE))
    assert theirs.taken() == []
    assert not list(terminals.room(theirs.path).glob("*.letter"))


def nonsense(path: Path) -> None:
    """What somebody leaves who means no good."""
    room = terminals.room(path)
    (room / "a.letter").write_text("{" * 100_000)
    (room / "b.letter").write_text('{"kind": "decision", "subject": "x", "body": {"choice": "explode"}}')
    (room / "c.letter").write_text('{"kind": "ended", "subject": "completed", "body": {}}')
    (room / "d.letter").symlink_to(path)
    os.mkfifo(room / "e.letter")
    (room / "f.letter").write_text('{"kind": "decision", "subject": "x", "body": {"choice": "pause", "typed": 1}}')
    (room / "1-1-00000000.json").write_text('{"pid": "x"}')
    (room / "..json").write_text("[]")
    for one in room.glob("*.letter"):
        if one.is_file() and not one.is_symlink():
            one.chmod(0o644)


@needed
def test_letters_that_make_no_sense_are_thrown_away(theirs: Desk, other: OtherLogin) -> None:
    before = len(theirs.journal.records())
    other.call(nonsense, theirs.path)
    assert theirs.taken() == []
    new = theirs.journal.records()[before:]
    assert {one.kind for one in new} == {Kind.NOTE}
    assert all("makes no sense" in json.dumps(one.body) for one in new)
    assert terminals.present(theirs.path) == ()
    assert letters.collect(theirs.path) == ()
    assert theirs.path.read_bytes()[:6] == b"SQLite"
