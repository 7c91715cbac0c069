"""Microsoft's own descriptions, examples and recorded traffic, where they are beside this checkout."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from providers.azure.actions import CLASSIC, Action
from providers.sandbox.azure_api.contract import Contract, Described

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "contract"
HERE = FOLDER.is_dir()
needed = pytest.mark.skipif(not HERE, reason="the descriptions of the cloud are not beside this checkout")
DESCRIPTIONS = FOLDER / "azure" if HERE else None


@cache
def contract() -> Contract:
    """All OpenAPI descriptions."""
    return Contract(FOLDER / "azure")


def described(action: Action) -> Described | None:
    """The description of an action."""
    return None if action.product is CLASSIC else contract().named(action.name, action.version)


def examples(operation: Described) -> list[dict[str, Any]]:
    """The examples of an operation that are there."""
    found = []
    for one in operation.content.get("x-ms-examples", {}).values():
        file = (operation.file.parent / one["$ref"]).resolve()
        if file.exists():
            found.append(json.loads(file.read_text(encoding="utf-8-sig")))
    return found


def answers(operation: Described) -> list[tuple[int, Any]]:
    """Every answer of the examples that has a content."""
    return [
        (int(status), answer["body"])
        for example in examples(operation)
        for status, answer in example["responses"].items()
        if answer.get("body")
    ]


def recorded(name: str) -> Any:
    """One of Microsoft's recordings."""
    return json.loads((FOLDER / "azure-recorded" / f"{name}.json").read_text())


def classic() -> list[dict[str, Any]]:
    """What the documentation of 2016 has of MySQL Database on Azure."""
    content: list[dict[str, Any]] = json.loads((FOLDER / "azure-china" / "api.json").read_text())["operations"]
    return content
