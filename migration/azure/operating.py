"""Carrying calls out that take minutes: sent once, followed, and picked up by a later runner instead of sent again."""

from __future__ import annotations

import time
from typing import Any

from migration.azure.account import PRODUCT, of, told
from migration.runbook import CloudFailed, CloudSilent, Halted, Migration
from providers.azure.calls import Write
from providers.azure.client import Running
from providers.azure.errors import AzureError, Conflict
from providers.azure.operations import Outcome, Progress

_POLL_S = 10.0
# How long nothing may be seen of what was said to be under way already.
_UNSEEN_S = 1800.0
_BUSY = ("ServerIsBusy", "OperationInProgress", "ConflictingServerOperation", "AnotherOperationInProgress")


def poll_s(m: Migration) -> float:
    """How long to wait between two looks, in seconds."""
    return float(of(m).spec.options.get("poll_s", _POLL_S))


def busy(error: CloudFailed) -> bool:
    """Whether a call was refused because something is under way with the server already."""
    return isinstance(error.__cause__, Conflict) and error.__cause__.code in _BUSY


def carry_out(m: Migration, step: str, write: Write[Any]) -> None:
    """Send a call and wait for its end. A server that is busy with it already is waited for.

    Raises:
        CloudFailed: it was refused, or failed.
        CloudSilent: whether it was carried out is not known.
        Halted: the operator stopped waiting; it goes on at the provider.
    """
    m.scribe.statement(PRODUCT, step, write.shown(), 0)
    try:
        running: Running[Any] = of(m).begin(write)
    except CloudSilent:
        raise
    except CloudFailed as error:
        if not busy(error):
            raise
        m.scribe.note(f"the provider is at it already: {error}")
        running = of(m).resume(write)
    follow(m, step, running, write)


def pick_up(m: Migration, step: str, write: Write[Any]) -> None:
    """Wait for the end of a call that an earlier runner sent; raises as `carry_out`."""
    follow(m, step, of(m).resume(write), write)


def follow(m: Migration, step: str, running: Running[Any], write: Write[Any]) -> None:
    """Look until it is done; raises as `carry_out`."""
    pause, until = poll_s(m), time.monotonic() + _UNSEEN_S
    while True:
        seen = _look(running)
        if seen.outcome is Outcome.DONE:
            return
        if seen.outcome is Outcome.NOT_DONE and (seen.final or time.monotonic() > until):
            code = f" ({seen.code})" if seen.code else ""
            raise CloudFailed(
                f"{write.call.action.name} of {write.call.about} failed: {seen.words}{code}. See to "
                "what the provider says, then try again."
            )
        m.scribe.progress(step, done=0, total=0, unit="", note=f"{write.call.about}: {seen.words or seen.outcome}")
        if m.desk.halted():
            raise Halted
        time.sleep(pause)


def _look(running: Running[Any]) -> Progress:
    try:
        with told():
            return running.look()
    except CloudFailed as error:
        cause = error.__cause__
        return Progress(Outcome.UNKNOWN, str(error), cause.code if isinstance(cause, AzureError) else "")
