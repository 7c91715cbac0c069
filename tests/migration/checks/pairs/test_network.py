"""Checks of whether the servers can reach each other: each tripped, and cured."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from migration.checks import network
from migration.model import BridgeSpec, Side
from providers.mysql.server import Server
from tests.migration.checks.lab import Lab, account, setting


@contextlib.contextmanager
def elsewhere(server: Server) -> Iterator[None]:
    """The server as it would be on another machine, of this name."""
    before = server.identity
    server.identity = replace(before, hostname="db-`[red]`")
    try:
        yield
    finally:
        server.identity = before


def test_servers_on_one_machine_reach_each_other_over_loopback(lab: Lab) -> None:
    assert lab.word(network.reachable) == "OK"


def test_a_loopback_address_does_not_lead_to_another_machine(lab: Lab) -> None:
    with elsewhere(lab.source):
        finding = lab.find(network.reachable)
        assert finding.blocks
        ways = [row[0] for row in finding.result.evidence[1:]]
        assert {"target to source", "source to target"} == set(ways)
        assert any("bind_address" in row[1] for row in finding.result.evidence[1:])
        over_bridge = lab.find(network.reachable, bridge=BridgeSpec())
        assert {row[0] for row in over_bridge.result.evidence[1:]} == {"target to source"}
    assert lab.word(network.reachable) == "OK"


def test_a_channel_that_is_connected_proves_its_way(attached: Lab) -> None:
    with elsewhere(attached.source):
        finding = attached.find(network.reachable)
        assert {row[0] for row in finding.result.evidence[1:]} == {"source to target"}
        assert attached.word(network.reachable, bridge=BridgeSpec()) == "OK"
    assert attached.word(network.reachable) == "OK"


def test_a_port_that_is_not_the_servers_own_is_told(lab: Lab) -> None:
    assert lab.word(network.address_mapped) == "OK"
    before = lab.target.endpoint
    lab.target.endpoint = replace(before, port=before.port + 1)
    try:
        finding = lab.find(network.address_mapped)
    finally:
        lab.target.endpoint = before
    assert (finding.word, finding.result.found) == ("NOTE", "not the target's own")
    assert finding.result.evidence[1] == ("target", f"127.0.0.1:{before.port + 1}", str(before.port))


@pytest.mark.parametrize("side", [Side.SOURCE, Side.TARGET])
def test_an_account_for_other_hosts_only_is_doubtful(lab: Lab, side: Side) -> None:
    assert lab.word(network.replication_hosts) == "OK"
    server = lab.source if side is Side.SOURCE else lab.target
    users = lab.replication_users(**{side.value: "narrow"})
    with account(server, "narrow", "REPLICATION SLAVE ON *.*", host="192.0.2.%"):
        finding = lab.find(network.replication_hosts, **users)
        assert (finding.word, finding.result.found) == ("WARN", f"not on {server.name}")
        assert finding.result.evidence[1][:3] == (server.name, "narrow", "192.0.2.%")
        with account(server, "narrow", "REPLICATION SLAVE ON *.*", host="127.0.0.%"):
            assert lab.word(network.replication_hosts, **users) == "OK"


def test_a_server_that_demands_tls_turns_away_a_replica_without(lab: Lab) -> None:
    assert lab.word(network.secure_transport) == "OK"
    target = lab.target
    if not target.version.mysql_from(8, 0):
        return
    with setting(target, "require_secure_transport", "ON"):
        if lab.source.version.mysql_from(5, 7):
            assert lab.word(network.secure_transport) == "OK"
            return
        finding = lab.find(network.secure_transport)
        assert finding.blocks
        assert finding.result.evidence[1][:2] == (target.name, "require_secure_transport")
        lab.fixed_and_back(network.secure_transport)
        assert lab.word(network.secure_transport, bridge=BridgeSpec()) == "OK"


def test_servers_without_a_tls_version_in_common_block(lab: Lab) -> None:
    if not (lab.source.version.mysql_from(8, 0, 16) and lab.target.version.mysql_from(8, 0, 16)):
        assert lab.word(network.tls_versions) == "-"
        return
    assert lab.word(network.tls_versions) == "OK"
    with setting(lab.source, "tls_version", "'TLSv1.2'"), setting(lab.target, "tls_version", "'TLSv1.3'"):
        finding = lab.find(network.tls_versions)
        assert finding.blocks
        assert finding.result.evidence[1:] == (("source", "TLSv1.2"), ("target", "TLSv1.3"))
    assert lab.word(network.tls_versions) == "OK"
