"""The catalogue of checks, in the order in which an operator should read them."""

from __future__ import annotations

from migration.check import Check
from migration.checks import accounts, activity, binlog, schema, servers, settings, target

NATIVE_REPLICATION: tuple[Check, ...] = (
    servers.SAME_SERVER,
    servers.VERSION_PAIR,
    servers.VERSION_GAP,
    accounts.PRIVILEGES,
    servers.DATABASES,
    servers.SERVER_IDS,
    servers.SERVER_ID_DEFAULT,
    binlog.BINARY_LOG,
    binlog.BINLOG_FORMAT,
    binlog.ROW_IMAGE,
    binlog.RETENTION,
    binlog.GTID,
    binlog.FILTERS,
    accounts.REPLICATION_ACCOUNT_SOURCE,
    accounts.REPLICATION_ACCOUNT_TARGET,
    servers.ALREADY_REPLICA,
    target.TARGET_EMPTY,
    target.TARGET_NOT_WRITTEN,
    target.TARGET_READ_ONLY,
    binlog.ERRANT_TRANSACTIONS,
    target.THREADS,
    schema.PRIMARY_KEYS,
    schema.ENGINES,
    schema.ONLY_ROWS,
    schema.COLLATIONS_KNOWN,
    settings.LOWER_CASE_TABLE_NAMES,
    settings.LOWER_CASE_SETTING,
    schema.TRIGGERS,
    schema.EVENTS,
    settings.COLLATION,
    settings.SQL_MODE,
    settings.PACKET,
    accounts.CLIENT_ACCOUNTS,
    activity.LONG_TRANSACTIONS,
    activity.LONG_STATEMENTS,
    activity.PREPARED_XA,
)
"""For any MySQL or MariaDB that another one is to follow by its own replication."""

ACTIVITY: tuple[Check, ...] = (
    activity.LONG_TRANSACTIONS,
    activity.LONG_STATEMENTS,
    activity.PREPARED_XA,
    target.THREADS,
)
"""What can change from one minute to the next, and is asked again right before the cutover."""
