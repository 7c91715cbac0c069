"""`cutover check` as a pipeline uses it, on real servers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from junitparser import JUnitXml

from migration.check import Finding, Result, Route, Severity, Verdict
from migration.check_report import CheckReport, ServerSeen
from migration.checks import on_route
from migration.model import Positioning, Side
from providers.mysql.gtid import GtidSet
from providers.mysql.server import Server
from tests.migration.checks.lab import account, made
from tests.support.pairs import Two, two
from tui import looking

PROGRAM = "import sys; from tui.command_line import main; main()"
EVIL = "e\x1b[2J\n\u202evil"


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    def words(self) -> dict[str, str]:
        return {one["id"]: one["word"] for one in json.loads(self.out)["findings"]}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    with two("mariadb-10.11", "mariadb-10.11", tmp_path_factory.mktemp("pair"), GtidSet) as pair:
        pair.source.change("CREATE DATABASE shop")
        pair.source.change("CREATE TABLE shop.t (id INT PRIMARY KEY) ENGINE=InnoDB")
        yield pair


@pytest.fixture
def password(servers: Two, tmp_path: Path) -> Path:
    path = tmp_path / "password"
    path.write_text(servers.source.endpoint.account.password.reveal() + "\n")
    return path


def end_of(server: Server) -> str:
    endpoint = server.endpoint
    return f"{endpoint.account.user}@{endpoint.host}:{endpoint.port}"


def cutover(*words: str, **environment: str) -> Ended:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        timeout=60,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


def check(servers: Two, password: Path, *words: str, **environment: str) -> Ended:
    files = [f"--{side}-password-file={password}" for side in ("source", "target", "replication")]
    return cutover("check", end_of(servers.source), end_of(servers.target), *files, *words, **environment)


def check_source(servers: Two, password: Path, *words: str) -> Ended:
    return cutover("check", end_of(servers.source), f"--source-password-file={password}", *words)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 0),
        (["OK", "NOTE", "-"], 0),
        (["OK", "WARN"], 1),
        (["WARN", "UNKNOWN"], 3),
        (["WARN", "UNKNOWN", "FAIL"], 2),
    ],
)
def test_the_worst_finding_is_the_exit_code(words: list[str], code: int) -> None:
    seen = ServerSeen("source", "127.0.0.1:3306", "MySQL 5.6.24", "cutover", False)
    findings = tuple(found(word) for word in words)
    report = CheckReport("", 0.0, Route.NATIVE, Positioning.FILE, seen, None, findings)
    assert looking.exit_code(report) == code


def found(word: str) -> Finding:
    verdicts = {"OK": Verdict.PASSED, "-": Verdict.NOT_APPLICABLE, "UNKNOWN": Verdict.UNKNOWN}
    severities = {"NOTE": Severity.NOTICE, "WARN": Severity.WARNING}
    result = Result(verdicts.get(word, Verdict.FAILED), "")
    made_up = Finding("", "", Side.SOURCE, severities.get(word, Severity.BLOCKER), "", "", result)
    assert made_up.word == word
    return made_up


def test_a_fresh_pair_has_no_blocker_and_a_target_with_data_has(servers: Two, password: Path) -> None:
    fresh = check(servers, password)
    assert (fresh.code in (0, 1), fresh.err) == (True, ""), fresh.out
    assert fresh.out.splitlines()[-1].endswith("not applicable")
    with made(servers.target, "CREATE DATABASE own", "CREATE TABLE own.t (a INT)", undo="DROP DATABASE own"):
        blocked = check(servers, password)
    assert blocked.code == 2
    assert any(line.startswith("FAIL     target holds no data of its own") for line in blocked.out.splitlines())


def test_a_warning_ends_with_1_and_an_unknown_check_with_3(servers: Two, password: Path, tmp_path: Path) -> None:
    with account(servers.target, "", host="10.9.9.9"):
        assert check(servers, password).code == 1
    with account(servers.source, "low", "SELECT ON shop.*"):
        low = tmp_path / "low"
        low.write_text("pw-of-a-test")
        ended = cutover("check", f"low@{servers.source.endpoint.address}", f"--source-password-file={low}", "--json")
    words = ended.words()
    assert words["long-transactions"] == "UNKNOWN"
    assert ended.code == (2 if "FAIL" in words.values() else 3)


def test_the_document_is_one_object_with_every_check(servers: Two, password: Path) -> None:
    ended = check(servers, password, "--json")
    document = json.loads(ended.out)
    assert (document["format"], document["version"], document["exit_code"]) == ("cutover-check", 1, ended.code)
    assert document["route"] == "native"
    assert document["servers"]["target"]["version"].startswith("MariaDB 10.11")
    assert [one["id"] for one in document["findings"]] == [one.id for one in on_route(Route.NATIVE)]


def test_without_a_target_only_the_source_answers(servers: Two, password: Path) -> None:
    ended = check_source(servers, password, "--json")
    document = json.loads(ended.out)
    assert ended.code in (0, 1), ended.out
    assert document["servers"]["target"] is None
    findings = {one["id"]: one for one in document["findings"]}
    assert len(findings) == len(on_route(Route.NATIVE))
    assert findings["primary-keys"]["word"] == "OK"
    for name in ("same-server", "replication-account-source", "accounts-present", "target-empty"):
        assert (findings[name]["word"], findings[name]["found"]) == ("-", "no target was given"), name
    assert not [one for one in document["findings"] if one["word"] == "UNKNOWN"]


def test_another_route_asks_other_questions_and_weighs_them_otherwise(servers: Two, password: Path) -> None:
    for route in Route:
        ended = check_source(servers, password, "--json", "--route", route.value)
        weighed = {one["id"]: one["severity"] for one in json.loads(ended.out)["findings"]}
        assert weighed == {one.id: one.severity_on(route) for one in on_route(route)}
    assert "aliyun-root" not in {one.id for one in on_route(Route.NATIVE)}


def test_the_junit_file_says_the_same_as_the_document(servers: Two, password: Path, tmp_path: Path) -> None:
    path = tmp_path / "checks.xml"
    with (
        account(servers.target, "", host="10.9.9.9"),
        made(servers.target, "CREATE DATABASE own", "CREATE TABLE own.t (a INT)", undo="DROP DATABASE own"),
    ):
        ended = check(servers, password, "--json", f"--junit={path}")
    (suite,) = JUnitXml.fromfile(str(path))
    words = ended.words()
    assert {case.name for case in suite} == {name for name, word in words.items() if word != "-"}
    for case in suite:
        assert case.is_failure == (words[case.name] == "FAIL")
        assert case.is_error == (words[case.name] == "UNKNOWN")
        assert case.is_skipped == (words[case.name] == "WARN")
    assert (words["target-empty"], words["anonymous-accounts"]) == ("FAIL", "WARN")


def test_names_cannot_steer_the_terminal(servers: Two, password: Path, tmp_path: Path) -> None:
    path = tmp_path / "checks.xml"
    create = (f"CREATE DATABASE `{EVIL}`", f"CREATE TABLE `{EVIL}`.t (a INT)")
    with account(servers.source, EVIL), made(servers.target, *create, undo=f"DROP DATABASE `{EVIL}`"):
        seen = check(servers, password, f"--junit={path}")
        document = check(servers, password, "--json")
    assert seen.code == 2
    for text in (seen.out, document.out, path.read_text(encoding="utf-8")):
        assert not {"\x1b", "\u202e"} & set(text)
    present = next(one for one in json.loads(document.out)["findings"] if one["id"] == "accounts-present")
    assert present["evidence"]["rows"][0][0] == f"'{EVIL}'@'%'"


def test_a_terminal_without_unicode_gets_what_it_can_show(servers: Two, password: Path) -> None:
    ended = check(servers, password, PYTHONIOENCODING="ascii")
    assert (ended.code in (0, 1), ended.err) == (True, ""), ended.out
    assert ended.out.isascii()


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("nowhere",), 2, "is no server; write it as user@host"),
        (("a@b", "--tls", "often"), 2, "is no TLS mode; use one of disabled, "),
        (("a@b", "--route", "scenic"), 2, "is no route; use one of native, physical, logical."),
        (("a@127.0.0.1:1",), 2, "There is no terminal to type the password"),
        (("a@127.0.0.1:1", "--source-password-file=gone"), 2, "No password for a on source can be read from gone"),
        (("a@127.0.0.1:1", "--source-password-file=PASSWORD"), 4, "cannot be reached"),
        ((f"a@{'x' * 70}.example", "--source-password-file=PASSWORD"), 2, "is no name of a host"),
        (("a\x1b[2J@127.0.0.1:1", "--source-password-file=PASSWORD"), 4, "cannot be reached"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(password: Path, words: tuple[str, ...], code: int, says: str) -> None:
    ended = cutover("check", *(word.replace("PASSWORD", str(password)) for word in words))
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("cutover: ")
    assert says in ended.err
    assert ended.err.count("\n") == 1
    assert "\x1b" not in ended.err


def test_a_file_that_cannot_be_written_is_said_before_anything_is_asked(servers: Two, password: Path) -> None:
    ended = check(servers, password, "--junit=gone/checks.xml")
    assert (ended.code, ended.out) == (4, "")
    assert ended.err == "cutover: The findings cannot be written to gone/checks.xml (there is no directory gone).\n"
    assert check(servers, password, "--junit=.").code == 4


def test_a_refused_account_is_one_sentence(servers: Two, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not-the-password")
    ended = check(servers, wrong)
    assert (ended.code, ended.out, ended.err.count("\n")) == (4, "", 1)
    assert "refused the account" in ended.err
    assert "not-the-password" not in ended.err
