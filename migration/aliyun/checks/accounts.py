"""Accounts of the source that a logical migration stumbles over: root and aliyun_root, and the proxy's safe mode."""

from __future__ import annotations

from migration.aliyun.checks.asking import (
    FAQ,
    LOGICAL_ONLY,
    STEPS,
    account,
    answered,
    call_fix,
    instance,
    unsaid,
)
from migration.check import Fix, Pair, Result, Severity, check
from migration.checks.results import Evidence, count, failed, not_applicable, passed, table
from migration.model import Side
from providers.aliyun import rds

# Of each version: the provider's own account, and the one that must not be beside it.
_SYSTEM = {"5.6": ("root", "aliyun_root"), "5.7": ("aliyun_root", "root"), "8.0": ("aliyun_root", "root")}
_NOT_USED = (
    "First make sure that no application, task or person logs in as {name}: see who is connected (SHOW PROCESSLIST), "
    "look through the configuration of the applications, and ask. Whoever uses it is locked out at once. {way} "
    "Nothing takes this back: an account with that name would have to be made anew, and then stands in the way again."
)
_FOR_GOOD = "deleted, for good"


@check(
    "rds-extra-account",
    "no second system account listed",
    Side.CLOUD,
    Severity.BLOCKER,
    why="The cluster has root or aliyun_root as its own; the other one on the source makes the precheck fail.",
    asks="rds:DescribeAccounts; rds:DescribeDBInstanceAttribute: EngineVersion",
    routes=LOGICAL_ONLY,
    page=STEPS,
)
@answered
def extra_account(pair: Pair) -> Result:
    """Fails where the console lists the system account of another version."""
    names = _names(pair)
    if names is None:
        return unsaid(f"which system account is right for version {instance(pair).version}")
    right, wrong = names
    listed = _listed(pair, wrong)
    if not listed:
        return passed(f"no {wrong}")
    return failed(
        f"{wrong} is listed",
        _shown(listed),
        _NOT_USED.format(name=wrong, way=f"Then delete it; {right} is the one that stays."),
        call_fix(
            rds.delete_account(account(pair).instance_id, wrong),
            None,
            setting=f"account {wrong}",
            was="listed",
            becomes=_FOR_GOOD,
            reach=f"everybody who logs in as {wrong}",
        ),
    )


@check(
    "rds-hidden-account",
    "no hidden second system account",
    Side.SOURCE,
    Severity.BLOCKER,
    why="What an upgrade of the instance left behind the console does not list, and the precheck fails over it.",
    asks="SELECT host FROM mysql.user WHERE user = 'root' or 'aliyun_root', by version; rds:DescribeAccounts",
    routes=LOGICAL_ONLY,
    page=STEPS,
)
@answered
def hidden_account(pair: Pair) -> Result:
    """Fails where mysql.user has the system account of another version and the console does not list it."""
    names = _names(pair)
    if names is None:
        return unsaid(f"which system account is right for version {instance(pair).version}")
    right, wrong = names
    rows = pair.source.rows("SELECT user, host FROM mysql.user WHERE user = %s ORDER BY host", (wrong,))
    if not rows:
        return passed(f"no {wrong}")
    evidence = table(("user", "host"), rows)
    if _listed(pair, wrong):
        return not_applicable(f"{wrong} is listed: delete it there")
    statement = f"DELETE FROM mysql.user WHERE `user` = '{wrong}' LIMIT {len(rows)}"
    remedy = _NOT_USED.format(
        name=wrong,
        way=f"Then delete the {count(len(rows), 'row', 'rows')} listed here, and no others, as the provider says "
        f"({statement}), and have the server read its accounts anew (FLUSH PRIVILEGES); {right} stays.",
    )
    return failed(
        f"{wrong}, {count(len(rows), 'row', 'rows')}", evidence, remedy, *_deletion(wrong, statement, len(rows))
    )


def _deletion(wrong: str, statement: str, rows: int) -> tuple[Fix, Fix]:
    reach = f"everybody who logs in as {wrong}"
    delete = Fix(
        side=Side.SOURCE, statement=statement, undo="", setting=f"{wrong} in mysql.user",
        was=count(rows, "row", "rows"), becomes=_FOR_GOOD, reach=reach,
    )  # fmt: skip
    read = Fix(
        side=Side.SOURCE, statement="FLUSH PRIVILEGES", undo="", setting="accounts in memory",
        was=f"{wrong} among them", becomes="as in mysql.user", reach="nobody else",
    )  # fmt: skip
    return delete, read


@check(
    "rds-account-mode",
    "privileged account for safe mode",
    Side.CLOUD,
    Severity.BLOCKER,
    why="Behind a database proxy in safe mode DTS cannot log in without a privileged account on the instance.",
    asks="rds:DescribeDBInstanceAttribute: ConnectionMode; rds:DescribeAccounts: AccountType",
    routes=LOGICAL_ONLY,
    page=FAQ,
)
@answered
def account_mode(pair: Pair) -> Result:
    """Fails where the instance is in safe mode and has no privileged account."""
    mode = instance(pair).connection_mode
    if mode is None:
        return unsaid("the instance's connection mode")
    if mode.lower() != "safe":
        return not_applicable(f"connection mode {mode or 'standard'}")
    every = _accounts(pair)
    privileged = [one for one in every if (one.kind or "").lower() == "super"]
    if privileged:
        return passed(f"{privileged[0].name}", _shown(privileged))
    return failed(
        "none",
        _shown(every),
        "Create a privileged account in the RDS console (Accounts, Create Account, Privileged Account), or switch the "
        "instance to the high-performance connection mode.",
    )


def _names(pair: Pair) -> tuple[str, str] | None:
    """The right system account and the wrong one; None where the version is unknown or a new one."""
    return _SYSTEM.get(instance(pair).version or "")


def _accounts(pair: Pair) -> tuple[rds.Account, ...]:
    asked = account(pair)
    return pair.once("rds accounts", lambda: asked.read(lambda client: rds.accounts(client, asked.instance_id)))


def _listed(pair: Pair, name: str) -> list[rds.Account]:
    return [one for one in _accounts(pair) if one.name == name]


def _shown(listed: list[rds.Account] | tuple[rds.Account, ...]) -> Evidence:
    return table(
        ("account", "type", "status", "description"), [(o.name, o.kind, o.status, o.description) for o in listed]
    )
