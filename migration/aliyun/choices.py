"""What the operator chooses, one thing at a time, with what it means."""

from __future__ import annotations

from migration.aliyun import addresses, clone, close, copying, create, endpoints, release, tasks
from migration.aliyun.account import of
from migration.aliyun.route import route_of
from migration.aliyun.state import look
from migration.check import Route
from migration.choosing import ask
from migration.runbook import Migration
from migration.view import Option
from providers.aliyun import polardb, rds
from providers.aliyun.rds import Instance

# "Upgrade steps", the versions a source may go to.
_TARGETS = {"5.6": ("5.6", "5.7", "8.0"), "5.7": ("5.7", "8.0"), "8.0": ("8.0",)}
# PolarDB API reference, CreateDBCluster, ScaleMin (1 to 31) and ScaleMax (1 to 32): units of about a core and 2 GB.
_SIZES = (1, 2, 4, 8, 16, 32)
_PRICE = "The provider shows prices on its page for purchases only, not to programs: look there before you choose."


def _nothing(m: Migration) -> str:
    return ""


def _source(m: Migration) -> Instance:
    account = of(m)
    return account.read(lambda client: rds.instance(client, account.instance_id))


def _versions(m: Migration) -> tuple[Option, ...]:
    """Those that can be bought, the source's own first."""
    account, own = of(m), _source(m).version or ""

    listed = (own,) if account.rules == "2019" else _TARGETS.get(own, (own,))

    def sold(version: str) -> bool:
        return bool(account.read(lambda client: polardb.node_classes(client, "Postpaid", version)))

    same = "the version of the source; only the same version can be moved physically"
    newer = "newer than the source: moved logically, by DTS; look at the checks on versions"
    return tuple(Option(one, same if one == own else newer) for one in listed if one and sold(one))


def _billing(m: Migration) -> tuple[Option, ...]:
    return (
        Option("Postpaid", "pay as you go, by the hour; the cluster can be released at any time"),
        Option("Prepaid", "a subscription of one month; it cannot be released before it ends, only unsubscribed from"),
        Option(
            create.SERVERLESS,
            "nodes grow and shrink with the load, between two sizes that you choose; billed by use, from the moment "
            "it runs",
        ),
    )


def _node_classes(m: Migration) -> tuple[Option, ...]:
    """Classes in the source's zone, as the provider lists them; there is one of nodes that grow."""
    instance, chosen = _source(m), m.story().chosen
    if chosen.get("billing") == create.SERVERLESS:
        return (Option(create.SERVERLESS_CLASS, "its size is chosen by its smallest and its largest"),)
    account = of(m)
    version = chosen.get("version") or instance.version or ""
    listed = account.read(lambda client: polardb.node_classes(client, chosen.get("billing", "Postpaid"), version))
    names = dict.fromkeys(one.name for one in listed if one.name and one.zone_id == instance.zone_id)
    wanted = f"{instance.node_class or 'unknown'}: {instance.cpus or '?'} cores, {(instance.memory_mb or 0) // 1024} GB"
    meaning = f"choose at least what the source has ({wanted}); each node has it, by default one writes and one reads"
    return tuple(Option(name, meaning) for name in names)


def _scale(m: Migration, least: int) -> tuple[Option, ...]:
    """Sizes of a node that grows, from the least on; none where it does not."""
    if m.chosen("billing") != create.SERVERLESS:
        return ()
    instance = _source(m)
    wanted = f"{instance.cpus or '?'} cores, {(instance.memory_mb or 0) // 1024} GB"
    return tuple(
        Option(
            str(size),
            f"about {size} {'core' if size == 1 else 'cores'} and {2 * size} GB a node; the source has {wanted}",
        )
        for size in _SIZES
        if size >= least
    )


def _smallest(m: Migration) -> tuple[Option, ...]:
    return tuple(one for one in _scale(m, 1) if int(one.value) < _SIZES[-1])


