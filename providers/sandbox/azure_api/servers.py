"""Flexible Server 2021-05-01 and Single Server 2017-12-01: servers, replicas, their promotion, size and power."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass, replace

from providers.mysql.endpoint import Account, Secret
from providers.sandbox.api.refusals import Refused
from providers.sandbox.azure_api import parameters
from providers.sandbox.azure_api.cloud import Cloud, Machine, key
from providers.sandbox.azure_api.gateway import Answer, Json, Request, Route
from providers.sandbox.azure_api.operations import Work
from providers.sandbox.azure_api.scenario import SUBSCRIPTION

GROUP = "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.DBforMySQL"
_CAPACITY = {"flexible": 10, "single": 5}
_DAY_S = 86_400.0
_POWER_VERSION = {"flexible": "2021-05-01", "single": "2020-01-01"}


@dataclass(frozen=True)
class Style:
    """How one of the two services speaks."""

    kind: str
    version: str
    type: str

    @property
    def path(self) -> str:
        """Where a server of it is asked for."""
        return f"{GROUP}/{self.type}/{{serverName}}"


FLEXIBLE = Style("flexible", "2021-05-01", "flexibleServers")
SINGLE = Style("single", "2017-12-01", "servers")


def routes(cloud: Cloud, style: Style) -> list[Route]:
    """What is asked about servers themselves."""
    own = _Servers(cloud, style)
    rows: dict[str, tuple[str, str, Callable[[Request], Answer]]] = {
        "Servers_Get": ("GET", style.path, own.get),
        "Servers_Create": ("PUT", style.path, own.create),
        "Servers_Update": ("PATCH", style.path, own.update),
        "Servers_Delete": ("DELETE", style.path, own.delete),
        "Servers_ListByResourceGroup": ("GET", f"{GROUP}/{style.type}", own.listed),
        "Replicas_ListByServer": ("GET", f"{style.path}/replicas", own.replicas),
    }
    power = {"Servers_Start": ("start", own.start), "Servers_Stop": ("stop", own.stop)}
    found = [Route(f"{style.kind}:{name}", style.version, *row) for name, row in rows.items()]
    version = _POWER_VERSION[style.kind]
    return found + [
        Route(f"{style.kind}:{name}", version, "POST", f"{style.path}/{verb}", act)
        for name, (verb, act) in power.items()
    ]


def resource_id(machine: Machine) -> str:
    """A server's id."""
    types = {"flexible": "Microsoft.DBforMySQL/flexibleServers", "single": "Microsoft.DBforMySQL/servers"}
    kind = types.get(machine.kind, "Microsoft.MySql/servers")
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{machine.group}/providers/{kind}/{machine.name}"


