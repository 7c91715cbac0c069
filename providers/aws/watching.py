"""What AWS says of how it goes: events, pending maintenance, and the replica's lag as a second opinion."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from providers.aws.actions import CLOUDWATCH, RDS
from providers.aws.answer import Answer
from providers.aws.calls import call
from providers.aws.client import Client
from providers.aws.errors import Failure, no_answer

INSTANCE = "db-instance"
DEPLOYMENT = "blue-green-deployment"
_PERIOD_S = 60
_BACK = timedelta(minutes=5)
_LAG = "lag"


@dataclass(frozen=True)
class Event:
    """Something that happened, in AWS's words."""

    about: str | None
    kind: str | None
    message: str | None
    categories: tuple[str, ...] | None
    at: datetime | None


@dataclass(frozen=True)
class Maintenance:
    """Something that AWS wants to do to an instance.

    Attributes:
        arn: the instance's.
        opt_in: immediate, next-maintenance or undo-opt-in: what was decided.
        applied_after: from when on it is done in the maintenance window.
        forced_at: when it is done whatever is decided.
        due: when it will be done, as things are now.
    """

    arn: str | None
    action: str | None
    description: str | None
    opt_in: str | None
    applied_after: datetime | None
    forced_at: datetime | None
    due: datetime | None


@dataclass(frozen=True)
class Lag:
    """The newest ReplicaLag that CloudWatch has, one a minute.

    Attributes:
        seconds: None where there is none, or where it is -1, with which RDS says that it does not replicate or that it
            does not know.
        at: the minute; None where there is none.
    """

    seconds: float | None
    at: datetime | None


def events(client: Client, kind: str, about: str | None, since: datetime) -> tuple[Event, ...]:
    """What happened to an instance (by name) or a deployment (by id), oldest first; AWS keeps 14 days.

    `kind` is `INSTANCE` or `DEPLOYMENT`; without `about`, to every one of the region.
    """
    given: dict[str, object] = {"SourceIdentifier": about, "SourceType": kind, "StartTime": since}
    request = call(RDS, "DescribeEvents", f"events of {about or kind}", given)
    return tuple(_event(item) for item in client.pages(request, "Events"))


def pending_maintenance(client: Client, instance_id: str) -> tuple[Maintenance, ...]:
    """What AWS wants to do to an instance."""
    given: dict[str, object] = {"Filters": [{"Name": "db-instance-id", "Values": [instance_id]}]}
    request = call(RDS, "DescribePendingMaintenanceActions", f"instance {instance_id}", given)
    found = []
    for item in client.pages(request, "PendingMaintenanceActions"):
        details = item.parts("PendingMaintenanceActionDetails")
        if details is None:
            raise no_answer(request, Failure("The answer has no details"), 1)
        found += [_maintenance(item.text("ResourceIdentifier"), detail) for detail in details]
    return tuple(found)


def replica_lag(client: Client, instance_id: str, now: datetime | None = None) -> Lag:
    """How far a replica is behind, as CloudWatch saw it last."""
    until = now or datetime.now(UTC)
    metric = {
        "Namespace": "AWS/RDS",
        "MetricName": "ReplicaLag",
        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": instance_id}],
    }
    given: dict[str, object] = {
        "MetricDataQueries": [{"Id": _LAG, "MetricStat": {"Metric": metric, "Period": _PERIOD_S, "Stat": "Maximum"}}],
        "StartTime": until - _BACK,
        "EndTime": until,
        "ScanBy": "TimestampDescending",
    }
    request = call(CLOUDWATCH, "GetMetricData", f"instance {instance_id}", given)
    results = client.read(request).parts("MetricDataResults")
    found = next((result for result in results or () if result.text("Id") == _LAG), None)
    times = found.times("Timestamps") if found else None
    values = found.numbers("Values") if found else None
    if times is None or values is None or len(times) != len(values):
        raise no_answer(request, Failure("The answer has no values"), 1)
    if not times:
        return Lag(None, None)
    at, seconds = max(zip(times, values, strict=True))
    return Lag(seconds if seconds >= 0 else None, at)


def _event(answer: Answer) -> Event:
    return Event(
        about=answer.text("SourceIdentifier"),
        kind=answer.text("SourceType"),
        message=answer.text("Message"),
        categories=answer.texts("EventCategories"),
        at=answer.time("Date"),
    )


def _maintenance(arn: str | None, answer: Answer) -> Maintenance:
    return Maintenance(
        arn=arn,
        action=answer.text("Action"),
        description=answer.text("Description"),
        opt_in=answer.text("OptInStatus"),
        applied_after=answer.time("AutoAppliedAfterDate"),
        forced_at=answer.time("ForcedApplyDate"),
        due=answer.time("CurrentApplyDate"),
    )
