"""Hooks as real processes and real HTTP calls: what they are told, how they end, what they may keep from happening."""

from __future__ import annotations

import contextlib
import http.server
import json
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from migration import rehearsal
from migration.cutover import Switchover
from migration.decisions import Choice, Decision, decide
from migration.hook_call import Answer, call
from migration.hooks import Hooks
from migration.journal import Journal, Kind
from migration.model import Direction, HookSpec, MigrationSpec, Positioning, Secrets, ServerSpec, Stage, Wishes
from migration.records import Scribe
from migration.rehearsal import Rehearsal
from migration.runbook import Migration
from migration.sessions import launch
from migration.view import MigrationView
from providers.mysql.endpoint import Secret
from providers.mysql.server import Server
from providers.sandbox.spec import TopologySpec
from tests.rehearsals.driving import approve, at_gate
from tests.rehearsals.driving import until as seen
from tests.support.ended import gone_pid
from tests.support.moving import QuietDesk
from tests.support.waiting import until

SECRET = "T0Ps3cret"
TOLD = {"migration": "m", "moment": "stage", "stage": "sync"}


# One call


def script(directory: Path, name: str, body: str) -> HookSpec:
    """A command hook that is a shell script."""
    file = directory / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(stat.S_IRWXU)
    return HookSpec("command", (str(file),))


def called(hook: HookSpec, told: dict[str, Any] | None = None) -> Answer:
    return call(hook, told or TOLD, threading.Event())


class Listener(http.server.ThreadingHTTPServer):
    """A web address that keeps what it is told, with the command lines of all processes at that moment."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Listening)
        self.told: list[dict[str, Any]] = []
        self.paths: list[str] = []
        self.logins: list[str] = []
        self.seen_outside: list[str] = []
        self.answer: Callable[[str], tuple[int, str]] = lambda path: (204, "")
        self.hangs = threading.Event()
        self.over = threading.Event()

    def url(self, path: str, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.server_address[1]}{path}"


class Listening(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Listener)
        server.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        server.paths.append(self.path)
        server.logins.append(self.headers.get("Authorization", ""))
        server.seen_outside.append(shown_by_processes())
        if server.hangs.is_set():
            server.over.wait(30)
            return
        status, words = server.answer(self.path)
        body = words.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        raise AssertionError("nobody asked for that")

    def log_message(self, format: str, *args: object) -> None:
        pass


def shown_by_processes() -> str:
    """What everybody on this machine can read of processes (and their owner of their environment)."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            found += [*process.cmdline(), *process.environ().values()]
    return "\n".join(found)


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join(10)


def webhook(directory: Path, url: str, **changed: Any) -> HookSpec:
    """A webhook whose URL stands in a file."""
    file = directory / f"url-{len(list(directory.glob('url-*')))}"
    file.write_text(url + "\n")
    return HookSpec("webhook", (f"file:{file}",), **changed)


