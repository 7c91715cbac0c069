"""What an operator chooses of the cluster that is bought, one thing at a time, with what it means."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migration.aliyun import create, sizes
from migration.aliyun.account import of
from migration.aliyun.sizes import SERVERLESS, UNKNOWN
from migration.choosing import ask
from migration.runbook import Migration, StepFailed
from migration.view import Guide, Option
from providers.aliyun import polardb, rds
from providers.aliyun.polardb_records import NodeClass, VSwitch
from providers.aliyun.rds import Instance

# "Upgrade steps", the versions a source may go to.
_TARGETS = {"5.6": ("5.6", "5.7", "8.0"), "5.7": ("5.7", "8.0"), "8.0": ("8.0",)}
# PolarDB API reference, CreateDBCluster, ScaleMin (1 to 31) and ScaleMax (1 to 32).
_SIZES = (1, 2, 4, 8, 16, 32)
# The same, UsedTime: 1 to 9 months, 1 to 3 years.
_MONTHS, _YEARS = range(1, 10), range(1, 4)
# The same, LooseXEngineUseMemoryPct (10 to 90); half first, which is the provider's own default.
_SHARES = (50, 10, 20, 30, 40, 60, 70, 80, 90)
# The edition that is ordered where the order names none; classes of others cannot be ordered without naming theirs.
_CATEGORY = "Normal"
_AVAILABLE = "Available"
_PRICE = "What it costs is not shown here: look at the provider's page for purchases before you choose."


@dataclass(frozen=True)
class _Place:
    """Where a cluster can be put: a vSwitch in a zone in which nodes are sold, and the VPC that it is of."""

    vpc: str
    vpc_name: str
    zone: str
    vswitch: str
    about: str


def _source(m: Migration) -> Instance:
    account = of(m)
    return account.read(lambda client: rds.instance(client, account.instance_id))


def _sold(m: Migration, version: str = "") -> tuple[NodeClass, ...]:
    """The classes of nodes that are sold in each zone, of the version that was chosen or of this one."""
    pay_type = create.pay_type(m.chosen("billing"))
    wanted = version or m.chosen("version") or _source(m).version or ""
    listed = of(m).read(lambda client: polardb.node_classes(client, pay_type, wanted))
    return tuple(one for one in listed if one.category in (None, _CATEGORY))


def _versions(m: Migration) -> tuple[Option, ...]:
    """Those that can be bought, the source's own first."""
    own = _source(m).version or ""
    listed = (own,) if of(m).rules == "2019" else _TARGETS.get(own, (own,))
    same = "the version of the source; only the same version can be moved physically"
    newer = "newer than the source: moved logically, by DTS; look at the checks on versions"
    return tuple(Option(one, same if one == own else newer) for one in listed if one and _sold(m, one))


def _billing(m: Migration) -> tuple[Option, ...]:
    fixed = (
        Option("Postpaid", "pay as you go, by the hour; the cluster can be released at any time"),
        Option(create.PREPAID, "a subscription; it cannot be released before it ends, only unsubscribed from"),
    )
    if sizes.of_units(_SIZES[-1]).holds(sizes.of_instance(_source(m))) is False:
        # Nodes that grow do not become as large as the source.
        return fixed
    grows = Option(
        SERVERLESS,
        "nodes grow and shrink with the load, between two sizes that you choose; billed by use, from the moment it "
        "runs",
    )
    return (*fixed, grows)


def _periods(m: Migration) -> tuple[Option, ...]:
    """How long a subscription lasts; none where there is none."""
    if m.chosen("billing") != create.PREPAID:
        return ()
    units = [(number, "month") for number in _MONTHS] + [(number, "year") for number in _YEARS]
    names = [f"{number} {unit}{'' if number == 1 else 's'}" for number, unit in units]
    return tuple(Option(name, f"paid for at once, for {name}; then it ends, or is renewed") for name in names)


