"""Making the standby where there is none, and taking it away again where this migration made it."""

from __future__ import annotations

from migration.aws import state
from migration.aws.account import of
from migration.aws.multi_az.change import before, require_before
from migration.model import Direction
from migration.runbook import CloudFailed, Estimate, Migration, Observation, StepFailed, done, not_done
from providers.aws import instances
from providers.aws.calls import Write
from providers.aws.instances import When
from providers.aws.records import Instance, Shape

KEEP, TAKE_AWAY = "keep it", "take it away"
STEP = "standby"
_BACK = "standby_back"


def lacking(m: Migration) -> bool:
    """Whether the instance had no standby when the migration began; asks nobody."""
    was = before(m)
    return was is not None and was.multi_az is False


def _order(m: Migration, *, there: bool) -> Write[Instance]:
    return instances.modify(of(m).instance_id, Shape(multi_az=there), When.NOW)


class Made:
    """Converting to Multi-AZ in place; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (f"where it has none: {_order(m, there=True).shown()}",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(
            None, "minutes to hours, by the size of the data; clients go on, slower, and stand still for a moment"
        )

    def probe(self, m: Migration) -> Observation:
        """Whether there is one."""
        found = state.source(m)
        there = bool(found.multi_az) and state.works(found) and found.pending_value("MultiAZ") is None
        words = f"{state.in_words(found)}, {'with' if found.multi_az else 'without'} a standby"
        return done(words) if there else not_done(words)

    def apply(self, m: Migration) -> None:
        """Order it, unless that was done, and wait.

        Raises:
            StepFailed: RDS has ended it without a standby.
            CloudFailed, CloudSilent: as `Account.send`.
            Halted: the operator stopped waiting.
        """
        require_before(m)
        _change(m, STEP, there=True)

    def undo(self, m: Migration) -> None:
        """Order Single-AZ again, where it was that; RDS does it without an outage.

        Raises:
            CloudFailed: RDS refuses it, is not known to have taken it, or still converts.
        """
        found, ordered = state.source(m), of(m).instance_id
        if not lacking(m) or found.pending_value("MultiAZ") == str(False):
            return
        if found.pending_value("MultiAZ") is not None:
            raise CloudFailed(f"{ordered} is still being converted; wait until it is available, then try again.")
        if found.multi_az:
            of(m).send(_order(m, there=False))


class TakenAway:
    """Single-AZ again, where that was chosen or the change was taken back; see `migration.runbook.Action`."""

    def statements(self, m: Migration) -> tuple[str, ...]:
        """What will be called."""
        return (f"only if the standby was made here, and that is chosen: {_order(m, there=False).shown()}",)

    def estimate(self, m: Migration) -> Estimate:
        """How long it takes."""
        return Estimate(None, "minutes; without an outage")

    def probe(self, m: Migration) -> Observation:
        """Whether it is gone, or is to stay."""
        if not lacking(m):
            return done(f"{of(m).instance_id} had a standby before, and keeps it")
        found = state.source(m)
        if not found.multi_az and not found.pending and state.works(found):
            return done(f"{of(m).instance_id} has no standby")
        if not _to_go(m):
            return done("it stays, as was chosen, and is billed")
        return not_done(f"{state.in_words(found)}, with a standby")

    def apply(self, m: Migration) -> None:
        """Order it, and wait.

        Raises:
            StepFailed: RDS has ended it with the standby still there.
            CloudFailed, CloudSilent: as `Account.send`.
            Halted: the operator stopped waiting.
        """
        _change(m, _BACK, there=False)


def _to_go(m: Migration) -> bool:
    story = m.story()
    switched = [attempt.direction for attempt in story.attempts if attempt.result == "switched"]
    if not switched or switched[-1] is Direction.ROLLBACK:
        return True
    return story.chosen.get("standby_after") == TAKE_AWAY


def _change(m: Migration, step: str, *, there: bool) -> None:
    found = state.wait(m, step, lambda: state.source(m), state.works)
    if bool(found.multi_az) is not there and found.pending_value("MultiAZ") is None:
        of(m).send(_order(m, there=there))
    found = state.wait(m, step, lambda: state.source(m), _settled)
    if bool(found.multi_az) is not there:
        why = state.last_event(m, of(m).instance_id, "Multi-AZ") or state.in_words(found)
        what = "was not converted" if there else "still has its standby"
        raise StepFailed(f"{of(m).instance_id} {what} ({why}). See its events in the console, then try again.")


def _settled(found: Instance) -> bool:
    return state.works(found) and found.pending_value("MultiAZ") is None


MADE, TAKEN_AWAY = Made(), TakenAway()
