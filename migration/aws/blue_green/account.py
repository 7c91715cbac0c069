"""The operator's account, as it is used about a Blue/Green deployment: RDS exchanges names with the switch.

In the journal each side keeps the name that it had at first. What RDS calls it now is found by where it is reached:
green's first name is there until the switch; after it green has blue's name, and blue is `<name>-old<n>`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

from migration import clouds
from migration.aws.account import HELD, Account, opened
from migration.aws.state import poll_s
from migration.aws.switch import READ_ONLY, GroupSwitch
from migration.model import CloudSpec, MigrationSpec, Secrets
from migration.placing import Place, place_of
from migration.runbook import CloudFailed, Migration, ProviderSwitch
from migration.view import Condition
from providers.aws import bluegreen, instances, parameters
from providers.aws.bluegreen import Deployment
from providers.aws.client import Client
from providers.aws.parameters import Apply
from providers.aws.records import Instance
from providers.mysql.errors import StatementFailed
from providers.mysql.server import Server


class LeftToRds(GroupSwitch):
    """Blue's switch before RDS has switched over: it is opened by leaving `read_only` to RDS again.

    A 0 in its group would hold for old blue, too, and let whoever still has its address write there.
    """

    def open(self) -> None:
        """See `ProviderSwitch`."""
        try:
            self._caller.send(parameters.reset(self._group, [READ_ONLY], Apply.NOW))
        except CloudFailed as error:
            raise StatementFailed(self._server, str(error)) from error


class Deployed(Account):
    """Calls about an instance and the deployment of it. `instance_id` is what RDS calls blue now, `replica_id` green.

    They hold for as long as this object does: whoever puts down that names were exchanged opens another one.
    """

    def __init__(self, spec: CloudSpec, client: Client, migration: MigrationSpec) -> None:
        super().__init__(spec, client, migration)
        self._names: tuple[str, str] | None = None
        self._glance: tuple[float, tuple[Condition, ...]] | None = None

    @property
    def instance_id(self) -> str:
        """See `Account`; raises CloudFailed where RDS cannot be asked, as `replica_id` does."""
        return self._named()[0]

    @property
    def replica_id(self) -> str:
        """See `Account`. Empty while green is not there."""
        return self._named()[1]

    def places(self, spec: MigrationSpec) -> tuple[Place, ...]:
        """See `Cloud`. While RDS switches over no endpoint leads anywhere, so the end of that is waited for."""
        while any(one.status == bluegreen.SWITCHING and self._ours(one) for one in self.read(bluegreen.deployments)):
            time.sleep(poll_s(self))
        listed = self.read(instances.instances)
        return tuple((one.host, one.port) for one in listed if one.host and one.port and self._has(one.instance_id))

    def write_switch(self, server: Server) -> ProviderSwitch | None:
        """See `Account`."""
        try:
            blue, _ = self._named()
        except CloudFailed as error:
            raise StatementFailed(server.name, str(error)) from error
        found = super().write_switch(server)
        if found is None or server.name != self._migration.source.name or blue != self.spec.resource:
            return found
        return LeftToRds(self, server.name, self._groups[blue])

    def at_a_glance(self, look: Callable[[], tuple[Condition, ...]]) -> tuple[Condition, ...]:
        """What RDS says, not older than the time between two looks: a gate asks twice a second, maybe for days."""
        if self._glance is None or time.monotonic() - self._glance[0] > poll_s(self):
            self._glance = (time.monotonic(), look())
        return self._glance[1]

    def _named(self) -> tuple[str, str]:
        if not self._migration.target.host:
            return self.spec.resource, ""
        if self._names is None:
            self._names = self._blue_and_green(self.read(instances.instances))
        return self._names

    def _blue_and_green(self, listed: Iterable[Instance]) -> tuple[str, str]:
        usual, green = self.spec.resource, self._migration.target.name
        there = {one.instance_id: (one.host, one.port) for one in listed if one.instance_id}
        if green in there:
            return usual, green
        source = place_of(self._migration.source)
        put_down = [name for name, place in there.items() if place == source and name != usual]
        olds = sorted((name for name in there if self._number(name)), key=self._number)
        # A blue that was deleted: its name is the first part of its endpoint.
        return next(iter(put_down or olds[-1:]), source[0].partition(".")[0]), usual

    def _ours(self, one: Deployment) -> bool:
        return any(self._has(bluegreen.name_of(arn)) for arn in (one.blue_arn, one.green_arn) if arn)

    def _has(self, name: str | None) -> bool:
        """Whether one of the two sides may have a name."""
        if name is None:
            return False
        return name in (self.spec.resource, self._migration.target.name) or self._number(name) > 0

    def _number(self, name: str) -> int:
        """The number of an old blue; 0 where a name is not one's."""
        found = re.fullmatch(re.escape(self.spec.resource) + r"-old(\d+)", name)
        return int(found[1]) if found else 0


def open_account(spec: MigrationSpec, secrets: Secrets) -> Deployed:
    """The account that a migration was given; raises as `migration.aws.account.open_account`."""
    return opened(Deployed, spec, secrets)


def of(m: Migration) -> Deployed:
    """The account of a migration.

    Raises:
        CloudFailed: it has none.
    """
    return clouds.account(m, Deployed, HELD)
