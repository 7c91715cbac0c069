"""`cutover migrate` as it is used for real, on simulated clouds: certificates, file positions, accounts that differ."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest

from migration import rehearsal, rehearsed
from migration.journal import JournalReader, RunnerSeat
from migration.model import End, Positioning, Secrets, Wishes
from migration.rehearsal import Rehearsal, Script
from migration.sessions import create, journal_path, launch, read_spec
from migration.view import MigrationView
from providers.azure import flexible
from providers.azure.places import Place
from providers.mysql.endpoint import Account
from providers.sandbox.aws_api.access import Access as AwsAccess
from providers.sandbox.azure_api.access import Access as AzureAccess
from providers.sandbox.client import Sandbox
from tests.conftest import SandboxFactory
from tests.rehearsals.command import CUTOVER
from tests.support.waiting import until
from tui.migrating import Asked, read

NAME = "for-real"
# MySQL 5.7 of the sandbox has no TLS.
ENGINE = "mysql-9.7"
TARGET = "flexible-target"
ROWS = 500


def certificates(sandbox: Sandbox) -> str:
    """The authority of the sandbox's servers: those of one engine have the same."""
    return str(next(sandbox.run_dir.rglob("ca.pem")))


def kept(directory: Path, name: str, account: Account) -> Path:
    """A file with an account's password."""
    path = directory / name
    path.write_text(account.password.reveal() + "\n")
    return path


def carried(journal: Path, sandbox: Sandbox) -> MigrationView:
    """Decide at each gate of a migration whose runner works already; nothing of its passwords may be on the disk."""

    def never(journal: Path, secrets: Secrets) -> int:
        raise AssertionError("the runner has ended")

    script = Script(seconds=0.0, deadline_s=240)
    view = rehearsal.run_unattended(Rehearsal(journal, sandbox), script, lambda _: None, never)
    assert view.end is End.COMPLETED
    assert view.spec.source.tls == view.spec.target.tls == "verify_ca"
    assert view.positioning == "file"
    return view


def no_secret(journal: Path, *accounts: Account) -> None:
    """The journal and what lies beside it hold none of the passwords."""
    for file in filter(Path.is_file, journal.parent.rglob("*")):
        content = file.read_bytes()
        assert not any(account.password.reveal().encode() in content for account in accounts), file


@pytest.mark.long
def test_an_rds_instance_by_certificates_and_file_positions(sandbox: SandboxFactory, tmp_path: Path) -> None:
    cloud = rehearsed.scenario("rds_promote_first", ())
    made = sandbox(ENGINE, ENGINE, "file", rows=ROWS, cloud=cloud)
    access, replication = AwsAccess.from_json(made.cloud()), made.endpoints().forward
    host, port = access.application
    argv = [
        CUTOVER, "migrate", "rds_promote_first", f"{access.master.user}@{host}:{port}", "--name", NAME,
        "--region", access.region, "--resource", access.instance_id, "--option", "poll_s=0.2", "--plain",
        "--positioning", "file", "--ca-file", certificates(made), "--replication-user", replication.user,
        # The sandbox looks at its servers with it; RDS has no such account.
        "--spare", made.endpoints().source.account.user,
        f"--source-password-file={kept(tmp_path, 'master', access.master)}",
        f"--replication-password-file={kept(tmp_path, 'replication', replication)}",
    ]  # fmt: skip
    # As the SDK's own configuration names another address.
    key = {"AWS_ACCESS_KEY_ID": access.key.id, "AWS_SECRET_ACCESS_KEY": access.key.secret.reveal()}
    said = tmp_path / "said"
    with running(argv, {**key, "AWS_ENDPOINT_URL": access.url}, said) as told:
        journal = journal_path(NAME)
        until(lambda: RunnerSeat(journal).taken() or told.poll() is not None, "a runner", 60)
        assert told.poll() is None, said.read_text()
        view = carried(journal, made)
        assert told.wait(30) == 0
    assert view.spec.source.replication_user == replication.user
    no_secret(journal, access.master, replication)


def running(argv: list[str], more: Mapping[str, str], said: Path) -> subprocess.Popen[bytes]:
    """A command beside an operator who types nothing; what it says goes to a file."""
    with said.open("wb") as out:
        return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=out, stderr=out, env={**os.environ, **more})


@pytest.mark.long
@pytest.mark.parametrize("fence", ["auto", "operator"])
def test_into_a_flexible_server_with_an_administrator_of_its_own(
    sandbox: SandboxFactory, tmp_path: Path, fence: str
) -> None:
    cloud = rehearsed.scenario("azure_data_in", ())
    made = sandbox(ENGINE, ENGINE, "file", rows=ROWS, cloud=cloud)
    access, ends = AzureAccess.from_json(made.cloud()), made.endpoints()
    source, target, replication = ends.source.account, access.administrator, ends.forward
    assert source.password.reveal() != target.password.reveal()
    place = flexible.resource_id(Place(access.subscription_id, access.resource_group, TARGET))
    asked = Asked(
        "azure_data_in", f"{source.user}@{access.host}:{access.port}", access.location, "source", "",
        (f"target={place}", f"target_port={access.port}", "poll_s=0.1"), f"{NAME}-{fence}", "TESTS",
        target.user, replication.user, "", certificates(made),
        Wishes(positioning=Positioning.FILE, fence=fence, spared=(source.user,)),
        (kept(tmp_path, "source", source), kept(tmp_path, "target", target), kept(tmp_path, "repl", replication)),
    )  # fmt: skip
    spec, secrets = read(asked, _never)
    assert spec.cloud is not None
    # No option leads to a simulated Azure: its address and token are put in here.
    spec = replace(spec, cloud=replace(spec.cloud, access="given", endpoint=access.url))
    journal = create(spec)
    launch(journal, replace(secrets, cloud={"token": access.token}))
    view = carried(journal, made)
    assert (view.target.name, view.spec.target.user) == (TARGET, target.user)
    assert read_spec(journal).fence == fence
    with JournalReader(journal) as reader:
        assert any("'(certificate)'" in str(one.body) for one in reader.records())
    no_secret(journal, source, target, replication)


def _never(message: str, code: int) -> NoReturn:
    raise AssertionError(message)
