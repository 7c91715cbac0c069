"""Adding endpoints to the cluster, so that every address of the instance has one to be exchanged with."""

from __future__ import annotations

import hashlib
import time

from migration.aliyun.account import commands, of
from migration.aliyun.addresses import Row, in_words, table
from migration.aliyun.state import cluster_id, look, poll_s, require_cluster
from migration.runbook import CloudFailed, Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.aliyun import polardb
from providers.aliyun.calls import Write
from providers.aliyun.polardb_records import Migration as Found

ADD, LEAVE = "add endpoints", "leave it as it is"
_PUBLIC, _PRIMARY = "Public", "Primary"
_SETTLE_S = 600.0


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called, once the cluster lists its endpoints."""
    cluster = cluster_id(m)
    if cluster is None:
        return ("CreateDBEndpointAddress and CreateDBClusterEndpoint, for each address that has no partner",)
    return commands(*_missing(m, look(m))) or ("nothing: every address has a partner",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "a minute or so an address")


def without_partner(found: Found) -> tuple[Row, ...]:
    """The addresses of the instance that an endpoint could be made for."""
    return tuple(row for row in table(found) if row.ours is None and "no free" in row.why)


def probe(m: Migration) -> Observation:
    """Whether every address has a partner, or that was not asked for."""
    if m.story().chosen.get("add_endpoints") != ADD:
        return done("not asked for")
    left = without_partner(look(m))
    return not_done("; ".join(map(in_words, left))) if left else done("every address has a partner")


def apply(m: Migration) -> None:
    """Add what is missing and wait until it is listed.

    Raises:
        CloudFailed, CloudSilent: as `Account.send`.
        StepFailed: it is not listed after ten minutes.
        Halted: the operator stopped waiting.
    """
    for write in _missing(m, look(m)):
        of(m).send(write)
    deadline = time.monotonic() + _SETTLE_S
    while left := without_partner(look(m)):
        if m.desk.halted():
            raise Halted
        if time.monotonic() > deadline:
            raise StepFailed(f"Endpoints were added and are not listed yet: {'; '.join(map(in_words, left))}.")
        time.sleep(poll_s(of(m)))


def _missing(m: Migration, found: Found) -> tuple[Write[None], ...]:
    cluster = require_cluster(m)
    writes = []
    for row in without_partner(found):
        if row.owner == _PRIMARY and row.theirs.network == _PUBLIC:
            writes.append(polardb.create_public_address(cluster, _primary_endpoint(found)))
        else:
            words = f"for {row.theirs.host}"
            token = hashlib.sha256(f"{m.spec.id} {words}".encode()).hexdigest()[:32]
            writes.append(polardb.create_endpoint(cluster, "ReadWrite", words, token))
    return tuple(writes)


def _primary_endpoint(found: Found) -> str:
    for endpoint in found.cluster_endpoints or ():
        if endpoint.kind == _PRIMARY and endpoint.endpoint_id:
            return endpoint.endpoint_id
    raise CloudFailed("The provider lists no primary endpoint of the cluster; add the address in the console.")
