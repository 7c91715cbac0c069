"""The certificate authorities of RDS, and tokens in place of passwords."""

from __future__ import annotations

import ssl
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from providers.aws import tokens, trust
from providers.aws.client import Client
from providers.aws.errors import BadEndpoint, BundleMissing
from providers.mysql.endpoint import Account, Endpoint, Secret, TlsMode
from tests.providers.aws.answering import KEY_ID, REGION, AwsServer


@pytest.mark.parametrize("content", [None, "", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_a_file_without_authorities_is_told_with_where_to_get_one(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(BundleMissing) as caught:
        trust.checked_bundle(path, REGION)
    assert f"curl -o {path} https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem" in str(caught.value)


def test_a_file_with_authorities_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "bundle.pem"
    path.write_text(_authority())
    assert trust.checked_bundle(path, REGION) == str(path)
    ssl.create_default_context(cafile=str(path))


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "truststore.pki.rds.amazonaws.com"),
        ("us-gov-east-1", "truststore.pki.us-gov-west-1.rds.amazonaws.com"),
        ("cn-northwest-1", "rds-truststore.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_each_partition_has_its_own_file(region: str, host: str) -> None:
    assert urlsplit(trust.bundle_url(region)).hostname == host


def endpoint(tls: TlsMode) -> Endpoint:
    return Endpoint("m1", "m1.example", 3306, Account("shop", Secret("")), tls)


def test_a_token_is_made_here_for_one_user_of_one_instance(server: AwsServer, client: Client) -> None:
    account = tokens.login(client, endpoint(TlsMode.VERIFY_IDENTITY))
    made = urlsplit(f"https://{account.password.reveal()}")
    query = parse_qs(made.query)
    assert (account.user, made.hostname, made.port) == ("shop", "m1.example", 3306)
    assert (query["Action"], query["DBUser"], query["X-Amz-Expires"]) == (["connect"], ["shop"], ["900"])
    assert query["X-Amz-Credential"][0].startswith(f"{KEY_ID}/")
    assert server.seen == []
    assert "X-Amz" not in repr(account)


@pytest.mark.parametrize("tls", [TlsMode.DISABLED, TlsMode.PREFERRED])
def test_a_token_does_not_go_over_an_open_line(tls: TlsMode, client: Client) -> None:
    with pytest.raises(BadEndpoint):
        tokens.login(client, endpoint(tls))


def _authority() -> str:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Amazon RDS Root")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()
