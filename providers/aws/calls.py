"""One request, before it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from providers.aws.actions import ACTIONS, Action, Service
from providers.aws.answer import Answer

if TYPE_CHECKING:
    from providers.aws.client import Client

T = TypeVar("T")
Look = Callable[["Client"], bool | None]


@dataclass(frozen=True)
class Call:
    """An action with its parameters, in AWS's own names. `about` is what it is done to, as errors name it."""

    action: Action
    about: str
    parameters: tuple[tuple[str, object], ...] = ()

    @property
    def named(self) -> str:
        """The action and what it is done to."""
        return f"{self.action.name} for {self.about}"


@dataclass(frozen=True)
class Write(Generic[T]):
    """A call that changes something. Nothing happens until a client sends it; until then it can be shown.

    RDS has no token by which a repetition could be told from the first, so none of them is ever sent twice.

    Attributes:
        parse: makes the result of the answer.
        look: whether what it does is there now: True, False, or None where that cannot be told.
    """

    call: Call
    parse: Callable[[Answer], T]
    look: Look

    def shown(self) -> str:
        """The call as it is shown before it is sent and as it is journaled: a line for it, one for each parameter."""
        action = self.call.action
        lines = [f"{action.service.name} {action.name}"]
        for name, value in self.call.parameters:
            lines += [f"  {name}={text}" for text in _texts(value)]
        return "\n".join(lines)


def call(service: Service, action: str, about: str, parameters: Mapping[str, object]) -> Call:
    """A call; parameters that are None are left out."""
    given = tuple((name, value) for name, value in parameters.items() if value is not None)
    return Call(ACTIONS[service.name, action], about, given)


def _texts(value: object) -> list[str]:
    if isinstance(value, bool):
        return ["true" if value else "false"]
    if not isinstance(value, list):
        return [str(value)]
    return [", ".join(map(str, one.values())) if isinstance(one, dict) else str(one) for one in value]
