"""The operator's own keys: `keys.toml`, in which each line gives an action another key."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping

from textual.binding import Binding

from tui import config
from tui.actions import EVERYWHERE, FIXED, bound, name_of, printed, sentence
from tui.screens import catalogue
from tui.screens.base import WizardScreen
from tui.text import clean

_FUNCTION_OR_CONTROL = re.compile(r"f([1-9]|1[0-2])|ctrl\+[a-z]")
# What terminals send for these is another key.
_TAKEN = {
    "ctrl+i": "Tab", "ctrl+m": "Enter", "ctrl+j": "Enter", "ctrl+h": "Backspace",
    "ctrl+q": "the key that always leaves", "ctrl+c": "the key that copies from fields",
}  # fmt: skip


def read_keys() -> dict[str, str]:
    """The operator's keys by action, as Textual names keys; empty without a file.

    Raises:
        config.BadConfig: an action or key is none, or a key has a meaning already; names the line.
    """
    file = config.read(config.KEYS_FILE)
    known = {one.id: one for one in movable()}
    keys = {}
    for action, value in file.values.items():
        if action not in known:
            why = "keeps its key" if action in _fixed() else "is no action that has a key of its own"
            raise file.bad(f"{clean(action)} {why}; `cutover keys` lists those that can have another.", action)
        try:
            keys[action] = _key(value)
        except ValueError as error:
            raise file.bad(str(error), action) from None
    for one, other, screen in _clashes(keys):
        mine, taken = sorted((one, other), key=lambda each: file.line(each.id or "") if each.id in keys else 0)[::-1]
        raise file.bad(
            f"{printed(mine)} is {_said(taken)} on the screen {screen.NAME}; give {mine.id} another key.", mine.id or ""
        )
    return keys


def movable() -> Iterator[Binding]:
    """One binding of each action that can have another key."""
    every = [one for screen in screens() for one in screen.BINDINGS if isinstance(one, Binding)]
    seen: set[str] = set()
    for one in (*EVERYWHERE, *every):
        if one.id is not None and one.id not in seen:
            seen.add(one.id)
            yield one


def example() -> str:
    """A file with every key as it is without one, each line commented out."""
    lines = [f"# {config.config_dir() / config.KEYS_FILE}: take away the # of a line and change its key."]
    for one in sorted(movable(), key=lambda each: each.id or ""):
        key = printed(one).removeprefix("^")
        value = f"ctrl+{key}" if printed(one).startswith("^") and key else key.lower() if len(key) > 1 else key
        lines.append(f'# {one.id} = "{value}"'.ljust(24) + f"# {sentence(one)}")
    return "\n".join(lines)


def screens() -> Iterator[type[WizardScreen]]:
    """Every screen there is."""
    return _below(WizardScreen)


def _below(kind: type[WizardScreen]) -> Iterator[type[WizardScreen]]:
    for one in kind.__subclasses__():
        if one.__module__.startswith(catalogue.__name__.rpartition(".")[0]):
            yield one
            yield from _below(one)


def _fixed() -> frozenset[str]:
    named = (name_of(one) for screen in screens() for one in screen.BINDINGS if isinstance(one, Binding))
    return FIXED | frozenset(named)


def _key(value: object) -> str:
    """A key as Textual names it."""
    if not isinstance(value, str):
        raise ValueError("a key is written in quotes.")
    if value in _TAKEN:
        raise ValueError(f"{value} is {_TAKEN[value]} on terminals; choose another key.")
    if _FUNCTION_OR_CONTROL.fullmatch(value):
        return value
    if len(value) != 1 or value not in string.printable or value.isspace():
        raise ValueError(f'"{clean(value)}" is no key; write one character, f1 to f12, or ctrl+ with a letter.')
    # Textual takes a comma for the end of a key's name.
    return "comma" if value == "," else next(iter(Binding.make_bindings([Binding(value, "key")]))).key


def _clashes(keys: Mapping[str, str]) -> Iterator[tuple[Binding, Binding, type[WizardScreen]]]:
    """Two actions that would have the same key on a screen."""
    for screen in screens():
        taken: dict[str, Binding] = {}
        everywhere = () if screen.AUTO_FOCUS else EVERYWHERE
        for one in bound((*screen.BINDINGS, *everywhere), keys):
            for key in one.key.split(","):
                other = taken.setdefault(key, one)
                if other.action != one.action:
                    yield one, other, screen


def _said(binding: Binding) -> str:
    return (binding.description or sentence(binding) or name_of(binding)).rstrip("….")
