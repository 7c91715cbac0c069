"""What a permission is for."""

from __future__ import annotations

from enum import StrEnum


class Tier(StrEnum):
    """Who needs an action: who looks, who migrates, who deletes what is left."""

    OBSERVE = "observe"
    MIGRATE = "migrate"
    RELEASE = "release"