def _largest(m: Migration) -> tuple[Option, ...]:
    """The largest first: a cluster that cannot grow as far as the source is slow from the first minute."""
    return _scale(m, int(m.chosen("scale_min") or "1") + 1)[::-1]


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


def _storage_engines(m: Migration) -> tuple[Option, ...]:
    version = m.chosen("version") or _source(m).version
    if version != "8.0":
        return ()
    return (
        Option("innodb", "InnoDB alone, as on the source"),
        Option("xengine", "InnoDB and X-Engine, which compresses archives; half of the memory goes to X-Engine"),
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
    names = ", ".join(f"{job.name or job.job_id} ({job.status})" for job in listed.jobs)
    doubt = f". {listed.doubt}" if listed.doubt else ""
    return (
        Option(tasks.MOVE, f"after the switch to the cluster, after a rollback back to the instance: {names}{doubt}"),
        Option(
            tasks.LEAVE, f"{names}: tasks that write to the instance fail once it is read-only; see to them yourself"
        ),
    )


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
)  # fmt: skip
VERSION = ask(
    "version", "version of the cluster",
    "It decides whether the data files are copied or the rows are, and what the applications meet.",
    "Which version is the cluster to have?", _versions, "The engine, MySQL, and the region stay those of the source.",
)  # fmt: skip
BILLING = ask(
    "billing", "how the cluster is paid for", "It cannot be taken back for a subscription.",
    "How is the cluster to be paid for?", _billing, _PRICE,
)  # fmt: skip
NODE_CLASS = ask(
    "node_class", "class of the nodes", "A cluster that is weaker than the source is slow from the first minute.",
    "Which class are its nodes to have?", _node_classes, _PRICE,
)  # fmt: skip
SCALE_MIN = ask(
    "scale_min", "smallest size of the nodes", "It is what is there, and billed, while nothing is to be done.",
    "How small may its nodes become?", _smallest, _PRICE,
)  # fmt: skip
SCALE_MAX = ask(
    "scale_max", "largest size of the nodes", "A cluster that is weaker than the source is slow when it counts.",
    "How large may its nodes become?", _largest, _PRICE,
)  # fmt: skip
RATE = ask(
    copying.GATE, "rate of the copy", "The copy by DTS loads the instance and the cluster.",
    "How fast may DTS copy?", _rates,
    "It is set once the copy has begun, and is all that is changed of the task; the changes after the copy are not "
    "held back.",
)  # fmt: skip
STORAGE_ENGINE = ask(
    "storage_engine", "storage engine", "X-Engine compresses archives and can be had from the beginning only.",
    "Which storage engines is it to have?", _storage_engines, "Tables stay InnoDB either way.",
)  # fmt: skip
ADD_ENDPOINTS = ask(
    "add_endpoints", "endpoints of the cluster", "Only what exists on both sides can be exchanged.",
    "Are endpoints to be added to the cluster?", _add_endpoints,
    "A public address makes the cluster reachable from outside.",
)  # fmt: skip
ENDPOINTS = ask(
    "endpoints", "exchange the endpoints with the switch",
    "With them, applications keep their addresses; without, each has to be given a new one.",
    "Are the endpoints to be exchanged with the switch?", _exchange,
    "Both ways writes stop for 1 to 5 minutes of a switch of less than 10.",
)  # fmt: skip
TASKS = ask(
    "tasks", "DTS tasks of the source", "They follow the side that has the writes, or break.",
    "What becomes of them?", _tasks, "The migration's own task is never touched.",
)  # fmt: skip
BINLOG = ask(
    "binlog", "binary log of the cluster", "It is on since the migration began.",
    "Is it to stay on?", _binlog, "It can be changed later in the cluster's parameters, with a restart.",
)  # fmt: skip
RELEASE = ask(
    "release", "the source instance", "It is billed for as long as it is there.",
    "What becomes of the source?", _release, "Nothing is deleted without one more typed confirmation.",
)  # fmt: skip