class _Servers:
    def __init__(self, cloud: Cloud, style: Style) -> None:
        self._cloud = cloud
        self._style = style

    def get(self, request: Request) -> Answer:
        return Answer(200, self._resource(self._cloud.find(self._style.kind, request.names)))

    def listed(self, request: Request) -> Answer:
        group = request.names["resourceGroupName"].lower()
        wanted = (self._style.kind, group)
        found = [one for one in self._cloud.machines.values() if one.key[:2] == wanted]
        return Answer(200, {"value": [self._resource(one) for one in found]})

    def replicas(self, request: Request) -> Answer:
        machine = self._cloud.find(self._style.kind, request.names)
        return Answer(200, {"value": [self._resource(one) for one in self._cloud.replicas(machine.key)]})

    def create(self, request: Request) -> Answer:
        makers = {"Default": self._create_empty, "Replica": self._create_replica, "PointInTimeRestore": self._restore}
        properties = request.body["properties"]
        maker = makers.get(properties.get("createMode", "Default"))
        if maker is None:
            raise Refused(400, "InvalidParameterValue", "Invalid value given for parameter createMode.")
        name = key(self._style.kind, request.names["resourceGroupName"], request.names["serverName"])
        with self._cloud.lock:
            self._cloud.require_idle(name)
            there = self._cloud.machines.get(name)
            if there is not None:
                # A repetition of what was done changes nothing; another server cannot take the name.
                if self._same(there, properties):
                    return Answer(200, self._resource(there))
                words = f"Specified server name is already used: {request.names['serverName']}."
                raise Refused(409, "ServerNameAlreadyExists", words)
            return maker(request, properties)

    def update(self, request: Request) -> Answer:
        machine = self._cloud.idle(self._style.kind, request.names)
        properties = request.body.get("properties", {})
        role = properties.get("replicationRole")
        durations = self._cloud.scenario.durations
        if role is not None:
            if machine.role != "Replica" or role != "None":
                words = f"Replication role change to '{role}' is not supported for the server '{machine.name}'."
                raise Refused(400, "OperationNotAllowed", words)
            return self._begin(
                request, machine, ("Servers_Update", "PromoteReadReplicaManagementOperation"), durations.promote,
                lambda: self._cloud.promote(machine),
            )  # fmt: skip
        fields = self._changes(request.body)
        mode = fields.get("ha_mode")
        if mode not in (None, "Disabled") and machine.role == "Replica":
            raise Refused(400, "OperationNotAllowed", "High availability is not supported for a replica server.")

        def change() -> None:
            changed = self._cloud.change(machine.key, state="Ready", **fields)
            if "sku" in fields:
                changed.server.stop()
                changed.server.start()
                self._cloud.lead(changed)
                parameters.inherit(self._cloud, changed, changed)
            if mode is not None:
                self._cloud.settle(changed)

        title = ("Servers_Update", "UpdateElasticServerManagementOperationV2")
        return self._begin(request, machine, title, durations.resize, change, "Updating")

    def delete(self, request: Request) -> Answer:
        try:
            machine = self._cloud.idle(self._style.kind, request.names)
        except Refused as refusal:
            if refusal.code != "ResourceNotFound":
                raise
            return Answer(204)
        title = ("Servers_Delete", "DropElasticServerManagementOperation")
        return self._begin(
            request, machine, title, self._cloud.scenario.durations.delete,
            lambda: self._cloud.remove(machine.key), "Dropping",
        )  # fmt: skip

    def start(self, request: Request) -> Answer:
        machine = self._cloud.idle(self._style.kind, request.names)
        if machine.state != "Stopped":
            raise Refused(400, "OperationNotAllowed", f"The server '{machine.name}' is not stopped.")

        def start() -> None:
            machine.server.start()
            self._cloud.change(machine.key, state="Ready")

        title = ("Servers_Start", "StartServerManagementOperation")
        return self._begin(request, machine, title, self._cloud.scenario.durations.power, start, "Starting")

    def stop(self, request: Request) -> Answer:
        machine = self._cloud.idle(self._style.kind, request.names)
        if machine.state != "Ready":
            raise Refused(400, "OperationNotAllowed", f"The server '{machine.name}' is not ready.")

        def stop() -> None:
            machine.server.stop()
            self._cloud.change(machine.key, state="Stopped")

        title = ("Servers_Stop", "StopServerManagementOperation")
        return self._begin(request, machine, title, self._cloud.scenario.durations.power, stop, "Stopping")

    def _create_empty(self, request: Request, properties: Json) -> Answer:
        login, password = properties.get("administratorLogin"), properties.get("administratorLoginPassword")
        if not login or not password:
            raise Refused(400, "InvalidParameterValue", "The administrator login and its password are required.")
        account = Account(login, Secret(password))
        machine = self._new(request, properties, None, (account,))
        title = "CreateElasticServerManagementOperation"
        return self._make(request, machine, title, self._cloud.scenario.durations.create, None)

    def _create_replica(self, request: Request, properties: Json) -> Answer:
        source = self._source(properties)
        if source.role == "Replica":
            raise Refused(400, "OperationNotAllowed", "A replica of a replica is not supported.")
        if len(self._cloud.replicas(source.key)) >= _CAPACITY[self._style.kind]:
            raise Refused(400, "ReplicaLimitReached", f"The server '{source.name}' has no replica capacity left.")
        made = self._new(request, properties, source, source.accounts)
        machine = replace(made, role="Replica", source=source.key)
        title = "CreateReadReplicaManagementOperation"
        return self._make(request, machine, title, self._cloud.scenario.durations.replica, source)

    def _restore(self, request: Request, properties: Json) -> Answer:
        # What the source holds now is taken for what it held then: no earlier states are kept.
        source = self._source(properties)
        moment = _moment(str(properties.get("restorePointInTime", "")))
        if moment is None or not self._earliest(source) <= moment <= self._cloud.clock.now():
            words = "The restore point in time is outside the retention period."
            raise Refused(400, "InvalidRestorePointInTime", words)
        machine = self._new(request, properties, source, source.accounts)
        title = "RestoreSnapshotManagementOperation"
        return self._make(request, machine, title, self._cloud.scenario.durations.create, source)

    def _make(self, request: Request, machine: Machine, title: str, seconds: float, source: Machine | None) -> Answer:
        def make() -> None:
            try:
                if machine.role == "Replica" and source is not None:
                    self._cloud.add_replica(machine, source)
                    parameters.inherit(self._cloud, machine, source)
                else:
                    self._cloud.add(machine, source)
            except BaseException:
                self._cloud.fleet.give_back(machine.server)
                raise

        return self._begin(request, machine, ("Servers_Create", title), seconds, make, late=False)

    def _begin(
        self,
        request: Request,
        machine: Machine,
        title: tuple[str, str],
        seconds: float,
        act: Callable[[], None],
        state: str | None = None,
        *,
        late: bool = True,
    ) -> Answer:
        named, words = title
        version = _POWER_VERSION[machine.kind] if named in ("Servers_Start", "Servers_Stop") else self._style.version
        work = Work(
            f"{machine.kind}:{named}",
            words,
            version,
            SUBSCRIPTION,
            machine.location,
            seconds,
            self._cloud.occupy(machine.key, act, state),
            late=late,
            give_up=lambda: self._cloud.free(machine),
        )
        return self._cloud.operations.begin(work, request.base)

    def _new(
        self, request: Request, properties: Json, source: Machine | None, accounts: tuple[Account, ...]
    ) -> Machine:
        sku = request.body.get("sku") or {}
        version = source.version if source else properties.get("version", "5.7")
        name = key(self._style.kind, request.names["resourceGroupName"], request.names["serverName"])
        host = self._cloud.host(name)
        return Machine(
            kind=self._style.kind,
            group=request.names["resourceGroupName"],
            name=request.names["serverName"],
            location=request.body.get("location", source.location if source else ""),
            sku=sku.get("name") or (source.sku if source else "Standard_D2ds_v4"),
            tier=sku.get("tier") or (source.tier if source else "GeneralPurpose"),
            version=version,
            state="Ready",
            server=self._cloud.fleet.take(version),
            host=host,
            accounts=accounts,
            created=self._cloud.clock.now(),
            storage_gb=properties.get("storage", {}).get("storageSizeGB", source.storage_gb if source else 32),
        )

    def _source(self, properties: Json) -> Machine:
        named = "sourceServerResourceId" if self._style.kind == "flexible" else "sourceServerId"
        wanted = str(properties.get(named, "")).lower()
        for one in self._cloud.machines.values():
            if resource_id(one).lower() == wanted:
                return one
        raise Refused(404, "SourceServerNotFound", f"The source server '{properties.get(named)}' was not found.")

    def _same(self, there: Machine, properties: Json) -> bool:
        if properties.get("createMode") == "Replica":
            return there.role == "Replica" and there.source == self._source(properties).key
        return False

    def _changes(self, body: Json) -> dict[str, object]:
        properties = body.get("properties", {})
        wanted = {
            "sku": body.get("sku", {}).get("name"),
            "tier": body.get("sku", {}).get("tier"),
            "storage_gb": properties.get("storage", {}).get("storageSizeGB"),
            "ha_mode": properties.get("highAvailability", {}).get("mode"),
        }
        if self._style.kind == "single" and "storageProfile" in properties:
            wanted["storage_gb"] = properties["storageProfile"].get("storageMB", 0) // 1024
        return {name: value for name, value in wanted.items() if value}

    def _earliest(self, machine: Machine) -> float:
        return max(machine.created, self._cloud.clock.now() - 7 * _DAY_S)

    def _resource(self, machine: Machine) -> Json:
        make = _flexible if self._style.kind == "flexible" else _single
        source = self._cloud.machines.get(machine.source) if machine.source else None
        properties = make(machine, resource_id(source) if source else "", _stamp(self._earliest(machine)))
        sku = {"name": machine.sku, "tier": machine.tier}
        if self._style.kind == "single":
            sku |= {"family": "Gen5"}
        return {
            "sku": sku,
            "properties": properties,
            "location": machine.location,
            "id": resource_id(machine),
            "name": machine.name,
            "type": f"Microsoft.DBforMySQL/{self._style.type}",
        }


