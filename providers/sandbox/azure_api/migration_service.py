"""Azure Database Migration Service 2021-06-30: services, projects and tasks."""

from __future__ import annotations

import datetime
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from providers.mysql.endpoint import Account
from providers.sandbox.api.beside import Beside
from providers.sandbox.api.refusals import Refused
from providers.sandbox.azure_api import migrations
from providers.sandbox.azure_api.cloud import Cloud
from providers.sandbox.azure_api.faults import Ending
from providers.sandbox.azure_api.gateway import Answer, Json, Request, Route
from providers.sandbox.azure_api.migrations import ENDED, OFFLINE, ONLINE, Runner, Task
from providers.sandbox.azure_api.operations import Work
from providers.sandbox.azure_api.scenario import SUBSCRIPTION

VERSION = "2021-06-30"
_NAMESPACE = "Microsoft.DataMigration"
_ROOT = "/subscriptions/{subscriptionId}/providers/Microsoft.DataMigration"
_SERVICES = "/subscriptions/{subscriptionId}/resourceGroups/{groupName}/providers/Microsoft.DataMigration/services"
_SERVICE = f"{_SERVICES}/{{serviceName}}"
_PROJECT = f"{_SERVICE}/projects/{{projectName}}"
_TASK = f"{_PROJECT}/tasks/{{taskName}}"
_SKUS = {"Standard_1vCore": "Standard", "Standard_2vCores": "Standard", "Premium_4vCores": "Premium"}
_KINDS = (
    migrations.CONNECT_SOURCE,
    migrations.CONNECT_TARGET,
    migrations.GET_TABLES,
    migrations.OFFLINE,
    migrations.ONLINE,
)


@dataclass
class _Project:
    content: Json
    tasks: dict[str, Task] = field(default_factory=dict)


@dataclass
class _Service:
    name: str
    location: str
    sku: str
    subnet: str
    state: str
    stopped: threading.Event = field(default_factory=threading.Event)
    projects: dict[str, _Project] = field(default_factory=dict)


