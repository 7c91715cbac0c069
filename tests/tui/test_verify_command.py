"""`cutover verify` as people and pipelines use it, on real servers: a pair that replicates and one that does not."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from providers.mysql.gtid import GtidSet
from providers.mysql.server import Server
from tests.migration.checks.lab import account
from tests.migration.verify.following import unlogged
from tests.support.pairs import Two, two
from tests.support.terminal import terminal
from tests.support.waiting import until

pytestmark = pytest.mark.long

PROGRAM = "import sys; from tui.command_line import main; main()"
ROOT = str(Path(__file__).parents[2])
ROWS = 20_000


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.out)
        assert (body["format"], body["version"], body["exit_code"]) == ("cutover-verify", 1, self.code)
        return body


def argv(*words: str) -> list[str]:
    return [sys.executable, "-c", PROGRAM, "verify", *words]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": ROOT}


def run(*words: str, seconds: float = 120) -> Ended:
    done = subprocess.run(
        argv(*words), capture_output=True, stdin=subprocess.DEVNULL, env=environment(), timeout=seconds
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())


@dataclass(frozen=True)
class Shop:
    """Two servers with the same database on both."""

    pair: Two
    password: Path
    replicates: bool

    @property
    def servers(self) -> tuple[Server, Server]:
        return self.pair.source, self.pair.target

    def words(self, *words: str) -> list[str]:
        names = (f"{one.endpoint.account.user}@{one.endpoint.address}" for one in self.servers)
        return [*names, *(f"--{side}-password-file={self.password}" for side in ("source", "target")), *words]

    def verify(self, *words: str) -> Ended:
        return run(*self.words(*words))

    def harm(self, *statements: str) -> None:
        with unlogged(self.pair.target) as session:
            for statement in statements:
                session.run(statement)

    def make(self, *statements: str) -> None:
        for server in self.servers[: 1 if self.replicates else 2]:
            for statement in statements:
                server.change(statement)
        if self.replicates:
            self.pair.caught_up(60)


TABLES = (
    "CREATE DATABASE shop CHARACTER SET utf8mb4",
    "CREATE TABLE shop.orders (id INT PRIMARY KEY, note VARCHAR(300), total DECIMAL(10,2)) ENGINE=InnoDB",
    "CREATE TABLE shop.log (line VARCHAR(80)) ENGINE=InnoDB",
    "CREATE TABLE shop.`ev\x1b[2Jil` (id INT PRIMARY KEY, v INT) ENGINE=InnoDB",
    "CREATE DATABASE other",
    "CREATE TABLE other.t (id INT PRIMARY KEY, v INT) ENGINE=InnoDB",
    "INSERT INTO shop.log VALUES ('one'), ('two'), ('two')",
    "INSERT INTO shop.`ev\x1b[2Jil` VALUES (1, 1)",
    "INSERT INTO other.t VALUES (1, 1), (2, 2)",
)


def orders() -> Iterator[str]:
    for start in range(0, ROWS, 1000):
        rows = ", ".join(f"({number}, REPEAT('x', 200), {number}.50)" for number in range(start, start + 1000))
        yield f"INSERT INTO shop.orders VALUES {rows}"


KINDS = {
    "mariadb-replicating": ("mariadb-10.11", "mariadb-10.11", True),
    "mysql-replicating": ("mysql-9.7", "mysql-9.7", True),
    "independent": ("mysql-5.7", "mysql-9.7", False),
}


@pytest.fixture(scope="module", params=list(KINDS))
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    source, target, replicates = KINDS[request.param]
    with two(source, target, tmp_path_factory.mktemp("pair"), GtidSet) as pair:
        password = tmp_path_factory.mktemp("secret") / "password"
        password.write_text(pair.source.endpoint.account.password.reveal() + "\n")
        if replicates:
            pair.attach()
        made = Shop(pair, password, replicates)
        made.make(*TABLES, *orders())
        yield made


@contextlib.contextmanager
def harmed(shop: Shop, *pairs: tuple[str, str]) -> Iterator[None]:
    """The target changed behind everybody's back, and changed back."""
    shop.harm(*(do for do, _ in pairs))
    try:
        yield
    finally:
        shop.harm(*(undo for _, undo in pairs))


