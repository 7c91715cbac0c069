"""Ordering the deployment, or picking one up, and following RDS's tasks until green follows blue."""

from __future__ import annotations

import time

from migration.aws import create as replica
from migration.aws import state as instance_state
from migration.aws.blue_green import state
from migration.aws.blue_green.account import of
from migration.model import Side
from migration.runbook import CloudFailed, Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.aws import bluegreen, instances
from providers.aws.bluegreen import Deployment
from providers.aws.calls import Write
from providers.aws.records import Instance

STEP = "green"
_BROKEN = (bluegreen.INVALID, bluegreen.DELETING, bluegreen.SWITCHED)
_READY = (bluegreen.AVAILABLE, bluegreen.SWITCH_FAILED)


def _order(m: Migration) -> Write[Deployment]:
    blue = instance_state.source(m)
    if blue.arn is None:
        raise CloudFailed(f"RDS does not tell the ARN of {blue.instance_id}; try again.")
    chosen = m.chosen("version")
    version = chosen if chosen not in ("", blue.version) else None
    return bluegreen.create(of(m).own_id, blue.arn, replica.shape(m), version)


class Order:
    """Ordering it; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        there = state.picked(m)
        return (f"nothing is called; {there} is there already and picked up",) if there else (_order(m).shown(),)

    def estimate(self, m: Migration) -> Estimate:
        """How long until RDS has taken the order."""
        return Estimate(5.0, "one call; the copying comes after it")

    def probe(self, m: Migration) -> Observation:
        """Whether there is one."""
        found = state.look(m)
        if found is None:
            return not_done(f"there is no deployment {of(m).own_id} of {of(m).instance_id}")
        return done(state.in_words(found))

    def apply(self, m: Migration) -> None:
        """Order it. Its name is this migration's, so that it cannot be made twice.

        Raises:
            StepFailed: the one that was to be picked up is gone.
            CloudFailed: it was refused.
            CloudSilent: whether it was carried out is not known.
        """
        if state.picked(m):
            state.require(m)
        else:
            of(m).send(_order(m))

    def undo(self, m: Migration) -> None:
        """Nothing is deleted: what green is good for then is the operator's to say."""
        found = state.look(m)
        if found is None:
            return
        if state.picked(m):
            m.scribe.note(f"{found.deployment_id} stays as it is: it was there before this migration.")
            return
        m.scribe.note(
            f"{found.deployment_id} and its green side stay, and are billed until you delete them: in the console, or "
            f"by `aws rds delete-blue-green-deployment --blue-green-deployment-identifier {found.deployment_id} "
            f"--delete-target`; the parameter group {of(m).own_id}-params after it.",
            "warn",
        )


class Ready:
    """Following the tasks; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will run."""
        return ("nothing is called; the tasks of the deployment are read until green is available and follows blue",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(None, "half an hour to hours, by the size of the data; RDS gives no figure")

    def probe(self, m: Migration) -> Observation:
        """Whether green follows blue and its address is known."""
        found = state.look(m)
        if found is None:
            return not_done("there is no deployment")
        if found.status not in _READY:
            return not_done(_progress(found))
        if not m.spec_now().target.host:
            return not_done(f"{state.in_words(found)}; the address of green is not known yet")
        green = _green(m, found)
        if green is None:
            return not_done(f"{state.in_words(found)}; its green side was deleted")
        words = instance_state.in_words(green)
        return done(words) if replica.follows(green) else not_done(words)

    def apply(self, m: Migration) -> None:
        """Wait, and put down where green is reached.

        Raises:
            StepFailed: it was not made, or does not follow.
            Halted: the operator stopped waiting.
        """
        found = _wait(m)
        green = instance_state.wait(m, STEP, lambda: _green(m, found), replica.settled)
        if not replica.follows(green):
            raise StepFailed(
                f"{instance_state.in_words(green)}: see its events and error log in the console; cure it there (or "
                "delete the deployment with its green side and begin again), then try again."
            )
        assert green.instance_id is not None
        assert green.host is not None
        m.scribe.placed(Side.TARGET, green.instance_id, green.host, green.port or 3306)


def _green(m: Migration, found: Deployment) -> Instance | None:
    if found.green_arn is None:
        raise CloudFailed(f"RDS does not tell what the green side of {found.deployment_id} is; try again.")
    name = bluegreen.name_of(found.green_arn)
    return of(m).read(lambda client: instances.find(client, name))


def _wait(m: Migration) -> Deployment:
    pause, said = instance_state.poll_s(of(m)), ""
    while True:
        try:
            found = state.require(m)
        except CloudFailed as error:
            if str(error) != said:
                said = str(error)
                m.scribe.note(f"waiting: {said}", "error")
        else:
            _judge(m, found)
            if found.status in _READY:
                return found
            ready, every, now = state.tasks(found)
            m.scribe.progress(STEP, done=ready, total=every, unit="tasks", note=f"{found.status}: {now}")
        if m.desk.halted():
            raise Halted
        time.sleep(pause)


def _judge(m: Migration, found: Deployment) -> None:
    """Whether it can still become ready.

    Raises:
        StepFailed: it cannot.
    """
    failed = next((task.name for task in found.tasks if task.status == "FAILED"), None)
    if found.status in _BROKEN or failed:
        told = state.last_words(m, found, "failed because") or (f"the task {failed} failed" if failed else "")
        raise StepFailed(
            f"{state.in_words(found)}{f': {told}' if told else ''}, which it does not leave by itself. Delete it with "
            "its green side in the console, then begin again."
        )


def _progress(found: Deployment) -> str:
    ready, every, now = state.tasks(found)
    return f"{state.in_words(found)}: {ready} of {every} tasks done, {now}"


ORDER, READY = Order(), Ready()
