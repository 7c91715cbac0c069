"""Reading all tables once, with several workers: each has a reader of the source and one of the target."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from migration.verify.chunks import Cursor, Done
from migration.verify.compare import Unexplained
from migration.verify.model import Mode, Table
from migration.verify.readers import AnswerTooLarge, Readers, Turn
from migration.verify.reading import Chunk, Reading, Stopped
from migration.verify.shapes import Shape
from migration.verify.spans import SpanReading
from migration.verify.tables import begin
from migration.verify.tiny import MOST_TOGETHER, is_tiny, read_together
from providers.mysql.endpoint import Endpoint
from providers.mysql.errors import ServerError
from providers.mysql.packets.reader import ColumnsChanged

# What a statement fails with when its table was dropped, renamed or altered: MySQL manual, "Server Error Message
# Reference"; no such table, column, database or index, changed definition, and so on.
_TABLE_GONE = frozenset(
    {1146, 1054, 1049, 1176, 1412, 1615, 1072, 1356, 1932, 1051, 1033, 1017, 1030, 1194, 1195, 1877}
)


def of_the_table(error: ServerError) -> bool:
    """Whether an error says something of one table only, so that others can be read."""
    return isinstance(error, (ColumnsChanged, Unexplained, AnswerTooLarge)) or error.code in _TABLE_GONE


@dataclass(frozen=True)
class Watcher:
    """Who is told of a scan. All are called from the scan's threads, several at once.

    `permit`: waits until the next chunk may be read, and says False where the scan is to end. `on_chunk`: a chunk was
    compared. `on_table`: all of a table was. `on_trouble`: a table could not be read, since it is gone or altered, or
    its rows could not be compared; the scan goes on with the others.
    """

    on_chunk: Callable[[Chunk], None]
    on_table: Callable[[Shape], None] = lambda shape: None
    on_trouble: Callable[[Shape, ServerError], None] = lambda shape, error: None
    permit: Callable[[], bool] = lambda: True


@dataclass
class _Job:
    """A table that several workers read. `failed`: one of them told of trouble."""

    shape: Shape
    cursor: Cursor
    failed: bool = False


class Scan:
    """One pass over tables; `start` it, and `wait` for it.

    A worker takes a table, the largest first; when none is left it helps with those that can be shared. `error` is
    what ended the scan before it was through, None where nothing did.
    """

    def __init__(
        self,
        source: Endpoint,
        target: Endpoint,
        shapes: Iterable[Shape],
        watcher: Watcher,
        *,
        connections: int = 2,
        mode: Mode = Mode.EXACT,
        done: Mapping[Table, Done] | None = None,
        turn: Turn = contextlib.nullcontext,
    ) -> None:
        """Nothing is asked before `start`.

        `done`: what earlier scans did; `connections`: to each server; `turn`: what a worker holds while it reads.
        """
        self._endpoints = source, target
        self._waiting = deque(sorted(shapes, key=lambda shape: -shape.size))
        self._watcher = watcher
        self._mode = mode
        self._done = done or {}
        self._turn = turn
        self._shared: list[_Job] = []
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._beginning = 0
        self._stopping = threading.Event()
        self._open: list[Readers] = []
        self.error: BaseException | None = None
        self._workers = [
            threading.Thread(target=self._work, name=f"scan {number}", daemon=True) for number in range(connections)
        ]

    def start(self) -> None:
        """Begin to read."""
        for worker in self._workers:
            worker.start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; False where it did not come in time."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        for worker in self._workers:
            worker.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not self.running

    @property
    def running(self) -> bool:
        """Whether a worker is at work."""
        return any(worker.is_alive() for worker in self._workers)

    @property
    def complete(self) -> bool:
        """Whether everything was read: it ended by itself, without an error."""
        with self._lock:
            over = not self._waiting and not self._shared and not self._beginning
        return over and not self.running and self.error is None and not self._stopping.is_set()

    def stop(self) -> None:
        """Ask it to end after the chunks that are being read."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()

    def abandon(self) -> None:
        """Make it end at once: its connections are cut."""
        self.stop()
        with self._lock:
            for readers in self._open:
                readers.cut()

    def permit(self) -> bool:
        """Whether the next chunk may be read; for the workers."""
        return not self._stopping.is_set() and self._watcher.permit() and not self._stopping.is_set()

    def report(self, chunk: Chunk) -> None:
        """A chunk was compared; for the workers."""
        self._watcher.on_chunk(chunk)

    def _work(self) -> None:
        try:
            readers = Readers(*self._endpoints, self._turn)
            with self._lock:
                self._open.append(readers)
            try:
                self._read_tables(Reading(readers, self, self._mode))
            finally:
                with self._lock:
                    self._open.remove(readers)
                readers.close()
        except Stopped:
            self.stop()
        except Exception as error:  # noqa: BLE001 - the boundary of the thread: kept for whoever waits for the scan
            self._fail(error)

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            if self.error is None and not self._stopping.is_set():
                self.error = error
        self.stop()

    def _read_tables(self, reading: Reading) -> None:
        while not self._stopping.is_set():
            shapes = self._next()
            if shapes:
                self._begin_all(reading, shapes)
                continue
            job = self._next_shared()
            if job is None:
                return
            self._help(reading, job)

    def _next(self) -> list[Shape]:
        """The next table, or several tiny ones; nothing where none is left."""
        with self._lock:
            found: list[Shape] = []
            while self._waiting and len(found) < MOST_TOGETHER:
                if found and not self._goes_together(self._waiting[0]):
                    break
                found.append(self._waiting.popleft())
                if not self._goes_together(found[-1]):
                    break
            self._beginning += len(found)
            return found

    def _goes_together(self, shape: Shape) -> bool:
        return is_tiny(shape) and not self._done.get(shape.table)

    def _begin_all(self, reading: Reading, shapes: list[Shape]) -> None:
        left = shapes if len(shapes) == 1 else read_together(reading, shapes)
        alone = {shape.table for shape in left}
        for shape in shapes:
            if shape.table not in alone:
                self._watcher.on_table(shape)
        with self._changed:
            self._beginning -= len(shapes) - len(left)
            self._changed.notify_all()
        for shape in left:
            self._begin(reading, shape)

    def _begin(self, reading: Reading, shape: Shape) -> None:
        job = None
        try:
            cursor = begin(reading, shape, self._done.get(shape.table) or Done())
            job = None if cursor is None else _Job(shape, cursor)
            if job is None:
                self._watcher.on_table(shape)
        except ServerError as error:
            self._trouble(shape, error)
        finally:
            with self._changed:
                self._beginning -= 1
                if job is not None:
                    self._shared.append(job)
                self._changed.notify_all()
        if job is not None:
            self._help(reading, job)

    def _next_shared(self) -> _Job | None:
        """A table to help with; waits while one may still turn up."""
        with self._changed:
            while not self._stopping.is_set():
                for job in self._shared:
                    if not job.cursor.idle:
                        return job
                if not self._beginning and not self._shared:
                    return None
                # A worker that reads the last span of a table may give the rest of it back.
                self._changed.wait(1.0)
        return None

    def _help(self, reading: Reading, job: _Job) -> None:
        """Read spans of a table until there are no more."""
        try:
            SpanReading(reading, job.shape, job.cursor).run()
        except ServerError as error:
            with self._changed:
                first, job.failed = not job.failed, True
                if job in self._shared:
                    self._shared.remove(job)
                self._changed.notify_all()
            if first or not of_the_table(error):
                self._trouble(job.shape, error)
            return
        with self._changed:
            over = job in self._shared and job.cursor.finished
            if over:
                self._shared.remove(job)
            self._changed.notify_all()
        if over:
            self._watcher.on_table(job.shape)

    def _trouble(self, shape: Shape, error: ServerError) -> None:
        if not of_the_table(error):
            raise error
        self._watcher.on_trouble(shape, error)
