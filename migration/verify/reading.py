"""What every reading of a table has in hand: the readers, who is asked and told, and what it comes to."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from migration.verify.chunks import Range
from migration.verify.compare import Rows, Unexplained, differing
from migration.verify.hashing import Hash, hash_of
from migration.verify.model import Difference, Mode
from migration.verify.readers import MOST_ANSWERED, Readers
from migration.verify.shapes import Shape
from providers.mysql.errors import ConnectionLost, Unreachable
from providers.mysql.packets.packets import Packets
from providers.mysql.packets.rows import Key, RowLayout

_T = TypeVar("_T")

# A lost connection is opened again after these pauses; from the first again once it got on in between.
_PAUSES_S = (0.0, 0.2, 1.0, 3.0, 5.0)
# Only one worker at a time holds a row that is larger than an answer may be.
_LARGE = threading.Lock()


class Stopped(Exception):
    """The reading was asked to end."""


@dataclass(frozen=True)
class Chunk:
    """Rows that were read and compared. `differing`: those that were unequal; empty where all were equal.

    `range`: what is done with this chunk; None while more of the range is to come. `rows`: on the source, and `size`
    of their packets in bytes (of the checksums, in hash mode). `unkeyed`: rows of a table without a key that are
    too many or too few. `miss`: the probability that a difference was missed.
    """

    shape: Shape
    layout: RowLayout
    range: Range | None
    rows: int
    size: int
    differing: Mapping[Key, Rows] = field(default_factory=dict)
    unkeyed: tuple[Difference, ...] = ()
    miss: float = 0.0


class Desk(Protocol):
    """Who is asked before a chunk is read, and told of it afterwards; from several threads."""

    def permit(self) -> bool:
        """Wait until the next chunk may be read; False where the reading is to end."""

    def report(self, chunk: Chunk) -> None:
        """A chunk was compared."""


class Reading:
    """One worker's readers and its desk. Not for use by two threads at once.

    `found_by`: the kinds of keys by which rows were found (see `lookups`).
    """

    def __init__(self, readers: Readers, desk: Desk, mode: Mode = Mode.EXACT) -> None:
        self.readers = readers
        self.found_by = set[Hashable]()
        self.report = desk.report
        self._permit = desk.permit
        self._mode = mode
        self._laid: tuple[object, RowLayout] | None = None

    def permitted(self) -> None:
        """Wait until the next chunk may be read.

        Raises:
            Stopped: none is to be read.
        """
        if not self._permit():
            raise Stopped

    def layout(self, shape: Shape, here: str, there: str) -> RowLayout:
        """As `Readers.layout`, and not made anew for columns like the last ones.

        Raises:
            ServerError: as `Readers.layout`.
        """
        source, target = self.readers.prepare(here, there)
        known = shape.keys, source.columns, target.columns
        if self._laid is None or self._laid[0] != known:
            self._laid = known, self.readers.layout(shape, here, there)
        return self._laid[1]

    def hash_of(self, shape: Shape) -> Hash | None:
        """How chunks of the table are hashed, None where rows are read."""
        if self._mode is Mode.EXACT:
            return None
        return hash_of(shape, self.readers.source.version, self.readers.target.version)

    def trying(self, act: Callable[[], _T], place: Callable[[], object] = lambda: None) -> _T:
        """Do what may be done again, on new connections where these break; `place` changes when it gets on.

        Raises:
            Stopped: as `permitted`.
            ServerError: as `act`; a lost connection after several attempts in one place.
        """
        tries, at = 0, place()
        while True:
            try:
                if tries:
                    self.readers.reopen()
                return act()
            except (ConnectionLost, Unreachable):
                if place() != at:
                    tries, at = 0, place()
                if tries == len(_PAUSES_S):
                    raise
            self.permitted()
            time.sleep(_PAUSES_S[tries])
            tries += 1

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """While no other worker holds a row that is larger than an answer may be, let one of any size in."""
        with _LARGE:
            self.readers.allow(None)
            try:
                yield
            finally:
                self.readers.allow(MOST_ANSWERED)


def compared(shape: Shape, layout: RowLayout, a: Packets, b: Packets) -> Mapping[Key, Rows]:
    """The rows that differ.

    Raises:
        Unexplained: see `compare.differing`, with the table's name.
    """
    try:
        return differing(layout, a, b, signless=shape.signless)
    except (Unexplained, ValueError) as error:
        raise Unexplained("", f"{shape.title} could not be compared: {error}") from error
