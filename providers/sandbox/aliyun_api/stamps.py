"""Moments as Alibaba Cloud writes them."""

from __future__ import annotations

import datetime


def stamp(moment: float) -> str:
    """A moment (seconds since 1970) in UTC, as `YYYY-MM-DDThh:mm:ssZ`."""
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
