"""Profiles: named settings that count as if they were typed, and never hold a secret."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tui import command_line, profiles
from tui.commands import servers
from tui.config import BadConfig

ROOT = Path(__file__).resolve().parents[2]
PLANTED = "planted-secret"
Written = Callable[[str], Path]


@pytest.fixture
def written() -> Written:
    """Writes a `profiles.toml` where this test's are."""

    def write(text: str) -> Path:
        path = Path("config/profiles.toml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    return write


def cutover(*argv: str) -> tuple[str, int]:
    program = "from tui.command_line import main; main()"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    ran = subprocess.run(
        [sys.executable, "-c", program, *argv], capture_output=True, text=True, env=env, stdin=subprocess.DEVNULL,
        timeout=60,
    )  # fmt: skip
    return ran.stdout + ran.stderr, ran.returncode


def test_every_setting_is_an_option_of_a_command_that_takes_profiles():
    taken = [servers.check, servers.verify, servers.plan, command_line.migrate]
    known = {name for command in taken for name in inspect.signature(command).parameters}
    assert set(profiles.SETTINGS) <= known
    assert all("profile" in inspect.signature(command).parameters for command in taken)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[orders]\nsource = "a@b"\npassword = "planted-secret"\n', "line 3: a profile holds no secrets; name a file"),
        ('[orders]\naccess_token = "planted-secret"\n', "line 2: a profile holds no secrets"),
        ('[other]\nsorce = "a@b"\n[orders]\nsorce = "a@b"\n', "line 4: sorce is no setting of a profile; those"),
        ('[orders]\noption = "rules=2019"\n', 'line 2: option is a list of texts, such as ["rules=2019"].'),
        ("[orders]\nsource = 7\n", "line 2: the value of source is written in quotes."),
        ("[orders]\n[orders.source]\nx = 1\n", "line 1: the value of source is written in quotes."),
        ("[orders\n", "line 1: this is no TOML ("),
    ],
)  # fmt: skip
def test_an_error_is_one_sentence_with_the_line(written, text, said):
    path = written(text)
    with pytest.raises(BadConfig) as raised:
        profiles.read("orders")
    assert str(raised.value).startswith(f"{path}, {said}"), str(raised.value)
    assert "\n" not in str(raised.value)
    assert PLANTED not in str(raised.value)


def test_a_name_that_is_none_is_answered_with_those_there_are(written):
    written('[orders]\nsource = "a@b"\n[crm]\nsource = "a@b"\n')
    said, code = cutover("check", "--profile", "order")
    assert (said, code) == (
        "cutover: config/profiles.toml has no profile order; there are: orders, crm.\n", 2
    )  # fmt: skip


@pytest.mark.parametrize("command", ["check", "verify", "plan"])
def test_its_settings_count_as_if_they_were_typed(written, command):
    """Port 1 answers nobody: what is said names the server that was looked for, and the password was read."""
    Path("password").write_text(f"{PLANTED}\n")
    written(
        '[orders]\nsource = "migrator@127.0.0.1:1"\ntarget = "migrator@127.0.0.1:1"\ntls = "disabled"\n'
        'source_password_file = "password"\ntarget_password_file = "password"\nregion = "not for this command"\n'
    )
    said, code = cutover(command, "--profile", "orders")
    assert "127.0.0.1" in said
    assert "cannot be reached" in said
    assert code in (4, 2)
    assert PLANTED not in said


def test_what_is_typed_counts_before_it(written):
    Path("password").write_text("x\n")
    written('[orders]\nsource = "migrator@127.0.0.1:1"\ntls = "nonsense"\nsource_password_file = "password"\n')
    assert "'nonsense' is no TLS mode" in cutover("check", "--profile", "orders")[0]
    assert "cannot be reached" in cutover("check", "--profile", "orders", "--tls", "disabled")[0]
    assert "'nobody' is no server" in cutover("check", "nobody", "--tls", "disabled", "--profile", "orders")[0]


def test_a_migration_takes_them_too(written):
    written(
        '[orders]\nrunbook = "rds_to_polardb"\nsource = "migrator@127.0.0.1:1"\nregion = "cn-hangzhou"\n'
        'resource = "rm-bp1abc"\noption = ["rules"]\n'
    )
    assert cutover("migrate", "--profile", "orders") == ("cutover: An option is given as NAME=VALUE.\n", 2)
    assert "Missing argument" in cutover("migrate")[0]


def test_files_may_be_in_the_home_directory(written, monkeypatch):
    monkeypatch.setenv("HOME", "/home/alice")
    written('[orders]\nsource_password_file = "~/password"\n')
    assert profiles.read("orders") == {"source_password_file": "/home/alice/password"}
