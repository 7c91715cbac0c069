"""The migration service: created where there is none, started on the operator's word where it was stopped or paused."""

from __future__ import annotations

from typing import Any

from migration.azure.account import PRODUCT, commands
from migration.azure.dms.account import SUBNET, of
from migration.azure.operating import carry_out, pick_up
from migration.decisions import Choice
from migration.journal import Kind
from migration.runbook import CloudFailed, Estimate, Gate, Migration, Observation, StepFailed, done, not_done
from migration.view import Guide
from providers.azure import datamigration
from providers.azure.calls import Write
from providers.azure.datamigration import Service

STEP = "service"
_ASKED, _STARTED = "service_asked", "service_started"
_STOPPED, _STOPPING = "Stopped", "Stopping"
_AFTER = "it was stopped, or paused itself after 24 hours without work"


def stopped(m: Migration) -> bool:
    """Whether it is there and does not run, so that the operator has to be asked."""
    try:
        found = of(m).migration_service()
    except CloudFailed:
        # The step asks by itself, and is tried again where there is no answer.
        return False
    return found is not None and found.state == _STOPPED


START = Gate(
    id="service_start",
    title="start the migration service",
    why="A service that does not run does nothing, and it may be stopped for a reason.",
    question=lambda m: f"{of(m).dms.name} is stopped: {_AFTER}. Start it?",
    consequence=lambda m: "It is billed while it runs, and migrations of others in it go on with it.",
    word=lambda m: "",
    choices=(Choice.CONFIRM, Choice.CANCEL),
    when=stopped,
    guide=Guide(
        "A service that was started can be stopped again in the portal.",
        "Starting it without asking why it was stopped: it stops by itself after a day without work, or somebody "
        "did it for the bill.",
    ),
)


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called."""
    found = of(m).migration_service()
    if found is None:
        return commands(_create(m))
    return ("nothing: it runs",) if found.running else commands(datamigration.start_service(of(m).dms))


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(10 * 60.0, "creating or starting one takes up to ten minutes; nothing where it runs")


def probe(m: Migration) -> Observation:
    """Whether it runs and its agent answers."""
    account = of(m)
    found = account.migration_service()
    if found is None or not found.running:
        return not_done(in_words(m, found))
    status = account.read(lambda client: datamigration.service_status(client, account.dms))
    return done(f"{in_words(m, found)}; its agent is {status.status or 'silent'}")


def apply(m: Migration) -> None:
    """Create it or start it, or wait for what an earlier runner began.

    Raises:
        StepFailed: it is stopped, and to try again is the operator's word; or there is no subnet to make one in.
        CloudFailed, CloudSilent, Halted: as `carry_out`.
    """
    found = of(m).migration_service()
    if found is None:
        carry_out(m, STEP, _create(m))
    elif found.state == _STOPPED:
        _require_word(m)
        carry_out(m, _STARTED, datamigration.start_service(of(m).dms))
    elif found.state == _STOPPING:
        raise StepFailed(f"{in_words(m, found)}: somebody stops it. Try again once it has stopped.")
    elif not found.running:
        # Starting, deploying: whatever it is, it comes to run by itself.
        pick_up(m, STEP, datamigration.start_service(of(m).dms))


def awake(m: Migration) -> None:
    """See that it runs before something is asked of it; raises as `apply`."""
    found = of(m).migration_service()
    if found is not None and not found.running:
        apply(m)


def idle(m: Migration) -> str:
    """How it is where it does not run, and so refuses to tell of what is in it; empty where it runs.

    Raises:
        CloudFailed: it cannot be asked.
    """
    found = of(m).migration_service()
    return "" if found is not None and found.running else in_words(m, found)


def _require_word(m: Migration) -> None:
    if not _allowed(m):
        m.scribe.statement(PRODUCT, _ASKED, of(m).starting(), 0)
        raise StepFailed(
            f"{of(m).dms.name} does not run: {_AFTER}. Try again to START it; what it had under way goes on then."
        )


def in_words(m: Migration, found: Service | None) -> str:
    """The service in a few words."""
    name = of(m).dms.name
    return f"{name} is not there" if found is None else f"{name} is {found.state or 'without a state'}, {found.sku}"


def _allowed(m: Migration) -> bool:
    """Whether the operator has said so since it was last started: at the gate, or by trying again what was asked."""
    asked = confirmed = False
    for record in m.scribe.journal.records():
        if record.kind is Kind.STATEMENT and record.subject == PRODUCT:
            if record.body["step"] == _STARTED:
                asked = confirmed = False
            asked = asked or record.body["step"] == _ASKED
        elif record.kind is Kind.GATE_PASSED:
            confirmed = confirmed or record.subject == START.id or (asked and record.subject == "retry")
    return confirmed


def _create(m: Migration) -> Write[Any]:
    account = of(m)
    subnet = account.spec.options.get(SUBNET, "")
    if not subnet:
        raise StepFailed(
            f"There is no migration service {account.dms}. Give the one to use as --option service=ID, or the subnet "
            "to make one in as --option subnet=ID: both servers must be reached from there."
        )
    region = account.spec.options.get("service_region") or account.spec.region
    return datamigration.create_service(account.dms, region, account.sku, subnet)
