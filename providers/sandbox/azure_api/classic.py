"""MySQL Database on Azure, 2015-09-01: as its documentation of 2016 has it.

A server's state is in its own answer: Creating or another word first, Succeeded in the end; there are no operations.
How it lists backups and databases and deletes a server is in no text: as Resource Manager's resources usually do. A
replica is promoted in the portal, for which `promote` stands; it is no call.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from providers.sandbox.api.beside import Beside
from providers.sandbox.api.refusals import Refused
from providers.sandbox.azure_api.below import create_database, drop_database, schemata
from providers.sandbox.azure_api.cloud import Cloud, Machine, key, ready_word
from providers.sandbox.azure_api.faults import Ending
from providers.sandbox.azure_api.gateway import Answer, Json, Request, Route
from providers.sandbox.azure_api.scenario import SUBSCRIPTION
from providers.sandbox.azure_api.servers import resource_id

VERSION = "2015-09-01"
_PATH = (
    "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.MySql/servers/{serverName}"
)
_MOST_REPLICAS = 5
_KIND = "classic"
_TYPE = "Microsoft.MySql/servers"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Backup:
    """A backup; `id` is where the content is kept, empty while it is made."""

    name: str
    server: str
    kind: str
    id: str
    status: str


class Classic:
    """The service with its backups, which outlive their servers as far as these are not deleted."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._backups: dict[tuple[str, str], _Backup] = {}
        self._beside = Beside()
        if cloud.scenario.kind == _KIND and cloud.scenario.backups:
            first = cloud.scenario.server
            self._backups[first.lower(), "daily"] = _Backup("daily", first, "Automatic", "", "Ready")

    def routes(self) -> list[Route]:
        """Everything that is asked of it."""
        database, backup = f"{_PATH}/databases/{{databaseName}}", f"{_PATH}/backups/{{backupName}}"
        rows: dict[str, tuple[str, str, Callable[[Request], Answer]]] = {
            "Servers_Get": ("GET", _PATH, self._get),
            "Servers_Create": ("PUT", _PATH, self._create),
            "Servers_Update": ("PATCH", _PATH, self._update),
            "Servers_Delete": ("DELETE", _PATH, self._delete),
            "Backups_List": ("GET", f"{_PATH}/backups", self._list_backups),
            "Backups_Get": ("GET", backup, self._get_backup),
            "Backups_Create": ("PUT", backup, self._back_up),
            "Databases_List": ("GET", f"{_PATH}/databases", self._databases),
            "Databases_Get": ("GET", database, self._database),
            "Databases_Create": ("PUT", database, self._create_database),
            "Databases_Delete": ("DELETE", database, self._drop_database),
            "FirewallRules_Create": ("PUT", f"{_PATH}/firewallRules/{{firewallRuleName}}", self._rule),
        }
        return [Route(f"{_KIND}:{name}", VERSION, *row) for name, row in rows.items()]

    def promote(self, name: str) -> None:
        """The portal's "Upgrade" of a replica; it takes a while.

        Raises:
            KeyError: there is no such replica.
            ValueError: something is done to it just now.
        """
        machine = self._cloud.machines[key(_KIND, self._cloud.scenario.group, name)]
        if machine.role != "AzureSlave":
            raise KeyError(name)
        try:
            self._cloud.require_idle(machine.key)
        except Refused as refusal:
            raise ValueError(str(refusal)) from refusal
        self._cloud.change(machine.key, state="Updating")
        seconds = self._cloud.scenario.durations.classic_promote
        self._begin("Promote", machine.key, seconds, lambda: self._cloud.promote(machine))

    def close(self) -> None:
        """Wait for what is under way."""
        self._beside.join()

    def _get(self, request: Request) -> Answer:
        return Answer(200, self._resource(self._cloud.find(_KIND, request.names)))

    def _create(self, request: Request) -> Answer:
        name = key(_KIND, request.names["resourceGroupName"], request.names["serverName"])
        properties = request.body.get("properties", {})
        origin = properties.get("creationSource")
        if not origin:
            raise Refused(400, "InvalidParameterValue", "Only servers with a creation source are made here.")
        replica = properties.get("replicationMode") == "AzureSlave"
        with self._cloud.lock:
            there = self._cloud.machines.get(name)
            if there is not None:
                # A repetition of what was begun changes nothing.
                if replica and there.role == "AzureSlave":
                    return Answer(200, self._resource(there))
                raise Refused(409, "ServerNameAlreadyExists", f"The server name {there.name} is already used.")
            source = self._cloud.machines.get(key(_KIND, name[1], str(origin.get("server", ""))))
            backup = self._chosen(origin)
            if source is None:
                raise Refused(404, "SourceServerNotFound", f"The server {origin.get('server')} was not found.")
            self._check(source, properties, replica)
            machine = self._new(request, source, replica)
            self._cloud.put(machine)
        durations = self._cloud.scenario.durations
        if replica:
            self._begin("Create", name, durations.replica, lambda: self._cloud.add_replica(machine, source))
        else:
            self._begin("Create", name, durations.create, lambda: self._restore(machine, source, backup))
        return Answer(200, self._resource(machine))

    def _check(self, source: Machine, properties: Json, replica: bool) -> None:
        if not replica:
            return
        if properties.get("version") != source.version:
            raise Refused(400, "InvalidParameterValue", "The version of a replica must be that of its master.")
        if len(self._cloud.replicas(source.key)) >= _MOST_REPLICAS:
            raise Refused(400, "ReplicaLimitReached", f"A server has {_MOST_REPLICAS} replicas at most.")
        if not any(one.status == "Ready" for one in self._of(source.name)):
            raise Refused(400, "BackupNotReady", f"The server {source.name} has no complete backup yet.")

    def _new(self, request: Request, source: Machine, replica: bool) -> Machine:
        named = request.names["serverName"]
        wanted = request.body.get("sku", {}).get("name") or source.sku
        return replace(
            source,
            name=named,
            group=request.names["resourceGroupName"],
            location=request.body.get("location", source.location),
            sku=wanted,
            state="Creating",
            role="AzureSlave" if replica else "AzureMaster",
            source=source.key if replica else None,
            host=self._cloud.host(key(_KIND, request.names["resourceGroupName"], named)),
            server=self._cloud.fleet.take(source.version),
            created=self._cloud.clock.now(),
        )

    def _restore(self, machine: Machine, source: Machine, backup: _Backup | None) -> None:
        if backup is None or not backup.id:
            self._cloud.add(machine, source)
            return
        self._cloud.fleet.give_back(machine.server)
        restored = replace(machine, server=self._cloud.fleet.restore(backup.id))
        self._cloud.settle(restored)
        self._cloud.put(restored)

    def _update(self, request: Request) -> Answer:
        machine = self._cloud.idle(_KIND, request.names)
        sku, options = request.body.get("sku", {}).get("name"), request.body.get("properties", {}).get("options", {})
        if sku and sku[:2] != machine.sku[:2]:
            words = f"Changing the service tier from {machine.sku} to {sku} is not supported."
            raise Refused(400, "OperationNotAllowed", words)
        fields: dict[str, object] = {"sku": sku} if sku else {}
        fields["options"] = {**machine.options, **{name: str(value) for name, value in options.items()}}
        changed = self._cloud.change(machine.key, state="Updating", **fields)
        self._begin("Update", machine.key, self._cloud.scenario.durations.resize, lambda: None)
        return Answer(200, self._resource(changed))

    def _delete(self, request: Request) -> Answer:
        machine = self._cloud.idle(_KIND, request.names)
        self._cloud.change(machine.key, state="Deleting")

        def delete() -> None:
            self._backups = {name: one for name, one in self._backups.items() if name[0] != machine.name.lower()}
            self._cloud.remove(machine.key)

        self._begin("Delete", machine.key, self._cloud.scenario.durations.delete, delete, late=True)
        return Answer(202)

    def _list_backups(self, request: Request) -> Answer:
        machine = self._cloud.find(_KIND, request.names)
        return Answer(200, {"value": [self._shown(machine, one) for one in self._of(machine.name)]})

    def _get_backup(self, request: Request) -> Answer:
        machine = self._cloud.find(_KIND, request.names)
        found = self._backups.get((machine.name.lower(), request.names["backupName"]))
        if found is None:
            raise Refused(404, "ResourceNotFound", f"The backup {request.names['backupName']} was not found.")
        return Answer(200, self._shown(machine, found))

    def _back_up(self, request: Request) -> Answer:
        machine, name = self._cloud.idle(_KIND, request.names), request.names["backupName"]
        place = (machine.name.lower(), name)
        if place in self._backups:
            return Answer(200, self._shown(machine, self._backups[place]))
        made = _Backup(name, machine.name, "Manual", "", "Creating")
        self._backups[place] = made

        def back_up() -> None:
            self._backups[place] = replace(made, id=self._cloud.fleet.back_up(machine.server))

        def ready() -> None:
            self._backups[place] = replace(self._backups[place], status="Ready")

        self._begin("Backup", machine.key, self._cloud.scenario.durations.backup, back_up, then=ready)
        return Answer(200, self._shown(machine, made))

    def _databases(self, request: Request) -> Answer:
        machine = self._cloud.find(_KIND, request.names)
        return Answer(200, {"value": [_database(machine, name, *of) for name, of in schemata(machine).items()]})

    def _database(self, request: Request) -> Answer:
        machine, name = self._cloud.find(_KIND, request.names), request.names["databaseName"]
        found = schemata(machine).get(name)
        if found is None:
            raise Refused(404, "ResourceNotFound", f"The database {name} was not found.")
        return Answer(200, _database(machine, name, *found))

    def _create_database(self, request: Request) -> Answer:
        machine, name = self._cloud.idle(_KIND, request.names), request.names["databaseName"]
        given = request.body.get("properties", {})
        create_database(self._cloud, machine, name, given.get("charset", ""), given.get("collation", ""))
        self._cloud.settle(machine)
        return Answer(200, _database(machine, name, *schemata(machine)[name]))

    def _drop_database(self, request: Request) -> Answer:
        machine, name = self._cloud.idle(_KIND, request.names), request.names["databaseName"]
        drop_database(machine, name)
        return Answer(200, {})

    def _rule(self, request: Request) -> Answer:
        machine, name = self._cloud.find(_KIND, request.names), request.names["firewallRuleName"]
        given = request.body["properties"]
        rules = {**machine.rules, name: (given["startIpAddress"], given["endIpAddress"])}
        self._cloud.change(machine.key, rules=rules)
        return Answer(200, {"name": f"{machine.name}/{name}", "type": f"{_TYPE}/firewallRules", "properties": given})

    def _chosen(self, origin: Json) -> _Backup | None:
        """The backup that a restore names, None where it names a moment or nothing."""
        if not origin.get("backup"):
            return None
        found = self._backups.get((str(origin.get("server", "")).lower(), str(origin["backup"])))
        if found is None or found.status != "Ready":
            raise Refused(404, "BackupNotFound", f"The backup {origin['backup']} was not found, or is not ready.")
        return found

    def _of(self, server: str) -> list[_Backup]:
        return [one for (owner, _), one in self._backups.items() if owner == server.lower()]

    def _begin(
        self,
        action: str,
        name: tuple[str, str, str],
        seconds: float,
        act: Callable[[], None],
        *,
        then: Callable[[], None] = lambda: None,
        late: bool = False,
    ) -> None:
        """Do something to a server in a thread of its own; its state says when it is done, and whether it failed."""
        fault = self._cloud.faults.take_operation(f"{_KIND}:{action}")
        fails = fault is not None and fault.ending is Ending.FAIL
        more = fault.seconds if fault is not None and fault.ending is Ending.SLOW else 0.0
        cloud = self._cloud
        end = cloud.clock.now() + seconds + more

        def whole() -> None:
            if late:
                cloud.clock.wait_until(end, cloud.operations.closing)
            if not fails:
                act()
            cloud.clock.wait_until(end, cloud.operations.closing)
            then()

        done = cloud.occupy(name, whole)
        born = cloud.machines[name].created

        def run() -> None:
            state = "Failed" if fails else ready_word(_KIND)
            try:
                done()
            except Exception:
                # The boundary of a thread: the server's state is all that tells of it.
                log.exception("%s of %s failed", action, name)
                state = "Failed"
            with cloud.lock:
                # After a deletion another server may have the name.
                now = cloud.machines.get(name)
                if now is not None and now.created == born:
                    cloud.change(name, state=state)

        self._beside.spawn(run, "classic")

    def _shown(self, machine: Machine, backup: _Backup) -> Json:
        return {
            "id": f"{resource_id(machine)}/backups/{backup.name}",
            "name": f"{machine.name}/{backup.name}",
            "type": f"{_TYPE}/backups",
            "properties": {"backupType": backup.kind, "status": backup.status},
        }

    def _resource(self, machine: Machine) -> Json:
        source = self._cloud.machines.get(machine.source) if machine.source else None
        properties: Json = {
            "version": machine.version,
            "dailyBackupTimeInHour": 10,
            "allowAzureServices": True,
            "options": dict(machine.options),
            "replicationMode": machine.role,
            "fullyQualifiedDomainName": machine.host,
            "provisioningState": machine.state,
        }
        if source is not None:
            properties["creationSource"] = {"server": source.name, "region": source.location}
        return {
            "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{machine.group}/providers/{_TYPE}/{machine.name}",
            "name": machine.name,
            "type": _TYPE,
            "location": machine.location,
            "sku": {"name": machine.sku},
            "properties": properties,
        }


def _database(machine: Machine, name: str, charset: str, collation: str) -> Json:
    return {
        "id": f"{resource_id(machine)}/databases/{name}",
        "name": f"{machine.name}/{name}",
        "type": f"{_TYPE}/databases",
        "properties": {"charset": charset, "collation": collation},
    }
