"""The simulated RDS, with a Blue/Green deployment that is made or is there already, and what goes wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from migration.rehearsed.rds_promote_first import ENGINES, needs, secrets, sides
from providers.sandbox.aws_api.faults import NO_TROUBLE, Trouble, dropped_answer, expired, throttled, unavailable
from providers.sandbox.aws_api.spec import USUAL, AwsCloud

# What goes wrong. From the call that it begins with on, every call does, until the rehearsal's operator cures it; what
# is given a number passes.
_TROUBLES: Mapping[str, Trouble] = {
    "none": NO_TROUBLE,
    "throttled": Trouble((throttled(times=None),), "rds:CreateBlueGreenDeployment"),
    "expired": Trouble((expired(),), "rds:CreateBlueGreenDeployment"),
    "failing": Trouble((unavailable(times=8),), "rds:SwitchoverBlueGreenDeployment"),
    "answers-lost": Trouble(tuple(dropped_answer(f"rds:{one}BlueGreenDeployment") for one in ("Create", "Switchover"))),
    "replica-stops": Trouble(replicas=1),
    "switchover-times-out": Trouble(switches=1),
}
_THERE = "there-already"
CHOICES = {"deployment": ("new", _THERE), "fault": tuple(_TROUBLES)}
_GREEN_GROUP = "m1-green-own"


def cloud(chosen: Mapping[str, str]) -> AwsCloud:
    """See `Rehearsed`."""
    there = _GREEN_GROUP if chosen["deployment"] == _THERE else ""
    return AwsCloud(replace(USUAL, trouble=_TROUBLES[chosen["fault"]], green_group=there))


__all__ = ["CHOICES", "ENGINES", "cloud", "needs", "secrets", "sides"]