CHANGED = ("UPDATE shop.orders SET note = 'y' WHERE id = 77", "UPDATE shop.orders SET note = REPEAT('x', 200)")
MISSING = ("DELETE FROM shop.orders WHERE id = 5000", "INSERT INTO shop.orders VALUES (5000, REPEAT('x', 200), 5000.5)")
EXTRA = ("INSERT INTO shop.orders VALUES (99999, 'z', 1)", "DELETE FROM shop.orders WHERE id = 99999")


def test_equal_rows_end_with_0_and_nothing_is_written(shop: Shop) -> None:
    before = [server.end_of_log() for server in shop.servers]
    ended = shop.verify()
    lines = ended.out.splitlines()
    assert (ended.code, lines[0]) == (0, "IDENTICAL   source and target hold the same rows"), ended
    assert f"4 tables, {ROWS + 6:,} rows compared byte for byte" in lines[1]
    assert [server.end_of_log() for server in shop.servers] == before
    assert [server.databases() for server in shop.servers] == [("other", "shop")] * 2


def test_progress_in_a_log_is_plain_lines(shop: Shop) -> None:
    ended = shop.verify("--json")
    assert ended.code == 0, ended
    assert ended.err.endswith("\n")
    assert not {"\r", "\x1b"} & set(ended.err)
    assert "of 4 tables" in ended.err


def test_the_document_of_equal_rows(shop: Shop) -> None:
    body = shop.verify("--json", "--mode=exact", "--connections=1").document
    assert (body["verdict"], body["found"], body["differences"], body["miss"]) == ("identical", 0, [], 0.0)
    assert (body["tables"], body["rows"], body["mode"], body["repair"]) == (4, ROWS + 6, "exact", None)
    assert body["databases"] == ["other", "shop"]
    assert body["servers"]["source"]["address"] == shop.pair.source.endpoint.address


def test_different_rows_end_with_1_and_are_named(shop: Shop) -> None:
    with harmed(shop, CHANGED, MISSING, EXTRA):
        ended = shop.verify()
        body = shop.verify("--json").document
    lines = ended.out.splitlines()
    assert (ended.code, lines[0]) == (1, "DIFFERENT   3 differences between source and target"), ended
    assert lines[2:] == [
        "  shop.orders",
        "    id = 5000   missing on the target",
        "    id = 77     changed: note",
        "    id = 99999  only on the target",
    ]
    found = {one["key"]["id"]: (one["kind"], one["columns"]) for one in body["differences"]}
    assert found == {"77": ("changed", ["note"]), "5000": ("missing", []), "99999": ("extra", [])}


