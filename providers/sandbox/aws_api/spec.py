"""What the simulated RDS of a sandbox is: a plain description, with nothing that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

from providers.sandbox.aws_api.scenario import Durations, Scenario
from providers.sandbox.catalogue import Engine

if TYPE_CHECKING:
    from providers.sandbox.cloud import Ground, RunningCloud
    from providers.sandbox.launcher import SandboxServer

# A replica is made in 4 s; what parameter groups say is in force after half a second.
PACE = 150.0
PROMOTION_S = 5.0
_PARAMETER_S = 0.5
_AT_PACE = replace(Durations().at_pace(PACE), promote=PROMOTION_S, parameter=_PARAMETER_S)
# An instance with the default parameter group cannot be made read-only.
USUAL = Scenario(parameter_group="m1-own", durations=_AT_PACE)


@dataclass(frozen=True)
class AwsCloud:
    """RDS: the source is an instance, the target a server that becomes its replica.

    `spares`: how many instances there can be besides the first whose clients are watched.
    """

    kind: ClassVar[str] = "aws"
    with_trigger: ClassVar[bool] = True
    scenario: Scenario = USUAL
    spares: int = 1

    def check(self, source: Engine, target: Engine) -> None:
        """See whether RDS would make such a replica.

        Raises:
            ValueError: it would not; the sentence says why.
        """
        if source != target:
            raise ValueError(
                f"RDS makes a read replica of the source's own version, so {target.title} cannot be one of "
                f"{source.title}: choose the same engine for both."
            )

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {"scenario": self.scenario.as_json(), "spares": self.spares}

    def server(self) -> type[SandboxServer]:
        """See `CloudSpec`."""
        from providers.sandbox.launcher import SandboxServer

        return SandboxServer

    def start(self, ground: Ground) -> RunningCloud:
        """See `CloudSpec`."""
        from providers.sandbox.aws_api.rehearsed import RehearsedAws

        return RehearsedAws(self, ground)


def from_json(content: Mapping[str, Any]) -> AwsCloud:
    """The reverse of `AwsCloud.as_json`."""
    return AwsCloud(Scenario.from_json(content["scenario"]), int(content["spares"]))
