"""What the operator chooses, one thing at a time, with what it means; what is bought is in `purchase`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from migration.aliyun import addresses, clone, close, copying, endpoints, heartbeat, release, tasks
from migration.aliyun.account import of
from migration.aliyun.route import route_of
from migration.aliyun.state import look
from migration.check import Route
from migration.choosing import ask
from migration.heartbeat import DATABASE
from migration.runbook import Migration
from migration.view import Guide, Option
from providers.aliyun.dts import Job

# Four tasks can be chosen in 16 ways, which is a list that can be read; five in 32.
_EVERY_SELECTION = 4


def _creation(m: Migration) -> tuple[Option, ...]:
    return (
        Option(clone.MIGRATE, "filled from the instance, read-only, and follows it until you switch or cancel"),
        Option(
            clone.CLONE,
            "to try it out: filled from the instance once and writable at once. NOTHING IS SYNCHRONISED afterwards, so "
            "there is no switch to it: moving by a clone takes an application stop from before the order on",
        ),
    )


def _rates(m: Migration) -> tuple[Option, ...]:
    """How fast DTS may copy, where the rows travel by it."""
    if clone.wanted(m) or route_of(m) is not Route.LOGICAL:
        return ()
    return (
        Option(copying.FULL_SPEED, "the copy reads and writes as much as it can: both sides are loaded by it"),
        *(
            Option(rate, f"at most {rate} are read from the instance while it copies, so that it takes longer")
            for rate in copying.RATES
        ),
    )


def _heartbeats(m: Migration) -> tuple[Option, ...]:
    """None first: nothing is written on a server without need."""
    if clone.wanted(m):
        return ()
    user = m.source.endpoint.account.user
    return (
        Option(heartbeat.OFF, "nothing is written; how far the cluster is behind is the provider's word alone"),
        Option(
            heartbeat.ON,
            f"{user} makes the database {DATABASE} on the instance and counts a row up once a second on the side with "
            "the writes; read on the other, it is shown beside the provider's delay and decides nothing. It is dropped "
            "at the end",
        ),
    )


def _exchange(m: Migration) -> tuple[Option, ...]:
    rows = addresses.table(look(m))
    listed = "; ".join(addresses.in_words(row) for row in rows)
    count = sum(row.ours is not None for row in rows)
    without = "applications have to be given the cluster's address; they are refused until they use it"
    if not count:
        return (Option(addresses.WITHOUT, f"no address has a partner ({listed}); {without}"),)
    return (
        Option(
            addresses.WITH,
            f"applications keep their address: {listed}. Virtual IP addresses are not exchanged, so names must be "
            "looked up anew; to switch back exchanges them again",
        ),
        Option(addresses.WITHOUT, without),
    )


def _tasks(m: Migration) -> tuple[Option, ...]:
    listed = tasks.of_migration(m)
    if not listed.jobs:
        return ()
    names = _named(listed.jobs)
    doubt = f". {listed.doubt}" if listed.doubt else ""
    breaks = "tasks that write to the instance fail once it is read-only; see to them yourself"
    return (
        Option(tasks.MOVE, f"after the switch to the cluster, after a rollback back to the instance: {names}{doubt}"),
        Option(tasks.LEAVE, f"{names}: {breaks}"),
        *(
            Option(tasks.only(some), f"moved: {_named(some)}; left as they are: {_named(others)}: {breaks}")
            for some, others in _selections(listed.jobs)
        ),
    )


def _named(jobs: Sequence[Job]) -> str:
    return ", ".join(f"{job.name or job.job_id} ({job.status})" for job in jobs)


def _selections(jobs: Sequence[Job]) -> Iterator[tuple[tuple[Job, ...], tuple[Job, ...]]]:
    """Some of the tasks, with the others: each selection of a few, of many each one alone and all but one."""
    sizes = range(len(jobs) - 1, 0, -1)
    for size in sizes if len(jobs) <= _EVERY_SELECTION else (len(jobs) - 1, 1):
        for some in combinations(jobs, size):
            yield some, tuple(job for job in jobs if job not in some)


def _binlog(m: Migration) -> tuple[Option, ...]:
    return (
        Option(close.KEEP_LOG, "no restart; replicas and DTS tasks of the cluster need it"),
        Option(
            close.NO_LOG, "writes a little faster; the cluster RESTARTS: up to 5 minutes, connections break for 40 s"
        ),
    )


def _release(m: Migration) -> tuple[Option, ...]:
    return (
        Option(release.KEEP, f"{of(m).instance_id} stays, takes writes again and is billed; release it later yourself"),
        Option(
            release.RELEASE, "it is deleted with its data; its backups are kept as the provider does; asked once more"
        ),
    )


def _add_endpoints(m: Migration) -> tuple[Option, ...]:
    found = look(m)
    lacking = "; ".join(addresses.in_words(one.row) for one in endpoints.additions(found))
    if not lacking:
        return ()
    alone = "; ".join(addresses.in_words(row) for row in endpoints.left_alone(found))
    rest = f"; not these, which no call can add a partner for: {alone}" if alone else ""
    return (
        Option(endpoints.ADD, f"so that these can be exchanged as well: {lacking}{rest}"),
        Option(endpoints.LEAVE, f"applications that use these must be given another: {lacking}"),
    )


CREATION = ask(
    clone.GATE, "how the cluster is made", "Only a cluster that follows the instance can be switched to.",
    "Is the cluster to follow the instance?", _creation, "Neither changes the instance.",
    guide=Guide(
        "Nothing is done by choosing.",
        "Taking the clone for a migration: nothing follows after it, and there is no switch to it. It is for trying "
        "things out.",
    ),
)  # fmt: skip
RATE = ask(
    copying.GATE, "rate of the copy", "The copy by DTS loads the instance and the cluster.",
    "How fast may DTS copy?", _rates,
    "It is set once the copy has begun, and is all that is changed of the task; the changes after the copy are not "
    "held back.",
    guide=Guide(
        "Nothing is done by choosing. It is set once the copy has begun.",
        "Full speed on a busy instance by day: the copy reads as much as it can, and clients wait for the same "
        "disks.",
    ),
)  # fmt: skip
HEARTBEAT = ask(
    heartbeat.GATE, "a heartbeat beside the provider's delay",
    "The provider's figure can be large while nothing is written, and is all there is without a row of our own.",
    "Is a heartbeat to be written?", _heartbeats,
    "It is made before the cluster is, so that it travels with the rest.",
    guide=Guide(
        "Its database is dropped at the end, and where the migration is cancelled.",
        "Taking its reading for the provider's: the switch goes by the provider's delay alone.",
    ),
)  # fmt: skip
ADD_ENDPOINTS = ask(
    "add_endpoints", "endpoints of the cluster", "Only what exists on both sides can be exchanged.",
    "Are endpoints to be added to the cluster?", _add_endpoints,
    "A public address makes the cluster reachable from outside.",
    guide=Guide(
        "Endpoints are not taken away again by this program. Those that nobody uses can be deleted in the console.",
        "Adding a public address only for the exchange: the cluster is then reachable from outside.",
    ),
)  # fmt: skip
ENDPOINTS = ask(
    "endpoints", "exchange the endpoints with the switch",
    "With them, applications keep their addresses; without, each has to be given a new one.",
    "Are the endpoints to be exchanged with the switch?", _exchange,
    "Both ways writes stop for 1 to 5 minutes of a switch of less than 10.",
    guide=Guide(
        "Nothing is done by choosing. A rollback exchanges them again where they were exchanged.",
        "Taking the exchange for one of addresses: names are exchanged, and virtual addresses are not. Clients that "
        "keep looked-up names go on to the old side.",
    ),
)  # fmt: skip
TASKS = ask(
    "tasks", "DTS tasks of the source", "They follow the side that has the writes, or break.",
    "What becomes of them?", _tasks, "The migration's own task is never touched.",
    guide=Guide(
        "Tasks that were moved are moved back by a rollback.",
        "Leaving a task that writes to the instance: it fails once the instance is read-only, and nobody looks at "
        "it until its data is missed.",
    ),
)  # fmt: skip
BINLOG = ask(
    "binlog", "binary log of the cluster", "It is on since the migration began.",
    "Is it to stay on?", _binlog, "It can be changed later in the cluster's parameters, with a restart.",
    guide=Guide(
        "It can be turned on or off again later in the parameters, with a restart each time.",
        "Turning it off while something reads it: replicas and DTS tasks of the cluster need it.",
    ),
)  # fmt: skip
RELEASE = ask(
    "release", "the source instance", "It is billed for as long as it is there.",
    "What becomes of the source?", _release, "Nothing is deleted without one more typed confirmation.",
    guide=Guide(
        "Keeping it decides nothing: it can be released later. What is deleted can be had back only from its "
        "backups.",
        "Releasing it on the day of the migration. Somebody still has its address in a configuration.",
    ),
)  # fmt: skip
