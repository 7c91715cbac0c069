"""The state of a replication channel, in one shape for every version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from providers.mysql.position import FilePosition


@dataclass(frozen=True)
class ReplicaStatus:
    """One channel as the replica reports it.

    `io` is `Yes`, `No`, `Connecting` or MariaDB's `Preparing`; `applier` is `Yes` or `No`. `seconds_behind` is the
    server's own figure, None where it gives none. `read` and `executed` are places in the source's binary log.
    """

    source_host: str
    source_port: int
    source_id: int
    io: str
    applier: str
    io_error: str
    applier_error: str
    seconds_behind: int | None
    read: FilePosition
    executed: FilePosition
    using_gtid: bool
    delay_s: int
    filters: tuple[str, ...]
    until: str

    @property
    def running(self) -> bool:
        """Whether both threads run."""
        return self.io == "Yes" and self.applier == "Yes"

    @property
    def trouble(self) -> str:
        """What is wrong in the server's own words, empty where nothing is."""
        parts = []
        if self.io != "Yes":
            parts.append(f"the receiver is {'stopped' if self.io == 'No' else 'connecting'}")
        if self.applier != "Yes":
            parts.append("the applier is stopped")
        parts += [words for words in (self.io_error, self.applier_error) if words]
        return "; ".join(parts)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key.replace("Source", "Master").replace("Replica_", "Slave_"): value for key, value in row.items()}


def _error(row: Mapping[str, Any], kind: str) -> str:
    number, words = int(row.get(f"Last_{kind}_Errno") or 0), row.get(f"Last_{kind}_Error") or ""
    return f"{number}: {words}" if number else ""


def parse_status(row: Mapping[str, Any]) -> ReplicaStatus:
    """Read a row of SHOW REPLICA STATUS or SHOW SLAVE STATUS."""
    row = _plain(row)
    behind = row.get("Seconds_Behind_Master")
    using = str(row.get("Using_Gtid") or ("Yes" if str(row.get("Auto_Position")) == "1" else "No"))
    filters = tuple(
        f"{key}={value}"
        for key, value in row.items()
        if key.startswith("Replicate_")
        and value not in (None, "")
        and key != "Replicate_Ignore_Server_Ids"
        and key != "Replicate_Rewrite_DB"
    )
    return ReplicaStatus(
        source_host=str(row["Master_Host"]),
        source_port=int(row["Master_Port"]),
        source_id=int(row.get("Master_Server_Id") or 0),
        io=str(row["Slave_IO_Running"]),
        applier=str(row["Slave_SQL_Running"]),
        io_error=_error(row, "IO"),
        applier_error=_error(row, "SQL"),
        seconds_behind=None if behind is None else int(behind),
        read=FilePosition(str(row.get("Master_Log_File") or ""), int(row.get("Read_Master_Log_Pos") or 0)),
        executed=FilePosition(str(row.get("Relay_Master_Log_File") or ""), int(row.get("Exec_Master_Log_Pos") or 0)),
        using_gtid=using not in ("No", "0"),
        delay_s=int(row.get("SQL_Delay") or 0),
        filters=filters,
        until=str(row.get("Until_Condition") or "None"),
    )
