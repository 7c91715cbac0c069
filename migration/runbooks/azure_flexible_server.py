"""Azure: a Single Server, or any MySQL, to a Flexible Server, by Database Migration Service.

The procedure, as the provider's FAQ "Azure Database for MySQL Single Server to Flexible Server migrations" and its
tutorials have it: a migration service that runs, a project, connection tests of both sides; then online a task that
copies and follows until each database is completed, or offline one that copies while nobody writes. A test is the copy
alone, into a scratch target.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from migration.azure.dms import (
    arrived,
    checks,
    compared,
    connections,
    copy,
    ending,
    mover,
    project,
    service,
    size,
    sync,
    target,
    tested,
)
from migration.azure.dms.account import of, open_account
from migration.azure.dms.follow import ServicesWord
from migration.azure.dms.source_closed import CHOOSE_CLOSED
from migration.azure.dms.way import CHOOSE_WAY, offline, testing
from migration.check import Check, Route, Severity
from migration.checks import again_on_route, on_route
from migration.decisions import Choice
from migration.model import Side, Stage
from migration.runbook import Gate, Migration, Runbook, Step, Switch
from migration.runbooks.mysql_replication import CHECKS, COMPARE, PLAN
from migration.steps import closed_accounts
from migration.view import Guide

# What the FAQ says of this service: it carries triggers and foreign keys; of events it says nothing. Whether a trigger
# or a cascade does its work twice while it follows is in no document: the comparison of the rows shows it.
_JUDGED: Mapping[str, Severity | None] = {
    "triggers": Severity.WARNING,
    "foreign-key-cascades": Severity.WARNING,
    "events": Severity.WARNING,
    # Of no use here: the service logs in as the administrators do, and the target cannot be set read-only.
    "replication-account-source": None,
    "replication-account-target": None,
    "target-read-only": None,
    # What follows is the service, by means of its own.
    "threads": None,
    # Takes SUPER, which nobody has there: what could not be created shows after the copy.
    "objects-accepted": None,
}


def _approved(m: Migration) -> str:
    into = of(m).target.name
    if testing(m):
        return f"A copy is made into {into}, a scratch target. {m.source.name} is only read; clients go on writing."
    if offline(m):
        return f"What is needed is set up. Nothing is copied to {into} before the applications are stopped."
    return f"Everything is copied to {into}, then followed; clients on {m.source.name} go on writing. Change no tables."


def _cut_over(m: Migration) -> str:
    meanwhile = (
        "Writes are off from now on until everything is copied and compared: as long as a test migration takes. "
        if offline(m)
        else "Writes are off until every change is applied and each database completed: minutes. "
    )
    return (
        f"THERE IS NO WAY BACK afterwards: nothing flows back to {m.source.name}. Confirm, then stop every application "
        f"that writes there: this program sees when nothing writes any more. {meanwhile}Then start them with "
        f"{of(m).target.name}."
    )


FIND_TARGET = Step(
    id="target_found",
    title="look the target up",
    side=Side.CLOUD,
    why="A Flexible Server that is there is checked with everything else; one that is not is made.",
    how=target.FOUND,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: it only looks the target up.",
        "Naming a target that somebody uses already. The checks tell what is on it.",
    ),
)
APPROVE = replace(
    PLAN,
    consequence=_approved,
    guide=Guide(
        "Approving can be taken back by cancelling before the cutover. What was copied is dropped; a service and a "
        "target that were made stay, and are billed.",
        "Changing tables once the copy has begun: the service does not carry such changes, and the copy has to "
        "begin anew.",
    ),
)
SERVICE = Step(
    id=service.STEP,
    title="have the migration service run",
    side=Side.CLOUD,
    why="It copies from where it reaches both servers.",
    how=service,
    undo_says="stays",
    guide=Guide(
        "A service that was made stays after cancelling and is billed while it runs. It can be stopped or deleted "
        "in the portal.",
        "Taking the service's network for granted: it has to reach both servers itself, whatever this machine reaches.",
    ),
)
PROJECT = Step(
    id=project.STEP,
    title="create the project",
    side=Side.CLOUD,
    why="The tasks of this migration are kept apart from others.",
    how=project,
    undo_says="stays",
    guide=Guide(
        "It stays after cancelling. It costs nothing, and can be deleted in the portal.",
        "Looking for the project under another service of the same subscription: it belongs to the one that was named.",
    ),
)
TARGET = Step(
    id=target.STEP,
    title="have the target made",
    side=Side.CLOUD,
    why="There has to be a Flexible Server to copy to.",
    how=target,
    undo_says="stays",
    guide=Guide(
        "A server that was made stays after cancelling and is billed. Delete it in the portal if it is not needed.",
        "Making it smaller than the source to save money during the copy: the copy then takes as long as the target "
        "needs.",
    ),
)
CONNECTIONS = Step(
    id=connections.STEP,
    title="test both connections",
    side=Side.CLOUD,
    why="The service itself has to reach both servers, from its own network.",
    how=connections,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: the service logs in to both servers and out again.",
        "Opening a firewall for this machine only. It is the service that connects, from an address of its own.",
    ),
)
SCALE_UP = Step(
    id=size.UP,
    title="scale the target up",
    side=Side.CLOUD,
    why="A target that is throttled holds the copy up.",
    how=size.SCALED_UP,
    undo=size.undo,
    undo_says="own size",
    guide=Guide(
        "Cancelling gives the target its own size back. Each change of size restarts it.",
        "Forgetting the larger size afterwards: it is billed. You are asked before it is given back.",
    ),
)
CLOSE_TARGET = Step(
    id="close_target",
    title="keep clients off the target",
    side=Side.TARGET,
    why="A write on the target before the cutover would be missing on the source, and make the two differ.",
    how=closed_accounts,
    undo=closed_accounts.undo,
    undo_says="open",
    guide=Guide(
        "Cancelling lets clients in again.",
        "Running a smoke test of the application against the target now: its writes are refused, and would have "
        "been missing on the source.",
    ),
)
COPY = Step(
    id=copy.STEP,
    title="copy the databases",
    side=Side.CLOUD,
    why="Schema, data, programs and foreign keys are carried over; online what changes from then on as well.",
    how=copy,
    undo=copy.undo,
    undo_says="drop copy",
    guide=Guide(
        "Cancelling ends the service's task and drops what was copied. The source is only read, unless the task was "
        "to close it.",
        "Changing tables meanwhile, or writing on the target. And in an offline migration: writing on the source "
        "after the copy has begun, which is not carried over.",
    ),
)
CATCH_UP = Step(
    id=sync.STEP,
    title="catch up",
    side=Side.CLOUD,
    why="Writes are off for as long as changes wait, so there have to be few first.",
    how=sync,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: it waits.",
        "Taking the service's counters for the lag. They have to be at rest for a while before they mean anything, "
        "and the comparison of the rows decides.",
    ),
)
ARRIVED = Step(
    id=arrived.STEP,
    title="see that all arrived",
    side=Side.BOTH,
    why="A procedure or a foreign key that is missing is found now, and not by an application.",
    how=arrived,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: what is missing is named, for you to create.",
        "Passing over a missing event or trigger because the rows are equal. Nothing shows it until the day on "
        "which it would have run.",
    ),
)
COMPARED = replace(COMPARE, how=compared)
SCRATCH = Step(
    id=tested.STEP,
    title="clear the scratch target",
    side=Side.TARGET,
    why="The next test begins on an empty target.",
    how=tested,
    guide=Guide(
        "What is dropped is the scratch copy alone. It can be kept instead.",
        "Naming the real target as a scratch target: what a test copies there has to be gone before the migration "
        "begins.",
    ),
)
BACK_AFTER_TEST = Step(
    id=size.SCALED_BACK_AFTER_TEST.step,
    title="give the target its own size back",
    side=Side.CLOUD,
    why="The larger size was for the copy.",
    how=size.SCALED_BACK_AFTER_TEST,
    guide=Guide(
        "The size can be changed again in the portal, with a restart.",
        "Leaving the larger size for a next test that does not come: it is billed by the hour.",
    ),
)
CUT_OVER = Gate(
    id="cutover",
    title="stop the applications and move the writes",
    why="Until now nothing has changed for clients. You decide when it does.",
    question=lambda m: f"Move the writes from {m.source.name} to {of(m).target.name} now?",
    consequence=_cut_over,
    word=lambda m: m.source.name,
    choices=(Choice.CONFIRM, Choice.WAIVE, Choice.FIX, Choice.CANCEL),
    guide=Guide(
        "Until the databases are completed it can be stopped, and the source goes on. Afterwards there is no way "
        "back by this service: nothing flows back.",
        "Confirming before everybody knows. Every application that writes has to be stopped, batch jobs and people "
        "included; the program waits until it sees no write any more.",
    ),
)
MOVE_WRITES = Switch(
    id="move_writes",
    title="stop, prove, complete, open",
    why="A database is completed only once it is proved that the target has everything.",
    undo_says="-",
    how=mover,
    guide=Guide(
        "Until a database is completed it can be stopped. What is completed stays so.",
        "Starting the applications again too early, on the source: what they write there is lost to the target.",
    ),
)
OBSERVE = Gate(
    id="observe",
    title="see that all is well",
    why="There is no way back by this program; a look now is the last one before the migration is ended.",
    question=lambda m: f"Do the applications work well on {m.target.name}?",
    consequence=lambda m: (
        f"Nothing flows back to {m.spec.source.name}, which stays as it is and takes writes: see that nothing writes "
        "there, and delete it in the portal when you need it no more."
    ),
    word=lambda m: m.target.name,
    choices=(Choice.COMPLETE,),
    guide=Guide(
        "There is no way back by this program. The source stays as it is, so that a look into it is possible.",
        "Applications that still write to the source: it takes writes, and nobody carries them over. See that "
        "nothing connects there.",
    ),
)
SCALE_BACK = Step(
    id=size.BACK,
    title="give the target its own size back",
    side=Side.CLOUD,
    why="The larger size was for the copy.",
    how=size.SCALED_BACK,
    guide=Guide(
        "The size can be changed again in the portal, with a restart each time.",
        "Doing it at noon: the restart cuts clients off for a minute or two.",
    ),
)
END_SERVICE = Step(
    id=ending.STEP,
    title="see to the migration service",
    side=Side.CLOUD,
    why="It is billed while it runs.",
    how=ending,
    guide=Guide(
        "A service that was stopped can be started again.",
        "Deleting it while migrations of others are in it: they stand still with it.",
    ),
)


def _of_the_servers(found: tuple[Check, ...]) -> tuple[Check, ...]:
    """What is asked of the servers themselves, as serious as it is with this service."""
    return tuple(
        replace(one, routes={**one.routes, Route.LOGICAL: _JUDGED[one.id]}) if one.id in _JUDGED else one
        for one in found
        if not one.id.startswith("aliyun") and not (one.id in _JUDGED and _JUDGED[one.id] is None)
    )


RUNBOOK = Runbook(
    name="azure_flexible_server",
    title="Azure: Single Server or any MySQL to Flexible Server",
    checks=(*checks.every(), *_of_the_servers(on_route(Route.LOGICAL))),
    activity=(
        *_of_the_servers(again_on_route(Route.LOGICAL)),
        *(check for check in checks.every() if check.again),
    ),
    route=lambda m: Route.LOGICAL,
    stages={
        Stage.PREPARE: (FIND_TARGET, CHOOSE_WAY, CHECKS, CHOOSE_CLOSED, size.CHOOSE_SIZE, APPROVE),
        Stage.CREATE: (service.START, SERVICE, PROJECT, TARGET, CONNECTIONS, SCALE_UP, CLOSE_TARGET, COPY),
        Stage.SYNC: (CATCH_UP, ARRIVED, COMPARED, tested.CHOOSE_COPY, SCRATCH, BACK_AFTER_TEST),
        Stage.CUTOVER: (tested.END, CUT_OVER, MOVE_WRITES),
        Stage.OBSERVE: (OBSERVE,),
        Stage.COMPLETE: (size.CONFIRM_BACK, SCALE_BACK, ending.CHOOSE, END_SERVICE),
    },
    finish_on_source=(),
    follows_from=CLOSE_TARGET.id,
    cloud=open_account,
    follow=ServicesWord,
    new_address=lambda m: None,
    reversible=False,
    # A copy that is kept is there to try applications on.
    both_open=tested.kept,
    own_accounts=True,
)
