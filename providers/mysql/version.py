"""Server versions of the MySQL family."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Flavor(StrEnum):
    """The two lines of the family."""

    MYSQL = "MySQL"
    MARIADB = "MariaDB"


@dataclass(frozen=True)
class Version:
    """A server version; compares within its flavor by `number`."""

    flavor: Flavor
    number: tuple[int, int, int]

    @property
    def mariadb(self) -> bool:
        """Whether it is a MariaDB."""
        return self.flavor is Flavor.MARIADB

    def mysql_from(self, *number: int) -> bool:
        """Whether it is a MySQL of at least this number."""
        return self.flavor is Flavor.MYSQL and self.number >= number

    def mariadb_from(self, *number: int) -> bool:
        """Whether it is a MariaDB of at least this number."""
        return self.flavor is Flavor.MARIADB and self.number >= number

    @property
    def series(self) -> str:
        """Major and minor number, such as `9.7`."""
        return f"{self.number[0]}.{self.number[1]}"

    def __str__(self) -> str:
        return f"{self.flavor} {'.'.join(map(str, self.number))}"


def parse_version(version: str, comment: str = "") -> Version:
    """Read `@@version` and `@@version_comment`.

    MariaDB before 11 puts `5.5.5-` before its number in the handshake; it always says its name.

    Raises:
        ValueError: no number in it.
    """
    mariadb = "mariadb" in version.lower() or "mariadb" in comment.lower()
    found = re.findall(r"(\d+)\.(\d+)\.(\d+)", version)
    if not found:
        raise ValueError(f"no version number in {version!r}")
    if mariadb and len(found) > 1 and found[0] == ("5", "5", "5"):
        found = found[1:]
    major, minor, patch = (int(part) for part in found[0])
    return Version(Flavor.MARIADB if mariadb else Flavor.MYSQL, (major, minor, patch))
