"""What is changed, by one order, and what takes it back.

RDS carries a change of a Multi-AZ instance out on the standby first and then fails over to it (RDS User Guide,
"Multi-AZ DB instance deployments"). Where nothing but a failover is wanted, a restart with failover is ordered.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from migration.aws import state
from migration.aws.account import of
from migration.journal import Kind
from migration.model import Direction
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.aws import instances
from providers.aws.calls import Write
from providers.aws.instances import When
from providers.aws.records import Instance, Shape

STEP = "as_it_was"
_NOTHING = Shape()


@dataclass(frozen=True)
class Before:
    """What the instance was before anything was changed."""

    node_class: str | None
    storage_type: str | None
    iops: int | None
    multi_az: bool | None


def before(m: Migration) -> Before | None:
    """What was put down; None while nothing was."""
    said = [
        str(record.body["sql"])
        for record in m.scribe.journal.records()
        if record.kind is Kind.STATEMENT and record.body["step"] == STEP
    ]
    return Before(**json.loads(said[0])) if said else None


def require_before(m: Migration) -> Before:
    """What was put down.

    Raises:
        StepFailed: nothing was.
    """
    found = before(m)
    if found is None:
        raise StepFailed(f"What {m.source.name} was before the change was not put down; begin again.")
    return found


class AsItWas:
    """Putting down what the instance is before anything is changed; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run."""
        return ("nothing is called but DescribeDBInstances; what it says goes into the journal",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(1.0, "one call that changes nothing")

    def probe(self, m: Migration) -> Observation:
        """Whether it was put down."""
        found = before(m)
        return not_done("not put down yet") if found is None else done(f"it was {_in_words(found)}")

    def apply(self, m: Migration) -> None:
        """Put it down.

        Raises:
            CloudFailed: RDS cannot be asked.
        """
        found = state.source(m)
        seen = Before(found.node_class, found.storage_type, found.iops, found.multi_az)
        m.scribe.statement(m.source.name, STEP, json.dumps(asdict(seen)), 0)


def _in_words(was: Before) -> str:
    iops = f" with {was.iops} IOPS" if was.iops else ""
    standby = "with a standby" if was.multi_az else "without a standby"
    return f"{was.node_class}, {was.storage_type}{iops}, {standby}"


def wanted(m: Migration) -> Shape:
    """What the operator chose, as far as it is not so already."""
    was, chosen = require_before(m), m.story().chosen
    node_class, storage = chosen.get("node_class"), chosen.get("storage_type")
    iops = int(chosen["iops"]) if chosen.get("iops") else None
    other_storage = bool(storage) and storage != was.storage_type
    return Shape(
        node_class=node_class if node_class and node_class != was.node_class else None,
        storage_type=storage if other_storage else None,
        iops=iops if iops is not None and (other_storage or iops != was.iops) else None,
    )


def shape_for(m: Migration, direction: Direction) -> Shape:
    """What an order in this direction asks for. The way back leaves the storage: RDS changes it once in six hours."""
    shape = wanted(m)
    if direction is Direction.CUTOVER:
        return shape
    return Shape(node_class=require_before(m).node_class if shape.node_class else None)


def only_fails_over(m: Migration) -> bool:
    """Whether a restart with failover is all that is wanted."""
    return wanted(m) == _NOTHING


def outage(m: Migration) -> bool:
    """Whether there is a failover in it: storage is changed while the instance works."""
    return only_fails_over(m) or wanted(m).node_class is not None


def no_way_back(m: Migration) -> str:
    """Why there is no way back; empty where there is one."""
    if outage(m):
        return ""
    return "only storage was changed, which RDS does once in six hours: change it back in the console afterwards"


def order(m: Migration, direction: Direction) -> Write[Instance]:
    """The one call."""
    name = of(m).instance_id
    if only_fails_over(m):
        return instances.fail_over(name)
    return instances.modify(name, shape_for(m, direction), When.NOW)


def has(found: Instance, shape: Shape) -> bool:
    """Whether an instance is what was ordered, and nothing of it is outstanding."""
    return found.is_being(shape) and not found.pending


def in_words(m: Migration, direction: Direction) -> str:
    """What the order is for."""
    if only_fails_over(m):
        return "a failover, and nothing else"
    return ", ".join(f"{name} {value}" for name, value in shape_for(m, direction).parameters().items() if value)


AS_IT_WAS = AsItWas()
