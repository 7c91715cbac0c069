"""Backups and binary logs: without the one there is none of the other, and RDS removes them early."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from migration.aws.checks.asking import BACKUPS, EXTERNAL, MYSQL_REPLICAS, answered, instance, unsaid
from migration.aws.retention import HOURS
from migration.check import Pair, Result, Severity, check
from migration.checks.results import failed, not_applicable, passed, table
from migration.model import Positioning, Side
from providers.aws import procedures

_SOON = timedelta(hours=1)


@check(
    "rds-backups",
    "automated backups are on",
    Side.CLOUD,
    Severity.BLOCKER,
    why="Without automated backups RDS keeps no binary log: SHOW MASTER STATUS is empty, and no replica can be made.",
    asks="rds:DescribeDBInstances: BackupRetentionPeriod",
    page=BACKUPS,
)
@answered
def backups(pair: Pair) -> Result:
    """Fails where the source keeps no automated backups."""
    found = instance(pair)
    if found.backup_days is None:
        return unsaid("for how long backups are kept")
    if found.backup_days:
        return passed(f"kept for {found.backup_days} days")
    return failed(
        "off",
        (),
        f"Turn them on at a quiet time, for it RESTARTS {found.instance_id}: `aws rds modify-db-instance "
        f"--db-instance-identifier {found.instance_id} --backup-retention-period 7 --apply-immediately`, then check "
        "again. The new instance gets them with its promotion.",
    )


@check(
    "rds-backup-window",
    "no backup begins soon",
    Side.CLOUD,
    Severity.NOTICE,
    why="While an instance is being backed up RDS does not promote it, and a Single-AZ primary is slow.",
    asks="rds:DescribeDBInstances: DBInstanceStatus, PreferredBackupWindow",
    page=BACKUPS,
)
@answered
def backup_window(pair: Pair) -> Result:
    """Fails where a backup runs, or is due within the hour."""
    found = instance(pair)
    if found.backup_window is None:
        return unsaid("the backup window")
    evidence = table(("status", "backup window (UTC)"), [(found.status, found.backup_window)])
    if found.status == "backing-up":
        return failed("one runs now", evidence, "Nothing has to be done: the promotion waits until it is over.")
    if _begins_soon(found.backup_window, datetime.now(UTC)):
        return failed(f"due {found.backup_window} UTC", evidence, "Begin after it, or wait longer for the promotion.")
    return passed(f"{found.backup_window} UTC", evidence)


def _begins_soon(window: str, now: datetime) -> bool:
    """Whether a daily window, such as 03:00-03:30, begins within the next hour or is open."""
    try:
        begin, end = (datetime.strptime(text, "%H:%M").time() for text in window.split("-"))
    except ValueError:
        return False
    today = datetime.combine(now.date(), begin, UTC)
    length = (datetime.combine(now.date(), end, UTC) - today) % timedelta(days=1)
    return any(
        day - _SOON <= now <= day + length for day in (today, today + timedelta(days=1), today - timedelta(days=1))
    )


@check(
    "rds-log-retention",
    "binary logs are kept",
    Side.SOURCE,
    Severity.NOTICE,
    why="RDS removes a binary log once its own replicas have read it; a promoted one is none of them any more.",
    asks="CALL mysql.rds_show_configuration",
    page=EXTERNAL,
)
def retention(pair: Pair) -> Result:
    """Fails where they are kept for less than this program sets."""
    kept = procedures.kept_hours(pair.source)
    if kept is not None and kept >= HOURS:
        return passed(f"{kept} h")
    found = "as long as RDS needs them" if kept is None else f"{kept} h"
    return failed(found, (), f"Nothing has to be done: a step sets {HOURS} h. See that the storage is enough for it.")


@check(
    "rds-mariadb-positions",
    "positions that RDS can follow from",
    Side.BOTH,
    Severity.BLOCKER,
    why="RDS for MariaDB lets an old primary follow a new one from a file and offset only.",
    asks="the versions and the positioning of this migration",
    page=MYSQL_REPLICAS,
)
def mariadb_positions(pair: Pair) -> Result:
    """Fails for a MariaDB whose positions are GTIDs."""
    if not pair.source.version.mariadb:
        return not_applicable("no MariaDB")
    if pair.positioning is not Positioning.GTID:
        return passed("file and offset")
    return failed("GTID", (), "Begin the migration again with positions by file: --positioning file.")
