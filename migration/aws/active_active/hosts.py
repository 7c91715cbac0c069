"""Which application servers are connected where: the hosts of the clients' sessions on either side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from migration.fences.foreign import PROCESSES, client_sessions, exempt_users
from migration.runbook import Migration
from providers.mysql.server import Server

_NAMED = 6


def hosts(m: Migration, server: Server) -> Mapping[str, int]:
    """The hosts of the clients' sessions on a server, with how many there are of each.

    Raises:
        ServerError: it cannot be asked.
    """
    ours = exempt_users(m, server) | frozenset(m.spec.spared)
    return Counter(one.host for one in client_sessions(server.rows(PROCESSES), ours))


def in_words(server: Server, found: Mapping[str, int]) -> str:
    """The hosts on a server, those with most sessions first."""
    listed = [f"{host} ({number})" for host, number in Counter(found).most_common(_NAMED)]
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"on {server.name}: {', '.join(listed) or 'nobody'}{more}"