def _renewals(m: Migration) -> tuple[Option, ...]:
    if m.chosen("billing") != create.PREPAID:
        return ()
    return (
        Option(create.ENDS, "when it ends the cluster is locked, and later released, unless you renew it before"),
        Option(
            create.RENEWED, "it is renewed, and paid for, each time it ends, until you say otherwise in the console"
        ),
    )


def _places(m: Migration) -> tuple[_Place, ...]:
    """Where the cluster can be put, what is the instance's own first.

    Raises:
        StepFailed: nowhere in the instance's VPC.
    """
    instance = _source(m)
    zones = sorted({one.zone_id for one in _sold(m) if one.zone_id})
    found = [
        _Place(
            vpc.vpc_id,
            vpc.name or "",
            switch.zone_id,
            switch.vswitch_id,
            _about(switch),
        )
        for vpc in of(m).read(polardb.vpcs)
        for switch in vpc.vswitches or ()
        if vpc.vpc_id and switch.vswitch_id and switch.zone_id in zones and switch.status in (None, _AVAILABLE)
    ]
    if not any(one.vpc == instance.vpc_id for one in found) and (instance.vpc_id or not found):
        raise StepFailed(
            f"{instance.vpc_id or 'No VPC'}, in which the cluster would be, has no vSwitch in a zone where nodes of "
            f"PolarDB are sold ({', '.join(zones) or 'none'}): create one in the VPC console, then try again."
        )
    near = _zone_of(instance, found)
    found.sort(key=lambda one: (one.vpc != instance.vpc_id, one.zone != near, one.vswitch != instance.vswitch_id))
    return tuple(found)


def _about(switch: VSwitch) -> str:
    return f"{switch.name or 'without a name'}, {switch.block or 'of an unknown block'}"


def _zone_of(instance: Instance, places: Iterable[_Place]) -> str:
    """The instance's zone; where it has several, the one of its vSwitch."""
    return next((one.zone for one in places if one.vswitch == instance.vswitch_id), instance.zone_id or "")


def _vpcs(m: Migration) -> tuple[Option, ...]:
    own = _source(m).vpc_id
    names = {one.vpc: one.vpc_name for one in _places(m)}
    same = "the instance's: clients reach the cluster as they reach the instance, and addresses can be exchanged"
    other = (
        f"NOT the instance's ({own or 'which is in none'}): no private address is exchanged, clients of the "
        "instance do not reach the cluster's, and the switch is held up until you accept that"
    )
    return tuple(
        Option(vpc, f"{name}{'; ' if name else ''}{same if vpc == own else other}") for vpc, name in names.items()
    )


def _zones(m: Migration) -> tuple[Option, ...]:
    """The zones of the VPC that was chosen."""
    places = _places(m)
    near = _zone_of(_source(m), places)
    same = "the instance's: as near to the applications there as the instance is"
    other = "another zone of the region: each statement of an application in the instance's zone goes a little farther"
    zones = dict.fromkeys(one.zone for one in places if one.vpc == m.chosen("vpc"))
    return tuple(Option(zone, same if zone == near else other) for zone in zones)


def _vswitches(m: Migration) -> tuple[Option, ...]:
    """The vSwitches of the VPC and zone that were chosen."""
    own, wanted = _source(m).vswitch_id, (m.chosen("vpc"), m.chosen("zone"))
    same, words = "the instance's, ", "the cluster's private addresses are of its block"
    return tuple(
        Option(one.vswitch, f"{same if one.vswitch == own else ''}{one.about}: {words}")
        for one in _places(m)
        if (one.vpc, one.zone) == wanted
    )


