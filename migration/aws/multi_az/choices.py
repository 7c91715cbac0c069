"""What the operator chooses, as for a new instance, but of the one that is there."""

from __future__ import annotations

from dataclasses import replace

from migration.aws import choices
from migration.aws.account import of
from migration.aws.multi_az import standby
from migration.decisions import Choice
from migration.runbook import Gate, Migration
from migration.view import Guide, Option

NODE_CLASS = replace(
    choices.NODE_CLASS,
    title="class of the instance",
    why="RDS gives it to the standby first and then fails over; with the class that it has, it only fails over.",
    question=lambda m: f"Which class is {of(m).instance_id} to have?",
)
STORAGE_TYPE = replace(
    choices.STORAGE_TYPE,
    title="storage type of the instance",
    why="It is changed while clients work, slower for hours, and cannot be changed again for six hours.",
    question=lambda m: f"Which storage type is {of(m).instance_id} to have?",
)
IOPS = replace(
    choices.IOPS, title="IOPS of the instance", question=lambda m: f"How many IOPS is {of(m).instance_id} to have?"
)
CONVERT = Gate(
    id="convert",
    title="convert in place",
    why="AWS highly recommends as a best practice not to convert a production instance to Multi-AZ.",
    question=lambda m: f"Make a standby of {of(m).instance_id} where it is, while clients work on it?",
    consequence=lambda m: (
        f"Clients of {of(m).instance_id} stand still for a moment, and are SLOWER for as long as its volume is copied, "
        "minutes to hours. What AWS advises is to convert a replica and to move there: cancel, then begin "
        "rds_promote_first with a standby chosen."
    ),
    word=lambda m: of(m).instance_id,
    choices=(Choice.CONFIRM, Choice.CANCEL),
    when=standby.lacking,
    guide=Guide(
        "The standby can be taken away again without an outage; cancelling does so. The slowness while its volume "
        "is copied cannot be undone, only waited for.",
        "Converting a busy instance by day: AWS advises against converting production in place, and to convert a "
        "replica and move there, which another runbook does.",
    ),
)


def _afterwards(m: Migration) -> tuple[Option, ...]:
    return (
        Option(standby.KEEP, "a failure of one zone takes 60 to 120 s; two instances are billed"),
        Option(standby.TAKE_AWAY, "Single-AZ again, as before; done without an outage"),
    )


AFTERWARDS = Gate(
    id="standby_after",
    title="the standby",
    why="It was made for this change, and is billed for as long as it is there.",
    question=lambda m: f"What becomes of the standby of {of(m).instance_id}?",
    consequence=lambda m: "It can be made or taken away at any time in the console.",
    word=lambda m: "",
    choices=(Choice.CONFIRM,),
    options=_afterwards,
    when=standby.lacking,
    guide=Guide(
        "Either can be changed later in the console, at any time.",
        "Forgetting it: two instances are billed. Or taking it away at once, when the next change would need it again.",
    ),
)
