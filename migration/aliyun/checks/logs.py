"""How long the source keeps its binary log, by what its settings say and by what they do not."""

from __future__ import annotations

from collections.abc import Mapping

from migration.aliyun.checks.asking import BOTH_WAYS, OVERVIEW, account, answered, unsaid
from migration.aliyun.checks.settings import parameters
from migration.check import Pair, Result, Route, Severity, check
from migration.checks.binlog import kept_seconds
from migration.checks.results import failed, passed, table
from migration.model import Side
from providers.aliyun import rds

_HOUR_S = 3600
_DAY_H = 24
# What the provider wants on each of its ways.
_NEEDED_H = {Route.PHYSICAL: _DAY_H, Route.LOGICAL: 7 * _DAY_H}
_NAMES = ("binlog_expire_logs_seconds", "expire_logs_days")
_CONSOLE = "the RDS console: Backup and Restoration, Backup Strategy, Local Log Retention Policy"


@check(
    "rds-log-settings",
    "settings keep the binary log",
    Side.CLOUD,
    Severity.WARNING,
    why="A migration that was held up longer than the source keeps its binary log has to begin anew.",
    asks="rds:DescribeParameters: binlog_expire_logs_seconds, expire_logs_days; SHOW GLOBAL VARIABLES without them",
    routes=BOTH_WAYS,
    page=OVERVIEW,
)
@answered
def log_settings(pair: Pair) -> Result:
    """Fails where a setting deletes the binary log sooner than the provider wants it kept."""
    needed = _NEEDED_H[pair.route]
    listed = {name: value for name, value in parameters(pair).items() if name in _NAMES}
    kept_s = _kept(listed) if listed else kept_seconds(pair, pair.source)
    words = "no limit" if kept_s is None else f"{kept_s / _HOUR_S:g} h"
    rows = [*listed.items(), ("kept by the settings", words), ("needed", f"{needed} h")]
    evidence = table(("what", "value"), rows)
    if kept_s is None or kept_s >= needed * _HOUR_S:
        return passed(words, evidence)
    return failed(
        f"{words}, {needed} h needed",
        evidence,
        f"Let the instance keep its binary log for {needed} hours at least, and see that the disk has room for that: "
        f"{_CONSOLE}, or its page Parameters where the setting is listed there. SET GLOBAL is refused on RDS.",
    )


@check(
    "rds-log-policy",
    "RDS keeps local logs long enough",
    Side.CLOUD,
    Severity.NOTICE,
    why="RDS deletes local binary logs by a policy of its own, after hours where nobody has changed it.",
    asks="rds:DescribeBackupPolicy: LocalLogRetentionHours, LocalLogRetentionSpace, HighSpaceUsageProtection",
    routes=BOTH_WAYS,
    page="https://www.alibabacloud.com/help/en/rds/apsaradb-rds-for-mysql/generation-and-clearing-rules-of-mysql-binlogs",
)
@answered
def log_policy(pair: Pair) -> Result:
    """Fails where RDS is set to delete local logs sooner than the provider wants them kept."""
    needed, asked = _NEEDED_H[pair.route], account(pair)
    found = asked.read(lambda client: rds.backup_policy(client, asked.instance_id))
    evidence = table(
        ("what", "value"),
        [
            ("kept on the instance, hours", found.local_hours),
            ("deleted sooner above this share of the disk, %", found.local_space),
            ("kept on the instance, files", found.local_files),
            ("deleted sooner where the disk is nearly full", found.space_protection),
            ("needed, hours", needed),
        ],
    )
    if found.local_hours is None:
        return unsaid("for how long RDS keeps local logs", evidence)
    words = f"{found.local_hours} h"
    if found.local_hours >= needed:
        return passed(words, evidence)
    return failed(
        f"{words}, {needed} h needed",
        evidence,
        f"Look at {_CONSOLE}, of {asked.instance_id}. Set Local Log Retention Duration to {needed} hours at least, and "
        "the share of the disk that logs may take high enough that it does not cut them short, for as long as the "
        "migration lasts.",
    )


def _kept(listed: Mapping[str, str]) -> int | None:
    """How long binary logs are kept by the settings, in seconds; None without end."""
    seconds, days = (int(float(listed.get(name) or 0)) for name in _NAMES)
    return seconds or days * _DAY_H * _HOUR_S or None