def test_a_command_is_told_json_and_sees_little_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTOVER_PASSWORD", SECRET)
    hook = script(
        tmp_path,
        "tell",
        f"cat > {tmp_path}/told; env > {tmp_path}/env; pwd > {tmp_path}/pwd",
    )

    answer = called(hook, {**TOLD, "note": 'a "quote"\n'})

    assert (answer.ok, answer.words) == (True, "")
    assert json.loads((tmp_path / "told").read_text()) == {**TOLD, "note": 'a "quote"\n'}
    names = {line.partition("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    shells_own = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert names - shells_own <= {"PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"}
    assert "PATH" in names
    assert (tmp_path / "pwd").read_text() == "/\n"


def test_a_hook_that_hangs_is_ended_with_all_its_processes(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    hook = script(
        tmp_path, "hang", f"trap '' TERM INT\nsleep 600 &\necho $$ $! > {pids}\necho waiting for Godot >&2\nwait"
    )

    answer = called(replace(hook, timeout_s=0.5))

    assert not answer.ok
    assert answer.words == "it gave no answer within 0.5 s; it said: waiting for Godot"
    assert 500 <= answer.ms < 3000
    for pid in pids.read_text().split():
        until(lambda pid=int(pid): gone_pid(pid), f"{pid} has ended")


def test_what_a_hook_leaves_behind_is_ended_with_it_and_not_waited_for(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    hook = script(tmp_path, "leave", f"sleep 600 &\necho $! > {pid}")

    answer = called(hook)

    assert answer.ok
    assert answer.ms < 4000
    until(lambda: gone_pid(int(pid.read_text())), "it has ended")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("echo >&2; echo '  frozen until Monday  ' >&2; echo more >&2; exit 3", "frozen until Monday"),
        ("exit 3", "it ended with 3 and gave no reason"),
        ("kill -9 $$", "it was ended by signal 9"),
        (r"printf '\033[2Jboo\a' >&2; exit 1", "\N{REPLACEMENT CHARACTER}[2Jboo\N{REPLACEMENT CHARACTER}"),
        ("exec 0<&-; head -c 3000000 /dev/zero | tr '\\0' x >&2; exit 1", "x" * 199 + "…"),
    ],
)
def test_why_a_hook_failed_is_its_first_line_made_harmless(tmp_path: Path, body: str, words: str) -> None:
    assert called(script(tmp_path, "fail", body), {**TOLD, "note": "x" * 300_000}) == Answer(
        False, words, pytest.approx(0, abs=5000)
    )


def test_a_hook_that_cannot_be_started_or_read_says_why(tmp_path: Path) -> None:
    hook = script(tmp_path, "once", "exit 0")
    Path(hook.where[0]).unlink()
    url = webhook(tmp_path, "http://127.0.0.1:1/")
    Path(url.where[0].removeprefix("file:")).unlink()

    assert called(hook).words == "it cannot be started (No such file or directory)"
    assert "cannot be read" in called(url).words


def test_a_webhook_is_told_json_and_its_secrets_are_nowhere_to_be_read(tmp_path: Path, listener: Listener) -> None:
    hook = webhook(tmp_path, listener.url(f"/services/{SECRET}-1?key={SECRET}-2", f"cutover:{SECRET}-3@"))
    listener.answer = lambda path: (403, f"\nCannot POST {path}\n")

    refused = called(hook)
    listener.answer = lambda path: (204, "")
    accepted = called(hook)

    assert accepted.ok
    assert listener.told == [TOLD, TOLD]
    assert listener.paths[0] == f"/services/{SECRET}-1?key={SECRET}-2"
    assert listener.logins[0].startswith("Basic ")
    assert refused.words == "it answered 403: Cannot POST /***/***?key=***"
    assert "migration.webhook" in listener.seen_outside[0]
    assert SECRET not in listener.seen_outside[0]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/{secret}", "it cannot be reached (Connection refused)"),
        ("http://a..b/{secret}", "it does not speak HTTP (UnicodeError)"),
        ("https://127.0.0.1:{port}/{secret}", "it cannot be reached ("),
        ("ftp://127.0.0.1/{secret}", "http:// or https:// with a host"),
    ],
)
def test_why_a_webhook_failed_is_said_without_its_url(tmp_path: Path, listener: Listener, url: str, words: str) -> None:
    answer = called(webhook(tmp_path, url.format(port=listener.server_address[1], secret=SECRET)))

    assert not answer.ok
    assert words in answer.words
    assert SECRET not in answer.words


def test_a_redirect_is_not_followed(tmp_path: Path, listener: Listener) -> None:
    listener.answer = lambda path: (307, "elsewhere")

    assert called(webhook(tmp_path, listener.url("/"))).words == "it answered 307: elsewhere"
    assert len(listener.told) == 1


def test_a_webhook_that_hangs_is_ended_at_its_limit(tmp_path: Path, listener: Listener) -> None:
    listener.hangs.set()

    answer = called(webhook(tmp_path, listener.url("/"), timeout_s=1.0))

    assert (
        answer.words.startswith("it gave no answer within 1 s") or answer.words == "it cannot be reached (TimeoutError)"
    )
    assert answer.ms < 4000


# Those of a migration


@contextlib.contextmanager
def hooks_of(directory: Path, hooks: Sequence[HookSpec]) -> Iterator[tuple[Hooks, Journal]]:
    """The hooks of a migration whose servers nobody asks for anything."""
    end = ServerSpec("source", "10.0.0.1", 3306, "admin", "repl")
    spec = MigrationSpec("m", "mysql_replication", "TEST", end, replace(end, name="target"), hooks=tuple(hooks))
    journal = Journal.create(directory / "journal.db")
    journal.append(Kind.CREATED, "m", spec.to_json())
    nobody = cast(Any, None)
    secrets = Secrets(*(Secret("") for _ in range(4)))
    m = Migration(spec, secrets, nobody, nobody, Positioning.GTID, Scribe(journal), QuietDesk())
    made = Hooks(m)
    try:
        yield made, journal
    finally:
        made.close()
        journal.close()


def noted(journal: Journal) -> list[str]:
    return [str(record.body["text"]) for record in journal.records() if record.kind is Kind.NOTE]


def attempt(number: int = 1) -> Switchover:
    nobody = cast(Any, None)
    return Switchover(number, Direction.CUTOVER, nobody, nobody, "alice")


