"""Deleting the deployment, which deletes no instance, before old blue is."""

from __future__ import annotations

import time

from migration.aws.blue_green import state
from migration.aws.blue_green.account import of
from migration.aws.release import wanted
from migration.aws.state import poll_s
from migration.runbook import Estimate, Halted, Migration, Observation, done, not_done
from providers.aws import bluegreen


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    found = state.look(m)
    name = of(m).own_id if found is None else state.id_of(found)
    return (f"only if that is chosen: {bluegreen.delete(name).shown()}",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(60.0, "it is a record of RDS's; both instances stay")


def probe(m: Migration) -> Observation:
    """Whether it is gone, or to stay."""
    if not wanted(m):
        return done("the deployment stays, as old blue does")
    found = state.look(m)
    return done("the deployment is deleted") if found is None else not_done(state.in_words(found))


def apply(m: Migration) -> None:
    """Delete it, and wait until it is gone.

    Raises:
        CloudFailed, CloudSilent: as `Account.send`.
        Halted: the operator stopped waiting.
    """
    found = state.look(m)
    if found is not None and found.status != bluegreen.DELETING:
        of(m).send(bluegreen.delete(state.id_of(found)))
    while state.look(m) is not None:
        if m.desk.halted():
            raise Halted
        time.sleep(poll_s(of(m)))
