"""A place in a source's binary log, in any of the three notations."""

from __future__ import annotations

from dataclasses import dataclass

from providers.mysql.gtid import GtidSet, MariaGtid


@dataclass(frozen=True)
class FilePosition:
    """A binary log file and the offset in it, in bytes."""

    file: str
    offset: int

    @classmethod
    def parse(cls, text: str) -> FilePosition:
        """Read what `str` wrote.

        Raises:
            ValueError: that is something else.
        """
        file, _, offset = text.rpartition(":")
        return cls(file, int(offset))

    def within(self, other: FilePosition) -> bool:
        """Whether the other place is this one or later."""
        return (self.number, self.offset) <= (other.number, other.offset)

    @property
    def number(self) -> int:
        """The number in the file's name, such as 12 in `binlog.000012`."""
        tail = self.file.rpartition(".")[2]
        return int(tail) if tail.isdigit() else 0

    def count(self) -> int:
        """A number that grows with the place: 1 GiB a file (the servers' largest), plus the offset."""
        return self.number * (1 << 30) + self.offset

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


Position = GtidSet | MariaGtid | FilePosition


def within(earlier: Position, later: Position) -> bool:
    """Whether everything up to `earlier` is contained in `later`.

    Raises:
        TypeError: the two are not of one notation.
    """
    if isinstance(earlier, GtidSet) and isinstance(later, GtidSet):
        return earlier.within(later)
    if isinstance(earlier, MariaGtid) and isinstance(later, MariaGtid):
        return earlier.within(later)
    if isinstance(earlier, FilePosition) and isinstance(later, FilePosition):
        return earlier.within(later)
    raise TypeError(f"cannot order {type(earlier).__name__} and {type(later).__name__}")
