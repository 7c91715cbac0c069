"""Hooks as operators write them: what cannot work is refused before anything begins, without showing a secret."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from migration.hook_option import BadHook, read_hooks
from migration.model import HookSpec, MigrationSpec, ServerSpec
from tests.rehearsals.command import cutover, said_once

SECRET = "T0Ps3cret"


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "tell me"
    file.write_text("#!/bin/sh\n")
    file.chmod(stat.S_IRWXU)
    return file


def refusal(*hooks: str, timeout_s: float = 5.0, stages: tuple[str, ...] = (), veto: bool = False) -> str:
    with pytest.raises(BadHook) as caught:
        read_hooks(() if veto else hooks, hooks if veto else (), timeout_s, stages)
    return str(caught.value)


def test_every_form_is_read_and_comes_back_from_the_journal_as_it_was(program: Path, tmp_path: Path) -> None:
    url = tmp_path / "url"
    url.write_text(f"https://user:{SECRET}@example.test/hook?key={SECRET}\n")

    hooks = read_hooks(
        [f"command:'{program}' --to 'the team'", f"file:{url}"], ["http://[::1]:8080/x"], 2.5, ["cutover"]
    )

    assert hooks == (
        HookSpec("command", (str(program), "--to", "the team"), 2.5, stages=("cutover",)),
        HookSpec("webhook", (f"file:{url}",), 2.5, stages=("cutover",)),
        HookSpec("webhook", ("http://[::1]:8080/x",), 2.5, veto=True, stages=("cutover",)),
    )
    assert [hook.shown for hook in hooks] == [str(program), f"file:{url}", "http://[::1]:8080"]
    end = ServerSpec("source", "127.0.0.1", 3306, "admin", "repl")
    spec = MigrationSpec("m", "mysql_replication", "TEST", end, end, hooks=hooks)
    assert MigrationSpec.from_json(spec.to_json()) == spec
    assert SECRET not in str(spec.to_json())


@pytest.mark.parametrize(
    ("hook", "words"),
    [
        (f"https://user:{SECRET}@example.test/", "write the URL into a file of your own"),
        (f"https://example.test/?key={SECRET}", "write the URL into a file of your own"),
        (f"https://example.test/#{SECRET}", "write the URL into a file of your own"),
        (f"http://[{SECRET}", "http:// or https:// with a host"),
        (f"https:///{SECRET}", "http:// or https:// with a host"),
        (f"https://example.test/a {SECRET}", "without spaces"),
        (f"ftp://example.test/{SECRET}", "another form"),
        (SECRET, "another form"),
        (f"command:/bin/sh '{SECRET}", "close its quotes"),
        (f"command:sh {SECRET}", "the whole path of a program"),
        (f"command:/nowhere/tell {SECRET}", "/nowhere/tell is no program that you may run"),
        (f"command:/etc/passwd {SECRET}", "/etc/passwd is no program that you may run"),
        ("command:", "the whole path of a program"),
        ("file:url", "by its whole path"),
        ("file:/nowhere/url", "No such file"),
    ],
)
def test_what_cannot_work_is_refused_and_shows_no_secret(hook: str, words: str) -> None:
    said = refusal(hook)

    assert words in said
    assert SECRET not in said


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"example.test/hook\n"])
def test_a_file_without_a_url_is_refused(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "url"
    file.write_bytes(content)

    assert "URL" in refusal(f"file:{file}")


def test_limits_and_stages_that_make_no_sense_are_refused(program: Path) -> None:
    hook = f"command:'{program}'"

    assert "0 s to answer" in refusal(hook, timeout_s=0)
    assert "at most 60 s" in refusal(hook, timeout_s=61)
    assert "nan s to answer" in refusal(hook, timeout_s=float("nan"))
    assert "'fence' is no stage" in refusal(hook, stages=("fence",))
    assert "asked in the stages cutover and observe" in refusal(hook, stages=("create",), veto=True)


@pytest.mark.parametrize(
    ("hooks", "words"),
    [
        (("rehearse", "--unattended", "--hook", "nonsense"), "A hook has another form"),
        (("rehearse", "--unattended", "--veto-hook", "file:/nowhere"), "cannot be read from /nowhere"),
        (("rehearse", "--unattended", "--hook-stage", "fence"), "'fence' is no stage"),
        (("--hook", "nonsense", "engines"), "Hooks go behind `rehearse`"),
    ],
)
def test_the_command_line_refuses_before_anything_is_started(hooks: tuple[str, ...], words: str) -> None:
    ended = cutover(*hooks)

    assert ended.returncode == 2
    assert words in said_once(ended)
