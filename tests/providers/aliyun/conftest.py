"""A server that speaks the provider's protocol, and a client that talks to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from providers.aliyun.client import Client
from providers.aliyun.credentials import Credentials, from_texts
from providers.aliyun.endpoints import everything_at
from providers.calling.patience import Retry, Timeouts
from tests.support.aliyun_http import KEY, SECRET, AliyunServer

REGION = "cn-hangzhou"
RETRY = Retry(attempts=3, first_s=0.01)
# Nothing waits for them but on a machine that is busy with other things.
TIMEOUTS = Timeouts(connect_s=20, read_s=20)


def credentials() -> Credentials:
    return from_texts(KEY, SECRET, None, "test")


@pytest.fixture
def server() -> Iterator[AliyunServer]:
    with AliyunServer() as running:
        yield running


@pytest.fixture
def client(server: AliyunServer) -> Iterator[Client]:
    with contextlib.closing(Client(everything_at(server.url, REGION), credentials, RETRY, TIMEOUTS)) as made:
        yield made
