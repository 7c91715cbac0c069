"""Where the two sides are reached: endpoints that are exchanged with the switch, and this program's own addresses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from migration.model import ServerSpec, Side
from migration.placing import Place, find, place_of
from migration.runbook import CloudFailed, Migration
from providers.aliyun.polardb_records import Migration as Found
from providers.aliyun.polardb_records import MigrationEndpoint
from providers.aliyun.records import Address

WITH, WITHOUT = "with endpoints", "without endpoints"
CUSTOM = "Custom"
PRIVATE, PUBLIC = "Private", "Public"
_PRIMARY, _CLUSTER = "Primary", "Cluster"
# "Notes on switchover with endpoints": the primary address goes with the primary or cluster endpoint, the others with
# cluster or custom endpoints.
_PARTNERS = {_PRIMARY: (_PRIMARY, _CLUSTER)}
_OTHERS = (_CLUSTER, CUSTOM)


@dataclass(frozen=True)
class Row:
    """An address of the RDS instance, and the one of the cluster it would be exchanged with.

    `why`: why it is not exchanged, empty where it is. `lacks`: because the cluster has no free address of its kind and
    network, so that one more would be its partner.
    """

    owner: str
    theirs: Address
    ours: Address | None
    why: str = ""
    lacks: bool = False


def table(found: Found) -> tuple[Row, ...]:
    """Every address of the source with its partner, in the order in which the provider lists them.

    Raises:
        CloudFailed: the answer does not list the endpoints of both sides.
    """
    if found.source_endpoints is None or found.cluster_endpoints is None:
        raise CloudFailed(
            f"The provider does not list the endpoints of {found.source_id} and of {found.cluster_id}; which would be "
            "exchanged is unknown. Try again; if that stays so, look at the migration in the console."
        )
    taken: set[str] = set()
    rows = []
    for endpoint in found.source_endpoints:
        for theirs in endpoint.addresses or ():
            row = _row(endpoint.owner or "", theirs, found.cluster_endpoints, taken)
            if row.ours is not None and row.ours.host is not None:
                taken.add(row.ours.host)
            rows.append(row)
    return tuple(rows)


def pairs(found: Found) -> tuple[tuple[str, str], ...]:
    """The connection strings that are exchanged: of the instance, of the cluster.

    Raises:
        CloudFailed: as `table`.
    """
    return tuple(
        (row.theirs.host, row.ours.host)
        for row in table(found)
        if row.ours is not None and row.ours.host is not None and row.theirs.host is not None
    )


def partners(owner: str) -> tuple[str, ...]:
    """The kinds of the cluster's endpoints that go with an endpoint of the instance, by its `CustinsType`."""
    return _PARTNERS.get(owner, _OTHERS)


def _row(owner: str, theirs: Address, candidates: Iterable[MigrationEndpoint], taken: set[str]) -> Row:
    """The address and the one it goes with, or why there is none."""
    same_network = [
        one
        for candidate in candidates
        if candidate.kind in partners(owner)
        for one in candidate.addresses or ()
        if one.network == theirs.network and one.host not in taken
    ]
    if not same_network:
        kind, network = " or ".join(partners(owner)).lower(), (theirs.network or "of its kind").lower()
        return Row(owner, theirs, None, f"the cluster has no free {kind} endpoint that is {network}", lacks=True)
    fitting = [one for one in same_network if one.ssl == theirs.ssl and _same_vpc(one, theirs)]
    if fitting:
        return Row(owner, theirs, fitting[0])
    one = same_network[0]
    if not _same_vpc(one, theirs):
        return Row(owner, theirs, None, f"it is in {theirs.vpc_id}, the cluster's in {one.vpc_id}")
    return Row(owner, theirs, None, f"TLS is {_tls(theirs)} here and {_tls(one)} on {one.host}")


def _same_vpc(one: Address, other: Address) -> bool:
    return one.network != PRIVATE or one.vpc_id == other.vpc_id


def _tls(address: Address) -> str:
    return {True: "on", False: "off", None: "unknown"}[address.ssl]


def in_words(row: Row) -> str:
    """One line for the operator."""
    theirs = f"{row.theirs.host} ({row.theirs.network})"
    return f"{theirs} ⇄ {row.ours.host}" if row.ours is not None else f"{theirs} is NOT exchanged: {row.why}"


def place_target(m: Migration, found: Found) -> None:
    """Put down where the cluster is reached: in the network in which the source is reached, the primary endpoint first.

    Raises:
        CloudFailed: the provider lists no address.
    """
    spec = m.spec
    network = next(
        (one.network for one in _every(found.source_endpoints) if (one.host, one.port) == place_of(spec.source)), None
    )
    listed = [
        one
        for kind in (_PRIMARY, _CLUSTER)
        for endpoint in found.cluster_endpoints or ()
        if endpoint.kind == kind
        for one in endpoint.addresses or ()
        if one.host and one.port
    ]
    listed.sort(key=lambda one: one.network != network)
    if not listed:
        raise CloudFailed(f"The provider lists no address of {spec.target.name}; add an endpoint, then try again.")
    m.scribe.placed(Side.TARGET, spec.target.name, listed[0].host or "", listed[0].port or 0)


def follow_exchange(m: Migration, found: Found) -> None:
    """Put down where each side is reached now, by asking every listed address who answers there.

    Which list an address stands in after an exchange is not published; the servers know who they are.
    """
    spec, listed = m.spec_now(), places(found)
    for side, of_side, server, password in (
        (Side.SOURCE, spec.source, m.source, m.secrets.source),
        (Side.TARGET, spec.target, m.target, m.secrets.target),
    ):
        place = find(of_side, password, server.identity.uid, listed)
        if place is None:
            m.scribe.note(
                f"{of_side.name} answers to {of_side.user} at none of the addresses that the provider lists; look "
                "whether its whitelist has this machine and its account is as before",
                "error",
            )
        elif place != place_of(of_side):
            m.scribe.placed(side, of_side.name, *place)


def places(found: Found) -> tuple[Place, ...]:
    """Every address of either side."""
    every = (*_every(found.source_endpoints), *_every(found.cluster_endpoints))
    return tuple((one.host, one.port) for one in every if one.host and one.port)


def _every(endpoints: Iterable[MigrationEndpoint] | None) -> Iterator[Address]:
    for endpoint in endpoints or ():
        yield from endpoint.addresses or ()


def wanted(m: Migration) -> bool:
    """Whether endpoints are to be exchanged with the switch."""
    return m.chosen("endpoints") == WITH


def new_address(m: Migration) -> ServerSpec | None:
    """Where applications have to go once the writes have moved; None where their own address goes there."""
    return None if wanted(m) else m.spec.target
