"""Starting a sandbox and talking to its supervisor."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from providers.mysql.endpoint import Account, Endpoint
from providers.sandbox import programs, wire
from providers.sandbox.figures import WorkloadFigures
from providers.sandbox.packing import account_from_json
from providers.sandbox.paths import sandboxes_dir
from providers.sandbox.spec import TopologySpec
from providers.sandbox.supervisor import INFO, LOG, Order, module_command, module_environment
from providers.sandbox.topology import OnStartProgress, StartProgress, Which

IDLE_LIMIT_S = 12 * 3600.0
_LOCK = "lock"
_TIMEOUT_S = 90.0
_STOP_S = 30.0
_POLL_S = 0.01


class SandboxFailed(Exception):
    """The sandbox could not be started or refused a request; one sentence."""


class SandboxGone(SandboxFailed):
    """There is no supervisor any more, and so no servers."""


@dataclass(frozen=True)
class ServerStatus:
    """One server: its engine, port and error log; `pid` is None while it does not run."""

    engine: str
    port: int
    pid: int | None
    log: Path

    @property
    def running(self) -> bool:
        """Whether its process is there."""
        return self.pid is not None


@dataclass(frozen=True)
class SandboxStatus:
    """What a sandbox consists of now; `started_at` in seconds since 1970, `idle_limit_s` see `start`."""

    name: str
    spec: TopologySpec
    positioning: str
    attached: bool
    started_at: float
    supervisor_pid: int
    workload_pid: int | None
    idle_limit_s: float
    source: ServerStatus
    target: ServerStatus


@dataclass(frozen=True)
class SandboxEndpoints:
    """Where the servers are and the accounts for them.

    `source` and `target` carry the administrator; `app` is the application's account, the same on both;
    `forward` is what the target logs in to the source with, `reverse` the source to the target.
    """

    source: Endpoint
    target: Endpoint
    app: Account
    forward: Account
    reverse: Account


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox, spoken to through the socket in its run directory.

    Every method raises SandboxGone when the supervisor has ended, and SandboxFailed with its sentence when
    it refuses.
    """

    run_dir: Path

    @property
    def name(self) -> str:
        """The name of the run directory."""
        return self.run_dir.name

    @staticmethod
    def open(run_dir: Path) -> Sandbox:
        """The sandbox in `run_dir`.

        Raises:
            SandboxGone: none is running there.
        """
        sandbox = Sandbox(Path(run_dir))
        sandbox.status()
        return sandbox

    def status(self) -> SandboxStatus:
        """What it consists of now."""
        found = self._ask("status")
        servers = {
            which: ServerStatus(s["engine"], s["port"], s["pid"], Path(s["log"]))
            for which, s in found.pop("servers").items()
        }
        return SandboxStatus(**{**found, "spec": TopologySpec.from_json(found["spec"]), **servers})

    def endpoints(self) -> SandboxEndpoints:
        """Addresses and accounts; the only place where passwords come out."""
        found = self._ask("endpoints")
        administrator = account_from_json(found["administrator"])
        source, target = (
            Endpoint(which, found["servers"][which]["host"], found["servers"][which]["port"], administrator)
            for which in ("source", "target")
        )
        others = {key: account_from_json(found[key]) for key in ("app", "forward", "reverse")}
        return SandboxEndpoints(source, target, **others)

    def cloud(self) -> dict[str, Any]:
        """What a client of the simulated cloud needs, for the cloud's own class; refused where the sandbox has none."""
        found: dict[str, Any] = self._ask("cloud")
        return found

    def workload(self, command: str, **args: Any) -> Any:
        """Give the workload a command, such as start, arm, disarm, pause, resume, figures, switches, verify_lost, stop.

        `arm`: the target follows and is closed to writes, so that clients may learn of it. `disarm`: from here on both
        servers may take writes, each its own; nobody watches any more whether they do.
        """
        return self._ask("workload", command=command, args=args)

    def repoint(self, host: str, port: int) -> None:
        """Let the application's clients of a cloud know a second address, to which they turn when theirs refuses."""
        self.workload("repoint", host=host, port=port)

    def figures(self) -> WorkloadFigures:
        """What the workload's clients have seen so far."""
        return WorkloadFigures.from_json(self.workload("figures"))

    def verify_lost(self, server: Which | None = None) -> WorkloadFigures:
        """Look for lost writes, on the server that takes writes now or on `server`; the clients must be paused."""
        return WorkloadFigures.from_json(self.workload("verify_lost", server=server))

    def kill_server(self, which: Which) -> None:
        """Kill a server with `kill -9`."""
        self._ask("kill_server", which=which)

    def stop_server(self, which: Which) -> None:
        """Shut a server down cleanly."""
        self._ask("stop_server", which=which)

    def start_server(self, which: Which) -> None:
        """Start a server again: same data, same port, same identity."""
        self._ask("start_server", which=which)

    def attach(self) -> None:
        """Make the target a replica of the source."""
        self._ask("attach")

    def stop(self) -> None:
        """Take everything down and wait until nothing is left; a sandbox that is gone already is no error."""
        # One that was killed a moment ago may still be about to let go of its lock.
        with contextlib.suppress(SandboxGone):
            self._ask("stop")
        deadline = time.monotonic() + _STOP_S
        while self.run_dir.exists() and not _sweep(self.run_dir):
            if time.monotonic() > deadline:
                raise SandboxFailed(f"{self.name} did not end within {_STOP_S:.0f} s: see {self.run_dir / LOG}.")
            time.sleep(_POLL_S)

    def _ask(self, request: str, **given: Any) -> Any:
        try:
            answer = wire.ask(self.run_dir, {"do": request, **given}, _TIMEOUT_S)
        except TimeoutError as error:
            raise SandboxFailed(
                f"The sandbox {self.name} did not answer {request} within {_TIMEOUT_S:.0f} s: see {self.run_dir / LOG}."
            ) from error
        except (OSError, ValueError) as error:
            raise SandboxGone(f"The sandbox {self.name} has ended: start another one.") from error
        if not answer["ok"]:
            raise SandboxFailed(str(answer["error"]))
        return answer["result"]


