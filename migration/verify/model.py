"""What is known of a verification: its question, its progress and its outcome. Frozen; no server is asked here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

Table = tuple[str, str]
"""Database and name."""


class Mode(StrEnum):
    """How rows are compared."""

    EXACT = "exact"
    """Every row of both sides is read and compared byte for byte: a difference cannot be missed."""
    HASH = "hash"
    """Each server computes a checksum of a chunk, for slow links; rows are read only where two differ."""


class Verdict(StrEnum):
    """How a verification ended. What could not be proved is never called identical."""

    IDENTICAL = "identical"
    DIFFERENT = "different"
    UNPROVED = "unproved"


class Kind(StrEnum):
    """How a row differs."""

    MISSING = "missing on the target"
    EXTRA = "only on the target"
    CHANGED = "changed"


@dataclass(frozen=True)
class Difference:
    """A row that differs. `key`: its key's columns with their values as text; `columns`: those that differ.

    A table without a usable key has `key` empty, and `rows` says how many equal rows are too many or too few. A table
    that is on one side only has `key` empty and `rows` 0.
    """

    table: Table
    kind: Kind
    key: tuple[tuple[str, str], ...]
    columns: tuple[str, ...] = ()
    rows: int = 1


def rows_of(differences: Iterable[Difference]) -> int:
    """How many rows differ; a table that is on one side only counts as one."""
    return sum(max(1, one.rows) for one in differences)


@dataclass(frozen=True)
class Doubt:
    """What cannot be proved, or only more weakly, and why; `table` is None where it holds for all of them.

    `unproved`: nothing can be said of the table (or of all). Else it is proved, with the weaker guarantee that
    `reason` names.
    """

    table: Table | None
    reason: str
    unproved: bool = True


@dataclass(frozen=True)
class Request:
    """What is to be verified, and how gently.

    `databases`: those that are compared; `pattern`: of `database.table`, with * and ?, empty for all tables.
    `rate_mib_s`: MiB of rows a second read from each server at most, 0 for no bound. `connections`: to each server.
    `most_running`, `most_lag_s`: threads running on a server and replication lag above which reading is held back;
    None for no bound. `most_changes_s`: rows changed a second on the source above which its connections read one after
    the other, so that clients keep their share of the server; None for no bound. `mode` None: chosen by measuring the
    link.
    """

    databases: tuple[str, ...]
    pattern: str = ""
    mode: Mode | None = None
    connections: int = 2
    rate_mib_s: float = 0.0
    most_running: int | None = 64
    most_lag_s: float | None = 10.0
    most_changes_s: float | None = 20.0


class State(StrEnum):
    """What a verification is doing."""

    STARTING = "looking at the tables"
    READING = "reading all rows"
    FOLLOWING = "following changes"
    PROVING = "proving"
    ENDED = "ended"


@dataclass(frozen=True)
class Progress:
    """A reading of a verification that is under way.

    `tables`: how many there are; `tables_read`: of how many every row was compared. `bytes_read` of about
    `bytes_all`, on each server. `rows`: compared so far. `dirty`: rows touched since they were last compared, that
    wait to be compared again. `redo`: tables to be read again, or ranges of them. `differing`: rows found different
    that a change under way may still explain; `confirmed`: those that nothing explains. `remaining_s`: None while
    nobody can say. `held`: why reading is held back, empty where it is not. `proved_at`: wall-clock seconds of the last
    moment at which every row had been compared and nothing was dirty or different; None before.
    """

    state: State
    tables: int = 0
    tables_read: int = 0
    bytes_read: int = 0
    bytes_all: int = 0
    rows: int = 0
    dirty: int = 0
    redo: int = 0
    differing: int = 0
    confirmed: tuple[Difference, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    remaining_s: float | None = None
    held: str = ""
    mode: Mode = Mode.EXACT
    proved_at: float | None = None

    @property
    def settled(self) -> bool:
        """Whether every row was compared, and it is known of each whether it is equal, differs or cannot be proved."""
        known = self.proved_at is not None or self.confirmed or any(doubt.unproved for doubt in self.doubts)
        return self.state in (State.FOLLOWING, State.PROVING) and bool(known)


@dataclass(frozen=True)
class Outcome:
    """How a verification, or the proof under the fence, ended.

    `differences`: those that are listed; `found`: how many rows differ in all, a table on one side only being one.
    `miss`: the probability that a difference was missed; 0.0 in exact mode, but for large tables without a usable key,
    which are compared by sums. `seconds`: of the whole run, or of the proof under the fence.
    `reread`: rows that were compared again at the end; `redone`: tables read again at the end.
    """

    verdict: Verdict
    differences: tuple[Difference, ...]
    found: int
    doubts: tuple[Doubt, ...]
    tables: int
    rows: int
    seconds: float
    mode: Mode = Mode.EXACT
    miss: float = 0.0
    reread: int = 0
    redone: int = 0

    def to_json(self) -> dict[str, Any]:
        """A plain mapping for the journal and for `--json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Outcome:
        """Read what `to_json` wrote."""
        return cls(
            **{
                **body,
                "verdict": Verdict(body["verdict"]),
                "mode": Mode(body["mode"]),
                "differences": tuple(_difference(one) for one in body["differences"]),
                "doubts": tuple(_doubt(one) for one in body["doubts"]),
            }
        )


def _difference(body: Mapping[str, Any]) -> Difference:
    base, name = body["table"]
    key = tuple((str(column), str(value)) for column, value in body["key"])
    return Difference((base, name), Kind(body["kind"]), key, tuple(body["columns"]), body["rows"])


def _doubt(body: Mapping[str, Any]) -> Doubt:
    table = None if body["table"] is None else (str(body["table"][0]), str(body["table"][1]))
    return Doubt(table, body["reason"], body["unproved"])
