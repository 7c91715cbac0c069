"""From which version of a family to which something holds; what all the tables of this package are made of."""

from __future__ import annotations

from dataclasses import dataclass

from providers.mysql.version import Flavor, Version

Number = tuple[int, int, int]

# The oldest versions that this program knows; what holds there has held before, and is written as from there.
MYSQL_BASE: Number = (5, 6, 0)
MARIADB_BASE: Number = (10, 5, 0)


@dataclass(frozen=True)
class Span:
    """The versions of one family from `since` up to, and without, `until`; with no `until` to this day."""

    family: Flavor
    since: Number
    until: Number | None = None

    def covers(self, version: Version) -> bool:
        """Whether a version is among them."""
        if version.flavor is not self.family or version.number < self.since:
            return False
        return self.until is None or version.number < self.until

    @property
    def start(self) -> str:
        """Where it begins, for evidence, such as `MySQL 8.0.11`."""
        return f"{self.family} {'.'.join(map(str, self.since))}"

    @property
    def end(self) -> str:
        """From where on it is over, for evidence, such as `MySQL 8.0.11`; empty where it has no end."""
        return "" if self.until is None else f"{self.family} {'.'.join(map(str, self.until))}"


def mysql(since: Number = MYSQL_BASE, until: Number | None = None) -> Span:
    """Versions of MySQL."""
    return Span(Flavor.MYSQL, since, until)


def mariadb(since: Number = MARIADB_BASE, until: Number | None = None) -> Span:
    """Versions of MariaDB."""
    return Span(Flavor.MARIADB, since, until)