def _node_classes(m: Migration) -> tuple[Option, ...]:
    """Classes in the chosen zone that are at least as large as the source, the smallest first; then the unknown ones.

    Raises:
        StepFailed: there is none.
    """
    instance, chosen = _source(m), m.story().chosen
    if chosen.get("billing") == SERVERLESS:
        return (Option(create.SERVERLESS_CLASS, "its size is chosen by its smallest and its largest"),)
    zone, needed = chosen.get("zone") or instance.zone_id, sizes.of_instance(instance)
    known = sizes.of_classes(of(m), chosen.get("billing", ""))
    names = dict.fromkeys(one.name for one in _sold(m) if one.name and one.zone_id == zone)
    listed = sorted(((known.get(name, UNKNOWN), name) for name in names), key=lambda one: (one[0].order, one[1]))
    each = "each node has it, by default one writes and one reads"
    options = [Option(name, f"{size}; the source has {needed}; {each}") for size, name in listed if size.holds(needed)]
    options += [
        Option(name, f"WHETHER IT IS LARGE ENOUGH IS NOT KNOWN: {size}; the source has {needed}; asked once more")
        for size, name in listed
        if size.holds(needed) is None
    ]
    if not options:
        raise StepFailed(
            f"In {zone} PolarDB sells no class of nodes that is at least as large as {instance.instance_id} "
            f"({needed}): {len(listed)} are smaller. Cancel, and begin again in another zone, or with nodes that grow."
        )
    return tuple(options)


def _scale(m: Migration, least: int) -> tuple[Option, ...]:
    """Sizes of a node that grows, from the least on; none where it does not."""
    if m.chosen("billing") != SERVERLESS:
        return ()
    needed = sizes.of_instance(_source(m))
    return tuple(
        Option(str(size), f"about {sizes.of_units(size)} a node; the source has {needed}")
        for size in _SIZES
        if size >= least
    )


def _smallest(m: Migration) -> tuple[Option, ...]:
    return tuple(one for one in _scale(m, 1) if int(one.value) < _SIZES[-1])


def _largest(m: Migration) -> tuple[Option, ...]:
    """The largest first, and none that is smaller than the source."""
    needed = sizes.of_instance(_source(m))
    listed = _scale(m, int(m.chosen("scale_min") or "1") + 1)[::-1]
    return tuple(one for one in listed if sizes.of_units(int(one.value)).holds(needed) is not False)


def _storage_engines(m: Migration) -> tuple[Option, ...]:
    version = m.chosen("version") or _source(m).version
    if version != "8.0":
        return ()
    return (
        Option("innodb", "InnoDB alone, as on the source"),
        Option(create.XENGINE, "InnoDB and X-Engine, which compresses archives and takes a share of the memory"),
    )


def _shares(m: Migration) -> tuple[Option, ...]:
    if m.chosen("storage_engine") != create.XENGINE:
        return ()
    return tuple(
        Option(str(share), f"{share} % of the memory to X-Engine, {100 - share} % to InnoDB") for share in _SHARES
    )


