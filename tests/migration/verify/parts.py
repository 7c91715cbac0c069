"""The parts of a verification that look at tables and rows, by themselves."""

from __future__ import annotations

from migration.verify.arrival import Arrival
from migration.verify.dirty import DirtySet
from migration.verify.ending import Seen, look
from migration.verify.findings import Findings
from migration.verify.known import Known
from migration.verify.model import Difference, Request, Table
from migration.verify.readers import Readers
from migration.verify.rechecker import Rechecker
from migration.verify.shapes import read_shapes
from migration.verify.upkeep import Upkeep, surroundings
from tests.migration.verify.pairs import Pair
from tests.support.waiting import until

T: Table = ("ending", "t")


class Parts:
    """The parts that look at tables and rows, of which none does anything before it is told to."""

    def __init__(self, pair: Pair, readers: Readers, others: Readers) -> None:
        request = Request((T[0],))
        source, target = pair.make
        self.known = Known(request, read_shapes(source, target, request), surroundings(source, target))
        self.dirty, self.findings = DirtySet(), Findings()
        self.errors: list[Exception] = []
        failed = self.errors.append
        self.rechecker = Rechecker(
            readers, self.known, self.dirty, (), lambda: None, self.findings.heal, lambda _: None, failed
        )
        arrival = Arrival(pair.source, pair.target, None)
        self.upkeep = Upkeep(
            others, arrival, request, self.known, self.dirty, self.findings, {},
            lambda: True, lambda *_: None, lambda _: None, failed,
        )  # fmt: skip

    def look(self, passed: float) -> Seen:
        return look(self.known, self.dirty, self.findings, passed)

    def end(self, passed: float) -> tuple[Difference, ...]:
        """What it comes to, asked as often as can be: a moment in which nothing seems open would be the end."""
        self.upkeep.start()
        self.rechecker.start()
        until(lambda: not self.look(passed).open, "nothing is open", 30, every=0.0005)
        return self.look(passed).differences
