"""A bridge process on its own: who is let in, what goes through, how it begins and ends, and what it never shows."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pymysql
import pytest
from pymysql.constants import CLIENT, COMMAND

from providers.mysql.bridge import lock, process
from providers.mysql.bridge.lock import Place, living
from providers.mysql.bridge.orders import Lifetime, Orders, read_orders
from providers.mysql.bridge.process import BridgeFailed, Started
from providers.mysql.bridge.wire import frame, read_packet
from providers.mysql.endpoint import Account, Secret, TlsMode
from providers.sandbox import passwords
from providers.sandbox.launcher import SandboxServer
from tests.support.pairs import forward_account, running
from tests.support.waiting import until

Start = Callable[[Orders], Started]


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    with running("mysql-9.7", tmp_path_factory.mktemp("new")) as server:
        yield server


@pytest.fixture
def orders(new: SandboxServer, tmp_path: Path) -> Orders:
    return Orders(new.endpoint(forward_account()), {255: 45}, tmp_path / "bridge.lock")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    begun: list[Started] = []

    def one(orders: Orders) -> Started:
        begun.append(process.start(orders, tmp_path / "bridge.log"))
        return begun[-1]

    yield one
    for started in begun:
        started.process.kill()
        started.process.wait()
        if started.process.stdin is not None:
            started.process.stdin.close()


def log_in(place: Place, account: Account) -> pymysql.Connection[pymysql.cursors.Cursor]:
    return pymysql.connect(
        host=place.host,
        port=place.port,
        user=account.user,
        password=account.password.reveal(),
        connect_timeout=5,
        read_timeout=5,
    )


@pytest.mark.parametrize("tls", [TlsMode.DISABLED, TlsMode.REQUIRED])
def test_the_account_reaches_the_new_server(new: SandboxServer, orders: Orders, start: Start, tls: TlsMode) -> None:
    orders = replace(orders, new=replace(orders.new, tls=tls))
    with contextlib.closing(log_in(start(orders).place, forward_account())) as connection:
        assert connection.get_server_info().startswith("9.7")  # type: ignore[no-untyped-call]
        cursor = connection.cursor()
        cursor.execute("SELECT @@server_id, CURRENT_USER()")
        assert cursor.fetchone() == (new.server_id, "repl@%")
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        ((_, cipher),) = cursor.fetchall()
        assert bool(cipher) is (tls is TlsMode.REQUIRED)


@pytest.mark.parametrize(
    ("user", "password"),
    [("repl", "wrong"), ("repl", ""), ("app", None), ("", ""), ("repl\x1b[2J", "wrong")],
    ids=["password", "no-password", "another-account", "nobody", "terminal-escape"],
)
def test_nobody_else_is_let_in(orders: Orders, start: Start, tmp_path: Path, user: str, password: str | None) -> None:
    known = passwords.load().application.password
    with pytest.raises(pymysql.err.OperationalError) as raised:
        log_in(start(orders).place, Account(user, known if password is None else Secret(password)))
    assert raised.value.args[0] == 1045
    until(lambda: "was refused" in (tmp_path / "bridge.log").read_text(), "the refusal is logged")
    assert "\x1b" not in (tmp_path / "bridge.log").read_text()


def ask(connection: pymysql.Connection[pymysql.cursors.Cursor], command: int) -> None:
    """A command that the driver has no public word for."""
    connection._execute_command(command, "mysql")  # type: ignore[attr-defined]
    connection._read_packet()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("command", [COMMAND.COM_INIT_DB, COMMAND.COM_CHANGE_USER, COMMAND.COM_STMT_PREPARE])
def test_what_no_replica_asks_for_is_refused(orders: Orders, start: Start, command: int) -> None:
    with contextlib.closing(log_in(start(orders).place, forward_account())) as connection:
        with pytest.raises(pymysql.err.OperationalError) as raised:
            ask(connection, command)
        assert raised.value.args[0] == 1047
        with pytest.raises(pymysql.err.Error):
            connection.ping(reconnect=False)


def proof(password: str, nonce: bytes) -> bytes:
    once = hashlib.sha1(password.encode()).digest()
    twice = hashlib.sha1(nonce + hashlib.sha1(once).digest()).digest()
    return bytes(a ^ b for a, b in zip(once, twice, strict=True))


def test_a_client_that_prefers_another_method_is_told_to_change(orders: Orders, start: Start) -> None:
    place, account = start(orders).place, forward_account()
    capabilities = CLIENT.PROTOCOL_41 | CLIENT.SECURE_CONNECTION | CLIENT.PLUGIN_AUTH
    with socket.create_connection((place.host, place.port), 5) as sock:
        read_packet(sock)
        head = struct.pack("<IIB", capabilities, 1 << 24, 45) + bytes(23)
        sock.sendall(frame(1, head + account.user.encode() + b"\x00" + b"\x03abc" + b"caching_sha2_password\x00"))
        sequence, answer = read_packet(sock)
        method, nonce, rest = answer[1:].split(b"\x00")
        assert (sequence, answer[:1], method, rest) == (2, b"\xfe", b"mysql_native_password", b"")
        sock.sendall(frame(3, proof(account.password.reveal(), nonce)))
        assert read_packet(sock)[1][:1] == b"\x00"


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.0\r\n\r\n", frame(1, b"\x00\x02\x00\x00"), frame(1, bytes(40)), b""], ids=repr
)
def test_what_is_no_login_does_no_harm(orders: Orders, start: Start, tmp_path: Path, sent: bytes) -> None:
    place = start(orders).place
    with socket.create_connection((place.host, place.port), 5) as sock:
        read_packet(sock)
        sock.sendall(sent)
        # It may have hung up already.
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_WR)
            while sock.recv(4096):
                pass
    until(lambda: "127.0.0.1" in _after_start(tmp_path), "it is logged")
    log_in(place, forward_account()).close()


def _after_start(tmp_path: Path) -> str:
    return (tmp_path / "bridge.log").read_text().partition("\n")[2]


def test_strangers_cannot_take_more_than_their_seats(orders: Orders, start: Start) -> None:
    place = start(orders).place
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            read_packet(stack.enter_context(socket.create_connection((place.host, place.port), 5)))
        with pytest.raises(pymysql.err.OperationalError) as raised:
            log_in(place, forward_account())
        assert raised.value.args[0] == 1040

    def free() -> bool:
        try:
            log_in(place, forward_account()).close()
        except pymysql.err.OperationalError:
            return False
        return True

    until(free, "the seats are free again")


def test_one_with_its_starter_ends_with_it(orders: Orders, start: Start) -> None:
    started = start(replace(orders, lifetime=Lifetime.STARTER))
    assert living(orders.lock) == started.place
    assert started.process.stdin is not None
    started.process.stdin.close()
    assert started.process.wait(10) == 0
    assert living(orders.lock) is None
    assert lock.last(orders.lock) == started.place


def test_one_of_a_rehearsal_ends_with_its_directory(orders: Orders, start: Start, tmp_path: Path) -> None:
    directory = tmp_path / "rehearsal"
    directory.mkdir()
    started = start(replace(orders, as_long_as=directory))
    log_in(started.place, forward_account()).close()
    directory.rmdir()
    assert started.process.wait(10) == 0


def test_one_of_its_own_outlives_its_starter(orders: Orders, tmp_path: Path) -> None:
    orders_file = tmp_path / "orders"
    orders_file.write_text(orders.line())
    starter = (
        "import pathlib, sys\n"
        "from providers.mysql.bridge import orders, process\n"
        "process.start(orders.read_orders(pathlib.Path(sys.argv[1]).read_text()), pathlib.Path(sys.argv[2]))\n"
    )
    subprocess.run(
        [sys.executable, "-c", starter, str(orders_file), str(tmp_path / "bridge.log")], check=True, timeout=30
    )
    place = living(orders.lock)
    assert place is not None
    log_in(place, forward_account()).close()
    assert process.stop(orders.lock)
    assert living(orders.lock) is None
    assert not process.stop(orders.lock)


def test_a_second_one_is_refused_and_says_where_the_first_is(orders: Orders, start: Start) -> None:
    first = start(orders).place
    with pytest.raises(BridgeFailed, match=f"process {first.pid} on 127.0.0.1:{first.port}"):
        start(orders)
    assert living(orders.lock) == first


def test_a_port_that_is_taken(new: SandboxServer, orders: Orders, start: Start) -> None:
    with pytest.raises(BridgeFailed, match=rf"cannot listen on 127\.0\.0\.1:{new.port} \(Address already in use\)"):
        start(replace(orders, port=new.port))


def test_a_new_server_that_refuses_the_account(orders: Orders, start: Start, tmp_path: Path) -> None:
    wrong = replace(orders.new, account=Account("repl", Secret("not-the-password")))
    with pytest.raises(BridgeFailed, match="refused the account repl") as raised:
        start(replace(orders, new=wrong))
    assert "not-the-password" not in str(raised.value) + (tmp_path / "bridge.log").read_text()


def test_a_new_server_that_is_away(orders: Orders, start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        nobody = taken.getsockname()[1]
    with pytest.raises(BridgeFailed, match="cannot be reached"):
        start(replace(orders, new=replace(orders.new, port=nobody)))


def without(orders: Orders, key: str) -> str:
    content = json.loads(orders.line())
    del content[key]
    return json.dumps(content)


def test_bad_orders_are_refused_without_their_password(orders: Orders) -> None:
    new = replace(orders.new, account=Account("repl", Secret("")))
    lines = {
        "lack 'lock'": without(orders, "lock"),
        "not the line of JSON": orders.line()[:-5],
        "no password": replace(orders, new=new).line(),
        "docs/bridge.md shows": replace(orders, collations={255: 1 << 17}).line(),
    }
    for words, line in lines.items():
        ended = subprocess.run(
            [sys.executable, "-m", "providers.mysql.bridge"],
            input=line.encode() + b"\n",
            capture_output=True,
            timeout=30,
            check=False,
        )
        assert ended.returncode == 1
        assert words in ended.stderr.decode()
        assert "Traceback" not in ended.stderr.decode()
        assert forward_account().password.reveal() not in ended.stderr.decode()


def test_no_secret_is_to_be_seen(orders: Orders, start: Start, tmp_path: Path) -> None:
    started = start(orders)
    log_in(started.place, forward_account()).close()
    secret = forward_account().password.reveal().encode()
    until(lambda: b"no longer connected" in (tmp_path / "bridge.log").read_bytes(), "the visit is logged")
    proc = Path(f"/proc/{started.process.pid}")
    seen = [orders.lock, tmp_path / "bridge.log"] + [proc / name for name in ("cmdline", "environ") if proc.exists()]
    assert all(secret not in path.read_bytes() for path in seen)
    assert secret.decode() not in repr(orders)
    assert os.stat(orders.lock).st_mode & 0o077 == 0


def test_the_orders_arrive_as_they_were_given(orders: Orders) -> None:
    given = replace(orders, host="::1", port=3307, lifetime=Lifetime.STARTER, as_long_as=Path("/a"))
    assert read_orders(given.line()) == given
