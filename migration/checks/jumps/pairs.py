"""Which server version can follow which, and which login a replica of a version understands.

Sources: MySQL Reference Manual, "Replication Compatibility Between MySQL Versions" and "Caching SHA-2
Pluggable Authentication"; MariaDB documentation, "Replication Compatibility"; what holds between the two
families was measured on real servers of 5.6, 5.7, 9.7, 10.5, 10.11 and 11.8.
"""

from __future__ import annotations

from providers.mysql.version import Flavor, Version

_OLDEST = {Flavor.MYSQL: (5, 6, 0), Flavor.MARIADB: (10, 5, 0)}
# MySQL counts its series 5.6, 5.7, 8.0, 8.4 (with the innovation releases before it), 9.7 (likewise).
_MYSQL_STEPS = ((5, 6), (5, 7), (8, 0), (8, 1), (9, 0))


def refusal(source: Version, target: Version) -> str:
    """Why the target cannot follow the source; empty where it can."""
    for version in (source, target):
        if version.number < _OLDEST[version.flavor]:
            return f"{version} is older than this program knows how to replicate."
    if source.mariadb and target.mariadb:
        older = target.number[:2] < source.number[:2]
        return _downward(source, target) if older and target.number < (10, 11, 0) else ""
    if source.mariadb:
        if target.mysql_from(8, 0):
            return f"{target} refuses the row events that {source} writes (error 13121)."
        return ""
    if target.mariadb:
        if source.mysql_from(8, 0):
            return f"{target} can neither log in to {source} as a replica nor read all of its events."
        return ""
    return _downward(source, target) if target.number[:2] < source.number[:2] else ""


def _downward(source: Version, target: Version) -> str:
    return f"{target} is older than {source}: servers replicate to the same series or a newer one."


def caution(source: Version, target: Version) -> str:
    """What is to be known about a pair that does replicate; empty where there is nothing."""
    if source.flavor is not target.flavor:
        return f"{source} and {target} are two families: by file and position only, and not every statement is shared."
    if target.number < source.number:
        return f"{target} is older than {source}: what is new in {source} must not be used meanwhile."
    if not source.mariadb and _step(target) - _step(source) > 1:
        return f"{source} to {target} leaves out a series: it replicates, but MySQL supports one series at a time."
    return ""


def _step(version: Version) -> int:
    return sum(1 for first in _MYSQL_STEPS if version.number[:2] >= first)