class MigrationService:
    """All services of the subscription. `account` is what replicas log in to their sources with."""

    def __init__(self, cloud: Cloud, account: Account, *, by_file: bool) -> None:
        self._cloud = cloud
        self._account = account
        self._by_file = by_file
        self._services: dict[tuple[str, str], _Service] = {}
        self._beside = Beside()
        if cloud.scenario.migration_service != "none":
            running = cloud.scenario.migration_service == "running"
            first = _Service("dms", cloud.scenario.location, "Premium_4vCores", "/subnets/default", "Succeeded")
            if not running:
                first.state = "Stopped"
                first.stopped.set()
            self._services[cloud.scenario.group.lower(), "dms"] = first

    def routes(self) -> list[Route]:
        """Everything that is asked of it."""
        rows: dict[str, tuple[str, str, Callable[[Request], Answer]]] = {
            "Services_Get": ("GET", _SERVICE, self._get),
            "Services_ListByResourceGroup": ("GET", _SERVICES, self._listed),
            "Services_CreateOrUpdate": ("PUT", _SERVICE, self._create),
            "Services_Delete": ("DELETE", _SERVICE, self._delete),
            "Services_Start": ("POST", f"{_SERVICE}/start", self._start),
            "Services_Stop": ("POST", f"{_SERVICE}/stop", self._stop),
            "Services_CheckStatus": ("POST", f"{_SERVICE}/checkStatus", self._status),
            "Services_ListSkus": ("GET", f"{_SERVICE}/skus", self._service_skus),
            "ResourceSkus_ListSkus": ("GET", f"{_ROOT}/skus", self._skus),
            "Projects_Get": ("GET", _PROJECT, self._get_project),
            "Projects_CreateOrUpdate": ("PUT", _PROJECT, self._create_project),
            "Projects_Delete": ("DELETE", _PROJECT, self._delete_project),
            "Tasks_Get": ("GET", _TASK, self._get_task),
            "Tasks_List": ("GET", f"{_PROJECT}/tasks", self._list_tasks),
            "Tasks_CreateOrUpdate": ("PUT", _TASK, self._create_task),
            "Tasks_Command": ("POST", f"{_TASK}/command", self._command),
            "Tasks_Cancel": ("POST", f"{_TASK}/cancel", self._cancel),
            "Tasks_Delete": ("DELETE", _TASK, self._delete_task),
        }
        return [Route(f"datamigration:{name}", VERSION, *row) for name, row in rows.items()]

    def pause(self, name: str) -> None:
        """What the service does to itself after 24 idle hours.

        Raises:
            KeyError: there is no such service.
        """
        service = self._services[self._cloud.scenario.group.lower(), name.lower()]
        service.stopped.set()
        service.state = "Stopped"

    def close(self) -> None:
        """Give all tasks up."""
        for service in self._services.values():
            for project in service.projects.values():
                for task in project.tasks.values():
                    task.canceled.set()
        self._beside.join()

    def _get(self, request: Request) -> Answer:
        return Answer(200, _resource(request, self._find(request)))

    def _listed(self, request: Request) -> Answer:
        group = request.names["groupName"].lower()
        found = [one for (of, _), one in self._services.items() if of == group]
        return Answer(200, {"value": [_resource(request, one) for one in found]})

    def _create(self, request: Request) -> Answer:
        place = (request.names["groupName"].lower(), request.names["serviceName"].lower())
        there = self._services.get(place)
        if there is not None:
            return Answer(200, _resource(request, there))
        body = request.body
        sku = body.get("sku", {}).get("name", "Standard_1vCore")
        if sku not in _SKUS:
            raise Refused(400, "SkuNotAvailable", f"The size {sku} is not available in this region.")
        subnet = body["properties"]["virtualSubnetId"]
        made = _Service(request.names["serviceName"], body["location"], sku, subnet, "Accepted")
        self._services[place] = made
        durations = self._cloud.scenario.durations
        work = self._work("Services_CreateOrUpdate", made, durations.service, lambda: _become(made, "Succeeded"))
        return self._cloud.operations.begin(work, request.base, _resource(request, made), 201)

    def _delete(self, request: Request) -> Answer:
        place = (request.names["groupName"].lower(), request.names["serviceName"].lower())
        service = self._services.get(place)
        if service is None:
            return Answer(204)
        service.state = "Deleting"
        work = self._work("Services_Delete", service, self._cloud.scenario.durations.service,
                          lambda: self._forget(place))  # fmt: skip
        return self._cloud.operations.begin(work, request.base, {}, 202)

    def _start(self, request: Request) -> Answer:
        service = self._find(request)
        if service.state == "Succeeded":
            return Answer(200)
        service.state = "Starting"

        def start() -> None:
            service.stopped.clear()
            service.state = "Succeeded"

        work = self._work("Services_Start", service, self._cloud.scenario.durations.service, start)
        return self._cloud.operations.begin(work, request.base, {}, 202)

    def _stop(self, request: Request) -> Answer:
        service = self._find(request)
        if service.state == "Stopped":
            return Answer(200)
        service.state = "Stopping"
        service.stopped.set()
        work = self._work("Services_Stop", service, self._cloud.scenario.durations.service,
                          lambda: _become(service, "Stopped"))  # fmt: skip
        return self._cloud.operations.begin(work, request.base, {}, 202)

    def _status(self, request: Request) -> Answer:
        service = self._running(request)
        body: Json = {"agentVersion": "5.4.7279.1", "status": "Online", "vmSize": "Standard_A4_v2"}
        return Answer(200, {**body, "supportedTaskTypes": list(_KINDS)} if service else body)

    def _service_skus(self, request: Request) -> Answer:
        self._find(request)
        found = [
            {
                "resourceType": f"{_NAMESPACE}/services",
                "sku": {"name": name, "size": name.partition("_")[2], "tier": of},
            }
            for name, of in _SKUS.items()
        ]
        return Answer(200, {"value": found})

    def _skus(self, request: Request) -> Answer:
        found = [
            {"resourceType": "services", "name": name, "tier": of, "locations": [self._cloud.scenario.location]}
            for name, of in _SKUS.items()
        ]
        return Answer(200, {"value": found})

    def _get_project(self, request: Request) -> Answer:
        return Answer(200, self._project(request).content)

    def _create_project(self, request: Request) -> Answer:
        service, name = self._running(request), request.names["projectName"]
        there = service.projects.get(name.lower())
        if there is not None:
            return Answer(200, there.content)
        made = datetime.datetime.fromtimestamp(self._cloud.clock.now(), datetime.UTC).isoformat()
        content = {
            "properties": {**request.body["properties"], "creationTime": made, "provisioningState": "Succeeded"},
            "id": f"{_service_id(request)}/projects/{name}",
            "location": request.body["location"],
            "name": name,
            "type": f"{_NAMESPACE}/services/projects",
        }
        service.projects[name.lower()] = _Project(content)
        return Answer(201, content)

    def _delete_project(self, request: Request) -> Answer:
        service = self._running(request)
        gone = service.projects.pop(request.names["projectName"].lower(), None)
        return Answer(204 if gone is None else 200)

    def _get_task(self, request: Request) -> Answer:
        self._running(request)
        whole = "output" in request.query.get("$expand", "")
        return Answer(200, _task_resource(request, self._task(request), whole=whole))

    def _list_tasks(self, request: Request) -> Answer:
        self._running(request)
        project = self._project(request)
        return Answer(200, {"value": [_task_resource(request, one, whole=False) for one in project.tasks.values()]})

    def _create_task(self, request: Request) -> Answer:
        service, project = self._running(request), self._project(request)
        name, properties = request.names["taskName"], request.body["properties"]
        with self._cloud.lock:
            there = project.tasks.get(name.lower())
            if there is None:
                task = self._begin_task(service, project, name, properties)
                return Answer(201, _task_resource(request, task, whole=False))
        return Answer(200, _task_resource(request, there, whole=False))

    def _begin_task(self, service: _Service, project: _Project, name: str, properties: Json) -> Task:
        if properties.get("taskType") not in _KINDS:
            raise Refused(400, "InvalidTaskType", f"The task type {properties.get('taskType')} is not supported.")
        if properties["taskType"] == ONLINE and not service.sku.startswith("Premium"):
            raise Refused(400, "SkuNotSupported", "Online migrations need the Premium tier of the service.")
        task = Task(name, properties["taskType"], properties.get("input", {}))
        project.tasks[name.lower()] = task
        runner = Runner(self._cloud, task, self._account, service.stopped, by_file=self._by_file)
        fault = self._cloud.faults.take_operation(f"datamigration:{task.kind}")
        end = self._cloud.clock.now() + self._cloud.scenario.durations.task
        if fault is not None and fault.ending is Ending.SLOW:
            end += fault.seconds

        def run() -> None:
            self._cloud.clock.wait_until(end, self._cloud.operations.closing)
            if fault is not None and fault.ending is Ending.FAIL:
                task.fail(fault.code, fault.message)
            elif fault is None or fault.ending is not Ending.STAND:
                runner.run()

        self._beside.spawn(run, "migration task")
        return task

    def _command(self, request: Request) -> Answer:
        self._running(request)
        task = self._task(request)
        database = request.body.get("input", {}).get("databaseName", "")
        if request.body.get("commandType") != "Migrate.Sync.Complete.Database" or task.kind != ONLINE:
            raise Refused(400, "InvalidCommand", "The command is not supported by this task.")
        command = {**request.body, "state": "Accepted"}
        with task.lock:
            if not task.complete(database, self._cloud.clock.now()):
                state = task.databases.get(database, "not part of the task")
                raise Refused(409, "CommandNotAllowed", f"The database {database} is {state} and cannot be completed.")
            task.commands.append(command)
        return Answer(200, dict(command))

    def _cancel(self, request: Request) -> Answer:
        self._running(request)
        task = self._task(request)
        task.canceled.set()
        return Answer(200, _task_resource(request, task, whole=False))

    def _delete_task(self, request: Request) -> Answer:
        project = self._project(request)
        task = project.tasks.get(request.names["taskName"].lower())
        if task is None:
            return Answer(204)
        if task.state not in ENDED:
            raise Refused(409, "TaskRunning", f"The task {task.name} has not ended.")
        del project.tasks[task.name.lower()]
        return Answer(200)

    def _forget(self, place: tuple[str, str]) -> None:
        self._services.pop(place, None)

    def _find(self, request: Request) -> _Service:
        found = self._services.get((request.names["groupName"].lower(), request.names["serviceName"].lower()))
        if found is None:
            what = f"{_NAMESPACE}/services/{request.names['serviceName']}"
            raise Refused(404, "ResourceNotFound", f"The Resource '{what}' was not found.")
        return found

    def _running(self, request: Request) -> _Service:
        """A service that answers for what is inside it."""
        found = self._find(request)
        if found.state != "Succeeded":
            words = f"The service {found.name} is {found.state} and does not answer; start it first."
            raise Refused(409, "ServiceNotRunning", words)
        return found

    def _project(self, request: Request) -> _Project:
        found = self._running(request).projects.get(request.names["projectName"].lower())
        if found is None:
            raise Refused(404, "", "")
        return found

    def _task(self, request: Request) -> Task:
        found = self._project(request).tasks.get(request.names["taskName"].lower())
        if found is None:
            raise Refused(404, "", "")
        return found

    def _work(self, action: str, service: _Service, seconds: float, act: Callable[[], None]) -> Work:
        return Work(
            f"datamigration:{action}",
            action,
            VERSION,
            SUBSCRIPTION,
            service.location,
            seconds,
            act,
            _NAMESPACE,
            late=True,
        )


