"""Making the second primary: a replica that is stopped at a known place, its snapshot, an instance of that.

Without SUPER nobody can dump a running instance together with its place in the binary log. A replica that is stopped
tells the place of its source, and its snapshot is as of that place.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from migration.aws import group, state
from migration.aws.account import of
from migration.aws.active_active import names
from migration.model import Outcome, Side
from migration.notes import last
from migration.runbook import (
    CloudAbsent,
    CloudFailed,
    Estimate,
    Halted,
    Migration,
    Observation,
    StepFailed,
    done,
    not_done,
)
from migration.steps import follow_again
from providers.aws import instances, snapshots
from providers.aws.calls import Write
from providers.aws.instances import When
from providers.aws.records import Instance, Shape
from providers.aws.snapshots import Place, Snapshot
from providers.mysql.errors import Unreachable
from providers.mysql.server import Server

_STOPPED = "stopped_at"
_AVAILABLE, _FAILED = "available", "failed"
_SHOWN_S = 1.0
_LEAST_DAYS = 1


def _find(m: Migration, instance_id: str) -> Instance | None:
    return of(m).read(lambda client: instances.find(client, instance_id))


class Replica:
    """Ordering R1; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (self._order(m).shown(),)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(5.0, "one call; the copying comes after it")

    def probe(self, m: Migration) -> Observation:
        """Whether it was ordered."""
        found = _find(m, names.replica_id(m))
        return not_done(f"there is no instance {names.replica_id(m)}") if found is None else done(state.in_words(found))

    def apply(self, m: Migration) -> None:
        """Order it. Its name is this migration's, so that it cannot be made twice.

        Raises:
            CloudFailed, CloudSilent: as `Account.send`.
        """
        of(m).send(self._order(m))

    def undo(self, m: Migration) -> None:
        """Nothing is deleted; what stays is named."""
        _say_left(m)

    def _order(self, m: Migration) -> Write[Instance]:
        shape = Shape(parameter_group=group.name_of(m))
        return instances.create_replica(names.replica_id(m), of(m).instance_id, shape)


@contextlib.contextmanager
def _replica(m: Migration, found: Instance) -> Iterator[Server]:
    """R1 as its server is reached; the caller has seen that it works.

    Raises:
        StepFailed: it cannot be reached.
        ServerError: it does not let us in.
    """
    assert found.instance_id is not None
    assert found.host is not None
    spec = replace(m.spec.target, name=found.instance_id, host=found.host, port=found.port or 3306)
    try:
        server = Server(spec.endpoint(m.secrets.target))
    except Unreachable as error:
        raise StepFailed(f"{error} See that it can be reached from here, then try again.") from error
    with contextlib.closing(server):
        yield server


