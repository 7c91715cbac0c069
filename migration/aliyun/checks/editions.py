"""Which RDS for MySQL instances are migrated, and in which of the two ways.

Source: PolarDB, One-click upgrade from RDS for MySQL, Migration methods; the procedure of 2019, Prerequisites.
"""

from __future__ import annotations

import re
from typing import Literal

from migration.aliyun.route import PHYSICAL_FROM
from providers.aliyun.rds import Instance

Storage = Literal["local", "cloud"]

_HIGH_AVAILABILITY = "highavailability"
_LISTED: frozenset[tuple[str, str, Storage]] = frozenset({
    ("5.6", _HIGH_AVAILABILITY, "local"),
    ("5.7", "basic", "cloud"), ("5.7", _HIGH_AVAILABILITY, "local"), ("5.7", _HIGH_AVAILABILITY, "cloud"),
    ("5.7", "cluster", "cloud"),
    ("8.0", "basic", "cloud"), ("8.0", _HIGH_AVAILABILITY, "local"), ("8.0", _HIGH_AVAILABILITY, "cloud"),
    ("8.0", "cluster", "cloud"),
})  # fmt: skip
_MINOR = re.compile(r"_(\d{8})$")


def storage(instance: Instance) -> Storage | None:
    """Where the instance keeps its data; None where the provider's word for it is a new one."""
    word = instance.storage_type or ""
    if word.startswith("local_"):
        return "local"
    return "cloud" if word.startswith("cloud_") or word == "general_essd" else None


def allowed_2019(instance: Instance) -> bool | None:
    """Whether the procedure of 2019 takes it; None where the answer does not tell enough."""
    if not instance.version or not instance.category:
        return None
    return (instance.version, instance.category.lower()) == ("5.6", _HIGH_AVAILABILITY)


def allowed_2026(instance: Instance) -> bool | None:
    """Whether the procedure of 2026 takes it; None where the answer does not tell enough."""
    where = storage(instance)
    if not instance.version or not instance.category or where is None:
        return None
    return (instance.version, instance.category.lower(), where) in _LISTED


def of_physical_kind(instance: Instance) -> bool | None:
    """Whether its data files can be moved, given a recent minor version; None where the answer does not tell enough."""
    where = storage(instance)
    if not instance.version or not instance.category or where is None:
        return None
    return instance.version in PHYSICAL_FROM and (instance.category.lower(), where) == (_HIGH_AVAILABILITY, "local")


def minor_version(instance: Instance) -> int | None:
    """The minor version as the day it was made, such as 20230630; None where it cannot be read."""
    found = _MINOR.search(instance.kernel or "")
    return int(found[1]) if found else None
