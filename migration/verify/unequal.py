"""What reading a table came to: the keys of the rows that differ, as many as are kept, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable

from migration.verify.compare import difference
from migration.verify.dirty import MOST_DIFFERING, Suspect
from migration.verify.model import Difference
from migration.verify.reading import Chunk
from migration.verify.touched import Key


class Unequal:
    """Takes the chunks of one table; their rows are not kept.

    Attributes:
        keys: of rows that differ.
        listed: what is to be said of the first of them.
        more: rows that differ beside those.
        unkeyed: rows of a table without a key that are too many or too few.
        miss: the probability that a difference was missed.
    """

    def __init__(self, most_listed: int = 0, most: int = MOST_DIFFERING) -> None:
        """`most_listed`: rows of which is said what differs; `most`: keys that are kept."""
        self._most_listed = most_listed
        self._most = most
        self.keys: dict[Key, None] = {}
        self.listed: dict[Key, Difference] = {}
        self.more = 0
        self.unkeyed: tuple[Difference, ...] = ()
        self.miss = 0.0

    def take(self, chunk: Chunk) -> None:
        """A chunk was compared."""
        self.unkeyed += chunk.unkeyed
        self.miss += chunk.miss
        for key, rows in chunk.differing.items():
            if len(self.listed) < self._most_listed:
                self.listed[key] = difference(chunk.shape, chunk.layout, key, *rows)
            if len(self.keys) < self._most:
                self.keys[key] = None
            else:
                self.more += key not in self.keys

    def suspects(self, since: float) -> Iterable[Suspect]:
        """The rows that differ; `since`: up to when nothing was the matter with them, in monotonic seconds."""
        return [Suspect(key, 1, since) for key in self.keys]
