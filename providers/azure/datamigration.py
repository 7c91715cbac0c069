"""Azure Database Migration Service, 2021-06-30: the service, projects, tasks and their commands.

Functions that read take a client; those that change something return a `Write`, which the client begins. What tasks
are given and tell is in `tasks`.
"""

from __future__ import annotations

from dataclasses import dataclass

from providers.azure import records, tasks
from providers.azure.actions import DMS
from providers.azure.calls import Body, Goal, Write, call, nothing
from providers.azure.client import Client
from providers.azure.places import Place
from providers.azure.tasks import Order, Task
from providers.calling.answer import Answer

_STATE = "properties.provisioningState"
_DONE = "Succeeded"
_STOPPED = "Stopped"
_FAILED = ("Failed", "FailedToStart", "FailedToStop")
_SETTLED = (_DONE, _STOPPED, *_FAILED)
_OUTPUT = {"expand": "output"}


@dataclass(frozen=True)
class Service:
    """A migration service. `state` is Succeeded when it runs, Stopped also when it was paused for being idle."""

    name: str | None
    location: str | None
    state: str | None
    sku: str | None
    tier: str | None
    subnet_id: str | None

    @property
    def running(self) -> bool | None:
        """Whether it takes tasks; None: the answer does not say."""
        return None if self.state is None else self.state == _DONE


@dataclass(frozen=True)
class ServiceStatus:
    """What the service's own agent says; `status` is Online or another word, verbatim."""

    status: str | None
    agent: str | None
    machine: str | None
    task_types: tuple[str, ...] | None


@dataclass(frozen=True)
class Sku:
    """A size of a migration service; `locations`: None: the answer does not say."""

    name: str | None
    tier: str | None
    size: str | None
    locations: tuple[str, ...] | None


@dataclass(frozen=True)
class Project:
    """A project: from which platform to which."""

    name: str | None
    location: str | None
    state: str | None
    source: str | None
    target: str | None


def service(client: Client, place: Place) -> Service:
    """One service as it is now.

    Raises:
        NotFound: there is none of this name.
    """
    return _service(client.read(call(DMS, "Services_Get", f"service {place}", place.service())))


def services(client: Client, subscription_id: str, resource_group: str) -> tuple[Service, ...]:
    """The services of a resource group."""
    path = {"subscriptionId": subscription_id, "groupName": resource_group}
    listed = client.items(call(DMS, "Services_ListByResourceGroup", f"resource group {resource_group}", path))
    return tuple(map(_service, listed))


def service_status(client: Client, place: Place) -> ServiceStatus:
    """Whether the service's agent answers, and which tasks it can do."""
    answer = client.read(call(DMS, "Services_CheckStatus", f"service {place}", place.service()))
    kinds = records.texts(answer, "supportedTaskTypes")
    return ServiceStatus(answer.text("status"), answer.text("agentVersion"), answer.text("vmSize"), kinds)


def service_skus(client: Client, place: Place) -> tuple[Sku, ...]:
    """The sizes to which this service can be changed."""
    listed = client.items(call(DMS, "Services_ListSkus", f"service {place}", place.service()))
    return tuple(Sku(one.text("sku", "name"), one.text("sku", "tier"), one.text("sku", "size"), None) for one in listed)


def skus(client: Client, subscription_id: str) -> tuple[Sku, ...]:
    """The sizes of services that can be had, by region."""
    path = {"subscriptionId": subscription_id}
    listed = client.items(call(DMS, "ResourceSkus_ListSkus", f"subscription {subscription_id}", path))
    return tuple(
        Sku(one.text("name"), one.text("tier"), one.text("size"), records.texts(one, "locations")) for one in listed
    )


def project(client: Client, place: Place, name: str) -> Project:
    """One project.

    Raises:
        NotFound: there is none of this name.
    """
    return _project(client.read(call(DMS, "Projects_Get", f"project {name}", place.service(projectName=name))))


def task(client: Client, place: Place, project: str, name: str) -> Task:
    """One task with what it has told so far.

    Raises:
        NotFound: there is none of this name.
    """
    path = place.service(projectName=project, taskName=name)
    return tasks.task(client.read(call(DMS, "Tasks_Get", f"task {name}", path, options=_OUTPUT)))


def list_tasks(client: Client, place: Place, project: str) -> tuple[Task, ...]:
    """The tasks of a project, without what they have told."""
    listed = client.items(call(DMS, "Tasks_List", f"project {project}", place.service(projectName=project)))
    return tuple(map(tasks.task, listed))


