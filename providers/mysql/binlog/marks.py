"""What names a place in one server's binary log: a transaction's end, a tail's beginning, a read's horizon."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from providers.mysql.errors import ServerError
from providers.mysql.gtid import GtidSet
from providers.mysql.position import FilePosition

FIRST_OFFSET = 4
"""Where the first event of a log file stands: behind its magic number."""

_NOTHING = GtidSet()


class LogGone(ServerError):
    """The server no longer has the part of its log that a tail needs, or it is not the log that was read before."""


@dataclass(frozen=True)
class Mark:
    """A transaction's end in one server's log.

    `offset` in bytes. `gtid`: source uuid (with `:tag`) and number where the transaction has a MySQL GTID. Of a mark
    that stands for several transactions, `gtids` are all of them. `seen`: monotonic seconds at which it was read.
    """

    file: str
    offset: int
    gtid: tuple[str, int] | None = None
    gtids: GtidSet = field(default=_NOTHING, compare=False)
    seen: float = field(default=0.0, compare=False)

    @property
    def place(self) -> FilePosition:
        """File and offset, for comparing."""
        return FilePosition(self.file, self.offset)


@dataclass(frozen=True)
class Horizon:
    """What every read that starts after it was asked for is sure to see.

    `executed`: committed GTIDs, None where they cannot be relied on. `snapshot`: the place in the log up to which all
    is visible. `newest`: the file that is written to; all older ones are visible. `before`: monotonic seconds; what
    was read from the log until then is taken for visible.
    """

    executed: GtidSet | None = None
    snapshot: FilePosition | None = None
    newest: FilePosition | None = None
    before: float = 0.0

    def covers(self, mark: Mark) -> bool:
        """Whether the transactions that the mark stands for are visible.

        Of a row, the newest mark is enough; of a table, each batch's mark is to be asked for, as servers with
        `binlog_order_commits` off commit in another order than they log.
        """
        if self.executed is not None and mark.gtid is not None:
            return _holds(self.executed, *mark.gtid) and mark.gtids.within(self.executed)
        if self.snapshot is not None:
            return mark.place.within(self.snapshot)
        if self.newest is not None and mark.place.number < self.newest.number:
            return True
        return 0.0 < mark.seen <= self.before

    def lacks(self, mark: Mark) -> bool:
        """Whether a transaction of another server is known not to have arrived at this one.

        Only of a server that has had others of the same source by their GTIDs: what comes by other means has new ones.
        """
        if self.executed is None or mark.gtid is None:
            return False
        return mark.gtid[0] in self.executed.intervals and not _holds(self.executed, *mark.gtid)


@dataclass(frozen=True)
class Start:
    """A place between two transactions at which a tail can begin.

    `gtids`: all that the tail does not need, where the log is asked for by GTID; None where by file and offset.
    `uid`: the server's `Identity.uid`. `born`: creation time of the file in the server's seconds, 0 where not known.
    """

    file: str
    offset: int
    uid: str
    gtids: GtidSet | None = None
    born: int = 0

    def to_json(self) -> dict[str, Any]:
        """A plain mapping for a journal."""
        gtids = None if self.gtids is None else str(self.gtids)
        return {"file": self.file, "offset": self.offset, "uid": self.uid, "gtids": gtids, "born": self.born}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote."""
        gtids = None if body["gtids"] is None else GtidSet.parse(body["gtids"])
        return cls(str(body["file"]), int(body["offset"]), str(body["uid"]), gtids, int(body["born"]))


@dataclass(frozen=True)
class End:
    """Where the log of one server ended when it was asked."""

    file: str
    offset: int

    @property
    def place(self) -> FilePosition:
        """File and offset, for comparing."""
        return FilePosition(self.file, self.offset)


def _holds(gtids: GtidSet, source: str, number: int) -> bool:
    return any(first <= number <= last for first, last in gtids.intervals.get(source, ()))