def start(
    spec: TopologySpec,
    on_progress: OnStartProgress | None = None,
    *,
    base: Path | None = None,
    idle_limit_s: float = IDLE_LIMIT_S,
) -> Sandbox:
    """Start a sandbox in a supervisor of its own and wait until both servers are up and the data is loaded.

    It lives until `stop`, or until nobody has asked it anything for `idle_limit_s`.

    Raises:
        UnknownEngine, UnsupportedPair, EngineMissing, ValueError: the spec cannot be carried out.
        SandboxFailed: the start failed; nothing is left behind.
    """
    pair = spec.resolve()
    for engine in (pair.source, pair.target):
        programs.program(engine)
    running(base)
    with _run_dir(base) as (run_dir, lock):
        outcome = _start_supervisor(run_dir, lock, Order(spec, idle_limit_s), on_progress or (lambda _: None))
    if outcome is not None:
        raise SandboxFailed(outcome)
    return Sandbox(run_dir)


def running(base: Path | None = None) -> tuple[Sandbox, ...]:
    """The sandboxes that are ready, oldest first; what dead supervisors left behind is removed."""
    found: list[tuple[float, Sandbox]] = []
    for run_dir in sandboxes_dir(base).glob("*"):
        if _sweep(run_dir):
            continue
        try:
            info = json.loads((run_dir / INFO).read_text())
        except (FileNotFoundError, ValueError):
            continue
        found.append((float(info["started_at"]), Sandbox(run_dir)))
    return tuple(sandbox for _, sandbox in sorted(found, key=lambda entry: entry[0]))


def place(base: Path | None = None) -> Path:
    """The directory that holds the run directories, made where it is not there.

    Raises:
        SandboxFailed: it cannot be written.
    """
    parent = sandboxes_dir(base)
    with _kept_in(parent):
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=parent.parent):
            return parent


@contextlib.contextmanager
def _kept_in(parent: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SandboxFailed(
            f"No sandbox can be kept in {parent} ({error.strerror}): make it writable, "
            f"or name another directory in CUTOVER_STATE."
        ) from error


@contextlib.contextmanager
def _run_dir(base: Path | None) -> Iterator[tuple[Path, int]]:
    """A new run directory, and the descriptor of its lock, which is held from before anybody can see it."""
    parent = place(base)
    name = secrets.token_hex(4)
    with _kept_in(parent):
        hidden = parent.parent / f".sandbox-{name}"
        hidden.mkdir(mode=0o700)
        lock = os.open(hidden / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        run_dir = hidden.rename(parent / name)
    try:
        yield run_dir, lock
    finally:
        os.close(lock)


def _start_supervisor(run_dir: Path, lock: int, order: Order, on_progress: OnStartProgress) -> str | None:
    """Start the supervisor and follow its start; what went wrong, None if it is ready."""
    reader, writer = os.pipe()
    with (run_dir / LOG).open("ab") as log:
        process = subprocess.Popen(
            [*module_command("providers.sandbox.supervisor"), str(run_dir), str(lock), str(writer)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(lock, writer),
            env=module_environment(),
            start_new_session=True,
        )
    os.close(writer)
    # Reaps it should it end while this process lives.
    threading.Thread(target=process.wait, name="reap supervisor", daemon=True).start()
    try:
        with os.fdopen(reader) as reports:
            _give_order(process, order)
            for line in reports:
                report = json.loads(line)
                if "progress" in report:
                    on_progress(StartProgress(**report["progress"]))
                elif "ready" in report:
                    return None
                else:
                    return f"The sandbox could not be started: {report['error']}"
    except BaseException:
        # Whoever gave the start up wants no sandbox.
        process.terminate()
        raise
    last = _last_line(run_dir / LOG)
    shutil.rmtree(run_dir, ignore_errors=True)
    return f"The sandbox's supervisor ended while it started ({last}): start it again."


def _give_order(process: subprocess.Popen[bytes], order: Order) -> None:
    assert process.stdin is not None
    try:
        with process.stdin:
            process.stdin.write(json.dumps(order.as_json()).encode() + b"\n")
    except BrokenPipeError:
        # It has ended already; its log says why.
        pass


def _last_line(path: Path) -> str:
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except FileNotFoundError:
        lines = []
    return lines[-1][:300] if lines else "it left no message"


def _sweep(run_dir: Path) -> bool:
    """Remove the run directory if its supervisor is dead; whether it is gone now."""
    try:
        with (run_dir / _LOCK).open("r+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (FileNotFoundError, NotADirectoryError):
        # A supervisor that is ending is removing the directory, or has done so.
        pass
    shutil.rmtree(run_dir, ignore_errors=True)
    return True
