"""Who may connect: the cluster inherits the primary instance's whitelist, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from migration.aliyun.checks.asking import (
    BOTH_WAYS,
    STEPS,
    account,
    answered,
    call_fix,
    cluster_id,
    instance,
    unsaid,
)
from migration.check import Fix, Pair, Result, Severity, check
from migration.checks.results import count, failed, not_applicable, passed, table
from migration.model import Side
from providers.aliyun import polardb, rds
from providers.aliyun.records import IpGroup

_NOBODY = "127.0.0.1"
_SAFETY, _VPC = "safety", "VPC"


@dataclass(frozen=True)
class _Missing:
    """Entries of a group of a read-only instance that the primary's groups do not cover."""

    group: str
    entries: tuple[str, ...]
    instances: tuple[str, ...]


@check(
    "rds-whitelists",
    "read-only whitelists are merged",
    Side.CLOUD,
    Severity.BLOCKER,
    why="The cluster takes over the primary's whitelist only: clients known to a read-only instance are locked out.",
    asks="rds:DescribeDBInstanceIPArrayList of the primary and of each read-only instance",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def merged(pair: Pair) -> Result:
    """Fails where a read-only instance lets in whom the primary does not."""
    readers = instance(pair).read_only_ids
    if readers is None:
        return unsaid("which read-only instances there are")
    if not readers:
        return not_applicable("there are no read-only instances")
    primary = _groups(pair, account(pair).instance_id)
    theirs = [(name, _groups(pair, name)) for name in readers]
    if primary is None or any(groups is None for _, groups in theirs):
        return unsaid("the entries of a whitelist")
    missing = _missing(primary, [(name, groups or ()) for name, groups in theirs])
    if not missing:
        return passed(f"all of {count(len(readers), 'instance', 'instances')}")
    rows = [
        (
            one.group,
            entry,
            ", ".join(one.instances),
            "open to all: decide by hand" if _is_open(entry) else "is to be added",
        )
        for one in missing
        for entry in one.entries
    ]
    mode = _network_type(pair)
    fixes = [fix for one in missing if (fix := _addition(pair, primary, one, mode)) is not None]
    return failed(
        count(len(rows), "entry is missing", "entries are missing"),
        table(("group", "entry", "of", "what"), rows),
        "Add these entries to the primary's group of the same name (the changes shown here; what is in a group already "
        "stays). An entry that is open to all is never added from here: see who really connects and add those "
        "addresses. Undone, exactly the added entries are taken away again.",
        *fixes,
    )


@check(
    "rds-whitelist-open",
    "whitelist is neither open nor shut",
    Side.CLOUD,
    Severity.WARNING,
    why="An entry for everybody opens the cluster as well, and a list of 127.0.0.1 alone lets nobody in.",
    asks="rds:DescribeDBInstanceIPArrayList of the primary",
    routes=BOTH_WAYS,
    page=STEPS,
)
@answered
def open_or_shut(pair: Pair) -> Result:
    """Fails where the primary's whitelist lets in everybody, or nobody."""
    groups = _groups(pair, account(pair).instance_id)
    if groups is None:
        return unsaid("the entries of a whitelist")
    entries = [(group.name or "", entry) for group in groups for entry in group.entries or ()]
    wide = [(group, entry, "everybody may connect") for group, entry in entries if _is_open(entry)]
    if wide:
        return failed(
            "open to everybody",
            table(("group", "entry", "what it means"), wide),
            "Find out from where clients connect, add those addresses, and delete this entry in the RDS console "
            "(Whitelist and SecGroup): the cluster takes it over, its public endpoints included.",
        )
    if all(entry == _NOBODY for _, entry in entries):
        return failed(
            "nobody may connect",
            table(("group", "entry", "what it means"), [(group, entry, "nobody") for group, entry in entries]),
            "Add the addresses of the application's servers in the RDS console (Whitelist and SecGroup); where they "
            "come in through a security group, give the cluster that group after it is there.",
        )
    return passed(count(len(entries), "entry", "entries"))


@check(
    "polardb-whitelist",
    "cluster lets in whom the source does",
    Side.CLOUD,
    Severity.WARNING,
    why="Entries that came to the source after the cluster was made are not on it: those clients are locked out.",
    asks="rds:DescribeDBInstanceIPArrayList of the primary; polardb:DescribeDBClusterAccessWhitelist",
    routes=BOTH_WAYS,
    again=True,
    page=STEPS,
)
@answered
def cluster_whitelist(pair: Pair) -> Result:
    """Fails where the source lets in whom the cluster does not."""
    name, asked = cluster_id(pair), account(pair)
    if name is None:
        return not_applicable("there is no cluster yet")
    source = _groups(pair, asked.instance_id)
    target = _visible(asked.read(lambda client: polardb.whitelist(client, name)))
    if source is None or target is None:
        return unsaid("the entries of a whitelist")
    missing = _missing(target, [(asked.instance_id, source)])
    if not missing:
        return passed("all entries")
    return failed(
        count(sum(len(one.entries) for one in missing), "entry is missing", "entries are missing"),
        table(("group", "entry"), [(one.group, entry) for one in missing for entry in one.entries]),
        "Add these entries to the cluster's whitelist of the same name (the changes shown here, or PolarDB console, "
        "Cluster Whitelists). Nothing here takes them away again: do that in the console.",
        *(
            call_fix(
                polardb.append_to_whitelist(name, one.group, narrow), None, setting=f"cluster's whitelist {one.group}",
                was="without them", becomes=f"with {', '.join(narrow)}", reach="these addresses may connect",
            )
            for one in missing
            if (narrow := _narrow(one.entries))
        ),
    )  # fmt: skip


def _groups(pair: Pair, instance_id: str) -> tuple[IpGroup, ...] | None:
    """The groups of an instance that are its owner's; None where the answer leaves something out."""
    asked = account(pair)
    listed = pair.once(
        ("rds whitelist", instance_id), lambda: asked.read(lambda client: rds.whitelist(client, instance_id))
    )
    return _visible(listed)


def _visible(listed: tuple[IpGroup, ...]) -> tuple[IpGroup, ...] | None:
    shown = tuple(group for group in listed if not group.hidden)
    return None if any(group.name is None or group.entries is None for group in shown) else shown


def _missing(primary: Iterable[IpGroup], theirs: Iterable[tuple[str, tuple[IpGroup, ...]]]) -> tuple[_Missing, ...]:
    covered = [entry for group in primary for entry in group.entries or ()]
    found: dict[tuple[str, str], list[str]] = {}
    for name, groups in theirs:
        for group in groups:
            for entry in group.entries or ():
                if entry != _NOBODY and not _is_covered(entry, covered):
                    found.setdefault((group.name or "", entry), []).append(name)
    return tuple(
        _Missing(
            group,
            tuple(entry for other, entry in found if other == group),
            tuple(dict.fromkeys(name for (other, _), names in found.items() if other == group for name in names)),
        )
        for group in dict.fromkeys(group for group, _ in found)
    )


def _addition(pair: Pair, primary: Iterable[IpGroup], missing: _Missing, mode: str | None) -> Fix | None:
    new = _narrow(missing.entries)
    if not new:
        return None
    instance_id = account(pair).instance_id
    before = next((group.entries or () for group in primary if group.name == missing.group), None)
    return call_fix(
        rds.append_to_whitelist(instance_id, missing.group, new, mode),
        rds.remove_from_whitelist(instance_id, missing.group, new, mode),
        setting=f"whitelist {missing.group}",
        was="no such group" if before is None else ", ".join(before) or "empty",
        becomes=", ".join((*(before or ()), *new)),
        reach=f"these addresses may connect to {instance_id}",
    )


def _network_type(pair: Pair) -> str | None:
    """Which of its lists is meant: an instance in the enhanced mode has one for each kind of network."""
    asked = account(pair)
    network = asked.read(lambda client: rds.network(client, asked.instance_id))
    return _VPC if (network.whitelist_mode or "").lower() == _SAFETY else None


def _narrow(entries: Iterable[str]) -> tuple[str, ...]:
    return tuple(entry for entry in entries if not _is_open(entry))


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    try:
        return ip_network(entry, strict=False)
    except ValueError:
        return None


def _is_open(entry: str) -> bool:
    network = _network(entry)
    return network is not None and network.prefixlen == 0


def _is_covered(entry: str, entries: Iterable[str]) -> bool:
    """Whether one of the entries lets in all that this one does; what is no address has to be there as it is."""
    wanted = _network(entry)
    return any(entry == other or _holds(_network(other), wanted) for other in entries)


def _holds(outer: IPv4Network | IPv6Network | None, inner: IPv4Network | IPv6Network | None) -> bool:
    if isinstance(outer, IPv4Network) and isinstance(inner, IPv4Network):
        return inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and isinstance(inner, IPv6Network) and inner.subnet_of(outer)
