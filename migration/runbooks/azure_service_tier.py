"""Azure: another service tier for a MySQL server, by a replica that is promoted.

The procedure, as the provider's page "Downgrade an MP service layer to an MS service layer" has it in seven steps:
1 wait for a complete backup; 2 create a subordinate of the wanted tier; 3 wait until it is close, and suspend the
writes; 4 make a database as a signal and see it arrive; 5 promote, then point the applications to the new name and
delete the old server. Or, to keep the name: 6 back the new server up; 7 delete the old one, restore under its name,
delete the temporary one. The same is done with the replicas of Single and Flexible Server.
"""

from __future__ import annotations

from dataclasses import replace

from migration.azure import backup, checks, choices, close, mover, release, replica, sync
from migration.azure.account import of, open_account
from migration.azure.follow import Following
from migration.azure.same_name import back_up, restore, start
from migration.azure.same_name import replace as replacing
from migration.azure.state import offer, same_name
from migration.check import Check, Route
from migration.checks import again_on_route, on_route
from migration.decisions import Choice
from migration.model import Side, Stage, Writes
from migration.runbook import Gate, Migration, Runbook, Step, Switch
from migration.runbooks.mysql_replication import CHECKS, COMPARE, PLAN
from migration.view import Guide


def _cut_over(m: Migration) -> str:
    account = of(m)
    hand = "A person has to promote it in the portal; be logged in there. " if account.service.by_hand else ""
    ending = (
        f"Then {account.source.name} is deleted and made again from a backup: the applications stay stopped until that "
        "is done."
        if same_name(m)
        else f"Then start them with {account.replica.name}."
    )
    return (
        f"THERE IS NO WAY BACK after the promotion: nothing flows back to {account.source.name}. Confirm, then stop "
        f"every application that writes there: this program sees when nothing writes any more. {hand}{ending}"
    )