def _become(service: _Service, state: str) -> None:
    service.state = state


def _service_id(request: Request) -> str:
    group, name = request.names["groupName"], request.names["serviceName"]
    return f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{_NAMESPACE}/services/{name}"


def _resource(request: Request, service: _Service) -> Json:
    group = request.names["groupName"]
    return {
        "properties": {"provisioningState": service.state, "virtualSubnetId": service.subnet},
        "etag": uuid.uuid4().hex,
        "kind": "Cloud",
        "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/{_NAMESPACE}/services/{service.name}",
        "location": service.location,
        "name": service.name,
        "sku": {"name": service.sku, "size": service.sku.partition("_")[2], "tier": _SKUS[service.sku]},
        "type": f"{_NAMESPACE}/services",
    }


def _task_resource(request: Request, task: Task, *, whole: bool) -> Json:
    with task.lock:
        properties: Json = {
            "taskType": task.kind,
            "input": _without_passwords(task.given),
            "state": task.state,
            "errors": list(task.errors),
            "commands": [dict(one) for one in task.commands],
        }
        if whole:
            properties["output"] = _output(task)
    return {
        "properties": properties,
        "etag": uuid.uuid4().hex,
        "id": f"{_service_id(request)}/projects/{request.names['projectName']}/tasks/{task.name}",
        "name": task.name,
        "type": f"{_NAMESPACE}/services/projects/tasks",
    }


