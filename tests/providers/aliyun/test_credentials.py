"""Where access keys are found, and where they are not looked for."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import NoKeyringError

from providers.aliyun import instance_role
from providers.aliyun.credential_sources import find
from providers.aliyun.credentials import Credentials
from providers.aliyun.errors import CredentialsMissing
from providers.aliyun.instance_role import InstanceRole


class Ring(KeyringBackend):
    """A keyring in memory."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.asked = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.asked += 1
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password


class Locked(Ring):
    def get_password(self, service: str, username: str) -> str | None:
        raise NoKeyringError("there is no keyring here")


@dataclass
class Metadata:
    """A metadata service as ECS has it; `tokens` is whether it insists on them."""

    role: str | None = "migrator"
    tokens: bool = True
    life: timedelta = timedelta(hours=6)
    up: bool = True
    given: int = 0
    paths: list[str] = field(default_factory=list)

    def answer(self, method: str, path: str, token: str | None) -> tuple[int, str]:
        self.paths.append(path)
        if not self.up:
            return 500, "down"
        if method == "PUT":
            return (200, "tok") if self.tokens else (405, "no")
        if self.tokens and token != "tok":
            return 403, "no token"
        names = {"/latest/meta-data/ram/security-credentials/": self.role}
        if path in names:
            return (200, f"{names[path]}\n") if self.role else (404, "none")
        if not self.role or not path.endswith(f"/{self.role}"):
            return 404, "none"
        self.given += 1
        expires = (datetime.now(UTC) + self.life).strftime("%Y-%m-%dT%H:%M:%SZ")
        key = {"AccessKeyId": f"STS.{self.given}", "AccessKeySecret": "s", "SecurityToken": "t"}
        return 200, json.dumps({"Code": "Success", "Expiration": expires, **key})


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metadata]:
    service = Metadata()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = service.answer(self.command, self.path, self.headers.get("X-aliyun-ecs-metadata-token"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        do_PUT = do_GET  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing on stderr."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setattr(instance_role, "METADATA", http.server_address)
    monkeypatch.setattr(instance_role, "_TIMEOUT_S", 20.0)
    yield service
    http.shutdown()
    thread.join()
    http.server_close()


@pytest.fixture(autouse=True)
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, metadata: Metadata) -> Iterator[Ring]:
    """No environment, no file, an empty keyring, and an instance without a role."""
    for prefix in ("ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_", "ALIYUN_"):
        for name in ("ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN", "PROFILE"):
            monkeypatch.delenv(prefix + name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    metadata.role = None
    before = keyring.get_keyring()
    mine = Ring()
    keyring.set_keyring(mine)
    yield mine
    keyring.set_keyring(before)


def values(found: Credentials) -> tuple[str, str, str | None]:
    token = found.security_token
    return found.access_key_id.reveal(), found.access_key_secret.reveal(), token.reveal() if token else None


def configure(home: Path, *profiles: dict[str, Any], current: str = "default") -> Path:
    path = home / ".aliyun" / "config.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"current": current, "profiles": profiles, "meta_path": ""}))
    return path


def test_nothing_anywhere() -> None:
    with pytest.raises(CredentialsMissing) as caught:
        find()
    for place in ("ALIBABA_CLOUD_ACCESS_KEY_ID", ".aliyun/config.json", "keyring set mysql-cutover", "instance role"):
        assert place in str(caught.value)


@pytest.mark.parametrize("prefix", ["ALIBABA_CLOUD_", "ALIBABACLOUD_", "ALICLOUD_", "ALIYUN_"])
@pytest.mark.parametrize("wish", ["", "environment"])
def test_the_environment(prefix: str, wish: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(prefix + "ACCESS_KEY_ID", "id")
    monkeypatch.setenv(prefix + "ACCESS_KEY_SECRET", "secret")
    found = find(wish)()
    assert values(found) == ("id", "secret", None)
    assert found.source == f"environment ({prefix}ACCESS_KEY_ID)"
    monkeypatch.setenv(prefix + "SECURITY_TOKEN", "token")
    assert values(find(wish)()) == ("id", "secret", "token")


@pytest.mark.parametrize("wish", ["", "environment"])
@pytest.mark.parametrize("half", ["ACCESS_KEY_ID", "ACCESS_KEY_SECRET"])
def test_a_half_of_a_key_is_a_mistake(wish: str, half: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configure(tmp_path, {"name": "default", "mode": "AK", "access_key_id": "other", "access_key_secret": "other"})
    monkeypatch.setenv("ALIBABA_CLOUD_" + half, "value")
    with pytest.raises(CredentialsMissing, match="a half of an access key only: set ALIBABA_CLOUD_"):
        find(wish)


def test_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = configure(
        tmp_path,
        {"name": "default", "mode": "AK", "access_key_id": "id1", "access_key_secret": "s1", "sts_token": "stale"},
        {"name": "temp", "mode": "StsToken", "access_key_id": "id2", "access_key_secret": "s2", "sts_token": "t2"},
    )
    assert values(find()()) == ("id1", "s1", None)
    assert find("profile:temp")().source == f"profile temp of {path}"
    assert values(find("profile:temp")()) == ("id2", "s2", "t2")
    monkeypatch.setenv("ALIBABA_CLOUD_PROFILE", "temp")
    assert values(find("profile")()) == ("id2", "s2", "t2")
    with pytest.raises(CredentialsMissing, match="no profile 'absent'"):
        find("profile:absent")


def test_a_renewed_profile_is_read_again(tmp_path: Path) -> None:
    profile = {"name": "default", "mode": "StsToken", "access_key_id": "i", "access_key_secret": "s", "sts_token": "1"}
    configure(tmp_path, profile)
    source = find("profile")
    configure(tmp_path, {**profile, "sts_token": "2"})
    assert values(source()) == ("i", "s", "2")


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"name": "default", "mode": "RamRoleArn", "access_key_id": "i", "access_key_secret": "s"}, "mode RamRoleArn"),
        ({"name": "default", "mode": "StsToken", "access_key_id": "i", "access_key_secret": "s"}, "no access key"),
        ({"name": "default", "mode": "AK", "access_key_id": "i", "access_key_secret": ""}, "no access key"),
        ({"mode": "AK"}, "no profile 'default'"),
    ],
)
def test_a_profile_that_cannot_be_used(profile: dict[str, str], words: str, tmp_path: Path) -> None:
    configure(tmp_path, profile)
    with pytest.raises(CredentialsMissing, match=words):
        find("profile")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"profiles": 1, "current": "x"}', "\x00"])
