"""Following a journal: the reader's side of a migration."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import Self

from migration.journal import JournalError, JournalReader, RunnerSeat, Sample
from migration.story import SAMPLE_KINDS, Story
from migration.view import MigrationView

_HISTORY_S = 900.0


class Watch:
    """A reader that gives the migration's view, and knows cheaply whether it has changed.

    It opens the journal read-only: watching changes nothing.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal at `path`.

        Raises:
            JournalError: it cannot be read.
        """
        self._reader = JournalReader(path)
        self._seat = RunnerSeat(path)
        self._story = Story()
        self._since = time.time() - _HISTORY_S
        self._last_sample = dict.fromkeys(SAMPLE_KINDS, 0)
        self._seen: tuple[int, bool] | None = None

    def changed(self) -> bool:
        """Whether another process wrote, or the runner came or went, since the last `view`."""
        return self._seen != (self._reader.changes(), self._seat.taken())

    def view(self) -> MigrationView:
        """The migration as it is now.

        Raises:
            JournalError: the journal cannot be read.
        """
        self._seen = (self._reader.changes(), self._seat.taken())
        # A gate's conditions belong to the gate that was open before them, so records go first.
        for record in self._reader.records(self._story.last_seq):
            self._story.tell(record)
        if self._story.spec is None:
            raise JournalError(f"The journal {self._reader.path} is empty; delete its directory and start again.")
        for kind in SAMPLE_KINDS:
            for sample in self._new_samples(kind):
                self._last_sample[kind] = sample.seq
                self._story.measure(sample)
        return self._story.view(self._seen[1])

    def _new_samples(self, kind: str) -> tuple[Sample, ...]:
        """The lag's history; of everything else only the newest, however old it is."""
        after = self._last_sample[kind]
        if kind == "lag":
            return self._reader.samples(kind, after, self._since)
        newest = self._reader.newest(kind, after)
        return () if newest is None else (newest,)

    def close(self) -> None:
        """Close the journal."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
