"""What the operator chooses, one thing at a time, with what it means."""

from __future__ import annotations

from migration.azure import release
from migration.azure.account import of
from migration.azure.state import ENDING, NEW_NAME, SAME_NAME, TIER, wanted
from migration.choosing import ask
from migration.runbook import Migration
from migration.view import Guide, Option

_PRICE = "The provider shows prices on its pages only, not to programs: look there before you choose."
_DOWN = (
    "Writes are off from the moment the applications are stopped: until the replica is promoted (seconds to two "
    "minutes), and with the same name until a backup is made, the old server deleted and the backup restored, which "
    "takes as long as the data does (the page: usually a few minutes). It is measured."
)


def preferred(m: Migration, name: str, options: tuple[Option, ...]) -> tuple[Option, ...]:
    """What was asked for at the beginning comes first."""
    asked = of(m).spec.options.get(name)
    if asked and asked not in {one.value for one in options}:
        options = (Option(asked, "as it was asked for; the provider did not list it"), *options)
    return tuple(sorted(options, key=lambda one: one.value != asked))


def _endings(m: Migration) -> tuple[Option, ...]:
    account = of(m)
    new = Option(
        NEW_NAME,
        f"you give the applications the name {account.replica.name}; {account.source.name} can stay",
    )
    same = Option(
        SAME_NAME,
        f"the applications keep {account.source.name}: it is DELETED with its backups and made again out of a backup; "
        f"stopped all the while. Azure may keep a deleted server's name back for some days",
    )
    return preferred(m, ENDING, (new, same))


def _tiers(m: Migration) -> tuple[Option, ...]:
    account, seen = of(m), wanted(m)
    offers = account.read(lambda client: account.service.offers(client, seen, account.source.subscription_id))
    named = tuple(
        Option(one.name, f"{one.meaning}{'; as the source has' if one.name == seen.sku else ''}") for one in offers
    )
    return preferred(m, TIER, named)


def _release(m: Migration) -> tuple[Option, ...]:
    left = release.surplus(m).name
    return (
        Option(release.KEEP, f"{left} stays as it is, takes writes, and is billed; delete it later yourself"),
        Option(release.RELEASE, f"{left} is deleted with its data and backups; asked once more"),
    )


def _said(m: Migration) -> str:
    """What is retired is said where it is offered."""
    retired = of(m).service.retired
    return f"{retired}. {_DOWN}" if retired else _DOWN


CHOOSE_ENDING = ask(
    ENDING, "how the applications find it",
    "With the new name writes are off for the promotion alone; with the old one for a restore as well.",
    "Which name are the applications to use in the end?", _endings, _said,
    guide=Guide(
        "Nothing is done by choosing. With the old name the old server is deleted later, after one more typed "
        "confirmation; from then on only its backup is left.",
        "Keeping the name because it is convenient. It costs an outage of a backup and a restore, and Azure may "
        "hold a deleted name back for days.",
    ),
)  # fmt: skip
CHOOSE_TIER = ask(
    TIER, "tier and size",
    "A replica can have another tier than its source; that is how the tier changes.",
    "Which size is the new server to have?", _tiers, _PRICE,
    guide=Guide(
        "Nothing is done by choosing. The size can be changed later in the portal where the service lets one.",
        "Choosing a smaller disk than the data needs, or less memory than it lives on. Prices are on the provider's "
        "pages only.",
    ),
)  # fmt: skip
CHOOSE_RELEASE = ask(
    "release", "the server that is left over", "It is billed for as long as it is there.",
    "What becomes of it?", _release, "Nothing is deleted without one more typed confirmation.",
    guide=Guide(
        "Keeping it decides nothing: it can be deleted later in the portal. What is deleted cannot be had back.",
        "Deleting it on the day of the migration. Somebody still has its name in a configuration, and a few days of "
        "its bill are cheap.",
    ),
)  # fmt: skip
