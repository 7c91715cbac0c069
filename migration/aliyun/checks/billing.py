"""How the source is paid for and protected, which decides what can be done with it during and after the migration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from migration.aliyun.checks.asking import BOTH_WAYS, STEPS, account, answered, instance, unsaid
from migration.check import Pair, Result, Severity, check
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.model import Side

_PREPAID, _POSTPAID = "prepaid", "postpaid"
# How long a migration may take before the provider ends it.
_DAYS = {"2019": 7, "2026": 30}


@check(
    "rds-prepaid",
    "source can be released from here",
    Side.CLOUD,
    Severity.NOTICE,
    why="A subscription goes on costing money until somebody unsubscribes from it in the console.",
    asks="rds:DescribeDBInstanceAttribute: PayType",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def prepaid(pair: Pair) -> Result:
    """Tells that a subscription cannot be ended by a call."""
    pay_type = instance(pair).pay_type
    evidence = table(("PayType",), [(pay_type,)])
    if (pay_type or "").lower() == _POSTPAID:
        return passed("pay as you go", evidence)
    if (pay_type or "").lower() != _PREPAID:
        return unsaid(f"how the instance is paid for ({pay_type})", evidence)
    return failed(
        "a subscription",
        evidence,
        "Nothing to do now. Once the migration is complete and you no longer need the instance, unsubscribe from it in "
        "the console (Expenses, Unsubscribe): the provider refuses to release it by a call.",
    )


@check(
    "rds-expiry",
    "source is paid until the end",
    Side.CLOUD,
    Severity.WARNING,
    why="The source cannot be renewed during the migration, and one that expires is locked in the middle of it.",
    asks="rds:DescribeDBInstanceAttribute: PayType, ExpireTime",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def expiry(pair: Pair) -> Result:
    """Fails where a subscription ends before the migration has to be over."""
    found, days = instance(pair), _DAYS[account(pair).rules]
    if (found.pay_type or "").lower() == _POSTPAID:
        return not_applicable("pay as you go")
    evidence = table(
        ("PayType", "ExpireTime", "a migration may last"), [(found.pay_type, found.expires, f"{days} days")]
    )
    if found.expires is None:
        return unsaid("when the subscription ends", evidence)
    left = found.expires - datetime.now(UTC)
    words = count(max(0, left.days), "day left", "days left")
    if left >= timedelta(days=days):
        return passed(words, evidence)
    return failed(
        words,
        evidence,
        "Renew it in the console before you begin (Renew, on the instance's page): once the migration runs, renewals "
        "and changes of the configuration have to wait until it is complete or cancelled. Or be sure to complete "
        "before that day.",
    )


@check(
    "rds-deletion-protection",
    "source's deletion protection",
    Side.CLOUD,
    Severity.NOTICE,
    why="Protection against deletion has to be lifted first where the source is to be released at the end.",
    asks="rds:DescribeDBInstanceAttribute: DeletionProtection",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def deletion_protection(pair: Pair) -> Result:
    """Tells that the instance is protected from being released."""
    protected = instance(pair).deletion_protected
    if protected is None:
        return unsaid("whether the instance is protected from deletion")
    if not protected:
        return passed("off")
    return failed(
        "on",
        table(("DeletionProtection",), [("on",)]),
        "Leave it on: it keeps your way back. If you release the instance once the migration is complete, turn it off "
        "then, in the console (Basic Information); nothing else is in its way.",
    )
