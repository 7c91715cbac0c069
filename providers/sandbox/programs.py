"""How the server program of an engine is run: from the engines directory, or one that this machine has."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from providers.sandbox.catalogue import COMPAT, Engine, EngineMissing, Family, NpmOrigin, PathOrigin
from providers.sandbox.loader import loader
from providers.sandbox.paths import engines_dir

_ADMIN_DIRS = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec")
_VERSION = re.compile(r"Ver (\d+)\.(\d+)\.(\S+)")
_ASK_TIMEOUT_S = 10


@dataclass(frozen=True)
class ServerProgram:
    """A server program as it can be run.

    `command` is what comes before the options, `arguments` the options that name the program's own files,
    `share` the directory of its message files and bootstrap scripts (empty data directory for `seed_data`).
    `identity` changes with every other build, so that a prepared data directory is not used by another one.
    """

    engine: Engine
    command: tuple[str, ...]
    arguments: tuple[str, ...]
    share: Path
    seed_data: Path | None
    identity: str
    release: str


def program(engine: Engine) -> ServerProgram:
    """The installed program of `engine`, else one of the same series on PATH.

    Raises:
        EngineMissing: there is neither, or the installation is damaged.
    """
    if isinstance(engine.origin, PathOrigin):
        return _on_path(engine, engine.origin.program)
    if is_in_cache(engine):
        return _from_npm(engine) if isinstance(engine.origin, NpmOrigin) else _from_debian(engine)
    for other in path_engines():
        if (other.family, other.version) == (engine.family, engine.version):
            return program(other)
    raise EngineMissing(f"{engine.name} is not installed: run `cutover engines install {engine.name}`.")


def is_in_cache(engine: Engine) -> bool:
    """Whether the engine, and what it needs, is in the engines directory."""
    return all((engines_dir() / name / "engine.json").is_file() for name in (engine.name, *engine.needs))


def record(engine: Engine) -> dict[str, object]:
    """What the installation wrote down: release, note, packages with their digests."""
    content: dict[str, object] = json.loads((engines_dir() / engine.name / "engine.json").read_text())
    return content


def _from_npm(engine: Engine) -> ServerProgram:
    prefix = engines_dir() / engine.name
    share = prefix / "share"
    messages = share if (share / "english").is_dir() else share / "mysql"
    seed = prefix / "data" / "mysql"
    return ServerProgram(
        engine,
        (*loader(engines_dir() / COMPAT.name), str(prefix / "mysqld")),
        (f"--basedir={prefix}", f"--lc-messages-dir={messages}", f"--character-sets-dir={messages / 'charsets'}"),
        messages,
        seed if engine.version < (5, 7) else None,
        (prefix / "engine.json").read_text(),
        str(record(engine).get("release", "")),
    )


def _from_debian(engine: Engine) -> ServerProgram:
    prefix = engines_dir() / engine.name
    names = ("mariadbd", "mysqld") if engine.family == "mariadb" else ("mysqld",)
    places = (prefix / "usr" / directory / name for name in names for directory in ("sbin", "bin"))
    server = next((place for place in places if place.exists()), None)
    if server is None:
        raise EngineMissing(f"{engine.name} has lost its server program: remove {prefix} and install it again.")
    share = next((path for path in (prefix / "usr/share/mariadb", prefix / "usr/share/mysql") if path.is_dir()), prefix)
    if not (share / "english").is_dir():
        share = prefix / "usr/share/mysql"
    plugins = next(iter((prefix / "usr/lib").glob("*/plugin")), prefix / "usr/lib/mysql/plugin")
    return ServerProgram(
        engine,
        (*loader(prefix), os.path.realpath(server)),
        (
            f"--basedir={prefix / 'usr'}",
            f"--lc-messages-dir={share}",
            f"--character-sets-dir={share / 'charsets'}",
            f"--plugin-dir={plugins}",
        ),
        share,
        None,
        (prefix / "engine.json").read_text(),
        str(record(engine).get("release", "")),
    )


def _on_path(engine: Engine, path: str) -> ServerProgram:
    base = Path(path).parent.parent
    places = [base / "share" / name for name in ("mariadb", "mysql", "")] + [Path("/usr/share/mysql")]
    share = next((place for place in places if (place / "english").is_dir()), places[-1])
    seen = _ask(path, Path(path).stat().st_mtime_ns)
    release = seen[2] if seen else ""
    return ServerProgram(engine, (path,), (), share, None, f"{path} {release}", release)


def path_engines() -> tuple[Engine, ...]:
    """The server programs on PATH and in the usual places for administrators' programs."""
    places = os.pathsep.join((os.environ.get("PATH", os.defpath), *_ADMIN_DIRS))
    found: dict[str, Engine] = {}
    for name in ("mariadbd", "mysqld"):
        path = shutil.which(name, path=places)
        if path is None:
            continue
        seen = _ask(path, Path(path).stat().st_mtime_ns)
        if seen is None:
            continue
        family, version, _ = seen
        engine = Engine(
            f"path-{family}-{version[0]}.{version[1]}", family, version, PathOrigin(path), download_mb=0, disk_mb=0
        )
        found.setdefault(engine.name, engine)
    return tuple(found.values())


@functools.cache
def _ask(path: str, _changed_ns: int) -> tuple[Family, tuple[int, int], str] | None:
    """Family, series and release that a program tells of itself; None if it is no server program."""
    try:
        result = subprocess.run(
            [path, "--no-defaults", "--version"], capture_output=True, text=True, timeout=_ASK_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = _VERSION.search(result.stdout)
    if match is None:
        return None
    family: Family = "mariadb" if "mariadb" in result.stdout.lower() else "mysql"
    major, minor, patch = match.groups()
    return family, (int(major), int(minor)), f"{major}.{minor}.{patch.split('-')[0]}"
