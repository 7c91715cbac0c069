"""What a session that reads rows is set to, so that two servers show equal rows alike."""

from __future__ import annotations

from collections.abc import Mapping

# What could make two servers show equal rows differently, hide rows, or end a long read; each where it exists.
SETTINGS = {
    "time_zone": "'+00:00'",  # SYSTEM costs a third more on TIMESTAMP columns, too
    "sql_mode": "''",
    "sql_select_limit": "18446744073709551615",
    "sql_big_selects": "1",
    "sql_safe_updates": "0",
    "character_set_results": "NULL",
    "tx_isolation": "'REPEATABLE-READ'",
    "transaction_isolation": "'REPEATABLE-READ'",
    "query_cache_type": "'OFF'",
    "max_execution_time": "0",
    "max_statement_time": "0",
    "innodb_parallel_read_threads": "1",
    "net_read_timeout": "600",
    "net_write_timeout": "600",
    "wait_timeout": "28800",
}


def ask() -> str:
    """The statement that asks what the session is set to, and how large a packet the server takes."""
    names = ", ".join(f"'{name}'" for name in (*SETTINGS, "max_allowed_packet"))
    return f"SHOW SESSION VARIABLES WHERE Variable_name IN ({names})"


def settle(found: Mapping[str, str]) -> str:
    """The statement that sets those of them that the server has. `found`: what it said, names in lower case."""
    wanted = [f"{name} = {value}" for name, value in SETTINGS.items() if _settable(name, found)]
    return "SET SESSION " + ", ".join(wanted)


def _settable(name: str, found: Mapping[str, str]) -> bool:
    if name == "tx_isolation" and "transaction_isolation" in found:
        return False
    # Where the query cache is off for the whole server, a session is not let near it.
    return name in found and not (name == "query_cache_type" and found[name] in ("OFF", "0"))
