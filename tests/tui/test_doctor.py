"""`cutover doctor` on credentials: sources by name, what is missing, the command that cures it, and never a value."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLANTED = "planted-secret-value"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory without anything in it."""
    path = tmp_path / "home"
    path.mkdir()
    return path


def doctor(home: Path, *arguments: str, **environment: str) -> tuple[str, int]:
    env = {
        "PYTHONPATH": str(ROOT), "HOME": str(home), "PATH": os.environ["PATH"], "CUTOVER_STATE": str(home / "state"),
        "CUTOVER_CONFIG": str(home / "config"), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "COLUMNS": "80", "LINES": "24", "LANG": "C.UTF-8", **environment,
    }  # fmt: skip
    program = "from tui.command_line import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", program, "doctor", *arguments], env=env, capture_output=True, text=True, timeout=120
    )
    assert PLANTED not in ran.stdout + ran.stderr
    return ran.stdout + ran.stderr, ran.returncode


def rows(home: Path, **environment: str) -> dict[str, dict[str, str]]:
    return {row["what"]: row for row in json.loads(doctor(home, "--json", **environment)[0])}


def test_nothing_is_there_and_that_is_no_fault(home):
    found = rows(home)
    assert [found[name]["word"] for name in ("keyring", "Alibaba Cloud", "AWS", "Azure")] == ["-"] * 4
    assert "--access environment" in found["keyring"]["cure"]
    assert found["Alibaba Cloud"]["cure"].startswith("aliyun configure")
    assert found["AWS"]["cure"] == "aws configure"
    assert found["Azure"]["cure"] == "az login"
    said, _ = doctor(home)
    assert "-        AWS" in said


def test_the_environment_is_named_by_its_variables(home):
    found = rows(
        home,
        ALIBABA_CLOUD_ACCESS_KEY_ID=PLANTED, ALIBABA_CLOUD_ACCESS_KEY_SECRET=PLANTED,
        AWS_ACCESS_KEY_ID=PLANTED, AWS_SECRET_ACCESS_KEY=PLANTED,
        AZURE_CLIENT_ID=PLANTED, AZURE_TENANT_ID=PLANTED, AZURE_CLIENT_SECRET=PLANTED,
    )  # fmt: skip
    for cloud, variable in (
        ("Alibaba Cloud", "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        ("AWS", "AWS_ACCESS_KEY_ID"),
        ("Azure", "AZURE_CLIENT_ID"),
    ):
        assert (found[cloud]["word"], found[cloud]["found"]) == ("OK", f"environment ({variable})")


def test_a_half_is_a_fault_with_its_cure(home):
    found = rows(home, ALIBABA_CLOUD_ACCESS_KEY_ID=PLANTED, AWS_ACCESS_KEY_ID=PLANTED, AZURE_CLIENT_ID=PLANTED)
    assert [found[name]["word"] for name in ("Alibaba Cloud", "AWS", "Azure")] == ["WARN"] * 3
    assert "ALIBABA_CLOUD_ACCESS_KEY_SECRET" in found["Alibaba Cloud"]["cure"]
    assert found["AWS"]["cure"] == "set AWS_SECRET_ACCESS_KEY, too, or unset AWS_ACCESS_KEY_ID"
    assert "AZURE_TENANT_ID" in found["Azure"]["cure"]
    assert doctor(home, AWS_ACCESS_KEY_ID=PLANTED)[1] == 1


def test_files_of_the_clouds_own_tools(home):
    (home / ".aws").mkdir()
    for name in ("credentials", "config"):
        text = "".join(f"[{one}]\naws_access_key_id = {PLANTED}\n" for one in ("default", "prod", "a", "b"))
        (home / ".aws" / name).write_text(text.replace("[prod]", "[profile prod]") if name == "config" else text)
    (home / ".aliyun").mkdir()
    entry = {"name": "prod", "mode": "AK", "access_key_id": PLANTED, "access_key_secret": PLANTED}
    (home / ".aliyun/config.json").write_text(json.dumps({"current": "prod", "profiles": [entry]}))
    (home / ".azure").mkdir()
    (home / ".azure/azureProfile.json").write_text("\ufeff" + json.dumps({"subscriptions": [{"id": PLANTED}]}))
    (home / "bin").mkdir()
    (home / "bin/az").write_text("#!/bin/sh\nexit 1\n")
    (home / "bin/az").chmod(0o755)
    found = rows(home, PATH=f"{home / 'bin'}:{os.environ['PATH']}")
    assert found["AWS"]["word"] == "OK"
    assert "default" in found["AWS"]["found"]
    assert found["Alibaba Cloud"] == {
        "word": "OK", "what": "Alibaba Cloud", "found": f"profile prod of {home}/.aliyun/config.json", "cure": "",
    }  # fmt: skip
    assert found["Azure"]["found"] == "az login, 1 subscription"
    assert rows(home, PATH="/nowhere")["Azure"]["cure"] == "put az on the PATH"


def test_an_instance_role_is_not_asked(home):
    (home / ".aliyun").mkdir()
    entry = {"name": "prod", "mode": "EcsRamRole", "ram_role_name": "role"}
    (home / ".aliyun/config.json").write_text(json.dumps({"current": "prod", "profiles": [entry]}))
    assert "not asked" in rows(home)["Alibaba Cloud"]["found"]


def test_profiles_and_their_password_files(home):
    config = home / "config"
    config.mkdir()
    secret = home / "password"
    secret.write_text(PLANTED)
    text = f'[orders]\nsource = "a@b"\nsource_password_file = "{secret}"\n[bare]\nsource = "a@b"\n'
    (config / "profiles.toml").write_text(text)
    secret.chmod(0o644)
    found = rows(home)
    assert found["profile orders"]["word"] == "WARN"
    assert found["profile orders"]["cure"] == f"chmod 600 {secret}"
    assert found["profile bare"]["word"] == "OK"
    secret.chmod(0o600)
    assert rows(home)["profile orders"]["found"] == "1 password file, the other passwords are asked for"
    secret.unlink()
    assert rows(home)["profile orders"]["word"] == "FAIL"
    (config / "profiles.toml").write_text(f'[orders]\nsource_password = "{PLANTED}"\n')
    assert "line 2: a profile holds no secrets" in rows(home)["profiles"]["found"]


def test_a_keyring_is_named(home):
    found = rows(home, PYTHON_KEYRING_BACKEND="keyring.backends.null.Keyring")["keyring"]
    assert found["word"] == "OK"
    assert "null" in found["found"].lower()
