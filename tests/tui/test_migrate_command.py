"""`cutover migrate` before there is a migration: accounts, passwords and certificates, on a real server."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import botocore
import pytest

from migration.model import CloudSpec, MigrationSpec, ServerSpec
from migration.sessions import create, sessions
from providers.mysql.endpoint import TlsMode
from providers.sandbox.launcher import SandboxServer
from tests.rehearsals.command import CUTOVER, cutover, said_once
from tests.support.pairs import running
from tests.support.terminal import terminal
from tui import exit_codes
from tui.servers import BadArgument, parse_server, tls_of

PLACE = ("--region", "eu-central-1", "--resource", "orders")
# Certificates of others.
WRONG_CA = str(Path(botocore.__file__).with_name("cacert.pem"))


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """A server with a certificate that its own authority has signed."""
    with running("mysql-5.7", tmp_path_factory.mktemp("tls"), options={"loose_skip_ssl": "0"}) as started:
        yield started


@pytest.fixture
def password(machine: SandboxServer, tmp_path: Path) -> str:
    path = tmp_path / "password"
    path.write_text(machine.endpoint().account.password.reveal() + "\n")
    return f"--source-password-file={path}"


def source(machine: SandboxServer) -> str:
    endpoint = machine.endpoint()
    return f"{endpoint.account.user}@{endpoint.host}:{endpoint.port}"


def refused(machine: SandboxServer, *words: str, runbook: str = "rds_promote_first") -> tuple[int, str]:
    """The exit code and the one sentence of a command that makes no migration."""
    answer = cutover("migrate", runbook, source(machine), *PLACE, *words)
    assert sessions() == ()
    return answer.returncode, said_once(answer)


def test_a_server_that_another_authority_signed_ends_in_one_sentence(machine: SandboxServer, password: str) -> None:
    code, words = refused(machine, password, "--ca-file", WRONG_CA)
    assert code == exit_codes.CANNOT_START
    assert f"TLS with orders ({machine.endpoint().address}) failed" in words
    assert "certificate verify failed" in words
    assert words.endswith("check the CA file and the TLS mode verify_ca.")


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_file_without_certificates_is_told_before_anything_is_asked(
    machine: SandboxServer, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    code, words = refused(machine, "--ca-file", str(file))
    assert code == exit_codes.USAGE
    assert f"{file} cannot be used as a CA file" in words


def test_a_certificate_file_is_held_to_and_found_from_elsewhere(
    machine: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(machine.data_dir)
    assert tls_of("", None) is TlsMode.PREFERRED
    assert tls_of("required", "ca.pem") is TlsMode.REQUIRED
    spec = parse_server(source(machine), "orders", "", tls_of("", "ca.pem"), "ca.pem")
    assert (spec.tls, spec.ca_file) == ("verify_ca", str(machine.data_dir / "ca.pem"))
    with pytest.raises(BadArgument, match="is no TLS mode; use one of disabled, "):
        tls_of("perhaps", None)


def test_a_wrong_password_is_told_at_once(machine: SandboxServer, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("guessed\n")
    code, words = refused(machine, f"--source-password-file={file}", "--ca-file", str(machine.data_dir / "ca.pem"))
    assert code == exit_codes.CANNOT_START
    assert "refused the account" in words
    assert "guessed" not in words


def test_a_password_is_typed_unseen(machine: SandboxServer, tmp_path: Path) -> None:
    account = machine.endpoint().account
    argv = [CUTOVER, "migrate", "rds_promote_first", source(machine), *PLACE, "--ca-file", WRONG_CA]
    assert not any(account.password.reveal() in word for word in argv)
    with terminal(argv) as opened:
        opened.wait_for(f"Password for {account.user} on orders:")
        opened.press(account.password.reveal(), "\r")
        opened.wait_for("TLS with orders")
        assert account.password.reveal().encode() not in bytes(opened.received)


@pytest.mark.parametrize(
    ("runbook", "words", "said"),
    [
        ("rds_promote_first", ("--target-user", "other"), "makes a target with the source's accounts"),
        ("rds_promote_first", ("--target-password-file", "x"), "makes a target with the source's accounts"),
        ("azure_service_tier", ("--fence", "accounts"), "stops writes in a way of its own"),
        ("azure_flexible_server", ("--fence", "read_only"), "stops writes in a way of its own"),
        ("rds_promote_first", ("--fence", "hedge"), "'hedge' is no fence"),
        ("rds_promote_first", ("--positioning", "guess"), "'guess' is no positioning"),
    ],
)
def test_what_a_runbook_would_leave_unread_is_refused(
    machine: SandboxServer, password: str, runbook: str, words: tuple[str, ...], said: str
) -> None:
    code, sentence = refused(machine, password, *words, runbook=runbook)
    assert code == exit_codes.USAGE
    assert said in sentence


@pytest.mark.parametrize(
    ("words", "asked_for"),
    [
        (("--target-user", "azadmin"), "azadmin on new server"),
        (("--replication-user", "repl"), "the replication account repl"),
    ],
)
def test_each_account_that_differs_has_a_password_of_its_own(
    machine: SandboxServer, password: str, words: tuple[str, ...], asked_for: str
) -> None:
    code, sentence = refused(machine, password, *words, runbook="azure_data_in")
    assert code == exit_codes.USAGE
    assert f"to type the password for {asked_for} on" in sentence


def test_who_resumes_is_asked_for_the_same_passwords(machine: SandboxServer, password: str) -> None:
    here = ServerSpec("orders", "127.0.0.1", machine.endpoint().port, "root", "root")
    spec = MigrationSpec(
        "theirs", "azure_data_in", "tests", here, replace(here, name="new server", host="", user="azadmin"),
        cloud=CloudSpec("westeurope", "orders"),
    )  # fmt: skip
    create(spec)
    answer = cutover("resume", "theirs", password)
    assert answer.returncode == exit_codes.CANNOT_START
    assert "to type the password for azadmin on new server on" in said_once(answer)


def test_the_help_names_what_can_be_given() -> None:
    shown = cutover("migrate", "--help", env={**os.environ, "COLUMNS": "200"}).stdout
    for option in (
        "--ca-file", "--tls", "--positioning", "--fence", "--target-user", "--replication-user",
        "--source-password-file", "--target-password-file", "--replication-password-file",
    ):  # fmt: skip
        assert option in shown, option
