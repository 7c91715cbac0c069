"""One server of the sandbox: starting, stopping, killing and starting it again in place."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pymysql

from providers.mysql.endpoint import Account, Endpoint
from providers.sandbox import passwords, template
from providers.sandbox.catalogue import Engine
from providers.sandbox.options import COLLATION, Options, Positioning, base_options, replication_options
from providers.sandbox.ports import LOOPBACK, Port, reserve
from providers.sandbox.programs import ServerProgram, program
from providers.sandbox.spawner import spawn

_READY_S = 60.0
_STOP_S = 60.0
_POLL_S = 0.005
_LOG_LINES = 3
_ACCESS_DENIED = frozenset({1045, 1698, 1251})


class ServerFailed(Exception):
    """A sandbox server did not start or did not do what it was told."""


class SandboxServer:
    """A real server over its own data directory below `run_dir`, on a loopback port.

    The data directory is a copy of the engine's template, made at the first start; it, the port and the
    server's identity stay the same over restarts. The process dies with the one that started it. Starting and
    ending it are done one at a time, whichever thread asks for it.
    """

    def __init__(
        self,
        engine: Engine,
        run_dir: Path,
        *,
        name: str,
        positioning: Positioning = Positioning.GTID,
        options: Mapping[str, str] | None = None,
    ) -> None:
        self.engine = engine
        self.name = name
        self.run_dir = run_dir
        self.data_dir = run_dir / "data"
        self.server_id = random.randint(1_000, 2**31)  # noqa: S311
        self._options = {**base_options(engine), **replication_options(engine, positioning), **(options or {})}
        self._changing = threading.RLock()
        self._port: Port | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The loopback port; reserved by `reserve` or at the first start."""
        if self._port is None:
            raise ServerFailed(f"{self.name} has not been started yet.")
        return self._port.number

    @property
    def pid(self) -> int | None:
        """The server's process, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def running(self) -> bool:
        """Whether the server process is there."""
        return self.pid is not None

    @property
    def log(self) -> Path:
        """The server's error log."""
        return self.run_dir / "error.log"

    def endpoint(self, account: Account | None = None) -> Endpoint:
        """Where the server is; by default with the sandbox's administrator."""
        return Endpoint(self.name, LOOPBACK, self.port, account or passwords.load().administrator)

    def reserve(self) -> None:
        """Have the port ahead of the start.

        Raises:
            NoFreePort: none was found.
        """
        with self._changing:
            if self._port is None:
                self._port = reserve()

    def start(self) -> None:
        """Start the server and wait until it lets clients log in.

        Raises:
            ServerFailed: it ended, or was not ready in time; the sentence quotes its log.
        """
        with self._changing:
            if self.running:
                return
            found = program(self.engine)
            if not self.data_dir.exists():
                self.run_dir.mkdir(parents=True, exist_ok=True)
                self.run_dir.chmod(0o700)
                template.copy(found, self.data_dir)
            self.reserve()
            (self.run_dir / "tmp").mkdir(exist_ok=True)
            self._process = launch(found, self.run_dir, self._settings())
            wait_ready(self._process, self.name, self.port, self.log)

    def stop(self) -> None:
        """Shut the server down cleanly; one that takes too long is killed."""
        with self._changing:
            if self._process is None:
                return
            self._process.send_signal(signal.SIGTERM)
            # A suspended server would sleep through the request.
            self._process.send_signal(signal.SIGCONT)
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                self.kill()
            self._process = None

    def kill(self) -> None:
        """Kill the server as a power cut would (`kill -9`)."""
        with self._changing:
            if self._process is not None:
                self._process.kill()
                self._process.wait()
                self._process = None

    def destroy(self) -> None:
        """Kill the server and remove its data and its directory."""
        with self._changing:
            self.kill()
            if self._port is not None:
                self._port.release()
                self._port = None
            shutil.rmtree(self.run_dir, ignore_errors=True)

    def _settings(self) -> Options:
        return {
            **self._options,
            "datadir": str(self.data_dir),
            "port": str(self.port),
            "bind_address": LOOPBACK,
            "server_id": str(self.server_id),
            "log_error": str(self.log),
        }


def launch(found: ServerProgram, run_dir: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a server process over an existing data directory, without waiting for it."""
    options = {
        # Relative to the data directory, so that no run directory is too deep for a socket's path.
        "socket": "server.sock",
        "pid_file": str(run_dir / "pid"),
        "tmpdir": str(run_dir / "tmp"),
        "secure_file_priv": str(run_dir / "tmp"),
        **settings,
    }
    if os.getuid() == 0:
        options["user"] = "root"
    configuration = run_dir / "server.cnf"
    configuration.write_text("[mysqld]\n" + "".join(f"{key}={value}\n" for key, value in options.items()))
    configuration.chmod(0o600)
    with (run_dir / "output.log").open("ab") as output:
        return spawn([*found.command, f"--defaults-file={configuration}", *found.arguments], cwd=run_dir, output=output)


def wait_ready(process: subprocess.Popen[bytes], name: str, port: int, log: Path) -> None:
    """Wait until the server refuses a stranger's login: then it serves everybody else.

    Raises:
        ServerFailed: it ended, or was not ready in time.
    """
    deadline = time.monotonic() + _READY_S
    while not _refuses_stranger(port):
        if process.poll() is not None:
            raise ServerFailed(f"{name} ended with code {process.returncode} while starting ({_log_tail(log)}).")
        if time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise ServerFailed(f"{name} was not ready after {_READY_S:.0f} s ({_log_tail(log)}).")
        time.sleep(_POLL_S)


def connect(
    endpoint: Endpoint, database: str | None = None, *, coming_from: str | None = None
) -> pymysql.Connection[pymysql.cursors.Cursor]:
    """A plain session on a sandbox server, in the collation that every engine can replicate.

    `coming_from`: the loopback host that the server sees, None for the usual one.
    Without TLS: on loopback it hides nothing, and the list of trusted authorities costs 55 ms of CPU to read.
    """
    return pymysql.connect(
        host=endpoint.host,
        port=endpoint.port,
        user=endpoint.account.user,
        password=endpoint.account.password.reveal(),
        database=database,
        charset="utf8mb4",
        collation=COLLATION,
        autocommit=True,
        ssl_disabled=True,
        bind_address=coming_from,
        connect_timeout=5,
        read_timeout=30,
        write_timeout=30,
    )


def _refuses_stranger(port: int) -> bool:
    try:
        pymysql.connect(
            host=LOOPBACK,
            port=port,
            user="stranger",
            charset="utf8mb4",
            ssl_disabled=True,
            connect_timeout=2,
            read_timeout=2,
        ).close()
    except pymysql.err.OperationalError as error:
        return error.args[0] in _ACCESS_DENIED
    except pymysql.err.Error:
        return False
    return True


def _log_tail(log: Path) -> str:
    if not log.exists():
        return "it wrote no log"
    lines = [line for line in log.read_text(errors="replace").splitlines() if "ERROR" in line.upper()]
    return " / ".join(lines[-_LOG_LINES:]) or "its log names no error"
