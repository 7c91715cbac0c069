"""What the operator chooses of the new server, and of the old one in the end."""

from __future__ import annotations

from dataclasses import replace

from migration.azure import choices, release
from migration.azure.account import of
from migration.azure.choices import preferred
from migration.azure.state import REGION, require
from migration.runbook import Migration
from migration.view import Guide, Option
from providers.azure import flexible


def _regions(m: Migration) -> tuple[Option, ...]:
    """The source's own region first, then those to which it can send its backups."""
    account = of(m)
    own = require(account, account.source).location or ""
    place = own.lower().replace(" ", "")
    listed = account.read(lambda client: flexible.capabilities(client, account.source.subscription_id, place))
    others = dict.fromkeys(region for zone in listed for region in zone.backup_regions or () if region != own)
    here = Option(own, "the region of the source")
    return preferred(m, REGION, (here, *(Option(one, "paired with the region of the source") for one in others)))


def _release(m: Migration) -> tuple[Option, ...]:
    left = release.surplus(m).name
    return (
        Option(release.KEEP, f"{left} stays as it is, read-only, and is billed; delete it later yourself"),
        Option(release.RELEASE, f"{left} is deleted with its data and backups; asked once more"),
    )


CHOOSE_REGION = replace(
    choices.CHOOSE_TIER,
    id=REGION,
    title="region",
    why="A replica can be in another region than its source; every change then travels there.",
    question=lambda m: "Where is the new server to be? For another one begin with --option region=NAME.",
    options=_regions,
    consequence=lambda m: "Clients that stay where they are have a longer way to another region.",
    guide=Guide(
        "Nothing is done by choosing. Afterwards only another migration moves it.",
        "Moving the database to another region and leaving the applications: every query then takes the long way.",
    ),
)
CHOOSE_TIER = choices.CHOOSE_TIER
CHOOSE_RELEASE = replace(choices.CHOOSE_RELEASE, options=_release)
