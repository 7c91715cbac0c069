"""DTS: the task that carries a logical migration, and the business's own tasks that have to follow the switch.

Functions that read take a client; those that change something return a `Write`, which the client sends.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from providers.aliyun.actions import DTS
from providers.aliyun.calls import Value, Write, call, nothing
from providers.aliyun.client import Client, Paging
from providers.calling.answer import Answer
from providers.mysql.endpoint import Account

JOB_TYPES = ("MIGRATION", "SYNC", "SUBSCRIBE")
# The published ways to ask by an RDS instance: as the source of a task, and as its destination.
_BY_INSTANCE = ("srcRds", "rds")
_JOBS = Paging(30)
_STEPS = Paging(100, number_name="PageNo")
_LOG = Paging(100)
UNLIMITED = -1


class End(StrEnum):
    """Which end of a task is moved, in the words of this product."""

    SOURCE = "src"
    DESTINATION = "dest"


class Phase(StrEnum):
    """A part of a task, by the code that the provider has for it."""

    PRECHECK = "01"
    SCHEMA = "02"
    FULL = "03"
    INCREMENTAL = "04"
    SYNC = "07"


@dataclass(frozen=True)
class JobEnd:
    """Where a task reads or writes. `kind` is RDS, PolarDB or another word, verbatim."""

    instance_id: str | None
    kind: str | None
    engine: str | None
    region_id: str | None


@dataclass(frozen=True)
class Stage:
    """How far a part of a task is. `percent` is verbatim."""

    status: str | None
    percent: str | None
    progress: str | None
    error: str | None


@dataclass(frozen=True)
class CheckItem:
    """One line of a precheck; `result` is Success, Failed or another word, verbatim."""

    item: str | None
    description: str | None
    result: str | None
    reason: str | None
    remedy: str | None


@dataclass(frozen=True)
class Job:
    """A task, or one direction of it. Words of the provider are verbatim.

    Attributes:
        status: compare without regard to case.
        delay: in seconds for a synchronization in a list, else in milliseconds; None where unknown.
        objects: what is carried, as the task's JSON has it; None also where it cannot be read.
        precheck: None where the answer has none.
        reverse: the other direction of a two-way task; None: the answer has none.
        parts: the sub-tasks, where the answer lists them.
    """

    job_id: str | None
    instance_id: str | None
    name: str | None
    kind: str | None
    status: str | None
    direction: str | None
    delay: int | None
    error: str | None
    source: JobEnd | None
    destination: JobEnd | None
    objects: Mapping[str, object] | None
    precheck: tuple[CheckItem, ...] | None
    schema: Stage | None
    full: Stage | None
    incremental: Stage | None
    reverse: Job | None
    parts: tuple[Job, ...] | None


@dataclass(frozen=True)
class Step:
    """One line of the progress of a phase; `state` is verbatim."""

    item: str | None
    names: str | None
    state: str | None
    message: str | None
    detail: str | None
    remedy: str | None


@dataclass(frozen=True)
class Progress:
    """How far a phase is. `errors` counts the steps that failed."""

    state: str | None
    errors: int | None
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class LogLine:
    """A line of a task's log."""

    time: str | None
    state: str | None
    text: str | None


@dataclass(frozen=True)
class Rate:
    """Limits for the copying of data; `UNLIMITED` takes one off.

    Attributes:
        queries: queries a second on the source.
        rows: rows a second.
        bytes: bytes a second.
    """

    queries: int = UNLIMITED
    rows: int = UNLIMITED
    bytes: int = UNLIMITED


@dataclass(frozen=True)
class Move:
    """An end of a task that is to be on another instance.

    Attributes:
        kind: rds or polardb.
        login: the account to use there, if it changes, too.
    """

    job_id: str
    end: End
    kind: str
    instance_id: str
    login: Account | None = None


def jobs(client: Client, instance_id: str) -> tuple[Job, ...]:
    """Every task that reads from an RDS instance or writes to it, each once. Those of a migration are among them."""
    found: dict[object, Job] = {}
    for kind in JOB_TYPES:
        for way in _BY_INSTANCE:
            parameters: dict[str, Value] = {
                "Region": client.region,
                "JobType": kind,
                "Type": way,
                "Params": instance_id,
                "WithoutDbList": True,
            }
            for item in client.pages(call(DTS, "DescribeDtsJobs", instance_id, parameters), _JOBS, "DtsJobList"):
                job = _job(item)
                # What has no id cannot be recognized as the same: it is listed as often as it is named.
                found[job.job_id or len(found)] = job
    return tuple(found.values())


def job(client: Client, job_id: str) -> Job:
    """One task in full."""
    return _job(client.read(call(DTS, "DescribeDtsJobDetail", job_id, {"DtsJobId": job_id})))


def job_of_instance(client: Client, dts_instance_id: str) -> Job:
    """The task of a DTS instance, such as the one that a migration names."""
    return _job(client.read(call(DTS, "DescribeDtsJobDetail", dts_instance_id, {"DtsInstanceID": dts_instance_id})))