def _output(task: Task) -> list[Json]:
    if task.kind == ONLINE:
        done = task.tables.get("done", 0)
        left = task.tables.get("all", 0) - done
        return [{"resultType": "MigrationLevelOutput", "id": "migration"}] + [
            {
                "resultType": "DatabaseLevelOutput",
                "id": f"db|{name}",
                "databaseName": name,
                "migrationState": state,
                "fullLoadCompletedTables": done,
                "fullLoadLoadingTables": min(left, 2),
                "fullLoadQueuedTables": max(left - 2, 0),
                "fullLoadErroredTables": 0,
                "initializationCompleted": state not in ("INITIALIAZING", "CONFIGURING"),
                **task.counters,
            }
            for name, state in task.databases.items()
        ]
    if task.kind == OFFLINE:
        return [{"resultType": "MigrationLevelOutput", "id": "migration", "status": _status(task)}] + [
            {
                "resultType": "DatabaseLevelOutput",
                "id": f"db|{name}",
                "databaseName": name,
                "state": state,
                "numberOfObjects": task.tables.get("all", 0),
                "numberOfObjectsCompleted": task.tables.get("done", 0),
                "errorCount": 0,
            }
            for name, state in task.databases.items()
        ]
    return list(task.outputs)


def _status(task: Task) -> str:
    words = {"Succeeded": "Completed", "Queued": "Configured", "Canceled": "Stopped"}
    return words.get(task.state, "Error" if task.state in ENDED else "Running")


def _without_passwords(given: Json) -> Json:
    """As the service gives an input back: whoever logs in is named, the password is left out."""
    return {
        name: {key: one for key, one in value.items() if key != "password"} if isinstance(value, dict) else value
        for name, value in given.items()
    }
