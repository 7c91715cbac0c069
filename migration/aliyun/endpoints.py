"""Adding endpoints to the cluster, so that every address of the instance has one to be exchanged with."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass

from migration.aliyun.account import commands, of, send_once
from migration.aliyun.addresses import CUSTOM, PRIVATE, PUBLIC, Row, in_words, partners, table
from migration.aliyun.state import cluster_id, look, poll_s, require_cluster
from migration.aliyun.waiting import Waiting
from migration.runbook import Estimate, Halted, Migration, Observation, StepFailed, done, not_done
from providers.aliyun import polardb
from providers.aliyun.calls import Write
from providers.aliyun.polardb_records import Migration as Found
from providers.aliyun.polardb_records import MigrationEndpoint

ADD, LEAVE = "add endpoints", "leave it as it is"
STEP = "endpoints_added"
_SETTLE_S = 600.0


@dataclass(frozen=True)
class Addition:
    """What gives an address of the instance a partner.

    `endpoint`: the one of the cluster that gets a public address; None: a custom endpoint is made, which is private.
    """

    row: Row
    endpoint: str | None


def statements(m: Migration) -> tuple[str, ...]:
    """What will be called, once the cluster lists its endpoints."""
    if cluster_id(m) is None:
        return ("CreateDBEndpointAddress and CreateDBClusterEndpoint, for each address that has no partner",)
    return commands(*_writes(m, look(m))) or ("nothing: no address lacks a partner that a call could add",)


def estimate(m: Migration) -> Estimate:
    """How long it takes."""
    return Estimate(None, "a minute or so an address")


def additions(found: Found) -> tuple[Addition, ...]:
    """What can be added, for each address of the instance that lacks a partner which a call can make.

    A call makes public addresses, one for each endpoint, and custom endpoints, which are private.
    """
    added: list[Addition] = []
    for row in table(found):
        if not row.lacks:
            continue
        if row.theirs.network == PRIVATE and CUSTOM in partners(row.owner):
            added.append(Addition(row, None))
        if row.theirs.network == PUBLIC:
            given = {one.endpoint for one in added}
            able = _without_public(found.cluster_endpoints or (), row.owner)
            added += [Addition(row, endpoint) for endpoint in able if endpoint not in given][:1]
    return tuple(added)


def _without_public(endpoints: tuple[MigrationEndpoint, ...], owner: str) -> list[str]:
    """The cluster's endpoints that could be given a public address which goes with one of the instance's."""
    return [
        one.endpoint_id
        for one in endpoints
        if one.endpoint_id
        and one.kind in partners(owner)
        and not any(address.network == PUBLIC for address in one.addresses or ())
    ]


def left_alone(found: Found) -> tuple[Row, ...]:
    """The addresses that lack a partner which no call can make."""
    made = [addition.row for addition in additions(found)]
    return tuple(row for row in table(found) if row.lacks and row not in made)


def probe(m: Migration) -> Observation:
    """Whether every address has a partner that can have one, or that was not asked for."""
    if m.chosen("add_endpoints") != ADD:
        return done("not asked for")
    left = additions(look(m))
    return not_done(_names(left)) if left else done("nothing more can be added")


def apply(m: Migration) -> None:
    """Add what is missing and wait until it is listed.

    Raises:
        CloudFailed: a call was refused.
        StepFailed: it is not listed after ten minutes.
        Halted: the operator stopped waiting.
    """
    cluster, found = require_cluster(m), look(m)
    for row in left_alone(found):
        m.scribe.note(
            f"{in_words(row)}, and no call adds one to {cluster}: add it in the console before the switch, or give "
            "the applications that use this address another one",
            "warn",
        )
    for write in _writes(m, found):
        send_once(m, write)
    waiting = Waiting(m, STEP, f"waiting until {cluster} lists the endpoints that were added")
    while left := additions(look(m)):
        waiting.tell(_names(left))
        if m.desk.halted():
            raise Halted
        if waiting.seconds > _SETTLE_S:
            raise StepFailed(
                f"Endpoints were added to {cluster} and are not listed after {_SETTLE_S / 60:g} minutes: "
                f"{_names(left)}. Look at them in the console, then try again."
            )
        time.sleep(poll_s(of(m)))


def _names(additions: tuple[Addition, ...]) -> str:
    return "; ".join(in_words(one.row) for one in additions)


def _writes(m: Migration, found: Found) -> tuple[Write[None], ...]:
    cluster = require_cluster(m)
    return tuple(_write(m, cluster, addition) for addition in additions(found))


def _write(m: Migration, cluster: str, addition: Addition) -> Write[None]:
    if addition.endpoint is not None:
        return polardb.create_public_address(cluster, addition.endpoint)
    words = f"for {addition.row.theirs.host}"
    token = hashlib.sha256(f"{m.spec.id} {words}".encode()).hexdigest()[:32]
    return polardb.create_endpoint(cluster, "ReadWrite", words, token)
