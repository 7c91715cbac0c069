"""Checking requests and answers against OpenAPI descriptions, as the cloud's owner publishes them.

Covers what those descriptions use: references between files, `allOf`, discriminators, enumerations, formats, what may
only be read. A name that is not described is a problem: services ignore it, which is never what was wanted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
# What every resource has; the file that says so is shared by all descriptions and seldom beside them.
_COMMON = {"id", "name", "type", "location", "tags", "systemData"}
_VARYING = re.compile(r"\{[^}]+\}")


@dataclass(frozen=True)
class Described:
    """One operation: its name, and where its description is."""

    name: str
    version: str
    file: Path
    content: Mapping[str, Any]


class Contract:
    """All descriptions below a folder."""

    def __init__(self, folder: Path) -> None:
        self._operations: list[tuple[str, str, re.Pattern[str], Described]] = []
        for file in sorted(folder.glob("*/*.json")):
            content = _load(file)
            for path, methods in content.get("paths", {}).items():
                for method, operation in methods.items():
                    if method == "parameters":
                        continue
                    described = Described(operation["operationId"], content["info"]["version"], file, operation)
                    form = re.compile(_VARYING.sub("[^/]+", path), re.IGNORECASE)
                    self._operations.append((method.upper(), described.version, form, described))

    def find(self, method: str, path: str, version: str) -> Described | None:
        """The operation that a request is for; None: it is described nowhere."""
        for one, of_version, form, described in self._operations:
            if (one, of_version) == (method, version) and form.fullmatch(path):
                return described
        return None

    def named(self, name: str, version: str) -> Described | None:
        """The operation of a name."""
        return next((one for _, v, _, one in self._operations if (one.name, v) == (name, version)), None)

    def of_request(self, operation: Described, body: object) -> list[str]:
        """What is wrong with the body of a request; None is no body."""
        for given in operation.content.get("parameters", ()):
            found = _resolve(given, operation.file)
            parameter = found[0] if found else {}
            if parameter.get("in") == "body":
                if body is None:
                    return ["there is no body"] if parameter.get("required") else []
                return list(_problems(body, parameter["schema"], operation.file, "body", sent=True))
        return [] if body is None else ["there is a body"]

    def of_answer(self, operation: Described, status: int, body: object) -> list[str]:
        """What is wrong with an answer. One with an error is not looked at."""
        described = operation.content["responses"].get(str(status))
        if described is None:
            return [f"status {status} is not described"]
        schema = described.get("schema")
        if schema is None or body is None:
            return []
        return list(_problems(body, schema, operation.file, "answer", sent=False))


@cache
def _load(file: Path) -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8-sig"))
    return content


def _resolve(schema: Mapping[str, Any], file: Path) -> tuple[Mapping[str, Any], Path] | None:
    """What a schema stands for; None: it is in a file that is not there."""
    while "$ref" in schema:
        where, _, inside = schema["$ref"].partition("#")
        file = (file.parent / where).resolve() if where else file
        if not file.exists():
            return None
        found: Any = _load(file)
        for name in inside.strip("/").split("/"):
            found = found[name]
        schema = found
    return schema, file


def _properties(schema: Mapping[str, Any], file: Path) -> tuple[dict[str, tuple[Any, Path]], set[str]]:
    """Names with their schemas, those of all that it is made of; and the names that must be there."""
    names: dict[str, tuple[Any, Path]] = {}
    required = set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        found = _resolve(part, file)
        if found is None:
            names |= {name: ({}, file) for name in _COMMON}
            continue
        inner, needed = _properties(*found)
        names |= inner
        required |= needed
    names |= {name: (one, file) for name, one in schema.get("properties", {}).items()}
    return names, required


def _narrowed(schema: Mapping[str, Any], file: Path, value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The definition that a discriminator's value names; None: there is none of that value."""
    kind = value.get(schema["discriminator"])
    for name, one in _load(file)["definitions"].items():
        if one.get("x-ms-discriminator-value", name) == kind and one is not schema:
            bases = [_resolve(part, file) for part in one.get("allOf", ())]
            if any(base is not None and base[0] is schema for base in bases):
                found: Mapping[str, Any] = one
                return found
    # The common part alone: what it is made for has nothing of its own.
    return schema if _listed(schema, file, kind) else None


def _listed(schema: Mapping[str, Any], file: Path, kind: object) -> bool:
    name = schema["discriminator"]
    found = _resolve(schema.get("properties", {}).get(name, {}), file)
    return found is not None and kind in found[0].get("enum", ())


def _problems(value: object, given: Mapping[str, Any], file: Path, where: str, *, sent: bool) -> Iterator[str]:
    found = _resolve(given, file)
    if found is None:
        return
    schema, file = found
    kind = schema.get("type") or ("object" if "properties" in schema or "allOf" in schema else None)
    if kind in _TYPES and not (isinstance(value, _TYPES[kind]) and not (isinstance(value, bool) and kind != "boolean")):
        yield f"{where}: {value!r} is no {kind}"
    elif isinstance(value, dict):
        yield from _object(value, schema, file, where, sent=sent)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _problems(item, schema.get("items", {}), file, f"{where}[{number}]", sent=sent)
    else:
        yield from _scalar(value, schema, where)


def _scalar(value: object, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield f"{where}: {value!r} is none of {', '.join(schema['enum'])}"
    if schema.get("format") == "date-time" and not _is_time(str(value)):
        yield f"{where}: {value!r} is no time"
    if "minimum" in schema and isinstance(value, int) and value < schema["minimum"]:
        yield f"{where}: {value} is less than {schema['minimum']}"


def _object(value: dict[str, Any], schema: Mapping[str, Any], file: Path, where: str, *, sent: bool) -> Iterator[str]:
    if "discriminator" in schema:
        narrowed = _narrowed(schema, file, value)
        if narrowed is None:
            yield f"{where}: {schema['discriminator']} {value.get(schema['discriminator'])!r} is not described"
            return
        schema = narrowed
    names, required = _properties(schema, file)
    for name in sorted(required - set(value)):
        yield f"{where}: {name} is missing"
    more = schema.get("additionalProperties")
    for name, item in value.items():
        if name in names:
            inner, its_file = names[name]
            if sent and inner.get("readOnly"):
                yield f"{where}.{name} can only be read"
            yield from _problems(item, inner, its_file, f"{where}.{name}", sent=sent)
        elif isinstance(more, Mapping):
            yield from _problems(item, more, file, f"{where}.{name}", sent=sent)
        elif names and not more:
            yield f"{where}: {name} is not described"


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    except ValueError:
        return False
    return True