def test_a_file_that_is_no_configuration(text: str, tmp_path: Path) -> None:
    configure(tmp_path).write_text(text)
    with pytest.raises(CredentialsMissing, match="not what `aliyun configure` writes"):
        find("profile")


def test_the_keyring(ring: Ring) -> None:
    keyring.set_password("mysql-cutover", "aliyun:default", "id:secret")
    keyring.set_password("mysql-cutover", "aliyun:temp", "id:secret:tok:en")
    keyring.set_password("mysql-cutover", "aliyun:odd", "no-colon")
    assert values(find()()) == ("id", "secret", None)
    source = find("keyring:temp")
    asked = ring.asked
    assert [values(source()) for _ in range(2)] == [("id", "secret", "tok:en")] * 2
    assert ring.asked == asked
    assert source().source == "keyring (mysql-cutover aliyun:temp)"
    with pytest.raises(CredentialsMissing, match="not of the form ID:SECRET") as caught:
        find("keyring:odd")
    assert "no-colon" not in str(caught.value)
    keyring.set_keyring(Locked())
    with pytest.raises(CredentialsMissing, match="NoKeyringError"):
        find("keyring")


@pytest.mark.parametrize("tokens", [True, False])
def test_an_instance_role(tokens: bool, metadata: Metadata) -> None:
    metadata.role, metadata.tokens = "migrator", tokens
    source = find("instance-role")
    assert values(source()) == ("STS.1", "s", "t")
    assert source().source == "instance role migrator"
    assert metadata.given == 1
    assert values(find()()) == ("STS.2", "s", "t")


def test_a_profile_of_an_instance_role(tmp_path: Path, metadata: Metadata) -> None:
    metadata.role = "named"
    configure(tmp_path, {"name": "default", "mode": "EcsRamRole", "ram_role_name": "named"})
    source = find("profile")
    assert source().source == "instance role named"
    source()
    assert metadata.given == 1


def test_keys_of_a_role_are_renewed_before_they_expire(metadata: Metadata) -> None:
    metadata.role, metadata.life = "migrator", timedelta(minutes=4)
    source = InstanceRole()
    assert source().access_key_id.reveal() == "STS.1"
    assert source().access_key_id.reveal() == "STS.2"
    metadata.up = False
    assert source().access_key_id.reveal() == "STS.2"


def test_a_role_that_is_gone(metadata: Metadata) -> None:
    metadata.role, metadata.life = "migrator", timedelta(seconds=-1)
    source = InstanceRole()
    source()
    metadata.role = None
    with pytest.raises(CredentialsMissing, match="names no such instance role"):
        source()
    with pytest.raises(CredentialsMissing, match="names no such instance role"):
        find("instance-role:a/../b c")
    assert metadata.paths[-1] == "/latest/meta-data/ram/security-credentials/a%2F..%2Fb%20c"


def test_what_is_no_source() -> None:
    with pytest.raises(
        CredentialsMissing, match="no source of credentials: choose one of environment, profile"
    ) as caught:
        find("LTAI:secret")
    assert "LTAI" not in str(caught.value)
