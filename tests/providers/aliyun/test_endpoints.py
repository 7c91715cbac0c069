"""Where requests go, and that they go there encrypted."""

from __future__ import annotations

import contextlib
import datetime
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from providers.aliyun import polardb, sdk
from providers.aliyun.actions import DTS, POLARDB, RAM, RDS, RESOURCE_MANAGER, Product
from providers.aliyun.client import Client
from providers.aliyun.endpoints import Endpoints, everything_at
from providers.aliyun.errors import BadEndpoint, NoAnswer
from tests.providers.aliyun.conftest import REGION, RETRY, TIMEOUTS, credentials
from tests.support.aliyun_http import AliyunServer
from tests.support.listening import LOOPBACK

PRODUCTS = (POLARDB, RDS, DTS, RAM, RESOURCE_MANAGER)


@pytest.mark.parametrize(
    ("product", "region", "url"),
    [
        (POLARDB, "cn-hangzhou", "https://polardb.aliyuncs.com"),
        (POLARDB, "ap-southeast-1", "https://polardb.ap-southeast-1.aliyuncs.com"),
        (RDS, "ap-southeast-1", "https://rds.aliyuncs.com"),
        (RDS, "eu-central-1", "https://rds.eu-central-1.aliyuncs.com"),
        (DTS, "eu-central-1", "https://dts.aliyuncs.com"),
        (DTS, "cn-chengdu", "https://dts.cn-chengdu.aliyuncs.com"),
        (RAM, "cn-chengdu", "https://ram.aliyuncs.com"),
        (RESOURCE_MANAGER, "me-east-1", "https://resourcemanager.aliyuncs.com"),
    ],
)
def test_published_addresses(product: Product, region: str, url: str) -> None:
    assert Endpoints(region).url(product) == url


def test_one_product_elsewhere() -> None:
    found = Endpoints("cn-hangzhou", {"polardb": "https://polardb-vpc.cn-hangzhou.aliyuncs.com/"})
    assert found.url(POLARDB) == "https://polardb-vpc.cn-hangzhou.aliyuncs.com"
    assert found.url(RDS) == "https://rds.aliyuncs.com"


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", "https://example.com:1"])
def test_everything_elsewhere(url: str) -> None:
    assert {everything_at(url, REGION).url(product) for product in PRODUCTS} == {url}


@pytest.mark.parametrize(
    "url",
    [
        "http://polardb.aliyuncs.com",
        "http://10.0.0.1:80",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "HTTP://example.com",
        "ftp://127.0.0.1",
        "127.0.0.1:80",
        "https://",
        "https://user@host",
        "https://host/path",
        "https://host/?x=1",
    ],
)
def test_addresses_that_are_not_sent_to(url: str) -> None:
    with pytest.raises(BadEndpoint, match="cannot be used as an endpoint"):
        everything_at(url, REGION)


@pytest.mark.parametrize("region", ["", "cn", "cn-hangzhou.evil.example", "x/y-z", "cn-hangzhou#-", "CN-hangzhou"])
def test_a_region_is_no_part_of_a_host(region: str) -> None:
    with pytest.raises(BadEndpoint, match="no id of a region"):
        Endpoints(region)


@pytest.fixture
def tls_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AliyunServer]:
    """A server whose certificate is for `localhost` only, and trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    chain = tmp_path / "chain.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    chain.write_bytes(private + certificate.public_bytes(pem))
    monkeypatch.setenv("ALIBABA_CLOUD_CA_BUNDLE", str(chain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    with AliyunServer(context) as running:
        yield running


def test_tls_names_the_host_also_where_the_sdk_believes_it_cannot(
    tls_server: AliyunServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk._sdk()
    from aliyunsdkcore.vendored.requests.packages.urllib3 import util
    from aliyunsdkcore.vendored.requests.packages.urllib3.util import ssl_

    # As it is from Python 3.12 on.
    monkeypatch.setattr(ssl_, "HAS_SNI", False)
    monkeypatch.setattr(util, "HAS_SNI", False)
    sdk._sdk.cache_clear()
    with contextlib.closing(Client(everything_at(tls_server.url, REGION), credentials, RETRY, TIMEOUTS)) as client:
        polardb.migration(client, "pc-1")
    assert tls_server.names == ["localhost"]
    assert len(tls_server.seen) == 1


def test_a_certificate_of_another_host_is_refused(tls_server: AliyunServer) -> None:
    elsewhere = everything_at(f"https://{LOOPBACK}:{tls_server.port}", REGION)
    client = Client(elsewhere, credentials, RETRY, TIMEOUTS)
    with contextlib.closing(client), pytest.raises(NoAnswer, match="doesn't match"):
        polardb.migration(client, "pc-1")
    assert tls_server.seen == []


def test_a_rehearsal_is_not_sent_to_a_proxy(
    server: AliyunServer, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    polardb.migration(client, "pc-1")
    assert len(server.seen) == 1


def test_the_proxy_is_that_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    url = "https://polardb.aliyuncs.com"
    assert sdk.proxies(url) == {"http": None, "https": None}
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert sdk.proxies(url) == {"http": None, "https": "http://proxy:3128"}
    monkeypatch.setenv("NO_PROXY", ".aliyuncs.com")
    assert sdk.proxies(url) == {"http": None, "https": None}


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys\n"
        "import providers.aliyun.credential_sources\n"
        "from providers.aliyun import client, dts, polardb, ram, rds, resourcemanager, endpoints\n"
        "client.Client(endpoints.Endpoints('cn-hangzhou'), lambda: None)\n"
        "sys.exit('aliyunsdkcore' in sys.modules or 'keyring' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=300).returncode == 0
