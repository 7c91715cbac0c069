"""A transaction chosen in advance: committed on the old side behind the fence, waited for on the new side.

It changes nothing. MySQL commits an empty transaction under a GTID set by hand, also under super_read_only; MariaDB
logs FLUSH TABLES of a table that need not exist under a sequence number set by hand (both measured: MySQL 5.6, 5.7,
9.7, MariaDB 10.11). Whatever the old side committed before it stands before it in the binary log.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from migration.runbook import Migration
from providers.mysql.gtid import GtidSet, MariaGtid
from providers.mysql.position import Position
from providers.mysql.server import Server

# More than a busy server commits between the choosing of the number and the fence.
_AHEAD = 1_000_000


@dataclass(frozen=True)
class Marker:
    """`position` is what the new side waits for; `statements` commit it on the old side."""

    position: Position
    statements: tuple[str, ...]


def choose_marker(m: Migration, old: Server) -> Marker:
    """A marker that the old side has not used and will not reach by itself."""
    if old.version.mariadb:
        return _maria(m, old)
    gtid = f"{uuid.uuid4()}:1"
    return Marker(
        GtidSet.parse(gtid),
        (f"SET SESSION gtid_next = '{gtid}'", "BEGIN", "COMMIT", "SET SESSION gtid_next = 'AUTOMATIC'"),
    )


def _maria(m: Migration, old: Server) -> Marker:
    end = old.gtid_end()
    assert isinstance(end, MariaGtid)
    domain = int(old.value("SELECT @@GLOBAL.gtid_domain_id"))
    _, last = end.domains.get(domain, (0, 0))
    number = last + _AHEAD
    # Other domains do not move behind the marker: they are waited for up to where they end when it is chosen.
    position = MariaGtid({**end.domains, domain: (old.identity.server_id, number)})
    return Marker(position, (f"SET SESSION gtid_seq_no = {number}", "FLUSH TABLES `cutover`.`marker`"))


def arming(new: Server, marker: Marker, seconds: int) -> tuple[str, ...]:
    """One packet for the new side: wait for the marker, then open; closed as it is where it did not come.

    The last result is one row: whether it came (1), and read_only as it is then.
    """
    wait = new.dialect.wait_gtid % (f"'{marker.position}'", seconds)
    came = (
        "@cutover_came >= 0" if not new.version.mariadb and not new.version.mysql_from(5, 7, 5) else "@cutover_came = 0"
    )
    return (
        f"SET @cutover_came = ({wait})",
        # Where somebody else opened the server meanwhile, a wait that ended without the marker must not close it.
        f"SET GLOBAL read_only = IF({came}, 0, @@GLOBAL.read_only)",
        f"SELECT IF({came}, 1, 0), @@GLOBAL.read_only",
    )
