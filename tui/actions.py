"""What can be done on a screen: the bindings behind its key line, the help, the palette and the user's own keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from textual.binding import Binding, BindingType
from textual.keys import key_to_character

# What keeps its key, whatever a user's file says: it confirms or ends something, or acts on a server at once.
FIXED = frozenset({"apply", "approve", "begin", "go", "retry", "send", "stop", "take", "undo"})
# Keys that mean the same on every screen and in every other program.
STRUCTURAL = frozenset(
    {"enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "pageup", "pagedown", "home", "end"}
    | {"space", "backspace", "delete", "insert", "ctrl+q", "ctrl+c"}
)

EVERYWHERE: tuple[Binding, ...] = (
    Binding(
        "colon,ctrl+p", "app.palette", "Every action", show=False, key_display=":",
        tooltip="every action of this screen by its words; also ^p",
    ),
    Binding(
        "f2", "app.text", "Screen as text", show=False, id="text",
        tooltip="this screen as plain text, to select and keep; Enter comes back",
    ),
    Binding(
        "y", "app.copy", "Copy", show=False, id="copy",
        tooltip="copy the statement, command or error of this screen to your clipboard",
    ),
    Binding(
        "P", "app.presenter", "Presenter mode", show=False, id="presenter",
        tooltip="presenter mode: names under aliases, for a screen that others look at",
    ),
    Binding(
        "O", "app.seat", "Operator's seat", show=False, id="seat",
        tooltip="the operator's seat: who has it; take it, or hand it over",
    ),
)  # fmt: skip
# Where letters go into fields.
IN_FORMS = (replace(EVERYWHERE[0], key="ctrl+p", key_display="^p"), EVERYWHERE[1])


@dataclass(frozen=True)
class Action:
    """One thing that a key does.

    Attributes:
        run: what Textual runs, such as `app.log`.
        name: the same without its place and parameters; what the user's file calls it.
        key: the key as it is printed.
        words: what it is called now.
        sentence: what it does.
        on: whether the key does it now.
    """

    run: str
    name: str
    key: str
    words: str
    sentence: str
    on: bool


def name_of(binding: Binding) -> str:
    """The action without its place and parameters: `app.look(1)` is `look`."""
    return binding.action.partition("(")[0].rpartition(".")[2]


def named(bindings: Iterable[BindingType]) -> list[BindingType]:
    """The bindings of a screen; those that may have another key have an id, by which they get it."""
    return [replace(one, id=name_of(one)) if isinstance(one, Binding) and _movable(one) else one for one in bindings]


def unnamed(bindings: Iterable[BindingType]) -> list[BindingType]:
    """The bindings of a form: its fields take letters, so every key stays as it is."""
    return [replace(one, id=None) if isinstance(one, Binding) else one for one in bindings]


def _movable(binding: Binding) -> bool:
    if "(" in binding.action or name_of(binding) in FIXED:
        return False
    return not STRUCTURAL.intersection(binding.key.split(","))


def bound(bindings: Iterable[BindingType], keys: Mapping[str, str]) -> Iterator[Binding]:
    """The bindings with the user's own keys, by id."""
    for one in bindings:
        if isinstance(one, Binding):
            key = keys.get(one.id or "")
            yield one.with_key(key) if key else one


def printed(binding: Binding) -> str:
    """The key of a binding as it is printed."""
    if binding.key_display:
        return binding.key_display
    key = binding.key.partition(",")[0]
    if key.startswith("ctrl+"):
        return f"^{key.removeprefix('ctrl+')}"
    character = key_to_character(key)
    if character is not None and character.isprintable():
        return character
    return key.upper() if key[:1] == "f" and key[1:].isdigit() else key


def sentence(binding: Binding) -> str:
    """What a binding does."""
    return binding.tooltip or binding.description
