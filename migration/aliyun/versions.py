"""Which MySQL a PolarDB cluster will be, by the version that is ordered."""

from __future__ import annotations

from migration.runbook import Migration
from providers.mysql.version import Flavor, Version

# "Engine versions 5.6, 5.7, and 8.0" of PolarDB for MySQL: the community version that each is compatible with. Of 8.0
# there are two, 8.0.1 (8.0.13) and 8.0.2 (8.0.18); which of them is made is not in the order.
_COMPATIBLE = {"5.6": (5, 6, 16), "5.7": (5, 7, 28), "8.0": (8, 0, 18)}


def expected(m: Migration) -> Version | None:
    """The version that the cluster is to have; None before it was chosen, or where it is not known what it is."""
    number = _COMPATIBLE.get(m.chosen("version"))
    return None if number is None else Version(Flavor.MYSQL, number)
