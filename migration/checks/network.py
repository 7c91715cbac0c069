"""Whether each server can reach the other, as far as that can be known before it is tried.

Only replication itself makes one server connect to the other. Until it does, what the servers say of themselves is
compared with the addresses that they are to use: what is found here would have failed; what is not found may still.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket

from migration.check import Pair, Result, Route, Severity, check
from migration.checks.accounts import host_matches
from migration.checks.results import count, failed, not_applicable, passed, set_global, table
from migration.checks.sides import is_on, setting, sides
from migration.checks.sight import channels
from migration.model import Side
from providers.mysql.endpoint import Account
from providers.mysql.replication import comes_from, plan_channel
from providers.mysql.server import Server

_NATIVE_ONLY = {Route.LOGICAL: None, Route.PHYSICAL: None}
_EVERYWHERE = frozenset({"", "*", "0.0.0.0", "::"})  # noqa: S104


def _proven(replica: Server, source: Server) -> bool:
    """Whether a replica is connected to its source now, so that there is nothing left to guess."""
    return any(channel.io == "Yes" and comes_from(channel, replica, source) for channel in channels(replica))


def _loopback(host: str) -> bool:
    """Whether an address means the machine on which it is used."""
    if host.lower() in ("localhost", "localhost.localdomain"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@check(
    "reachable",
    "each can reach the other's address",
    Side.BOTH,
    Severity.BLOCKER,
    why="The target connects to the source's address, and for the way back the source to the target's, not to this "
    "machine's.",
    asks="@@hostname, skip_networking, bind_address on both; the addresses given here; SHOW REPLICA STATUS",
    routes=_NATIVE_ONLY,
    page="MySQL manual, bind_address; MariaDB documentation, Configuring MariaDB for Remote Client Access",
)
def reachable(pair: Pair) -> Result:
    """Fails where a server's address leads nowhere from the other's machine, or it does not listen there."""
    ways = [(Side.TARGET, pair.target, pair.source), (Side.SOURCE, pair.source, pair.target)]
    if pair.spec.bridge is not None:
        # The source reaches the bridge, which runs here and reaches the target as this program does.
        ways = ways[:1]
    open_ways = [way for way in ways if not _proven(way[1], way[2])]
    rows = [(f"{side.value} to {server.name}", fault) for side, replica, server in open_ways
            for fault in _in_the_way(pair, replica, server)]  # fmt: skip
    if not rows:
        return passed("connected" if not open_ways else "nothing speaks against it")
    return failed(
        count(len(rows), "thing in the way", "things in the way"),
        table(("way", "what is in it"), rows),
        "Give each server by an address that leads to it from the other server's machine as well, not by localhost or "
        "a tunnel that ends here; let it listen there (bind_address, skip_networking; a restart is needed), and open "
        "the firewall both ways.",
    )


def _in_the_way(pair: Pair, replica: Server, server: Server) -> list[str]:
    """Why a replica cannot reach a server, as far as the two tell."""
    faults = []
    elsewhere = replica.identity.hostname != server.identity.hostname
    if is_on(pair, server, "skip_networking"):
        faults.append(f"{server.name} takes no network connections (skip_networking)")
    if elsewhere and _loopback(server.endpoint.host):
        faults.append(
            f"{server.endpoint.address} on {replica.identity.hostname} is not {server.name}, which is on "
            f"{server.identity.hostname}"
        )
    bound = [part.strip().partition("/")[0] for part in (setting(pair, server, "bind_address") or "").split(",")]
    if elsewhere and all(_loopback(address) for address in bound):
        faults.append(f"{server.name} listens on {', '.join(bound)} only (bind_address)")
    return faults


@check(
    "address-mapped",
    "addresses are the servers' own",
    Side.BOTH,
    Severity.NOTICE,
    why="Behind a proxy, a tunnel or a mapped port the other server may not reach what this machine reaches.",
    asks="@@port on both, and the ports given here",
    routes=_NATIVE_ONLY,
    page="MySQL manual, Server System Variables, port",
)
def address_mapped(pair: Pair) -> Result:
    """Fails where a server is reached at another port than it listens on."""
    rows = [
        (side.value, server.endpoint.address, server.identity.port)
        for side, server in sides(pair)
        if server.endpoint.port != server.identity.port
    ]
    if not rows:
        return passed("their own")
    return failed(
        f"not the {' and the '.join(str(row[0]) for row in rows)}'s own",
        table(("side", "reached at", "listens on port"), rows),
        "Make sure that the other server reaches it at the same address, and that whatever is in between does not "
        "lead to another server one day.",
    )


@check(
    "replication-hosts",
    "accounts admit the other's host",
    Side.BOTH,
    Severity.WARNING,
    why="An account logs in from the hosts it was made for: this machine may be one of them, and the other server not.",
    asks="SELECT host FROM mysql.user on both; the addresses given here and the servers' own names for themselves",
    routes=_NATIVE_ONLY,
    page="MySQL manual, Specifying Account Names",
)
def replication_hosts(pair: Pair) -> Result:
    """Fails where no host of a replication account covers any address by which the other server is known here."""
    spec, rows = pair.spec, []
    ways = [(pair.source, spec.source.replication_user, pair.target)]
    if spec.bridge is None:
        ways.append((pair.target, spec.target.replication_user, pair.source))
    for server, user, replica in ways:
        if _proven(replica, server):
            continue
        hosts = [str(row[0]) for row in server.rows("SELECT host FROM mysql.user WHERE user = %s", (user,))]
        known = _known_as(pair, replica)
        if hosts and not any(host_matches(pattern, address) for pattern in hosts for address in known):
            rows.append((server.name, user, ", ".join(hosts), ", ".join(known)))
    if not rows:
        return passed("they do, as far as is known")
    return failed(
        f"not on {' and '.join(row[0] for row in rows)}"[:40],
        table(("on", "account", "may log in from", "the other server is known as"), rows),
        "Make the account for the address from which the other server connects ('user'@'10.1.2.%'). If that is another "
        "one than those named here, behind a NAT for instance, and the account covers it, accept this.",
    )


def _known_as(pair: Pair, server: Server) -> list[str]:
    """The names and addresses under which a server may show up at the other one."""
    host = server.endpoint.host
    known = [host, server.identity.hostname, setting(pair, server, "report_host") or ""]
    # A name that this machine cannot resolve leaves us with the name.
    with contextlib.suppress(OSError):
        known += sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    if any(_loopback(name) for name in known):
        known.append("localhost")
    return list(dict.fromkeys(filter(None, known)))


@check(
    "secure-transport",
    "replication may log in as it does",
    Side.BOTH,
    Severity.BLOCKER,
    why="A server that demands TLS turns away a replica that logs in without, as old versions have to.",
    asks="SHOW GLOBAL VARIABLES LIKE 'require_secure_transport' on both; which TLS versions the two have in common",
    routes=_NATIVE_ONLY,
    page="MySQL manual, require_secure_transport",
)
def secure_transport(pair: Pair) -> Result:
    """Fails where a server demands TLS and the other one will log in without."""
    name = "require_secure_transport"
    ends = [(Side.SOURCE, pair.source, pair.target), (Side.TARGET, pair.target, pair.source)]
    if pair.spec.bridge is not None:
        ends = ends[:1]
    refused = [
        (side, server, replica)
        for side, server, replica in ends
        if is_on(pair, server, name) and not _encrypted(pair, server, replica) and not _proven(replica, server)
    ]
    if not refused:
        return passed("nobody is turned away")
    return failed(
        f"the {' and the '.join(side.value for side, _, _ in refused)} demands TLS",
        table(
            ("on", "demanded", "who logs in without"), [(s.name, name, f"{r.name}, {r.version}") for _, s, r in refused]
        ),
        f"Turn {name} off until the migration is complete, and demand TLS of the clients' accounts instead (REQUIRE "
        "SSL); or lead the way back over the bridge (--bridge).",
        *(
            set_global(side, server, name, "OFF", "clients without TLS can log in again, where their accounts let them")
            for side, server, _ in refused
        ),
    )


def _encrypted(pair: Pair, server: Server, replica: Server) -> bool:
    spec, secret = pair.spec.source, pair.secrets.source_replication
    return plan_channel(replica, server, Account(spec.replication_user, secret), None).encrypted


@check(
    "tls-versions",
    "both speak a TLS version in common",
    Side.BOTH,
    Severity.BLOCKER,
    why="Replication over TLS begins with a version that both know; without one no connection is made.",
    asks="SHOW GLOBAL VARIABLES LIKE 'tls_version' on both",
    routes=_NATIVE_ONLY,
    page="MySQL manual, Encrypted Connection TLS Protocols and Ciphers",
)
def tls_versions(pair: Pair) -> Result:
    """Fails where replication is to use TLS and the servers have no version of it in common."""
    (_, source), (_, target) = sides(pair)
    if not _encrypted(pair, source, target) and not _encrypted(pair, target, source):
        return not_applicable("replication uses no TLS here")
    spoken = [(side, server, _tls(pair, server)) for side, server in sides(pair)]
    evidence = table(
        ("side", "tls_version"), [(side.value, ", ".join(sorted(told)) or "-") for side, _, told in spoken]
    )
    common = spoken[0][2] & spoken[1][2]
    if common or not all(told for _, _, told in spoken) or (_proven(target, source) and _proven(source, target)):
        return passed(max(common, default="not told"), evidence)
    return failed(
        "none in common",
        evidence,
        "Add a version to tls_version that the other server has (TLSv1.2 from MySQL 5.7.28 and MariaDB 10.4 on), in "
        "the configuration file; on MySQL 8.0.16 and later ALTER INSTANCE RELOAD TLS then makes it count.",
    )


def _tls(pair: Pair, server: Server) -> frozenset[str]:
    told = setting(pair, server, "tls_version") or ""
    return frozenset(part.strip().upper().replace("TLSV", "TLSv") for part in told.split(",") if part.strip())
