"""Settings of the source that the cluster has to be created with."""

from __future__ import annotations

import re
from collections.abc import Mapping

from migration.aliyun.checks.asking import BOTH_WAYS, STEPS, account, answered
from migration.check import Pair, Result, Severity, check
from migration.checks import facts
from migration.checks.results import failed, passed, table
from migration.model import Side
from providers.aliyun import rds

_NAMES, _ZONE = "lower_case_table_names", "default_time_zone"
# The forms that CreateDBCluster takes.
_FORMS = {_NAMES: re.compile("[01]"), _ZONE: re.compile("SYSTEM|[+-][01][0-9]:[0-5][0-9]", re.IGNORECASE)}
_REMEDIES = {
    _NAMES: "the cluster knows 0 and 1 only: rename databases and tables to small letters, then plan with 1",
    _ZONE: "the cluster takes SYSTEM or an offset such as +08:00: set the source to the offset first (a zone with "
    "summer time has no offset that is right all year), or let the application set its own time_zone",
}


def parameters(pair: Pair) -> Mapping[str, str]:
    """The source's running parameters as RDS lists them.

    Raises:
        CloudFailed: as `Account.read`.
    """
    asked = account(pair)
    return pair.once("rds parameters", lambda: asked.read(lambda client: rds.parameters(client, asked.instance_id)))


@check(
    "rds-carried-settings",
    "cluster can have source's settings",
    Side.CLOUD,
    Severity.WARNING,
    why="How names are written and what time it is are chosen when the cluster is created, not later.",
    asks="rds:DescribeParameters: lower_case_table_names, default_time_zone; SHOW GLOBAL VARIABLES without them",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def carried(pair: Pair) -> Result:
    """Fails where the order for a cluster cannot express a setting that must be the source's."""
    listed, asked = parameters(pair), facts.variables(pair, pair.source)
    values = {_NAMES: listed.get(_NAMES) or asked[_NAMES], _ZONE: listed.get(_ZONE) or asked["time_zone"]}
    evidence = table(("setting", "value on the source"), list(values.items()))
    wrong = [name for name, value in values.items() if not _FORMS[name].fullmatch(value)]
    if not wrong:
        return passed(f"{values[_NAMES]}, {values[_ZONE]}", evidence)
    return failed(
        ", ".join(f"{name} {values[name]}" for name in wrong),
        evidence,
        f"An order for a cluster cannot say this: {'; '.join(_REMEDIES[name] for name in wrong)}.",
    )
