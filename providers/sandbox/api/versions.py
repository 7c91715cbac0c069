"""Versions as clouds count them."""

from __future__ import annotations

from providers.sandbox.catalogue import Engine


def version_of(engine: Engine) -> str:
    """The version that an engine stands for in a cloud which has neither a MariaDB nor a MySQL after 8.0."""
    if engine.family == "mariadb":
        return "5.7"
    return "8.0" if engine.at_least(8, 0) else f"{engine.version[0]}.{engine.version[1]}"
