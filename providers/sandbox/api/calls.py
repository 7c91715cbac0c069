"""What a simulated cloud remembers of its calls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """One call that was signed: the action with its product, its parameters, and the code it was answered with.

    `outcome` is empty where it went well; `lost`: the caller got no answer to it.
    """

    action: str
    parameters: Mapping[str, Any]
    outcome: str
    lost: bool
