"""Ordering the read replica in its new shape, and waiting until it follows."""

from __future__ import annotations

from migration.aws import group, state
from migration.aws.account import of
from migration.model import Side
from migration.runbook import Estimate, Migration, Observation, StepFailed, done, not_done
from providers.aws import instances
from providers.aws.calls import Write
from providers.aws.records import Instance, Shape

_STEP = "follow"
YES = "yes"


def shape(m: Migration) -> Shape:
    """What the operator chose; what was not asked is as at the source."""
    chosen = m.story().chosen
    iops = chosen.get("iops")
    return Shape(
        node_class=chosen.get("node_class") or None,
        storage_type=chosen.get("storage_type") or None,
        iops=int(iops) if iops else None,
        multi_az=chosen.get("multi_az") == YES,
        parameter_group=group.name_of(m),
    )


def _order(m: Migration) -> Write[Instance]:
    return instances.create_replica(of(m).replica_id, of(m).instance_id, shape(m))


class Order:
    """Ordering it; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (_order(m).shown(),)

    def estimate(self, m: Migration) -> Estimate:
        """How long until RDS has taken the order."""
        return Estimate(5.0, "one call; the copying comes after it")

    def probe(self, m: Migration) -> Observation:
        """Whether the replica was ordered."""
        found = state.replica(m)
        if found is None:
            return not_done(f"there is no instance {of(m).replica_id}")
        return done(state.in_words(found))

    def apply(self, m: Migration) -> None:
        """Order it. Its name is this migration's, so that it cannot be made twice.

        Raises:
            CloudFailed: it was refused.
            CloudSilent: whether it was carried out is not known.
        """
        of(m).send(_order(m))

    def undo(self, m: Migration) -> None:
        """Nothing is deleted: what the replica is good for then is the operator's to say."""
        if (found := state.replica(m)) is not None:
            m.scribe.note(
                f"{found.instance_id} stays, and is billed until you delete it: in the console, or by `aws rds "
                f"delete-db-instance --db-instance-identifier {found.instance_id} --skip-final-snapshot`; its "
                f"parameter group {group.name_of(m)} after it.",
                "warn",
            )


class Filled:
    """Waiting until it is there and follows; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run."""
        return ("nothing is called; DescribeDBInstances is read until the replica is available and replicates",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(None, "minutes to hours, by the size of the data; RDS gives no figure")

    def probe(self, m: Migration) -> Observation:
        """Whether it follows and its address is known."""
        found = state.replica(m)
        if found is None:
            return not_done(f"there is no instance {of(m).replica_id}")
        if not follows(found):
            return not_done(state.in_words(found))
        if not m.spec_now().target.host:
            return not_done(f"{state.in_words(found)}; its address is not known yet")
        return done(state.in_words(found))

    def apply(self, m: Migration) -> None:
        """Wait, and put down where it is reached.

        Raises:
            StepFailed: it was not made, or does not replicate.
            Halted: the operator stopped waiting.
        """
        found = state.wait(m, _STEP, lambda: state.replica(m), settled)
        if not follows(found):
            raise StepFailed(
                f"{state.in_words(found)}: see its events and error log in the console; cure it there (or delete it "
                "and begin again), then try again."
            )
        assert found.instance_id is not None
        assert found.host is not None
        m.scribe.placed(Side.TARGET, found.instance_id, found.host, found.port or 3306)


def follows(found: Instance) -> bool:
    """Whether a replica is there and RDS says that it replicates."""
    told = found.replication
    return state.works(found) and found.host is not None and told is not None and bool(told.normal)


def settled(found: Instance) -> bool:
    """It follows, or is there and does not."""
    told = found.replication
    return follows(found) or (state.works(found) and told is not None and told.status in ("error", "terminated"))


ORDER, FILLED = Order(), Filled()
