"""Following what a write began, also after a restart, by what its resource shows.

An operation's own address says the most, but it is lost with the process and must not be written down. What is kept
instead is which resource to read and what it shows when the write has been carried out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any

from providers.azure.calls import Goal, Write
from providers.azure.errors import BadContinuation
from providers.calling.answer import Answer

_DONE = "succeeded"
_FAILED = ("failed", "canceled", "cancelled")


class Outcome(StrEnum):
    """What is known of a write. UNKNOWN: neither that it was carried out nor that it was not."""

    DONE = "done"
    UNDER_WAY = "under way"
    NOT_DONE = "not done"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Progress:
    """How far a write is.

    Attributes:
        words: what the provider says of it, or what was seen.
        code: the provider's code where it failed.
        final: the provider said so itself; else the resource shows it so far, and may show another thing later.
    """

    outcome: Outcome
    words: str = ""
    code: str = ""
    final: bool = False


@dataclass(frozen=True)
class Continuation:
    """What is kept of a write in order to follow it, from before it is sent.

    Attributes:
        action: product and action, such as `flexible:Servers_Update`.
        about: what it is done to, as it is shown.
        goal: None: nothing but the answer says that it was carried out.
        accepted: the provider took it.
        operation: the provider's own id of the operation, for its support; no address.
    """

    action: str
    about: str
    goal: Goal | None
    accepted: bool = False
    operation: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values; no secrets are among them."""
        return asdict(self)

    @staticmethod
    def from_json(content: object) -> Continuation:
        """The reverse of `as_json`.

        Raises:
            BadContinuation: it is not what `as_json` gave.
        """
        if not isinstance(content, Mapping):
            raise BadContinuation("What was kept of an operation is no JSON object: read the resource itself.")
        given = dict(content)
        try:
            goal = given.pop("goal")
            if goal is not None:
                goal = Goal(**{**goal, **{name: tuple(goal[name]) for name in ("ready", "settled", "failed")}})
            found = Continuation(goal=goal, **given)
        except (TypeError, KeyError, AttributeError) as error:
            raise BadContinuation(
                f"What was kept of an operation cannot be read ({error}): read the resource itself."
            ) from error
        if not all(isinstance(getattr(found, one.name), str) for one in fields(found)[:2]):
            raise BadContinuation("What was kept of an operation names no action: read the resource itself.")
        return found


def intended(write: Write[Any]) -> Continuation:
    """What is to be kept of a write before it is sent."""
    action = write.call.action
    return Continuation(f"{action.product.name}:{action.name}", write.call.about, write.goal)


def accepted(kept: Continuation, url: str | None) -> Continuation:
    """The same after the provider took it."""
    return replace(kept, accepted=True, operation=operation_id(url) if url else None)


def operation_id(url: str) -> str | None:
    """The provider's name of an operation, out of its address."""
    found = re.search(r"/(?:azureAsyncOperation|operationStatuses|operationResults)/([\w-]{1,64})(?:[?/]|$)", url)
    return found[1] if found else None


def told(answer: Answer) -> Progress:
    """What an operation's own status says; the words are not redacted yet."""
    status = answer.text("status")
    if status is None:
        return Progress(Outcome.UNKNOWN, "The operation gives no status")
    if status.lower() == _DONE:
        return Progress(Outcome.DONE, status, final=True)
    if status.lower() in _FAILED:
        error = answer.part("error") or Answer({})
        words = error.text("message") or f"The operation is {status} and gives no reason"
        return Progress(Outcome.NOT_DONE, words, error.text("code") or status, final=True)
    return Progress(Outcome.UNDER_WAY, status)


def shown(goal: Goal, resource: Answer | None) -> Progress:
    """What the resource shows of a goal; None: it is not there."""
    if resource is None:
        if goal.gone:
            return Progress(Outcome.DONE, "It is gone")
        return Progress(Outcome.NOT_DONE, "It is not there")
    state = resource.text(*goal.state.split(".")) if goal.state else None
    if goal.state and state is None:
        return Progress(Outcome.UNKNOWN, "The answer gives no state")
    words = f"Its state is {state}" if state else "It is there"
    if state in goal.failed:
        return Progress(Outcome.NOT_DONE, words, final=True)
    changing = bool(goal.settled) and state not in goal.settled
    if goal.gone:
        return Progress(Outcome.UNDER_WAY if changing else Outcome.NOT_DONE, words)
    values = {name: resource.text(*name.split(".")) for name in goal.fields}
    there = {name: value for name, value in values.items() if value is not None}
    differing = [name for name, value in there.items() if value.lower() != goal.fields[name].lower()]
    if changing:
        return Progress(Outcome.UNDER_WAY, words)
    if differing or (goal.ready and state not in goal.ready):
        names = ", ".join(f"{name} is {there[name] or 'empty'}" for name in differing)
        return Progress(Outcome.NOT_DONE, f"{words}; {names}" if names else words)
    missing = [name for name in goal.fields if name not in there]
    if missing:
        return Progress(Outcome.UNKNOWN, f"{words}; the answer gives no {', '.join(missing)}")
    return Progress(Outcome.DONE, words)
