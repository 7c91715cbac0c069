"""One attempt to move the writes: who is who, and how its parts are journaled."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from migration.journal import Entry
from migration.model import Direction, Outcome
from migration.records import part_intent, part_outcome
from migration.runbook import Migration, StepFailed
from providers.mysql.errors import ConnectionLost, ServerError
from providers.mysql.server import Server

CONTENT = "content"
_PARTS = (
    ("ready", "rehearse the drain"),
    ("fence", "fence the old side"),
    ("drain", "drain to the new side"),
    (CONTENT, "prove the rows equal"),
    ("prove", "prove the old side still"),
    ("promote", "open the new side"),
    ("events", "switch events over"),
    ("keep", "keep the old side closed"),
    ("reverse", "prove the way back"),
)
Say = Callable[[str], None]


def parts(m: Migration) -> tuple[tuple[str, str], ...]:
    """The parts of an attempt, with their titles, in order."""
    return tuple(one for one in _PARTS if one[0] != CONTENT or proves(m))


def proves(m: Migration) -> bool:
    """Whether rows are proved equal behind the fence: what opens by itself leaves no time for it."""
    return m.prover is not None and not m.armed


class Aborted(Exception):
    """The attempt ended before the point of no return; the old side takes writes as before."""


@dataclass(frozen=True)
class Switchover:
    """One attempt to move the writes."""

    number: int
    direction: Direction
    old: Server
    new: Server
    actor: str


def plan_switch(m: Migration, number: int, direction: Direction, actor: str) -> Switchover:
    """Who is old and who is new in this direction."""
    forward = direction is Direction.CUTOVER
    old, new = (m.source, m.target) if forward else (m.target, m.source)
    return Switchover(number, direction, old, new, actor)


def past_no_return(m: Migration, number: int) -> bool:
    """Whether the journal holds the point of no return of this attempt."""
    attempts = m.story().attempts
    return bool(attempts) and attempts[-1].number == number and attempts[-1].past_no_return


def pass_no_return(m: Migration, s: Switchover, what: str) -> None:
    """Put down that an attempt passes its point of no return, with `what`; it is on the disk when this returns.

    Raises:
        Aborted: the attempt was ended already, by another runner.
    """
    if not m.scribe.no_return(s.number, what):
        raise Aborted(f"By the journal {s.direction} {s.number} was ended already; {s.old.name} keeps the writes.")


@contextlib.contextmanager
def part(m: Migration, s: Switchover, name: str) -> Iterator[Say]:
    """Journal a part around what it does; the yielded function takes what was observed."""
    m.scribe.write(part_intent(s.number, name, time.time()))
    with observed(s, name, m.scribe.write) as say:
        yield say


@contextlib.contextmanager
def observed(s: Switchover, name: str, write: Callable[[Entry], None]) -> Iterator[Say]:
    """Hand the outcome of a part to `write`, whichever it is."""
    words: list[str] = []
    began = time.time()
    try:
        yield words.append
    except ConnectionLost as error:
        write(part_outcome(s.number, name, Outcome.UNKNOWN, str(error), began, time.time()))
        raise
    except (Aborted, StepFailed, ServerError) as error:
        write(part_outcome(s.number, name, Outcome.NOT_DONE, str(error), began, time.time()))
        raise
    write(part_outcome(s.number, name, Outcome.DONE, " ".join(words), began, time.time()))


class Pending:
    """Records of parts inside the window, kept until there is time to write them.

    They only read; what they saw is written together with the point of no return, in one write to the disk.
    """

    def __init__(self, m: Migration, s: Switchover) -> None:
        self._m = m
        self._s = s
        self._entries: list[Entry] = []

    @contextlib.contextmanager
    def part(self, name: str) -> Iterator[Say]:
        """Note a part around what it does."""
        self._keep(part_intent(self._s.number, name, time.time()))
        with observed(self._s, name, self._keep) as say:
            yield say

    def take(self) -> tuple[Entry, ...]:
        """What has not been written yet; it counts as written from here on."""
        entries, self._entries = tuple(self._entries), []
        return entries

    def _keep(self, entry: Entry) -> None:
        # What was taken in the midst of a part has another list in its place.
        self._entries.append(entry)

    def flush(self) -> None:
        """Write what waits."""
        for entry in self.take():
            self._m.scribe.write(entry)
