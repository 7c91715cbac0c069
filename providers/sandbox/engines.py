"""The sandbox's engines: which there are, what is installed, and installing them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path

from providers.sandbox import programs
from providers.sandbox.catalogue import (
    COMPAT,
    DEFAULT_ENGINES,
    ENGINES,
    DebianOrigin,
    Engine,
    EngineInstallFailed,
    EngineMissing,
    EngineStatus,
    InstallProgress,
    NpmOrigin,
    OnInstallProgress,
    UnknownEngine,
)
from providers.sandbox.paths import cache_dir, engines_dir, exclusive, scratch

__all__ = [
    "DEFAULT_ENGINES",
    "ENGINES",
    "Engine",
    "EngineInstallFailed",
    "EngineMissing",
    "EngineStatus",
    "InstallProgress",
    "OnInstallProgress",
    "UnknownEngine",
    "find",
    "install",
    "installed",
    "missing",
    "provide",
    "status",
]


def find(name: str) -> Engine:
    """The engine of this name, of the catalogue or found on PATH.

    Raises:
        UnknownEngine: there is none; the sentence names those there are.
    """
    known = (*ENGINES, *programs.path_engines())
    for engine in known:
        if engine.name == name:
            return engine
    raise UnknownEngine(f"There is no engine {name!r}: use one of {', '.join(engine.name for engine in known)}.")


def installed(engine: Engine) -> bool:
    """Whether servers of this engine can be started now."""
    return status_of(engine).installed


def missing(names: Iterable[str]) -> tuple[Engine, ...]:
    """Those of the named engines that have to be installed first, with what they need."""
    wanted: dict[str, Engine] = {}
    for name in names:
        engine = find(name)
        if not installed(engine):
            for part in (*(_part(need) for need in engine.needs), engine):
                if not programs.is_in_cache(part):
                    wanted[part.name] = part
    return tuple(wanted.values())


def status() -> tuple[EngineStatus, ...]:
    """Every engine of the catalogue, then those found on PATH."""
    return tuple(status_of(engine) for engine in (*ENGINES, *programs.path_engines()))


def status_of(engine: Engine) -> EngineStatus:
    """What is there of one engine."""
    try:
        found = programs.program(engine)
    except EngineMissing:
        return EngineStatus(engine, False, "", "", "")
    if programs.is_in_cache(engine):
        return EngineStatus(engine, True, "cache", found.release, str(programs.record(engine).get("note", "")))
    note = "" if found.engine is engine else f"{found.command[0]} is used in its place"
    return EngineStatus(engine, True, "path", found.release, note)


def install(names: Iterable[str], on_progress: OnInstallProgress) -> None:
    """Install the named engines, and what they need, into the user's cache directory.

    What is there already is left alone. Each engine is started once, to prepare the data directory that
    servers are copied from. Another process may install the same engine at the same time: one
    waits for the other. An installation that fails leaves nothing behind.

    Raises:
        UnknownEngine: a name is not in the catalogue.
        EngineInstallFailed: one sentence on what is missing and how to supply it.
    """
    for engine in [find(name) for name in names]:
        for part in (*(_part(need) for need in engine.needs), engine):
            if isinstance(part.origin, DebianOrigin | NpmOrigin):
                _install_one(part, on_progress)
        _prepare(engine, on_progress)
        on_progress(InstallProgress(engine.name, "ready", 0, 0, _ready_message(engine)))


def provide(names: Iterable[str], on_progress: OnInstallProgress) -> None:
    """Install those of the named engines that cannot be started yet.

    Raises:
        UnknownEngine, EngineInstallFailed: as `install`.
    """
    install([name for name in names if not installed(find(name))], on_progress)


def _part(name: str) -> Engine:
    return COMPAT if name == COMPAT.name else find(name)


def _install_one(engine: Engine, on_progress: OnInstallProgress) -> None:
    def report(phase_message: str) -> None:
        on_progress(InstallProgress(engine.name, "waiting", 0, 0, phase_message))

    target = engines_dir() / engine.name
    try:
        engines_dir().mkdir(parents=True, exist_ok=True)
        with exclusive(
            engines_dir() / f".{engine.name}.lock", lambda: report("another process is installing this engine")
        ):
            if not (target / "engine.json").is_file():
                _require_room(engine)
                with scratch(engines_dir(), engine.name) as work:
                    _fill(engine, work / "new", on_progress)
                    shutil.rmtree(target, ignore_errors=True)
                    (work / "new").rename(target)
    except OSError as error:
        raise EngineInstallFailed(
            f"{engine.name} could not be installed in {cache_dir()} ({error.strerror or error}): "
            f"make the directory writable and roomy, or name another one in CUTOVER_CACHE."
        ) from error


def _prepare(engine: Engine, on_progress: OnInstallProgress) -> None:
    """Make the data directory that servers are copied from, which proves that the engine runs here."""
    on_progress(InstallProgress(engine.name, "prepare", 0, 0, f"starting {engine.title} for the first time"))
    from providers.sandbox import template
    from providers.sandbox.launcher import ServerFailed

    try:
        template.prepare(programs.program(engine))
    except ServerFailed as error:
        raise EngineInstallFailed(f"{engine.name} is installed and does not run on this machine: {error}") from error


def _require_room(engine: Engine) -> None:
    needed = 2 * (engine.download_mb + engine.disk_mb)
    free = shutil.disk_usage(engines_dir()).free // 10**6
    if free < needed:
        raise EngineInstallFailed(
            f"{engine.name} needs {needed} MB in {cache_dir()} and {free} MB are free: make room, "
            f"or name another directory in CUTOVER_CACHE."
        )


def _fill(engine: Engine, prefix: Path, on_progress: OnInstallProgress) -> None:
    prefix.mkdir()
    if isinstance(engine.origin, NpmOrigin):
        from providers.sandbox import install_npm

        install_npm.install(engine, engine.origin, prefix, on_progress)
    elif isinstance(engine.origin, DebianOrigin):
        from providers.sandbox import install_debian

        install_debian.install(engine, engine.origin, prefix, on_progress)
    _note_other_series(engine, prefix)


def _note_other_series(engine: Engine, prefix: Path) -> None:
    """Debian's suites move on: another series is better than none, if the operator is told."""
    path = prefix / "engine.json"
    content = json.loads(path.read_text())
    release = str(content["release"])
    series = f"{engine.version[0]}.{engine.version[1]}"
    if engine is not COMPAT and not release.startswith(series + "."):
        content["note"] = f"ATTENTION: the archive has {release} now, which is used in place of {series}"
        path.write_text(json.dumps(content, indent=1))


def _ready_message(engine: Engine) -> str:
    if not programs.is_in_cache(engine):
        return f"{engine.title} is on this machine"
    content = programs.record(engine)
    return str(content.get("note") or f"{content['release'] or engine.name} is installed")