def progress(client: Client, job_id: str, phase: Phase) -> Progress:
    """How far a phase is, step by step; for the precheck: what failed and what to do."""
    parameters: dict[str, Value] = {"DtsJobId": job_id, "JobCode": phase.value}
    if phase is Phase.SCHEMA:
        parameters["StructType"] = "before"
    request = call(DTS, "DescribePreCheckStatus", job_id, parameters)
    answers = client.answers(request, _STEPS, "JobProgress")
    steps = tuple(
        Step(*(item.text(name) for name in ("Item", "Names", "State", "ErrMsg", "ErrDetail", "RepairMethod")))
        for answer in answers
        for item in answer.parts("JobProgress") or ()
    )
    return Progress(answers[0].text("State"), answers[0].number("ErrorItem"), steps)


def service_log(client: Client, job_id: str, since: datetime, until: datetime) -> tuple[LogLine, ...]:
    """A task's log of a span of time."""
    parameters: dict[str, Value] = {
        "DtsJobId": job_id,
        "StartTime": int(since.timestamp() * 1000),
        "EndTime": int(until.timestamp() * 1000),
    }
    request = call(DTS, "DescribeDtsServiceLog", job_id, parameters)
    return tuple(
        LogLine(item.text("Time"), item.text("State"), item.text("Context"))
        for item in client.pages(request, _LOG, "ServiceLogContexts")
    )


def limit_rate(job_id: str, phase: Phase, rate: Rate) -> Write[None]:
    """Limit how fast a task copies: `Phase.FULL`, or `INCREMENTAL` of a migration or `SYNC` of a synchronization."""
    limits = {
        "dts.datamove.blaster.qps.max": rate.queries,
        "dts.datamove.source.rps.max": rate.rows,
        "dts.datamove.source.bps.max": rate.bytes,
    }
    parameters: dict[str, Value] = {
        "DtsJobId": job_id,
        "JobCode": phase.value,
        "ConfigList": _json(limits),
        "EnableLimit": (rate != Rate()) if phase is Phase.FULL else None,
    }
    return Write(call(DTS, "ModifyDynamicConfig", job_id, parameters), nothing)


def replace_objects(
    dts_instance_id: str, job_id: str, objects: Mapping[str, object], direction: str | None = None
) -> Write[None]:
    """Replace what a synchronization carries by `objects`: what is not in it is carried no longer.

    They are of the form of `Job.objects`. `direction` is Forward or Reverse; a two-way task needs both.
    """
    parameters: dict[str, Value] = {
        "DtsInstanceId": dts_instance_id,
        "DtsJobId": job_id,
        "DbList": _json(objects),
        "SynchronizationDirection": direction,
    }
    return Write(call(DTS, "ModifyDtsJob", job_id, parameters), nothing)


def move_endpoint(move: Move) -> Write[None]:
    """Move an end of a task to another instance. The task goes back by ten seconds."""
    return _move(move, {})


def try_moving_endpoint(move: Move) -> Write[None]:
    """Have the provider test a move without making it."""
    return _move(move, {"DryRun": True})


def _move(move: Move, more: Mapping[str, Value]) -> Write[None]:
    parameters: dict[str, Value] = {
        "DtsJobId": move.job_id,
        "Endpoint": move.end.value,
        "EndpointInstanceType": move.kind,
        "EndpointInstanceId": move.instance_id,
    }
    if move.login:
        parameters |= {"ModifyAccount": True, "Username": move.login.user, "Password": move.login.password}
    return Write(call(DTS, "ModifyDtsJobEndpoint", move.job_id, {**parameters, **more}), nothing)


def _job(item: Answer) -> Job:
    reverse = item.part("ReverseJob")
    parts = item.parts("SubSyncJob")
    delay = item.number("Delay")
    return Job(
        job_id=item.text("DtsJobId"),
        instance_id=item.text("DtsInstanceID"),
        name=item.text("DtsJobName"),
        kind=item.text("JobType"),
        status=item.text("Status"),
        direction=item.text("DtsJobDirection") or item.text("SynchronizationDirection"),
        delay=None if delay is None or delay < 0 else delay,
        error=item.text("ErrorMessage"),
        source=_end(item.part("SourceEndpoint")),
        destination=_end(item.part("DestinationEndpoint")),
        objects=_objects(item.text("DbObject")),
        precheck=_checks(item.parts("PrecheckStatus", "Detail")),
        schema=_stage(item.part("StructureInitializationStatus")),
        full=_stage(item.part("DataInitializationStatus")),
        incremental=_stage(item.part("DataSynchronizationStatus")),
        reverse=_job(reverse) if reverse and reverse.content else None,
        parts=None if parts is None else tuple(_job(part) for part in parts),
    )


def _end(item: Answer | None) -> JobEnd | None:
    if item is None:
        return None
    return JobEnd(*(item.text(name) for name in ("InstanceID", "InstanceType", "EngineName", "Region")))


def _stage(item: Answer | None) -> Stage | None:
    if item is None:
        return None
    return Stage(*(item.text(name) for name in ("Status", "Percent", "Progress", "ErrorMessage")))


def _checks(items: tuple[Answer, ...] | None) -> tuple[CheckItem, ...] | None:
    if items is None:
        return None
    names = ("CheckItem", "CheckItemDescription", "CheckResult", "FailedReason", "RepairMethod")
    return tuple(CheckItem(*(item.text(name) for name in names)) for item in items)


def _objects(text: str | None) -> Mapping[str, object] | None:
    try:
        content = json.loads(text or "")
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _json(content: Mapping[str, object]) -> str:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False)