def create_service(place: Place, location: str, sku: str, subnet_id: str) -> Write[Service]:
    """A service in a network from which it reaches both servers; `sku` is such as Premium_4vCores."""
    body: Body = {"location": location, "sku": {"name": sku}, "properties": {"virtualSubnetId": subnet_id}}
    return _change("Services_CreateOrUpdate", place, body, _DONE)


def start_service(place: Place) -> Write[Service]:
    """Start a service that was stopped, or paused for being idle for 24 hours."""
    return _change("Services_Start", place, None, _DONE)


def stop_service(place: Place) -> Write[Service]:
    """Stop a service. Its migrations under way stand still."""
    return _change("Services_Stop", place, None, _STOPPED)


def create_project(place: Place, name: str, location: str) -> Write[Project]:
    """A project from MySQL to Azure Database for MySQL."""
    path = place.service(projectName=name)
    content = {"sourcePlatform": "MySQL", "targetPlatform": "AzureDbForMySql"}
    request = call(
        DMS, "Projects_CreateOrUpdate", f"project {name}", path, {"location": location, "properties": content}
    )
    return Write(request, _project, Goal(DMS.name, "Projects_Get", path))


def create_task(place: Place, project: str, name: str, properties: Body) -> Write[Task]:
    """A task, which begins at once; `properties` are one of those that `tasks` makes.

    A task of this name that is there already is not begun again, whatever it was given.
    """
    path = place.service(projectName=project, taskName=name)
    request = call(DMS, "Tasks_CreateOrUpdate", f"task {name}", path, records.properties(properties))
    goal = Goal(DMS.name, "Tasks_Get", path, {"properties.taskType": str(properties["taskType"])})
    return Write(request, tasks.task, goal)


def complete_database(place: Place, project: str, name: str, database: str) -> Write[Order]:
    """Have an online task apply what is left of one database and end with it: the cutover.

    Whether it was taken shows in the database's state and in the task's orders.
    """
    path = place.service(projectName=project, taskName=name)
    body: Body = {"commandType": tasks.COMPLETE, "input": {"databaseName": database}}
    return Write(call(DMS, "Tasks_Command", f"database {database} of task {name}", path, body), tasks.order)


def cancel_task(place: Place, project: str, name: str) -> Write[Task]:
    """Give a task up."""
    path = place.service(projectName=project, taskName=name)
    goal = Goal(DMS.name, "Tasks_Get", path, state="properties.state", ready=("Canceled",), settled=tasks.ENDED)
    return Write(call(DMS, "Tasks_Cancel", f"task {name}", path), tasks.task, goal)


def delete_task(place: Place, project: str, name: str) -> Write[None]:
    """Delete a task that has ended."""
    path = place.service(projectName=project, taskName=name)
    return Write(call(DMS, "Tasks_Delete", f"task {name}", path), nothing, Goal(DMS.name, "Tasks_Get", path, gone=True))


def delete_project(place: Place, name: str) -> Write[None]:
    """Delete a project with its tasks."""
    path = place.service(projectName=name)
    goal = Goal(DMS.name, "Projects_Get", path, gone=True)
    return Write(call(DMS, "Projects_Delete", f"project {name}", path), nothing, goal)


def delete_service(place: Place) -> Write[None]:
    """Delete a service."""
    path = place.service()
    goal = Goal(DMS.name, "Services_Get", path, state=_STATE, settled=_SETTLED, gone=True)
    return Write(call(DMS, "Services_Delete", f"service {place}", path), nothing, goal)


def _change(action: str, place: Place, body: Body | None, ready: str) -> Write[Service]:
    failed = tuple(word for word in _FAILED if word != ready)
    goal = Goal(DMS.name, "Services_Get", place.service(), {}, _STATE, (ready,), _SETTLED, failed)
    return Write(call(DMS, action, f"service {place}", place.service(), body), _service, goal)


def _service(answer: Answer) -> Service:
    return Service(
        answer.text("name"),
        answer.text("location"),
        answer.text("properties", "provisioningState"),
        answer.text("sku", "name"),
        answer.text("sku", "tier"),
        answer.text("properties", "virtualSubnetId"),
    )


def _project(answer: Answer) -> Project:
    return Project(
        answer.text("name"),
        answer.text("location"),
        answer.text("properties", "provisioningState"),
        answer.text("properties", "sourcePlatform"),
        answer.text("properties", "targetPlatform"),
    )
