"""A server that speaks AWS's protocols, and a client that talks to it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from providers.aws.client import Client
from providers.calling.patience import Retry, Timeouts
from tests.providers.aws.answering import AwsServer

RETRY = Retry(attempts=3, first_s=0.01)
# Nothing waits for them but on a machine that is busy with other things.
TIMEOUTS = Timeouts(connect_s=20, read_s=20)


@pytest.fixture(autouse=True)
def no_account(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whoever runs the tests may have an account: nothing of it is used."""
    empty = tmp_path_factory.mktemp("aws")
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_RDS", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(empty / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(empty / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture(scope="session")
def shared() -> Iterator[tuple[AwsServer, Client]]:
    with (
        AwsServer() as running,
        contextlib.closing(Client(running.access, RETRY, TIMEOUTS, settle_s=0.05)) as made,
    ):
        yield running, made


@pytest.fixture
def server(shared: tuple[AwsServer, Client]) -> AwsServer:
    """A server that has seen nothing and has no answers."""
    running, _ = shared
    for kept in (running.answers, running.next, running.seen, running.done):
        kept.clear()
    return running


@pytest.fixture
def client(shared: tuple[AwsServer, Client], server: AwsServer) -> Client:
    """A client of that server."""
    return shared[1]
