"""The simulated account as it is now: its state, the servers behind it, and the work that turns one into the next."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from providers.sandbox.aliyun_api import beginnings, machine
from providers.sandbox.aliyun_api.databases import Databases, NotDrained
from providers.sandbox.aliyun_api.faults import Faults
from providers.sandbox.aliyun_api.inspection import Item, Roles, failure, inspect
from providers.sandbox.aliyun_api.machine import Migration, Route, Status, Work
from providers.sandbox.aliyun_api.refusals import cluster_busy, no_cluster, no_instance, no_migration
from providers.sandbox.aliyun_api.scenario import Scenario
from providers.sandbox.aliyun_api.state import (
    DTS_POLICY,
    DTS_ROLE,
    ENDED,
    POLARDB_ROLE,
    Address,
    CloudEndpoint,
    Cluster,
    Instance,
    Role,
    Task,
    exchanged,
    own_task_id,
    strings,
)
from providers.sandbox.api.addresses import Addresses, Place
from providers.sandbox.api.beside import Beside
from providers.sandbox.api.clock import Clock
from providers.sandbox.api.refusals import Refused
from providers.sandbox.api.versions import version_of


class Cloud:
    """Everything the products read and change. Methods may be called from any thread.

    A migration's work goes on in a thread of its own, one for each; where a server does not answer it is tried
    again until it does, as the real cloud would bring its server back.
    """

    def __init__(self, scenario: Scenario, databases: Databases, clock: Clock, faults: Faults) -> None:
        self.scenario = scenario
        self.databases = databases
        self.clock = clock
        self.faults = faults
        self.addresses = Addresses()
        self.lock = threading.RLock()
        self.version = version_of(databases.source.engine)
        self.roles: dict[str, Role] = beginnings.roles(scenario, clock.now())
        self.instances: dict[str, Instance] = beginnings.instances(scenario, self.version)
        self.instance_id = next(iter(self.instances))
        self.rds_endpoints = beginnings.rds_endpoints(scenario, self.instances, self.addresses.open)
        self.tasks: dict[str, Task] = beginnings.tasks(scenario, self.instance_id, clock.now())
        self.clusters: dict[str, Cluster] = {}
        self.reports: dict[int, tuple[Mapping[str, str], float, tuple[Item, ...]]] = {}
        self._tokens: dict[str, tuple[Mapping[str, str], str]] = {}
        self._migrations: dict[str, Migration] = {}
        self._beside = Beside()
        self._lead()

    def halt(self) -> None:
        """Begin nothing more, and give up what fails from here on."""
        self._beside.closing.set()

    def close(self) -> None:
        """Stop what is under way; the servers stay as they are."""
        self.halt()
        self._beside.join()
        self.databases.close()
        self.addresses.close()

    def instance(self, instance_id: str) -> Instance:
        """An instance.

        Raises:
            Refused: there is none of that name.
        """
        found = self.instances.get(instance_id)
        if found is None:
            raise no_instance()
        return found

    def cluster(self, cluster_id: str) -> Cluster:
        """A cluster.

        Raises:
            Refused: there is none of that name.
        """
        found = self.clusters.get(cluster_id)
        if found is None or found.status == ENDED:
            raise no_cluster()
        return found

    def running_cluster(self, cluster_id: str) -> Cluster:
        """A cluster that is Running.

        Raises:
            Refused: it is not, or there is none of that name.
        """
        found = self.cluster(cluster_id)
        if found.status_at(self.clock.now()) != "Running":
            raise cluster_busy()
        return found

    def put(self, thing: Cluster | Instance | Task) -> None:
        """Keep a changed thing in place of the old one."""
        with self.lock:
            if isinstance(thing, Cluster):
                self.clusters[thing.id] = thing
            elif isinstance(thing, Instance):
                self.instances[thing.id] = thing
            else:
                self.tasks[thing.id] = thing

    def once(self, given: Mapping[str, str], make: Callable[[], str]) -> str:
        """Make something, once for each ClientToken; what was made.

        Raises:
            Refused: the token came before with other parameters, or `make` refuses.
        """
        token = given.get("ClientToken")
        with self.lock:
            if token is None:
                return make()
            if token not in self._tokens:
                self._tokens[token] = (dict(given), make())
            before, made = self._tokens[token]
            if before != given:
                raise Refused(
                    400,
                    "IdempotentParameterMismatch",
                    "The request uses the same client token as a previous, but non-identical request.",
                )
            return made

    def migration(self, cluster_id: str) -> Migration | None:
        """The cluster's migration as it is now; one whose time is over ends here."""
        with self.lock:
            found = self._migrations.get(cluster_id)
            if found is None:
                return None
            expired = machine.expire(found, self.clock.now())
            if expired is not found:
                self._keep(expired)
            return expired

    def migration_of_source(self) -> Migration | None:
        """The migration that the source is in now, None where it is in none."""
        found = (self.migration(cluster_id) for cluster_id in list(self._migrations))
        return next((one for one in found if one is not None and one.active), None)

    def begin(self, cluster: Cluster, migration: Migration | None) -> None:
        """Make a cluster, as a migration's target or as a clone of the source that follows nobody."""
        with self.lock:
            self.put(cluster)
            if migration is not None:
                if migration.route is Route.LOGICAL:
                    self.put(beginnings.own_task(cluster.id, migration.instance_id, migration.created_at))
                self._keep(migration)
                return
        self._beside.spawn(lambda: self._clone(cluster.id), "cloud work")

    def change(self, cluster_id: str, turn: Callable[[Migration], Migration]) -> None:
        """Turn a migration into its next.

        Raises:
            Refused: there is none, or `turn` refuses.
        """
        with self.lock:
            migration = self.migration(cluster_id)
            if migration is None or not migration.active:
                raise no_migration()
            self._keep(turn(migration))

    def own_task(self, migration: Migration) -> str:
        """The DTS instance by which a migration travels, empty where it is physical or over."""
        task = self.tasks.get(own_task_id(migration.cluster_id))
        return task.instance_id if task is not None else ""

    def lag_s(self, migration: Migration) -> int:
        """DelayedSeconds: what the replica says, -1 where it says nothing."""
        if self.faults.delayed_seconds is not None:
            return self.faults.delayed_seconds
        if migration.status is Status.SYNCING:
            return self.databases.behind_s(migration.cluster_id)
        return self.databases.behind_s(None) if migration.status is Status.REVERSED else -1

    def modes(self, cluster_id: str) -> tuple[str, str]:
        """Read/write modes as the servers have them; what the status says where one does not answer."""
        migration = self.migration(cluster_id)
        expected = machine.modes(migration.status if migration else Status.NONE)
        ready = self.clusters[cluster_id].status != "Creating"
        found = (self.databases.takes_writes(None), self.databases.takes_writes(cluster_id) if ready else False)
        rds, polardb = (
            told if takes is None else ("rw" if takes else "ro") for takes, told in zip(found, expected, strict=True)
        )
        return rds, polardb

    def inspected(self) -> tuple[Item, ...]:
        """What a look at the source gives now."""
        return inspect(lambda sql: self.databases.ask(None, sql), self.version, self.roles_for_logical())

    def roles_for_logical(self) -> Roles:
        """Whether the roles are as a logical migration needs them."""
        dts = self.roles.get(DTS_ROLE)
        right = dts is not None and "dts.aliyuncs.com" in dts.trust and dts.policies.get(DTS_POLICY) == "System"
        return Roles(POLARDB_ROLE in self.roles, right)

    def add_endpoint(self, cluster_id: str, endpoint: CloudEndpoint) -> None:
        """Give a cluster an endpoint, or an endpoint of it further addresses."""
        with self.lock:
            cluster = self.cluster(cluster_id)
            # Its place in the list stays: the usual pairs are found in this order.
            listed = {one.id: one for one in cluster.endpoints} | {endpoint.id: endpoint}
            busy = self.clock.now() + self.scenario.durations.address
            self.put(replace(cluster, endpoints=tuple(listed.values()), status="NetAddressCreating", busy_until=busy))
        self._lead()

    def release_instance(self) -> None:
        """Stop the source's server and forget the instance."""
        with self.lock:
            self.instances.clear()
            self.rds_endpoints = ()
        self._lead()
        self.databases.source.stop()

    def release_cluster(self, cluster_id: str) -> None:
        """Take a cluster and its data away."""
        with self.lock:
            cluster = self.cluster(cluster_id)
            self.put(replace(cluster, status=ENDED, endpoints=()))
            self._migrations.pop(cluster_id, None)
        self._lead()
        self.databases.discard(cluster_id)

    def _keep(self, migration: Migration) -> None:
        """Put a migration in its place and begin its work."""
        before = self._migrations.get(migration.cluster_id)
        self._migrations[migration.cluster_id] = migration
        if migration.work is not None and (before is None or before.step != migration.step):
            self._beside.spawn(lambda: self._carry_out(migration), "cloud work")

    def _clone(self, cluster_id: str) -> None:
        self._beside.persist(f"the clone {cluster_id}", lambda: self.databases.clone(cluster_id))
        self.clock.wait_until(self.clock.now() + self.scenario.durations.clone, self._beside.closing)
        self._make_ready(cluster_id)

    def _make_ready(self, cluster_id: str) -> None:
        with self.lock:
            self.put(replace(self.cluster(cluster_id), status="Running"))
        self._lead()

    def _carry_out(self, migration: Migration) -> None:
        """Do a migration's work and bring it to what follows."""
        works: dict[Work, Callable[[], str]] = {
            Work.CHECK: lambda: self._check(migration),
            Work.COPY: lambda: self._copy(migration),
            Work.SWITCH: self._exchange(migration, None, migration.cluster_id),
            Work.ROLL_BACK: self._exchange(migration, migration.cluster_id, None),
            Work.SEPARATE: lambda: self._separate(migration),
        }
        assert migration.work is not None
        outcome = self._beside.persist(f"{migration.work} of {migration.cluster_id}", works[migration.work])
        self.clock.wait_until(migration.earliest, self._beside.closing)
        if outcome is None or self._beside.closing.is_set():
            return
        with self.lock:
            if migration.work is Work.COPY or (migration.work is Work.CHECK and outcome):
                self._make_ready(migration.cluster_id)
            if migration.work is Work.SEPARATE:
                self.tasks.pop(own_task_id(migration.cluster_id), None)
            self._keep(machine.done(migration, outcome, self.clock.now(), self.scenario.durations))

    def _check(self, migration: Migration) -> str:
        self.databases.prepare(migration.cluster_id)
        task = self.tasks[own_task_id(migration.cluster_id)]
        looked_at = [item for item in self.inspected() if not (item.can_skip and item.name in task.skipped)]
        return failure(looked_at, migration.force)

    def _copy(self, migration: Migration) -> str:
        self.databases.copy(migration.cluster_id, migration.route is Route.PHYSICAL)
        return ""

    def _separate(self, migration: Migration) -> str:
        self.databases.separate(migration.cluster_id)
        if migration.restart:
            self.databases.restart(migration.cluster_id)
        return ""

    def _exchange(self, migration: Migration, old: str | None, new: str | None) -> Callable[[], str]:
        drained = threading.Event()

        def work() -> str:
            if not drained.is_set():
                try:
                    self.databases.drain(old, new, self.scenario.drain_s)
                except NotDrained as error:
                    return str(error)
                drained.set()
                self.clock.wait_until(self.clock.now() + self.scenario.durations.fenced, self._beside.closing)
                self._exchange_addresses(migration)
            self.databases.reverse(old, new)
            return ""

        return work

    def _exchange_addresses(self, migration: Migration) -> None:
        with self.lock:
            cluster = self.clusters[migration.cluster_id]
            theirs, ours = strings(self.rds_endpoints), strings(cluster.endpoints)
            to_rds: dict[str, Address] = {one: ours[other][1] for one, other in migration.pairs.items()}
            to_polardb: dict[str, Address] = {other: theirs[one][1] for one, other in migration.pairs.items()}
            self.rds_endpoints = exchanged(self.rds_endpoints, to_rds)
            self.put(replace(cluster, endpoints=exchanged(cluster.endpoints, to_polardb)))
        self._lead()

    def _lead(self) -> None:
        """Let every address lead to the server whose endpoint has it."""
        with self.lock:
            places: dict[str, Place | None] = {}
            if self.instances:
                places |= dict.fromkeys(strings(self.rds_endpoints), self.databases.place(None))
            for cluster in self.clusters.values():
                ready = cluster.status not in ("Creating", ENDED)
                place = self.databases.place(cluster.id) if ready else None
                places |= dict.fromkeys(strings(cluster.endpoints), place)
            self.addresses.lead(places)


def require_inactive(cloud: Cloud, code: str, message: str, status: int = 400) -> None:
    """Refuse what may not be done while the source is being migrated.

    Raises:
        Refused: it is.
    """
    if cloud.migration_of_source() is not None:
        raise Refused(status, code, message)
