"""Where calls may be sent, and where credentials and region are looked for."""

from __future__ import annotations

import contextlib
import logging
import os
from pathlib import Path

import pytest

from providers.aws import instances
from providers.aws.access import Access
from providers.aws.client import Client
from providers.aws.errors import BadEndpoint, CredentialsMissing
from tests.providers.aws.answering import KEY_ID, REGION, SECRET, AwsServer
from tests.providers.aws.conftest import RETRY, TIMEOUTS


def ask(access: Access) -> None:
    with contextlib.closing(Client(access, RETRY, TIMEOUTS)) as client:
        instances.instances(client)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://rds.eu-central-1.amazonaws.com",
        "http://10.0.0.1:80",
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "https://",
        "https://user:word@host",
        "https://host/path",
        "http://127.0.0.1.example.com",
    ],
)
def test_plain_http_goes_to_this_machine_only(endpoint: str) -> None:
    with pytest.raises(BadEndpoint):
        Access(REGION, endpoint=endpoint)


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "http://[::1]:1", "http://localhost:1", "https://vpce.aws"])
def test_these_addresses_are_taken(endpoint: str) -> None:
    assert Access(REGION, endpoint=endpoint).endpoint == endpoint


@pytest.mark.parametrize("region", ["", "eu", "eu-central-1.evil.com/", "EU-CENTRAL-1", "eu-central-1\n"])
def test_what_is_no_region_is_refused(region: str) -> None:
    with pytest.raises(BadEndpoint):
        Access(region)


def test_an_address_of_the_environment_is_checked_too(monkeypatch: pytest.MonkeyPatch, server: AwsServer) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_RDS", "http://192.0.2.1:80")
    with pytest.raises(BadEndpoint):
        ask(Access(REGION, key=server.access.key))


def test_without_credentials_it_is_said_where_they_belong() -> None:
    with pytest.raises(CredentialsMissing) as caught:
        ask(Access(REGION))
    assert "aws configure" in str(caught.value)


def test_a_profile_that_is_not_there_is_named() -> None:
    with pytest.raises(CredentialsMissing) as caught:
        ask(Access(REGION, profile="nobody"))
    assert "nobody" in str(caught.value)


def test_without_a_region_it_is_said_how_to_set_it(server: AwsServer) -> None:
    with pytest.raises(BadEndpoint) as caught:
        ask(Access(key=server.access.key))
    assert "region" in str(caught.value)


def test_profile_and_region_come_from_the_files(server: AwsServer) -> None:
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[profile shop]\nregion = {REGION}\n")
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(
        f"[shop]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
    )
    server.answers["DescribeDBInstances"] = {"DBInstances": []}
    ask(Access(profile="shop", endpoint=server.access.endpoint))
    assert len(server.seen) == 1


def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    monkeypatch: pytest.MonkeyPatch, server: AwsServer
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server.answers["DescribeDBInstances"] = {"DBInstances": []}
    ask(server.access)
    assert len(server.seen) == 1


def test_the_log_of_the_sdk_is_kept_apart(server: AwsServer, caplog: pytest.LogCaptureFixture) -> None:
    server.answers["DescribeDBInstances"] = {"DBInstances": []}
    with caplog.at_level(logging.DEBUG):
        ask(server.access)
    assert not [one for one in caplog.records if one.name.startswith(("boto3", "botocore"))]
    assert SECRET not in caplog.text
