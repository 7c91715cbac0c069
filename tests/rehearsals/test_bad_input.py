"""Bad input: one clear sentence each with what to do, and nothing half-done."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from migration import rehearsal
from migration.decisions import Choice, Decision, decide
from migration.journal import JournalFull, RunnerSeat
from migration.rehearsal import Rehearsal
from migration.sessions import launch
from migration.view import MigrationView
from migration.watch import Watch
from providers.mysql.endpoint import Endpoint
from providers.mysql.server import Server
from providers.sandbox import client
from providers.sandbox.client import Sandbox
from providers.sandbox.spec import TopologySpec
from tests.conftest import SandboxFactory
from tests.rehearsals.command import cutover, said_once
from tests.rehearsals.driving import at_gate, until

ENGINE = "mariadb-10.11"


@pytest.fixture(scope="module")
def pair(engine_names: tuple[str, ...]) -> Iterator[Sandbox]:
    sandbox = client.start(TopologySpec(ENGINE, ENGINE, rows=500))
    yield sandbox
    sandbox.stop()


@pytest.fixture
def password_file(pair: Sandbox, tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(pair.endpoints().source.account.password.reveal() + "\n")
    return path


def refused(sandbox: Sandbox, databases: tuple[str, ...] = ()) -> MigrationView:
    """Take a migration to its checks and cancel it there."""
    made = rehearsal.enrol(sandbox, "mysql_replication", keep=True, databases=databases)
    launch(made.journal, made.secrets())
    view = at_gate(made, "checks")
    decide(made.journal, Decision(Choice.CONFIRM, "checks"))
    until(made, lambda view: any(line.text.startswith("refused: ") for line in view.log))
    decide(made.journal, Decision(Choice.CANCEL))
    until(made, lambda view: view.end is not None)
    return view


def argument(end: Endpoint) -> str:
    return f"{end.account.user}@{end.address}"


def files(path: Path) -> tuple[str, ...]:
    names = ("--source-password-file", "--target-password-file", "--replication-password-file")
    return tuple(word for name in names for word in (name, str(path)))


def test_two_good_servers_are_looked_at(pair: Sandbox, password_file: Path) -> None:
    ends = pair.endpoints()

    answer = cutover("check", argument(ends.source), argument(ends.target), *files(password_file))

    assert answer.returncode in (0, 1), answer.stdout + answer.stderr
    assert "OK       binary log is on" in answer.stdout


def test_unreachable_host(pair: Sandbox, password_file: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"cutover@127.0.0.1:{taken.getsockname()[1]}"
        answer = cutover("check", dead, argument(pair.endpoints().target), *files(password_file))

    assert answer.returncode == 4
    assert "cannot be reached" in said_once(answer)
    assert "check host, port and firewall" in answer.stderr


def test_wrong_password(pair: Sandbox, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not it\n")
    ends = pair.endpoints()

    answer = cutover("check", argument(ends.source), argument(ends.target), *files(wrong))

    assert answer.returncode == 4
    assert "refused the account" in said_once(answer)
    assert "1045" in answer.stderr
    assert "not it" not in answer.stderr


def test_source_equal_to_target(pair: Sandbox, password_file: Path) -> None:
    source = argument(pair.endpoints().source)

    answer = cutover("check", source, source, *files(password_file))

    assert answer.returncode == 2
    assert "FAIL     source and target are two servers" in answer.stdout


def test_unknown_database(sandbox: SandboxFactory) -> None:
    view = refused(sandbox(ENGINE, ENGINE, rows=500), databases=("no_such_thing",))

    (finding,) = view.blocking
    assert ("no_such_thing",) in [row[:1] for row in finding.result.evidence]


def test_target_with_data_of_its_own(sandbox: SandboxFactory) -> None:
    pair = sandbox(ENGINE, ENGINE, rows=500)
    target = Server(pair.endpoints().target)
    target.change("CREATE DATABASE shop")
    target.change("CREATE TABLE shop.mine (id INT PRIMARY KEY)")

    view = refused(pair)

    assert "target-empty" in [finding.check for finding in view.blocking]
    assert target.rows("SHOW TABLES FROM shop") == (("mine",),)
    assert target.replica_status() is None
    target.close()


def test_home_directory_that_cannot_be_written(tmp_path: Path) -> None:
    in_the_way = tmp_path / "state"
    in_the_way.write_text("a file where a directory should be")

    directories = {"CUTOVER_STATE": str(in_the_way), "CUTOVER_CACHE": str(tmp_path / "cache")}

    answer = cutover("rehearse", "--unattended", env={**os.environ, **directories})

    assert answer.returncode == 4
    assert str(in_the_way) in said_once(answer)
    assert "CUTOVER_STATE" in answer.stderr
    assert not (tmp_path / "cache").exists(), "engines were loaded for nothing"


def test_journal_of_a_newer_version(pair: Sandbox) -> None:
    made = rehearsal.enrol(pair, "mysql_replication", keep=True)
    newer = sqlite3.connect(made.journal)
    newer.executescript("DROP TRIGGER meta_keeps_UPDATE; UPDATE meta SET value = 99 WHERE key = 'schema_version';")
    newer.close()

    for command in (("resume", made.journal.parent.name), ("watch", made.journal.parent.name, "--json")):
        answer = cutover(*command)
        assert answer.returncode == 4
        assert "has version 99 and this program reads up to 1; use the newer program" in said_once(answer)


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    for words, expected in (
        (("rehearse", "no_such"), "mysql_replication"),
        (("rehearse", "--source-engine", "oracle-7"), "mysql-9.7"),
        (("watch", "no-such"), "no migration named no-such"),
        (("check", "nobody", "x@y"), "user@host"),
    ):
        answer = cutover(*words)
        assert answer.returncode == 2, answer.stderr
        assert expected in said_once(answer)


@pytest.mark.skipif(os.getuid() != 0, reason="a small file system can only be mounted by root")
def test_full_disk_under_the_journal(pair: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    # SQLite's log grows to 4 MiB before it is written back: without the filler all of it must fit.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=True)
    try:
        monkeypatch.setenv("CUTOVER_STATE", str(disk))
        made = rehearsal.enrol(pair, "mysql_replication", keep=True)
        launch(made.journal, made.secrets())
        at_gate(made, "checks")
        filler = disk / "filler"
        fill(filler)

        answer = cutover("resume", made.journal.parent.name)
        assert answer.returncode in (2, 4)
        decide_fails(made.journal)
        source = Server(pair.endpoints().source)
        assert not source.read_only().clients
        source.close()

        filler.unlink()
        assert cancelled_by_whichever_runner(made), last_words(made)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def cancelled_by_whichever_runner(made: Rehearsal) -> bool:
    """Cancel; where the runner has ended, or still ends, of the full disk, the next one takes it up."""
    for _ in range(2):
        if not RunnerSeat(made.journal).taken():
            launch(made.journal, made.secrets())
        at_gate(made, "checks")
        decide(made.journal, Decision(Choice.CANCEL))
        if until(made, lambda view: view.end is not None or not view.runner_alive).end == "cancelled":
            return True
    return False


def last_words(made: Rehearsal) -> str:
    """What the runners said before they went."""
    with Watch(made.journal) as watch:
        told = "\n".join(line.text for line in watch.view().log)
    return told + "\n" + made.journal.with_name("runner.log").read_text()


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return


def decide_fails(journal: Path) -> None:
    """A decision that cannot be kept is refused in one sentence, and not half-kept."""
    with pytest.raises(JournalFull, match=r"is full .*free some space and run `cutover resume`"):
        decide(journal, Decision(Choice.CONFIRM, "checks"))
