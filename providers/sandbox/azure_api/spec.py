"""What the simulated Azure of a sandbox is: a plain description, with nothing that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from providers.sandbox.api.versions import version_of
from providers.sandbox.azure_api.scenario import Durations, Scenario
from providers.sandbox.catalogue import Engine

if TYPE_CHECKING:
    from providers.sandbox.cloud import Ground, RunningCloud
    from providers.sandbox.launcher import SandboxServer

# A replica takes 2 s at least, a promotion 0.3 s, a restore 3 s.
PACE = 200.0
_AT_PACE = Scenario(durations=Durations().at_pace(PACE))
_ELSEWHERE = "elsewhere"
_VERSIONS = {"classic": ("5.6",), "single": ("5.6", "5.7", "8.0"), "flexible": ("5.7", "8.0")}
_VERSIONS[_ELSEWHERE] = _VERSIONS["flexible"]
_TITLES = {"classic": "MySQL Database on Azure", "single": "Single Server", "flexible": "Flexible Server"}
_TITLES[_ELSEWHERE] = _TITLES["flexible"]
_SIZES = {
    "classic": ("chinaeast", "MP1", ""),
    "single": ("westeurope", "GP_Gen5_4", "GeneralPurpose"),
    "flexible": ("Southeast Asia", "Standard_D4ds_v4", "GeneralPurpose"),
}
_SIZES[_ELSEWHERE] = _SIZES["flexible"]


@dataclass(frozen=True)
class AzureCloud:
    """Azure: the source is a server of one of the three services, the spares what else is made there.

    With the service `elsewhere` the source is none of them, and the first spare a Flexible Server that is there.
    `ending`: which name the applications are to have in the end; the cloud only passes it on. `options`: likewise, of
    a migration into a Flexible Server by the migration service; the first spare is that server.
    """

    kind: ClassVar[str] = "azure"
    # The replica, and what backups are made with and restored to.
    spares: ClassVar[int] = 2
    with_trigger: ClassVar[bool] = True
    service: Literal["classic", "flexible", "single", "elsewhere"] = "classic"
    ending: str = ""
    scenario: Scenario = _AT_PACE
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def into_another(self) -> bool:
        """Whether the migration service carries the databases over, so that versions may differ."""
        return bool(self.options)

    def simulated(self) -> Scenario:
        """The scenario of a subscription with a server of the service."""
        location, sku, tier = _SIZES[self.service]
        return replace(
            self.scenario, kind=self.service, server="mysqldemoserver", location=location, sku=sku, tier=tier
        )

    def check(self, source: Engine, target: Engine) -> None:
        """See whether this service has such servers, and makes such replicas.

        Raises:
            ValueError: it has not; the sentence says why.
        """
        title, versions = _TITLES[self.service], _VERSIONS[self.service]
        if self.into_another:
            if source.family != "mysql" or (self.service == "single" and version_of(source) not in versions):
                raise ValueError(f"{title} has MySQL {', '.join(versions)}, and not {source.name}: choose another.")
            title, versions = _TITLES["flexible"], _VERSIONS["flexible"]
        if source != target and not self.scenario.target and not self.into_another:
            raise ValueError(
                f"{title} makes a replica of the source's own version: choose one engine for both, not {source.name} "
                f"and {target.name}."
            )
        if version_of(target) not in versions or target.family != "mysql":
            raise ValueError(
                f"{title} has MySQL {', '.join(versions)}, and {target.name} stands for {version_of(target)}: choose "
                f"mysql-{versions[-1]} or another by --source-engine and --target-engine."
            )

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        given = {"service": self.service, "ending": self.ending, "options": dict(self.options)}
        return {**given, "scenario": self.scenario.as_json()}

    def server(self) -> type[SandboxServer]:
        """See `CloudSpec`."""
        from providers.sandbox.launcher import SandboxServer

        return SandboxServer

    def start(self, ground: Ground) -> RunningCloud:
        """See `CloudSpec`."""
        from providers.sandbox.azure_api.rehearsed import RehearsedAzure

        return RehearsedAzure(self, ground)


def from_json(content: Mapping[str, Any]) -> AzureCloud:
    """The reverse of `AzureCloud.as_json`."""
    scenario = Scenario.from_json(content["scenario"])
    return AzureCloud(content["service"], content["ending"], scenario, content["options"])
