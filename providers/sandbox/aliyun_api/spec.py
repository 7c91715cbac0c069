"""What the simulated Alibaba Cloud of a sandbox is: a plain description, with nothing that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from providers.sandbox.aliyun_api.machine import Route
from providers.sandbox.aliyun_api.scenario import Durations, Scenario
from providers.sandbox.aliyun_api.state import route_of
from providers.sandbox.api.versions import version_of
from providers.sandbox.catalogue import Engine

if TYPE_CHECKING:
    from providers.sandbox.cloud import Ground, RunningCloud
    from providers.sandbox.launcher import SandboxServer

# Cloning takes 10 s, a switch 1 s, of which 0.5 s without a writer.
PACE = 60.0
_AT_PACE = Scenario(durations=Durations().at_pace(PACE))


@dataclass(frozen=True)
class AliyunCloud:
    """Alibaba Cloud: the source is an RDS for MySQL instance, the target a server that becomes a PolarDB cluster.

    The method decides the scenario's category and storage type, from which the cloud chooses it. `precheck`: a
    logical migration fails its precheck at first, because the shop has its trigger. `answers`: whether those to calls
    that change something arrive, or the connection breaks once the change was made.
    """

    kind: ClassVar[str] = "aliyun"
    spares: ClassVar[int] = 1
    method: Literal["physical", "logical"] = "physical"
    precheck: Literal["pass", "fail"] = "pass"
    scenario: Scenario = _AT_PACE
    answers: Literal["kept", "lost"] = "kept"

    @property
    def with_trigger(self) -> bool:
        """Whether the shop has its trigger: a physical migration carries it, a logical one refuses it."""
        return self.method == "physical" or self.precheck == "fail"

    def simulated(self) -> Scenario:
        """The scenario of an account in which the method is what the cloud chooses."""
        storage = "local_ssd" if self.method == "physical" else "cloud_essd"
        return replace(self.scenario, category="HighAvailability", storage_type=storage)

    def check(self, source: Engine, target: Engine) -> None:
        """See whether this cloud would migrate so.

        Raises:
            ValueError: it would not; the sentence says why.
        """
        old, new = version_of(source), version_of(target)
        scenario = self.simulated()
        if scenario.rules == "2019" and old != "5.6":
            raise ValueError(
                f"Under the rules of 2019 only RDS for MySQL 5.6 is migrated, and {source.name} stands for {old}: "
                f"use mysql-5.6 as the source, or the rules of 2026."
            )
        route = route_of(scenario.category, scenario.storage_type, scenario.kernel, old, new)
        if route is not Route(self.method):
            raise ValueError(
                f"{source.name} and {target.name} stand for {old} and {new}, between which Alibaba Cloud migrates "
                f"logically: physically it takes 5.6 and 5.7 to the same version only."
            )

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    def server(self) -> type[SandboxServer]:
        """See `CloudSpec`."""
        from providers.sandbox.aliyun_api.servers import CloudServer

        return CloudServer

    def start(self, ground: Ground) -> RunningCloud:
        """See `CloudSpec`."""
        from providers.sandbox.aliyun_api.rehearsed import RehearsedAliyun

        return RehearsedAliyun(self, ground)


def from_json(content: Mapping[str, Any]) -> AliyunCloud:
    """The reverse of `AliyunCloud.as_json`."""
    return AliyunCloud(**{**content, "scenario": Scenario.from_json(content["scenario"])})
