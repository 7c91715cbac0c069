from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from providers.sandbox import client, passwords, paths
from providers.sandbox.client import Sandbox, SandboxFailed, SandboxGone
from providers.sandbox.engines import EngineMissing
from providers.sandbox.spec import TopologySpec, UnsupportedPair
from tests.providers.sandbox.asking import ask
from tests.support.ended import gone, gone_pid
from tests.support.waiting import until

ROOT = Path(__file__).resolve().parents[3]
Factory = Callable[..., Sandbox]
PAIR = ("mariadb-10.11", "mariadb-10.11")


@pytest.fixture(scope="module")
def shared(engine_names: tuple[str, ...]) -> Iterator[Sandbox]:
    """A sandbox that stays as it is over several tests."""
    one = client.start(TopologySpec(*PAIR, rows=100))
    one.workload("start")
    yield one
    one.stop()


def processes(one: Sandbox) -> list[psutil.Process]:
    status = one.status()
    pids = (status.supervisor_pid, status.workload_pid, status.source.pid, status.target.pid)
    return [psutil.Process(pid) for pid in pids if pid is not None]


def test_a_sandbox_tells_what_it_is_and_leaves_nothing_when_stopped(sandbox: Factory) -> None:
    seen: list[str] = []
    one = client.start(TopologySpec(*PAIR, rows=100), lambda progress: seen.append(progress.phase))
    status = one.status()
    assert {"servers", "data"} <= set(seen)
    assert (status.source.engine, status.target.engine, status.positioning) == (*PAIR, "gtid")
    assert status.source.running
    assert not status.attached
    assert Sandbox.open(one.run_dir) == one
    assert one in client.running()
    assert stat.S_IMODE(one.run_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE((one.run_dir / "control.sock").stat().st_mode) == 0o600
    assert ask(one.endpoints().target, "SHOW DATABASES LIKE 'shop'") == ()
    assert ask(one.endpoints().target, "SELECT @@read_only") == ((0,),)
    with pytest.raises(SandboxFailed, match="The workload has not been started yet"):
        one.figures()
    owned = processes(one)
    assert len(owned) == 4
    one.stop()
    assert all(gone(process) for process in owned)
    assert not one.run_dir.exists()
    with pytest.raises(SandboxGone, match=rf"sandbox {one.name} has ended"):
        one.status()
    one.stop()


def test_an_attached_target_has_the_data_and_follows(sandbox: Factory) -> None:
    one = sandbox("mysql-5.6", "mariadb-10.11", rows=100, attached=True)
    assert one.status().attached
    target = one.endpoints().target
    assert ask(target, "SELECT @@read_only") == ((1,),)
    one.workload("start")
    one.workload("arm")
    until(lambda: ask(target, "SELECT COUNT(*) > 10 FROM shop.ledger") == ((1,),), "the followed writes")


def test_secrets_come_out_of_the_socket_only(shared: Sandbox) -> None:
    one = shared
    until(lambda: one.figures().acknowledged_writes, "a write")
    accounts = passwords.load()
    words = [a.password.reveal() for a in (accounts.administrator, accounts.replication, accounts.application)]
    assert one.endpoints().app.password.reveal() in words
    for process in processes(one):
        shown = "\0".join([*process.cmdline(), *process.environ().values()])
        assert not any(word in shown for word in words), process.name()
    for path in one.run_dir.rglob("*"):
        if path.is_file() and "data" not in path.relative_to(one.run_dir).parts:
            assert not any(word.encode() in path.read_bytes() for word in words), path
    assert stat.S_IMODE((paths.templates_dir() / "passwords.json").stat().st_mode) == 0o600


def test_nothing_survives_the_kill_of_the_supervisor(sandbox: Factory) -> None:
    one = sandbox("mysql-5.6", "mysql-5.7", rows=100)
    one.workload("start")
    owned = processes(one)
    assert len(owned) == 4
    os.kill(one.status().supervisor_pid, signal.SIGKILL)
    for process in owned:
        until(functools.partial(gone, process), f"the end of {process}")
    with pytest.raises(SandboxGone):
        one.figures()
    assert one.run_dir.exists()
    assert one not in client.running()
    assert not one.run_dir.exists()


_STARTER = """
import sys
from providers.sandbox import client
from providers.sandbox.spec import TopologySpec
one = client.start(TopologySpec(sys.argv[1], sys.argv[2], rows=100))
print(one.run_dir, flush=True)
sys.stdin.read()
"""


def test_a_sandbox_outlives_its_screen_and_a_hang_up(engine_names: tuple[str, ...]) -> None:
    screen = subprocess.Popen(
        [sys.executable, "-c", _STARTER, *PAIR],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert screen.stdout is not None
    one = Sandbox.open(Path(screen.stdout.readline().strip()))
    try:
        owned = processes(one)
        screen.kill()
        screen.communicate()
        for process in owned:
            process.send_signal(signal.SIGCONT)
        os.kill(one.status().supervisor_pid, signal.SIGHUP)
        os.kill(one.status().supervisor_pid, signal.SIGINT)
        one.workload("start")
        until(lambda: one.figures().acknowledged_writes > 10, "writes")
        assert not any(gone(process) for process in owned)
        assert os.getsid(one.status().supervisor_pid) != os.getsid(0)
    finally:
        one.stop()


def test_two_sandboxes_do_not_know_of_each_other(shared: Sandbox, sandbox: Factory) -> None:
    one, other = sandbox(*PAIR, rows=100), shared
    assert {one, other} <= set(client.running())
    ports = [s.port for status in (one.status(), other.status()) for s in (status.source, status.target)]
    assert len(set(ports)) == 4
    one.stop()
    assert one not in client.running()
    assert other in client.running()
    assert ask(other.endpoints().source, "SELECT COUNT(*) > 0 FROM shop.orders") == ((1,),)


def test_a_server_is_stopped_killed_and_started_in_place(shared: Sandbox) -> None:
    one = shared
    before = one.status().target
    one.stop_server("target")
    assert not one.status().target.running
    one.start_server("target")
    one.kill_server("target")
    one.start_server("target")
    after = one.status().target
    assert after.running
    assert (after.port, after.pid != before.pid) == (before.port, True)


def test_what_it_does_not_know_is_refused_in_one_sentence(shared: Sandbox) -> None:
    one = shared
    with pytest.raises(SandboxFailed, match="has been started already"):
        one.workload("start")
    with pytest.raises(SandboxFailed, match="knows no command 'dance'"):
        one.workload("dance")
    with pytest.raises(SandboxFailed, match="no server 'third'"):
        one.kill_server("third")  # type: ignore[arg-type]
    with pytest.raises(SandboxFailed, match="knows no request 'sing'"):
        one._ask("sing")
    with pytest.raises(SandboxFailed, match="has no simulated cloud"):
        one.cloud()
    with pytest.raises(SandboxFailed, match="no other address to learn"):
        one.repoint("127.0.0.1", 1)


def test_an_idle_sandbox_ends_by_itself(engine_names: tuple[str, ...]) -> None:
    one = client.start(TopologySpec(*PAIR, rows=100), idle_limit_s=0)
    pid = json.loads((one.run_dir / "sandbox.json").read_text())["pid"]
    until(lambda: not one.run_dir.exists(), "the end of the idle sandbox")
    until(functools.partial(gone_pid, pid), "the end of its supervisor")


def test_a_start_that_fails_leaves_nothing(
    engine_names: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnsupportedPair):
        client.start(TopologySpec("mysql-9.7", "mysql-5.6"), base=tmp_path)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/engines").symlink_to(paths.engines_dir())
    (tmp_path / "bare/templates").write_text("a file where a directory should be")
    monkeypatch.setenv("CUTOVER_CACHE", str(tmp_path / "bare"))
    with pytest.raises(SandboxFailed, match=r"could not be started: .*bare/templates"):
        client.start(TopologySpec(*PAIR, rows=100), base=tmp_path)
    until(lambda: list((tmp_path / "sandbox").iterdir()) == [], "an empty directory of sandboxes")
    (tmp_path / "file").write_text("")
    with pytest.raises(SandboxFailed, match=r"No sandbox can be kept in .*file/sandbox \(Not a directory\)"):
        client.start(TopologySpec(*PAIR, rows=100), base=tmp_path / "file")
    monkeypatch.setenv("CUTOVER_CACHE", str(tmp_path / "cache"))
    with pytest.raises(EngineMissing, match=r"run `cutover engines install mariadb-10\.11`"):
        client.start(TopologySpec(*PAIR, rows=100), base=tmp_path)


def test_a_sandbox_whose_directory_was_removed_ends(sandbox: Factory) -> None:
    one = sandbox(*PAIR, rows=100)
    owned = processes(one)
    shutil.rmtree(one.run_dir, ignore_errors=True)
    for process in owned:
        until(functools.partial(gone, process), f"the end of {process}")


class GivenUp(Exception):
    pass


def test_a_start_that_is_given_up_leaves_nothing(engine_names: tuple[str, ...], tmp_path: Path) -> None:
    def give_up(_: object) -> None:
        raise GivenUp

    with pytest.raises(GivenUp):
        client.start(TopologySpec(*PAIR, rows=100), give_up, base=tmp_path)
    until(lambda: not client.running(tmp_path) and not list((tmp_path / "sandbox").iterdir()), "an empty directory")


def test_a_deep_state_directory_is_no_hindrance(engine_names: tuple[str, ...], tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    one = client.start(TopologySpec(*PAIR, rows=100), base=deep)
    try:
        assert client.running(deep) == (one,)
        assert ask(one.endpoints().source, "SELECT 1") == ((1,),)
    finally:
        one.stop()
