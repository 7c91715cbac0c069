"""Online, offline, or a test: what each means, as the provider's FAQ compares them."""

from __future__ import annotations

from migration.azure.dms.account import of
from migration.decisions import Choice
from migration.runbook import Gate, Migration
from migration.view import Guide, Option

WAY = "way"
ONLINE, OFFLINE, TEST = "online", "offline", "test"
_MEANINGS = {
    ONLINE: "writes go on while it copies, and are off for the cutover at the end. For production, and for databases "
    "with many writes, though fewer writes during the migration are better",
    OFFLINE: "writes are off from the beginning of the copy to its end: for development, tests, and applications that "
    "can bear a planned window. What is written at the source after it has begun is NOT migrated",
    TEST: "the copy of an offline migration into a scratch target; the source is not touched, and the writes stay. As "
    "many as you like: the time it takes tells whether an offline migration is bearable",
}


def way(m: Migration) -> str:
    """Which of them it is; as it was asked for while nothing was chosen."""
    return m.chosen(WAY) or preferred(m)


def preferred(m: Migration) -> str:
    """What is proposed first."""
    wanted = of(m).spec.options.get(WAY, ONLINE)
    return wanted if wanted in _MEANINGS else ONLINE


def online(m: Migration) -> bool:
    """Whether changes are carried over until the cutover."""
    return way(m) == ONLINE


def offline(m: Migration) -> bool:
    """Whether writes are off for the whole copy."""
    return way(m) == OFFLINE


def testing(m: Migration) -> bool:
    """Whether the writes are to stay where they are."""
    return way(m) == TEST


def _options(m: Migration) -> tuple[Option, ...]:
    found = [Option(name, meaning) for name, meaning in _MEANINGS.items()]
    return tuple(sorted(found, key=lambda one: one.value != preferred(m)))


def _consequence(m: Migration) -> str:
    account = of(m)
    retired = account.origin[0].retired if account.origin is not None else ""
    said = f"{retired}. " if retired else ""
    return (
        f"{said}Reads at the source go on whichever it is. Online the cutover is ordered by you and downtime is short; "
        "offline there is no cutover to order and downtime is as long as the copy, which depends on the size. "
        "THERE IS NO WAY BACK by this service after the final migration: test first, as often as you like."
    )


CHOOSE_WAY = Gate(
    id=WAY,
    title="online, offline or a test",
    why="How long writes are off is decided here; a test decides nothing.",
    question=lambda m: f"How is {m.source.name} to be migrated?",
    consequence=_consequence,
    word=lambda m: "",
    choices=(Choice.CONFIRM, Choice.CANCEL),
    options=_options,
    guide=Guide(
        "Nothing is done by choosing. A test changes nothing for the applications, and can be repeated.",
        "Going online or offline without a test first. A test tells how long the copy takes, which for an offline "
        "migration is how long writes are off.",
    ),
)
