"""Comparing answers with the published skeletons: every field must be known, of its type and in its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

_TOKEN = re.compile(r"\w+|[\[\]{},]")
_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}


@cache
def table() -> dict[str, dict[str, Any]]:
    """Fields by action: a type's name, a mapping for an object, a list of one mapping for a list of objects."""
    found: dict[str, dict[str, Any]] = {}
    text = Path(__file__).with_name("skeletons.txt").read_text()
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for part in re.split(r"\n(?=\w+:)", body):
        action, _, fields = part.partition("\n")
        found[action] = _fields(iter([*_TOKEN.findall(fields), "}"]))
    return found


def _fields(tokens: Iterator[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in tokens:
        if name in "}]":
            break
        if name == ",":
            continue
        kind = next(tokens)
        found[name] = {"{": lambda: _fields(tokens), "[": lambda: [_fields(tokens)]}.get(kind, lambda kind=kind: kind)()
    return found


def strangers(action: str, answer: dict[str, Any]) -> list[str]:
    """What of an answer is not in the skeleton, or not of its type."""
    return list(_strangers(answer, table()[action], ""))


def _strangers(value: Any, skeleton: Any, where: str) -> Iterator[str]:
    if isinstance(skeleton, dict):
        if not isinstance(value, dict):
            yield f"{where} is no object"
            return
        for name, inner in value.items():
            if name not in skeleton:
                yield f"{where}.{name} is unknown"
            else:
                yield from _strangers(inner, skeleton[name], f"{where}.{name}")
    elif isinstance(skeleton, list):
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for inner in value:
            yield from _strangers(inner, skeleton[0], where)
    elif skeleton == "strs":
        if not all(isinstance(one, str) for one in value):
            yield f"{where} is no list of text"
    elif skeleton != "any" and (
        not isinstance(value, _TYPES[skeleton]) or (isinstance(value, bool) and skeleton != "bool")
    ):
        yield f"{where} is {type(value).__name__} and not {skeleton}"
