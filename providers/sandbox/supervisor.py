"""The process that owns a sandbox: its servers and its workload live and die with it.

It is started detached, so that it outlives the screen and the terminal, and listens on a Unix socket in its
run directory. Its arguments are the run directory and two inherited descriptors: the lock that says it lives,
and the pipe on which it reports how its start goes. What to start comes on standard input.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pymysql

from providers.mysql.errors import ServerError
from providers.sandbox import passwords, wire
from providers.sandbox.catalogue import EngineMissing, UnknownEngine
from providers.sandbox.cloud import RunningCloud
from providers.sandbox.launcher import ServerFailed
from providers.sandbox.packing import account_as_json
from providers.sandbox.ports import NoFreePort
from providers.sandbox.spawner import spawn
from providers.sandbox.spec import TopologySpec, UnsupportedPair
from providers.sandbox.topology import WHICH, StartProgress, Topology, Which, attach

_LOOK_S = 1.0
_EXPECTED = (EngineMissing, UnknownEngine, UnsupportedPair, ServerFailed, ServerError, NoFreePort, ValueError)
INFO = "sandbox.json"
LOG = "supervisor.log"

log = logging.getLogger(__name__)


class RequestRefused(Exception):
    """The supervisor cannot do what was asked; one sentence."""


def module_command(module: str) -> list[str]:
    """The command that runs a module of this package in a process of its own."""
    return [sys.executable, "-P", "-m", module]


def module_environment() -> dict[str, str]:
    """The environment in which such a process finds this package, wherever it was imported from."""
    root = str(Path(__file__).resolve().parents[2])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


class WorkloadProcess:
    """The workload, spoken to over its standard input and output."""

    def __init__(self, run_dir: Path) -> None:
        self._lock = threading.Lock()
        with (run_dir / "workload.log").open("ab") as output:
            self._process = spawn(
                module_command("providers.sandbox.workload"),
                cwd=Path("/"),
                output=output,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                environment=module_environment(),
            )

    @property
    def pid(self) -> int | None:
        """The process, None if it has ended."""
        return self._process.pid if self._process.poll() is None else None

    def ask(self, command: str, given: Mapping[str, Any]) -> Any:
        """Give a command and wait for its result.

        Raises:
            RequestRefused: the workload refuses it, or has ended.
        """
        source, sink = self._process.stdout, self._process.stdin
        assert source is not None
        assert sink is not None
        with self._lock:
            try:
                sink.write(json.dumps({**given, "do": command}).encode() + b"\n")
                sink.flush()
                line = source.readline()
            except BrokenPipeError:
                line = b""
        if not line:
            raise RequestRefused("The workload has ended: stop the sandbox and start another one.")
        answer = json.loads(line)
        if not answer["ok"]:
            raise RequestRefused(answer["error"])
        return answer["result"]

    def kill(self) -> None:
        """End the workload at once."""
        self._process.kill()
        self._process.wait()


@dataclass(frozen=True)
class Order:
    """What a supervisor is told to start; it ends by itself after `idle_limit_s` without a request."""

    spec: TopologySpec
    idle_limit_s: float

    def as_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return {"spec": self.spec.as_json(), "idle_limit_s": self.idle_limit_s}

    @staticmethod
    def from_json(content: Mapping[str, Any]) -> Order:
        """The reverse of `as_json`."""
        return Order(TopologySpec.from_json(content["spec"]), float(content["idle_limit_s"]))


class Supervisor:
    """The sandbox in `run_dir`."""

    def __init__(self, run_dir: Path, order: Order) -> None:
        self.stopping = threading.Event()
        self._run_dir = run_dir
        self._order = order
        self._topology = Topology(order.spec, run_dir)
        self._changing = threading.Lock()
        self._workload: WorkloadProcess | None = None
        self._cloud: RunningCloud | None = None
        self._attached = False
        self._started_at = time.time()
        self._asked = time.monotonic()
        self._known: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "status": lambda _: self._status(),
            "endpoints": lambda _: self._endpoints(),
            "cloud": lambda _: self._running_cloud().access(),
            "workload": lambda given: self._command(str(given["command"]), given["args"]),
            "kill_server": lambda given: self._change(given["which"], lambda server: server.kill()),
            "stop_server": lambda given: self._change(given["which"], lambda server: server.stop()),
            "start_server": lambda given: self._change(given["which"], lambda server: server.start()),
            "attach": lambda _: self._attach(),
            "stop": lambda _: self.stopping.set(),
        }

    def start(self, on_progress: Callable[[StartProgress], None]) -> None:
        """Start everything and load the data; raises what `Topology.start` raises."""
        # The workload's interpreter starts while the servers do.
        self._workload = WorkloadProcess(self._run_dir)
        began = time.monotonic()
        self._topology.start(on_progress)
        self._attached = self._order.spec.attached
        if self._order.spec.cloud is not None:
            on_progress(StartProgress("cloud", "starting the simulated cloud", time.monotonic() - began))
            self._cloud = self._order.spec.cloud.start(self._topology.ground())

    def serve(self) -> None:
        """Answer requests until a stop is asked for, or nobody has asked for anything for too long."""
        self._asked = time.monotonic()
        listener = wire.listen(self._run_dir)
        threading.Thread(target=self._accept, args=(listener,), name="accept", daemon=True).start()
        info = {"pid": os.getpid(), "started_at": self._started_at, "spec": self._order.spec.as_json()}
        unfinished = self._run_dir / f".{INFO}"
        unfinished.write_text(json.dumps(info))
        unfinished.rename(self._run_dir / INFO)

    def wait(self) -> None:
        """Wait for the end that is asked for, for the idle limit, or for the loss of the run directory."""
        answered = 0
        while not self.stopping.wait(_LOOK_S):
            if self._cloud is not None and self._cloud.answered != answered:
                answered, self._asked = self._cloud.answered, time.monotonic()
            if time.monotonic() - self._asked > self._order.idle_limit_s:
                log.info("nothing was asked for %.0f s: the sandbox ends", self._order.idle_limit_s)
                return
            if not (self._run_dir / wire.SOCKET).exists():
                # Somebody removed the directory, and with it every way to ask for the end.
                return

    def destroy(self) -> None:
        """Take workload, servers and cloud down and remove the run directory."""
        if self._workload is not None:
            self._workload.kill()
        if self._cloud is not None:
            # What it has under way ends with the servers, and must not start them again.
            self._cloud.halt()
            self._topology.kill()
            self._cloud.close()
        self._topology.destroy()
        shutil.rmtree(self._run_dir, ignore_errors=True)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            stream, _ = listener.accept()
            threading.Thread(target=self._answer, args=(stream,), name="answer", daemon=True).start()

    def _answer(self, stream: socket.socket) -> None:
        with stream:
            try:
                request = wire.receive(stream)
                if request is not None:
                    wire.send(stream, self._do(request))
            except (OSError, ValueError) as error:
                log.info("a caller went away or sent nonsense: %s", error)

    def _do(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._asked = time.monotonic()
        action = self._known.get(str(request.get("do")))
        if action is None:
            return {"ok": False, "error": f"The sandbox knows no request {request.get('do')!r}."}
        try:
            return {"ok": True, "result": action(request)}
        except (RequestRefused, *_EXPECTED) as error:
            return {"ok": False, "error": str(error)}
        except KeyError as error:
            return {"ok": False, "error": f"The request lacks {error}."}
        except Exception as error:
            # The boundary of a request: whatever went wrong, the caller gets an answer and the sandbox lives on.
            log.exception("the request failed: %s", request.get("do"))
            return {"ok": False, "error": f"The sandbox could not do {request.get('do')}: {error}."}

    def _status(self) -> dict[str, Any]:
        return {
            "name": self._run_dir.name,
            "spec": self._order.spec.as_json(),
            "positioning": self._topology.pair.positioning.value,
            "attached": self._attached,
            "started_at": self._started_at,
            "supervisor_pid": os.getpid(),
            "workload_pid": self._workload.pid if self._workload else None,
            "idle_limit_s": self._order.idle_limit_s,
            "servers": {
                which: {"engine": server.engine.name, "port": server.port, "pid": server.pid, "log": str(server.log)}
                for which, server in self._topology.servers.items()
            },
        }

    def _endpoints(self) -> dict[str, Any]:
        accounts = passwords.load()
        servers = {which: server.endpoint() for which, server in self._topology.servers.items()}
        return {
            "servers": {which: {"host": e.host, "port": e.port} for which, e in servers.items()},
            "administrator": account_as_json(accounts.administrator),
            "app": account_as_json(accounts.application),
            "forward": account_as_json(self._topology.forward_account()),
            "reverse": account_as_json(self._topology.reverse_account()),
        }

    def _running_cloud(self) -> RunningCloud:
        if self._cloud is None:
            raise RequestRefused("This sandbox has no simulated cloud: start one whose spec names a cloud.")
        return self._cloud

    def _command(self, command: str, given: Mapping[str, Any]) -> Any:
        if self._workload is None:
            raise RequestRefused("The workload has not been started yet.")
        if command != "start":
            return self._workload.ask(command, given)
        spec, app = self._order.spec, passwords.load().application
        servers = [server.endpoint() for server in self._topology.every]
        order = {
            "servers": [{"name": e.name, "host": e.host, "port": e.port} for e in servers],
            "application": self._cloud.application if self._cloud else None,
            "user": app.user,
            "password": app.password.reveal(),
            "rows": spec.rows,
            "rate": given.get("rate", spec.rate),
            "clients": given.get("clients", spec.clients),
        }
        return self._workload.ask(command, order)

    def _change(self, which: Which, act: Callable[[Any], None]) -> None:
        if which not in WHICH:
            raise RequestRefused(f"There is no server {which!r}: use source or target.")
        with self._changing:
            act(self._topology.servers[which])

    def _attach(self) -> None:
        if self._cloud is not None:
            raise RequestRefused("A cloud attaches its target itself: order a cluster from it.")
        with self._changing:
            attach(self._topology)
            self._attached = True


class _Reports:
    """The pipe to whoever started the supervisor; that process may be gone."""

    def __init__(self, descriptor: int) -> None:
        self._stream = os.fdopen(descriptor, "w")

    def tell(self, content: Mapping[str, Any]) -> None:
        try:
            self._stream.write(json.dumps(content) + "\n")
            self._stream.flush()
        except BrokenPipeError:
            # The flush left the text in the buffer, whose next flush would fail as well.
            self._stream = open(os.devnull, "w")  # noqa: SIM115

    def close(self) -> None:
        self._stream.close()


def run(run_dir: Path, reports: _Reports, order: Order) -> None:
    """Start the sandbox, serve it, and take it down."""
    supervisor = Supervisor(run_dir, order)
    # A start that is under way goes on to its end, so that there is something whole to take down.
    signal.signal(signal.SIGTERM, lambda *_: supervisor.stopping.set())
    try:
        supervisor.start(lambda progress: reports.tell({"progress": asdict(progress)}))
        supervisor.serve()
        reports.tell({"ready": True})
        reports.close()
        supervisor.wait()
    except (*_EXPECTED, pymysql.err.Error, OSError, subprocess.CalledProcessError) as error:
        log.exception("the sandbox ends")
        reports.tell({"error": str(error)})
    finally:
        supervisor.destroy()


def main() -> None:
    """The supervisor's process."""
    run_dir, descriptor = Path(sys.argv[1]), int(sys.argv[3])
    for harmless in (signal.SIGHUP, signal.SIGINT):
        signal.signal(harmless, signal.SIG_IGN)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    os.chdir("/")
    run(run_dir, _Reports(descriptor), Order.from_json(json.loads(sys.stdin.readline())))
    # Threads that still answer somebody have nothing left to answer about.
    os._exit(0)


if __name__ == "__main__":
    main()
