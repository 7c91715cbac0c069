"""The documented procedures, one file each. A new file here is a new runbook: it is found by its name."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from migration.runbook import Runbook


def names() -> tuple[str, ...]:
    """The names of all runbooks."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(__path__)))


def find(name: str) -> Runbook:
    """The runbook of that name.

    Raises:
        LookupError: there is none; the message lists those there are.
    """
    if name not in names():
        raise LookupError(f"There is no runbook named {name}; choose one of {', '.join(names())}.")
    # Names are asked for before the first screen is painted; what a runbook needs is loaded with the first one.
    from migration.runbook import Runbook

    runbook = importlib.import_module(f"{__name__}.{name}").RUNBOOK
    if not isinstance(runbook, Runbook):
        raise LookupError(f"The runbook file {name}.py defines no RUNBOOK.")
    return runbook
