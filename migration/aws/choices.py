"""What the operator chooses, one thing at a time, with what it means."""

from __future__ import annotations

from migration.aws import create, release, state
from migration.aws.account import of
from migration.choosing import ask
from migration.runbook import Migration
from migration.view import Guide, Option
from providers.aws import offers
from providers.aws.offers import NodeClass

_PRICE = "AWS shows prices on its page for purchases only, not to programs: look there before you choose."
_STORAGE = {
    "gp2": "general purpose; IOPS grow with the size",
    "gp3": "general purpose; IOPS and throughput can be bought apart from the size",
    "io1": "provisioned IOPS",
    "io2": "provisioned IOPS, with less delay and fewer failures than io1",
}
_STEPS = (3000, 6000, 12000, 20000, 40000, 64000, 80000, 160000, 256000)


def _offered(m: Migration) -> tuple[NodeClass, ...]:
    """What a replica of the source can be made of."""
    found = state.source(m)
    listed = of(m).read(lambda client: offers.classes(client, found.engine or "", found.version or ""))
    return tuple(one for one in listed if one.replicas is not False)


def _first(own: str | None, names: list[str]) -> list[str]:
    """Names once each, the source's own first."""
    return sorted(dict.fromkeys(names), key=lambda name: name != own)


def _node_classes(m: Migration) -> tuple[Option, ...]:
    own = state.source(m).node_class
    same, other = "the class of the source", f"the source has {own}"
    names = _first(own, [one.name for one in _offered(m) if one.name])
    return tuple(Option(name, same if name == own else other) for name in names)


def _storage_types(m: Migration) -> tuple[Option, ...]:
    own, node_class = state.source(m).storage_type, m.chosen("node_class")
    names = _first(own, [one.storage_type for one in _offered(m) if one.storage_type and one.name == node_class])
    return tuple(
        Option(name, f"{_STORAGE.get(name, 'see its page')}{', as at the source' if name == own else ''}")
        for name in names
    )


def _iops(m: Migration) -> tuple[Option, ...]:
    found, chosen = state.source(m), m.story().chosen
    wanted = (chosen.get("node_class"), chosen.get("storage_type"))
    bounds = next((one for one in _offered(m) if (one.name, one.storage_type) == wanted), None)
    if bounds is None or bounds.least_iops is None or bounds.most_iops is None:
        return ()
    own = found.iops if found.storage_type == chosen.get("storage_type") else None
    steps = [own, *_STEPS] if own else list(_STEPS)
    listed = dict.fromkeys(one for one in steps if one and bounds.least_iops <= one <= bounds.most_iops)
    return tuple(
        Option(str(one), "as at the source" if one == own else "a second, billed whether they are used or not")
        for one in listed
    )


def _multi_az(m: Migration) -> tuple[Option, ...]:
    own = state.source(m).multi_az
    no = Option("no", "one instance; a failure of its zone takes it away" + ("" if own else ", as the source"))
    yes = Option(
        create.YES,
        "a standby in another zone, made with the replica; AWS advises against converting a busy primary. A failover "
        "still takes 60 to 120 s" + (", as at the source" if own else ""),
    )
    return (yes, no) if own else (no, yes)


def _release(m: Migration) -> tuple[Option, ...]:
    old = of(m).instance_id
    return (
        Option(release.KEEP, f"{old} stays, read-only and billed; delete it later yourself"),
        Option(release.RELEASE, "a last snapshot is taken and kept, then it is deleted; asked once more"),
    )


NODE_CLASS = ask(
    "node_class", "class of the new instance",
    "A replica can have another class from its beginning, so nobody waits for the change.",
    "Which class is the new instance to have?", _node_classes, _PRICE,
    guide=Guide(
        "Nothing is done by choosing. Cancelling costs nothing until the plan is approved.",
        "Choosing by price alone. A class with less memory holds less of the data, and shows it under the first "
        "peak; and AWS shows prices only on its own pages.",
    ),
)  # fmt: skip
STORAGE_TYPE = ask(
    "storage_type", "storage type of the new instance",
    "Changing it on a running primary takes hours, and in some cases an outage; a replica is made with it.",
    "Which storage type is it to have?", _storage_types, "Its size stays that of the source.",
    guide=Guide(
        "Nothing is done by choosing. Later it can be changed again, but on a running instance that takes hours.",
        "Taking a type with provisioned IOPS because it sounds faster: what counts is how many IOPS are used now, "
        "and they are billed whether they are used or not.",
    ),
)  # fmt: skip
IOPS = ask(
    "iops", "IOPS of the new instance",
    "They are what most resizes are for.",
    "How many IOPS is it to have?", _iops, _PRICE,
    guide=Guide(
        "Nothing is done by choosing. They can be changed later, with hours of slower storage.",
        "Buying for the highest peak ever seen. Look at what the instance used in the last weeks, and add some "
        "room.",
    ),
)  # fmt: skip
MULTI_AZ = ask(
    "multi_az", "standby in another zone",
    "It can be had from the beginning, without burdening the primary.",
    "Is the new instance to have a standby?", _multi_az, _PRICE,
    guide=Guide(
        "Nothing is done by choosing. A standby can be taken away later without an outage.",
        "Taking a standby for a backup or for more speed: it is neither. It shortens a failure of the zone to a "
        "minute or two, and doubles the price.",
    ),
)  # fmt: skip
RELEASE = ask(
    "release", "the old primary", "It is billed for as long as it is there.",
    "What becomes of the old primary?", _release, "Nothing is deleted without one more typed confirmation.",
    guide=Guide(
        "Keeping it decides nothing: it can be deleted later in the console. What is deleted can be had back only "
        "from its last snapshot.",
        "Deleting it on the day of the migration. Somebody still has its endpoint in a configuration, and a few "
        "days of its bill are cheap.",
    ),
)  # fmt: skip
