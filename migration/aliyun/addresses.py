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
_PRIMARY, _CLUSTER = "Primary", "Cluster"
# "Notes on switchover with endpoints": the primary address goes with the primary or cluster endpoint, the others with
# cluster or custom endpoints.
_PARTNERS = {_PRIMARY: (_PRIMARY, _CLUSTER)}
_OTHERS = (_CLUSTER, "Custom")


@dataclass(frozen=True)
class Row:
    """An address of the RDS instance, and the one of the cluster it would be exchanged with.

    `why`: why it is not exchanged, empty where it is.
    """

    owner: str
    theirs: Address
    ours: Address | None
    why: str


def table(found: Found) -> tuple[Row, ...]:
    """Every address of the source with its partner, in the order in which the provider lists them.

    Raises:
        CloudFailed: the answer does not list the endpoints of both sides.
    """
    if found.source_endpoints is None or found.cluster_endpoints is None:
        raise CloudFailed(
            "The provider does not list the endpoints of both sides; which would be exchanged is unknown."
        )
    taken: set[str] = set()
    rows = []
    for endpoint in found.source_endpoints:
        for theirs in endpoint.addresses or ():
            ours, why = _partner(endpoint, theirs, found.cluster_endpoints, taken)
            if ours is not None and ours.host is not None:
                taken.add(ours.host)
            rows.append(Row(endpoint.owner or "", theirs, ours, why))
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


def _partner(
    endpoint: MigrationEndpoint, theirs: Address, candidates: Iterable[MigrationEndpoint], taken: set[str]
) -> tuple[Address | None, str]:
    """The address it goes with, or None and why there is none."""
    kinds = _PARTNERS.get(endpoint.owner or "", _OTHERS)
    same_network = [
        one
        for candidate in candidates
        if candidate.kind in kinds
        for one in candidate.addresses or ()
        if one.network == theirs.network and one.host not in taken
    ]
    if not same_network:
        kind = " or ".join(kinds).lower()
        return None, f"the cluster has no free {kind} endpoint that is {(theirs.network or 'of its kind').lower()}"
    fitting = [one for one in same_network if one.ssl == theirs.ssl and _same_vpc(one, theirs)]
    if fitting:
        return fitting[0], ""
    one = same_network[0]
    if not _same_vpc(one, theirs):
        return None, f"it is in {theirs.vpc_id}, the cluster's in {one.vpc_id}"
    return None, f"TLS is {_tls(theirs)} here and {_tls(one)} on {one.host}"


def _same_vpc(one: Address, other: Address) -> bool:
    return one.network != "Private" or one.vpc_id == other.vpc_id


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
    spec = m.story().spec or m.spec
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
    spec, listed = m.story().spec or m.spec, places(found)
    for side, of_side, server, password in (
        (Side.SOURCE, spec.source, m.source, m.secrets.source),
        (Side.TARGET, spec.target, m.target, m.secrets.target),
    ):
        place = find(of_side, password, server.identity.uid, listed)
        if place is None:
            m.scribe.note(f"{of_side.name} answers at none of the addresses that the provider lists", "error")
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
    return m.story().chosen.get("endpoints") == WITH


def new_address(m: Migration) -> ServerSpec | None:
    """Where applications have to go once the writes have moved; None where their own address goes there."""
    return None if wanted(m) else m.spec.target
