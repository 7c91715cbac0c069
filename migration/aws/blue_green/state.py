"""What RDS says of the deployment, and which one it is: made here, or there already and picked up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from migration.aws import group
from migration.aws.account import own_group
from migration.aws.blue_green.account import Deployed, of
from migration.aws.state import require_replica, source
from migration.model import Direction
from migration.runbook import Action, CloudFailed, Estimate, Migration, Observation, StepFailed, done
from providers.aws import bluegreen, instances, watching
from providers.aws.bluegreen import Deployment
from providers.aws.records import Instance
from providers.aws.watching import Event

GATE, NEW = "deployment", "make one"
_EVENTS_BACK = timedelta(days=1)
_COMPLETED = "COMPLETED"


def of_instance(account: Deployed, name: str) -> tuple[Deployment, ...]:
    """The deployments in which an instance is blue, those that were switched left out.

    Raises:
        CloudFailed: RDS cannot be asked.
    """
    listed = account.read(bluegreen.deployments)
    return tuple(
        one
        for one in listed
        if one.blue_arn and bluegreen.name_of(one.blue_arn) == name and one.status != bluegreen.SWITCHED
    )


def picked(m: Migration) -> str:
    """The id of the deployment that was there already; empty where one is made."""
    chosen = m.chosen(GATE) or NEW
    return "" if chosen == NEW else chosen


def look(m: Migration) -> Deployment | None:
    """The deployment as it is now; None while, or once, there is none.

    Raises:
        CloudFailed: RDS cannot be asked.
    """
    account, wanted = of(m), picked(m)
    if wanted:
        return account.read(lambda client: bluegreen.find(client, wanted))
    found = account.read(lambda client: bluegreen.named(client, account.own_id))
    return min(found, key=lambda one: one.status == bluegreen.DELETING, default=None)


def require(m: Migration) -> Deployment:
    """The deployment as it is now.

    Raises:
        StepFailed: there is none.
        CloudFailed: RDS cannot be asked.
    """
    found = look(m)
    if found is None:
        raise StepFailed(f"RDS knows of no Blue/Green deployment {picked(m) or of(m).own_id}: it was deleted.")
    return found


def id_of(found: Deployment) -> str:
    """The id of a deployment, without which nothing can be ordered of it.

    Raises:
        CloudFailed: the answer lacks it.
    """
    if found.deployment_id is None:
        raise CloudFailed(f"RDS does not tell the id of the deployment {found.name}; try again.")
    return found.deployment_id


def in_words(found: Deployment) -> str:
    """The state in a few words, RDS's own among them."""
    more = f" ({found.details})" if found.details else ""
    return f"{found.deployment_id} is {found.status or 'in no status'}{more}"


def tasks(found: Deployment) -> tuple[int, int, str]:
    """How many of the tasks are done, how many there are, and the one that is under way, in RDS's words."""
    done = sum(task.status == _COMPLETED for task in found.tasks)
    left = [task for task in found.tasks if task.status != _COMPLETED]
    now = next((task for task in left if task.status != "PENDING"), left[0] if left else None)
    return done, len(found.tasks), f"{now.name} {now.status}" if now else "all tasks done"


def events(m: Migration, kind: str) -> tuple[Event, ...]:
    """What happened to the region's instances or deployments in a day, oldest first; nothing where nobody can tell."""
    since = datetime.now(UTC) - _EVENTS_BACK
    try:
        return of(m).read(lambda client: watching.events(client, kind, None, since))
    except CloudFailed:
        return ()


def last_words(m: Migration, found: Deployment, word: str) -> str:
    """The newest event of a deployment with a word in it, as RDS says it; empty where there is none."""
    told = [one.message for one in events(m, watching.DEPLOYMENT) if one.about == found.deployment_id and one.message]
    return next((words for words in reversed(told) if word in words), "")


def moved(m: Migration) -> bool:
    """Whether the writes have moved before: RDS switches over once, and after that the two servers do."""
    return any(attempt.result == "switched" for attempt in m.story().attempts)


def last_move(m: Migration) -> Direction | None:
    """Which way the writes moved last."""
    switched = [attempt for attempt in m.story().attempts if attempt.result == "switched"]
    return switched[-1].direction if switched else None


def green_group(m: Migration) -> str:
    """The parameter group of green; before that is there, the one that is made for it.

    Raises:
        StepFailed: it has a default one, which nobody can change, or green is gone.
        CloudFailed: RDS cannot be asked.
    """
    if not m.spec.target.host:
        return _picked_group(m) if picked(m) else group.name_of(m)
    return _own(require_replica(m))


def _picked_group(m: Migration) -> str:
    name = bluegreen.name_of(require(m).green_arn or "")
    return _own(of(m).read(lambda client: instances.instance(client, name)))


def _own(green: Instance) -> str:
    found = own_group(green)
    if found is None:
        raise StepFailed(f"{green.instance_id} has a default parameter group; give it one of its own, then try again.")
    return found


def blue_group(m: Migration) -> str | None:
    """The parameter group of blue; None where that is a default one.

    Raises:
        CloudFailed: RDS cannot be asked.
    """
    return own_group(source(m))


class UnlessPicked:
    """What is made with a new deployment only; see `migration.runbook.Action`."""

    def __init__(self, how: Action) -> None:
        self._how = how

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return ("nothing: the green side that is picked up has one",) if picked(m) else self._how.statements(m)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return self._how.estimate(m)

    def probe(self, m: Migration) -> Observation:
        """Whether it is there."""
        return done(f"{picked(m)} has its own") if picked(m) else self._how.probe(m)

    def apply(self, m: Migration) -> None:
        """Make it; raises as the action itself."""
        self._how.apply(m)
