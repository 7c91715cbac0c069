"""How long the provider lets a migration last."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from migration.aliyun.checks.asking import BOTH_WAYS, STEPS, answered, moving, unsaid
from migration.check import Pair, Result, Severity, check
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.model import Side

# Whoever switches with less has no time left to watch the cluster and to go back.
_LEAST = timedelta(days=2)


@check(
    "polardb-deadline",
    "provider does not end it soon",
    Side.CLOUD,
    Severity.WARNING,
    why="On that day the provider ends the migration by itself: both sides take writes, and there is no way back.",
    asks="polardb:DescribeDBClusterMigration: ExpiredTime",
    routes=BOTH_WAYS,
    again=True,
    page=STEPS,
)
@answered
def deadline(pair: Pair) -> Result:
    """Fails where less than two days are left."""
    found = moving(pair)
    if found is None:
        return not_applicable("there is no cluster yet")
    evidence = table(("MigrationStatus", "ExpiredTime"), [(found.status, found.expires)])
    if found.expires is None:
        return unsaid("when the provider ends the migration", evidence)
    left = found.expires - datetime.now(UTC)
    words = f"{_in_words(left)} left, until {found.expires:%Y-%m-%d %H:%M} UTC"
    if left >= _LEAST:
        return passed(words, evidence)
    return failed(
        words,
        evidence,
        "Cancel, and begin anew when there is time to watch the cluster after the switch; or be sure to complete "
        "before that moment. Nothing here can make the provider wait longer.",
    )


def _in_words(left: timedelta) -> str:
    if left.days > 0:
        return count(left.days, "day", "days")
    return count(max(0, left // timedelta(hours=1)), "hour", "hours")
