"""What a verification keeps on disk, so that a later one goes on where it ended: lines of JSON, only ever appended.

The first line says whom it is about and where both logs were begun to be read. Then come, in any order, tables with
their shape, stretches of tables whose rows were all compared, with the keys of those that differed, and newer places
to begin the logs at. A stretch is believed only with the shape that its table had then; a key that was touched is
found again in the logs, which are read again from the newest places written here. A last line that was torn by the
death of the process counts as not written.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from migration.journal import JournalError
from migration.model import Side
from migration.verify.dirty import Key
from migration.verify.model import Table
from providers.mysql.binlog.places import Start

FORMAT = 1
_FLUSH_S = 0.2
# As many stretches of one table may be under way at once.
_NEAR = 16


@dataclass(frozen=True)
class About:
    """Whom a journal is about: the servers' identities, and a digest of what is compared and how."""

    source: str
    target: str
    request: str


@dataclass(frozen=True)
class Places:
    """Where both logs are to be read from; None for a server whose log is not read."""

    source: Start
    target: Start | None

    def by_side(self) -> dict[Side, Start]:
        """Those that are read, the source's first."""
        return {Side.SOURCE: self.source} | ({} if self.target is None else {Side.TARGET: self.target})


@dataclass(frozen=True)
class Stretch:
    """A stretch of a table whose rows were all compared. `range`: as the reader of rows writes it.

    `differing`: the keys of the rows that differed. `miss`: the probability that a difference was missed.
    """

    range: Any
    rows: int
    size: int
    differing: tuple[Key, ...] = ()
    miss: float = 0.0


@dataclass
class Kept:
    """What an earlier verification left: `done` by table, believed where the table has its shape of then.

    `differing`: rows that differed when the places were written down.
    """

    places: Places
    shapes: dict[Table, str] = field(default_factory=dict)
    done: dict[Table, list[Stretch]] = field(default_factory=dict)
    differing: dict[Table, set[Key]] = field(default_factory=dict)

    def of(self, table: Table, shape: str) -> tuple[Stretch, ...]:
        """The stretches of a table that has this shape now."""
        return tuple(self.done.get(table, ())) if self.shapes.get(table) == shape else ()


