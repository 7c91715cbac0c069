"""What a module offers, and what is in a record that one of its functions gave."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any


def public_functions(*modules: ModuleType) -> set[str]:
    """As `module.function`: what is defined in the modules, and methods to which they give a name of their own."""
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in modules
        for name, one in inspect.getmembers(module, inspect.isroutine)
        if not name.startswith("_") and (inspect.ismethod(one) or one.__module__ == module.__name__)
    }


def leaves(value: Any, name: str = "", *, whole: type = type) -> Iterator[tuple[str, Any]]:
    """Every value in dataclasses and tuples, with the names of the fields that lead to it; `whole` is not opened."""
    if dataclasses.is_dataclass(value) and not isinstance(value, whole):
        for field in dataclasses.fields(value):
            yield from leaves(getattr(value, field.name), f"{name}.{field.name}".lstrip("."), whole=whole)
    elif isinstance(value, tuple) and value:
        for item in value:
            yield from leaves(item, name, whole=whole)
    else:
        yield name, value
