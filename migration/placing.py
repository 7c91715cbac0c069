"""Finding a server whose address leads to another one now: its provider exchanged them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from migration.model import ServerSpec
from providers.mysql.connection import Timeouts
from providers.mysql.endpoint import Secret
from providers.mysql.errors import ServerError
from providers.mysql.server import Server

Place = tuple[str, int]
_TIMEOUTS = Timeouts(connect=5.0, answer=10.0)


def place_of(spec: ServerSpec) -> Place:
    """Where a server is said to be: host and port."""
    return spec.host, spec.port


def find(spec: ServerSpec, password: Secret, uid: str, places: Iterable[Place]) -> Place | None:
    """The first place where the server of this identity answers, its own before all; None where it is at none."""
    for host, port in dict.fromkeys((place_of(spec), *places)):
        if _answers(replace(spec, host=host, port=port), password, uid):
            return host, port
    return None


def _answers(spec: ServerSpec, password: Secret, uid: str) -> bool:
    try:
        server = Server(spec.endpoint(password), uid, _TIMEOUTS)
    except ServerError:
        return False
    server.close()
    return True
