"""Server options of the sandbox: small in memory, ready to replicate, and safe against the death of a process.

An acknowledged write survives kill -9 of its server. It does not survive the loss of power: waiting for the
disk at every commit would make a laptop's disk, and not the migration, what a rehearsal shows.
"""

from __future__ import annotations

from enum import StrEnum

from providers.sandbox.catalogue import Engine

Options = dict[str, str]

# A session with MySQL's own default collation (utf8mb4_0900_ai_ci) breaks every older or MariaDB replica, even by
# plain row events, so no server of the sandbox offers it.
COLLATION = "utf8mb4_general_ci"

# The performance schema's memory is in its sizes; its replication tables and log_status work with all of them 0.
_SCHEMA_SIZES = [
    "events_statements_history_long_size",
    "events_waits_history_long_size",
    "events_stages_history_long_size",
    "events_transactions_history_long_size",
    "digests_size",
    "error_size",
    "accounts_size",
    "hosts_size",
    "users_size",
    "setup_actors_size",
    "setup_objects_size",
    "max_digest_length",
    "max_sql_text_length",
    "max_program_instances",
    "max_prepared_statements_instances",
    "events_statements_history_size",
    "events_waits_history_size",
    "events_stages_history_size",
    "events_transactions_history_size",
    "max_table_handles",
    "max_table_instances",
    "max_table_lock_stat",
    "max_index_stat",
    "max_metadata_locks",
    "max_cond_instances",
    "max_mutex_instances",
    "max_rwlock_instances",
    "max_file_instances",
    "max_file_handles",
    "max_socket_instances",
    "session_connect_attrs_size",
    "max_memory_classes",
    "max_statement_classes",
    "max_mutex_classes",
    "max_rwlock_classes",
    "max_cond_classes",
    "max_stage_classes",
]


class Positioning(StrEnum):
    """How a replica says where it is: by transaction identifiers, or by log file and position."""

    GTID = "gtid"
    FILE = "file"


def base_options(engine: Engine) -> Options:
    """Everything but replication and the server's own paths.

    Options that not every release has are given with the `loose_` prefix, by which a server skips what it
    does not know.
    """
    options = {
        "character_set_server": "utf8mb4",
        "collation_server": COLLATION,
        "innodb_flush_log_at_trx_commit": "2",
        "innodb_buffer_pool_size": "32M",
        "innodb_data_file_path": "ibdata1:12M:autoextend",
        "key_buffer_size": "1M",
        "max_connections": "80",
        "table_open_cache": "200",
        "table_definition_cache": "400",
        "thread_cache_size": "8",
        "skip_name_resolve": "1",
        "loose_innodb_buffer_pool_load_at_startup": "0",
        "loose_innodb_buffer_pool_dump_at_shutdown": "0",
    }
    if engine.family == "mariadb":
        options |= {"performance_schema": "OFF", "innodb_log_file_size": "32M", "aria_pagecache_buffer_size": "8M"}
    elif engine.at_least(8, 0):
        options |= _mysql_8()
    else:
        options |= {
            "performance_schema": "OFF",
            "innodb_log_file_size": "32M",
            "innodb_flush_method": "O_DIRECT",
            "query_cache_type": "0",
            "query_cache_size": "0",
            "explicit_defaults_for_timestamp": "1",
            "loose_skip_ssl": "1",
            "loose_log_syslog": "0",
        }
    return options


def _mysql_8() -> Options:
    options = {
        "innodb_buffer_pool_size": "16M",
        "innodb_log_buffer_size": "1M",
        # Torn pages need a power cut, after which a throw-away server is not used again.
        "innodb_doublewrite": "OFF",
        "loose_innodb_redo_log_capacity": "32M",
        "loose_mysqlx": "OFF",
        "performance_schema": "ON",
        "performance_schema_instrument": "'%=OFF'",
    }
    return options | {f"loose_performance_schema_{name}": "0" for name in _SCHEMA_SIZES}


def replication_options(engine: Engine, positioning: Positioning) -> Options:
    """Binary log, row format, the replica's own updates logged, crash-safe replica state."""
    options = {"log_bin": "binlog", "relay_log": "relay", "sync_binlog": "0", "relay_log_recovery": "1"}
    gtid = "ON" if positioning is Positioning.GTID else "OFF"
    if engine.family == "mariadb":
        options |= {"binlog_format": "ROW", "log_slave_updates": "1", "gtid_strict_mode": "1"}
    elif engine.at_least(8, 0):
        options |= {"gtid_mode": gtid, "enforce_gtid_consistency": gtid, "loose_replica_preserve_commit_order": "ON"}
    else:
        options |= {
            "binlog_format": "ROW",
            "log_slave_updates": "1",
            "master_info_repository": "TABLE",
            "relay_log_info_repository": "TABLE",
            "gtid_mode": gtid,
            "enforce_gtid_consistency": gtid,
        }
    # A link that went silent is noticed after this many seconds; the servers' own default is a minute.
    net_timeout = "replica_net_timeout" if engine.family == "mysql" and engine.at_least(8, 1) else "slave_net_timeout"
    return options | {net_timeout: "4"}
