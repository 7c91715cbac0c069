"""DTS 2020-01-01: the account's own tasks, and the one that a logical migration brings with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

from providers.sandbox.aliyun_api.cloud import Cloud
from providers.sandbox.aliyun_api.gateway import Action, Product
from providers.sandbox.aliyun_api.inspection import Item
from providers.sandbox.aliyun_api.machine import Migration, Status, Work
from providers.sandbox.aliyun_api.paging import page
from providers.sandbox.aliyun_api.refusals import bad_parameter
from providers.sandbox.aliyun_api.stamps import stamp
from providers.sandbox.aliyun_api.state import Body, Parameters, Task, own_task_id
from providers.sandbox.api.refusals import Refused

_PAGES = ("10", "20", "30")
_DONE: Body = {"Success": True, "HttpStatusCode": 200}
_STATUS = {
    Status.CHECK_FAILED: "PrecheckFailed",
    Status.SYNCING: "synchronizing",
    Status.REVERSED: "synchronizing",
}
_LIMITS = ("dts.datamove.blaster.qps.max", "dts.datamove.source.rps.max", "dts.datamove.source.bps.max")


def product(cloud: Cloud) -> Product:
    """All actions."""
    dts = _Dts(cloud)
    actions = {
        "DescribeDtsJobs": Action((), dts.jobs),
        "DescribeDtsJobDetail": Action((), dts.detail),
        "DescribePreCheckStatus": Action(("DtsJobId", "JobCode"), dts.precheck),
        "SkipPreCheck": Action(("DtsJobId", "Skip"), dts.skip),
        "ModifyDynamicConfig": Action(("DtsJobId", "JobCode"), dts.limit),
        "ModifyDtsJob": Action(("DtsInstanceId",), dts.objects),
        "ModifyDtsJobEndpoint": Action(("Endpoint", "EndpointInstanceType"), dts.endpoint),
        "DescribeDtsServiceLog": Action((), dts.service_log),
    }
    return Product("dts", "2020-01-01", "dts.aliyuncs.com", actions)


def trouble(task: Task, now: float) -> str:
    """The code with which an endpoint of the task cannot be changed now, empty where it can."""
    status = task.status_at(now)
    if status == "Modifying":
        return "DTS.Msg.OperationDenied.JobStatusModifying"
    return "" if status.lower() in ("synchronizing", "migrating") else "DTS.Msg.ModifyDenied.JobStatusNotRunning"


def lead_end(cloud: Cloud, task: Task, end: Literal["src", "dest"], instance_id: str) -> None:
    """Let a task read from or write to another instance."""
    with cloud.lock:
        ends = {**task.ends, end: (instance_id, "polardb" if instance_id.startswith("pc-") else "rds")}
        cloud.put(replace(task, ends=ends, busy_until=cloud.clock.now() + cloud.scenario.durations.task))


class _Dts:
    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def jobs(self, given: Parameters) -> Body:
        if given.get("PageSize", "30") not in _PAGES:
            raise bad_parameter("PageSize")
        found = [self._listed(one) for one in list(self._cloud.tasks.values()) if self._wanted(one, given)]
        listed, where = page(found, given)
        return {**_DONE, "DtsJobList": listed, **where}

    def detail(self, given: Parameters) -> Body:
        task = self._task(given.get("DtsJobId"), given.get("DtsInstanceID"))
        source, destination = self._ends(task)
        progress = self._progress(task)
        common = {
            "DtsInstanceID": task.instance_id,
            "DtsJobId": task.id,
            "DtsJobName": task.name,
            "Status": progress["Status"],
            "Delay": self._delay_ms(task),
            "Checkpoint": int(self._cloud.clock.now()),
            "ErrorMessage": progress["ErrorMessage"],
            "CreateTime": stamp(task.created_at),
            "DbObject": task.objects,
            "SourceEndpoint": source,
            "DestinationEndpoint": destination,
        }
        steps = {key: value for key, value in progress.items() if key not in ("Status", "ErrorMessage")}
        sub = {**common, **steps, "Checkpoint": str(common["Checkpoint"])}
        synchronizing = {"DataSynchronizationStatus": progress["DataSynchronizationStatus"]}
        return {**_DONE, **common, **synchronizing, "JobType": task.kind, "SubSyncJob": [sub]}

    def precheck(self, given: Parameters) -> Body:
        task = self._task(given["DtsJobId"], None)
        if given["JobCode"] not in ("01", "02", "03", "04"):
            raise bad_parameter("JobCode")
        listed: list[Body] = [
            {
                "Item": item.name,
                "Names": ",".join(item.found),
                "State": "Success" if item.passed or item.name in task.skipped else "Failed",
                "ErrMsg": "" if item.passed else item.reason,
                "ErrDetail": "" if item.passed else ", ".join(item.found),
                "RepairMethod": "" if item.passed else item.repair,
                "CanSkip": item.can_skip,
                "Skip": item.name in task.skipped,
                "IgnoreFlag": "Y" if item.name in task.skipped else "N",
                "Logs": [],
            }
            for item in self._looked_at(task)
        ]
        failed = sum(one["State"] == "Failed" for one in listed)
        shown, where = page(listed, given, "PageNo")
        return {
            **_DONE,
            "State": "Failed" if failed else "Success",
            "JobId": task.id,
            "JobName": task.name,
            "JobProgress": shown,
            "ErrorItem": failed,
            "Total": len(listed),
            **where,
        }

    def skip(self, given: Parameters) -> Body:
        task = self._task(given["DtsJobId"], None)
        named = tuple(one for one in given.get("SkipPreCheckItems", "").split(",") if one)
        self._cloud.put(replace(task, skipped=named if given["Skip"].lower() == "true" else ()))
        return {**_DONE, "SkipItems": ",".join(named), "MigrationJobId": task.id}

    def limit(self, given: Parameters) -> Body:
        task = self._task(given["DtsJobId"], None)
        if given["JobCode"] not in ("03", "04", "07"):
            raise bad_parameter("JobCode")
        wanted = _object("ConfigList", given.get("ConfigList", "{}"))
        if not set(wanted) <= set(_LIMITS):
            raise bad_parameter("ConfigList")
        with self._cloud.lock:
            kept = {**task.limits, **{name: str(value) for name, value in wanted.items()}}
            self._cloud.put(replace(task, limits=kept))
        return dict(_DONE)

    def objects(self, given: Parameters) -> Body:
        task = self._task(given.get("DtsJobId"), given["DtsInstanceId"])
        if "DbList" not in given:
            raise bad_parameter("DbList")
        _object("DbList", given["DbList"])
        self._cloud.put(replace(task, objects=given["DbList"]))
        return {"Success": True, "DtsJobId": task.id, "Status": task.status_at(self._cloud.clock.now())}

    def endpoint(self, given: Parameters) -> Body:
        end, instance_id = given["Endpoint"], given.get("EndpointInstanceId", "")
        if end not in ("src", "dest"):
            raise bad_parameter("Endpoint")
        if given["EndpointInstanceType"] not in ("rds", "polardb"):
            raise bad_parameter("EndpointInstanceType")
        task = self._task(given.get("DtsJobId"), given.get("DtsInstanceId"))
        if instance_id not in self._cloud.instances and instance_id not in self._cloud.clusters:
            return _failed("Forbidden.InstanceNotFound", "The specified instance is not found.")
        if self._own(task) is not None:
            return _failed("DTS.Msg.ModifyDenied.JobStatusNotRunning", "The task belongs to a migration.")
        code = trouble(task, self._cloud.clock.now())
        if code:
            return _failed(code, "The status of the task does not allow this.")
        if given.get("DryRun", "false").lower() != "true":
            lead_end(self._cloud, task, "src" if end == "src" else "dest", instance_id)
        return {"Success": True, "HttpStatusCode": "200"}

    def service_log(self, given: Parameters) -> Body:
        task = self._task(given.get("DtsJobId"), None)
        lines: list[Body] = [{"Time": stamp(task.created_at), "State": "NORMAL", "Context": f"{task.name} was created"}]
        progress = self._progress(task)
        if progress["ErrorMessage"]:
            now = stamp(self._cloud.clock.now())
            lines.append({"Time": now, "State": "ERROR", "Context": str(progress["ErrorMessage"])})
        word = given.get("Keyword", "")
        found, where = page([line for line in lines if word in line["Context"]], given)
        return {**_DONE, "ServiceLogContexts": found, **where}

    def _task(self, job_id: str | None, instance_id: str | None) -> Task:
        for task in list(self._cloud.tasks.values()):
            if task.id == job_id or (job_id is None and task.instance_id == instance_id):
                return task
        raise Refused(404, "InvalidJobId", "The specified DTS job does not exist.")

    def _own(self, task: Task) -> Migration | None:
        """The migration whose own task it is."""
        migration = self._cloud.migration_of_source()
        return migration if migration is not None and own_task_id(migration.cluster_id) == task.id else None

    def _wanted(self, task: Task, given: Parameters) -> bool:
        instance = given.get("Params")
        # By an instance, tasks are found as its source (srcRds) or as its destination (rds).
        sides = {"srcRds": ("src",), "rds": ("dest",)}.get(given.get("Type", ""), ("src", "dest"))
        ends = [task.ends[side][0] for side in sides]
        return (
            task.kind == given.get("JobType", "MIGRATION")
            and (instance is None or instance in ends)
            and given.get("DtsInstanceId", task.instance_id) == task.instance_id
            and given.get("DtsJobId", task.id) == task.id
        )

    def _ends(self, task: Task) -> tuple[Body, Body]:
        region = self._cloud.scenario.region

        def end(name: str) -> Body:
            instance_id, kind = task.ends[name]
            polardb = kind == "polardb"
            return {
                "InstanceID": instance_id, "InstanceType": "PolarDB" if polardb else "RDS", "Region": region,
                "EngineName": "PolarDB" if polardb else "MySQL", "SslSolutionEnum": "DISABLE",
            }  # fmt: skip

        return end("src"), end("dest")

    def _progress(self, task: Task) -> Body:
        """Status, error, and the task's steps."""
        migration, percent = self._own(task), 100
        if migration is None:
            status, checked, copied, error = task.status_at(self._cloud.clock.now()), "Success", "Finished", ""
        else:
            status = _STATUS.get(migration.status, "Prechecking" if migration.work is Work.CHECK else "Initializing")
            checked = {"PrecheckFailed": "Failed", "Prechecking": "Checking"}.get(status, "Success")
            percent = self._copied(migration)
            copied = {100: "Finished", 0: "NotStarted"}.get(percent, "Migrating")
            error = migration.comment
        ready = "Finished" if percent else "NotStarted"
        step = {"Status": copied, "Percent": str(percent), "Progress": "", "ErrorMessage": ""}
        return {
            "Status": status,
            "ErrorMessage": error,
            "PrecheckStatus": {"Status": checked, "Percent": "100", "Detail": self._check_details(task)},
            "StructureInitializationStatus": {**step, "Status": ready, "Percent": "100" if percent else "0"},
            "DataInitializationStatus": step,
            "DataSynchronizationStatus": {**step, "Status": status, "Percent": "0", "ErrorMessage": error},
            "Performance": {"Rps": "0", "Flow": "0"},
        }

    def _copied(self, migration: Migration) -> int:
        """How much of the full copy is done, in hundredths: by the time it takes, and never all before it is."""
        if migration.status in (Status.SYNCING, Status.REVERSED):
            return 100
        if migration.work is not Work.COPY:
            return 0
        left = (migration.earliest - self._cloud.clock.now()) / max(self._cloud.scenario.durations.clone, 0.001)
        return min(99, max(1, int(100 * (1 - left))))

    def _check_details(self, task: Task) -> list[Body]:
        return [
            {
                "CheckItem": item.name,
                "CheckItemDescription": item.description,
                "CheckResult": "Success" if item.passed else "Failed",
                "FailedReason": "" if item.passed else item.reason,
                "RepairMethod": "" if item.passed else item.repair,
            }
            for item in self._looked_at(task)
        ]

    def _looked_at(self, task: Task) -> Sequence[Item]:
        """What the precheck of a migration's own task looks at; nothing is known of the others."""
        return () if self._own(task) is None else [item for item in self._cloud.inspected() if item.blocks]

    def _delay_ms(self, task: Task) -> int:
        migration = self._own(task)
        return 0 if migration is None else max(0, self._cloud.lag_s(migration)) * 1000

    def _listed(self, task: Task) -> Body:
        source, destination = self._ends(task)
        delay = self._delay_ms(task)
        reverse = {
            "DtsInstanceID": task.instance_id,
            "DtsJobId": f"{task.id}r",
            "DtsJobName": task.name,
            "DtsJobDirection": "Reverse",
            "Status": task.status_at(self._cloud.clock.now()),
            "SourceEndpoint": destination,
            "DestinationEndpoint": source,
        }
        return {
            **({"ReverseJob": reverse} if task.two_way else {}),
            "DtsInstanceID": task.instance_id,
            "DtsJobId": task.id,
            "DtsJobName": task.name,
            "JobType": task.kind,
            "CreateTime": stamp(task.created_at),
            "DtsJobDirection": "Forward",
            # In this list, synchronisation tasks have it in seconds.
            "Delay": delay // 1000 if task.kind == "SYNC" else delay,
            "Checkpoint": str(int(self._cloud.clock.now())),
            "SourceEndpoint": source,
            "DestinationEndpoint": destination,
            **self._progress(task),
        }


def _failed(code: str, message: str) -> Body:
    """DTS's own way of refusing, inside HTTP 200."""
    return {"Success": False, "ErrCode": code, "ErrMessage": message, "HttpStatusCode": "400"}


def _object(name: str, text: str) -> Mapping[str, object]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise bad_parameter(name) from error
    if not isinstance(found, dict):
        raise bad_parameter(name)
    return found