def read(path: Path, about: About) -> Kept | None:
    """What the file holds, None where it is missing, empty or about something else.

    Raises:
        JournalError: it cannot be read, or is no such file.
    """
    try:
        with path.open("rb") as file:
            return _kept(path, about, file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise JournalError(f"The progress of the verification in {path} cannot be read ({error.strerror}).") from error


def _kept(path: Path, about: About, lines: Iterable[bytes]) -> Kept | None:
    kept: Kept | None = None
    for line in lines:
        if not line.endswith(b"\n"):
            # It was not written to its end.
            break
        body = _parsed(path, line)
        if kept is None:
            kept = _begun(path, about, body)
            if kept is None:
                return None
        elif body["is"] == "void":
            return None
        else:
            _take(kept, body)
    return kept


def _begun(path: Path, about: About, head: Mapping[str, Any]) -> Kept | None:
    if head.get("is") != "begun" or head.get("format") != FORMAT:
        raise _another(path)
    same = About(head["source"], head["target"], head["request"]) == about
    return Kept(_places(head["places"])) if same else None


def _parsed(path: Path, line: bytes) -> dict[str, Any]:
    try:
        body = json.loads(line)
    except ValueError as error:
        raise _another(path) from error
    if not isinstance(body, dict) or "is" not in body:
        raise _another(path)
    return body


def _another(path: Path) -> JournalError:
    return JournalError(f"{path} is not the progress of a verification; name another file.")


def _take(kept: Kept, body: Mapping[str, Any]) -> None:
    if body["is"] == "places":
        kept.places = _places(body["places"])
        kept.differing = {
            (str(table[0]), str(table[1])): {_key(key) for key in keys} for table, keys in body["differing"]
        }
        return
    base, name = body["table"]
    table = (str(base), str(name))
    if body["is"] == "table":
        if kept.shapes.get(table) != body["shape"]:
            kept.done.pop(table, None)
        kept.shapes[table] = body["shape"]
    elif body["is"] == "again":
        kept.done.pop(table, None)
    elif body["is"] == "read":
        differing = tuple(_key(key) for key in body["differing"])
        _join(
            kept.done.setdefault(table, []),
            Stretch(body["range"], body["rows"], body["size"], differing, body["miss"]),
        )


def _join(done: list[Stretch], stretch: Stretch) -> None:
    """Take a stretch in, as one with the one before or behind it where that was written not long before."""
    for at in range(len(done) - 1, max(-1, len(done) - 1 - _NEAR), -1):
        for one, other in ((done[at], stretch), (stretch, done[at])):
            joined = _joined(one, other)
            if joined is not None:
                del done[at]
                _join(done, joined)
                return
    done.append(stretch)


def _joined(one: Stretch, other: Stretch) -> Stretch | None:
    """Both as one; None where the other does not begin where the one ends, or rows differed."""
    if one.differing or other.differing or len(one.range) != 2 or len(other.range) != 2:
        return None
    (begin, upto), (after, end) = one.range, other.range
    follows = upto + 1 == after if isinstance(upto, int) else upto is not None and upto == after
    if not follows:
        return None
    return Stretch([begin, end], one.rows + other.rows, one.size + other.size, (), one.miss + other.miss)


def _key(body: Iterable[str]) -> Key:
    return tuple(bytes.fromhex(part) for part in body)


def _shown(keys: Iterable[Key]) -> list[list[str]]:
    return [[part.hex() for part in key] for key in keys]


def _places(body: Mapping[str, Any]) -> Places:
    target = None if body["target"] is None else Start.from_json(body["target"])
    return Places(Start.from_json(body["source"]), target)


def _written(places: Places) -> dict[str, Any]:
    return {"source": places.source.to_json(), "target": None if places.target is None else places.target.to_json()}


class Progress:
    """The file as it is written. Lines are flushed every 0.2 s, and synced where that is said.

    What is lost with the process are the last stretches only: they are read again.
    """

    def __init__(self, path: Path, about: About, places: Places, going_on: bool) -> None:
        """Go on with the file, or begin it anew; a torn last line is taken away.

        Raises:
            JournalError: the file cannot be written.
        """
        self._path = path
        self._lock = threading.Lock()
        self._flushed = time.monotonic()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            if going_on:
                _mend(path)
            self._file = open(path, "ab" if going_on else "wb", opener=_private)  # noqa: SIM115
        if not going_on:
            head = {"is": "begun", "format": FORMAT, "source": about.source, "target": about.target}
            self._write({**head, "request": about.request, "places": _written(places)})
            self.sync()

    def table(self, table: Table, shape: str) -> None:
        """A table is compared with this shape; what was read of it with another one counts no longer."""
        self.tables({table: shape})

    def tables(self, shapes: Mapping[Table, str]) -> None:
        """As `table`, of many."""
        self._write(*({"is": "table", "table": table, "shape": shape} for table, shape in shapes.items()))

    def again(self, table: Table) -> None:
        """What was read of the table counts no longer."""
        self._write({"is": "again", "table": table})

    def read(self, table: Table, stretch: Stretch) -> None:
        """All rows of a stretch were compared."""
        body = {"range": stretch.range, "rows": stretch.rows, "size": stretch.size, "miss": stretch.miss}
        body["differing"] = _shown(stretch.differing)
        self._write({"is": "read", "table": table, **body})

    def reached(self, places: Places, differing: Mapping[Table, Iterable[Key]]) -> None:
        """All that both logs say before these places has been compared since, and was equal but for these rows."""
        rows = [[table, _shown(keys)] for table, keys in differing.items()]
        self._write({"is": "places", "places": _written(places), "differing": rows})
        self.sync()

    def void(self) -> None:
        """Nothing can be gone on from what is written here: a log that it needs is gone."""
        self._write({"is": "void"})
        self.sync()

    def sync(self) -> None:
        """Bring everything to the disk.

        Raises:
            JournalError: it cannot be written.
        """
        with self._lock, self._explained():
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Bring everything to the disk and close the file."""
        if self._file.closed:
            return
        with contextlib.suppress(JournalError):
            self.sync()
        with contextlib.suppress(OSError):
            self._file.close()

    def _write(self, *bodies: Mapping[str, Any]) -> None:
        lines = b"".join(json.dumps(body, separators=(",", ":")).encode() + b"\n" for body in bodies)
        with self._lock, self._explained():
            self._file.write(lines)
            if time.monotonic() - self._flushed > _FLUSH_S:
                self._file.flush()
                self._flushed = time.monotonic()

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise JournalError(
                f"The progress of the verification in {self._path} cannot be written ({words}); free some space, or "
                "name another file."
            ) from error


def _private(path: str, flags: int) -> int:
    """Open a file for its owner's eyes: it holds the keys of rows."""
    return os.open(path, flags, 0o600)


def _mend(path: Path) -> None:
    with path.open("rb+") as file:
        held = file.read()
        file.truncate(held.rfind(b"\n") + 1)
