"""The examples that AWS publishes with its SDK, over HTTP and into the dataclasses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore
import pytest

from providers.aws.actions import ACTIONS
from providers.aws.client import Client
from providers.aws.errors import NoAnswer
from tests.providers.aws.answering import AwsServer
from tests.providers.aws.samples import SAMPLES, operation, use
from tests.support.offered import leaves

EXAMPLES = json.loads(
    (Path(botocore.__file__).parent / "data/rds/2014-10-31/examples-1.json").read_text(encoding="utf-8")
)["examples"]


def cases() -> Iterator[Any]:
    for _, action in ACTIONS:
        for number, example in enumerate(EXAMPLES.get(action, ())):
            if example.get("output") is not None:
                yield pytest.param(action, example["output"], id=f"{action}-{number}")


def test_most_actions_have_an_example() -> None:
    assert len(list(cases())) > 15


@pytest.mark.parametrize(("action", "output"), cases())
def test_an_example_is_read(action: str, output: dict[str, Any], server: AwsServer, client: Client) -> None:
    # A page's own mark would have the client ask for the next one.
    body = {name: value for name, value in output.items() if name != "Marker"}
    server.answers[action] = body
    name = next(a for a in ACTIONS.values() if a.name == action).functions[0]
    try:
        found = use(client, SAMPLES[name])
    except NoAnswer:
        # Most of them are published with nothing in them: a list that is not there is no empty list.
        assert not any(body.values())
        return
    texts = {value for _, value in leaves(found) if isinstance(value, str)}
    assert texts <= set(_texts(body))
    if any(next(iter(body.values()), ())):
        assert len(texts) > 15


@pytest.mark.parametrize(("action", "output"), cases())
def test_an_example_is_of_the_model(action: str, output: dict[str, Any]) -> None:
    assert set(output) <= set(operation("rds", action).output_shape.members)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
    elif isinstance(value, int | float):
        yield str(value)
