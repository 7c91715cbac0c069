"""One request, before it is sent, and what a write is to bring about."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from providers.azure.actions import ACTIONS, Action, Product
from providers.calling.answer import Answer
from providers.mysql.endpoint import Secret

T = TypeVar("T")
# JSON, with secrets among its texts.
Body = Mapping[str, object]


@dataclass(frozen=True)
class Call:
    """An action with its parameters.

    Attributes:
        about: what it is done to, as errors name it.
        path: values of the parameters of the action's path.
        body: what is sent with it; None: nothing.
        options: keyword arguments of the SDK's method, such as the `expand` of a task.
    """

    action: Action
    about: str
    path: Mapping[str, str]
    body: Body | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def named(self) -> str:
        """The action and what it is done to."""
        return f"{self.action.name} for {self.about}"

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """What is never shown."""
        return tuple(_secrets(self.body))

    def content(self) -> bytes:
        """The body as it is sent, secrets included."""
        return json.dumps(self.body, default=_reveal).encode()

    def url(self) -> str:
        """Its path with the values in it, as it is shown; not quoted."""
        return self.action.path.format_map(self.path)


@dataclass(frozen=True)
class Goal:
    """What its resource shows when a write has been carried out.

    Attributes:
        product: of the action that reads it, with `reading`, the action's name.
        path: as of a `Call`.
        fields: values that it then has, by dotted names; compared without regard to case.
        state: the dotted name of its state; empty: it has none.
        ready: the states in which it is done.
        settled: the states that do not change by themselves.
        failed: the states in which the provider has given up.
        gone: it is done when the resource is there no more.
    """

    product: str
    reading: str
    path: Mapping[str, str]
    fields: Mapping[str, str] = field(default_factory=dict)
    state: str = ""
    ready: tuple[str, ...] = ()
    settled: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    gone: bool = False


@dataclass(frozen=True)
class Write(Generic[T]):
    """A call that changes something. Nothing happens until a client sends it; until then it can be shown.

    `parse` makes the result of the answer. `goal` is None where nothing but the answer says that it was carried out.
    """

    call: Call
    parse: Callable[[Answer], T]
    goal: Goal | None = None

    def shown(self) -> str:
        """The call as it is shown before it is sent and as it is journaled: a line for it, one for the body."""
        action = self.call.action
        lines = [f"{action.method} {self.call.url()}?api-version={action.version}"]
        if self.call.body is not None:
            lines.append("  " + json.dumps(self.call.body, default=str))
        return "\n".join(lines)


def call(
    product: Product,
    action: str,
    about: str,
    path: Mapping[str, str],
    body: Body | None = None,
    options: Mapping[str, str] | None = None,
) -> Call:
    """A call; what is None in the body is left out."""
    kept = None if body is None else without_nones(body)
    return Call(ACTIONS[product.name, action], about, path, kept, options or {})


def without_nones(content: Body) -> Body:
    """The same without the entries that are None, and without the objects that are empty thereby."""
    kept: dict[str, object] = {}
    for name, value in content.items():
        if value is None:
            continue
        inner = without_nones(value) if isinstance(value, Mapping) else value
        if isinstance(value, Mapping) and value and not inner:
            continue
        kept[name] = inner
    return kept


def nothing(_: Answer) -> None:
    """For writes whose answer says nothing but that they were accepted."""


def _secrets(value: object) -> list[Secret]:
    if isinstance(value, Secret):
        return [value]
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [secret for item in inside for secret in _secrets(item)]


def _reveal(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"{type(value).__name__} cannot be sent")
