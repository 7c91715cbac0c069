"""The simulated account as it is now: its instances, and the work that turns one status into the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from providers.mysql.position import Position
from providers.sandbox.api.addresses import Addresses, Place
from providers.sandbox.api.beside import Beside
from providers.sandbox.api.clock import Clock
from providers.sandbox.aws_api.catalogue import IF_REPLICA, KNOWN, family_of, version_of
from providers.sandbox.aws_api.faults import AwsFaults
from providers.sandbox.aws_api.refusals import no_group, no_instance, wrong_state
from providers.sandbox.aws_api.scenario import Scenario
from providers.sandbox.aws_api.servers import Servers
from providers.sandbox.aws_api.state import (
    AVAILABLE,
    IN_SYNC,
    PENDING_REBOOT,
    Deployment,
    Event,
    Group,
    Instance,
    Snapshot,
)
from providers.sandbox.launcher import SandboxServer

INSTANCE = "db-instance"
_LOOK_S = 0.05
# With these an instance takes orders.
USABLE = (AVAILABLE, "storage-optimization", "backing-up")

_Thing = TypeVar("_Thing")


class Cloud:
    """Everything that calls read and change. Methods may be called from any thread; what changes state holds `lock`.

    What RDS does goes on in a thread of its own, one for each order; where a server does not answer it is tried again
    until it does.
    """

    def __init__(
        self,
        scenario: Scenario,
        first: SandboxServer,
        servers: Callable[[str], Servers],
        clock: Clock,
        faults: AwsFaults,
    ) -> None:
        self.scenario = scenario
        self.durations = scenario.durations
        self.clock = clock
        self.faults = faults
        self.lock = threading.RLock()
        self.addresses = Addresses()
        self.snapshots: dict[str, Snapshot] = {}
        self.deployments: dict[str, Deployment] = {}
        self.events: list[Event] = []
        self.groups: dict[str, Group] = {}
        self._doors: dict[str, Place] = {}
        self._beside = Beside()
        # Of each piece of work, until when it has been planned.
        self._plan = threading.local()
        self.engine, self.version = version_of(first.engine)
        begun = Instance(
            scenario.instance_id,
            self.engine,
            self.version,
            scenario.node_class,
            scenario.storage_type,
            scenario.allocated_gb,
            scenario.multi_az,
            scenario.backup_days,
            self._first_group(scenario.parameter_group),
            clock.now(),
            deletion_protected=scenario.deletion_protected,
        )
        self.instances: dict[str, Instance] = {begun.key: begun}
        self.servers = servers(begun.key)
        if not scenario.backup_days:
            self.restart(begun.key)
        elif scenario.settings:
            self.servers.set_variables(begun.key, dict(scenario.settings))
        self.open(begun)

    def halt(self) -> None:
        """Stop what is under way, and begin nothing more."""
        self._beside.closing.set()
        self._beside.join()

    def close(self) -> None:
        """Stop what is under way, and take the servers down that were made."""
        self.halt()
        self.addresses.close()
        self.servers.close()

    def arn(self, kind: str, name: str) -> str:
        """The name of something in the whole of AWS."""
        return f"arn:aws:rds:{self.scenario.region}:{self.scenario.account}:{kind}:{name}"

    def instance(self, instance_id: str) -> Instance:
        """An instance, by its name or ARN, whatever the case of its letters.

        Raises:
            Refused: there is none of that name.
        """
        wanted = instance_id.rpartition(":")[2].lower()
        for found in self.instances.values():
            if found.id == wanted:
                return found
        raise no_instance(instance_id)

    def usable(self, instance_id: str, *also: str) -> Instance:
        """An instance that takes orders.

        Raises:
            Refused: it does not now, or there is none of that name.
        """
        found = self.instance(instance_id)
        if found.status not in (*USABLE, *also):
            raise wrong_state(f"Database instance {found.id} is not in available state: it is {found.status}.")
        return found

    def replicas(self, instance: Instance) -> tuple[Instance, ...]:
        """What follows an instance."""
        return tuple(one for one in self.instances.values() if one.source == instance.key and one.status != "creating")

    def default_group(self, engine: str, version: str) -> str:
        """The parameter group that an instance has if none is named; it is made when it is first needed."""
        family = family_of(engine, version)
        name = f"default.{family}"
        self.groups.setdefault(name, Group(name, family, f"Default parameter group for {family}"))
        return name

    def _first_group(self, own: str) -> str:
        """The group with which the account's one instance begins."""
        if not own:
            return self.default_group(self.engine, self.version)
        settings = {name: (value, "immediate") for name, value in self.scenario.settings.items()}
        self.groups[own] = Group(own, family_of(self.engine, self.version), f"of {self.scenario.instance_id}", settings)
        return own

    def group(self, name: str) -> Group:
        """A parameter group.

        Raises:
            Refused: there is none of that name.
        """
        found = self.groups.get(name.lower())
        if found is None:
            raise no_group(name)
        return found

    def variables(self, instance: Instance) -> dict[str, str]:
        """What an instance's parameter group says, in the words of its server."""
        settings = self.groups[instance.group].settings
        found = {KNOWN[name].variable: value for name, (value, _) in settings.items()}
        asked = found.get("read_only", IF_REPLICA)
        closed = instance.fenced or instance.source is not None
        found["read_only"] = ("1" if closed else "0") if asked == IF_REPLICA else asked
        return found

    def door(self, instance: Instance) -> Place:
        """The host and port of the endpoint of an instance's name: the same for whoever has that name."""
        if instance.id not in self._doors:
            self._doors[instance.id] = self.addresses.open()
        return self._doors[instance.id]

    def lead(self) -> None:
        """Let every endpoint lead to the server whose instance has its name, and the others nowhere."""
        with self.lock:
            places: dict[str, Place | None] = {host: None for host, _ in self._doors.values()}
            for instance in self.instances.values():
                if instance.reachable:
                    places[self.door(instance)[0]] = self.servers.place(instance.key)
            self.addresses.lead(places)

    def open(self, instance: Instance) -> None:
        """Let clients reach an instance."""
        with self.lock:
            instance.reachable = True
        self.lead()

    def shut(self, instance: Instance) -> None:
        """Cut an instance's clients off."""
        with self.lock:
            instance.reachable = False
        self.lead()

    def tell(self, about: str, message: str, *categories: str, kind: str = INSTANCE) -> None:
        """Keep an event."""
        with self.lock:
            self.events.append(Event(about, kind, message, categories, self.clock.now()))

    def set_status(self, key: str, status: str) -> None:
        """Give an instance its next status, where it is still there."""
        with self.lock:
            if key in self.instances:
                self.instances[key].status = status

    def pause(self, seconds: float) -> bool:
        """Let what goes on here take this much longer, from when it was ordered; False where the simulation ends.

        Whoever moves the clock after an order moves all that follows from it, however far it has come.
        """
        self._plan.moment = getattr(self._plan, "moment", self.clock.now()) + seconds
        self.clock.wait_until(self._plan.moment, self._beside.closing)
        return not self._beside.closing.is_set()

    def rest(self) -> bool:
        """Wait before another look at the servers; False where the simulation ends."""
        return not self._beside.closing.wait(_LOOK_S)

    def spawn(self, action: Callable[[], object]) -> None:
        """Let something go on beside the calls, ordered now."""
        ordered = self.clock.now()

        def work() -> None:
            self._plan.moment = ordered
            action()

        self._beside.spawn(work, "rds work")

    def persist(self, what: str, action: Callable[[], _Thing]) -> _Thing | None:
        """As `Beside.persist`."""
        return self._beside.persist(what, action)

    def done(self, what: str, action: Callable[[], None]) -> bool:
        """As `persist`, for what gives nothing back: whether it was done."""

        def work() -> bool:
            action()
            return True

        return self.persist(what, work) is not None

    def restart(self, key: str) -> None:
        """Stop a server and start it with what its group says now; nobody can connect meanwhile."""
        instance = self.instances[key]
        self.shut(instance)
        self.servers.stop(key)
        self.start(key)

    def start(self, key: str) -> None:
        """Start a stopped server with what its group says now."""
        instance = self.instances[key]
        self.servers.start(key, self.variables(instance), logged=instance.backup_days > 0)
        with self.lock:
            instance.group_status = IN_SYNC

    def reboot(self, key: str, outage: float, stop: Callable[[str], None]) -> bool:
        """Restart an instance, with nobody connected for `outage`; False where the simulation ends."""
        instance = self.instances[key]
        self.shut(instance)
        self.done(f"the stop of {instance.id}", lambda: stop(key))
        going_on = self.pause(outage)
        if not self.done(f"the start of {instance.id}", lambda: self.start(key)):
            return False
        self.open(instance)
        return going_on

    def build(self, key: str, fill: Callable[[Path], object], follow: tuple[str, Position | None] | None) -> None:
        """Make the server of a new instance, over data that `fill` puts in place, and let it follow where it is to."""
        instance = self.instances[key]
        self.servers.make(key, fill, self.variables(instance), logged=instance.backup_days > 0)
        if follow is not None:
            self.servers.follow(key, *follow)

    def apply(self, group: str, changed: Mapping[str, str]) -> None:
        """Bring parameters that were set into force at every instance of a group, those that can be without restart."""
        with self.lock:
            using = [one for one in self.instances.values() if one.group == group]
            now = {name for name, how in changed.items() if how == "immediate"}
            for instance in using:
                if set(changed) - now:
                    instance.group_status = PENDING_REBOOT
                elif instance.group_status == IN_SYNC:
                    instance.group_status = "applying"
        if not self.pause(self.durations.parameter):
            return
        for instance in using:
            self._apply_to(instance, now)

    def _apply_to(self, instance: Instance, names: set[str]) -> None:
        if instance.group_status == PENDING_REBOOT and not names:
            return
        wanted = {KNOWN[name].variable for name in names}
        settings = self.variables(instance)
        # What was reset gets the value back that the server begins with.
        variables = {name: settings.get(name) for name in wanted}
        self.done(f"the parameters of {instance.id}", lambda: self.servers.set_variables(instance.key, variables))
        with self.lock:
            if instance.group_status == "applying":
                instance.group_status = IN_SYNC
