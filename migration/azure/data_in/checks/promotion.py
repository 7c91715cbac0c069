"""What the replica that is promoted first asks of its source."""

from __future__ import annotations

from migration.azure.checks.asking import account, answered
from migration.azure.data_in.checks.service import PARAMETERS, REPLICAS
from migration.azure.data_in.retention import PARAMETER, SECONDS
from migration.check import Pair, Result, Severity, check
from migration.checks.results import count, failed, passed, table
from migration.model import Positioning, Side
from providers.azure import flexible

_EVENTS = "SELECT event_schema, event_name FROM information_schema.events WHERE status = 'ENABLED' ORDER BY 1, 2"


@check(
    "azure-scheduler",
    "no scheduled events on the replica",
    Side.SOURCE,
    Severity.BLOCKER,
    why="A replica has its source's scheduler, locked until it is promoted; its events would then run on both servers.",
    asks=f"event_scheduler; {_EVENTS}",
    again=True,
    page=REPLICAS,
)
def scheduler(pair: Pair) -> Result:
    """Fails where events are on and the scheduler runs."""
    rows = pair.source.rows(_EVENTS)
    if (pair.source.variable("event_scheduler") or "OFF").upper() != "ON":
        return passed("the scheduler is off")
    if not rows:
        return passed("there are no events")
    return failed(
        count(len(rows), "event runs", "events run"),
        table(("database", "event"), rows),
        "Set the server parameter event_scheduler to OFF before the replica is made, and to ON on the new server once "
        "it has the writes; or disable these events for the while.",
    )


@check(
    "azure-log-retention",
    "binary logs are kept",
    Side.CLOUD,
    Severity.NOTICE,
    why="The service removes a binary log once its own replicas have read it; a promoted one is none of them any more.",
    asks=f"Configurations_Get: {PARAMETER}",
    page=PARAMETERS,
)
@answered
def retention(pair: Pair) -> Result:
    """Fails where they are kept for less than this program sets."""
    asked = account(pair)
    kept = asked.read(lambda client: flexible.configuration(client, asked.source, PARAMETER)).value or ""
    if kept.isdecimal() and int(kept) >= SECONDS:
        return passed(f"{kept} s")
    return failed(
        f"{kept or '?'} s",
        (),
        f"Nothing has to be done: a step sets {SECONDS} s. See that the storage is enough for it.",
    )


@check(
    "azure-promoted-place",
    "place of the promotion is known",
    Side.SOURCE,
    Severity.WARNING,
    why="By file and offset the replica has to be stopped before its promotion, of which no document of it tells.",
    asks="the positioning of this migration",
    page=REPLICAS,
)
def place(pair: Pair) -> Result:
    """Fails where positions are files."""
    if pair.positioning is Positioning.GTID:
        return passed("by GTID")
    return failed(
        "by file",
        (),
        "Turn GTIDs on first (check azure-gtid-mode). Else mysql.az_replication_stop is called on the read replica; "
        "where the service refuses that, the step says so and nothing is promoted.",
    )
