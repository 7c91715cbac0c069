"""The simulated subscription as it is now: its servers, the real ones behind them, and what is done to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from providers.mysql.endpoint import Account
from providers.sandbox.api.clock import Clock
from providers.sandbox.api.refusals import Refused
from providers.sandbox.api.sessions import opened
from providers.sandbox.api.versions import version_of
from providers.sandbox.azure_api import provisions
from providers.sandbox.azure_api.addresses import Addresses
from providers.sandbox.azure_api.faults import Faults
from providers.sandbox.azure_api.fleet import Fleet
from providers.sandbox.azure_api.operations import Operations
from providers.sandbox.azure_api.scenario import SUBSCRIPTION, Scenario
from providers.sandbox.launcher import SandboxServer

# Full names of versions, as the newer service has them.
_VERSIONS = {"flexible": {"8.0": "8.0.21"}}

Key = tuple[str, str, str]


@dataclass(frozen=True)
class Machine:
    """One server of the subscription, and the real one that it is.

    Attributes:
        role: None (the word), Source or Replica, of the classic service AzureMaster or AzureSlave.
        source: the key of the server that it follows; of the classic service also of the one it was made of.
        host: where clients reach it; the name keeps it, whatever server has the name.
        accounts: its administrators.
        overridden: parameters that were set, by name, with values that wait for a restart.
    """

    kind: str
    group: str
    name: str
    location: str
    sku: str
    tier: str
    version: str
    state: str
    server: SandboxServer
    host: str
    accounts: tuple[Account, ...]
    created: float
    role: str = "None"
    source: Key | None = None
    storage_gb: int = 128
    ha_mode: str = "Disabled"
    options: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    overridden: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        """What it is found by."""
        return key(self.kind, self.group, self.name)


def key(kind: str, group: str, name: str) -> Key:
    """What a server is found by; Resource Manager compares names without regard to case."""
    return kind, group.lower(), name.lower()


class Cloud:
    """Everything the services read and change. Methods may be called from any thread."""

    def __init__(self, scenario: Scenario, fleet: Fleet, administrator: Account, clock: Clock, faults: Faults) -> None:
        self.scenario = scenario
        self.fleet = fleet
        self.clock = clock
        self.faults = faults
        self.operations = Operations(clock, faults)
        self.addresses = Addresses()
        self.lock = threading.RLock()
        self._hosts: dict[Key, str] = {}
        self._busy: dict[Key, object] = {}
        self.machines: dict[Key, Machine] = {}
        first = self.machine(scenario, fleet.source, administrator)
        self.source_host = first.host
        self.settle(first)
        if scenario.kind == "elsewhere":
            self.lead(first)
        else:
            self.put(first)
        if scenario.target:
            self.add(self.machine(scenario.further(), fleet.next(), administrator), None)

    def machine(self, scenario: Scenario, server: SandboxServer, administrator: Account) -> Machine:
        """The server that a scenario begins with."""
        return Machine(
            kind=scenario.kind,
            group=scenario.group,
            name=scenario.server,
            location=scenario.location,
            sku=scenario.sku,
            tier=scenario.tier,
            version=full_version(scenario.kind, server),
            state=ready_word(scenario.kind),
            server=server,
            host=self.host(key(scenario.kind, scenario.group, scenario.server)),
            accounts=(administrator,),
            created=self.clock.now(),
            role="AzureMaster" if scenario.kind == "classic" else "None",
            storage_gb=scenario.storage_gb,
            ha_mode="ZoneRedundant" if scenario.high_availability else "Disabled",
        )

    def close(self) -> None:
        """Stop what is under way; the servers stay as they are."""
        self.operations.close()
        self.addresses.close()

    def host(self, name: Key) -> str:
        """The host of a name: the same for every server that ever has it."""
        with self.lock:
            if name not in self._hosts:
                self._hosts[name] = self.addresses.open()[0]
            return self._hosts[name]

    def find(self, kind: str, names: Mapping[str, str]) -> Machine:
        """The server that a request's path names.

        Raises:
            Refused: there is none.
        """
        if names["subscriptionId"].lower() != SUBSCRIPTION:
            raise Refused(
                404, "SubscriptionNotFound", f"The subscription '{names['subscriptionId']}' could not be found."
            )
        found = self.machines.get(key(kind, names["resourceGroupName"], names["serverName"]))
        if found is None:
            raise missing(kind, names)
        return found

    def idle(self, kind: str, names: Mapping[str, str]) -> Machine:
        """As `find`; it must not be in the middle of something.

        Raises:
            Refused: it is, or there is none.
        """
        found = self.find(kind, names)
        self.require_idle(found.key)
        return found

    def require_idle(self, name: Key) -> None:
        """Nothing may be under way with a name, not even the making of its server.

        Raises:
            Refused: something is.
        """
        if name in self._busy:
            raise busy(name[2])

    def put(self, machine: Machine) -> None:
        """Keep a changed server in place of the old one."""
        with self.lock:
            self.machines[machine.key] = machine
            self.lead(machine)

    def change(self, name: Key, **fields: object) -> Machine:
        """Change a server that may have been changed meanwhile."""
        with self.lock:
            changed = replace(self.machines[name], **fields)  # type: ignore[arg-type]
            self.put(changed)
            return changed

    def remove(self, name: Key) -> None:
        """Forget a server, and give the real one back. Its replicas are servers of their own from now on."""
        with self.lock:
            gone = self.machines.pop(name)
            # From here on another server may take the name.
            self._busy.pop(name, None)
            self.addresses.lead({gone.host: None})
            orphans = [one for one in self.machines.values() if one.source == name and is_replica(one)]
        for one in orphans:
            self.promote(one)
        self.fleet.give_back(gone.server)

    def occupy(self, name: Key, action: Callable[[], None], state: str | None = None) -> Callable[[], None]:
        """Mark a name as busy until `action` has been carried out, as it is given back; `state` shows meanwhile.

        Raises:
            Refused: it is busy already.
        """
        with self.lock:
            self.require_idle(name)
            mark = self._busy[name] = object()
            if state is not None and name in self.machines:
                self.change(name, state=state)

        def done() -> None:
            try:
                action()
            finally:
                with self.lock:
                    if self._busy.get(name) is mark:
                        del self._busy[name]

        return done

    def free(self, machine: Machine) -> None:
        """Nothing is done to a server any more; one that is there is as it was before."""
        with self.lock:
            self._busy.pop(machine.key, None)
            if machine.key in self.machines:
                self.put(machine)
            else:
                self.fleet.give_back(machine.server)

    def replicas(self, name: Key) -> list[Machine]:
        """The servers that follow one."""
        return [one for one in self.machines.values() if one.source == name and is_replica(one)]

    def promote(self, machine: Machine) -> None:
        """Let a replica take writes; whoever followed it still does."""
        self.fleet.detach(machine.server)
        if machine.kind != "classic":
            with opened(machine.server) as session:
                provisions.ignore(session, provisions.IGNORED)
        fields: dict[str, object] = {"state": ready_word(machine.kind)}
        if machine.kind == "classic":
            self.change(machine.key, role="AzureMaster", **fields)
        else:
            self.change(machine.key, role="None", source=None, **fields)

    def add_replica(self, machine: Machine, source: Machine) -> None:
        """Make a new server a replica, with the source's content and accounts."""
        self.fleet.follow(source.server, machine.server)
        with opened(machine.server) as session:
            session.change(session.dialect.fence_clients)
        self.settle(machine)
        with opened(machine.server) as session:
            session.change(session.dialect.fence)
        self.put(machine)

    def add(self, machine: Machine, source: Machine | None) -> None:
        """Make a new server, with another's content of now or empty."""
        if source is None:
            machine.server.start()
        else:
            self.fleet.fill(source.server, machine.server)
        self.settle(machine)
        self.put(machine)

    def settle(self, machine: Machine) -> None:
        """Give a running server what the service puts on it, and take from it what it takes."""
        with opened(machine.server) as session:
            provisions.admit_to(machine.kind, session, machine.accounts)
            if machine.kind in ("classic", "elsewhere"):
                provisions.strip(session)
                return
            provisions.equip(session)
            if machine.kind == "flexible":
                # On by default there: concepts-server-parameters.
                session.change("SET GLOBAL log_bin_trust_function_creators = ON")
            if machine.ha_mode != "Disabled":
                provisions.strip_positions(session)
            if machine.role != "Replica" and session.replica_status() is None:
                provisions.ignore(session, provisions.IGNORED)

    def lead(self, machine: Machine) -> None:
        """Let a server's host lead to it."""
        place = (machine.server.endpoint().host, machine.server.port) if machine.server.running else None
        self.addresses.lead({machine.host: place})

    def _hosted(self, host: str) -> bool:
        return any(one.host == host for one in self.machines.values())

    def at(self, host: str, port: int) -> SandboxServer | None:
        """Which of the real servers an address leads to; None: a server elsewhere."""
        with self.lock:
            if (self.source_host, self.addresses.port) == (host, port) and not self._hosted(host):
                return self.fleet.source
            for one in self.machines.values():
                if (one.host, self.addresses.port) == (host, port):
                    return one.server
                if one.server.running and (one.server.endpoint().host, one.server.port) == (host, port):
                    return one.server
        return None


def is_replica(machine: Machine) -> bool:
    """Whether it follows another server."""
    return machine.role in ("Replica", "AzureSlave")


def ready_word(kind: str) -> str:
    """The state of a server with which all is well."""
    return "Succeeded" if kind == "classic" else "Ready"


def full_version(kind: str, server: SandboxServer) -> str:
    """A server's version as its service writes it."""
    version = version_of(server.engine)
    return _VERSIONS.get(kind, {}).get(version, version)


def missing(kind: str, names: Mapping[str, str]) -> Refused:
    """There is no such server."""
    kinds = {"flexible": "Microsoft.DBforMySQL/flexibleServers", "single": "Microsoft.DBforMySQL/servers"}
    what = f"{kinds.get(kind, 'Microsoft.MySql/servers')}/{names['serverName']}"
    return Refused(
        404,
        "ResourceNotFound",
        f"The Resource '{what}' under resource group '{names['resourceGroupName']}' was not found. For more details "
        "please go to https://aka.ms/ARMResourceNotFoundFix",
    )


def busy(name: str) -> Refused:
    """Something is done to the server already."""
    return Refused(
        409,
        "ServerIsBusy",
        f"Cannot complete management operation on server '{name}' because server is busy with another operation. "
        "Please try again later.",
    )
