"""The simulated RDS, with an instance, a replica that is made for its snapshot only, and a second primary."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from migration.rehearsed import rds_promote_first as usual
from migration.rehearsed.rds_promote_first import ENGINES, needs, secrets
from providers.sandbox.aws_api.spec import USUAL, AwsCloud
from providers.sandbox.client import Sandbox

__all__ = ["CHOICES", "ENGINES", "cloud", "needs", "secrets", "sides"]

CHOICES: Mapping[str, tuple[str, ...]] = {}
# R1 and M2.
_INSTANCES = 2
# The application servers of a rehearsal are back within milliseconds.
_STILL_S = "0.5"


def cloud(chosen: Mapping[str, str]) -> AwsCloud:
    """See `Rehearsed`."""
    return AwsCloud(USUAL, _INSTANCES)


def sides(sandbox: Sandbox) -> dict[str, Any]:
    """As of a resize by a read replica, with less patience.

    Raises:
        SandboxFailed: the sandbox has no cloud.
    """
    found = usual.sides(sandbox)
    options = {**found["cloud"].options, "still_s": _STILL_S}
    return {**found, "cloud": replace(found["cloud"], options=options)}