def _capacity(machine: Machine) -> int:
    return 0 if machine.role == "Replica" else _CAPACITY[machine.kind]


def _flexible(machine: Machine, source: str, earliest: str) -> Json:
    return {
        "administratorLogin": machine.accounts[0].user,
        "storage": {
            "storageSizeGB": machine.storage_gb,
            "iops": 640,
            "autoGrow": "Enabled",
            "storageSku": "Premium_LRS",
        },
        "version": machine.version,
        "state": machine.state,
        "fullyQualifiedDomainName": machine.host,
        "sourceServerResourceId": source,
        "availabilityZone": "1",
        "replicationRole": machine.role,
        "replicaCapacity": _capacity(machine),
        "network": {"publicNetworkAccess": "Enabled"},
        "backup": {
            "backupRetentionDays": 7,
            "geoRedundantBackup": "Disabled",
            "earliestRestoreDate": earliest,
        },
        "highAvailability": {
            "mode": machine.ha_mode,
            "state": "NotEnabled" if machine.ha_mode == "Disabled" else "Healthy",
        },
    }


def _single(machine: Machine, source: str, earliest: str) -> Json:
    return {
        "administratorLogin": machine.accounts[0].user,
        "storageProfile": {
            "storageMB": machine.storage_gb * 1024,
            "backupRetentionDays": 7,
            "geoRedundantBackup": "Disabled",
            "storageAutogrow": "Enabled",
        },
        "version": machine.version,
        "sslEnforcement": "Disabled",
        "userVisibleState": machine.state,
        "fullyQualifiedDomainName": machine.host,
        "earliestRestoreDate": earliest,
        "replicationRole": machine.role,
        "masterServerId": source,
        "replicaCapacity": _capacity(machine),
        "publicNetworkAccess": "Enabled",
    }


def _moment(text: str) -> float | None:
    try:
        return datetime.datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _stamp(moment: float) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat()
