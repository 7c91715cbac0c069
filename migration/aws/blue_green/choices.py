"""What the operator chooses: a deployment that is there or a new one, green's version, and the switchover's timeout."""

from __future__ import annotations

from dataclasses import replace

from migration.aws import choices
from migration.aws import state as instance_state
from migration.aws.blue_green import follow, state
from migration.aws.blue_green.account import of
from migration.choosing import ask
from migration.runbook import Migration
from migration.view import Guide, Option
from providers.aws import bluegreen, offers

_BROKEN = (bluegreen.INVALID, bluegreen.DELETING)
_TIMEOUTS = (
    (follow.USUAL_S, "RDS's own proposal"),
    ("60", "writes come back sooner where something is in the way"),
    ("30", "the least"),
    ("600", ""),
    ("1800", ""),
    ("3600", "the most"),
)


def _deployments(m: Migration) -> tuple[Option, ...]:
    """RDS makes one deployment of an instance at a time: where there is one, it is picked up."""
    account = of(m)
    found = [one for one in state.of_instance(account, account.spec.resource) if one.status not in _BROKEN]
    if not found:
        return (Option(state.NEW, "a copy that follows, made and billed by RDS"),)
    return tuple(Option(state.id_of(one), state.in_words(one)) for one in found)


def _versions(m: Migration) -> tuple[Option, ...]:
    blue = instance_state.source(m)
    own = Option(blue.version or "", "as blue")
    listed = of(m).read(lambda client: offers.versions(client, blue.engine or "", blue.version))
    later = [one.version for found in listed for one in found.upgrades or () if one.version and one.major is False]
    return (own, *(Option(name, "a later release of the same series") for name in dict.fromkeys(later)))


def _new(m: Migration) -> bool:
    return not state.picked(m)


DEPLOYMENT = ask(
    state.GATE, "Blue/Green deployment",
    "One that is there already is picked up, with its green as it is.",
    "Which deployment is to be switched over?", _deployments, "Nothing is made before the plan is approved.",
    guide=Guide(
        "Nothing is done by choosing. A deployment that was there before is not deleted by cancelling.",
        "Picking up one that somebody else made without asking what they changed on its green: schema changes there "
        "come along with the switch.",
    ),
)  # fmt: skip
VERSION = replace(
    ask(
        "version", "engine version of green",
        "A copy can be upgraded while clients go on writing on blue.",
        "Which version is green to have?", _versions,
        "Another series is no choice here: make that deployment in the console, with a parameter group of green's own; "
        "it is picked up.",
    ),
    when=_new,
    guide=Guide(
        "Nothing is done by choosing. After the switch an older version cannot be had back in place, only by the "
        "rollback.",
        "Taking a new release along with a new class in one go. Where something is slower afterwards, nobody knows "
        "which of the two it was.",
    ),
)  # fmt: skip
NODE_CLASS = replace(choices.NODE_CLASS, when=_new)
STORAGE_TYPE = replace(choices.STORAGE_TYPE, when=_new)
IOPS = replace(choices.IOPS, when=_new)
TIMEOUT = ask(
    follow.TIMEOUT, "timeout of the switchover",
    "Where RDS needs longer, it takes everything back, and blue goes on.",
    "After how many seconds is RDS to take the switchover back?",
    lambda m: tuple(Option(value, meaning) for value, meaning in _TIMEOUTS),
    "Nobody can write for as long as it takes: typically under a minute.",
    guide=Guide(
        "Nothing is done by choosing. Where the time runs out RDS takes everything back, and blue goes on.",
        "Choosing a long one to be on the safe side: it is for how long nobody can write at the worst. A short one "
        "costs another try.",
    ),
)  # fmt: skip
