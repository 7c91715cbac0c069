"""XA transactions that are prepared: their rows are in the log, and are seen by nobody before XA COMMIT is.

MySQL from 5.7.7 and MariaDB from 10.5 log an XA transaction when it is prepared, and its end by its name only.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from providers.mysql.binlog.batch import Batch, Gtid, source_name
from providers.mysql.binlog.marks import Start
from providers.mysql.binlog.texts import Xid
from providers.mysql.gtid import GtidSet
from providers.mysql.position import FilePosition


@dataclass(frozen=True)
class _Waiting:
    batch: Batch
    gtid: Gtid | None
    before: FilePosition


class Prepared:
    """What prepared transactions have touched, by their names."""

    def __init__(self) -> None:
        self._waiting: dict[Xid, _Waiting] = {}

    def put(self, xid: Xid, batch: Batch, gtid: Gtid | None, file: str, offset: int) -> None:
        """Keep what a transaction touched that began behind this place."""
        self._waiting[xid] = _Waiting(batch, gtid, FilePosition(file, offset))

    def pop(self, xid: Xid) -> Batch | None:
        """What a transaction touched that has now ended; None where it is not known."""
        waiting = self._waiting.pop(xid, None)
        return None if waiting is None else waiting.batch

    def size(self) -> int:
        """How many keys are kept."""
        return sum(waiting.batch.size() for waiting in self._waiting.values())

    def held_back(self, place: Start) -> Start:
        """Where a tail without this memory would have to begin, rather than at `place`."""
        if place.gtids is None:
            places = [one.before for one in self._waiting.values()]
            first = min(places, key=lambda at: (at.number, at.offset), default=None)
            return place if first is None else replace(place, file=first.file, offset=first.offset, born=0)
        gtids = place.gtids
        for waiting in self._waiting.values():
            if waiting.gtid is not None:
                source, number = waiting.gtid
                gtids = gtids.minus(GtidSet({source_name(source): ((number, number),)}))
        return replace(place, gtids=gtids)
