"""A client of a canned Resource Manager."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from providers.azure.client import Client
from providers.azure.clouds import at
from providers.azure.credentials import StaticToken
from providers.calling.patience import Retry, Timeouts
from providers.mysql.endpoint import Secret
from tests.providers.azure.arm import TOKEN, ArmServer

RETRY = Retry(attempts=3, first_s=0.001, most_s=0.002)


@pytest.fixture
def server() -> Iterator[ArmServer]:
    with ArmServer() as running:
        yield running


@pytest.fixture
def client(server: ArmServer) -> Iterator[Client]:
    made = Client(at(server.url), StaticToken(Secret(TOKEN)), RETRY, Timeouts(2.0, 5.0))
    with contextlib.closing(made):
        yield made