class Stopped:
    """Stopping R1 where it is, and putting down where that is; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run."""
        return (f"{names.replica_id(m)}: {m.source.dialect.stop_replica}; note what it has executed",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(None, "minutes to hours, by the size of the data, until the replica is there")

    def probe(self, m: Migration) -> Observation:
        """Whether it is stopped, at a place that is known."""
        found = _find(m, names.replica_id(m))
        if found is None:
            return not_done(f"there is no instance {names.replica_id(m)}")
        place, told = last(m, found.instance_id or "", _STOPPED), found.replication
        if not place or not state.works(found) or told is None or told.normal:
            return not_done(state.in_words(found))
        with _replica(m, found) as server:
            status = server.replica_status()
        if status is None or status.applier == "Yes" or str(status.executed) != place:
            return not_done(f"{found.instance_id} was stopped at {place} of {m.source.name}, and is not there any more")
        return done(f"{found.instance_id} is stopped at {place} of {m.source.name}")

    def apply(self, m: Migration) -> None:
        """Wait until it is there, stop it and note the place. One that somebody deleted is ordered again.

        Raises:
            StepFailed: it was not made, or does not tell the place.
            CloudFailed, CloudSilent: as `Account.send`.
            ServerError: it does not let itself be stopped.
            Halted: the operator stopped waiting.
        """
        replica = names.replica_id(m)
        if _find(m, replica) is None:
            m.scribe.note(f"there is no {replica} any more: it is made again", "warn")
            REPLICA.apply(m)
        found = state.wait(m, "stopped", lambda: _find(m, replica), lambda one: state.works(one) and bool(one.host))
        with _replica(m, found) as server:
            follow_again.note_place(replace(m, other=server), names.second_id(m))
            status = server.replica_status()
            if status is None or status.applier_error:
                trouble = "it is no replica" if status is None else status.applier_error
                raise StepFailed(f"{replica} lacks what {m.source.name} had ({trouble}); delete it, then try again.")
            m.scribe.statement(replica, _STOPPED, str(status.executed), 0)


class Taken:
    """Taking SNAP1; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (self._order(m).shown(),)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(None, "minutes to hours, by the size of the data; nobody's writes wait for it")

    def probe(self, m: Migration) -> Observation:
        """Whether it is complete."""
        found = self._look(m)
        if found is None:
            return not_done(f"there is no snapshot {names.snapshot_id(m)}")
        words = f"the snapshot {found.snapshot_id} is {found.status}"
        return done(words) if found.status == _AVAILABLE else not_done(words)

    def apply(self, m: Migration) -> None:
        """Take it and wait. A replica that somebody deleted, or let go on, is stopped anew before.

        Raises:
            StepFailed: it failed.
            CloudFailed, CloudSilent: as `Account.send`.
            ServerError: as `Stopped.apply`.
            Halted: the operator stopped waiting.
        """
        if self._look(m) is None:
            if STOPPED.probe(m).outcome is not Outcome.DONE:
                STOPPED.apply(m)
            of(m).send(self._order(m))
        _wait(m, "snapshot", lambda: self.probe(m), lambda: self._failed(m))

    def _order(self, m: Migration) -> Write[Snapshot]:
        return snapshots.create(names.snapshot_id(m), names.replica_id(m))

    def _look(self, m: Migration) -> Snapshot | None:
        return of(m).read(lambda client: snapshots.find(client, names.snapshot_id(m)))

    def _failed(self, m: Migration) -> str:
        found = self._look(m)
        if found is None:
            return f"somebody deleted the snapshot {names.snapshot_id(m)}"
        return f"the snapshot {found.snapshot_id} failed: delete it in the console" if found.status == _FAILED else ""


class Restored:
    """Making M2 out of it, with the attributes of the source; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (self._order(m).shown(),)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(None, "minutes; blocks that were not read yet come from the snapshot and are slow at first")

    def probe(self, m: Migration) -> Observation:
        """Whether it is there."""
        found = state.replica(m)
        if found is None:
            return not_done(f"there is no instance {names.second_id(m)}")
        words = state.in_words(found)
        return done(words) if state.works(found) and found.host is not None else not_done(words)

    def apply(self, m: Migration) -> None:
        """Order it and wait. Its name is this migration's, so that it cannot be made twice.

        A snapshot that somebody deleted before is taken again.

        Raises:
            StepFailed: it was not made.
            CloudFailed, CloudSilent: as `Account.send`.
            ServerError: as `Taken.apply`.
            Halted: the operator stopped waiting.
        """
        if state.replica(m) is None:
            if TAKEN.probe(m).outcome is not Outcome.DONE:
                m.scribe.note(f"there is no snapshot {names.snapshot_id(m)} any more: it is taken again", "warn")
                TAKEN.apply(m)
            of(m).send(self._order(m))
        state.wait(m, "second", lambda: state.replica(m), lambda one: state.works(one) and one.host is not None)

    def undo(self, m: Migration) -> None:
        """Nothing is deleted; what stays is named."""
        if (found := state.replica(m)) is not None:
            m.scribe.note(
                f"{found.instance_id} stays, and is billed until you delete it: in the console, or by `aws rds "
                f"delete-db-instance --db-instance-identifier {found.instance_id} --skip-final-snapshot`; its "
                f"parameter group {group.name_of(m)} after it.",
                "warn",
            )

    def _order(self, m: Migration) -> Write[Instance]:
        found = state.source(m)
        shape = Shape(
            node_class=found.node_class,
            storage_type=found.storage_type,
            iops=found.iops,
            multi_az=found.multi_az,
            parameter_group=group.name_of(m),
        )
        place = Place(found.subnet_group, tuple(one for one in found.security_groups or () if one))
        return snapshots.restore(names.second_id(m), names.snapshot_id(m), shape, place)


class Logged:
    """Turning M2's backups on, and with them its binary log; see `migration.runbook.Action`.

    An instance that is made of a replica's snapshot has none, and SHOW MASTER STATUS is empty on it.
    """

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (self._order(m).shown(),)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(120.0, "RDS restarts the instance, which nobody uses yet")

    def probe(self, m: Migration) -> Observation:
        """Whether it keeps backups, and its address is known."""
        found = state.replica(m)
        if found is None:
            return not_done(f"there is no instance {names.second_id(m)}")
        if not _keeps_backups(found):
            return not_done(f"{state.in_words(found)}, with backups of {found.backup_days} days")
        if not m.spec_now().target.host:
            return not_done(f"{state.in_words(found)}; its address is not known yet")
        return done(f"{found.instance_id} keeps backups of {found.backup_days} days")

    def apply(self, m: Migration) -> None:
        """Turn them on, wait, and put down where it is reached.

        Raises:
            StepFailed: it is gone or broken.
            CloudFailed, CloudSilent: as `Account.send`.
            Halted: the operator stopped waiting.
        """
        found = state.wait(m, "second_log", lambda: state.replica(m), state.works)
        if not found.backup_days:
            of(m).send(self._order(m))
        found = state.wait(m, "second_log", lambda: state.replica(m), _keeps_backups)
        assert found.instance_id is not None
        assert found.host is not None
        m.scribe.placed(Side.TARGET, found.instance_id, found.host, found.port or 3306)

    def _order(self, m: Migration) -> Write[Instance]:
        days = max(state.source(m).backup_days or 0, _LEAST_DAYS)
        return instances.keep_backups(names.second_id(m), days, When.NOW)


def _keeps_backups(found: Instance) -> bool:
    pending = found.pending_value("BackupRetentionPeriod")
    return state.works(found) and bool(found.backup_days) and pending is None and found.host is not None


class Following:
    """Letting M2 follow M1 from where R1 was stopped; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run."""
        return follow_again.statements(m, names.second_id(m))

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return follow_again.estimate(m)

    def probe(self, m: Migration) -> Observation:
        """Whether it has a binary log of its own, and follows."""
        if m.target.variable("log_bin") != "ON":
            return not_done(f"{m.target.name} has no binary log: see that its automated backups are on")
        return follow_again.probe(m)

    def apply(self, m: Migration) -> None:
        """Configure and start the channel.

        Raises:
            StepFailed: the place is not known.
            ServerError: the login fails, the source has purged what is needed, or replication does not run.
        """
        follow_again.apply(m)

    def undo(self, m: Migration) -> None:
        """Stop following, and forget the channel."""
        follow_again.undo(m)


class Tidied:
    """Deleting R1 and SNAP1, which were for making M2 only; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return tuple(write.shown() for write in (self._replica(m), self._snapshot(m)))

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(300.0, "minutes, for which nothing waits that clients see")

    def probe(self, m: Migration) -> Observation:
        """Whether both are gone."""
        left = _left(m)
        return not_done(f"{' and '.join(left)} are there") if left else done("the replica and its snapshot are deleted")

    def apply(self, m: Migration) -> None:
        """Delete them and wait.

        Raises:
            StepFailed: M2 does not follow yet.
            CloudFailed, CloudSilent: as `Account.send`.
            Halted: the operator stopped waiting.
        """
        following = follow_again.probe(m)
        if following.outcome is not Outcome.DONE:
            raise StepFailed(f"{following.note}: the replica and its snapshot are kept until it does. Try again.")
        replica = _find(m, names.replica_id(m))
        # What somebody else deletes meanwhile is gone as well.
        with contextlib.suppress(CloudAbsent):
            if replica is not None and replica.status != "deleting":
                of(m).send(self._replica(m))
        found = of(m).read(lambda client: snapshots.find(client, names.snapshot_id(m)))
        with contextlib.suppress(CloudAbsent):
            if found is not None and found.status != "deleting":
                of(m).send(self._snapshot(m))
        _wait(m, "tidy", lambda: self.probe(m), lambda: "")

    def _replica(self, m: Migration) -> Write[Instance]:
        return instances.delete(names.replica_id(m), None)

    def _snapshot(self, m: Migration) -> Write[Snapshot]:
        return snapshots.delete(names.snapshot_id(m))


def _left(m: Migration) -> tuple[str, ...]:
    snapshot = of(m).read(lambda client: snapshots.find(client, names.snapshot_id(m)))
    there = _find(m, names.replica_id(m)) is not None, snapshot is not None
    return tuple(
        name for name, is_there in zip((names.replica_id(m), names.snapshot_id(m)), there, strict=True) if is_there
    )


def _say_left(m: Migration) -> None:
    if left := _left(m):
        m.scribe.note(f"{' and '.join(left)} stay, and are billed until you delete them in the console.", "warn")


def _wait(m: Migration, step: str, look: Callable[[], Observation], failed: Callable[[], str]) -> None:
    """Look until something is done; an answer that does not come is waited for.

    Raises:
        StepFailed: it failed.
        Halted: the operator stopped waiting.
    """
    shown = 0.0
    while True:
        try:
            seen = look()
            if seen.outcome is Outcome.DONE:
                return
            if why := failed():
                raise StepFailed(f"{why[0].upper()}{why[1:]}, then try again.")
        except CloudFailed as error:
            seen = not_done(str(error))
        if time.monotonic() - shown > _SHOWN_S:
            shown = time.monotonic()
            m.scribe.progress(step, done=0, total=0, unit="", note=seen.note)
        if m.desk.halted():
            raise Halted
        time.sleep(state.poll_s(of(m)))


REPLICA, STOPPED, TAKEN, RESTORED = Replica(), Stopped(), Taken(), Restored()
LOGGED, FOLLOWING, TIDIED = Logged(), Following(), Tidied()
