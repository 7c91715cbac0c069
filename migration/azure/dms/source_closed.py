"""Who keeps clients from writing on the source during an offline migration: the operator, or the service besides."""

from __future__ import annotations

from migration.azure.dms.account import of
from migration.azure.dms.way import offline
from migration.azure.operating import carry_out
from migration.azure.services import FLEXIBLE
from migration.decisions import Choice
from migration.runbook import CloudFailed, Gate, Migration
from migration.view import Guide, Option
from providers.azure import flexible, single
from providers.mysql.errors import ServerError

CLOSED = "source_closed"
BY_HAND, BY_SERVICE = "stop the applications", "make it read-only as well"
_STEP = "reopen_source"
_PARAMETER, _OFF = "read_only", "OFF"

CHOOSE_CLOSED = Gate(
    id=CLOSED,
    title="closing the source",
    why="What is written at the source after the copy has begun is not migrated.",
    question=lambda m: f"How is {m.source.name} to be kept from being written to while it is copied?",
    consequence=lambda m: "Either way this program watches it, and does not go on where somebody has written.",
    word=lambda m: "",
    choices=(Choice.CONFIRM, Choice.CANCEL),
    options=lambda m: (
        Option(BY_HAND, "you stop what writes there; the server itself stays open"),
        Option(
            BY_SERVICE,
            "you stop what writes there, and the task makes the server read-only before it copies; it stays so "
            "afterwards, and is opened again where the migration is given up",
        ),
    ),
    when=offline,
    guide=Guide(
        "Nothing is done by choosing. A source that was made read-only is opened again where the migration is given "
        "up.",
        "Trusting that everybody has heard of the window. A job that writes on is seen here, and the migration does "
        "not go on over it.",
    ),
)


def by_service(m: Migration) -> bool:
    """Whether the task is to make the source read-only."""
    return offline(m) and m.story().chosen.get(CLOSED) == BY_SERVICE


def reopen(m: Migration) -> None:
    """Let clients write on the source again, where the task has made it read-only. What fails is said, not raised."""
    if not by_service(m):
        return
    try:
        if m.source.read_only().clients:
            _open(m)
    except (ServerError, CloudFailed) as error:
        m.scribe.note(f"{m.source.name} may still be read-only: set its parameter read_only to OFF. {error}", "error")


def _open(m: Migration) -> None:
    origin = of(m).origin
    if origin is None:
        m.change(m.source, _STEP, m.source.dialect.unfence)
        return
    service, place = origin
    product = flexible if service.name == FLEXIBLE else single
    carry_out(m, _STEP, product.set_configuration(place, _PARAMETER, _OFF))