def test_the_repair_makes_them_equal_and_is_not_applied_by_itself(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "repair.sql"
    with harmed(shop, CHANGED, MISSING, EXTRA):
        body = shop.verify("--json", f"--repair={file}").document
        assert body["repair"] == {"file": str(file), "replaced": 2, "deleted": 1, "left_out": 0, "tables": 1}
        assert file.stat().st_mode & 0o777 == 0o600
        again = shop.verify(f"--repair={file}")
        assert (again.code, again.out) == (4, "")
        assert again.err.endswith(f"cannot be written to {file} (it is there already).\n")
        assert shop.verify().code == 1
        with contextlib.closing(shop.pair.target.connect()) as session:
            session.run(file.read_text())
        assert shop.verify().code == 0
        shop.harm(*(do for do, _ in (CHANGED, MISSING, EXTRA)))


def test_a_table_without_a_key_differs_and_is_not_repaired(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "repair.sql"
    with harmed(shop, ("INSERT INTO shop.log VALUES ('two')", "DELETE FROM shop.log WHERE line = 'two' LIMIT 1")):
        ended = shop.verify(f"--repair={file}")
    assert ended.code == 1, ended
    assert "    (no key)  only on the target" in ended.out
    assert ended.out.endswith("1 difference left out, with the reason. Nothing was applied.\n")
    assert "NOT REPAIRED" in file.read_text()


def test_no_file_is_made_where_nothing_differs(shop: Shop, tmp_path: Path) -> None:
    file = tmp_path / "repair.sql"
    assert shop.verify(f"--repair={file}").code == 0
    assert not file.exists()


def test_tables_and_databases_are_chosen(shop: Shop) -> None:
    with harmed(shop, CHANGED):
        assert shop.verify("--tables=other.*").code == 0
        assert shop.verify("--databases=other").code == 0
        body = shop.verify("--json", "--databases=shop", "--tables=shop.o*").document
    assert (body["verdict"], body["tables"], body["databases"], body["pattern"]) == (
        "different",
        1,
        ["shop"],
        "shop.o*",
    )


def test_what_cannot_be_compared_ends_with_2(shop: Shop) -> None:
    with harmed(shop, ("ALTER TABLE other.t ADD w INT", "ALTER TABLE other.t DROP w")):
        ends = shop.verify(), shop.verify("--databases=other")
        body = shop.verify("--json").document
    for ended in ends:
        assert (ended.code, ended.out.split()[0]) == (2, "UNPROVED"), ended
        assert "NOT PROVED  other.t: only the target has a column w" in ended.out
    (doubt,) = (one for one in body["doubts"] if one["unproved"])
    assert (doubt["database"], doubt["table"]) == ("other", "t")


def test_names_cannot_steer_the_terminal(shop: Shop) -> None:
    with harmed(shop, ("UPDATE shop.`ev\x1b[2Jil` SET v = 2", "UPDATE shop.`ev\x1b[2Jil` SET v = 1")):
        ended = shop.verify()
    assert ended.code == 1, ended
    assert "  shop.ev␛[2Jil" in ended.out
    assert "\x1b" not in ended.out + ended.err


def test_a_database_that_only_the_target_has_is_named(shop: Shop) -> None:
    with harmed(shop, ("CREATE DATABASE own", "DROP DATABASE own")):
        ended = shop.verify()
        body = shop.verify("--json").document
    assert (ended.code, ended.out.splitlines()[-1].endswith(": own")) == (0, True), ended
    assert body["only_on_target"] == ["own"]


def test_writes_that_go_on_change_nothing_about_the_result(shop: Shop) -> None:
    if not shop.replicates:
        pytest.skip("nothing carries the writes to the target")
    stop = threading.Event()

    def write() -> None:
        with contextlib.closing(shop.pair.source.connect()) as session:
            number = 0
            while not stop.is_set():
                number = (number + 7919) % ROWS
                session.run(f"UPDATE shop.orders SET total = total + 1 WHERE id = {number}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        ended = shop.verify("--json", "--follow=2")
    finally:
        stop.set()
        writer.join()
    assert (ended.code, ended.document["verdict"]) == (0, "identical"), ended
    shop.pair.caught_up(60)


@contextlib.contextmanager
def started(words: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        argv(*words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
        text=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def reading(process: subprocess.Popen[str]) -> None:
    """Wait until it says that it reads rows."""
    assert process.stderr is not None
    for line in process.stderr:
        if "reading all rows" in line or "following changes" in line:
            return
    raise AssertionError("it ended before it read")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_says_how_to_go_on_and_does_go_on(shop: Shop, number: signal.Signals) -> None:
    with started(shop.words("--rate=1")) as process:
        reading(process)
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (2, "")
    assert err.splitlines()[-1] == (
        "cutover: Stopped before the end, so nothing is proved. The same command with --resume goes on from here."
    )
    body = shop.verify("--resume", "--json").document
    assert (body["verdict"], body["tables"], body["rows"]) == ("identical", 4, ROWS + 6)
    with harmed(shop, CHANGED):
        assert shop.verify("--json").document["found"] == 1


def test_the_same_pair_is_not_verified_twice_at_once(shop: Shop) -> None:
    with started(shop.words("--follow=100")) as process:
        reading(process)
        ended = shop.verify()
    assert (ended.code, ended.out) == (4, "")
    assert "being verified already" in ended.err


def test_a_terminal_has_one_line_that_is_drawn_again(shop: Shop) -> None:
    command = ["env", f"PYTHONPATH={ROOT}", *argv(*shop.words("--rate=1"))]
    with terminal(command, columns=60) as screen:
        shown = screen.wait_for(r"reading all rows \d+ %")
        assert len([line for line in shown.splitlines() if line.strip()]) == 1
        screen.press("\x03")
        until(lambda: screen.process.poll() is not None, "it ended", 30)
        assert screen.process.returncode == 2
        assert "reading all rows" not in screen.wait_for("Stopped before the end")


def test_it_is_wiped_away_before_the_result(shop: Shop) -> None:
    command = ["env", f"PYTHONPATH={ROOT}", *argv(*shop.words())]
    with terminal(command, columns=100) as screen:
        shown = screen.wait_for("IDENTICAL", 120)
        ended = until(lambda: screen.process.poll() is not None, "it ended", 30)
        assert (ended, screen.process.returncode) == (True, 0)
        assert shown.splitlines()[0].startswith("IDENTICAL")


def test_an_account_that_may_only_read_proves_nothing(shop: Shop, tmp_path: Path) -> None:
    low = tmp_path / "low"
    low.write_text("pw-of-a-test")
    with account(shop.pair.source, "low", "SELECT ON *.*"):
        name = f"low@{shop.pair.source.endpoint.address}"
        words = shop.words()[1:]
        words[1] = f"--source-password-file={low}"
        ended = run(name, *words)
        if shop.replicates:
            shop.pair.caught_up(60)
    assert ended.code == 2, ended
    assert "log" in ended.out + ended.err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("a@b", "nowhere"), 2, "is no server; write it as user@host"),
        (("a@b", "a@c", "--tls", "often"), 2, "is no TLS mode; use one of disabled, "),
        (("a@b", "a@c", "--mode", "fast"), 2, "is no mode; use one of exact, hash."),
        (("a@b", "a@c", "--connections", "0"), 2, "0 connections cannot be; use 1 to 64."),
        (("a@b", "a@c", "--rate", "-1"), 2, "-1.0 is no value of --rate; use 0 or more."),
        (("a@b", "a@c", "--follow", "nan"), 2, "nan is no value of --follow; use 0 or more."),
        (("a@b", "a@c"), 2, "There is no terminal to type the password"),
        (("a@b", "a@c", "--repair", "gone/r.sql"), 4, "cannot be written to gone/r.sql (there is no directory gone)."),
        (("a@b", "a@c", "--repair", "."), 4, "cannot be written to . (it is there already)."),
        (("a@127.0.0.1:1", "a@c", "--source-password-file=PW", "--target-password-file=PW"), 4, "cannot be reached"),
        ((f"a@{'x' * 70}.example", "a@c", "--source-password-file=PW", "--target-password-file=PW"), 2, "is no name"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(tmp_path: Path, words: tuple[str, ...], code: int, says: str) -> None:
    (tmp_path / "pw").write_text("x\n")
    ended = run(*(word.replace("PW", str(tmp_path / "pw")) for word in words))
    assert (ended.code, ended.out) == (code, ""), ended
    assert ended.err.startswith("cutover: ")
    assert says in ended.err
    assert ended.err.count("\n") == 1


def test_what_cannot_be_compared_at_all_is_said(shop: Shop) -> None:
    source = shop.words()[0]
    secrets = shop.words()[2:]
    for words, code, says in (
        ((source, source, *secrets), 2, "are one server; name two."),
        (shop.words("--databases=nowhere"), 2, "There is no database nowhere on either server."),
        (shop.words("--tables=shop.nothing*"), 2, "There is no table to compare"),
    ):
        ended = run(*words)
        assert (ended.code, ended.out) == (code, ""), ended
        assert says in ended.err


def test_help_names_the_exit_codes() -> None:
    ended = run("--help")
    assert ended.code == 0
    assert "0 identical, 1 different, 2 unproved" in " ".join(ended.out.split())


def test_a_server_that_dies_proves_nothing(shop: Shop) -> None:
    target = shop.pair.sandbox[1]
    with started(shop.words("--follow=100")) as process:
        reading(process)
        target.kill()
        try:
            out, err = process.communicate(timeout=100)
        finally:
            target.start()
    assert (process.returncode, out.split()[0]) == (2, "UNPROVED"), err
    assert "NOT PROVED  all tables: " in out
    assert "target" in out