def test_a_hook_that_hangs_holds_nobody_up_and_the_next_call_is_made(tmp_path: Path) -> None:
    hangs = replace(script(tmp_path, "hang", "sleep 600"), timeout_s=1.0)
    tells = script(tmp_path, "tell", f"cat >> {tmp_path}/told")
    with hooks_of(tmp_path, [hangs, tells]) as (hooks, journal):
        hooks.stage(Stage.CREATE)
        hooks.stage(Stage.CREATE)
        assert noted(journal) == []
        until(lambda: len(noted(journal)) == 2, "both were called")
        first, second = noted(journal)
    assert first.startswith(f"hook 1 ({hangs.shown}) at stage create: failed: it gave no answer within 1 s")
    assert second.startswith(f"hook 2 ({tells.shown}) at stage create: ok")


def test_hooks_hear_of_their_stages_only(tmp_path: Path) -> None:
    hook = replace(script(tmp_path, "tell", f"cat >> {tmp_path}/told"), stages=("sync",))
    with hooks_of(tmp_path, [hook]) as (hooks, _):
        for stage in (Stage.CREATE, Stage.SYNC, Stage.CUTOVER):
            hooks.stage(stage)

    assert json.loads((tmp_path / "told").read_text())["stage"] == "sync"


def test_those_that_may_object_are_asked_in_turn_and_the_first_objection_counts(tmp_path: Path) -> None:
    def veto(name: str, body: str) -> HookSpec:
        return replace(script(tmp_path, name, f"echo {name} >> {tmp_path}/asked\n{body}"), veto=True, timeout_s=2.0)

    hooks_asked = [veto("agrees", ""), veto("objects", "echo not today >&2; exit 1"), veto("never", "")]
    with hooks_of(tmp_path, hooks_asked) as (hooks, _), hooks.around_fence(attempt()) as objection:
        assert objection == f"the hook {tmp_path}/objects objected: not today"
    assert (tmp_path / "asked").read_text().split() == ["agrees", "objects"]


@pytest.mark.parametrize("body", ["sleep 600", "kill -9 $$"])
def test_one_that_may_object_and_gives_no_answer_objects(tmp_path: Path, body: str) -> None:
    hook = replace(script(tmp_path, "odd", body), veto=True, timeout_s=0.3)
    with hooks_of(tmp_path, [hook]) as (hooks, _), hooks.around_fence(attempt()) as objection:
        assert objection.startswith(f"the hook {tmp_path}/odd objected: it ")


def test_no_hook_runs_around_the_fence_and_what_waits_is_called_after_it(tmp_path: Path) -> None:
    """The first is busy until its limit; the second waits behind it, and must not begin inside the block."""
    hangs = replace(script(tmp_path, "hang", f"echo began >> {tmp_path}/hung; sleep 600"), timeout_s=1.0)
    tells = replace(script(tmp_path, "tell", f"cat >> {tmp_path}/told"), timeout_s=1.0)
    with hooks_of(tmp_path, [hangs, tells]) as (hooks, journal):
        hooks.stage(Stage.CUTOVER)
        with hooks.around_fence(attempt()) as objection:
            assert objection == ""
            calls, processes = len(noted(journal)), hook_processes(tmp_path)
            hooks.switched(attempt())
            # Longer than a call takes: whoever were called in here would be seen.
            time.sleep(1.3)
            assert processes == [] == hook_processes(tmp_path)
            assert len(noted(journal)) == calls
            assert calls < 4
        until(lambda: len(noted(journal)) == 6, "the rest was called", seconds=20)
    moments = [
        json.loads(line)["moment"] for line in (tmp_path / "told").read_text().replace("}{", "}\n{").splitlines()
    ]
    assert moments == ["stage", "before_fence", "switched"]


def hook_processes(directory: Path) -> list[int]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(directory) in word for word in process.cmdline()):
                found.append(process.pid)
    return found


def test_what_is_left_at_the_end_is_ended_and_said(tmp_path: Path) -> None:
    hook = replace(script(tmp_path, "hang", "sleep 600"), timeout_s=0.5)
    with hooks_of(tmp_path, [hook]) as (hooks, journal):
        for stage in (Stage.CREATE, Stage.SYNC) * 6:
            hooks.stage(stage)
        hooks.close()
        left = [line for line in noted(journal) if line.endswith("not called: the runner ended first")]
        assert left
        assert len(noted(journal)) == 12
        assert hook_processes(tmp_path) == []


# A whole migration


