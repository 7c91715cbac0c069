"""One request, before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from providers.aliyun.actions import ACTIONS, Action, Product
from providers.calling.answer import Answer
from providers.mysql.endpoint import Secret

T = TypeVar("T")
Value = str | int | bool | Secret | None
_TOKEN = "ClientToken"  # noqa: S105


@dataclass(frozen=True)
class Call:
    """An action with its parameters.

    `about` is what it is done to, as errors name it. `parameters` are names and values as they go over the wire, in
    the order in which they are shown.
    """

    action: Action
    about: str
    parameters: tuple[tuple[str, str | Secret], ...] = ()

    @property
    def named(self) -> str:
        """The action and what it is done to."""
        return f"{self.action.name} for {self.about}"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The parameters that are never shown."""
        return tuple(value for _, value in self.parameters if isinstance(value, Secret))

    def body(self) -> dict[str, str]:
        """The parameters as they are sent, secrets included."""
        return {name: value.reveal() if isinstance(value, Secret) else value for name, value in self.parameters}


@dataclass(frozen=True)
class Write(Generic[T]):
    """A call that changes something. Nothing happens until a client sends it; until then it can be shown.

    `parse` makes the result of the answer. The same object can be sent again where it is `repeatable`.
    """

    call: Call
    parse: Callable[[Answer], T]

    @property
    def repeatable(self) -> bool:
        """Whether the provider carries it out once, however often it is sent: it has a client token."""
        return any(name == _TOKEN for name, _ in self.call.parameters)

    def shown(self) -> str:
        """The call as it is shown before it is sent and as it is journaled: a line for it, one for each parameter."""
        action = self.call.action
        parameters = (f"  {name}={value}" for name, value in self.call.parameters)
        return "\n".join((f"{action.product.name} {action.product.version} {action.name}", *parameters))


def call(product: Product, action: str, about: str, parameters: dict[str, Value]) -> Call:
    """A call; parameters that are None are left out, numbers and booleans are written as the API wants them."""
    wire = tuple((name, _wire(value)) for name, value in parameters.items() if value is not None)
    return Call(ACTIONS[product.name, action], about, wire)


def _wire(value: str | int | bool | Secret) -> str | Secret:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def nothing(_: Answer) -> None:
    """For writes whose answer says nothing but that they were accepted."""