VERSION = ask(
    "version", "version of the cluster",
    "It decides whether the data files are copied or the rows are, and what the applications meet.",
    "Which version is the cluster to have?", _versions, "The engine, MySQL, and the region stay those of the source.",
    guide=Guide(
        "Nothing is done by choosing. Once the cluster is ordered its version stays what it is.",
        "Taking a newer version along with the move without having tried the application on it: a copy, once, is "
        "made for that.",
    ),
)  # fmt: skip
BILLING = ask(
    "billing", "how the cluster is paid for", "It cannot be taken back for a subscription.",
    "How is the cluster to be paid for?", _billing, _PRICE,
    guide=Guide(
        "Nothing is done by choosing. A subscription that was ordered is only unsubscribed from, in the console.",
        "Subscribing before the migration has proved itself: what is paid by the hour can be given up at any "
        "time.",
    ),
)  # fmt: skip
PERIOD = ask(
    "period", "how long the subscription lasts", "It is paid for at once, and ends only by unsubscribing from it.",
    "For how long is the cluster to be subscribed to?", _periods, _PRICE,
    guide=Guide(
        "Nothing is done by choosing. What was ordered is paid for, and ends only by unsubscribing in the "
        "console.",
        "Choosing the longest for its price before anybody has worked on the cluster for a week.",
    ),
)  # fmt: skip
RENEWAL = ask(
    "renewal", "what follows the subscription", "A cluster whose subscription has ended is locked.",
    "What is to become of it when the subscription ends?", _renewals, "It can be changed later in the console.",
    guide=Guide(
        "It can be changed in the console for as long as the subscription lasts.",
        "Letting it end without a date in somebody's calendar: the cluster is locked that day.",
    ),
)  # fmt: skip
VPC = ask(
    "vpc", "VPC of the cluster", "Only in the same network do clients reach both, and can addresses be exchanged.",
    "In which VPC is the cluster to be?", _vpcs, "It cannot be changed once the cluster is there.",
    guide=Guide(
        "Nothing is done by choosing. A cluster that is there stays in its network.",
        "Taking another network than the instance's: applications there do not reach the cluster, and no private "
        "address is exchanged.",
    ),
)  # fmt: skip
ZONE = ask(
    "zone", "zone of the cluster", "How far it is from the applications; not every zone sells every class.",
    "In which zone is the cluster to be?", _zones, "It has the class of nodes and the vSwitch asked for next.",
    guide=Guide(
        "Nothing is done by choosing. The zone of a cluster can be changed later in the console, with a short "
        "break.",
        "Putting the cluster far from the applications: each statement pays for the way, and a page has hundreds.",
    ),
)  # fmt: skip
VSWITCH = ask(
    "vswitch", "vSwitch of the cluster", "It is a part of the VPC in one zone, with the addresses of its own.",
    "Which vSwitch is the cluster to use?", _vswitches, "Firewalls and routes that name blocks have to have this one.",
    guide=Guide(
        "Nothing is done by choosing. It stays what it is for the addresses that the cluster begins with.",
        "Forgetting security groups and routes that name the old block: they keep clients from the new addresses.",
    ),
)  # fmt: skip
NODE_CLASS = ask(
    "node_class", "class of the nodes",
    "The provider asks for nodes at least as large as the source; classes that are smaller are not listed.",
    "Which class are its nodes to have?", _node_classes, _PRICE,
    guide=Guide(
        "Nothing is done by choosing. A class can be changed later in the console, with a short break.",
        "Going by the number of cores alone: memory that is smaller than the working set makes every read slow.",
    ),
)  # fmt: skip
SCALE_MIN = ask(
    "scale_min", "smallest size of the nodes", "It is what is there, and billed, while nothing is to be done.",
    "How small may its nodes become?", _smallest, _PRICE,
    guide=Guide(
        "It can be changed later in the console.",
        "Choosing the least there is: after a quiet night the first requests of the day meet a small node.",
    ),
)  # fmt: skip
SCALE_MAX = ask(
    "scale_max", "largest size of the nodes", "A cluster that is weaker than the source is slow when it counts.",
    "How large may its nodes become?", _largest, _PRICE,
    guide=Guide(
        "It can be changed later in the console.",
        "Choosing it by the average load: it is the peak that it is there for.",
    ),
)  # fmt: skip
STORAGE_ENGINE = ask(
    "storage_engine", "storage engine", "X-Engine compresses archives and can be had from the beginning only.",
    "Which storage engines is it to have?", _storage_engines, "Tables stay InnoDB either way.",
    guide=Guide(
        "Nothing is done by choosing. A cluster without X-Engine cannot be given it later.",
        "Choosing X-Engine for tables that are written all day: it is for archives, which are seldom changed.",
    ),
)  # fmt: skip
XENGINE_SHARE = ask(
    "xengine_share", "X-Engine's share of the memory", "What X-Engine has is not there for tables in InnoDB.",
    "How much of the memory is X-Engine to have?", _shares, "Tables stay InnoDB until you convert them.",
    guide=Guide(
        "It can be changed later in the console, with a restart.",
        "Giving most of it to X-Engine while nearly every table is InnoDB, as on the source.",
    ),
)  # fmt: skip