@pytest.fixture
def made(engine_names: tuple[str, ...], tmp_path: Path, listener: Listener) -> Iterator[Rehearsal]:
    """A rehearsal with one hook of each kind: a program, one that hangs, a webhook, and one that may object."""
    tells = script(tmp_path, "tell", f'told=$(cat); sleep 0.2; echo "$told" >> {tmp_path}/told')
    hangs = replace(script(tmp_path, "hang", "sleep 600"), timeout_s=0.5)
    objects = script(
        tmp_path, "object", f"cat >> {tmp_path}/asked; test ! -e {tmp_path}/frozen || {{ echo frozen >&2; exit 1; }}"
    )
    hooks = (
        tells,
        hangs,
        webhook(tmp_path, listener.url(f"/{SECRET}")),
        replace(objects, veto=True, stages=("cutover",)),
    )
    topology = TopologySpec("mariadb-10.11", "mariadb-10.11", rows=200, rate=50)
    made = rehearsal.set_up(topology, "mysql_replication", lambda _: None, keep=True, wishes=Wishes(hooks=hooks))
    try:
        launch(made.journal, made.secrets())
        yield made
    finally:
        made.sandbox.stop()


def ready(made: Rehearsal, attempts: int) -> MigrationView:
    return seen(
        made,
        lambda view: (
            view.gate is not None
            and view.gate.id == "cutover"
            and len(view.attempts) == attempts
            and view.gate.measured_at is not None
            and view.gate.ready
        ),
    )


def closed(made: Rehearsal) -> tuple[bool, bool]:
    """Whether source and target refuse clients' writes."""
    ends = made.sandbox.endpoints()
    with contextlib.closing(Server(ends.source)) as source, contextlib.closing(Server(ends.target)) as target:
        return source.read_only().clients, target.read_only().clients


def test_a_migration_with_hooks(made: Rehearsal, tmp_path: Path, listener: Listener) -> None:
    (tmp_path / "frozen").touch()
    approve(made)
    ready(made, 0)
    before = closed(made), statements(made)

    decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed="source"))
    view = ready(made, 1)

    assert view.attempt is not None
    assert (view.attempt.result, view.attempt.fenced_at) == ("aborted", None)
    assert "source keeps the writes: the hook" in view.attempt.reason
    assert "objected: frozen" in view.attempt.reason
    assert (closed(made), statements(made)) == before == ((False, True), before[1])

    (tmp_path / "frozen").unlink()
    decide(made.journal, Decision(Choice.CONFIRM, "cutover", typed="source"))
    view = at_gate(made, "observe")
    assert view.attempt is not None
    assert view.attempt.result == "switched"
    decide(made.journal, Decision(Choice.COMPLETE, "observe", typed="complete"))
    view = seen(made, lambda view: view.end is not None and not view.runner_alive)

    told = [json.loads(line) for line in (tmp_path / "told").read_text().splitlines()]
    assert [f"{one['moment']} {one['stage']}" for one in told] == [
        "stage prepare", "stage create", "stage sync", "stage cutover",
        "before_fence cutover", "aborted cutover", "before_fence cutover", "switched cutover",
        "stage observe", "stage complete", "ended complete",
    ]  # fmt: skip
    assert [without_time(one) for one in listener.told] == [without_time(one) for one in told]
    switched = told[7]
    assert set(switched) == {
        "migration", "environment", "stage", "moment", "direction", "attempt", "old", "new", "at", "note"
    }  # fmt: skip
    assert (switched["direction"], switched["attempt"], switched["old"]["name"]) == ("cutover", 2, "source")
    assert told[5]["note"] == view.attempts[0].reason
    assert told[-1]["note"] == "completed"
    assert (tmp_path / "asked").read_text().count('"before_fence"') == 2
    nothing_ran_while_writes_were_off(made, view)
    the_secret_is_nowhere(made, listener)


def without_time(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name != "at"}


def statements(made: Rehearsal) -> list[str]:
    journal = Journal(made.journal)
    try:
        return [str(record.body) for record in journal.records() if record.kind is Kind.STATEMENT]
    finally:
        journal.close()


def nothing_ran_while_writes_were_off(made: Rehearsal, view: MigrationView) -> None:
    """By the journal: every call's note has its end, and how long it took before that."""
    attempt = view.attempts[-1]
    assert attempt.fenced_at is not None
    assert attempt.ended_at is not None
    calls = [line for line in view.log if line.text.startswith("hook ")]
    assert len(calls) > 30
    for line in calls:
        began = line.at - float(line.text.rsplit(", ", 1)[1].removesuffix(" ms")) / 1000
        assert line.at < attempt.fenced_at or began > attempt.ended_at, line


def the_secret_is_nowhere(made: Rehearsal, listener: Listener) -> None:
    assert set(listener.paths) == {f"/{SECRET}"}
    for file in (one for one in made.journal.parent.rglob("*") if one.is_file()):
        assert SECRET.encode() not in file.read_bytes(), file
    assert not any(SECRET in seen for seen in listener.seen_outside)
    assert "migration.webhook" in listener.seen_outside[0]
