"""Who the two servers are, and whether one can follow the other."""

from __future__ import annotations

from migration.check import Fix, Pair, Result, Severity, check
from migration.checks.jumps.pairs import caution, refusal
from migration.checks.results import Evidence, count, failed, passed, set_global, table
from migration.checks.sight import channels, require
from migration.model import Side
from providers.mysql.replication import comes_from
from providers.mysql.server import Server


def _who(pair: Pair) -> Evidence:
    return table(
        ("side", "server", "address", "version", "identity"),
        [
            (side.value, server.name, server.endpoint.address, server.version, server.identity.uid)
            for side, server in ((Side.SOURCE, pair.source), (Side.TARGET, pair.target))
        ],
    )


@check(
    "same-server",
    "source and target are two servers",
    Side.BOTH,
    Severity.BLOCKER,
    why="A server cannot be copied onto itself: the copy would destroy what it reads.",
    asks="SELECT @@server_uuid (MariaDB: @@server_uid) on both",
)
def same_server(pair: Pair) -> Result:
    """Fails where source and target are one server under two names."""
    if pair.source.identity.uid != pair.target.identity.uid:
        return passed("two servers", _who(pair))
    return failed(
        "one and the same",
        _who(pair),
        f"{pair.source.endpoint.address} and {pair.target.endpoint.address} lead to one server: give the target's own "
        "address. Where a copied data directory gave two servers one identity, delete auto.cnf (MySQL) or the server "
        "uid (MariaDB) on the target and restart it.",
    )


@check(
    "version-pair",
    "target can follow the source",
    Side.BOTH,
    Severity.BLOCKER,
    why="A replica has to understand every event that its source writes; not every version understands every other.",
    asks="SELECT @@version, @@version_comment on both",
)
def version_pair(pair: Pair) -> Result:
    """Fails where the target cannot follow the source, whatever is set."""
    reason = refusal(pair.source.version, pair.target.version)
    found = f"{pair.source.version} → {pair.target.version}"
    if not reason:
        return passed(found, _who(pair))
    return failed(
        found,
        _who(pair),
        f"{reason} Choose a target of the source's family, of its series or a newer one; from MariaDB to a new MySQL "
        "go through a MySQL 5.7 in between.",
    )


@check(
    "version-gap",
    "versions are neighbours",
    Side.BOTH,
    Severity.WARNING,
    why="The further two versions are apart, the more of what the application does may work differently.",
    asks="SELECT @@version, @@version_comment on both",
)
def version_gap(pair: Pair) -> Result:
    """Fails where the pair works, but not without care."""
    words = caution(pair.source.version, pair.target.version)
    found = f"{pair.source.version} → {pair.target.version}"
    if not words:
        return passed(found)
    return failed(
        found,
        _who(pair),
        f"{words} Rehearse with this pair of versions, and let the application's tests run against the target.",
    )


@check(
    "server-ids",
    "server_id differs and is not 0",
    Side.BOTH,
    Severity.BLOCKER,
    why="A replica leaves out every change that bears its own server_id, so equal numbers mean that nothing arrives.",
    asks="SELECT @@GLOBAL.server_id on both",
)
def server_ids(pair: Pair) -> Result:
    """Fails where a server has no replication number, or both have one and the same."""
    source, target = _server_id(pair.source), _server_id(pair.target)
    evidence = table(("side", "server_id"), [("source", source), ("target", target)])
    found = f"{source} / {target}"
    if source != target and source and target:
        return passed(found, evidence)
    side, server = (Side.SOURCE, pair.source) if source == 0 else (Side.TARGET, pair.target)
    return failed(
        found,
        evidence,
        "Give each server a server_id of its own, other than 0 and other than any replica's, and write it into the "
        "configuration file as well, or a restart takes it back.",
        _other_id(side, server, taken={source, target}),
    )


def _server_id(server: Server) -> int:
    return int(server.value("SELECT @@GLOBAL.server_id"))


def _other_id(side: Side, server: Server, taken: set[int]) -> Fix:
    free = next(number for number in range(max(taken) % 4_000_000_000 + 1, 2**32) if number not in {*taken, 0, 1})
    return set_global(side, server, "server_id", str(free), "replication connections made from now on; no client")


@check(
    "server-id-default",
    "server_id is not the default 1",
    Side.BOTH,
    Severity.WARNING,
    why="A number that nobody chose is likely to be used twice.",
    asks="SELECT @@GLOBAL.server_id on both",
)
def server_id_default(pair: Pair) -> Result:
    """Fails where a server has the number that every server has that nobody set one for."""
    numbers = {"source": _server_id(pair.source), "target": _server_id(pair.target)}
    default = [side for side, number in numbers.items() if number == 1]
    evidence = table(("side", "server_id"), numbers.items())
    if not default:
        return passed("set on both", evidence)
    return failed(
        f"1 on the {' and the '.join(default)}",
        evidence,
        "server_id 1 is what a server has by default, so another replica may have it too and the two would throw each "
        "other off. Make sure that no other server of this replication group has it, or set another one.",
    )


@check(
    "databases",
    "databases to move are there",
    Side.SOURCE,
    Severity.BLOCKER,
    why="What is not there cannot be moved; a misspelt name would be left behind unnoticed.",
    asks="SHOW DATABASES",
)
def databases(pair: Pair) -> Result:
    """Fails where a database that is to be moved is not there, or there is nothing to move."""
    require(pair.source, "SELECT", pair.spec.databases)
    there = pair.source.databases()
    absent = [name for name in pair.spec.databases if name not in there]
    if absent:
        return failed(
            count(len(absent), "is not there", "are not there"),
            table(("database", "on the source"), [(n, "no" if n in absent else "yes") for n in pair.spec.databases]),
            "Write the names as SHOW DATABASES on the source writes them, or leave them out to move every database.",
        )
    moved = pair.spec.databases or there
    if not moved:
        return failed("none", (), "The source has no database of its own: make sure that it is the right server.")
    return passed(count(len(moved), "database", "databases"), table(("database",), [(name,) for name in moved]))


@check(
    "already-replica",
    "neither follows another server",
    Side.BOTH,
    Severity.BLOCKER,
    why="Changes that come from a third server go on arriving when the clients have long been stopped.",
    asks="SHOW REPLICA STATUS (SHOW SLAVE STATUS, SHOW ALL SLAVES STATUS) on both",
)
def already_replica(pair: Pair) -> Result:
    """Fails where the source has a source of its own, or the target one that is not this source."""
    rows = []
    for side, server, peer in (("source", pair.source, pair.target), ("target", pair.target, pair.source)):
        rows += [
            (side, f"{channel.source_host}:{channel.source_port}", channel.io, channel.applier)
            for channel in channels(server)
            if not comes_from(channel, server, peer)
        ]
    if not rows:
        return passed("no other source")
    sides = " and the ".join(sorted({row[0] for row in rows}))
    return failed(
        f"the {sides} follows another server",
        table(("side", "follows", "receiver", "applier"), rows),
        "A source that follows another server does not have the last word on its data, and a target can follow one "
        "source only. Move from the server at the head of the chain; on the target stop the other channel and forget "
        "it (STOP REPLICA; RESET REPLICA ALL) once it is sure that nobody needs it.",
    )
