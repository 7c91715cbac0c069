"""Trying until it is done, where nobody can leave: past a point of no return the way is forward."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from migration.runbook import CloudFailed, Migration
from providers.mysql.errors import ServerError

_POLL_S = 0.05

_Result = TypeVar("_Result")


def persist(m: Migration, act: Callable[[], _Result], what: str, *, pause_s: float = _POLL_S) -> _Result:
    """Try until a server or a provider does not fail any more; each other reason is said once, after `what`."""
    said = ""
    while True:
        try:
            return act()
        except (ServerError, CloudFailed) as error:
            if str(error) != said:
                said = str(error)
                m.scribe.note(f"{what}: {said}", "error")
        # Nobody can stop it here; it only ends where the rehearsal around it has been taken down.
        m.desk.halted()
        time.sleep(pause_s)