APPROVE = replace(
    PLAN,
    consequence=lambda m: (
        f"A replica of {m.source.name} is CREATED with the size {offer(m).name} and billed as the provider says. "
        f"Clients on {m.source.name} go on writing. The first replica of a Single or Flexible Server restarts it."
    ),
    guide=Guide(
        "Approving can be taken back by cancelling before the promotion: the replica is deleted, and the source has "
        "the writes as before.",
        "Approving at a busy hour: the first replica of a Single or Flexible Server restarts the source.",
    ),
)
BACKUP_READY = Step(
    id=backup.STEP,
    title="wait for a complete backup",
    side=Side.CLOUD,
    why="The provider makes a replica out of a complete backup, of which it takes one a day.",
    how=backup,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: it waits for a backup that the provider takes anyway.",
        "Expecting it at once. The provider takes one complete backup a day, so the wait may be up to a day; "
        "nothing has to be watched meanwhile.",
    ),
)
REPLICA = Step(
    id=replica.STEP,
    title="create the replica",
    side=Side.CLOUD,
    why="A server cannot change to every tier, and its replica can have any: it is made with the wanted one.",
    how=replica,
    undo=replica.undo,
    undo_says="delete replica",
    guide=Guide(
        "Cancelling deletes the replica.",
        "Naming the version of the page's example without looking: the replica has its source's version. Or sending "
        "it twice because the portal shows nothing yet.",
    ),
)
CATCH_UP = Step(
    id="catch_up",
    title="catch up",
    side=Side.TARGET,
    why="Writes are off for as long as the replica is behind, so it has to be close first.",
    how=sync,
    undo_says="-",
    guide=Guide(
        "There is nothing to undo: it only measures and waits.",
        "Stopping the applications now. Writes are needed off only once it is close; the program says when.",
    ),
)
CUT_OVER = Gate(
    id="cutover",
    title="stop the applications and promote",
    why="Until now nothing has changed for clients. You decide when it does.",
    question=lambda m: f"Move the writes from {of(m).source.name} to {of(m).replica.name} now?",
    consequence=_cut_over,
    word=lambda m: of(m).source.name,
    choices=(Choice.CONFIRM, Choice.WAIVE, Choice.CANCEL),
    guide=Guide(
        "Until the replica is promoted it can be stopped, and the source has its writes. After the promotion there "
        "is no way back: nothing flows back to the old server.",
        "Forgetting something that writes: a job, a second application, a person with a client. The program waits "
        "until it sees no write any more, and says who is connected.",
    ),
)
MOVE_WRITES = Switch(
    id="move_writes",
    title="stop, signal, prove, promote",
    why="The provider promotes whatever the replica has: that it has everything is proved before it is asked.",
    undo_says="-",
    how=mover,
    guide=Guide(
        "Before the promotion it can be stopped. The promotion itself cannot be taken back.",
        "Promoting in the portal before the signal has arrived: what the replica did not have yet is then lost.",
    ),
)
BACK_UP = Step(
    id=back_up.STEP,
    title="back the new server up",
    side=Side.CLOUD,
    why="Out of this backup the server of the old name is made.",
    how=back_up,
    writes=Writes.OFF,
    guide=Guide(
        "A backup changes nothing.",
        "Starting the applications in between: what they write after this backup is not in the server that is "
        "restored from it.",
    ),
)
CONFIRM_REPLACE = Gate(
    id="replace_confirm",
    title="delete the old server",
    why="Its name is free only once it is gone.",
    question=lambda m: f"Delete {of(m).source.name}, so that its name can be used again?",
    consequence=lambda m: (
        f"{of(m).source.name} is DELETED with its data and its backups; what it held is on {of(m).replica.name} and in "
        "the backup. The applications stay stopped until it is restored."
    ),
    word=lambda m: of(m).source.name,
    choices=(Choice.CONFIRM,),
    when=same_name,
    guide=Guide(
        "What is deleted cannot be had back, nor can its backups. What it held is on the new server and in the "
        "backup that was just taken.",
        "Deleting before the backup is seen to be complete. It is looked at here before you are asked.",
    ),
)
REPLACE = Step(
    id=replacing.STEP,
    title="delete the old server",
    side=Side.CLOUD,
    why="Its name is free only once it is gone.",
    how=replacing,
    writes=Writes.OFF,
    guide=Guide(
        "It cannot be taken back. The new server and its backup hold everything.",
        "Deleting the wrong one by hand in the portal: the two names are much alike.",
    ),
)
RESTORE = Step(
    id=restore.STEP,
    title="restore under the old name",
    side=Side.CLOUD,
    why="The applications find the new server where the old one was.",
    how=restore,
    writes=Writes.OFF,
    guide=Guide(
        "It can be tried again from the same backup.",
        "Expecting the name to be free at once: Azure may keep it back for some time after the deletion.",
    ),
)
START = Step(
    id=start.STEP,
    title="let the applications in",
    side=Side.TARGET,
    why="They may write once the restored server is seen to hold what the promoted one held.",
    how=start,
    writes=Writes.SWITCH,
    guide=Guide(
        "The applications can be stopped again at any time. Going back to the old server is not possible: it is gone.",
        "Pointing the applications at the temporary server in the hurry: it is deleted in the end.",
    ),
)
OBSERVE = Gate(
    id="observe",
    title="see that all is well",
    why="There is no way back by this program; a look now is the last one before the migration is ended.",
    question=lambda m: f"Do the applications work well on {m.target.name}?",
    consequence=lambda m: f"{close.parting(m)} No server is deleted without a further question.",
    word=lambda m: m.target.name,
    choices=(Choice.COMPLETE,),
    guide=Guide(
        "There is no way back by this program. Completing tidies up and deletes no server without a further question.",
        "Deciding after a quiet hour. Wait for a peak of load and for the jobs of the night.",
    ),
)
COMPLETE = Step(
    id=close.STEP,
    title="tidy up",
    side=Side.BOTH,
    why="The signal databases have served.",
    how=close,
    guide=Guide(
        "The databases that served as a signal are empty; dropping them loses nothing.",
        "Using the signal's name for a database of one's own.",
    ),
)
CONFIRM_RELEASE = Gate(
    id="release_confirm",
    title="delete the server that is left over",
    why="What is deleted cannot be had back.",
    question=lambda m: f"Delete {release.surplus(m).name} for good?",
    consequence=lambda m: f"{release.surplus(m).name} is DELETED with its data. Its clients, if it has any, break.",
    word=lambda m: release.surplus(m).name,
    choices=(Choice.CONFIRM,),
    when=release.wanted,
    guide=Guide(
        "What is deleted cannot be had back.",
        "Deleting while somebody still connects there. Look for its clients first.",
    ),
)
RELEASE = Step(
    id=release.STEP,
    title="delete the server that is left over",
    side=Side.CLOUD,
    why="A server that nobody needs any more is billed all the same.",
    how=release,
    guide=Guide(
        "It cannot be had back, nor can its backups.",
        "Confusing the two servers: what is deleted is the one that is left over, whose name you have typed.",
    ),
)


def _native(found: tuple[Check, ...]) -> tuple[Check, ...]:
    """Without what concerns another provider."""
    return tuple(one for one in found if not one.id.startswith("aliyun"))


RUNBOOK = Runbook(
    name="azure_service_tier",
    title="Azure: service tier of a MySQL server, by a replica",
    checks=(*checks.every(), *_native(on_route(Route.PHYSICAL))),
    activity=(*_native(again_on_route(Route.PHYSICAL)), *(check for check in checks.every() if check.again)),
    route=lambda m: Route.PHYSICAL,
    stages={
        Stage.PREPARE: (CHECKS, choices.CHOOSE_ENDING, choices.CHOOSE_TIER, APPROVE),
        Stage.CREATE: (BACKUP_READY, REPLICA),
        Stage.SYNC: (CATCH_UP, COMPARE),
        Stage.CUTOVER: (CUT_OVER, MOVE_WRITES),
        Stage.OBSERVE: (BACK_UP, CONFIRM_REPLACE, REPLACE, RESTORE, START, OBSERVE),
        Stage.COMPLETE: (COMPLETE, choices.CHOOSE_RELEASE, CONFIRM_RELEASE, RELEASE),
    },
    finish_on_source=(),
    follows_from=REPLICA.id,
    cloud=open_account,
    follow=Following,
    new_address=lambda m: None,
    reversible=False,
)
